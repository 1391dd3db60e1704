"""Turn a finished model into a format that other programs load, and prove that it is the same.

    export --to hub          a folder for AutoModelForSeq2SeqLM and AutoTokenizer of transformers
    export --to ctranslate2  a folder for ctranslate2.Translator
    export --to onnx         three graphs for onnxruntime

The export is written beside its final place, loaded by the program that it is for, compared with
the model, and moved to its place only if it differs by no more than is tolerated. So a folder with
an ``export.json`` was measured, and a failed export leaves nothing behind.
"""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from transformers import AutoTokenizer

from seq2seq.devices import resolve_device
from seq2seq.engines.agreement import EXACT, QUANTIZED
from seq2seq.engines.conversion import (
    Agreement,
    Conversion,
    conversion_folder,
    program,
    read_files,
    write_conversion,
)
from seq2seq.engines.converted import ConvertedEngine
from seq2seq.engines.engine import Engine
from seq2seq.engines.native import NativeEngine
from seq2seq.engines.stock import StockEngine
from seq2seq.engines.to_ctranslate2 import write_ctranslate2
from seq2seq.errors import PublishError
from seq2seq.families import FAMILIES
from seq2seq.files import read_json_object
from seq2seq.language_tags import learn_added_tags
from seq2seq.model_location import locate_model
from seq2seq.publish.export_check import Check, Target, hash_files, write_check
from seq2seq.publish.held_out import HeldOut, choose_pairs, file_pairs, run_pairs
from seq2seq.publish.measure import Measured, find_excess, measure
from seq2seq.publish.publishable import check_publishable
from seq2seq.publish.run_onnx import OnnxEngine
from seq2seq.publish.to_onnx import write_onnx
from seq2seq.recipe import Recipe
from seq2seq.run import ADAPTER, Run, model_folder, write_json
from seq2seq.stock_tokenizer import stock_class
from seq2seq.task_prefix import known_tasks
from seq2seq.tokenizer import Tokenizer
from seq2seq.tokenizer_like import TokenizerLike, as_read
from seq2seq.translate import Translator

FIGURES_FILE = "measured.json"
SEARCH_FILE = "generation_config.json"
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
MODEL_FILES = ("config.json", "model.safetensors", SEARCH_FILE)


@dataclass(frozen=True)
class Exported:
    """A finished export.

    Attributes:
        folder: Where it lies.
        check: How it compares with its model, as the folder holds it.
        measured: All figures, as the folder holds them.
    """

    folder: Path
    check: Check
    measured: Measured

    def to_json(self) -> dict[str, object]:
        """Where it lies, and every figure."""
        return {"folder": str(self.folder), "measured": self.measured.to_json()}

    def to_text(self) -> str:
        """The figures, and where it lies."""
        return f"{self.measured.to_text()}\nwritten to {self.folder}"


@dataclass(frozen=True)
class _Model:
    """What is to be exported, and what is known about it."""

    folder: Path
    translator: Translator
    recipe: Recipe | None

    @property
    def tokenizer(self) -> TokenizerLike:
        return self.translator.tokenizer

    @property
    def engine(self) -> NativeEngine | StockEngine:
        """What runs it: our own program, or its stock class."""
        engine = self.translator.engine
        assert isinstance(engine, NativeEngine | StockEngine)
        return engine

    @property
    def files(self) -> tuple[str, ...]:
        """What a stock folder of it holds; an adapter by itself too, where one was trained."""
        adapter = (f"{ADAPTER}/{name}" for name in ADAPTER_FILES)
        kept = (name for name in adapter if (self.folder / name).is_file())
        return (*MODEL_FILES, *self.tokenizer.file_names, *kept)


def export(
    name: str | Path,
    target: Target,
    *,
    out: Path | None = None,
    quantize: Literal["int8"] | None = None,
    pairs: Path | None = None,
    device: str = "auto",
    say: Callable[[str], object] = lambda line: None,
) -> Exported:
    """Write a model in another format, measure it, and keep it only if it is the same model.

    Args:
        name: As in `seq2seq.model_location`.
        target: The format.
        out: Where to write; in the run's folder of exports if None.
        quantize: Number format of the matrices; None keeps 32-bit floats.
        pairs: Held-out pairs to measure on; the run's dev set if None.
        device: Where model and export are measured, as in `seq2seq.devices`; ONNX graphs are on
            the CPU.
        say: Told what is being done.

    Returns:
        The export and its figures.

    Raises:
        PublishError: The export differs by more than is tolerated, or other programs would read
            the model differently, or there is nothing to measure it on, or the folder exists.
        ModelError: The model cannot be loaded, or the format's package is not installed.
        DeviceError: There is no such device.
    """
    if quantize is not None and target == "hub":
        raise PublishError(
            f"quantize '{quantize}': stock folders hold 32-bit floats, needed the format "
            "ctranslate2 or onnx"
        )
    place = torch.device("cpu") if target == "onnx" else resolve_device(device)
    path = locate_model(name).path
    final = _place(path, target, out, quantize)
    source = _load(path, target)
    check_publishable(source.engine, source.folder)
    text = _choose_text(path, source, pairs)
    unfinished = final.with_name(f".{final.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        say(f"writing {target}")
        engine = _write(source, target, unfinished, quantize, place)
        source.engine.model.to(place)  # only now: the formats are written from the CPU
        say(f"comparing on {text.to_text()}")
        exported = _measure(source, engine, text, target, folder=unfinished, quantize=quantize)
        unfinished.rename(final)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    if target == "ctranslate2" and quantize is None and final.parent == Run(path).exports:
        _record_conversion(path, source, exported.measured, final)
    return replace(exported, folder=final)


def _record_conversion(path: Path, source: _Model, measured: Measured, final: Path) -> None:
    """Let ``translate`` take the export without comparing once more."""
    speeds = measured.export.sentences_per_second, measured.model.sentences_per_second
    agreement = Agreement(
        measured.pairs,
        measured.search_equal,
        measured.beams,
        measured.largest_difference,
        speeds[0] / speeds[1],
    )
    place = conversion_folder(path)
    folder = os.path.relpath(final.resolve(), place.resolve())
    with suppress(OSError):  # it is compared again
        write_conversion(place, Conversion(program(), read_files(source.folder), folder, agreement))


def _place(path: Path, target: Target, out: Path | None, quantize: str | None) -> Path:
    name = target if quantize is None else f"{target}-{quantize}"
    if out is None:
        if not Run(path).recipe.is_file():
            raise PublishError(f"{path}: not a run folder, needed one or --out; add --out DIR")
        out = Run(path).exports / name
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PublishError(f"{out}: exists already, needed a new folder; remove it or name another")
    return out


def _load(path: Path, target: Target) -> _Model:
    folder = model_folder(path)
    needed = "the config.json of a stock model folder"
    kind = read_json_object(folder / "config.json", error=PublishError, needed=needed)["model_type"]
    if target != "hub" and kind not in FAMILIES:
        raise PublishError(
            f"export to {target}: {folder} is a {kind} model, needed one of "
            f"{' or '.join(FAMILIES)}, whose layers this program writes in that format; export it "
            "--to hub, which every program that uses transformers loads"
        )
    # Without a class of its own a tokenizer is a tokenizer.json.
    text = Tokenizer.file_names if stock_class(folder) is None else Tokenizer.file_names[1:]
    missing = [name for name in (*MODEL_FILES, *text) if not (folder / name).is_file()]
    if missing:
        raise PublishError(
            f"{folder}: {', '.join(missing)} missing, needed a complete stock model folder; train "
            "the model to its end, or save it again with transformers"
        )
    # What it was trained for stands in its files. One of several tasks is compared without the
    # words of any: whatever text it reads, the export must do the same with it.
    tasks = list(known_tasks(folder))
    translator = Translator.load(
        folder,
        device="cpu",
        work="summarization" if tasks == ["summarization"] else "translation",
        source_prefix="" if len(tasks) > 1 else None,
    )
    run = Run(path)
    recipe = run.read_recipe() if run.recipe.is_file() else None
    return _Model(folder, translator, recipe)


def _choose_text(path: Path, source: _Model, pairs: Path | None) -> HeldOut:
    if pairs is None and source.recipe is None:
        raise PublishError(
            f"{path}: not a run folder, so it names no held-out text, needed some to measure the "
            "export on; add --pairs FILE"
        )
    if pairs is None:
        name, found = run_pairs(Run(path))
    else:
        name, found = file_pairs(pairs, source.translator.languages)
    positions = source.translator.engine.positions
    trained = positions if source.recipe is None else source.recipe.data.cleaning.max_source_pieces
    return choose_pairs(
        name,
        found,
        source.tokenizer,
        positions=positions,
        longest_source=min(trained, positions),
    )


def _write(
    source: _Model,
    target: Target,
    folder: Path,
    quantize: Literal["int8"] | None,
    place: torch.device,
) -> Engine:
    """Write the format, and load it with the program that it is for."""
    text = (SEARCH_FILE, *source.tokenizer.file_names)
    for name in source.files if target == "hub" else text:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(source.folder / name, folder / name)
    match target:
        case "hub":
            return StockEngine.load(folder, device=place)
        case "ctranslate2":
            write_ctranslate2(source.translator.model, source.tokenizer, folder, quantize=quantize)
            return ConvertedEngine.load(folder, device=str(place))
        case "onnx":
            shutil.copyfile(source.folder / "config.json", folder / "config.json")
            _ask_for_greedy(folder / "generation_config.json")
            write_onnx(source.translator.model, folder, quantize=quantize)
            return OnnxEngine(folder, source.translator.model.config)


def _ask_for_greedy(path: Path) -> None:
    """Store the search that the graphs are measured with."""
    settings = read_json_object(path, error=PublishError, needed="what saving a model wrote")
    settings |= {"num_beams": 1, "early_stopping": False, "no_repeat_ngram_size": 0}
    write_json(path, settings)


def _measure(
    source: _Model,
    engine: Engine,
    text: HeldOut,
    target: Target,
    *,
    folder: Path,
    quantize: str | None,
) -> Exported:
    check_tokenizer(folder, source.tokenizer, text)
    tolerance = EXACT if quantize is None else QUANTIZED
    options = source.translator.options
    if target == "onnx":
        options = replace(options, beams=1, no_repeat_ngram=0)
    if target == "ctranslate2" and options.no_repeat_ngram:
        # Its beams are compared by other scores there; see seq2seq.engines.converted.
        tolerance = replace(tolerance, search=0.0)
    measured = measure(
        source.translator.engine,
        engine,
        text,
        tokenizer=source.tokenizer,
        options=options,
        sizes=(_bytes(source.folder, source.files), _bytes(folder)),
        summaries=source.recipe is not None and source.recipe.task == "summarization",
        language=None if source.recipe is None else source.recipe.target_language,
        device=str(next(source.engine.model.parameters()).device),
    )
    excess = find_excess(measured, tolerance)
    if excess:
        raise PublishError(
            f"export to {target}: {'; '.join(excess)}; this is not the same model, nothing was kept"
        )
    write_json(folder / FIGURES_FILE, measured.to_json())
    check = Check(
        target=target,
        name=target if target == "hub" else quantize or "float32",
        pairs=measured.pairs,
        largest_difference=measured.largest_difference,
        greedy_agreement=measured.greedy_equal / measured.pairs,
        beam_agreement=measured.search_equal / measured.pairs,
        tolerance=tolerance.piece,
        passed=True,
        files=hash_files(folder),
    )
    write_check(folder, check)
    return Exported(folder, check, measured)


def check_tokenizer(folder: Path, tokenizer: TokenizerLike, text: HeldOut) -> None:
    """Make sure that stock ``AutoTokenizer`` cuts and joins text as the model's tokenizer does.

    Args:
        folder: Of the export.
        tokenizer: The model's.
        text: What to try it on.

    Raises:
        PublishError: It does not.
    """
    stock = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    learn_added_tags(stock)  # M2M100 alone cannot cut targets in a language that was added
    cut = stock([as_read(tokenizer, source) for source in text.sources]).input_ids
    targets = stock(text_target=list(text.references)).input_ids
    joined = stock.batch_decode(text.target_ids, skip_special_tokens=True)
    expected = tokenizer.decode(text.target_ids)
    wrong = sum(one != two for one, two in zip(cut, text.source_ids, strict=True))
    wrong += sum(one != two for one, two in zip(targets, text.target_ids, strict=True))
    wrong += sum(one.strip() != two.strip() for one, two in zip(joined, expected, strict=True))
    if wrong:
        raise PublishError(
            f"{folder}: AutoTokenizer cuts or joins '{wrong}' of {3 * len(text)} texts "
            "differently, needed the same pieces; check tokenizer_config.json"
        )


def _bytes(folder: Path, names: tuple[str, ...] | None = None) -> int:
    files = folder.rglob("*") if names is None else (folder / name for name in names)
    return sum(file.stat().st_size for file in files if file.is_file())
