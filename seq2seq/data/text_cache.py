"""Text that was read and cleaned before: a large corpus is gone through once for all processes.

It is kept beside the encoded corpora, under a name made from the recipe's section and from every
byte of the files, so there is nothing to invalidate. What is kept holds the hash of each of its
files: a damaged one is seen, and the text read anew.
"""

import hashlib
import json
import shutil
import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.data.clean import CleaningReport
from seq2seq.data.encoded_corpora import Cache
from seq2seq.data.findings import Finding
from seq2seq.data.pair_table import PairTable
from seq2seq.data.parallel_text import ParallelText, distinct, read_text
from seq2seq.files import file_sha256
from seq2seq.recipe import CorpusSpec, DataSpec

FORMAT = 1  # raise it when what is read, counted or dropped changes
LARGE_BYTES = 10_000_000  # less is read anew sooner than kept
FACTS, NUMBERS = "facts", "numbers.npy"


def read_cached_text(spec: DataSpec, cache: Cache) -> ParallelText:
    """The text of a recipe, as it was read and cleaned before where that was kept.

    Args:
        spec: Section ``data`` of the recipe.
        cache: Where large text is kept and looked for; told if it was found, or cannot be used.

    Returns:
        What ``read_text`` returns.

    Raises:
        DataError: Something cannot be read, or is refused.
    """
    files = _files(spec)
    if cache.folder is None or sum(file.stat().st_size for file in files) < LARGE_BYTES:
        return read_text(spec)
    folder = cache.folder / f"text-{_key(spec, files)}"
    if folder.is_dir():
        try:
            text = _load(folder, spec)
        except (OSError, ValueError) as error:
            cache.say(f"warning: {folder}: {error}; the text is read anew")
            shutil.rmtree(folder, ignore_errors=True)
        else:
            cache.say(f"text: as it was read and cleaned before, kept in {folder}")
            return text
    text = read_text(spec)
    try:
        _write(text, folder)
    except OSError as error:
        cache.say(f"warning: {folder}: cannot be written ({error}); the text is not kept")
    return text


def _files(spec: DataSpec) -> list[Path]:
    """Every file that is read; none where something comes from the Hub or through a pipe."""
    corpora: list[CorpusSpec] = [*spec.train, spec.dev, *spec.test.values()]
    names = [name for c in corpora for name in (c.file, c.source, c.target) if name is not None]
    files = [Path(spec.folder) / name for name in names]
    from_hub = any(corpus.hub is not None for corpus in corpora)
    return [] if from_hub or not all(file.is_file() for file in files) else files


def _key(spec: DataSpec, files: list[Path]) -> str:
    """A hash of everything that the text depends on."""
    section = spec.model_dump_json(exclude={"cache", "folder", "built_in", "copying"})
    digest = hashlib.sha256(f"{FORMAT} {unicodedata.unidata_version} {section}".encode())
    for file in files:
        digest.update(file_sha256(file).encode())
    return digest.hexdigest()


def _tables(text: ParallelText) -> dict[str, PairTable]:
    tables = [*text.train.values(), text.dev, *text.tests.values()]
    return {f"{number}.arrow": table for number, table in enumerate(tables)}


def _write(text: ParallelText, folder: Path) -> None:
    """Write a text, in one step: it is whole or not there."""
    unfinished = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    unfinished.mkdir(parents=True)
    try:
        for name, table in _tables(text).items():
            PairTable.write(table.batches(), table.schema, unfinished / name)
        np.save(unfinished / NUMBERS, text.numbers)
        facts = {
            "report": asdict(text.report),
            "fingerprints": {name: table.fingerprint for name, table in _tables(text).items()},
            "digests": {file.name: file_sha256(file) for file in sorted(unfinished.iterdir())},
        }
        content = json.dumps(facts).encode()
        (unfinished / FACTS).write_bytes(hashlib.sha256(content).digest() + content)
        if not folder.exists():
            unfinished.replace(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _load(folder: Path, spec: DataSpec) -> ParallelText:
    facts = _facts(folder / FACTS)
    for name, digest in facts["digests"].items():
        if file_sha256(folder / name) != digest:
            raise _damaged(name)
    tables = [
        PairTable.open(folder / name, fingerprint)
        for name, fingerprint in facts["fingerprints"].items()
    ]
    names = distinct([corpus.name for corpus in spec.train])
    return ParallelText(
        train=dict(zip(names, tables, strict=False)),
        weights={name: corpus.weight for name, corpus in zip(names, spec.train, strict=True)},
        dev=tables[len(names)],
        tests=dict(zip(spec.test, tables[len(names) + 1 :], strict=True)),
        cleaning=spec.cleaning,
        report=_report(facts["report"]),
        numbers=np.load(folder / NUMBERS),
        alone_share=spec.context.alone_share if spec.context.used else 0.0,
    )


def _facts(path: Path) -> dict[str, Any]:
    whole, size = path.read_bytes(), hashlib.sha256().digest_size
    if hashlib.sha256(whole[size:]).digest() != whole[:size]:
        raise _damaged(path.name)
    return dict(json.loads(whole[size:]))


def _damaged(name: str) -> ValueError:
    return ValueError(f"{name} does not have the hash that was saved with it")


def _report(content: Mapping[str, Any]) -> CleaningReport:
    findings = tuple(
        Finding(**{**one, "examples": tuple(one["examples"])}) for one in content["findings"]
    )
    return CleaningReport(content["read"], content["kept"], findings)
