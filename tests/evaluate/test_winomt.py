"""WinoMT: the words that stand for a person, and the gender they have."""

import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from seq2seq.errors import DataError
from seq2seq.evaluate.answers import AnswerOptions
from seq2seq.evaluate.evaluation import System, evaluate_systems
from seq2seq.evaluate.gender_bias import gender_bias
from seq2seq.evaluate.item import Judgement, Place, Suite
from seq2seq.evaluate.person_gender import (
    GERMAN_DETERMINERS,
    german_gender,
    open_aligner,
    open_german_words,
    person_words,
    romance_gender,
)
from seq2seq.evaluate.report import item_rows, to_json, to_text
from seq2seq.evaluate.suites import winomt
from seq2seq.evaluate.suites.winomt import read_winomt
from tests.evaluate import evaluators
from tests.evaluate.random_models import random_translator

LINES = [
    "female\t1\tThe mechanic saw the clerk because she slept.\tThe mechanic",
    "male\t4\tThe mechanic saw the clerk because he slept.\tthe clerk",
    "male\t1\tThe nurse slept.\tThe nurse",
    "female\t2\tWhen the cook ate, she slept.\tthe cook",
]


def dictionary_aligner(sources: Sequence[Any], targets: Sequence[Any]) -> list[Any]:
    """Aligns what stands in the same place."""
    return [
        [(place, place) for place in range(min(len(source), len(target)))]
        for source, target in zip(sources, targets, strict=True)
    ]


def genders(words: str) -> list[str]:
    known = {"la": "Fem", "una": "Fem", "cocinera": "Fem", "el": "Masc", "mecánico": "Masc"}
    return [known[word.lower()] for word in words.split() if word.lower() in known]


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """Read as published, with an aligner and a morphology that the test knows."""
    monkeypatch.setattr(winomt, "open_aligner", lambda: dictionary_aligner)
    monkeypatch.setattr(winomt, "open_morphology", lambda _: genders)
    path = tmp_path / "en.txt"
    path.write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    (tmp_path / "en_pro.txt").write_text(f"{LINES[1]}\n", encoding="utf-8")
    (tmp_path / "en_anti.txt").write_text(f"{LINES[0]}\n{LINES[2]}\n", encoding="utf-8")
    return read_winomt(path, "es")


def test_lines_say_the_person_its_gender_and_the_stereotype(suite: Suite) -> None:
    first, _, _, last = suite.items
    assert first.antecedents == (Place(0, 4, 12),)
    assert first.source[4:12] == "mechanic"
    assert first.tags == {"gender": "female", "stereotype": "anti"}
    assert (last.source[slice(9, 13)], "stereotype" in last.tags) == ("cook", False)
    assert (first.cluster, first.bads, first.good) == ("mechanic", (), "")


def test_the_aligned_words_decide_and_an_empty_translation_shows_nothing(suite: Suite) -> None:
    texts = ["La mecánica vio", "El mecánico vio el empleado", "", "Cuando la cocinera comió"]
    found = [one.shown for one in suite.judge(suite.items, texts) if one is not None]
    assert found == ["female", "male", "unknown", "female"]
    right = [one.right for one in suite.judge(suite.items, texts) if one is not None]
    assert right == [True, True, False, True]


def test_the_article_counts_as_one_of_the_person_s_words() -> None:
    source = ["The", "cook", "ate"]
    assert person_words(source, 1, [(2, 2), (1, 1), (0, 0), (1, 3)]) == [0, 1, 3]
    assert person_words(["My", "cook"], 1, [(0, 0), (1, 1)]) == [1]
    assert person_words(source, 1, []) == []


def test_romance_languages_are_read_as_the_suite_s_program_does() -> None:
    rng = random.Random(2)
    for _ in range(2000):
        found = rng.choices(["Masc", "Fem", None], k=rng.randint(0, 5))
        ours = romance_gender(["x"] * len(found), lambda _, found=found: [g for g in found if g])
        assert ours == evaluators.winomt_romance(found)


def test_german_is_read_as_the_suite_s_program_does() -> None:
    rng = random.Random(4)
    vocabulary = [*GERMAN_DETERMINERS, "Ärztin", "Arzt", "Koch", "sah", "Die", "Der", "Berlin"]
    seen = set()
    for _ in range(3000):
        words = rng.choices(vocabulary, k=rng.randint(1, 7))
        places = rng.sample(range(len(words)), k=rng.randint(0, min(2, len(words))))
        person = rng.choice(["the cook", "The nurse", "the clerk"])
        ours = german_gender(person, words, places)
        official = evaluators.winomt_german(
            person, words, [words[place] for place in places], min(places, default=-1)
        )
        assert ours == official
        seen.add(ours)
    assert seen == {"male", "female", "neutral"}


def test_bias_figures_are_those_of_the_suite_s_program(suite: Suite) -> None:
    rng = random.Random(7)
    items = [rng.choice(suite.items) for _ in range(200)]
    shown = [rng.choice(["male", "male", "female", "unknown"]) for _ in items]
    judged = [
        Judgement(one == item.expected[0], None, one)
        for item, one in zip(items, shown, strict=True)
    ]
    found = gender_bias(items, judged)
    assert found is not None
    gold = [item.expected[0] for item in items]
    assert found.f1_male == pytest.approx(evaluators.winomt_f1(gold, shown, "male"))
    assert found.f1_female == pytest.approx(evaluators.winomt_f1(gold, shown, "female"))
    pro, anti = (
        [one.right for item, one in zip(items, judged, strict=True)
         if item.tags.get("stereotype") == kind]
        for kind in ("pro", "anti")
    )  # fmt: skip
    assert found.pro_less_anti == pytest.approx(sum(pro) / len(pro) - sum(anti) / len(anti))
    assert gender_bias(items, [Judgement(True, None)] * 200) is None  # no gender was asked for


def test_the_report_says_bias_beside_accuracy(suite: Suite) -> None:
    texts = [item.source for item in suite.items]
    translator = random_translator([*texts, "La la mecánica el mecánico"])
    found = evaluate_systems(
        suite, Path("en.txt"), [System("m", ("m",))], AnswerOptions(),
        open_model=lambda _: translator, say=lambda *_: None,
    )  # fmt: skip
    report = to_json(found)["conditions"][0]
    assert set(report["gender_bias"][0]) == {"f1_male", "f1_female", "delta_g", "delta_s"}
    assert "contrastive" not in report
    text = to_text(found)
    assert "F1 female" in text
    assert "unambiguous" not in text
    assert {row["shown"] for row in item_rows(found)} <= {"male", "female", "unknown"}


def test_what_is_missing_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "en.txt"
    path.write_text(f"{LINES[0]}\n", encoding="utf-8")
    with pytest.raises(DataError, match="needed one of es, fr, it, de; say it with --target-lang"):
        read_winomt(path, None)
    monkeypatch.setitem(sys.modules, "eflomal", None)
    with pytest.raises(DataError, match=r"eflomal is not installed.*pip install eflomal.*compiler"):
        read_winomt(path, "es")
    monkeypatch.setattr(winomt, "open_aligner", lambda: dictionary_aligner)
    monkeypatch.setitem(sys.modules, "spacy", None)
    for code in ("es", "de"):
        with pytest.raises(DataError, match="spacy is not installed"):
            read_winomt(path, code)
    path.write_text("female\tThe cook\n", encoding="utf-8")
    monkeypatch.setattr(winomt, "open_morphology", lambda _: genders)
    with pytest.raises(DataError, match=r":1: 'female.tThe cook', needed gender, number"):
        read_winomt(path, "es")


def test_eflomal_aligns_words_that_always_come_together() -> None:
    pytest.importorskip("eflomal")
    words = {
        "dog": "perro",
        "cat": "gato",
        "nurse": "enfermera",
        "sleeps": "duerme",
        "eats": "come",
    }
    sources = [
        ["The", noun, verb] for noun in ("dog", "cat", "nurse") for verb in ("sleeps", "eats")
    ]
    targets = [["El", words[noun], words[verb] + "."] for _, noun, verb in sources]
    links = open_aligner()(sources * 30, targets * 30)
    assert all(set(one) == {(0, 0), (1, 1), (2, 2)} for one in links)


def test_german_words_stand_apart_from_punctuation() -> None:
    pytest.importorskip("spacy")
    assert open_german_words()("Die Ärztin, sagt er.") == ["Die", "Ärztin", ",", "sagt", "er", "."]
