"""What copying is measured with: real items that training's generator never makes."""

import importlib.util
import sys
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

from seq2seq.data.made_up import KINDS, make_up

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "measure_unseen_items.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("measure_unseen_items", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_training_makes_up_nothing_that_is_measured(script):
    random = Random(1)
    words = ["the", "of", "house", "running", "dog", "perro"]
    made = {make_up(kind, random, words) for kind in KINDS for _ in range(2000)}
    measured = {item for items in script.load_items().values() for item in items}
    assert len(measured) > 1000
    assert made.isdisjoint(measured)


def test_there_are_enough_items_of_every_kind(script):
    assert all(len(items) >= 200 for items in script.load_items().values())


def test_items_that_training_showed_are_left_out(script):
    seen = "Ask Abebe.\nhttps://bit.ly/faq.php?x and 👩‍🚀👩‍🚀"
    assert "Abebe" not in script.unseen("name", seen)
    assert not any("Abebe" in item.split() for item in script.unseen("name", seen))
    assert "Adaeze" in script.unseen("name", seen)
    assert "https://bit.ly/faq.php" not in script.unseen("url", seen)
    assert "👩‍🚀" not in script.unseen("emoji", seen)


@pytest.mark.parametrize(
    ("item", "output", "unchanged"),
    [
        ("Łukasz", "Veo a Łukasz.", True),
        ("Łukasz", "Veo a Lukasz.", False),
        ("Łukasz", "Veo a Łukaszem.", False),
        ("Łukasz", "Łukasz ve a Łukasz.", False),
        ("{name}", "Hola,{name}!", True),
        ("👩‍🚀", "Hola 👩‍🚀", True),
        ("👩‍🚀", "Hola 👩🚀", False),
        ("www.x.org/a", "en www.x.org/ab", False),
    ],
)
def test_an_item_counts_as_unchanged_only_whole_and_once(script, item, output, unchanged):
    line = script.Line("name", item, "start", f"I see {item}.")
    result = script.Result(line, output, "")
    assert result.unchanged is unchanged
    assert not result.unchanged_or_restored


def test_what_restoring_puts_back_is_counted_beside_what_the_model_wrote(script):
    line = script.Line("placeholder", "{{name}}", "start", "{{name}}: yes")
    results = [script.Result.of(line, text) for text in ("{{name}}: sí", "{{name}: sí", "sí")]
    table = script.counts(results)
    assert (table["lines"], table["unchanged"], table["unchanged_or_restored"]) == (3, 1, 2)
    assert table["by_kind"]["placeholder"] == table["by_place"]["start"]


def test_lines_hold_their_item_once(script):
    sentences = ["Tom sees the sea.", "Do you like Mary?", "I swim"]
    items = script.load_items()
    lines = script.draw_lines(sentences, items, Random(1), count=400)
    assert all(line.source.count(line.item) == 1 for line in lines)
    assert {line.place for line in lines} == {"a name's place", "start", "end", "close", "glued"}
    assert len({line.item for line in lines}) == 400
    assert script.counts([script.Result.of(one, one.source) for one in lines])["unchanged"] == 400
