"""Files in, report out: the JSON contract, the table, and what is refused."""

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from seq2seq.errors import DataError, ScoreError
from seq2seq.score.comparison import compare_files, compare_texts
from seq2seq.score.measure import ScoreOptions
from seq2seq.score.report import score_files, score_texts
from seq2seq.score.summary import ROUGE_NAMES
from seq2seq.score.table import pad
from tests.score.metrics import bleu

Write = Callable[[str, str], Path]
TRUTH = "Das Haus ist sehr alt.\nAnna sieht heute den Garten.\n"
MADE = "Das Haus ist sehr groß.\nAnna sieht heute den Garten.\n"
BESIDE = ["errors", "language", "texts", "notes"]
QUICK = ScoreOptions(resamples=50, trials=50)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """``write(name, text)`` makes a file and returns its path."""

    def write_text(name: str, text: str) -> Path:
        path = tmp_path / name
        data = text.encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
        return path

    return write_text


def test_json_holds_score_signature_and_interval_of_each_metric(write: Write) -> None:
    made, truth = write("made.de", MADE), write("truth.de.gz", TRUTH)
    report = score_files(made, [truth], source=write("source.en", "a\nb\n"), options=QUICK)
    found = json.loads(json.dumps(report.to_json()))
    assert list(found) == ["bleu", "chrf", "ter", *BESIDE]
    for key in ("bleu", "chrf", "ter"):
        assert list(found[key]) == ["score", "signature", "interval", "details"]
        low, high = found[key]["interval"]
        assert low <= high
    expected = bleu(MADE.splitlines(), [TRUTH.splitlines()], resamples=50)
    assert found["bleu"]["score"] == round(expected.value, 4)
    assert found["bleu"]["signature"] == expected.signature
    assert found["errors"]["copied"] == 0
    assert found["errors"]["segments"] == 2


def test_json_says_null_where_no_interval_was_asked_for(write: Write) -> None:
    options = ScoreOptions(metrics=("chrf++",), resamples=0)
    found = score_files(write("a", MADE), [write("b", TRUTH)], options=options).to_json()
    assert list(found) == ["chrf++", *BESIDE]
    assert found["chrf++"]["interval"] is None


def test_rouge_stands_beside_its_lead_baselines(write: Write) -> None:
    options = ScoreOptions(metrics=("rouge",), resamples=50)
    report = score_files(
        write("made", MADE), [write("truth", TRUTH)], source=write("documents", MADE),
        options=options,
    )  # fmt: skip
    found = report.to_json()
    assert list(found) == [*ROUGE_NAMES, "baselines", *BESIDE]
    assert list(found["baselines"]) == ["lead-8", "lead-12"]
    assert list(found["baselines"]["lead-8"]) == list(ROUGE_NAMES)
    # These documents are shorter than eight words: the lead is the document, which was copied.
    assert found["baselines"]["lead-8"]["rouge1"] == found["rouge1"]
    assert found["errors"]["copied"] == 1
    assert found["errors"]["untranslated"] is None
    assert "ROUGE-L of lead-12" in report.to_text()


def test_the_tokenised_protocol_takes_its_language_from_the_references_name(write: Write) -> None:
    options = ScoreOptions(metrics=("bleu",), tokenized=True, resamples=0)
    report = score_files(write("made", MADE), [write("truth.de.gz", TRUTH)], options=options)
    found = report.to_json()
    assert list(found) == ["bleu", "bleu_tokenized", "bleu_tokenized_lc", *BESIDE]
    assert found["language"] == {"code": "de", "source": "from the references' names"}
    assert "tok:moses-de" in found["bleu_tokenized"]["signature"]
    assert len({found[key]["signature"] for key in list(found)[:3]}) == 3


def test_the_tokenised_protocol_prefers_tokenised_references(write: Write) -> None:
    tokenized = TRUTH.lower().replace(".", " .")
    report = score_files(
        write("made", TRUTH), [write("truth.txt", TRUTH)],
        tokenized_references=[write("truth.tok.de", tokenized)],
        options=ScoreOptions(metrics=(), tokenized=True, resamples=0),
    )  # fmt: skip
    assert list(report.scores) == ["bleu_tokenized_lc"]
    assert report.scores["bleu_tokenized_lc"].value == pytest.approx(100)
    assert "refs:tokenized" in report.scores["bleu_tokenized_lc"].signature


def test_the_tokenised_protocol_asks_for_a_language_it_cannot_know(write: Write) -> None:
    options = ScoreOptions(tokenized=True)
    made, truth = write("made", MADE), write("truth.txt", TRUTH)
    message = "tokenized protocol: 'truth.txt': 0 language codes at the end of these names, needed"
    with pytest.raises(ScoreError, match=message + r" one such as \.de; add --language de"):
        score_files(made, [truth], options=options)
    with pytest.raises(ScoreError, match=r"'truth\.de', 'truth\.fr': 2 language codes at the end"):
        score_files(made, [write("truth.de", TRUTH), write("truth.fr", TRUTH)], options=options)
    with pytest.raises(ScoreError, match="tokenized protocol: no language given, needed the"):
        score_texts(["a"], [["a"]], options=options)


def test_the_table_for_people_is_aligned_and_complete(write: Write) -> None:
    report = score_files(write("made", MADE), [write("truth", TRUTH)], options=QUICK)
    text = report.to_text()
    scores, faults, beside = text.split("\n\n")
    head, *rows = scores.splitlines()
    assert [row.split()[0] for row in rows] == ["BLEU", "chrF2", "TER"]
    column = head.index("signature")
    assert all(row[column:].startswith("nrefs:1|bs:50|") for row in rows)
    assert re.search(r"^looping +0 +0\.0%", faults, re.MULTILINE)
    assert "copied" not in faults  # there is no source to copy from
    assert beside == "language      not known\nUnicode form  NFC"


def test_files_of_different_length_are_named_with_their_line_counts(write: Write) -> None:
    made, truth, source = write("m", MADE), write("t", TRUTH + "x\n"), write("s", "a\n")
    expected = f"{made}: 2 lines, but {truth} has 3 and {source} has 1, needed one line for each"
    with pytest.raises(ScoreError, match=re.escape(expected)):
        score_files(made, [truth], source=source)
    other = write("o", "a\n")
    expected = f"{made}: 2 lines, but {other} has 1 and {truth} has 3, needed one line for each"
    with pytest.raises(ScoreError, match=re.escape(expected)):
        compare_files([made, other], [truth])


def test_empty_files_and_missing_references_are_refused(write: Write) -> None:
    empty, made = write("empty", ""), write("made", MADE)
    with pytest.raises(ScoreError, match="empty: no lines, needed at least one; check"):
        score_files(empty, [empty])
    for source in (None, made):  # a source is no reference
        with pytest.raises(ScoreError, match="made: no reference to compare it with"):
            score_files(made, [], source=source)
    with pytest.raises(ScoreError, match="made: no reference to compare it with"):
        compare_files([made, made], [])


def test_every_file_that_cannot_be_read_is_named_at_once(write: Write, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_bytes(b"gut\n\xff\n")
    with pytest.raises(DataError, match=r"gone: no such file.*; .*bad: line 2: byte 0xff"):
        score_files(tmp_path / "gone", [bad])


def test_unknown_metrics_are_all_named_with_the_nearest_one_that_exists() -> None:
    with pytest.raises(ScoreError, match=r"'blue': not known.*did you mean 'bleu'\?; metric 'x'"):
        ScoreOptions(metrics=("blue", "chrf", "x"))
    with pytest.raises(ScoreError, match=r"choose from bleu, chrf, chrf\+\+, ter, rouge"):
        ScoreOptions(metrics=("x",))


def test_comparing_gives_each_metric_with_both_tests(write: Write) -> None:
    one, two, truth = write("one", MADE), write("two", TRUTH), write("truth", TRUTH)
    report = compare_files([one, two, one], [truth], options=QUICK)
    found = json.loads(json.dumps(report.to_json()))
    assert list(found) == ["segments", "bleu", "chrf", "ter", "language", "texts", "notes"]
    assert list(found["bleu"]) == ["bootstrap", "randomization"]
    test = found["bleu"]["bootstrap"]
    assert [row["system"] for row in test["systems"]] == [str(one), str(two), str(one)]
    row = ["system", "score", "difference", "p_value", "resamples", "exact", "interval"]
    assert list(test["systems"][1]) == row
    assert test["systems"][0]["p_value"] is None
    assert test["systems"][2]["p_value"] == 1
    assert test["systems"][1]["difference"] > 0
    assert "bs:50" in test["signature"]
    text = report.to_text()
    assert "TER (lower is better)" in text
    assert text.count("baseline") == 3
    assert found["ter"]["randomization"]["signature"] in text


def test_comparing_needs_two_systems(write: Write) -> None:
    for systems in ([], [write("one", MADE)]):
        with pytest.raises(ScoreError, match=rf"compare: {len(systems)} systems given, needed two"):
            compare_files(systems, [write("truth", TRUTH)])


def test_the_module_loads_without_torch_or_any_other_slow_library() -> None:
    code = "import sys, seq2seq.score.report; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert "seq2seq.score.report" in loaded
    slow = {"torch", "transformers", "numpy", "sacrebleu", "rouge_score", "nltk", "sacremoses"}
    assert not slow & set(loaded)


def test_columns_stand_below_each_other_on_a_terminal_in_every_script() -> None:
    names = ("base", "新闻测试集", "e\u0301te\u0301", "हिन्दी", "עברית", "👩\u200d🔬")
    assert {cell_len(pad(name, 12)) for name in names} == {12}
    assert pad("新闻", 6, right=True) == "  新闻"
    truth = ["a b c d e"] * 3
    lines = compare_texts([(name, truth) for name in names], [truth]).to_text().splitlines()
    scores = {cell_len(line[: line.index("100.00")]) for line in lines if line.startswith(names)}
    assert len(scores) == 1
