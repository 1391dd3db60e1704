"""What the doctor finds in data whose defects are known."""

import json
from pathlib import Path

import pytest

from seq2seq.doctor import examine_file, examine_recipe, examine_run
from seq2seq.errors import DataError, ModelError
from seq2seq.recipe import CorpusSpec, Recipe, TokenizerSpec
from seq2seq.recipe_file import parse_recipe, recipe_json
from seq2seq.run import Run
from seq2seq.tokenizer import train_tokenizer

SOUND = [(f"the {word} is red", f"{word} ist rot") for word in ("dog", "cat", "owl", "fox")]
DEFECTS = [("", "leer"), ("the dog is red", "dog ist rot"), ("held out", "zurück")]


def write(path: Path, pairs: list[tuple[str, str]]) -> Path:
    text = "".join(f"{source}\t{target}\n" for source, target in pairs)
    path.write_text(text, encoding="utf-8")
    return path


def recipe(folder: Path, train: list[tuple[str, str]]) -> Recipe:
    write(folder / "train.tsv", train)
    write(folder / "dev.tsv", [("held out", "zurück")])
    fields = {"source_field": "1", "target_field": "2"}
    data = {
        "folder": str(folder),
        "train": [{"file": "train.tsv", **fields}],
        "dev": {"file": "dev.tsv", **fields},
    }
    languages = {"source_language": "en", "target_language": "de"}
    return parse_recipe({**languages, "data": data}, where="test")


def findings(report: object) -> dict[str, int]:
    cleaning = report.cleaning  # type: ignore[attr-defined]
    return {finding.what: finding.pairs for finding in cleaning.findings}


def test_planted_defects_of_a_recipes_data_are_counted(tmp_path: Path) -> None:
    report = examine_recipe(recipe(tmp_path, SOUND + DEFECTS))
    found = findings(report)
    assert (found["empty side"], found["duplicates"], found["overlap with dev"]) == (1, 1, 1)
    assert report.cleaning.dropped == 2  # the empty one and the held-out one


def test_sound_data_shows_no_finding(tmp_path: Path) -> None:
    report = examine_recipe(recipe(tmp_path, SOUND))
    assert set(findings(report).values()) == {0}
    assert report.round_trips == {}


def test_lengths_are_those_counted_by_hand(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.tsv", [("a b c", "d"), ("a", "d e"), ("a b", "d e f g")])
    spec = CorpusSpec(file=str(path), source_field="1", target_field="2")
    source, target = examine_file(spec).lengths
    assert (source.side, source.median, source.p99, source.longest) == ("source", 2, 3, 3)
    assert (target.side, target.median, target.p99, target.longest) == ("target", 2, 4, 4)
    assert source.to_text() == f"{path}, source: median 2 words, 99 % up to 3, longest 3"


def test_a_side_without_spaces_between_words_is_measured_in_characters(tmp_path: Path) -> None:
    pairs = [("he saw it", "他 看见了。"), ("go", "走"), ("a cat", "猫在这里")]
    spec = CorpusSpec(
        file=str(write(tmp_path / "pairs.tsv", pairs)), source_field="1", target_field="2"
    )
    source, target = examine_file(spec).lengths
    assert (source.unit, source.median, source.longest) == ("words", 2, 3)
    assert (target.unit, target.median, target.longest) == ("characters", 4, 5)


def test_a_run_shows_what_its_tokenizer_cannot_spell(tmp_path: Path) -> None:
    given = recipe(tmp_path, SOUND)
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    run.recipe.write_text(recipe_json(given), encoding="utf-8")
    with pytest.raises(ModelError, match=r"tokenizer\.json: no such file, needed a tokenizer"):
        examine_run(run.folder)
    texts = [text for pair in SOUND for text in pair]
    spec = TokenizerSpec(vocab_size=60, kind="bpe", byte_fallback=False)
    train_tokenizer(texts, spec, family="m2m_100", seed=1).save(run.tokenizer)
    report = examine_run(run.folder)
    trips = report.round_trips
    assert trips["train.tsv"].both.unknown == 0
    assert trips["dev"].target.unknown > 0  # ü and z stand in no training text
    assert {lengths.unit for lengths in report.lengths} == {"pieces"}
    assert trips["dev"].to_text("dev") in report.to_text()
    assert "\ndev: round trip of the target: " in report.to_text()
    assert json.loads(json.dumps(report.to_json()))["round_trips"]["dev"]["unknown_share"] > 0


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.tsv"):
        examine_file(CorpusSpec(file=str(tmp_path / "gone.tsv")))
