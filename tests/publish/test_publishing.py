"""From training to somebody else's process: train, export, publish, load, run the card's lines."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from seq2seq.run import Run
from tests.hub.client import run_client
from tests.hub.server import HubServer
from tests.publish.finished_run import train_digits
from tests.warm import Ended, Warm

NAME = "tester/digits-reversed"
# Stock classes alone, on what lies on the Hub.
LOAD = """
    import json, sys
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
    name, tag, folder = sys.argv[1:4]
    tokenizer = AutoTokenizer.from_pretrained(name, revision=tag)
    lines = ["1 2 3", "7 7 5 0"]
    batch = tokenizer(lines, return_tensors="pt", padding=True)
    outputs = []
    for place in ({"revision": tag, "name": name}, {"name": folder}):
        model = AutoModelForSeq2SeqLM.from_pretrained(place.pop("name"), **place)
        outputs.append(model.generate(**batch, max_new_tokens=8, max_length=None).tolist())
    assert not any(module.startswith("seq2seq") for module in sys.modules)
    print(json.dumps([type(model).__name__, outputs[0] == outputs[1]]))
"""


def seq2seq(warm: Warm, hub: HubServer, home: Path, *arguments: str | Path) -> Ended:
    return warm.run(("-m", "seq2seq", *arguments), environment=hub.environment(home))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Trained and exported by the programs themselves."""
    from seq2seq.publish.export import export

    run = train_digits(tmp_path_factory.mktemp("digits"))
    export(run.folder, "hub")
    return run


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["lfs", "xet"])
def test_a_run_is_published_and_loaded_by_stock_classes(
    run: Run, warm: Warm, tmp_path: Path, storage: str
) -> None:
    objects = tmp_path / "objects" if storage == "xet" else None
    with HubServer(xet_folder=objects) as hub:
        options = ("--private", "--tag", "v1", "--json")
        result = seq2seq(warm, hub, tmp_path / "a", "publish", run.folder, NAME, *options)
        assert result.returncode == 0, result.stderr
        published: dict[str, Any] = json.loads(result.stdout)
        repository = hub.repository(NAME)
        assert repository.tags == {"v1": published["commit"]}
        assert repository.private
        assert len(repository.commits) == 2
        exported = run.exports / "hub"
        for path in exported.iterdir():
            assert repository.head.files[path.name].content == path.read_bytes()
        again = seq2seq(warm, hub, tmp_path / "a", "publish", run.folder, NAME, *options)
        assert json.loads(again.stdout) == published | {"uploaded": []}
        loaded = run_client(hub, tmp_path / "b", LOAD, NAME, "v1", exported, warm=warm)
        assert loaded == ["M2M100ForConditionalGeneration", True]


@pytest.mark.slow
def test_the_lines_of_the_card_run_as_they_stand(
    run: Run, warm: Warm, hub: HubServer, tmp_path: Path
) -> None:
    assert seq2seq(warm, hub, tmp_path / "a", "publish", run.folder, NAME).returncode == 0
    card = hub.repository(NAME).head.files["README.md"].content.decode()
    blocks = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    assert len(blocks) == 1
    for block in blocks:
        result = warm.run(("-c", block), environment=hub.environment(tmp_path / "b"))
        assert result.returncode == 0, result.stderr
        assert re.fullmatch(r"\[.*\]\n", result.stdout), "a list of one text"


@pytest.mark.slow
def test_the_card_of_a_real_run_has_every_section_that_it_measured(
    run: Run, warm: Warm, hub: HubServer, tmp_path: Path
) -> None:
    card = tmp_path / "card.md"
    arguments = ("publish", run.folder, NAME, "--dry-run", "--card", card)
    assert seq2seq(warm, hub, tmp_path / "a", *arguments).returncode == 0
    assert hub.requests == [], "a dry run asks nobody"
    text = card.read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)", text, flags=re.MULTILINE) == [
        "Use", "Scores", "Faults in the output", "Training data", "Training", "Recipe",
        "Environment", "This copy", "Limits",
    ]  # fmt: skip
    assert "60 updates, the last after" in text
    assert "120 pairs read" in text
