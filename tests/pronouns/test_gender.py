"""The gender scorer on translations written by hand: good, bad, neither, and the sums over them."""

import dataclasses

import pytest

from seq2seq.errors import DataError
from seq2seq.pronouns.gender import gender_shown, score_gender, score_gender_by_family
from seq2seq.pronouns.items import Item


@pytest.fixture(scope="module")
def wrench(es_items: dict[str, list[Item]]) -> Item:
    return next(
        item
        for item in es_items["natural"]
        if item.source == "The robot picked up the wrench because it was heavy."
    )


@pytest.fixture(scope="module")
def scared(es_items: dict[str, list[Item]]) -> Item:
    """The dog knocked over the chair because it was frightened: a cue with a synonym."""
    return next(i for i in es_items["natural"] if i.cue == "frightened" and "chair" in i.source)


@pytest.mark.parametrize(
    ("hypothesis", "verdict"),
    [
        ("El robot recogió la llave inglesa porque era pesada.", "good"),
        ("el robot tomó la llave porque PESADA era", "good"),
        ("El robot recogió la llave inglesa porque era pesado.", "bad"),
        ("Lo recogió porque era muy pesado", "bad"),
        ("El robot recogió la llave inglesa porque era grande.", "none"),
        ("El robot recogió la llave inglesa porque pesaba mucho.", "none"),
        ("El robot pesado recogió la llave pesada.", "none"),
        ("Eran pesadas.", "none"),
        ("", "none"),
    ],
)
def test_the_gender_of_the_cue_word_decides(wrench: Item, hypothesis: str, verdict: str) -> None:
    assert gender_shown(wrench, hypothesis) == verdict


def test_a_synonym_of_the_cue_counts_as_well(scared: Item) -> None:
    assert gender_shown(scared, "El perro volcó la silla porque estaba atemorizado.") == "good"
    assert gender_shown(scared, "El perro volcó la silla porque estaba atemorizada.") == "bad"


def test_an_accent_written_as_two_characters_is_the_same_letter(
    es_items: dict[str, list[Item]],
) -> None:
    item = next(i for i in es_items["T6"] + es_items["T0"] if i.cue == "empty")
    assert item.antecedent is not None
    form = "vacío" if item.antecedent.gender == "m" else "vacía"
    assert gender_shown(item, form.replace("í", "í")) == "good"


def test_perfect_and_inverted_translations_score_one_and_zero(
    es_items: dict[str, list[Item]],
) -> None:
    good = score_gender(es_items["T1"], [item.good for item in es_items["T1"]])
    bad = score_gender(es_items["T1"], [item.bad for item in es_items["T1"]])
    assert (good.accuracy, good.pair_accuracy, good.quad_accuracy, good.coverage) == (1, 1, 1, 1)
    assert good.recall == {"m": 1, "f": 1}
    assert (bad.accuracy, bad.pair_accuracy, bad.quad_accuracy, bad.coverage) == (0, 0, 0, 1)


def test_a_translator_that_always_says_masculine_gets_half_the_items_and_no_pair(
    es_items: dict[str, list[Item]],
) -> None:
    masculine = [
        item.good if item.antecedent is not None and item.antecedent.gender == "m" else item.bad
        for item in es_items["T3"]
    ]
    score = score_gender(es_items["T3"], masculine)
    assert (score.accuracy, score.pair_accuracy, score.coverage) == (0.5, 0, 1)
    assert score.recall == {"m": 1, "f": 0}


def test_one_wrong_item_costs_its_pair_and_its_quad(es_items: dict[str, list[Item]]) -> None:
    quads = es_items["T0"][:8]
    hypotheses = [item.good for item in quads]
    hypotheses[0] = quads[0].bad
    hypotheses[1] = "no se sabe"
    score = score_gender(quads, hypotheses)
    assert (score.items, score.pairs, score.quads) == (8, 4, 2)
    assert (score.accuracy, score.pair_accuracy, score.quad_accuracy) == (6 / 8, 3 / 4, 1 / 2)
    assert score.coverage == 7 / 8


def test_families_are_scored_apart(es_items: dict[str, list[Item]]) -> None:
    hypotheses = [item.good if item.family == "F1" else item.bad for item in es_items["T0"]]
    scores = score_gender_by_family(es_items["T0"], hypotheses)
    assert {family: score.accuracy for family, score in scores.items()} == {
        "F1": 1,
        "F2": 0,
        "F3": 0,
    }


def test_a_missing_hypothesis_is_refused(es_items: dict[str, list[Item]]) -> None:
    with pytest.raises(DataError, match=r"3 hypotheses for 4 items, needed one for each"):
        score_gender(es_items["T0"][:4], ["", "", ""])


def test_items_that_show_no_gender_are_refused(es_items: dict[str, list[Item]]) -> None:
    control = es_items["control_same_gender"][:4]
    with pytest.raises(DataError, match=r"4 of 4 items show no gender in the target"):
        score_gender(control, [item.good for item in control])


def test_half_a_quad_is_refused(es_items: dict[str, list[Item]]) -> None:
    half = es_items["T0"][:3]
    with pytest.raises(DataError, match=r"1 pairs are not whole .* 1 quads are not whole"):
        score_gender(half, [item.good for item in half])


def test_a_cue_that_the_lexicon_does_not_know_is_refused(wrench: Item) -> None:
    with pytest.raises(DataError, match=r"has cue 'zippy' and gold 1, needed a cue of the lexicon"):
        gender_shown(dataclasses.replace(wrench, cue="zippy"), "")
