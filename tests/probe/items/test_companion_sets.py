"""What lies beside a set of the built-in corpus is found; beside any other there is nothing."""

from pathlib import Path

from seq2seq.probe.items.companion_sets import companions_of
from seq2seq.pronouns.items import Item
from tests.probe.causes.test_free_translation import item
from tests.pronouns.item_files import write_items


def quad(name: str, **changes: object) -> list[Item]:
    return [Item(**{**vars(item(0, n)), "id": f"{name}.{n}", **changes}) for n in range(4)]


def test_items_and_controls_of_the_same_language_are_found(tmp_path: Path) -> None:
    write_items(tmp_path / "T1.de.jsonl", quad("asked"))
    write_items(tmp_path / "control_pleonastic.de.jsonl", quad("rain", gold=None))
    write_items(tmp_path / "control_cataphoric.de.jsonl", quad("before"))
    write_items(tmp_path / "control_neutral.es.jsonl", quad("other"))
    found = companions_of(tmp_path / "T1.de.jsonl")
    assert list(found.corpus) == [f"asked.{n}" for n in range(4)]
    assert list(found.controls) == ["pleonastic"]
    assert [case.gold for case in found.unrelated] == [None] * 4


def test_another_set_has_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "set.tsv"
    path.write_text("The robot lifted it.\tgood\tbad\n", encoding="utf-8")
    found = companions_of(path)
    assert (found.corpus, found.controls, found.unrelated) == ({}, {}, ())
    (tmp_path / "empty").touch()
    assert companions_of(tmp_path / "empty").corpus == {}
