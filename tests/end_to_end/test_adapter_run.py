"""A run that trains an adapter beside T5: small checkpoints, exact resume, publishing."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from seq2seq.errors import CheckpointError
from seq2seq.publish.export import export
from seq2seq.run import Run
from seq2seq.train.checkpoint import checkpoint_path
from seq2seq.train.run import train
from seq2seq.translate import Translator
from tests.hub.client import run_client
from tests.hub.server import HubServer
from tests.pipeline.families import write_family
from tests.publish.small_models import edit_json, random_text
from tests.train.test_source_prefix import PREFIX, write_recipe
from tests.warm import Warm

NAME = "tester/t5-fox"
OVERRIDES = (
    "train.lora.rank=2", "train.lora.alpha=64", "train.lora.dropout=0.1", "train.steps=4",
    "train.peak_lr=0.01", "train.save_every_steps=2", "train.validate_every_steps=2",
    "data.train.0.license=mit",
)  # fmt: skip
# Stock classes and peft alone, on what lies on the Hub.
LOAD = """
    import json, sys
    from peft import PeftModel
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
    name, base, *texts = sys.argv[1:]
    tokenizer = AutoTokenizer.from_pretrained(name)
    merged, start = (AutoModelForSeq2SeqLM.from_pretrained(one) for one in (name, base))
    adapted = PeftModel.from_pretrained(start, name, subfolder="adapter")
    start.generation_config = merged.generation_config
    batch, found = tokenizer(texts, return_tensors="pt", padding=True), []
    for model in (merged, adapted.eval()):
        rows = model.generate(**batch)
        found.append([text.strip() for text in tokenizer.batch_decode(rows, True)])
    assert not any(module.startswith("seq2seq") for module in sys.modules)
    print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where T5, a recipe and a finished run of it lie."""
    folder = tmp_path_factory.mktemp("adapter")
    recipe = write_recipe(folder, write_family("t5", folder / "init"))
    train(recipe, overrides=OVERRIDES, run_folder=folder / "run")
    return folder


def interrupted(folder: Path, copy: Path) -> Run:
    """The run as it stood in the middle."""
    run = Run(shutil.copytree(folder / "run", copy))
    shutil.rmtree(checkpoint_path(run.checkpoints, 4))
    shutil.rmtree(run.best)
    return run


@pytest.mark.slow
def test_checkpoints_hold_the_adapter_alone_and_resume_bit_for_bit(
    folder: Path, tmp_path: Path
) -> None:
    whole = Run(folder / "run")
    before, after = (load_file(one / "model.safetensors") for one in (folder / "init", whole.best))
    changed = {name for name, one in before.items() if not torch.equal(one, after[name])}
    assert changed
    assert all(name.split(".")[-2] in ("q", "v") for name in changed), "the others are not trained"
    for path in whole.checkpoints.rglob("*.safetensors"):
        if path.name.startswith(("model", "weights")):
            assert all("lora_" in name for name in load_file(path)), path.name
    run = interrupted(folder, tmp_path / "run")
    train(folder / "prefix.toml", overrides=OVERRIDES, run_folder=run.folder, resume=True)
    for name in ("model.safetensors", "optimizer.safetensors", "rng-0.safetensors"):
        ends = [checkpoint_path(one.checkpoints, 4) / name for one in (whole, run)]
        assert ends[0].read_bytes() == ends[1].read_bytes(), name
    for path in whole.best.rglob("*.safetensors"):
        again = run.best / path.relative_to(whole.best)
        assert path.read_bytes() == again.read_bytes(), path.name


@pytest.mark.slow
def test_a_base_that_is_gone_or_another_is_refused(folder: Path, tmp_path: Path) -> None:
    def resumed() -> str:
        with pytest.raises(CheckpointError) as caught:
            train(folder / "prefix.toml", overrides=OVERRIDES, run_folder=run.folder, resume=True)
        return str(caught.value)

    run = interrupted(folder, tmp_path / "run")
    edit_json(run.origin, lambda noted: noted["weights"].update({"model.safetensors": "0" * 64}))
    assert "hold an adapter alone, and the weights in" in resumed()
    shutil.move(folder / "init", folder / "gone")
    try:
        said = resumed()
    finally:
        shutil.move(folder / "gone", folder / "init")
    assert "hold an adapter alone, needed the model that the run began with beside it" in said


@pytest.mark.slow
def test_it_is_published_and_loaded_by_stock_classes_and_by_peft(
    folder: Path, warm: Warm, hub: HubServer, tmp_path: Path
) -> None:
    export(folder / "run", "hub")
    result = warm.run(
        ("-m", "seq2seq", "publish", folder / "run", NAME, "--license", "mit"),
        environment=hub.environment(tmp_path / "a"),
    )
    assert result.returncode == 0, result.stderr
    files = hub.repository(NAME).head.files
    assert {"adapter/adapter_config.json", "adapter/adapter_model.safetensors"} <= set(files)
    card = files["README.md"].content.decode()
    assert f'texts = ["{PREFIX}Replace this by your own text."]' in card
    assert f'`PeftModel.from_pretrained(base, "{NAME}", subfolder="adapter")`' in card
    assert json.loads(files["config.json"].content)["task_specific_params"] == {
        "translation_en_to_de": {"prefix": PREFIX}
    }
    texts = random_text(6, seed=12)
    read = [PREFIX + text for text in texts]
    merged, adapted = run_client(hub, tmp_path / "b", LOAD, NAME, folder / "init", *read, warm=warm)
    translator = Translator.load(folder / "run" / "exports" / "hub")
    ours = [one.text.strip() for one in translator.translate(texts, split="long")]
    assert merged == adapted == ours
    (block,) = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    ended = warm.run(("-c", block), environment=hub.environment(tmp_path / "b"))
    assert ended.returncode == 0, ended.stderr
