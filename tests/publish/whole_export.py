"""Exports of random models in 32 bits, each made once for all that is asked of it."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from seq2seq.families import Family
from seq2seq.publish.export import Exported, export
from seq2seq.publish.export_check import Target
from tests.publish.small_models import small_folder, write_pairs


@cache
def whole_export(family: Family, target: Target) -> Exported:
    """Export a model, which lies beside the export as ``model``."""
    folder = Path(tempfile.mkdtemp(prefix="seq2seq-export-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    model, pairs = small_folder(family, folder / "model"), write_pairs(folder / "held.tsv", 40)
    return export(model, target, out=folder / "out", pairs=pairs)
