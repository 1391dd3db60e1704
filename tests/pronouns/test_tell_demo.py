"""What the demo says at its end, against translations and scores made up here."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ENGLISH = (
    "The robot picked up the wrench because it was heavy.",
    "The robot picked up the wrench because it was curious.",
)
SCORES = {"T1": {"all": {"accuracy": 0.963}}, "natural": {"all": {"accuracy": 0.79}}}


@pytest.fixture(scope="module")
def script(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("tell_demo", root / "scripts" / "tell_demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_ending_of_the_adjective_says_what_it_is(script: ModuleType) -> None:
    right = ("El robot recogió la llave inglesa porque era pesada.", "El robot ... era curioso.")
    lines = script.told(ENGLISH, right, SCORES, 900)
    assert len(lines) == 5
    assert lines[0].endswith('era pesada.  ["it" is the wrench (feminine): right]')
    assert lines[1].endswith('era curioso.  ["it" is the robot (masculine): right]')
    assert "96% of sentences" in lines[3]
    assert "79% where" in lines[3]
    assert "900 English words" in lines[4]


def test_a_wrong_translation_is_not_called_right(script: ModuleType) -> None:
    wrong = ("El robot recogió la llave inglesa porque era pesado.", "El robot era viejo.")
    lines = script.told(ENGLISH, wrong, SCORES, 900)
    assert lines[0].endswith('["it" is the robot (masculine): wrong]')
    assert lines[1].endswith('[neither curioso nor curiosa: it does not say what "it" is]')


def test_words_are_counted_once(script: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text('{"source": "the cat"}\n{"source": "the dog"}\n', encoding="utf-8")
    assert script.known_words(path) == 3
