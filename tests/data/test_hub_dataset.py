"""Datasets that were pushed to a Hub by their own library, trained on by recipes that name them."""

import json
from pathlib import Path
from typing import Any

import pytest

from seq2seq.errors import RecipeError
from seq2seq.recipe_file import parse_recipe
from seq2seq.run import Run
from tests.end_to_end.digits import digits_recipe, write_digits
from tests.hub.client import run_client
from tests.hub.server import HubServer
from tests.warm import Warm

PUSH = """
    import json, sys
    from pathlib import Path
    from datasets import Dataset, DatasetDict
    parts = {}
    for split in ("train", "dev", "test"):
        lines = Path(sys.argv[1], f"{split}.tsv").read_text().splitlines()
        pairs = [dict(zip(("en", "de"), line.split("\\t"), strict=True)) for line in lines]
        parts[split] = Dataset.from_list([{"translation": pair} for pair in pairs])
    DatasetDict(parts).push_to_hub("tester/digits")
    print(json.dumps({name: len(part) for name, part in parts.items()}))
"""
READ = """
    import json, sys
    from pathlib import Path
    from seq2seq.data.corpus import iterate_pairs, read_corpus
    from seq2seq.errors import DataError
    from seq2seq.recipe import CorpusSpec
    said = []
    for given in json.loads(sys.argv[1]):
        try:
            found = list(iterate_pairs(read_corpus(CorpusSpec(**given), folder=Path())))
            said.append([len(found), found[0]])
        except DataError as error:
            said.append(str(error))
    print(json.dumps(said))
"""
TRAIN = """
steps = 20
batch_tokens = 512
warmup_steps = 5
peak_lr = 0.01
validate_every_steps = 20
precision = "fp32"
validation_beams = 1
"""
# Loading what trains takes longer than to train.
TRAIN_BOTH = """
import sys
from pathlib import Path
from seq2seq.train.run import train
for recipe in map(Path, sys.argv[1:]):
    train(recipe, run_folder=recipe.with_suffix(""))
"""


def corpus(split: str, **given: Any) -> dict[str, Any]:
    fields = {"source_field": "translation.en", "target_field": "translation.de"}
    return {"hub": "tester/digits", "split": split} | fields | given


def toml(given: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {json.dumps(value)}" for key, value in given.items())


@pytest.mark.slow
def test_pairs_arrive_whole_and_streamed_and_errors_name_the_dataset(
    hub: HubServer, tmp_path: Path
) -> None:
    write_digits(tmp_path, train=50, held_out=10)
    assert run_client(hub, tmp_path / "a", PUSH, tmp_path)["train"] == 50
    source, target = (tmp_path / "train.tsv").read_text().splitlines()[0].split("\t")
    asked = [
        given | streaming
        for streaming in ({}, {"streaming": True})
        for given in (
            corpus("train"),
            corpus("train", max_rows=7),
            corpus("train", source_field="translation.fr"),
            corpus("train", source_field="text"),
            corpus("validation"),
            corpus("train", hub="tester/none"),
        )
    ]
    said = run_client(hub, tmp_path / "b", READ, json.dumps(asked))
    for found in (said[:6], said[6:]):
        assert found[:2] == [[50, [source, target]], [7, [source, target]]]
        assert found[2].startswith("dataset 'tester/digits': row 1: no column 'fr'")
        assert found[3].startswith("dataset 'tester/digits': no column 'text'")
        assert "dataset 'tester/digits': cannot be loaded: " in found[4]
        assert "dataset 'tester/none': cannot be loaded: " in found[5]


def write_recipe(folder: Path, *, streaming: bool) -> Path:
    """One that trains on the dataset as it lies on the Hub."""
    given = {"streaming": True} if streaming else {}
    text = digits_recipe(folder, tokenizer="vocab_size = 34", train=TRAIN)
    for split in ("train", "dev", "test"):
        local = f'file = "{split}.tsv", source_field = "1", target_field = "2"'
        assert local in text
        text = text.replace(local, toml(corpus(split, **given)))
    recipe = folder / f"{'streamed' if streaming else 'whole'}.toml"
    recipe.write_text(text.replace("/cache", f"/cache-{recipe.stem}"), encoding="utf-8")
    return recipe


@pytest.mark.slow
def test_a_recipe_that_names_it_trains_the_same_model_streaming_or_not(
    hub: HubServer, warm: Warm, tmp_path: Path
) -> None:
    write_digits(tmp_path, train=200, held_out=20)
    run_client(hub, tmp_path / "push", PUSH, tmp_path)
    recipes = [write_recipe(tmp_path, streaming=streaming) for streaming in (True, False)]
    program = ("-c", TRAIN_BOTH, *recipes)  # streaming leaves nothing in the cache
    result = warm.run(program, environment=hub.environment(tmp_path / "home"))
    assert result.returncode == 0, result.stderr
    streamed, whole = (Run(recipe.with_suffix("")) for recipe in recipes)
    for run in (streamed, whole):
        assert json.loads(run.data_report.read_text())["pairs"] == 200
    assert (whole.best / "model.safetensors").read_bytes() == (
        streamed.best / "model.safetensors"
    ).read_bytes()


def test_only_what_lies_on_the_hub_can_be_streamed() -> None:
    content = {
        "source_language": "en",
        "target_language": "de",
        "data": {"train": [{"file": "a.tsv", "streaming": True}], "dev": {"file": "b.tsv"}},
    }
    with pytest.raises(RecipeError, match="'streaming' is for a dataset on the Hub"):
        parse_recipe(content, where="test")
