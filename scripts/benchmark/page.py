"""A page of results, written from nothing but the JSON files of a folder.

Markdown with a table for each benchmark, and plots as SVG files beside it. What others disturbed is
left out, and that is said; so is what a file does not say.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from scripts.benchmark.plots import Bars, Lines, draw
from scripts.benchmark.results import Report, Results, note
from scripts.benchmark.timing import MOST_FOREIGN
from seq2seq.errors import DataError
from seq2seq.files import read_json_object, replacing

FOREIGN = "foreign_share"
NEEDED = "what scripts/bench writes with --out"
EXPLAINED = {
    "translate": "`seq2seq translate` as a process of its own, against CTranslate2 called directly "
    "with its fastest setting. Seconds of the wall clock count start-up, lines per second do not. "
    "`times as fast` is our rate divided by the other's; `wall ratio` our seconds divided by the "
    "other's, so less is better.",
    "decode": "Our own decoder (`--engine native`) against another program, without start-up.",
    "train": "Whole updates of training. Tokens are pieces that are not padding, on both sides.",
    "lengths": "Training by length of the source, with full and with window attention.",
    "sweep batch_tokens": "Training by size of batch.",
    "sweep width": "Training by width of the model.",
    "sweep pairs": "From two text files to the first update, and training then, by size of corpus.",
}
RATIO = "times_as_fast"
# What is plotted over what, of benchmarks that measure a row of values; by which names lines part.
OVER: Mapping[str, tuple[str, str | None]] = {
    "sweep batch_tokens": ("batch_tokens", None),
    "sweep width": ("width", None),
    "sweep pairs": ("pairs", None),
    "lengths": ("source_pieces", "family"),
}
PLOTTED = ("tokens_per_second", "peak_memory_gib", "seconds_to_first_update")
NAMING = ("model", "size", "search", "precision", "peer")


@dataclass(frozen=True)
class Found:
    """A report and the file it stands in."""

    file: str
    report: Report

    @property
    def benchmark(self) -> str:
        """What was measured."""
        return str(self.report["benchmark"])

    @property
    def disturbed(self) -> bool:
        """Whether other programs took more of the machine than a measurement bears."""
        return float(self.report.get(FOREIGN) or 0.0) > MOST_FOREIGN


def page(
    folder: Annotated[Path, typer.Argument(help="With JSON files that --out wrote.")],
    out: Annotated[
        Path | None, typer.Option(help="Where the page goes. [default: FOLDER/index.md]")
    ] = None,
    busy: Annotated[
        bool, typer.Option("--busy", help="Show also what other programs disturbed.")
    ] = False,
) -> None:
    """Write a page of results with plots, from the JSON files of a folder.

    Figures of a machine that others used too (more than 4 % of it) are left out, and the page says
    how many, unless --busy asks for them; then each says its share. Needs matplotlib. Writes the
    page and its SVG files, measures nothing, never uses the network.

    Example: scripts/bench page results
    """
    files = {path.name: read_results(path) for path in sorted(folder.glob("*.json"))}
    if not files:
        raise DataError(f"{folder}: no JSON file, needed {NEEDED}")
    target = out or folder / "index.md"
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as file:
        file.write("\n".join(page_lines(files, target.parent, busy=busy)) + "\n")
    note(f"written: {target}")


def read_results(path: Path) -> Results:
    """A file of results.

    Raises:
        DataError: It is none.
    """
    found: Any = read_json_object(path, error=DataError, needed=NEEDED)
    missing = sorted(Results.__required_keys__ - found.keys())
    if missing or not all("benchmark" in report for report in found["reports"]):
        lacking = f"no '{missing[0]}'" if missing else "a report without 'benchmark'"
        raise DataError(f"{path}: {lacking}, needed {NEEDED}; remove it or measure again")
    results: Results = found
    return results


def page_lines(files: Mapping[str, Results], folder: Path, *, busy: bool) -> Iterator[str]:
    """The lines of the page; plots are written on the way.

    Args:
        files: Results by the name of their file.
        folder: Where plots go.
        busy: Whether to show what was disturbed.
    """
    every = [Found(name, one) for name, results in files.items() for one in results["reports"]]
    shown = [one for one in every if busy or not one.disturbed]
    yield "# Speed, measured"
    yield ""
    yield from (f"Measured on {machine}." for machine in machines(files.values()))
    if len(shown) < len(every):
        yield (
            f"{len(every) - len(shown)} of {len(every)} measurements are left out: other programs "
            f"used more than {MOST_FOREIGN:.0%} of the machine meanwhile."
        )
    elif disturbed := sum(one.disturbed for one in every):
        yield (
            f"**{disturbed} of {len(every)} measurements were disturbed**: other programs used "
            f"more than {MOST_FOREIGN:.0%} of the machine meanwhile, see `foreign share`."
        )
    for benchmark in dict.fromkeys(one.benchmark for one in shown):
        rows = [one for one in shown if one.benchmark == benchmark]
        yield from ("", f"## {benchmark.replace('_', ' ')}", "")
        if benchmark in EXPLAINED:
            yield from (EXPLAINED[benchmark], "")
        yield from table([one.report for one in rows])
        yield from plots(benchmark, rows, folder)
    yield from ("", "## How it was measured", "")
    for name, results in files.items():
        environment = f"OMP_NUM_THREADS={results['omp_num_threads']}"
        threads = f", with `{environment}`" if results["omp_num_threads"] else ""
        yield (
            f"- `{name}`: `{' '.join(results['command'])}`{threads}, {results['date']}, "
            f"commit {results['commit'] or 'unknown'}"
        )


def machines(files: Iterable[Results]) -> Iterator[str]:
    """The machines that results come from, each once."""
    for processor, cores in dict.fromkeys((one["processor"], one["cores"]) for one in files):
        yield f"{cores} core{'s' if cores != 1 else ''} of {processor}"


def table(reports: Sequence[Report]) -> Iterator[str]:
    """A table with a row for each report; what all of them have alike stands in a line above."""
    names = list(dict.fromkeys(key for report in reports for key in report if key != "benchmark"))
    alike = {
        name: reports[0][name]
        for name in names
        if len(reports) > 1
        and name != FOREIGN
        and all(name in report and report[name] == reports[0][name] for report in reports)
    }
    if alike:
        yield "; ".join(f"{words(name)} {cell(value)}" for name, value in alike.items()) + "."
        yield ""
    names = [name for name in names if name not in alike]
    yield f"| {' | '.join(map(words, names))} |"
    yield f"|{'---|' * len(names)}"
    for report in reports:
        yield f"| {' | '.join(cell(report.get(name)) for name in names)} |"


def words(name: str) -> str:
    """A name of a figure for people."""
    return name.replace("_", " ")


def cell(value: object) -> str:
    """A figure for people."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return f"{value:,}"
        case _:
            return str(value).replace("|", "\\|").replace("\n", " ")


def plots(benchmark: str, rows: Sequence[Found], folder: Path) -> Iterator[str]:
    """Lines of the page with the plots of a benchmark, which are written meanwhile."""
    measured = [one.report for one in rows if "failed" not in one.report]
    compared = [one for one in measured if RATIO in one]
    name = benchmark.replace(" ", "-")
    if compared:
        ratios = {label(one, compared): float(one[RATIO]) for one in compared}
        title = f"{benchmark}: our rate, that of the other program being 1"
        yield from picture(folder / f"{name}.svg", Bars(title, ratios))
    if benchmark in OVER:
        over, part = OVER[benchmark]
        for figure in PLOTTED:
            lines: dict[str, list[tuple[float, float]]] = {}
            for one in measured:
                if figure in one:
                    line = str(one[part]) if part else "seq2seq"
                    lines.setdefault(line, []).append((one[over], one[figure]))
            if any(len(points) > 1 for points in lines.values()):
                drawn = Lines(words(figure), words(over), words(figure), lines)
                yield from picture(folder / f"{name}-{figure.replace('_', '-')}.svg", drawn)


def picture(path: Path, drawn: Bars | Lines) -> Iterator[str]:
    """Write a plot and refer to it."""
    draw(drawn, path)
    yield from ("", f"![{drawn.title}]({path.name})")


def label(report: Report, among: Sequence[Report]) -> str:
    """What tells a report from the others of its kind."""
    differing = [
        name for name in NAMING if len({str(one.get(name)) for one in among}) > 1 and name in report
    ]
    parts = [Path(str(report[name])).name for name in differing]
    return ", ".join(parts) or str(report["benchmark"])
