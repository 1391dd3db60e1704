"""Where the search is the same, answers are those of the pipelines of transformers 4.57.

Its own four beams are asked for by name. Families for which the old library forced an end at the
length limit are compared with ``generate`` in ``tests/test_published_models.py``.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seq2seq.pipeline import pipeline
from tests.pipeline.families import FAMILIES

FROZEN = Path(__file__).parent.parent / "golden" / "pipelines.json"
CASES = json.loads(FROZEN.read_text(encoding="utf-8"))
Find = Callable[[str], Path]


def ours(case: dict[str, Any], folder: Path) -> Any:
    pipe = pipeline(case["task"], folder, device=-1, **case["made_with"])
    return pipe(case["input"], **case["called_with"])


def stripped(answers: list[dict[str, str]]) -> list[dict[str, str]]:
    """White space around an answer is none of it here."""
    return [{key: text.strip() for key, text in one.items()} for one in answers]


@pytest.mark.filterwarnings("ignore:pipeline. ")
@pytest.mark.parametrize("family", sorted({case["family"] for case in CASES}))
def test_answers_are_those_of_transformers_4(family: str, family_folder: Find) -> None:
    cases = [case for case in CASES if case["family"] == family]
    assert len(cases) >= 3
    for case in cases:
        assert stripped(ours(case, family_folder(family))) == stripped(case["answers"]), case


def test_the_frozen_answers_depend_on_the_texts() -> None:
    for case in CASES:
        if len(case["input"]) == 3:
            answers = {str(answer) for answer in case["answers"]}
            assert len(answers) >= 2, f"{case}: a model that hears nothing would pass"


@pytest.mark.slow
def test_the_frozen_answers_are_what_transformers_4_says(family_folder: Find) -> None:
    """SEQ2SEQ_TF4 as in ``tests/publish/test_export_elsewhere.py``."""
    place = os.environ.get("SEQ2SEQ_TF4")
    if not place:
        pytest.skip("SEQ2SEQ_TF4 names no folder with transformers 4")
    folders = [family_folder(family) for family in FAMILIES]
    root = folders[0].parent
    answer = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "in_version_4.py"), str(root)],
        input=FROZEN.read_text(encoding="utf-8"),
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        env={**os.environ, "PYTHONPATH": place},
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == CASES
