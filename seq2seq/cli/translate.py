"""The commands that put a model to work: one output line for every input line."""

import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

import typer

from seq2seq.cli.kept_output import open_kept, part_of, record_of
from seq2seq.cli.made_with import made_with
from seq2seq.cli.options import AnyModel, AsJson, Device
from seq2seq.cli.output import check_output, open_output, refuse_overwriting
from seq2seq.cli.progress import Progress
from seq2seq.cli.shard import Lines, lines_behind, lines_of_shard
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
    Shard,
    SourceLanguage,
    SourcePrefix,
    Split,
    TargetLanguage,
    Temperature,
    TopK,
    TopP,
)
from seq2seq.cli.writers import JsonWriter, LineWriter
from seq2seq.errors import DataError
from seq2seq.lines import STDIN

if TYPE_CHECKING:  # asking for help must not load it
    from seq2seq.decode.options import DecodeOptions, Sampling
    from seq2seq.engines.engine import Engine as Program
    from seq2seq.engines.engine import EngineName
    from seq2seq.translate import Chunk, Report, Translator

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
several sentences are translated sentence by sentence, except by models that met many such lines in
training and write as many sentences as the line has. Input longer than the model can read is split
and joined again. Addresses and placeholders that the model changed are put back; one that it left
out is not. Counts of this, of empty, repeating and copied outputs, of unknown pieces and of
characters that the vocabulary can only spell in bytes go to stderr. The search is that of the
model's generation_config.json; what of it is not followed is named. With --document each line is
read with those before it, and what was written of them is the beginning of the next output; blank
lines, which end a document, are kept, and lines whose output has fewer sentences are counted.
Input may be .gz or .zst. The Hub is asked only if MODEL is no folder here.
"""
SUMMARIZE_HELP = """Summarize documents, one document and one summary a line.

A document longer than the model can read is summarized from its beginning, as in training; how
many and how much was cut goes to stderr. The Hub is asked only if MODEL is no folder here.
"""


def command(work: Literal["translation", "summarization"]) -> Callable[..., None]:
    """The command that puts a model to one kind of work; of long input it keeps what is usual."""
    usual: Literal["split", "truncate"] = "split" if work == "translation" else "truncate"

    def answer(
        context: typer.Context,
        model: AnyModel,
        source: Input = Path("-"),
        output: Output = None,
        n_best: NBest = 1,
        split: Split = "auto",
        long: Long = usual,
        restore: Restore = True,
        document: Document = False,
        resume: Resume = False,
        shard: Shard = None,
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
        _check_output(output, source, resume=resume, several=as_json or n_best > 1)
        _check_texts({"--forced-prefix": forced_prefix, "--source-prefix": source_prefix or ""})
        draws = _sampling(sample, temperature, top_k, top_p, seed)
        if document:
            _check_document(work, split, forced_prefix, resume=resume, sample=sample, shard=shard)
        languages = source_language, target_language
        translator, path = _open(model, engine, device, languages, work, source_prefix, quantize)
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
        options = replace(options, scored=as_json or n_best > 1)
        part = lines_of_shard(source, shard)
        job = _Job(source, part, output, split, long, restore, batch_tokens, document, resume,
                   as_json, partial(made_with, context, path))  # fmt: skip
        _run(translator, options, job)

    return answer


@dataclass(frozen=True)
class _Job:
    """What to read and how, and where to write."""

    source: Path
    part: Lines
    output: Path | None
    split: Literal["auto", "sentences", "long"]
    long: Literal["split", "truncate", "refuse"]
    restore: bool
    batch_tokens: int
    document: bool
    resume: bool
    as_json: bool
    made_with: Callable[[], Mapping[str, Any]]


def _open(
    model: str,
    engine: "EngineName",
    device: str,
    languages: tuple[str | None, str | None],
    work: Literal["translation", "summarization"],
    source_prefix: str | None,
    quantize: str | None,
) -> "tuple[Translator, Path]":
    """A model in the program asked for, or in the fastest, and where it lies; why is said."""
    if quantize is not None and engine not in ("auto", "native"):
        raise DataError(
            f"--quantize {quantize}: with --engine {engine}, needed --engine auto or native, which "
            "measure what it changes"
        )
    from seq2seq.memory import keep_freed_memory
    from seq2seq.model_location import locate_model
    from seq2seq.translate import Translator

    keep_freed_memory()
    path = locate_model(model).path
    program: Program | EngineName = engine
    if engine == "auto":
        program = _fastest(path, device, languages, quantize)
    elif quantize is not None:
        program = _in_eight_bits(path, device)
    translator = Translator.load(
        path,
        engine=program,
        device=device,
        source_language=languages[0],
        target_language=languages[1],
        work=work,
        source_prefix=source_prefix,
    )
    return translator, path


def _fastest(
    path: Path, device: str, languages: tuple[str | None, str | None], quantize: str | None
) -> "Program":
    from seq2seq.engines.automatic import fastest_engine

    return fastest_engine(
        path,
        device=device,
        languages=languages,
        eight_bits=quantize is not None,
        say=lambda line: typer.echo(line, err=True),
    )


def _in_eight_bits(path: Path, device: str) -> "Program":
    from seq2seq.engines.load import load_eight_bits

    return load_eight_bits(path, device=device, say=lambda line: typer.echo(line, err=True))


def _check_output(output: Path | None, source: Path, *, resume: bool, several: bool) -> None:
    if output is not None:
        check_output(output)
        part = part_of(output)
        refuse_overwriting((output, part, record_of(part)), (source,))
    if resume and (output is None or several):
        found = "no --output" if output is None else "--json or --n-best"
        raise DataError(f"--resume: with {found}, needed --output F with one line for each line")


def _check_texts(given: Mapping[str, str]) -> None:
    """Refuse what no tokenizer reads."""
    for name, text in given.items():
        try:
            text.encode()
        except UnicodeEncodeError:
            shown = text.encode(errors="backslashreplace").decode()
            raise DataError(f"{name}: '{shown}' is not UTF-8, needed text in UTF-8") from None


def _check_document(
    work: str, split: str, forced_prefix: str, *, resume: bool, sample: bool, shard: str | None
) -> None:
    """Refuse what has no meaning for sentences that follow one another."""
    given = {
        "summarize": work == "summarization",
        "--split": split != "auto",
        "--forced-prefix": bool(forced_prefix),
        "--resume": resume,
        "--shard": shard is not None,
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
    for remark in translator.remarks:
        typer.echo(f"note: {remark}", err=True)
    with translator.engine.in_processes():
        translator.engine.warm_up(options)
        report = _write_outputs(translator, options, job)
    typer.echo(report.sentences(), err=True)
    if report.unfinished and translator.forced_end is not None:
        typer.echo(
            f"note: setting of the folder not followed: forced_eos_token_id "
            f"{translator.forced_end!r}; outputs cut off at the length limit keep their last piece",
            err=True,
        )


def _write_outputs(translator: "Translator", options: "DecodeOptions", job: _Job) -> "Report":
    from seq2seq.translate import Report

    report = Report()
    with _opened(job, options.n_best) as (stream, done):
        if done:
            typer.echo(f"note: {done:,} lines are there already", err=True)
        progress = Progress(job.source, done, live=_is_live(job.source), total=job.part.length)
        write = (
            JsonWriter(stream)
            if job.as_json
            else LineWriter(stream, options.n_best, before=job.part.before + done)
        )
        for chunk in _chunks(translator, options, job, done=done):
            write(chunk.translations)
            report += chunk.report
            progress.show(report.lines)
        write.end(report)
    return report


def _opened(job: _Job, n_best: int) -> AbstractContextManager[tuple[TextIO, int]]:
    """Where to write, and how many lines are there already; lines alone can be gone on with."""
    if job.output is None or job.as_json or n_best > 1:
        return _from_the_start(job.output)
    return open_kept(job.output, resume=job.resume, made_with=job.made_with)


@contextmanager
def _from_the_start(output: Path | None) -> Iterator[tuple[TextIO, int]]:
    with open_output(output) as stream:
        yield stream, 0


def _chunks(
    translator: "Translator", options: "DecodeOptions", job: _Job, *, done: int
) -> "Iterator[Chunk]":
    """The translations of all lines, line by line or document by document."""
    from seq2seq.translate import CHUNK_LINES

    # CTranslate2's outputs in 8 bits may depend on their batch: a chunk is translated whole again.
    reread = 0 if _is_live(job.source) else done % CHUNK_LINES
    lines = lines_behind(job.source, job.part, done, reread=reread, output=job.output)
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
    chunks = translator.stream(
        lines,
        options,
        split=job.split,
        long=job.long,
        restore=job.restore,
        batch_tokens=job.batch_tokens,
        pause_seconds=PAUSE_SECONDS if _is_live(job.source) else None,
        first_line=job.part.before + done - reread + 1,
    )
    return _behind(chunks, reread) if reread else chunks


def _behind(chunks: "Iterator[Chunk]", written: int) -> "Iterator[Chunk]":
    """Chunks without their first lines, which are written already."""
    from seq2seq.translate import Chunk, Report

    for chunk in chunks:
        new = chunk.translations[written:]
        written = max(0, written - len(chunk.translations))
        yield Chunk(new, Report.of(new, seconds=chunk.report.seconds))


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
