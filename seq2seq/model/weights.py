"""Weights as the files of a stock folder hold them, under the stock names.

A folder may be anybody's: nothing outside of it is read, and no code that a pickle could hold runs.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from seq2seq.errors import ModelError
from seq2seq.files import read_json_object

ADAPTER_MATRIX = "lora_"  # in the names that peft gives to matrices of an adapter


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    """The weights of a module, a matrix that stands in several places of it only once.

    With an adapter (LoRA) its small matrices alone, where the others stay what they began as.
    """
    parameters = dict(module.named_parameters())
    adapted = {name for name in parameters if ADAPTER_MATRIX in name}
    learning = {name for name, one in parameters.items() if one.requires_grad}
    once = {*parameters, *(name for name, _ in module.named_buffers())}
    kept = adapted if adapted and learning <= adapted else once
    return {name: tensor for name, tensor in module.state_dict().items() if name in kept}


def load_weights(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put back what `weights_of` gave, or gave in versions that kept the whole of adapted models.

    Raises:
        RuntimeError: A weight is missing, unknown or of another shape.
    """
    needed = weights_of(module).keys()
    if missing := needed - weights.keys():
        raise RuntimeError(f"{len(missing)} weights are missing, such as {min(missing)}")
    repeated = module.state_dict().keys() - needed  # filled in with the one that they repeat
    found = module.load_state_dict(weights, strict=not repeated)
    if found.unexpected_keys:
        raise RuntimeError(f"{found.unexpected_keys[0]} and perhaps others are unknown")


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Read the weights of a folder: one file, its shards, or the pickle of an older model.

    Raises:
        ModelError: A file is missing or damaged, or lies outside the folder.
    """
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    pickled = folder / "pytorch_model.bin"
    if single.exists():
        files = [single]
    elif index.exists():
        files = [folder / name for name in shard_names(index)]
    elif pickled.exists():
        return _read_pickled(pickled)
    elif any(folder.glob("*.onnx")):
        raise ModelError(
            f"{folder}: graphs in ONNX, which other programs run, needed model.safetensors; give "
            "the model that they were exported from"
        )
    else:
        raise ModelError(
            f"{folder}: no model.safetensors, weights in that format are needed; convert others by "
            "loading them with transformers and calling save_pretrained"
        )
    state: dict[str, Tensor] = {}
    for file in files:
        try:
            state |= load_file(file)
        except Exception as error:  # what the library raises depends on what is wrong
            raise ModelError(
                f"{file}: cannot be read ({error}), a whole safetensors file is needed; "
                "copy or download it again"
            ) from None
    return state


def shard_names(index: Path) -> list[str]:
    """The files that an index of weights names, all of them in its own folder.

    Raises:
        ModelError: It is no such index, or names a file elsewhere, which a folder that somebody
            else made must not have read.
    """
    content = read_json_object(index, error=ModelError, needed="an index with a 'weight_map'")
    map_ = content.get("weight_map")
    if not isinstance(map_, dict) or not all(isinstance(name, str) for name in map_.values()):
        raise ModelError(
            f"{index}: no 'weight_map' from weights to names of files, an index with one is "
            "needed; copy or download it again"
        )
    names = sorted(set(map_.values()))
    outside = [name for name in names if Path(name).name != name or "\\" in name]
    if outside:
        raise ModelError(
            f"{index}: names '{outside[0]}', a file of the folder itself is needed; copy the "
            "weights there and write the index again"
        )
    return names


def refuse_not_finite(weights: Mapping[str, Tensor], *, where: object) -> None:
    """Refuse weights that cannot have learnt anything: their outputs would be empty or noise.

    Args:
        weights: By name.
        where: What to call the model.

    Raises:
        ModelError: Some numbers are infinite or none at all.
    """
    wrong = [name for name, tensor in weights.items() if not torch.isfinite(tensor).all()]
    if wrong:
        raise ModelError(
            f"{where}: {len(wrong)} weights hold numbers that are not finite, such as "
            f"'{wrong[0]}'; copy or download the model again, or train it with a lower rate if it "
            "was saved so"
        )


def _read_pickled(path: Path) -> dict[str, Tensor]:
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what the library raises depends on what is wrong
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    else:
        if isinstance(state, dict) and all(map(torch.is_tensor, state.values())):
            return {str(name): tensor for name, tensor in state.items()}
        reason = f"a {type(state).__name__} with more than tensors"
    raise ModelError(
        f"{path}: cannot be read ({reason}), a whole file of nothing but weights is needed; "
        "copy or download it again"
    )


def write_weights(weights: Mapping[str, Tensor], path: Path) -> None:
    """Write a safetensors file.

    Raises:
        OSError: The system refuses; safetensors itself raises an error of its own then.
    """
    try:
        save_file(dict(weights), path, metadata={"format": "pt"})
    except SafetensorError as error:
        if number := re.search(r"os error (\d+)", str(error)):
            code = int(number[1])
            raise OSError(code, os.strerror(code), str(path)) from error
        raise
