"""Our own program: our own search over our own model.

On a CPU several batches are searched at once, each in a thread of its own that computes alone: the
products of a step are too short to be shared out among threads. Weights are those of all threads.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch

from seq2seq.decode.batches import evaluating, without_dropout
from seq2seq.decode.beam import search_beams
from seq2seq.decode.forced import force
from seq2seq.decode.lengths import DEFAULT_BATCH_TOKENS, Ids, even_batches
from seq2seq.decode.options import DecodeOptions, ForcedScore, Hypothesis
from seq2seq.decode.sampling import sample
from seq2seq.engines.eight_bits import SAMPLE, compare_eight_bits, distinct
from seq2seq.engines.engine import Engine, Progress
from seq2seq.errors import ModelError
from seq2seq.model.eight_bits import in_eight_bits
from seq2seq.model.transformer import Transformer
from seq2seq.processes import quick_switches

# Source pieces times beams that are worth a thread: with fewer, its products become too short.
THREAD_TOKENS = 512
# With so many, two batches lose little against one of twice as many: 3 % of the time (tiny model).
LARGE_BATCH = 2048
# Threads wait for each other between the operations of a step, which may be shorter than a change
# from one thread to the other. Seconds for 1,000 lines in two threads, with Python's usual 5 ms /
# with 0.1 ms: trained tiny model, 8 bits, greedily 0.81/0.78, with 5 beams 2.67/2.31; random tiny
# model greedily, 8 bits 0.66/0.62, 32 bits 0.67/0.67.
SWITCH_SECONDS = 0.0001


class NativeEngine(Engine):
    """Our own search over our own model, which is put into evaluation mode meanwhile."""

    name = "native"

    def __init__(self, model: Transformer):
        self.model = model

    @property
    def positions(self) -> int:
        """The most pieces it can read or write."""
        return int(self.model.config.max_position_embeddings)

    @property
    def vocab_size(self) -> int:
        """Pieces that it knows."""
        return int(self.model.config.vocab_size)

    def _batches(self, lengths: Sequence[int], rows: int, most: int) -> list[list[int]]:
        """As much for each thread as for the others, and what has the most outputs first."""
        total = sum(lengths)
        workers = max(1, min(self._threads, total // THREAD_TOKENS))
        if workers == 1:
            return super()._batches(lengths, rows, most)
        each = 2 if total >= 2 * workers * LARGE_BATCH else 1
        return even_batches(lengths, most, workers=workers, each=each)[::-1]

    def _in_turn(
        self, search: Callable[[Sequence[int]], list[list[Hypothesis]]], batches: list[list[int]]
    ) -> Iterator[list[list[Hypothesis]]]:
        """One batch in each thread at once; few batches are given several threads each."""
        threads, at_once = self._threads, min(self._threads, len(batches))
        if at_once <= 1:
            yield from map(search, batches)
            return
        own = (threads // at_once,)
        with without_dropout(self.model), quick_switches(SWITCH_SECONDS):
            try:
                with ThreadPoolExecutor(at_once, "decode", torch.set_num_threads, own) as pool:
                    yield from pool.map(search, batches)
            finally:  # some libraries know but one number for all threads
                torch.set_num_threads(threads)

    @property
    def _threads(self) -> int:
        """Threads that may compute at once; a GPU gets its work from one."""
        on_cpu = next(self.model.parameters()).device.type == "cpu"
        return torch.get_num_threads() if on_cpu else 1

    def _search(self, sources: Sequence[Ids], options: DecodeOptions) -> list[list[Hypothesis]]:
        find = search_beams if options.sampling is None else sample
        with evaluating(self.model):
            return find(self.model, sources, options)

    def _search_with_prefixes(
        self, sources: Sequence[Ids], options: DecodeOptions, prefixes: Sequence[Ids]
    ) -> list[list[Hypothesis]]:
        if options.sampling is not None:
            raise ModelError(
                "native engine: outputs behind a context of their own are searched for, not drawn; "
                "leave sampling out"
            )
        with evaluating(self.model):
            return search_beams(self.model, sources, options, prefixes)

    def _score_batch(
        self, sources: Sequence[Ids], targets: Sequence[Ids], first_id: int | None
    ) -> list[ForcedScore]:
        with evaluating(self.model):
            return force(self.model, sources, targets, first_id)


class EightBitEngine(NativeEngine):
    """The same with matrices of 8 bits; what they change is measured on the first job, and said.

    Args:
        model: In 32 bits, on the CPU.
        say: Told what 8 bits change.

    Raises:
        DeviceError: The processor has no instructions for it.
    """

    def __init__(self, model: Transformer, *, say: Callable[[str], object]):
        super().__init__(in_eight_bits(model))
        self._exact: Engine | None = NativeEngine(model)
        self._say = say

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
        exact = self._exact
        if exact is not None and sources:
            self._exact = None
            self._say(compare_eight_bits(exact, self, distinct(sources, SAMPLE), options).to_text())
        return super().search(
            sources, options, prefixes=prefixes, batch_tokens=batch_tokens, progress=progress
        )
