"""What a finished run says about itself, read from its own files and nowhere else.

A model card is a list of claims. Each one comes from a file that the run wrote when it measured;
a file that is not there leaves its section out of the card.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from seq2seq.errors import PublishError
from seq2seq.files import open_at_once, parse_json, read_json_object, read_text
from seq2seq.publish.export_check import WEIGHTS, Check, verify_check, verify_source
from seq2seq.recipe import Recipe
from seq2seq.run import Run, read_origin

PROBE_SECTION = "card.md"
PROBE_FILE = "probe.json"
FIGURE = re.compile(r"(!\[[^\]]*\]\()([^)\s]+)(\))")


@dataclass(frozen=True)
class ProbeSection:
    """What the probe wants a reader of the card to know."""

    text: str
    """Markdown; its figures lie below ``probe/`` in the repository."""
    figures: Mapping[str, Path]
    """By path in the repository."""


@dataclass(frozen=True)
class RunFacts:
    """Everything a card may say.

    Attributes:
        run: the folder.
        recipe: every choice that was made.
        origin: the model that was trained further; None for random weights.
        environment: versions, machine and hashes of the data.
        data: what was read, cleaned and counted.
        scores: of dev and test sets.
        steps: updates that were made, as the log has it; None without a log.
        timed_steps: the last update whose time the log has.
        training_seconds: what the updates up to that one took.
        weights: how many numbers the model's file holds.
        check: how the export compares with the model it was made from; None without an export.
        probe: what was seen inside the model; None where nobody looked.
    """

    run: Run
    recipe: Recipe
    origin: Mapping[str, Any] | None
    environment: Mapping[str, Any]
    data: Mapping[str, Any]
    scores: Mapping[str, Any]
    steps: int | None
    timed_steps: int | None
    training_seconds: float | None
    weights: int
    check: Check | None
    probe: ProbeSection | None

    @property
    def export(self) -> Path:
        """The folder that is published."""
        return export_folder(self.run)


def export_folder(run: Run) -> Path:
    """Where a run's export for the Hub lies."""
    return run.exports / "hub"


def read_facts(run: Run) -> RunFacts:
    """Read all that a finished run says about itself.

    Args:
        run: A run folder.

    Returns:
        The facts.

    Raises:
        RecipeError: The folder is no run.
        PublishError: The run is not finished, a file is damaged, there is an export which has not
            passed its check or was changed since, or export or probe are of another model than
            the run's present one.
    """
    recipe = run.read_recipe()
    if not run.scores.is_file():
        raise PublishError(
            f"{run.folder}: not finished, it has no scores.json; continue it with 'seq2seq train "
            f"{run.recipe_given} --run {run.folder} --resume'"
        )
    folder = export_folder(run) if export_folder(run).is_dir() else None
    check = None if folder is None else verify_check(folder)
    if folder is not None:
        _refuse_outside(run, [*folder.rglob("*")])
    if check is not None:
        verify_source(check, run.best)
    records = _read_log(run.metrics)
    timed = max(
        (one for one in records if "elapsed_seconds" in one), key=_step_of, default={"step": None}
    )
    return RunFacts(
        run,
        recipe,
        origin=read_origin(run),
        environment=_read_object(run.environment),
        data=_read_object(run.data_report),
        scores=_read_object(run.scores),
        steps=max(map(_step_of, records), default=None),
        timed_steps=timed["step"],
        training_seconds=timed.get("elapsed_seconds"),
        weights=count_weights((folder or run.best) / WEIGHTS),
        check=check,
        probe=_read_probe(run),
    )


def count_weights(path: Path) -> int:
    """Numbers in a safetensors file, by its header alone.

    Args:
        path: The file.

    Raises:
        PublishError: It is missing or no safetensors file.
    """
    try:
        header = parse_json(safetensors_header(path).decode())
        return sum(prod(one["shape"]) for name, one in header.items() if name != "__metadata__")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PublishError(
            f"{path}: cannot be read ({error}), needed a safetensors file; export the run again"
        ) from None


def safetensors_header(path: Path) -> bytes:
    """The part of a safetensors file that describes the numbers; the rest is the numbers."""
    with open(path, "rb", opener=open_at_once) as file:
        # A file that is none may announce more than there is memory for.
        return file.read(min(int.from_bytes(file.read(8), "little"), path.stat().st_size))


def _read_object(path: Path) -> dict[str, Any]:
    return read_json_object(path, error=PublishError, needed="what training wrote")


def _read_log(path: Path) -> list[dict[str, Any]]:
    """The records of a run's log; a last line that a kill tore is none."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            record = dict(parse_json(line))
            int(record["step"])
        except (ValueError, TypeError, KeyError) as error:
            if number == len(lines):
                break
            raise PublishError(
                f"{path}, line {number}: cannot be read ({error}), needed what training wrote; "
                "restore it"
            ) from None
        records.append(record)
    return records


def _step_of(record: Mapping[str, Any]) -> int:
    return int(record["step"])


def _read_probe(run: Run) -> ProbeSection | None:
    """The section that a probe wrote, its figures made relative to the repository."""
    folder = run.probe
    if not folder.is_dir():
        return None
    path = folder / PROBE_SECTION
    if not path.is_file():
        raise PublishError(
            f"{folder}: no {PROBE_SECTION}, needed what the probe says in the card; "
            "probe the model again, or remove the folder"
        )
    _refuse_outside(run, [path])
    text = read_text(path, error=PublishError, needed="what the probe says in the card").strip()
    names = list(dict.fromkeys(name for _, name, _ in FIGURE.findall(text)))
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise PublishError(
            f"{path}: shows {', '.join(repr(name) for name in missing)}, but there is no such "
            "file beside it; probe the model again"
        )
    _refuse_outside(run, [folder / name for name in names])
    _verify_probed(run, {(folder / name).parent for name in names})
    text = FIGURE.sub(rf"\1{folder.name}/\2\3", text)
    return ProbeSection(text, {f"{folder.name}/{name}": folder / name for name in names})


def _refuse_outside(run: Run, paths: Iterable[Path]) -> None:
    """Refuse to publish what only looks like a part of the run.

    Raises:
        PublishError: A file lies elsewhere, by a symbolic link or by its name.
    """
    home = run.folder.resolve()
    outside = [path for path in paths if not path.resolve().is_relative_to(home)]
    if outside:
        raise PublishError(
            f"{outside[0]}: is {outside[0].resolve()}, which lies outside the run, needed a file "
            "of the run itself; put a copy there, or probe the model again"
        )


def _verify_probed(run: Run, shown: set[Path]) -> None:
    """Make sure that what was probed are the run's present weights.

    Args:
        run: The run.
        shown: Folders of the probes whose figures the card shows; all there are where it shows
            none.

    Raises:
        PublishError: They are others, or nobody wrote down which.
    """
    from seq2seq.probe.model.stock_model import StockModel
    from seq2seq.probe.report.provenance import weights_hash

    probes = [folder / PROBE_FILE for folder in shown] or [*run.probe.rglob(PROBE_FILE)]
    unlike = probes or [run.probe / PROBE_FILE]
    if probes and all(path.is_file() for path in probes):
        present = weights_hash(StockModel.load(run.best))
        unlike = [path for path in probes if _probed_weights(path) != present]
    if unlike:
        raise PublishError(
            f"{', '.join(map(str, sorted(unlike)))}: of other weights than those in {run.best}, or "
            "missing, needed a probe of this very model; probe it again, or remove the folder"
        )


def _probed_weights(path: Path) -> object:
    provenance = _read_object(path).get("provenance")
    return provenance.get("model_sha256") if isinstance(provenance, dict) else None
