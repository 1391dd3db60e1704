"""The command that asks a model the questions of a public test suite."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seq2seq.cli.options import PROGRAM, AsJson, Device
from seq2seq.cli.output import print_json, refuse_overwriting
from seq2seq.errors import DataError
from seq2seq.evaluate.suites.names import SuiteName
from seq2seq.score.result import SEED

if TYPE_CHECKING:
    from seq2seq.evaluate.evaluation import ProbeFigures, System
    from seq2seq.evaluate.item import Suite

EXAMPLES = (
    "evaluate contrapro ContraPro/contrapro.json runs/en-de",
    "evaluate contrastive-fr dev.jsonl runs/sentences runs/context --out evaluation",
    "evaluate winomt mt_gender/data/aggregates/en.txt runs/en-es --target-language es",
    "evaluate contrapro ContraPro/contrapro.json a-1,a-2,a-3 b-1,b-2,b-3 --json",
    "evaluate contrapro ContraPro/contrapro.json runs/en-de --probe --out evaluation",
    "evaluate scat valid.jsonl.gz runs/scat-twin runs/scat-en-fr --probe",
)
HELP = """Does a model translate what only context, or a person's gender, decides?

Reads a public test suite as its authors publish it. Every model chooses between right and wrong
translations by their probability, and translates by itself; both accuracies are printed, by pronoun
and distance, with intervals over documents, and BLEU and chrF where there are references. A model
that takes context is evaluated without it and with it; every system is compared with the first.
With --probe each model is also asked who "it" is, as by `seq2seq probe`, in the items of contrapro,
contracat, ctxpro and winomt that name an antecedent and hold another noun: a third of them is drawn
to choose a head on, the others are reported. Of scat it asks whether the words that people marked
are seen and used. The Hub is asked only if a MODEL is no folder here.

\b
SUITE           PATH
contrapro       contrapro.json, or a folder or file names of its text form
contrastive-fr  JSON lines, or a folder or file names of the published text
discevalmt      anaphora.json, lexical-choice.json, or names of its text
contracat       a folder with en.txt, de.txt and genders.txt or its JSON
mt-geneval      the file of English sentences of one language pair
winomt          en.txt; needs --target-language, eflomal and spaCy
ctxpro          a JSON file; contexts beside it, without .json in the name
scat            JSON lines with what people marked, plain or packed
"""

Name = Annotated[
    SuiteName,
    typer.Argument(metavar="SUITE", help="Name of the suite.", show_default=False),
]
Where = Annotated[
    Path,
    typer.Argument(metavar="PATH", help="Its file or folder, or how the names of its files begin.",
                   show_default=False),
]  # fmt: skip
Models = Annotated[
    list[str],
    typer.Argument(metavar="MODEL", help="Run folders, stock model folders or Hub models, the "
                   "baseline first; several seeds of one system are joined by commas.",
                   show_default=False),
]  # fmt: skip
Context = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="Most sentences of context; 0 for none. [default: what "
                 "the model was trained with]", show_default=False),
]  # fmt: skip
TargetLanguage = Annotated[
    str | None,
    typer.Option("--target-language", metavar="CODE", help="Language that the models write; "
                 "winomt needs it.", show_default=False),
]  # fmt: skip
Only = Annotated[
    Literal["contrastive", "generated"] | None,
    typer.Option(metavar="NAME", help="Measure only contrastive or only generated accuracy.",
                 show_default=False),
]  # fmt: skip
Most = Annotated[
    int | None,
    typer.Option(metavar="N", min=2, help="Use N items at most, whole clusters drawn at random.",
                 show_default=False),
]  # fmt: skip
Seed = Annotated[int, typer.Option(metavar="N", help="Of all draws.")]
Probe = Annotated[
    bool,
    typer.Option("--probe", help="Also ask who \"it\" is, where items name the antecedent: does "
                 "attention link them, and is the link used?"),
]  # fmt: skip
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where to write what is printed, every item, and probes.",
                 show_default=False),
]  # fmt: skip
Beam = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Beams of the search. [default: the model's]",
                 show_default=False, rich_help_panel=PROGRAM),
]  # fmt: skip
BatchTokens = Annotated[
    int,
    typer.Option(metavar="N", min=1, help="Padded pieces times beams of a batch.",
                 rich_help_panel=PROGRAM),
]  # fmt: skip


def evaluate(
    suite: Name,
    path: Where,
    models: Models,
    context: Context = None,
    target_language: TargetLanguage = None,
    only: Only = None,
    most: Most = None,
    seed: Seed = SEED,
    probe: Probe = False,
    out: Out = None,
    as_json: AsJson = False,
    beam: Beam = None,
    batch_tokens: BatchTokens = 8192,
    device: Device = "auto",
) -> None:
    """See `HELP`, which is what users read."""
    from seq2seq.evaluate.answers import AnswerOptions
    from seq2seq.evaluate.evaluation import System, evaluate_systems, open_for
    from seq2seq.evaluate.report import to_json, to_text, write_evaluation
    from seq2seq.evaluate.suites.read import read_suite

    if out is not None:
        refuse_overwriting([out / "items.jsonl", out / "evaluation.json"], [path])
    questions = read_suite(suite, path, target_language=target_language)
    if most is not None and most < len(questions.items):
        questions = _part_of(questions, most, seed)
    systems = [System(name, _seeds(name)) for name in models]
    options = AnswerOptions(context, only != "generated", only != "contrastive", beam, batch_tokens)
    probes = _probes(questions, path, systems, device=device, seed=seed, out=out) if probe else ()
    found = evaluate_systems(
        questions,
        path,
        systems,
        options,
        open_model=lambda name: open_for(name, questions, device=device),
        say=_say,
    )
    _say("", 0, 0)
    found = replace(found, probes=probes)
    if out is not None:
        write_evaluation(found, out)
        typer.echo(f"written to {out}; {found.seconds:.0f} s", err=True)
    if as_json:
        print_json(to_json(found))
    else:
        typer.echo(to_text(found))


def _part_of(suite: "Suite", most: int, seed: int) -> "Suite":
    """Whole clusters of a suite, and a note that says how many items they have."""
    from seq2seq.score.cluster_sample import draw_clusters

    rows = draw_clusters([item.cluster for item in suite.items], most, seed=seed)
    said = (
        f"{len(rows):,} of {len(suite.items):,} items, whole clusters drawn at random (seed {seed})"
    )
    return replace(suite, items=tuple(suite.items[row] for row in rows), notes=(*suite.notes, said))


def _probes(
    suite: "Suite",
    path: Path,
    systems: "Sequence[System]",
    *,
    device: str,
    seed: int,
    out: Path | None,
) -> "tuple[ProbeFigures, ...]":
    """A probe of every model on the items of a suite, written beside the evaluation."""
    from transformers.utils import logging

    from seq2seq.probe.marked_study import probe_marks
    from seq2seq.probe.model.stock_model import StockModel
    from seq2seq.probe.report.result import StudySpec
    from seq2seq.probe.report.text import write_study
    from seq2seq.probe.suite_study import figures_of, probe_items, probe_suite

    say = partial(typer.echo, err=True)
    logging.disable_progress_bar()
    marks = any(item.source_marks or item.target_marks for item in suite.items)
    items = None if marks else probe_items(suite, path)
    spec = StudySpec(suite.name, "", seed=seed)
    found: list[ProbeFigures] = []
    for name in dict.fromkeys(model for system in systems for model in system.models):
        model = StockModel.load(name, device=device)
        if items is None:
            found += probe_marks(model, suite, spec, say=say)
            continue
        study = probe_suite(model, items, spec, languages=suite.languages, say=say)
        if out is not None:
            write_study(study, out / "probe" / (Path(name).name or "model"))
        found.append(figures_of(study))
    return tuple(found)


def _seeds(name: str) -> tuple[str, ...]:
    """The models of a system: one name, or several joined by commas."""
    if Path(name).exists():
        return (name,)
    seeds = tuple(part.strip() for part in name.split(","))
    if not all(seeds):
        raise DataError(f"model '{name}': an empty name between commas; needed A,B,C or one name")
    return seeds


def _say(what: str, done: int, of: int) -> None:
    """Show on one line of a terminal how far it has come."""
    if sys.stderr.isatty():
        text = f"{what} {done:,} of {of:,}" if what else ""
        typer.echo(f"\r\x1b[K{text}", err=True, nl=False)
