"""The two models of the benchmark, their data, and a command that makes one with weights."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from scripts.benchmark.results import note
from seq2seq.errors import DataError

Size = Literal["tiny", "small"]
SHAPES: dict[Size, dict[str, Any]] = {
    "tiny": {"width": 128, "ffn_width": 256, "heads": 4, "layers": 4, "dropout": 0.3},
    "small": {"width": 512, "ffn_width": 2048, "heads": 8, "layers": 3, "dropout": 0.1},
}
VOCABULARY = 8000
BATCH_TOKENS = 4096
DataFolder = Annotated[Path, typer.Option(help="Multi30k: train.en.gz, val.de.gz, …")]


def recipe_content(size: Size, data: Path, folder: Path, train: dict[str, Any]) -> dict[str, Any]:
    """A recipe for Multi30k en-de with a joint vocabulary of 8,000 pieces.

    Args:
        size: Which of the models.
        data: The folder of Multi30k.
        folder: What is made of the text is kept here.
        train: What is to stand in the section ``train``.
    """
    shape = SHAPES[size]
    return {
        "source_language": "en", "target_language": "de",
        "data": {"folder": str(data.resolve()), "cache": str(folder / "cache"),
                 "train": [{"source": "train.en.gz", "target": "train.de.gz"}],
                 "dev": {"source": "val.en.gz", "target": "val.de.gz"}},
        "tokenizer": {"vocab_size": VOCABULARY},
        "model": {key: shape[key] for key in ("width", "ffn_width", "heads", "dropout")}
        | {"encoder_layers": shape["layers"], "decoder_layers": shape["layers"]},
        "train": train,
    }  # fmt: skip


def bench_recipe(size: Size, data: Path, folder: Path) -> Any:
    """The recipe whose updates are measured: it never validates, logs or ends."""
    from seq2seq.recipe_file import parse_recipe

    never = 10**6
    train = {
        "batch_tokens": BATCH_TOKENS, "warmup_steps": 2000, "peak_lr": 1e-3, "steps": never,
        "validate_every_steps": never, "log_every_steps": never,
    }  # fmt: skip
    return parse_recipe(recipe_content(size, data, folder, train), where="benchmark")


def model(
    folder: Annotated[Path, typer.Argument(help="Where to make it; must not exist.")],
    data: DataFolder,
    size: Annotated[Size, typer.Option(help="Size of the model.")] = "tiny",
    updates: Annotated[
        int, typer.Option(min=1, help="Updates of training, about 4,096 tokens each.")
    ] = 400,
    random: Annotated[
        bool, typer.Option("--random", help="Leave the weights random; no output ends by itself.")
    ] = False,
) -> None:
    """Make one of the two models of the benchmark, trained for a few updates or random.

    A random model never writes the end of a sentence, so give translate and decode a --max-length
    (24, say): all programs then do the same work, whatever the machine's last digits say. Reads
    Multi30k, writes the folder, never uses the network.

    Example: scripts/bench model runs/random-tiny --data data/multi30k --random
    """
    if folder.exists():
        raise DataError(f"{folder}: exists, needed a new folder; name another one")
    if random:
        make_random(folder, data, size)
    else:
        train_model(folder, data, size, updates)


def train_model(folder: Path, data: Path, size: Size, updates: int) -> None:
    """Train with ``seq2seq train``, as a user does."""
    from seq2seq.toml import toml_pairs

    train = {
        "batch_tokens": BATCH_TOKENS, "warmup_steps": max(1, updates // 4), "peak_lr": 2e-3,
        "steps": updates, "validate_every_steps": updates,
    }  # fmt: skip
    folder.parent.mkdir(parents=True, exist_ok=True)
    recipe = folder.with_name(f"{folder.name}.toml")
    pairs = toml_pairs(recipe_content(size, data, folder, train))
    recipe.write_text("".join(f"{key} = {value}\n" for key, value in pairs), encoding="utf-8")
    command = [sys.executable, "-m", "seq2seq", "train", str(recipe), "--run", str(folder)]
    sys.exit(subprocess.run(command, check=False).returncode)


def make_random(folder: Path, data: Path, size: Size) -> None:
    """Write a stock model folder with random weights that never end a sentence."""
    from tempfile import TemporaryDirectory

    import torch

    from seq2seq.model.stock import save_model
    from seq2seq.run import Run
    from seq2seq.train.build import build_model
    from seq2seq.train.setup import prepare_run

    with TemporaryDirectory() as name:
        recipe = bench_recipe(size, data, Path(name))
        prepared = prepare_run(recipe, Run(Path(name, "run")), say=note)
        torch.manual_seed(1)
        made = build_model(prepared.recipe.model, prepared.tokenizer.vocab_size)
        forbid_end(made)
        save_model(made, folder)
        prepared.tokenizer.save(folder, max_length=made.config.max_position_embeddings)


def forbid_end(model: Any) -> None:
    """Make the end of a sentence improbable after every piece.

    The last normalization of the decoder gives vectors of length √width, to which it adds a bias;
    the output layer multiplies the sum by the embedding e of a piece. A bias of -2 √width along
    the end's own e leaves the end a logit of at most -|e| √width.
    """
    import torch

    with torch.no_grad():
        end = model.output_weight[model.config.eos_token_id]
        bias = model.decoder_norm.bias
        bias.copy_(-2 * len(bias) ** 0.5 * end / end.norm())
