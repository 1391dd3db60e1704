"""The command that asks a model who "it" is."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2seq.cli.options import AnyModel, AsJson, Device
from seq2seq.cli.output import print_json
from seq2seq.errors import DataError
from seq2seq.files import write_text

if TYPE_CHECKING:
    from seq2seq.probe.items.case import Case

EXAMPLES = (
    "probe runs/demo",
    "probe runs/demo --items T3 --json",
    "probe runs/demo --items corpora/T1.es.jsonl --select-on corpora/dev.es.jsonl --out probe",
)

Items = Annotated[
    str,
    typer.Option(metavar="SET|F", help="What is reported: a test set of the run, or a file."),
]
SelectOn = Annotated[
    Path | None,
    typer.Option(metavar="F", help="What the head is chosen on. [default: the run's dev set]",
                 show_default=False),
]  # fmt: skip
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where to write. [default: probe/SET in the run folder]",
                 show_default=False),
]  # fmt: skip
Most = Annotated[
    int | None,
    typer.Option(metavar="N", min=8, help="Use the first N cases of each set.", show_default=False),
]
Quick = Annotated[bool, typer.Option("--no-causal", help="Leave out the knock-outs.")]


@dataclass(frozen=True)
class _Sets:
    name: str
    items: Path
    select_on: Path


def probe(
    model: AnyModel,
    items: Items = "T1",
    select_on: SelectOn = None,
    out: Out = None,
    most: Most = None,
    no_causal: Quick = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Who is "it"? Does attention link it to its noun, and is the link used?

    Every head and route is scored on the items; one is chosen on another set, reported once with
    its interval, and taken apart by knock-outs. Beside it stand rules that look at nothing and
    models with random weights; of the built-in corpus also free translations and the control sets.
    Writes probe.json, items.jsonl, probe.md, probe.html (one page that opens in any browser and
    connects to nothing), its figures as SVG and, for a run, the section of its model card. The Hub
    is asked only if MODEL is no folder here.
    """
    sets = _sets_of(model, items, select_on)
    folder = out or _default_folder(model, sets.name)

    from transformers.utils import logging

    from seq2seq.probe.items.companion_sets import companions_of
    from seq2seq.probe.model.stock_model import StockModel
    from seq2seq.probe.report.page import write_page
    from seq2seq.probe.report.result import StudySpec
    from seq2seq.probe.report.text import to_json, to_markdown, to_text, write_study
    from seq2seq.probe.study import probe_model

    logging.disable_progress_bar()
    logging.set_verbosity_error()  # it reports the weights of tasks; what is missing is refused
    stock = StockModel.load(model, device=device)
    spec = StudySpec(sets.name, sets.select_on.stem, causal=not no_causal)
    cases, beside = _cases(sets.items, most), companions_of(sets.items)
    study = probe_model(
        stock,
        _cases(sets.select_on, most),
        cases,
        spec=spec,
        unrelated=beside.unrelated,
        corpus=beside.corpus,
        controls=beside.controls,
        say=lambda line: typer.echo(line, err=True),
    )
    write_study(study, folder)
    page = write_page(study, stock, cases, folder)
    if out is None and Path(model).is_dir():
        # The card brings a heading of its own.
        section = to_markdown(study).partition("\n\n")[2]
        write_text(folder.parent / "card.md", section + _figures(folder))
    if as_json:
        print_json(to_json(study))
        return
    typer.echo(to_text(study))
    typer.echo(f"\nwritten to {folder}; {study.seconds:.0f} s", err=True)
    typer.echo(f"{page}: open it in a browser", err=True)


def _figures(folder: Path) -> str:
    """Markdown that shows the figures of a card: every head, and one sentence's map."""
    shown = {
        "heads-encoder.svg": "How often each head of the encoder points at the right noun",
        "map-1.svg": "What the chosen head attends to in one sentence",
    }
    return "".join(
        f"\n![{title}]({folder.name}/{name})\n"
        for name, title in shown.items()
        if (folder / name).is_file()
    )


def _sets_of(model: str, items: str, select_on: Path | None) -> _Sets:
    from seq2seq.run import Run, data_of

    run = Run(Path(model))
    named = {}
    dev = select_on
    if run.recipe.is_file():
        data = data_of(run)
        named = {  # a pair of texts or a set of the Hub holds no items
            name: Path(data.folder) / spec.file for name, spec in data.test.items() if spec.file
        }
        if dev is None and data.dev.file:
            dev = Path(data.folder) / data.dev.file
    path = Path(items) if Path(items).is_file() else named.get(items)
    if path is None:
        known = ", ".join(named) or "there is none"
        raise DataError(
            f"probe: items '{items}', needed a file or a test set of the run that is one "
            f"({known}); "
            "name one with --items"
        )
    if dev is None:
        raise DataError(
            f"probe: {model} names no file as its dev set, needed items to choose a head on; "
            "give them with --select-on"
        )
    return _Sets(items if items in named else path.stem, path, dev)


def _default_folder(model: str, name: str) -> Path:
    folder = Path(model)
    return folder / "probe" / name if folder.is_dir() else Path("probe") / name


def _cases(path: Path, most: int | None) -> tuple["Case", ...]:
    from seq2seq.probe.items.sets import read_cases

    found = read_cases(path)
    for problem in found.problems:
        typer.echo(f"{path}: {problem}", err=True)
    if most is not None and len(found.cases) > most:
        typer.echo(f"{path}: the first {most:,} of {len(found.cases):,} cases are used", err=True)
    return found.cases[:most]
