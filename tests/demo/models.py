"""Small models to try: the digits that are written backwards, alone and in a run."""

from pathlib import Path
from typing import Any

from seq2seq.run import Run, write_json
from tests.publish.finished_run import write_run

GOLDEN = Path(__file__).parent.parent / "golden" / "digits"


def digits_run(folder: Path, *, several_sentences: float = 0.0, **recipe: Any) -> Run:
    """A run whose model is the golden one; of its training lines so many had several sentences."""
    run = write_run(folder, **recipe)
    for path in run.best.iterdir():
        path.unlink()
    for path in GOLDEN.iterdir():
        (run.best / path.name).write_bytes(path.read_bytes())
    write_json(run.data_report, {"several_sentences_share": several_sentences})
    return run
