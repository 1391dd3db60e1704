"""Items: spans point at their words, files come back as they were, damage is named."""

import json
from pathlib import Path

import pytest

from seq2seq.errors import DataError
from seq2seq.pronouns.items import (
    Item,
    Row,
    differing_spans,
    read_items,
    read_rows,
    write_items,
    write_rows,
)
from seq2seq.pronouns.lexicon import load_lexicon

QUOTED = "The robot picked up the wrench because it was heavy."


def test_every_span_points_at_its_word(items: dict[str, list[Item]]) -> None:
    lexicon = load_lexicon("es")
    for item in (item for some in items.values() for item in some):
        assert item.source[slice(*item.pronoun)].lower() == "it"
        assert item.source[slice(*item.cue_span)] == item.cue
        clause = item.source[slice(*item.clause)].lower()
        assert clause.startswith(("because", "since", "as", "but", "although", "it ")), clause
        assert clause.endswith(item.cue.lower())
        for noun in item.candidates:
            word = lexicon.nouns[noun.noun].word.partition(" ")[0]
            assert item.source[slice(*noun.source_span)] == noun.noun
            assert item.good[slice(*noun.target_span)] == word


def test_candidates_stand_in_the_order_of_the_source(items: dict[str, list[Item]]) -> None:
    for item in (item for some in items.values() for item in some):
        first, second = item.candidates
        assert first.source_span < second.source_span


def test_good_and_bad_differ_in_the_cue_alone(items: dict[str, list[Item]]) -> None:
    cues = load_lexicon("es").cues
    for item in (item for some in items.values() for item in some if item.contrastive):
        (good,), (bad,) = item.good_spans, item.bad_spans
        stem = cues[item.cue].lemmas[0][:-1]
        endings = {"m": "o", "f": "a"}
        assert item.antecedent is not None
        assert item.distractor is not None
        assert item.good[slice(*good)].lower() == stem + endings[item.antecedent.gender]
        assert item.bad[slice(*bad)].lower() == stem + endings[item.distractor.gender]
        assert item.good[: good[0]] == item.bad[: bad[0]]
        assert item.good[good[1] :] == item.bad[bad[1] :]


def test_the_sentence_that_everyone_quotes_is_in_the_natural_set_with_its_pair(
    items: dict[str, list[Item]],
) -> None:
    quoted = next(item for item in items["natural"] if item.source == QUOTED)
    (partner,) = (i for i in items["natural"] if i.pair == quoted.pair and i is not quoted)
    assert quoted.antecedent is not None
    assert partner.antecedent is not None
    assert (quoted.antecedent.noun, partner.antecedent.noun) == ("wrench", "robot")
    assert quoted.good == "El robot recogió la llave inglesa porque era pesada."
    assert quoted.bad == "El robot recogió la llave inglesa porque era pesado."
    assert partner.source == "The robot picked up the wrench because it was tidy."


def test_items_and_rows_come_back_as_they_were_written(
    items: dict[str, list[Item]], fillers: list[Row], tmp_path: Path
) -> None:
    some = items["T1"][:8] + items["control_neutral"][:2]
    write_items(tmp_path / "items.jsonl", some)
    assert read_items(tmp_path / "items.jsonl") == some
    mixed = [Row(item.source, item.good, item) for item in some] + fillers[:3]
    write_rows(tmp_path / "rows.jsonl", mixed)
    assert read_rows(tmp_path / "rows.jsonl") == mixed
    assert read_items(tmp_path / "rows.jsonl") == some


def test_a_line_that_is_not_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text('{"source": "a", "target": "b"}\n{"source": \n', encoding="utf-8")
    with pytest.raises(DataError, match=r"broken\.jsonl:2: .* is not JSON"):
        read_rows(path)


def test_a_row_without_a_target_is_named(tmp_path: Path) -> None:
    path = tmp_path / "half.jsonl"
    path.write_text('{"source": "a"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"half\.jsonl:1: fields \['source'\], needed 'source' and"):
        read_rows(path)


def test_an_item_of_another_schema_version_is_refused(
    items: dict[str, list[Item]], tmp_path: Path
) -> None:
    path = tmp_path / "old.jsonl"
    write_items(path, items["T0"][:1])
    path.write_text(
        path.read_text("utf-8").replace('"item_schema": 1', '"item_schema": 0'), "utf-8"
    )
    with pytest.raises(DataError, match=r"old\.jsonl:1: item schema 0, needed 1; write the file"):
        read_items(path)


def test_an_item_with_a_missing_and_an_unknown_field_is_refused(
    items: dict[str, list[Item]], tmp_path: Path
) -> None:
    path = tmp_path / "odd.jsonl"
    write_items(path, items["T0"][:1])
    fields = json.loads(path.read_text("utf-8"))
    fields["colour"] = fields.pop("voice")
    path.write_text(json.dumps(fields) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"lacks \['voice'\] and has unknown \['colour'\]"):
        read_items(path)


def test_translations_of_different_length_cannot_be_contrasted() -> None:
    with pytest.raises(DataError, match=r"3 words against 2 in 'era pesado', needed as many"):
        differing_spans("era muy pesada", "era pesado")
