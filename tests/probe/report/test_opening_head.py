"""Where a page opens: at a chosen head, a guided one, a pronoun; and what is refused."""

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq.errors import DataError
from seq2seq.probe.report.opening_head import head_named, opening_head
from seq2seq.recipe_file import parse_recipe, recipe_json
from seq2seq.viewer.content import Head, Mark, Panel, Reading, Text

TEXT = Text("source", ("it", "was"), (0, 1), (False, True))
PANEL = Panel("encoder", "source", "source", np.full((3, 4, 2, 2), 0.5, np.float32))
CROSS = Panel("cross", "source", "source", np.full((2, 4, 2, 2), 0.5, np.float32))
PRONOUN = Mark("pronoun", "source", (0,))
RECIPE = """
source_language = "en"
target_language = "es"
data.train = [{file = "train.jsonl"}]
data.dev.file = "dev.jsonl"
train.guided_attention = {weight = 1.0, layer = 2, head = 3}
train.steps = 10
"""


class Model:
    """All that is asked of a model here."""

    def __init__(self, name: str = "tiny"):
        self.name = name
        self.depth = {"encoder": 3, "cross": 2, "decoder": 2}
        self.heads = {"encoder": 4, "cross": 4, "decoder": 2}


def probed(folder: Path, name: str = "T1", **measure: Any) -> None:
    """A run whose probe chose this measure."""
    chosen = {"route": "E→", "variant": "raw", "stack": "encoder", "layer": 1, "head": 0} | measure
    path = folder / "probe" / name / "probe.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"chosen": {"measure": chosen}, "spec": {"selected_on": "dev.es"}}))


def test_a_head_that_a_probe_chose_comes_first(tmp_path: Path) -> None:
    probed(tmp_path)
    head, notes = opening_head(Model(str(tmp_path)), Reading((TEXT,), (PANEL, CROSS)))  # type: ignore[arg-type]
    assert head == Head("encoder", 1, 0)
    assert notes == ("The page opens at the head that the probe chose on dev.es.",)


@pytest.mark.parametrize(
    ("measure", "head"),
    [
        ({"route": "E←", "head": 2}, Head("encoder", 1, 2, read_by=True)),
        ({"variant": "alti", "head": None}, Head("encoder", 1)),
        ({"route": "X", "stack": "cross", "head": 3}, Head("cross", 1, 3)),
    ],
)
def test_a_probe_may_choose_another_direction_layer_or_stack(
    tmp_path: Path, measure: dict[str, Any], head: Head
) -> None:
    probed(tmp_path, **measure)
    reading = Reading((TEXT,), (PANEL, CROSS), (PRONOUN,))
    assert opening_head(Model(str(tmp_path)), reading)[0] == head  # type: ignore[arg-type]


@pytest.mark.parametrize("measure", [{"layer": 3}, {"head": 4}, {"stack": ""}, {"layer": "1"}])
def test_a_head_that_the_model_does_not_have_is_said(
    tmp_path: Path, measure: dict[str, Any]
) -> None:
    probed(tmp_path, **measure)
    head, notes = opening_head(Model(str(tmp_path)), Reading((TEXT,), (PANEL,), (PRONOUN,)))  # type: ignore[arg-type]
    assert head == Head("encoder", 2)
    assert "probe.json names no head of this model" in notes[0]


def test_a_record_that_cannot_be_read_is_said_too(tmp_path: Path) -> None:
    probed(tmp_path)
    (tmp_path / "probe/T1/probe.json").write_text("{")
    _, notes = opening_head(Model(str(tmp_path)), Reading((TEXT,), (PANEL,)))  # type: ignore[arg-type]
    assert "names no head of this model" in notes[0]


def test_a_head_that_training_guided_is_opened_and_called_so(tmp_path: Path) -> None:
    recipe = parse_recipe(tomllib.loads(RECIPE), where="recipe")
    (tmp_path / "recipe.json").write_text(recipe_json(recipe), encoding="utf-8")
    head, notes = opening_head(Model(str(tmp_path)), Reading((TEXT,), (PANEL, CROSS)))  # type: ignore[arg-type]
    assert head == Head("encoder", 2, 3)
    assert "training guided to the antecedent" in notes[0]


def test_else_a_pronoun_opens_the_encoder_and_none_the_cross_attention() -> None:
    model: Any = Model()
    assert opening_head(model, Reading((TEXT,), (PANEL, CROSS), (PRONOUN,))) == (
        Head("encoder", 2), (),
    )  # fmt: skip
    assert opening_head(model, Reading((TEXT,), (PANEL, CROSS)))[0] == Head("cross", 1)
    assert opening_head(model, Reading((TEXT,), (PANEL,)))[0] == Head("encoder", 2)


def test_a_head_is_named_as_a_recipe_counts() -> None:
    model: Any = Model()
    assert head_named(model, "2.3") == head_named(model, "encoder:2.3") == Head("encoder", 2, 3)
    assert head_named(model, "cross:1.3") == Head("cross", 1, 3)
    assert head_named(model, "cross:0") == Head("cross", 0)


@pytest.mark.parametrize(
    "name",
    ["encoder:3.1", "1.4", "-1.1", "encoder:1.", "encoder", "middle:1.1", "a.1", "1.1.1",
     "decoder:1.2", ""],
)  # fmt: skip
def test_a_head_that_there_is_not_is_refused_with_those_there_are(name: str) -> None:
    model: Any = Model()
    with pytest.raises(DataError, match="encoder has 3 layers of 4 heads, cross has 2 layers of 4"):
        head_named(model, name)
