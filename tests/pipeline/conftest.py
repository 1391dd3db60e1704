"""The stock folder of each family, written once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.families import write_family


@pytest.fixture(scope="session")
def family_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Finds the folder of a family by its name."""
    root = tmp_path_factory.mktemp("families")

    def find(family: str) -> Path:
        folder = root / family
        return folder if folder.exists() else write_family(family, folder)

    return find
