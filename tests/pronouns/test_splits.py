"""The leak rules: what each split holds back is not in training, in any form."""

import itertools
import re
from collections import Counter
from functools import cache

import pytest

from seq2seq.pronouns.items import Item, Row, word_spans
from seq2seq.pronouns.lexicon import Lexicon, load_lexicon
from seq2seq.pronouns.patterns import load_patterns

from .conftest import TEST_SPLITS

# The English of these does not depend on the target language.
PATTERNS = load_patterns("es")
_NOUNS = {noun for code in ("es", "de", "fr") for noun in load_lexicon(code).nouns}
_ADVERBS = {adverb.modifier.english for adverb in PATTERNS.adverbs}
_OPENERS = "yesterday last night that day on monday this morning said i think everybody knows"
_SMALL_WORDS = {*_ADVERBS, *_OPENERS.split(), "the", "it", "is", "was"} | {
    link.pattern.name for link in PATTERNS.links
}


@cache  # as is the next: every test asks for the words of all sentences
def words(text: str) -> list[str]:
    # "On Monday" is an opener; "on" by itself is a cue (the lamp was on).
    text = text.replace("On Monday", "Monday")
    return [text[start:end].lower() for start, end in word_spans(text)]


# What stands for the chosen noun in a sentence that chooses one of two.
CHOSEN = {
    "es": {"m": "el que ", "f": "la que "},
    "fr": {"m": "celui qui ", "f": "celle qui "},
    "de": {"m": " den, der ", "f": " die, die ", "n": " das, das "},
}
_PEOPLE = {word for person in PATTERNS.people for word in words(person.english)}


def gist(item: Item) -> frozenset[str]:
    """What is left of a sentence without openers, adverbs and people: the near-duplicate key."""
    return frozenset(words(item.source)) - _SMALL_WORDS - _PEOPLE


def nouns_of(row: Row) -> set[str]:
    return nouns_in(row.source)


@cache
def nouns_in(text: str) -> set[str]:
    return _NOUNS & set(words(text))


@pytest.fixture(scope="session")
def gists(items: dict[str, list[Item]]) -> set[frozenset[str]]:
    """Those of training."""
    return {gist(item) for item in items["train"]}


def test_a_block_never_crosses_splits(items: dict[str, list[Item]]) -> None:
    seen: dict[str, set[str]] = {split: {i.block for i in some} for split, some in items.items()}
    for one, other in itertools.combinations(seen, 2):
        assert not seen[one] & seen[other], (one, other)


def test_no_two_items_share_an_id_or_a_source(rows: dict[str, list[Row]]) -> None:
    everything = [row for some in rows.values() for row in some]
    sources = Counter(row.source for row in everything)
    assert not [source for source, count in sources.items() if count > 1]
    ids = Counter(row.item.id for row in everything if row.item is not None)
    assert not [name for name, count in ids.items() if count > 1]


@pytest.mark.parametrize("split", [*TEST_SPLITS, "natural", "two_sentence", "handwritten"])
def test_no_near_duplicate_of_a_test_item_is_in_training(
    split: str, items: dict[str, list[Item]], gists: set[frozenset[str]]
) -> None:
    assert not [item.source for item in items.get(split, []) if gist(item) in gists]


@pytest.mark.parametrize("split", ["dev", "T0"])
def test_new_selectional_quads_use_no_noun_pair_with_a_cue_that_training_has(
    split: str, items: dict[str, list[Item]]
) -> None:
    def used(item: Item) -> tuple[frozenset[str], str]:
        return frozenset(noun.noun for noun in item.candidates), item.cue

    train = {used(item) for item in items["train"]}
    assert not [i.source for i in items[split] if i.family == "F2" and used(i) in train]


def test_new_nouns_are_only_in_fillers_and_often(
    rows: dict[str, list[Row]], items: dict[str, list[Item]], fillers: list[Row], lexicon: Lexicon
) -> None:
    new = {noun.english for noun in lexicon.nouns.values() if noun.new}
    for row in rows["train"]:
        filler = row.item is None or row.item.family == "filler"
        assert filler or not nouns_of(row) & new, row.source
    assert len(items["T1"]) >= 200
    assert {noun.noun for item in items["T1"] for noun in item.candidates} <= new
    taught = Counter(noun for row in fillers for noun in nouns_of(row) & new)
    assert min(taught[noun] for noun in new) >= 30


def test_every_new_noun_is_taught_with_every_cue_of_its_kind(
    fillers: list[Row], lexicon: Lexicon
) -> None:
    said = _said_together(fillers)
    for kind in lexicon.kinds.values():
        for noun in kind.new_nouns:
            taught = [cue for cue in kind.cues if (noun.english, cue.english) in said]
            assert len(taught) == len(kind.cues), (noun.english, [c.english for c in taught])


def test_withheld_combinations_are_nowhere_in_training(
    items: dict[str, list[Item]], fillers: list[Row], lexicon: Lexicon
) -> None:
    wanted = {(i.antecedent.noun, i.cue) for i in items["T2"] if i.antecedent is not None}
    assert len(wanted) >= 60
    answers = {(i.antecedent.noun, i.cue) for i in items["train"] if i.antecedent is not None}
    assert not wanted & answers
    said = {
        pair
        for row in fillers
        if len(nouns_of(row)) == 1
        for pair in itertools.product(nouns_of(row), words(row.source))
    }
    assert not wanted & said
    # With two nouns, each is said to be what fits it on its own side of the conjunction.
    both = {pair for row in fillers if len(nouns_of(row)) == 2 for pair in _own_cues(row, lexicon)}
    assert not wanted & both


def test_noun_pairs_of_t3_never_meet_in_training(
    rows: dict[str, list[Row]], items: dict[str, list[Item]]
) -> None:
    wanted = {frozenset(noun.noun for noun in item.candidates) for item in items["T3"]}
    met = {frozenset(nouns_of(row)) for row in rows["train"]}
    assert not wanted & met
    singly = set().union(*met)
    assert all(pair <= singly for pair in wanted)


def test_voices_of_t4_are_never_given_a_reason_in_training(items: dict[str, list[Item]]) -> None:
    def order(item: Item) -> tuple[str, ...]:
        if item.family == "F1":
            return (item.schema, item.voice)
        return (item.schema, item.candidates[0].kind)

    unseen = {order(item) for item in items["T4"]}
    assert not unseen & {order(item) for item in items["train"]}
    assert {item.schema for item in items["T4"]} <= {item.schema for item in items["train"]}


def test_cues_of_t5_are_only_in_fillers(
    items: dict[str, list[Item]], fillers: list[Row], lexicon: Lexicon
) -> None:
    kinds = lexicon.kinds.values()
    new, chosen_by = ({item.cue for item in items[split]} for split in ("T5", "dev_T5"))
    assert new <= {cue.english for kind in kinds for cue in kind.new_cues}
    assert chosen_by <= {cue.english for kind in kinds for cue in kind.dev_cues}
    assert not (new | chosen_by) & {item.cue for item in items["train"]}
    taught = Counter(word for row in fillers for word in words(row.source) if word in new)
    assert min(taught[cue] for cue in new) >= 50


def test_a_choice_of_two_nouns_needs_what_fits_and_tells_nothing_of_a_test(
    items: dict[str, list[Item]], fillers: list[Row], lexicon: Lexicon, language: str
) -> None:
    choices = [r.item for r in fillers if r.item is not None and "-choice-" in r.item.id]
    assert len(choices) == (6_000 if language in ("es", "de", "fr") else 0)
    tested = {
        (frozenset(noun.noun for noun in item.candidates), item.cue)
        for split in TEST_SPLITS
        for item in items[split]
    }
    taken = Counter(item.cue for item in choices)
    for item in choices:
        meant, other = item.antecedent, item.distractor
        assert meant is not None
        assert other is not None
        fits = [
            item.cue in {cue.english for cue in lexicon.kinds[noun.kind].all_cues}
            for noun in (meant, other)
        ]
        assert fits == [True, False], item.source
        assert item.source[slice(*item.pronoun)] == "one"
        assert (frozenset({meant.noun, other.noun}), item.cue) not in tested, item.source
        assert CHOSEN[language][meant.gender] in item.good, item.good
        assert item.contrastive == (meant.gender != other.gender)
        assert not item.contrastive or CHOSEN[language][other.gender] in item.bad
    if choices:
        assert 0.47 < sum(item.gold for item in choices) / len(choices) < 0.53
        assert min(taken[item.cue] for split in ("T5", "dev_T5") for item in items[split]) >= 5


def test_a_choice_by_the_side_of_a_verb_tells_nothing_of_a_test(
    items: dict[str, list[Item]], fillers: list[Row], language: str
) -> None:
    picks = [r.item for r in fillers if r.item is not None and "-pick-" in r.item.id]
    assert (len(picks) > 2_000) == (language in ("es", "de", "fr"))
    asked = {
        (frozenset(noun.noun for noun in item.candidates), item.cue)
        for split in (*TEST_SPLITS, "natural")
        for item in items[split]
    }
    for item in picks:
        meant, other = item.antecedent, item.distractor
        assert meant is not None
        assert other is not None
        assert item.source[slice(*item.pronoun)] == "one"
        assert " it " not in item.source
        assert (frozenset({meant.noun, other.noun}), item.cue) not in asked, item.source
        assert CHOSEN[language][meant.gender] in item.good, item.good
        assert item.contrastive == (meant.gender != other.gender)
        assert not item.contrastive or CHOSEN[language][other.gender] in item.bad
    first, agents = (
        sum(chosen) / max(len(picks), 1)
        for chosen in (
            [item.gold == 0 for item in picks],
            [item.antecedent is not None and item.antecedent.role == "A" for item in picks],
        )
    )
    assert not picks or (0.45 < first < 0.55 and 0.45 < agents < 0.55)


def test_schemas_of_t6_are_never_given_a_reason_in_training(items: dict[str, list[Item]]) -> None:
    unseen, chosen_by = (
        {item.schema for split in splits for item in items[split]}
        for splits in (("T6", "natural"), ("dev_T6", "dev_natural"))
    )
    assert not unseen & chosen_by
    assert not (unseen | chosen_by) & {item.schema for item in items["train"]}
    assert {item.family for item in items["T6"]} == {"F1", "F2"}


def test_every_word_of_every_test_set_occurs_in_training(rows: dict[str, list[Row]]) -> None:
    source = {word for row in rows["train"] for word in words(row.source)}
    target = {word for row in rows["train"] for word in words(row.target)}
    for split, some in rows.items():
        if split == "handwritten":
            continue  # It says what is new to training instead: see test_handwritten.py.
        for row in some:
            assert not set(words(row.source)) - source, (split, row.source)
            assert not set(words(row.target)) - target, (split, row.target)


def test_the_selectional_family_is_the_larger_part(items: dict[str, list[Item]]) -> None:
    families = Counter(item.family for item in items["train"])
    assert families["F2"] + families["F3"] > 2 * families["F1"]
    assert families["F2"] > max(families["F1"], families["F3"])
    schemas = {item.schema for item in items["train"] if item.family in ("F1", "F3")}
    assert schemas == {schema.name for schema in PATTERNS.schemas if schema.only is None}
    assert len(schemas) >= 40


def test_a_pair_differs_in_the_cue_alone(items: dict[str, list[Item]]) -> None:
    pairs: dict[str, list[Item]] = {}
    for item in (i for split in TEST_SPLITS for i in items[split]):
        pairs.setdefault(item.pair, []).append(item)
    for one, other in pairs.values():
        assert _without_cue(one) == _without_cue(other)
        assert one.gold != other.gold


def _without_cue(item: Item) -> str:
    return item.source[: item.cue_span[0]] + item.source[item.cue_span[1] :]


def _said_together(fillers: list[Row]) -> set[tuple[str, str]]:
    return {pair for row in fillers for pair in itertools.product(nouns_of(row), words(row.source))}


def _own_cues(row: Row, lexicon: Lexicon) -> list[tuple[str, str]]:
    return [
        (noun, cue.english)
        for side in _sides(row.source)
        for noun in nouns_in(side)
        for cue in lexicon.kinds[lexicon.nouns[noun].kind].cues
        if cue.english in words(side)
    ]


def _sides(text: str) -> list[str]:
    """The parts of a sentence with two nouns, each with its noun and what is said of it."""
    sides = re.split(" and | but | with ", text)
    if len(sides) == 1:  # the timid hen feared the fierce dog
        end = min(re.search(rf"\b{noun}\b", text).end() for noun in nouns_in(text))  # type: ignore[union-attr]
        sides = [text[:end], text[end:]]
    return sides


# Verbs of the natural set that training gives a reason too, between other nouns.
SHARED_VERBS = {
    "{A} cost more than {B}",
    "{A} could not lift {B}",
    "{A} crushed {B}",
    "{A} did not fit in {B}",
    "{A} drowned out {B}",
    "{A} held up {B}",
    "{A} hid {B} from view",
    "{A} lasted longer than {B}",
    "{A} scared {B}",
    "{A} scratched {B}",
    "{A} sold better than {B}",
    "{A} was more popular than {B}",
}


def test_training_gives_no_reason_to_a_verb_that_is_kept_for_tests() -> None:
    trained, kept = (
        {voice.english for schema in PATTERNS.schemas if (schema.only is None) == free
         for voice in schema.voices}
        for free in (True, False)
    )  # fmt: skip
    assert not trained & kept
    natural = {v.english for s in PATTERNS.natural + PATTERNS.everyday for v in s.voices}
    assert {verb for verb in trained & natural if verb.startswith("{A}")} == SHARED_VERBS


def test_heavy_is_the_reason_for_either_role_whether_something_happens_or_not(
    items: dict[str, list[Item]],
) -> None:
    told = Counter(
        (item.antecedent.role, " not " in item.source)
        for item in items["train"]
        if item.cue == "heavy" and item.antecedent is not None
    )
    assert (
        min(told[role, negated] for role in ("agent", "patient") for negated in (True, False)) > 50
    )
