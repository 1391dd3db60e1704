"""In every language a perfect output scores 100 by every metric, and another does not."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from seq2seq.lines import read_lines
from seq2seq.score.measure import ScoreOptions
from seq2seq.score.report import ScoreReport, score_files, score_texts
from tests.score.sentences_by_language import SENTENCES

# How sacrebleu's own command is told to cut a language; the others need no word.
BLEU_TOLD = {
    **{code: ["-l", f"en-{code}"] for code in ("en", "de", "ru", "vi", "zh", "ja", "ko")},
    "zh-TW": ["-tok", "zh"],
    **{code: ["-tok", "char"] for code in ("th", "lo", "km", "my")},
}
TER_TOLD = {code: ["--ter-normalized", "--ter-asian-support"] for code in ("zh", "zh-TW", "ja")}
OWN_TER = ("th", "lo", "km", "my")  # sacrebleu's has no way to cut them
# Its main function, run once for each (file, command line) in a process of its own.
COMMANDS = """
import json, os, sys, sacrebleu.sacrebleu
for path, command in json.loads(sys.argv[1]):
    child = os.fork()
    if child == 0:
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), 1)
        sys.argv = command
        sacrebleu.sacrebleu.main()
        sys.stdout.flush()
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"failed: {command}")
"""
EVERY = ScoreOptions(metrics=("bleu", "chrf", "chrf++", "ter", "rouge"), resamples=0)


def report(made: Sequence[str], truth: Sequence[str], language: str | None) -> ScoreReport:
    options = ScoreOptions(metrics=EVERY.metrics, language=language, resamples=0)
    return score_texts(made, [truth], options=options)


def shuffled(lines: list[str]) -> list[str]:
    return lines[1:] + lines[:1]


def imperfect(lines: list[str]) -> list[str]:
    return [lines[0], lines[1][:-3], lines[2][2:], lines[3]]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What sacrebleu's own command prints for an imperfect output in every language."""
    folder = tmp_path_factory.mktemp("sacrebleu")
    jobs = []
    for language, lines in SENTENCES.items():
        truth, made = folder / f"{language}.truth", folder / f"{language}.made"
        for path, text in ((truth, lines), (made, imperfect(lines))):
            path.write_text("".join(f"{line}\n" for line in text), encoding="utf-8")
        told = [*BLEU_TOLD.get(language, []), *TER_TOLD.get(language, [])]
        for number, options in enumerate((["bleu", "chrf", "ter", *told], ["chrf", "-cw", "2"])):
            command = ["sacrebleu", str(truth), "-i", str(made), "-w", "4", "-m", *options]
            jobs.append((str(folder / f"{language}.{number}"), command))
    subprocess.run([sys.executable, "-c", COMMANDS, json.dumps(jobs)], check=True)
    found: dict[str, list[dict[str, Any]]] = {language: [] for language in SENTENCES}
    for path, _ in jobs:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        found[Path(path).stem] += content if isinstance(content, list) else [content]
    return found


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize("known", [True, False])
def test_a_perfect_output_is_perfect_by_every_metric_and_a_shuffled_one_by_none(
    language: str, known: bool
) -> None:
    lines = SENTENCES[language]
    code = language if known else None
    perfect, other = report(lines, lines, code).scores, report(shuffled(lines), lines, code).scores
    assert len(perfect) == 8
    for key, score in perfect.items():
        assert score.value == pytest.approx(0 if key == "ter" else 100), key
        if key == "ter":
            assert other[key].value > 30
        else:
            assert other[key].value < 70, key
    assert not known or all(score.notes == () for score in perfect.values())


@pytest.mark.parametrize("language", SENTENCES)
def test_scores_and_signatures_are_those_of_sacrebleus_own_command(
    language: str, printed: dict[str, list[dict[str, Any]]]
) -> None:
    lines = SENTENCES[language]
    ours = {one.name: one for one in report(imperfect(lines), lines, language).scores.values()}
    assert len(printed[language]) == 4
    for theirs in printed[language]:
        mine = ours[str(theirs["name"])]
        if mine.name == "TER" and language in OWN_TER:
            assert "tok:tercom-letters" in mine.signature
            continue
        assert mine.signature == theirs["signature"]
        assert f"{mine.value:.4f}" == f"{theirs['score']:.4f}"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("test.zh", "zh"), ("test.zh.gz", "zh"), ("flores.zho_Hant", "zho_Hant"),
        ("a.de", "de"), ("a.zh-CN", "zh-CN"), ("test.txt", None), ("test.ref", None),
        ("test.xx", None), ("zh", None), ("a.tok", None),
    ],
)  # fmt: skip
def test_the_references_name_tells_the_language(
    tmp_path: Path, name: str, code: str | None
) -> None:
    import gzip

    path = tmp_path / name
    text = "".join(f"{line}\n" for line in SENTENCES["zh"]).encode()
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    found = score_files(path, [path], options=EVERY)
    assert found.target.code == code
    assert read_lines(path) == SENTENCES["zh"]
    expected = None if code is None else {"code": code, "source": "from the references' names"}
    assert found.to_json()["language"] == expected
    assert found.scores["bleu"].value == pytest.approx(100 if code != "de" else 0)
    assert any("zh" in note or "scripts without" in note for note in found.notes) == (
        code is None or code == "de"
    )
