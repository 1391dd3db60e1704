"""The command that asks a model who "it" is."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2seq.cli.options import AnyModel, AsJson, Device
from seq2seq.cli.output import print_json, refuse_overwriting, silence_transformers
from seq2seq.errors import DataError
from seq2seq.files import write_text
from seq2seq.lines import plain_name

if TYPE_CHECKING:
    from seq2seq.probe.items.case import Case
    from seq2seq.probe.items.formats.question import Kind
    from seq2seq.probe.report.result import Study, StudySpec
    from seq2seq.probe.statistics.choosing_set import ChoosingSet

SEED = 12345

EXAMPLES = (
    "probe runs/demo",
    "probe runs/demo --items T3 --json",
    "probe runs/demo --items corpora/T1.es.jsonl --select-on corpora/dev.es.jsonl --out probe",
    "probe bert --select-on train.c.txt --items pro_stereotyped_type1.txt.dev --items "
    "anti_stereotyped_type1.txt.dev --items gap-test.tsv --out bias",
)

Items = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SET|F",
        help="What is reported: a test set of the run, or a file. May be "
        "repeated; what is chosen is then chosen once. [default: T1]",
        show_default=False,
    ),
]
SelectOn = Annotated[
    Path | None,
    typer.Option(metavar="F", help="What the head is chosen on. [default: the run's dev set]",
                 show_default=False),
]  # fmt: skip
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where to write, one folder a set if there are several. "
                 "[default: probe/SET in the run folder]", show_default=False),
]  # fmt: skip
RouteName = Annotated[
    str | None,
    typer.Option("--route", metavar="NAME", help='Choose among the measures of one route, such as '
                 '"E->" or X.', show_default=False),
]  # fmt: skip
HeadName = Annotated[
    str | None,
    typer.Option("--head", metavar="L.H", help="Report one head instead of choosing, such as 3.1; "
                 "layers and heads are counted from 0.", show_default=False),
]  # fmt: skip
Seed = Annotated[int, typer.Option(metavar="N", help="Of all draws.")]
Alti = Annotated[
    bool,
    typer.Option("--alti", help="Weigh contributions through all layers of long texts, too."),
]
Most = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=8,
        help="Use N cases of each set at most, whole blocks drawn at random.",
        show_default=False,
    ),
]
Quick = Annotated[bool, typer.Option("--no-causal", help="Leave out the knock-outs.")]


@dataclass(frozen=True)
class _ItemSet:
    name: str
    path: Path


def probe(
    model: AnyModel,
    items: Items = None,
    select_on: SelectOn = None,
    out: Out = None,
    most: Most = None,
    route: RouteName = None,
    head: HeadName = None,
    seed: Seed = SEED,
    alti: Alti = False,
    no_causal: Quick = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Who is "it"? Does attention link it to its noun, and is the link used?

    Every head and route is scored on the items; one is chosen on another set, reported once with
    its interval, and taken apart by knock-outs. Beside it stand rules that look at nothing and
    models with random weights; of the built-in corpus also free translations and the control sets.
    A file may be one of `seq2seq corpus pronouns`, or a published one of Winograd schemas, PDP,
    DPR, GAP, KnowRef, WinoBias, Winogender, WinoGrande, WinoMT, XWINO, ContraPro or ctxPro, or JSON
    Lines of text, pronoun and candidates.
    Writes probe.json, items.jsonl, probe.md, probe.html (one page that opens in any browser and
    connects to nothing), its figures as SVG and, for a run, the section of its model card; of GAP
    also its answers for the official scorer. The Hub is asked only if MODEL is no folder here.
    """
    sets, chosen_on = _sets_of(model, items or ["T1"], select_on)
    folders = [_folder_of(model, one.name, out, several=len(sets) > 1) for one in sets]
    written = [folder / name for folder in folders for name in ("items.jsonl", "probe.json")]
    refuse_overwriting(written, [chosen_on, *(one.path for one in sets)])

    from seq2seq.memory import keep_freed_memory
    from seq2seq.probe.model.loading import guided_heads
    from seq2seq.probe.model.stock_model import StockModel
    from seq2seq.probe.report.parts import differences_of, several_sets_text
    from seq2seq.probe.report.result import StudySpec
    from seq2seq.probe.report.text import to_json, to_text
    from seq2seq.probe.statistics.choosing_set import ChoosingSet

    keep_freed_memory()  # each batch frees and takes the room of all its maps
    silence_transformers()
    stock = StockModel.load(model, device=device)
    spec = StudySpec(
        "", chosen_on.stem, causal=not no_causal, seed=seed, contributions=True if alti else None,
        only=_only(route, head), supervised=guided_heads(model),
    )  # fmt: skip
    cases, left_out, _ = _cases(chosen_on, most, seed)
    choosing = ChoosingSet(stock, cases, contributions=spec.contributions)
    studies = []
    for one, folder in zip(sets, folders, strict=True):
        study = _probe_set(choosing, one, replace(spec, name=one.name), left_out, most, folder)
        studies.append(study)
        if out is None and Path(model).is_dir():
            _write_card(study, folder)
        if not as_json:
            typer.echo(to_text(study) + "\n")
        typer.echo(f"written to {folder}; {study.seconds:.0f} s", err=True)
        typer.echo(f"{folder / 'probe.html'}: open it in a browser", err=True)
    if as_json and len(studies) == 1:
        print_json(to_json(studies[0]))
    elif as_json:
        differences = [asdict(one) for one in differences_of(studies)]
        print_json({"sets": [to_json(one) for one in studies], "differences": differences})
    elif len(studies) > 1:
        typer.echo(several_sets_text(studies))


def _probe_set(
    choosing: "ChoosingSet",
    items: _ItemSet,
    spec: "StudySpec",
    left_out: Sequence[str],
    most: int | None,
    folder: Path,
) -> "Study":
    """Probe a model on one set, and write what was found."""
    from seq2seq.probe.items.companion_sets import companions_of
    from seq2seq.probe.items.sets import FORMATS
    from seq2seq.probe.report.page import write_page
    from seq2seq.probe.report.text import write_study
    from seq2seq.probe.study import probe_model

    cases, missing, kind = _cases(items.path, most, spec.seed)
    beside = companions_of(items.path)
    study = probe_model(
        choosing.model,
        choosing,
        cases,
        spec=replace(spec, origin=FORMATS[kind].origin, kind=kind),
        unrelated=beside.unrelated,
        corpus=beside.corpus,
        controls=beside.controls,
        left_out=(*left_out, *missing),
        say=lambda line: typer.echo(line, err=True),
    )
    write_study(study, folder)
    write_page(study, choosing.model, folder)
    return study


def _only(route: str | None, head: str | None) -> tuple[str | None, int | None, int | None]:
    """The route, layer and head that are asked for."""
    from seq2seq.normalization import is_whole_number
    from seq2seq.probe.report.wording import ROUTES

    name = route.replace("<->", "↔").replace("->", "→").replace("<-", "←") if route else None
    if name is not None and name not in ROUTES:
        raise DataError(f"probe: route {route!r}, needed one of {', '.join(ROUTES)}")
    if head is None:
        return name, None, None
    layer, dot, number = head.partition(".")
    if not (dot and is_whole_number(layer) and is_whole_number(number)):
        raise DataError(f"probe: head {head!r}, needed a layer and a head from 0, such as 3.1")
    return name, int(layer), int(number)


def _write_card(study: "Study", folder: Path) -> None:
    """Write the section of a model's card; the card brings a heading of its own."""
    from seq2seq.probe.report.text import to_markdown

    section = to_markdown(study).partition("\n\n")[2]
    write_text(folder.parent / "card.md", section + _figures(folder))


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


def _sets_of(
    model: str, items: Sequence[str], select_on: Path | None
) -> tuple[list[_ItemSet], Path]:
    """The sets to report, and the file to choose on."""
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
    sets = []
    for item in items:
        path = Path(item) if Path(item).is_file() else named.get(item)
        if path is None:
            known = ", ".join(named) or "there is none"
            raise DataError(
                f"probe: items '{item}', needed a file or a test set of the run that is one "
                f"({known}); "
                "name one with --items"
            )
        sets.append(_ItemSet(item if item in named else plain_name(path).rsplit(".", 1)[0], path))
    names = [one.name for one in sets]
    twice = next((name for n, name in enumerate(names) if name in names[:n]), None)
    if twice is not None:
        raise DataError(
            f"probe: two sets are called {twice!r}, needed a name each, since each has a folder; "
            "rename a file"
        )
    if dev is None:
        raise DataError(
            f"probe: {model} names no file as its dev set, needed items to choose a head on; "
            "give them with --select-on"
        )
    return sets, dev


def _folder_of(model: str, name: str, out: Path | None, *, several: bool) -> Path:
    if out is not None:
        return out / name if several else out
    folder = Path(model)
    return folder / "probe" / name if folder.is_dir() else Path("probe") / name


def _cases(
    path: Path, most: int | None, seed: int
) -> tuple[tuple["Case", ...], tuple[str, ...], "Kind"]:
    """The cases of a set, at most so many, what was left out, and the kind of the file."""
    from seq2seq.probe.items.sets import read_cases
    from seq2seq.score.cluster_sample import draw_clusters

    found = read_cases(path)
    cases, left_out = found.cases, [f"{path.name}: {problem}" for problem in found.problems]
    if most is not None and len(cases) > most:
        rows = draw_clusters([case.cluster for case in cases], most, seed=seed)
        left_out.append(
            f"{path.name}: {len(rows):,} of {len(cases):,} cases, whole blocks drawn at random"
        )
        cases = tuple(cases[row] for row in rows)
    for line in left_out:
        typer.echo(line, err=True)
    return cases, tuple(left_out), found.kind
