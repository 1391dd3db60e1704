"""The commands that put a model to work: one output line for every input line."""

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Literal, TextIO

import typer

from seq2seq.cli.options import AnyModel, AsJson, Device
from seq2seq.cli.output import as_json_text, check_output, kept_lines, open_output
from seq2seq.cli.progress import Progress
from seq2seq.cli.translate_options import (
    BatchTokens,
    Beam,
    Document,
    Engine,
    ForcedPrefix,
    Input,
    LengthPenalty,
    Long,
    MaxLength,
    MinLength,
    NBest,
    NoRepeatNgram,
    Output,
    Quantize,
    Restore,
    Resume,
    Sample,
    Seed,
    SourceLanguage,
    SourcePrefix,
    Split,
    TargetLanguage,
    Temperature,
    TopK,
    TopP,
)
from seq2seq.errors import DataError
from seq2seq.lines import STDIN, iterate_lines

if TYPE_CHECKING:  # asking for help must not load it
    from seq2seq.decode.options import DecodeOptions, Sampling
    from seq2seq.engines.engine import Engine as Program
    from seq2seq.engines.engine import EngineName
    from seq2seq.translate import Chunk, Report, Translation, Translator

TRANSLATE_EXAMPLES = (
    "translate runs/demo --input sentences.en --output sentences.es",
    "translate runs/demo --beam 10 --n-best 3 < sentences.en",
    "translate runs/demo --engine ctranslate2 --device cuda < sentences.en",
    "translate Helsinki-NLP/opus-mt-en-de --input sentences.en",
    "translate facebook/nllb-200-distilled-600M --source-language en --target-language de",
    "translate google-t5/t5-small --source-language en --target-language fr < sentences.en",
    "translate runs/demo --sample --temperature 0.8 --top-p 0.9 --seed 7 --n-best 5 < sentences.en",
    "translate runs/scat-en-fr --document --input chapters.en --output chapters.fr",
    'translate runs/demo --forced-prefix "La silla" --max-length 40 < sentences.en',
)
SUMMARIZE_EXAMPLES = (
    "summarize runs/debian-descriptions --input documents.txt",
    "summarize runs/debian-descriptions --long refuse --json < documents.txt",
    "summarize facebook/bart-large-cnn --min-length 20 --max-length 80 --input documents.txt",
)

# Lines that come from another program are answered once none has come for so long.
PAUSE_SECONDS = 0.05


TRANSLATE_HELP = """Translate text, one output line for every input line.

Empty lines stay empty lines. Invisible characters are removed and letters composed. Lines of
several sentences, which a model of single sentences would shorten, and input longer than the
model can read are split and joined again. Addresses and placeholders that the model changed are
put back; one that it left out is not. Counts of this, of empty, repeating and copied outputs and
of unknown pieces go to stderr. The search is that of the model's
generation_config.json; what of it is not followed is named. With --document each line is read
with those before it, and what was written of them is the beginning of the next output; blank
lines, which end a document, are kept. Input may be .gz or .zst. The Hub is asked only if MODEL is
no folder here.
"""
SUMMARIZE_HELP = """Summarize documents, one document and one summary a line.

A document longer than the model can read is summarized from its beginning, as in training; how
many and how much was cut goes to stderr. The Hub is asked only if MODEL is no folder here.
"""


def command(work: Literal["translation", "summarization"]) -> Callable[..., None]:
    """The command that puts a model to one kind of work; of long input it keeps what is usual."""
    usual: Literal["split", "truncate"] = "split" if work == "translation" else "truncate"

    def answer(
        model: AnyModel,
        source: Input = Path("-"),
        output: Output = None,
        n_best: NBest = 1,
        split: Split = "auto",
        long: Long = usual,
        restore: Restore = True,
        document: Document = False,
        resume: Resume = False,
        as_json: AsJson = False,
        source_language: SourceLanguage = None,
        target_language: TargetLanguage = None,
        source_prefix: SourcePrefix = None,
        beam: Beam = None,
        length_penalty: LengthPenalty = None,
        no_repeat_ngram: NoRepeatNgram = None,
        min_length: MinLength = None,
        max_length: MaxLength = None,
        forced_prefix: ForcedPrefix = "",
        sample: Sample = False,
        temperature: Temperature = None,
        top_k: TopK = None,
        top_p: TopP = None,
        seed: Seed = None,
        engine: Engine = "auto",
        quantize: Quantize = None,
        device: Device = "auto",
        batch_tokens: BatchTokens = 8192,
    ) -> None:
        _check_output(output, resume=resume, several=as_json or n_best > 1)
        draws = _sampling(sample, temperature, top_k, top_p, seed)
        if document:
            _check_document(work, split, forced_prefix, resume=resume, sample=sample)
        languages = source_language, target_language
        translator = _open(model, engine, device, languages, work, source_prefix, quantize)
        options = translator.search(
            beams=beam,
            length_penalty=length_penalty,
            no_repeat_ngram=no_repeat_ngram,
            min_length=min_length,
            max_length=max_length,
            sampling=draws,
            forced_prefix=forced_prefix,
            n_best=n_best,
        )
        job = _Job(source, output, split, long, restore, batch_tokens, document, resume, as_json)
        _run(translator, options, job)

    return answer


@dataclass(frozen=True)
class _Job:
    """What to read and how, and where to write."""

    source: Path
    output: Path | None
    split: Literal["auto", "sentences", "long"]
    long: Literal["split", "truncate", "refuse"]
    restore: bool
    batch_tokens: int
    document: bool
    resume: bool
    as_json: bool


def _open(
    model: str,
    engine: "EngineName",
    device: str,
    languages: tuple[str | None, str | None],
    work: Literal["translation", "summarization"],
    source_prefix: str | None,
    quantize: str | None,
) -> "Translator":
    """A model in the program that was asked for, or in the fastest; which and why is said."""
    if quantize is not None and engine != "auto":
        raise DataError(
            f"--quantize {quantize}: with --engine {engine}, needed --engine auto, which measures "
            "what it changes"
        )
    from seq2seq.translate import Translator

    return Translator.load(
        model,
        engine=_fastest(model, device, languages, quantize) if engine == "auto" else engine,
        device=device,
        source_language=languages[0],
        target_language=languages[1],
        work=work,
        source_prefix=source_prefix,
    )


def _fastest(
    model: str, device: str, languages: tuple[str | None, str | None], quantize: str | None
) -> "Program":
    from seq2seq.engines.automatic import fastest_engine
    from seq2seq.model_location import locate_model

    return fastest_engine(
        locate_model(model).path,
        device=device,
        languages=languages,
        eight_bits=quantize is not None,
        say=lambda line: typer.echo(line, err=True),
    )


def _check_output(output: Path | None, *, resume: bool, several: bool) -> None:
    if output is not None:
        check_output(output)
    if resume and (output is None or several):
        found = "no --output" if output is None else "--json or --n-best"
        raise DataError(f"--resume: with {found}, needed --output F with one line for each line")


def _check_document(
    work: str, split: str, forced_prefix: str, *, resume: bool, sample: bool
) -> None:
    """Refuse what has no meaning for sentences that follow one another."""
    given = {
        "summarize": work == "summarization",
        "--split": split != "auto",
        "--forced-prefix": bool(forced_prefix),
        "--resume": resume,
        "--sample": sample,
    }
    if found := [name for name, is_given in given.items() if is_given]:
        raise DataError(
            f"--document: with {', '.join(found)}, needed sentences that are translated in order, "
            "each from its beginning; leave one of them out"
        )


def _sampling(
    wanted: bool,
    temperature: float | None,
    top_k: int | None,
    top_p: float | None,
    seed: int | None,
) -> "Sampling | None":
    """How to draw, where drawing is asked for; what only changes a draw is refused without it."""
    asked = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    given = {name: value for name, value in asked.items() if value is not None}
    if not wanted:
        if given:
            names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise DataError(f"{names}: changes how outputs are drawn, needed --sample too")
        return None
    from seq2seq.decode.options import Sampling

    return replace(Sampling(), **given)  # type: ignore[arg-type] # of the types of the fields


def _run(translator: "Translator", options: "DecodeOptions", job: _Job) -> None:
    from seq2seq.translate import Report

    for remark in translator.remarks:
        typer.echo(f"note: {remark}", err=True)
    translator.engine.warm_up(options)
    live = _is_live(job.source)
    lines, done = iterate_lines(job.source), kept_lines(job.output) if job.resume else []
    if done:
        typer.echo(f"note: {len(done):,} lines are there already", err=True)
    chunks = _chunks(translator, islice(lines, len(done), None), options, job, done=len(done))
    report, progress = Report(), Progress(job.source, len(done), live=live)
    with open_output(job.output, keep=not job.as_json and options.n_best == 1) as stream:
        stream.writelines(f"{line}\n" for line in done)
        write = _JsonWriter(stream) if job.as_json else _LineWriter(stream, options.n_best)
        for chunk in chunks:
            write(chunk.translations)
            report += chunk.report
            progress.show(report.lines)
        write.end(report)
    typer.echo(report.sentences(), err=True)
    if report.unfinished and translator.forced_end is not None:
        typer.echo(
            f"note: setting of the folder not followed: forced_eos_token_id "
            f"{translator.forced_end!r}; outputs cut off at the length limit keep their last piece",
            err=True,
        )


def _chunks(
    translator: "Translator",
    lines: Iterable[str],
    options: "DecodeOptions",
    job: _Job,
    *,
    done: int,
) -> "Iterator[Chunk]":
    """The translations of all lines, line by line or document by document."""
    if job.document:
        from seq2seq.documents import stream_documents

        return stream_documents(
            translator,
            lines,
            options,
            long=job.long,
            restore=job.restore,
            batch_tokens=job.batch_tokens,
        )
    return translator.stream(
        lines,
        options,
        split=job.split,
        long=job.long,
        restore=job.restore,
        batch_tokens=job.batch_tokens,
        pause_seconds=PAUSE_SECONDS if _is_live(job.source) else None,
        first_line=done + 1,
    )


def _is_live(source: Path) -> bool:
    """Whether lines come from somebody who may wait for an answer: a keyboard or another program.

    What is no open file at all is for its reader to name.
    """
    try:
        if str(source) != STDIN:
            return source.exists() and not source.is_file()
        return sys.stdin is not None and not stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode)
    except (OSError, ValueError):
        return False


class _LineWriter:
    """One line for each text, or one for each of its candidates: number, score, text."""

    def __init__(self, stream: TextIO, n_best: int):
        self.stream = stream
        self.n_best = n_best
        self.number = 0

    def __call__(self, translations: Sequence["Translation"]) -> None:
        for number, one in enumerate(translations, start=self.number + 1):
            if self.n_best == 1:
                self.stream.write(f"{one.text}\n")
                continue
            for candidate in one.candidates:
                self.stream.write(f"{number}\t{candidate.score:.4f}\t{candidate.text}\n")
            if not one.candidates:  # a blank line has nothing to rank, but keeps its number
                self.stream.write(f"{number}\t\t\n")
        self.number += len(translations)
        self.stream.flush()

    def end(self, report: "Report") -> None:
        """Lines need no end."""


class _JsonWriter:
    """One JSON object, written as its parts come, so that no number of lines fills the memory."""

    def __init__(self, stream: TextIO):
        self.stream = stream
        self.before = '{\n  "translations": ['

    def __call__(self, translations: Sequence["Translation"]) -> None:
        for one in translations:
            text = as_json_text({"text": one.text, **asdict(one)})
            self.stream.write(f"{self.before}\n{indent(text, '    ')}")
            self.before = ","

    def end(self, report: "Report") -> None:
        """Close the list and write the counts."""
        opened = self.before if self.before != "," else "\n  "
        counts = indent(as_json_text(asdict(report)), "  ").lstrip()
        self.stream.write(f'{opened}],\n  "report": {counts}\n}}\n')
