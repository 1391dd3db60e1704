"""F1 of GAP, counted by hand as its own scorer counts: by name, undecided and missing cases too."""

from seq2seq.probe.items.case import Case, Mention
from seq2seq.probe.statistics.gap_score import gap_answers_text, gap_scores


def case(name: str, gender: str, *meant: str) -> Case:
    """Two names, B first in the text."""
    mentions = tuple(Mention(role, (n, n + 1), role=role) for n, role in enumerate("BA"))
    right = frozenset(n for n, one in enumerate(mentions) if one.role in meant)
    return Case(name, "BA it", (3, 5), mentions, right, tags=("lang=en", f"gender={gender}"))


CASES = [
    case("one", "M", "A"),
    case("two", "M", "B"),
    case("three", "F", "A"),
    case("neither", "F"),
    case("missing", "F", "B"),
]
ANSWERS = {"one": "A", "two": "A", "three": "A", "neither": "B"}


def test_names_are_counted_as_the_published_scorer_counts_them() -> None:
    overall, masculine, feminine = gap_scores(CASES, ANSWERS)
    counts = [
        (one.true_positives, one.false_positives, one.false_negatives, one.true_negatives)
        for one in (overall, masculine, feminine)
    ]
    # "one" and "three": a hit and a true negative. "two": a false name said, the right one not.
    # "neither": one false name said. "missing": two false negatives, as the scorer has it.
    assert counts == [(2, 2, 3, 3), (1, 1, 1, 1), (1, 1, 2, 2)]
    assert (overall.precision, overall.recall) == (0.5, 0.4)
    assert round(overall.f1, 4) == 0.4444
    assert (masculine.f1, round(feminine.f1, 4)) == (0.5, 0.4)


def test_without_a_single_answer_f1_is_zero() -> None:
    assert [one.f1 for one in gap_scores(CASES, {})] == [0, 0, 0]


def test_answers_are_written_as_the_scorer_reads_them() -> None:
    assert gap_answers_text({"one": "A", "two": "B"}) == "one\tTRUE\tFALSE\ntwo\tFALSE\tTRUE\n"
