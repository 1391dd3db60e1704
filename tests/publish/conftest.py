"""A finished run with an export that passed its check."""

from pathlib import Path

import pytest

from seq2seq.run import Run
from tests.publish.finished_run import write_export, write_run


@pytest.fixture
def exported(tmp_path: Path) -> Run:
    """A run of one's own, of made-up figures."""
    run = write_run(tmp_path / "run")
    write_export(run)
    return run
