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
from tests.end_to_end.kill import KILLED, run_training
from tests.hub.client import run_client
from tests.hub.server import HubServer
from tests.pipeline.families import write_family
from tests.publish.small_models import edit_json, random_text
from tests.train.test_source_prefix import PREFIX, write_recipe
from tests.warm import Warm

NAME = "tester/t5-fox"
STEPS = 4
RECIPE = {
    "\nsteps = 3": f"\nsteps = {STEPS}\npeak_lr = 0.01\nsave_every_steps = 2\n"
    "lora = { rank = 2, alpha = 64, dropout = 0.1 }",
    "validate_every_steps = 3": "validate_every_steps = 2",
    'train = [{ file = "train.tsv",': 'train = [{ license = "mit", file = "train.tsv",',
}
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
def folder(trainer: Warm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where T5, a recipe and a finished run of it lie."""
    folder = tmp_path_factory.mktemp("adapter")
    recipe = write_recipe(folder, write_family("t5", folder / "init"))
    text = recipe.read_text(encoding="utf-8")
    for old, new in RECIPE.items():
        assert old in text
        text = text.replace(old, new)
    recipe.write_text(text, encoding="utf-8")
    assert run_training(trainer, recipe, folder / "run") == 0
    return folder


@pytest.mark.slow
def test_checkpoints_hold_the_adapter_alone(folder: Path) -> None:
    whole = Run(folder / "run")
    before, after = (load_file(one / "model.safetensors") for one in (folder / "init", whole.best))
    changed = {name for name, one in before.items() if not torch.equal(one, after[name])}
    assert changed
    assert all(name.split(".")[-2] in ("q", "v") for name in changed), "the others are not trained"
    for path in whole.checkpoints.rglob("*.safetensors"):
        if path.name.startswith(("model", "weights")):
            assert all("lora_" in name for name in load_file(path)), path.name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "count"), [("update", 3), ("micro-batch", 4), ("flush", 12), ("candidate", 1)]
)
def test_killed_and_resumed_it_ends_bit_for_bit_the_same(
    folder: Path, trainer: Warm, tmp_path: Path, moment: str, count: int
) -> None:
    whole, run = Run(folder / "run"), Run(tmp_path / "run")
    recipe = folder / "prefix.toml"
    assert run_training(trainer, recipe, run.folder, moment=moment, count=count) == KILLED
    assert not run.scores.exists()
    assert run_training(trainer, recipe, run.folder) == 0
    for name in ("model.safetensors", "optimizer.safetensors", "rng-0.safetensors"):
        ends = [checkpoint_path(one.checkpoints, STEPS) / name for one in (whole, run)]
        assert ends[0].read_bytes() == ends[1].read_bytes(), name
    for path in whole.best.rglob("*.safetensors"):
        again = run.best / path.relative_to(whole.best)
        assert path.read_bytes() == again.read_bytes(), path.name
    assert run.scores.read_bytes() == whole.scores.read_bytes()


@pytest.mark.slow
def test_a_base_that_is_gone_or_another_is_refused(folder: Path, tmp_path: Path) -> None:
    def resumed() -> str:
        with pytest.raises(CheckpointError) as caught:
            train(folder / "prefix.toml", run_folder=run.folder, resume=True)
        return str(caught.value)

    run = Run(shutil.copytree(folder / "run", tmp_path / "run"))
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
