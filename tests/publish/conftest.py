"""A finished run that is trained once, and copies of it for tests that change something."""

from pathlib import Path

import pytest

from seq2seq.run import Run
from tests.publish.finished_run import copy_run, train_digits, write_export


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that ended a moment ago; nobody changes it."""
    return train_digits(tmp_path_factory.mktemp("digits"))


@pytest.fixture
def exported(trained: Run, tmp_path: Path) -> Run:
    """A run of one's own, with an export that passed."""
    run = copy_run(trained, tmp_path / "run")
    write_export(run)
    return run
