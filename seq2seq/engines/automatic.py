"""The fastest program that gives the same outputs: CTranslate2 where it can, else our own.

CTranslate2 runs a model several times faster on a CPU. Whether it does so, and writes the same, is
tried once for each model: on the first job of enough lines our own program searches the first of
them, the model is written in CTranslate2's format, and that searches them too. What came out is
kept beside the model (`seq2seq.engines.conversion`); from then on neither torch nor our program is
loaded. What CTranslate2 does not have, or has with another meaning, our own program does.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from seq2seq.decode.lengths import DEFAULT_BATCH_TOKENS, Ids
from seq2seq.decode.options import DecodeOptions, ForcedScore, Hypothesis
from seq2seq.devices import processor_threads
from seq2seq.engines.comparison import compare
from seq2seq.engines.conversion import (
    FOLDER,
    Agreement,
    Conversion,
    conversion_folder,
    key_of,
    program,
    read_conversion,
    read_files,
    write_conversion,
)
from seq2seq.engines.converted import ConvertedEngine, import_ctranslate2, refusals
from seq2seq.engines.eight_bits import SAMPLE, compare_eight_bits, distinct
from seq2seq.engines.engine import Engine, Progress
from seq2seq.engines.load import fitting_engine, load_eight_bits, load_engine
from seq2seq.errors import DeviceError, ModelError
from seq2seq.files import cache_folder, read_json_object
from seq2seq.libraries import reason_of
from seq2seq.run import model_folder, write_json
from seq2seq.stock_tokenizer import open_tokenizer

# Lines that a job must have to be worth the trial.
ENOUGH = 200
# A larger model is not written a second time unasked.
MOST_BYTES = 1 << 30
NEEDED = "the config.json of a stock model folder"

Languages = tuple[str | None, str | None]
Say = Callable[[str], object]


def fastest_engine(
    path: Path,
    *,
    device: str = "auto",
    languages: Languages = (None, None),
    eight_bits: bool = False,
    say: Say,
) -> Engine:
    """The engine that runs a model as fast as can be with the same outputs.

    Args:
        path: A run folder, a stock model folder, or one in CTranslate2's format.
        device: As in `seq2seq.devices`.
        languages: Of source and target, where the model knows several.
        eight_bits: Whether outputs may be those of matrices in 8 bits; what that changes is said.
        say: Told which program runs the model and why, each time that it is another one.

    Returns:
        The engine.

    Raises:
        ModelError: There is no model, or it cannot be loaded.
        DeviceError: There is no such device.
    """
    fitting = fitting_engine(path)
    if fitting == "native":
        obstacle = _obstacle_here(device)
        if obstacle is None:
            chooser = AutomaticEngine(path, languages=languages, eight_bits=eight_bits, say=say)
            if chooser.sizes_are_known:
                return chooser
        say(f"engine: native{_IN_EIGHT_BITS * eight_bits}{f': {obstacle}' if obstacle else ''}")
        if eight_bits:
            with _falling_back_to_32_bits(say):
                return load_eight_bits(path, device=device, say=say)
    loaded, _ = load_engine(fitting, path, device=device)
    if fitting == "transformers":
        say(f"engine: {loaded.class_name} of transformers, the only program that knows it")
    elif fitting == "ctranslate2":
        say(f"engine: {program()}: the folder is in its format")
    if eight_bits and fitting != "native":
        say("8 bits: not used")
    return loaded


_IN_EIGHT_BITS = ", with matrices of 8 bits"


@contextmanager
def _falling_back_to_32_bits(say: Say) -> Iterator[None]:
    """Say why 8 bits cannot be had where that is a matter of the machine, and go on without."""
    try:
        yield
    except DeviceError as error:
        say(f"{error}; here 32 bits are used")


def _obstacle_here(device: str) -> str | None:
    """Why CTranslate2 is out of the question on this machine; None if it is not."""
    if find_spec("ctranslate2") is None:
        return "CTranslate2 is not installed (pip install seq2seq-toolkit[ctranslate2])"
    if device not in ("auto", "cpu"):
        return f"on '{device}' the two programs were not compared"
    if device == "auto" and (sys.platform == "darwin" or _has_gpu()):
        return "on a GPU the two programs were not compared"
    return None


def _has_gpu() -> bool:
    return bool(import_ctranslate2().get_cuda_device_count())


class AutomaticEngine(Engine):
    """Our own program and CTranslate2, of which each search is given to one.

    Args:
        path: A run folder or a stock model folder.
        languages: Of source and target, where the model knows several.
        eight_bits: Whether either may use matrices in 8 bits.
        say: Told which program is chosen and why.
    """

    name = "native"  # whose outputs these are

    def __init__(self, path: Path, *, languages: Languages, eight_bits: bool, say: Say):
        self.folder = model_folder(path)
        self.place = conversion_folder(path)
        self._languages, self._eight_bits, self._say = languages, eight_bits, say
        self._said = set[str]()
        self._config = read_json_object(
            self.folder / "config.json", error=ModelError, needed=NEEDED
        )
        self._native: Engine | None = None
        self._rounded: Engine | None = None
        self._converted: ConvertedEngine | None = None
        self._conversion = read_conversion(self.place, self.folder)
        self._processes: ExitStack | None = None  # of the program of ours that searches now

    @contextmanager
    def in_processes(self) -> Iterator[None]:
        """Search in processes of their own where our own program searches."""
        if self._processes is not None:
            yield
            return
        with ExitStack() as self._processes:
            try:
                if loaded := self._rounded or self._native:
                    self._start_processes(loaded)
                yield
            finally:
                self._processes = None

    @property
    def sizes_are_known(self) -> bool:
        """Whether ``config.json`` tells how much the model can read and write."""
        return all(type(self._config.get(name)) is int for name in
                   ("max_position_embeddings", "vocab_size"))  # fmt: skip

    @property
    def positions(self) -> int:
        """The most pieces it can read or write."""
        return int(self._config["max_position_embeddings"])

    @property
    def vocab_size(self) -> int:
        """Pieces that it knows."""
        return int(self._config["vocab_size"])

    def warm_up(self, options: DecodeOptions) -> None:
        """Load the program that the next search is likely to need."""
        known = self._conversion
        if known is None or known.agreement.problems or _unlike(options):
            self._load_native()
        else:
            self._load_converted(known)

    def search(
        self,
        sources: Sequence[Ids],
        options: DecodeOptions,
        *,
        prefixes: Sequence[Ids] | None = None,
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
        progress: Progress | None = None,
    ) -> list[list[Hypothesis]]:
        """Find the best targets for each source; see `Engine.search`."""
        obstacle = self._obstacle(sources, options, with_context=any(prefixes or ()))
        engine: Engine
        if obstacle is not None or self._conversion is None:
            self._announce(f"engine: native{_IN_EIGHT_BITS * self._eight_bits}: {obstacle}")
            engine = self._load_rounded() if self._eight_bits else self._load_native()
        else:
            engine = self._load_converted(self._conversion)
            self._announce(_speedup_text(self._conversion))
            if self._eight_bits:
                self._report_eight_bits(self._conversion, sources, options)
        return engine.search(
            sources, options, prefixes=prefixes, batch_tokens=batch_tokens, progress=progress
        )

    def _search(self, sources: Sequence[Ids], options: DecodeOptions) -> list[list[Hypothesis]]:
        return self.search(sources, options)

    def _score_batch(
        self, sources: Sequence[Ids], targets: Sequence[Ids], first_id: int | None
    ) -> list[ForcedScore]:
        return self._load_native().score(sources, targets, first_id=first_id)

    def _obstacle(
        self, sources: Sequence[Ids], options: DecodeOptions, *, with_context: bool
    ) -> str | None:
        """Why our own program has to do this search; None if CTranslate2 does the same."""
        problems = _unlike(options)
        if with_context:
            problems.append("it begins all outputs of a batch alike")
        if problems:
            return f"not CTranslate2, {'; '.join(problems)}"
        if self._conversion is None:
            sample = distinct(sources, SAMPLE) if len(sources) >= ENOUGH else []
            if len(sample) < SAMPLE:
                return (
                    f"too few lines; the first job of at least {ENOUGH} tries CTranslate2, once "
                    "for each model"
                )
            size = sum(path.stat().st_size for path in self.folder.iterdir() if path.is_file())
            if size > MOST_BYTES:
                return f"the model has {size / 1e9:.1f} GB, too much to keep twice unasked"
            self._conversion = self._try(sample, options)
        agreement = self._conversion.agreement
        return "; ".join(agreement.problems) if agreement.problems else None

    def _try(self, sample: Sequence[Ids], options: DecodeOptions) -> Conversion:
        """Write the model in CTranslate2's format, compare, and keep what came out."""
        self._announce(f"engine: trying CTranslate2 on {len(sample)} lines, once for this model")
        files = read_files(self.folder)
        name = f"{FOLDER}{key_of(files)}"
        try:
            self.place.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".part-", dir=self.place) as part:
                made = Path(part, name)
                made.mkdir()
                agreement = self._compare(made, sample, options)
                kept = "" if agreement.problems else name
                if kept:
                    shutil.rmtree(self.place / name, ignore_errors=True)  # it was damaged
                    made.rename(self.place / name)
        except OSError as error:
            reason = (
                f"CTranslate2's format cannot be kept in {self.place}: {error.strerror}; until "
                f"it can, every job is left to our own program: {self._how_to_keep()}"
            )
            return Conversion(program(), files, "", Agreement(0, 0, 0, 0.0, 0.0, (reason,)))
        conversion = Conversion(program(), files, kept, agreement)
        self._keep(conversion)
        if kept:  # our own program is not likely to be needed again
            self._native = None
            self._end_processes()
        return conversion

    def _keep(self, conversion: Conversion) -> None:
        """Keep what was found; where that fails, say what it costs: it serves this job alone."""
        try:
            write_conversion(self.place, conversion)
        except OSError as error:
            self._announce(
                f"note: {self.place}: what was compared cannot be kept ({error.strerror}); every "
                f"start compares anew, until it can: {self._how_to_keep()}"
            )

    def _how_to_keep(self) -> str:
        other = self.place.is_relative_to(cache_folder())
        mend = "make room or allow writing there"
        return f"{mend}, or let SEQ2SEQ_CACHE name another folder" if other else mend

    def _compare(self, made: Path, sample: Sequence[Ids], options: DecodeOptions) -> Agreement:
        from seq2seq.engines.native import NativeEngine
        from seq2seq.engines.to_ctranslate2 import write_ctranslate2

        native = self._load_native()
        assert isinstance(native, NativeEngine)
        tokenizer = open_tokenizer(self.folder, languages=self._languages)
        try:
            write_ctranslate2(native.model, tokenizer, made, quantize=None)
            special = {"eos_token": tokenizer.eos_id, "pad_token": tokenizer.pad_id}
            names = {role: tokenizer.piece(number) for role, number in special.items()}
            write_json(made / "tokenizer_config.json", names)
            converted = ConvertedEngine.load(made, device="cpu")
        except (ModelError, RuntimeError, ValueError, TypeError, LookupError) as error:
            reason = f"CTranslate2's format does not hold this model: {reason_of(error)}"
            return Agreement(0, 0, 0, 0.0, 0.0, (reason,))
        return compare(native, converted, sample, options)

    def _report_eight_bits(
        self, conversion: Conversion, sources: Sequence[Ids], options: DecodeOptions
    ) -> None:
        """Say what 8 bits change, and keep it once it was measured on enough lines."""
        measured = conversion.eight_bits
        if measured is None:
            sample = distinct(sources, SAMPLE)
            exact = ConvertedEngine.load(self.place / conversion.folder, device="cpu")
            measured = compare_eight_bits(exact, self._load_converted(conversion), sample, options)
            if len(sample) == SAMPLE:
                self._conversion = replace(conversion, eight_bits=measured)
                self._keep(self._conversion)
        self._announce(measured.to_text())

    def _load_native(self) -> Engine:
        if self._native is None:
            self._native, _ = load_engine("native", self.folder, device="cpu")
            self._start_processes(self._native)
        return self._native

    def _load_rounded(self) -> Engine:
        """Our own program in 8 bits, or in 32 where the processor has no products of 8 bits."""
        if self._rounded is None:
            from seq2seq.engines.native import EightBitEngine, NativeEngine

            native = self._load_native()
            assert isinstance(native, NativeEngine)
            self._rounded = native
            with _falling_back_to_32_bits(self._announce):
                self._rounded = EightBitEngine(native.model, say=self._announce)
                self._end_processes()
                self._start_processes(self._rounded)
        return self._rounded

    def _start_processes(self, engine: Engine) -> None:
        if self._processes is not None:
            self._processes.enter_context(engine.in_processes())

    def _end_processes(self) -> None:
        if self._processes is not None:
            self._processes.close()

    def _load_converted(self, conversion: Conversion) -> ConvertedEngine:
        if self._converted is None:
            self._converted = ConvertedEngine.load(
                self.place / conversion.folder, device="cpu", eight_bits=self._eight_bits
            )
        return self._converted

    def _announce(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._say(text)


def _speedup_text(conversion: Conversion) -> str:
    known = conversion.agreement
    return (
        f"engine: {conversion.program}, {processor_threads()} thread(s): on {known.lines} lines "
        f"{known.equal} outputs as of our own program, {known.times_as_fast:.1f} times as fast"
    )


def _unlike(options: DecodeOptions) -> list[str]:
    """What of a search CTranslate2 does not have, or might decide otherwise."""
    problems = refusals(options)
    if options.beams > 1 and not options.renormalize:
        given = {"no_repeat_ngram": options.no_repeat_ngram, "forbidden pieces": options.forbidden}
        problems += [
            f"it compares beams by other scores with {name}" for name, value in given.items()
            if value
        ]  # fmt: skip
    return problems
