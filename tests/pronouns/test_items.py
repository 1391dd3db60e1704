"""Items: spans point at their words, files come back as they were, damage is named."""

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from seq2seq.errors import DataError
from seq2seq.pronouns.draw import Draw
from seq2seq.pronouns.grammar import grammar_of
from seq2seq.pronouns.handwritten import load_stories
from seq2seq.pronouns.items import (
    Item,
    Row,
    differing_spans,
    read_items,
    read_rows,
    write_rows,
)
from seq2seq.pronouns.lexicon import Lexicon, load_lexicon
from seq2seq.pronouns.patterns import load_patterns
from seq2seq.pronouns.splits import natural_items
from tests.pronouns.item_files import write_items

from .conftest import TEST_SPLITS, corpus_items

LINKS = (
    "because ", "since ", "as ", "and ", "but ", "although ", "it ",
    "as long as ", "so ", "until ", "when ",
)  # fmt: skip
QUOTED = "The robot picked up the wrench because it was heavy."


def test_every_span_points_at_its_word(
    items: dict[str, list[Item]], lexicon: Lexicon, language: str
) -> None:
    for item in (item for some in items.values() for item in some):
        assert item.source[slice(*item.pronoun)].lower() == "it"
        assert item.source[slice(*item.cue_span)] == item.cue
        clause = item.source[slice(*item.clause)].lower()
        assert clause.startswith(LINKS), clause
        assert clause.endswith(item.cue.lower())
        for noun in item.candidates:
            first, _, rest = _word(item, noun.noun, lexicon).partition(" ")
            word = rest if language.startswith("vi") else first
            assert item.source[slice(*noun.source_span)] == noun.noun
            assert item.good[slice(*noun.target_span)] == word


def _word(item: Item, noun: str, lexicon: Lexicon) -> str:
    """A noun's word in the target language, from the scene of a handwritten item."""
    if item.family == "handwritten":
        return next(
            n.word for n in load_stories(item.language)[item.schema].nouns if n.english == noun
        )
    return lexicon.nouns[noun].word


def test_candidates_stand_in_the_order_of_the_source(items: dict[str, list[Item]]) -> None:
    for item in (item for some in items.values() for item in some):
        first, second = item.candidates
        assert first.source_span < second.source_span


def test_spanish_good_and_bad_differ_in_the_cue_alone(es_items: dict[str, list[Item]]) -> None:
    cues = load_lexicon("es").cues
    for item in (item for some in es_items.values() for item in some if item.contrastive):
        (good,), (bad,) = item.good_spans, item.bad_spans
        cue = cues.get(item.cue)
        if item.family == "handwritten":
            cue = next(c for c in load_stories("es")[item.schema].cues if c.english == item.cue)
        assert cue is not None
        stem = cue.lemmas[0][:-1]
        endings = {"m": "o", "f": "a"}
        assert item.antecedent is not None
        assert item.distractor is not None
        assert item.good[slice(*good)].lower() == stem + endings[item.antecedent.gender]
        assert item.bad[slice(*bad)].lower() == stem + endings[item.distractor.gender]
        assert item.good[: good[0]] == item.bad[: bad[0]]
        assert item.good[good[1] :] == item.bad[bad[1] :]


PRONOUNS = {
    "de": {"m": "er", "f": "sie", "n": "es"},
    "fr": {"m": "il", "f": "elle"},
}


@pytest.mark.slow
@pytest.mark.parametrize("language", ["de", "fr"])
def test_french_and_german_good_and_bad_differ_in_the_pronoun_first(language: str) -> None:
    pronouns = PRONOUNS[language]
    for item in (item for some in corpus_items(language).values() for item in some):
        if not item.contrastive:
            continue
        assert item.antecedent is not None
        assert item.distractor is not None
        good, bad = item.good[slice(*item.good_spans[0])], item.bad[slice(*item.bad_spans[0])]
        assert good.lower().rpartition("'")[2] == pronouns[item.antecedent.gender]
        assert bad.lower().rpartition("'")[2] == pronouns[item.distractor.gender]
        most = 3 if item.family == "handwritten" else 2  # Elle est devenue trop lourde.
        assert len(item.good_spans) <= (1 if language == "de" else most)


@pytest.mark.slow
@pytest.mark.xdist_group("pronouns es")
def test_vietnamese_says_the_same_for_either_noun_and_translates_the_spanish_sources(
    es_items: dict[str, list[Item]],
) -> None:
    vietnamese = corpus_items("vi")
    for split in (*TEST_SPLITS, "train", "control_neutral", "control_cataphoric", "two_sentence"):
        ours, theirs = vietnamese[split], es_items[split]
        assert {(i.source, i.gold) for i in ours} == {(i.source, i.gold) for i in theirs}, split
        assert not [item.good for item in ours if item.contrastive]
        assert {noun.gender for item in ours for noun in item.candidates} == {""}


@pytest.mark.slow
@pytest.mark.xdist_group("pronouns vi-cl")
def test_a_vietnamese_classifier_shows_who_is_meant_in_every_test_item() -> None:
    items = corpus_items("vi-cl")
    for item in (item for split in TEST_SPLITS for item in items[split]):
        assert item.antecedent is not None
        assert item.distractor is not None
        assert f" {item.antecedent.gender} đó " in item.good.lower(), item.good
        assert f" {item.distractor.gender} đó " in item.bad.lower(), item.bad


def test_an_article_that_hides_the_gender_is_marked() -> None:
    patterns, lexicon = load_patterns("fr"), load_lexicon("fr")
    draw = Draw(lexicon, patterns, grammar_of("fr"), "fr", Random(0))
    for item in natural_items(draw):
        elided = "l'" in item.good.lower().replace("qu'elle", "")
        assert item.tags == (("article hides gender",) if elided else ()), item.good


def test_the_sentence_that_everyone_quotes_is_in_the_natural_set_with_its_pair(
    es_items: dict[str, list[Item]],
) -> None:
    quoted = next(item for item in es_items["natural"] if item.source == QUOTED)
    (partner,) = (i for i in es_items["natural"] if i.pair == quoted.pair and i is not quoted)
    assert quoted.antecedent is not None
    assert partner.antecedent is not None
    assert (quoted.antecedent.noun, partner.antecedent.noun) == ("wrench", "robot")
    assert quoted.good == "El robot recogió la llave inglesa porque era pesada."
    assert quoted.bad == "El robot recogió la llave inglesa porque era pesado."
    assert partner.source == "The robot picked up the wrench because it was tidy."


def test_items_and_rows_come_back_as_they_were_written(
    es_items: dict[str, list[Item]], es_rows: dict[str, list[Row]], tmp_path: Path
) -> None:
    some = es_items["T1"][:8] + es_items["control_neutral"][:2]
    write_items(tmp_path / "items.jsonl", some)
    assert read_items(tmp_path / "items.jsonl") == some
    mixed = [Row(item.source, item.good, item) for item in some] + [
        row for row in es_rows["train"] if row.item is None
    ][:3]
    write_rows(tmp_path / "rows.jsonl", mixed)
    assert read_rows(tmp_path / "rows.jsonl") == mixed
    assert read_items(tmp_path / "rows.jsonl") == some


def test_a_line_that_is_not_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text('{"source": "a", "target": "b"}\n{"source": \n', encoding="utf-8")
    with pytest.raises(DataError, match=r"broken\.jsonl:2: .* is not JSON"):
        read_rows(path)


@pytest.mark.parametrize("line", ["[1]", "7", '"text"'])
def test_a_line_that_is_no_object_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(line.encode()))
    with pytest.raises(
        DataError, match=r"rows.jsonl.gz:1: .* is no object, needed one object a line"
    ):
        read_rows(path)


def test_a_row_without_a_target_is_named(tmp_path: Path) -> None:
    path = tmp_path / "half.jsonl"
    path.write_text('{"source": "a"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"half\.jsonl:1: no field 'target'"):
        read_rows(path)


def test_an_item_of_another_schema_version_is_refused(
    es_items: dict[str, list[Item]], tmp_path: Path
) -> None:
    path = tmp_path / "old.jsonl"
    write_items(path, es_items["T0"][:1])
    path.write_text(
        path.read_text("utf-8").replace('"item_schema": 1', '"item_schema": 0'), "utf-8"
    )
    with pytest.raises(DataError, match=r"old\.jsonl:1: item schema 0, needed 1; write the file"):
        read_items(path)


def test_an_item_with_a_missing_and_an_unknown_field_is_refused(
    es_items: dict[str, list[Item]], tmp_path: Path
) -> None:
    path = tmp_path / "odd.jsonl"
    write_items(path, es_items["T0"][:1])
    fields = json.loads(path.read_text("utf-8"))
    fields["colour"] = fields.pop("voice")
    path.write_text(json.dumps(fields) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"no field 'voice'; unknown field 'colour'"):
        read_items(path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"id": 3}, "id = 3: Input should be a valid string"),
        ({"pronoun": [0, "2"]}, 'pronoun.1 = "2": Input should be a valid integer'),
        ({"pronoun": [True, 2]}, "pronoun.0 = true: Input should be a valid integer"),
        ({"pronoun": [0, 1, 2]}, r"pronoun = \[0, 1, 2\]: Tuple should have at most 2 items"),
        ({"pronoun": [5, 5]}, r"pronoun \[5, 5\] is no place in source, which has \d+ char"),
        ({"clause": [0, 9999]}, r"clause \[0, 9999\] is no place in source"),
        ({"good_spans": [[-1, 2]]}, r"good_spans \[-1, 2\] is no place in good"),
        ({"candidates": []}, "0 candidates, needed one or two"),
        ({"candidates": [{"noun": "cup"}]}, "no field 'candidates.0.kind'"),
        ({"gold": 2}, "gold = 2, needed one of the 2 candidates or null"),
        ({"gold": -1}, "gold = -1, needed one of"),
        ({"tags": "abc"}, 'tags = "abc": Input should be a valid tuple'),
    ],
)
def test_a_field_that_holds_something_else_is_named(
    es_items: dict[str, list[Item]], tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    path = tmp_path / "odd.jsonl"
    write_items(path, [item for item in es_items["T0"] if len(item.candidates) == 2][:1])
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), encoding="utf-8")
    with pytest.raises(DataError, match=rf"odd\.jsonl:1: {problem}.*write the file again"):
        read_items(path)


@pytest.mark.parametrize(
    "line",
    ["[" * 200_000, '{"a": ' + "1" * 5000 + "}", r'{"a": "\uD800"}'],
    ids=["nested", "long-number", "half-a-character"],
)
def test_json_that_python_does_not_read_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(DataError, match=r"jsonl:1: .* is not JSON \((nested|Exceeds|.ud800)"):
        read_items(path)


def test_translations_of_different_length_cannot_be_contrasted() -> None:
    with pytest.raises(DataError, match=r"3 words against 2 in 'era pesado', needed as many"):
        differing_spans("era muy pesada", "era pesado")
