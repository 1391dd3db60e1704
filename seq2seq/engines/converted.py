"""CTranslate2 as an engine: the same model several times faster on a CPU.

What its search and ours mean by the same word, as measured:

- With its ``patience`` of 1 a search stops where ours does with early stopping, and only then.
- It never ends an output right behind a piece that the output was made to begin with.
- What it forbids it shares out among the rest; ours does so only if asked. So with
  ``no_repeat_ngram`` and ``forbidden`` it compares beams by slightly other scores. In these cases
  scores are computed afterwards.
- The same holds for its ``min_decoding_length``, which is 1 unless set to 0; there the difference
  decides between beams, so a least length is honoured in greedy search alone.
- Without scores a greedy search takes the largest logit and normalizes none: a tenth less time.
- Padding is impossible in post-norm models. In pre-norm models it is a piece like any other; only
  where that shows in an output is the search done again with padding forbidden.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any, Self

from seq2seq.decode.lengths import Ids, even_batches
from seq2seq.decode.options import DecodeOptions, ForcedScore, Hypothesis
from seq2seq.devices import processor_threads, torch_threads_kept
from seq2seq.engines.engine import SearchBatch
from seq2seq.engines.one_limit import OneLimitEngine
from seq2seq.errors import DeviceError, ModelError
from seq2seq.files import read_json, read_json_object, refuse_odd_files
from seq2seq.memory import give_back_freed_memory
from seq2seq.normalization import is_whole_number
from seq2seq.run import Run

WEIGHTS = "model.bin"
# Padded source pieces for each worker at once, without beams and with: about 40 and 25 sentences of
# a caption's length. Fewer leave its products short, more leave its caches. 1,000 captions, tiny
# model, s: greedy 256 pieces 1.49, 512 1.31, 768 1.25, 1024 1.31, 2048 1.49; 5 beams 256 4.5,
# 512 4.8, 768 5.3, 1024 5.2, 2048 5.8 (2 threads of an Intel Xeon). Weights that fill no cache are
# read anew in every step, so they want more pieces: small model, greedy, 768 4.4, 2048 3.8; 5 beams
# 512 13.0, 768 12.5, 1536 12.8; but in 8 bits 512 6.1, 768 6.4 (2 cores of an AMD EPYC).
GREEDY_TOKENS, BEAM_TOKENS = 768, 512
LARGE_WEIGHTS = 32 * 2**20
LARGE_GREEDY_TOKENS, LARGE_BEAM_TOKENS = 2048, 768
# After a search of so many batches, some 1,500 captions, freed memory is given back: 3 to 4 ms,
# where the search of fewer would notice it.
MANY_BATCHES = 30
EXPORTED = "what 'seq2seq export --to ctranslate2' writes"


class ConvertedEngine(OneLimitEngine):
    """A CTranslate2 translator and the ids of its pieces."""

    name = "ctranslate2"

    def __init__(
        self,
        translator: Any,
        pieces: Sequence[str],
        *,
        eos: str,
        pad: str,
        positions: int,
        weight_bytes: int,
    ):
        large = weight_bytes >= LARGE_WEIGHTS
        self._greedy_tokens = LARGE_GREEDY_TOKENS if large else GREEDY_TOKENS
        self._beam_tokens = LARGE_BEAM_TOKENS if large else BEAM_TOKENS
        self._positions = positions
        self._translator = translator
        self._pieces = list(pieces)
        self._ids = {piece: number for number, piece in enumerate(pieces)}
        self._eos = eos
        self._pad = pad

    @classmethod
    def load(cls, folder: Path, *, device: str = "auto", eight_bits: bool = False) -> Self:
        """Load what ``seq2seq export --to ctranslate2`` wrote.

        On a CPU it has as many workers as torch would have threads, each with one thread: products
        of a small model are too short for two, while two batches side by side are as fast as one.

        Args:
            folder: The folder.
            device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
            eight_bits: Whether to round the matrices to 8 bits, whatever they are stored in.

        Returns:
            The engine.

        Raises:
            ModelError: If CTranslate2 is not installed, a file is missing or cannot be read.
            DeviceError: CTranslate2 does not find the device.
        """
        ctranslate2 = import_ctranslate2()
        kind, number = _device_of(device, count=ctranslate2.get_cuda_device_count())
        if not (folder / WEIGHTS).is_file():
            raise ModelError(
                f"{folder}: no {WEIGHTS}, needed a CTranslate2 model; make one with "
                "'seq2seq export RUN --to ctranslate2'"
            )
        refuse_odd_files(folder, error=ModelError)
        pieces = _pieces_of(folder / "shared_vocabulary.json")
        positions = _positions_of(folder / "config.json")
        names = _read_object(folder / "tokenizer_config.json", "eos_token", "pad_token")
        workers = processor_threads() if kind == "cpu" else 1
        try:
            with torch_threads_kept():
                translator = ctranslate2.Translator(
                    str(folder), device=kind, device_index=number,
                    inter_threads=workers, intra_threads=1,
                    compute_type="int8" if eight_bits else "default",
                )  # fmt: skip
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{folder}: CTranslate2 cannot load it ({error})") from error
        return cls(
            translator,
            pieces,
            eos=_name(names["eos_token"]),
            pad=_name(names["pad_token"]),
            positions=positions,
            weight_bytes=(folder / WEIGHTS).stat().st_size // (4 if eight_bits else 1),
        )

    @property
    def positions(self) -> int:
        """The most pieces it can read or write."""
        return self._positions

    @property
    def vocab_size(self) -> int:
        """Pieces that it knows; padding counts, although post-norm models leave it out."""
        return len(self._pieces) + (self._pad not in self._ids)

    def check_options(self, options: DecodeOptions) -> None:
        """Refuse what CTranslate2 does not have, or has with another meaning.

        Raises:
            ModelError: Naming every option that cannot be honoured.
        """
        problems = refusals(options)
        if problems:
            raise ModelError(f"ctranslate2 engine: {'; '.join(problems)}; use engine native")

    def _batches(self, lengths: Sequence[int], rows: int, most: int) -> list[list[int]]:
        """Small enough for the caches of a CPU, and as many for each worker."""
        workers: int = self._translator.num_translators
        if str(self._translator.device) != "cpu":
            return super()._batches(lengths, rows, most)
        fitting = self._greedy_tokens if rows == 1 else self._beam_tokens * rows
        return even_batches(lengths, min(most, fitting), workers=workers)

    def _search_all(self, batches: list[SearchBatch]) -> Iterator[list[list[Hypothesis]]]:
        """One batch for each worker at once, and one more that is made ready meanwhile."""
        with ThreadPoolExecutor(self._translator.num_translators + 1) as threads:
            yield from threads.map(self._search_batch, batches)
        if len(batches) >= MANY_BATCHES:
            give_back_freed_memory()

    def _search_with_limit(
        self, sources: Sequence[Ids], limit: int, options: DecodeOptions
    ) -> list[list[Hypothesis]]:
        forbidden = [[self._pieces[piece] for piece in row] for row in options.forbidden]
        found = self._translate(sources, limit, options, forbidden=forbidden)
        pad_id = self._ids.get(self._pad)
        padded = [n for n, beams in enumerate(found) if any(pad_id in one.ids for one in beams)]
        again = self._translate(
            [sources[n] for n in padded], limit, options, forbidden=[*forbidden, [self._pad]]
        )
        return [
            dict(zip(padded, again, strict=True)).get(n, beams) for n, beams in enumerate(found)
        ]

    def _translate(
        self,
        sources: Sequence[Ids],
        limit: int,
        options: DecodeOptions,
        *,
        forbidden: list[list[str]],
    ) -> list[list[Hypothesis]]:
        if not sources:
            return []
        first = options.first_id
        found = self._translator.translate_batch(
            [self._spell(ids) for ids in sources],
            target_prefix=None if first is None else [[self._pieces[first]]] * len(sources),
            beam_size=options.beams,
            num_hypotheses=options.beams,
            length_penalty=options.length_penalty,
            no_repeat_ngram_size=options.no_repeat_ngram,
            suppress_sequences=forbidden or None,
            max_decoding_length=limit,
            min_decoding_length=options.min_length,
            max_batch_size=len(sources),
            max_input_length=0,
            return_end_token=True,
            return_scores=options.needs_scores,
        )
        beams = [
            [
                self._hypothesis(*one, options)
                for one in zip(r.hypotheses, r.scores or [nan], strict=True)
            ]
            for r in found
        ]
        shared = bool(options.no_repeat_ngram or forbidden or options.min_length)
        changed = first is not None or (shared and not options.renormalize)
        needed = changed and options.needs_scores
        return self._rescored(sources, beams, options) if needed else beams

    def _hypothesis(
        self, pieces: Sequence[str], score: float, options: DecodeOptions
    ) -> Hypothesis:
        ids = tuple(self._ids[piece] for piece in pieces)
        log_probability = score * len(ids) ** options.length_penalty
        return Hypothesis(ids, score, log_probability, bool(pieces) and pieces[-1] == self._eos)

    def _rescored(
        self, sources: Sequence[Ids], beams: list[list[Hypothesis]], options: DecodeOptions
    ) -> list[list[Hypothesis]]:
        """The same hypotheses under the probabilities of the model itself, best first."""
        flat = [one for found in beams for one in found]
        repeated = [ids for ids, found in zip(sources, beams, strict=True) for _ in found]
        forced = iter(self.score(repeated, [one.ids for one in flat], first_id=options.first_id))
        penalty = options.length_penalty
        again = [
            [
                replace(one, score=new.score(penalty), log_probability=new.log_probability)
                for one, new in zip(found, forced, strict=False)
            ]
            for found in beams
        ]
        return [sorted(found, key=lambda one: -one.score) for found in again]

    def _score_batch(
        self, sources: Sequence[Ids], targets: Sequence[Ids], first_id: int | None
    ) -> list[ForcedScore]:
        spelled = [self._spell(ids) for ids in targets]
        # The end is always scored, whether it is asked for or not.
        without_end = [one[:-1] if one[-1] == self._eos else one for one in spelled]
        found = self._translator.score_batch(
            [self._spell(ids) for ids in sources], without_end,
            max_batch_size=self._share(len(sources)), max_input_length=0,
        )  # fmt: skip
        scores = []
        for ids, result in zip(targets, found, strict=True):
            row = list(result.log_probs[: len(ids)])
            if first_id is not None and ids[0] == first_id:
                row[0] = 0.0
            scores.append(ForcedScore(tuple(row)))
        return scores

    def _share(self, sentences: int) -> int:
        """Sentences of a batch for each worker."""
        workers: int = self._translator.num_translators
        return -(-sentences // workers)

    def _spell(self, ids: Ids) -> list[str]:
        return [self._pieces[number] for number in ids]


def refusals(options: DecodeOptions) -> list[str]:
    """What of a search CTranslate2 does not have, or has with another meaning; a phrase each."""
    problems = []
    if options.sampling is not None:
        problems.append("its draws cannot be repeated by a seed for each line")
    if options.prefix:
        problems.append("it counts the pieces of a given prefix in its scores")
    if options.beams > 1 and options.early_stopping is not True:
        found = options.early_stopping
        problems.append(f"it always stops early, early_stopping '{found}' is asked for")
    if options.beams > 1 and options.min_length:
        problems.append(
            f"min_length is '{options.min_length}' with {options.beams} beams, which it "
            "compares by other scores"
        )
    return problems


def _device_of(name: str, *, count: int) -> tuple[str, int]:
    """What CTranslate2 calls a device, and its number; it finds GPUs itself, without torch."""
    kind, _, number = name.partition(":")
    if name == "auto":
        return ("cuda" if count else "cpu"), 0
    if kind not in ("cpu", "cuda") or (number and not is_whole_number(number)):
        raise DeviceError(f"ctranslate2 engine: device '{name}', needed auto, cpu, cuda or cuda:N")
    if kind == "cuda" and int(number or 0) >= count:
        raise DeviceError(
            f"{name}: CTranslate2 finds {count or 'no'} CUDA device(s) here; leave the device out"
        )
    return kind, int(number or 0)


def converted_folder(path: Path) -> Path:
    """The CTranslate2 model that a user means: a folder with one, or the one that a run exported.

    Args:
        path: A run folder, or the folder of the model.

    Returns:
        The folder of the model; that it holds one is checked when it is loaded.

    Raises:
        ModelError: The run has several exports of this kind.
    """
    if (path / WEIGHTS).is_file():
        return path
    found = sorted(Run(path).exports.glob(f"*/{WEIGHTS}"))
    if len(found) > 1:
        names = " or ".join(str(file.parent) for file in found)
        raise ModelError(f"{path}: has {len(found)} CTranslate2 exports, needed one; name {names}")
    return found[0].parent if found else path


def import_ctranslate2() -> Any:
    """The package, or how to get it.

    Raises:
        ModelError: It is not installed.
    """
    try:
        import ctranslate2
    except ImportError:
        raise ModelError(
            "ctranslate2: not installed, needed for this format; "
            "'pip install seq2seq-toolkit[ctranslate2]'"
        ) from None
    return ctranslate2


def _read_object(path: Path, *needed: str) -> dict[str, Any]:
    content = read_json_object(path, error=ModelError, needed=EXPORTED)
    missing = [key for key in needed if key not in content]
    if missing:
        raise ModelError(f"{path}: no {missing[0]}, needed {EXPORTED}; export it again")
    return content


def _pieces_of(path: Path) -> list[str]:
    pieces = read_json(path, error=ModelError, needed=EXPORTED)
    if not isinstance(pieces, list) or not all(isinstance(piece, str) for piece in pieces):
        raise ModelError(f"{path}: no list of pieces, needed {EXPORTED}; export it again")
    return pieces


def _name(token: Any) -> str:
    return str(token.get("content") if isinstance(token, dict) else token)


def _positions_of(path: Path) -> int:
    positions = _read_object(path, "max_position_embeddings")["max_position_embeddings"]
    if type(positions) is not int or positions < 1:
        raise ModelError(
            f"{path}: max_position_embeddings is {positions!r}, needed {EXPORTED}; export it again"
        )
    return positions
