"""Our own program: our own search over our own model.

On a CPU several batches are searched at once, each in a process or thread of its own that computes
alone: the products of a step are too short to be shared out among threads. Processes are faster,
because threads of Python wait for each other between the operations of a step, and they are forked
from the loaded model, whose weights they share. That is done before the first search only: whoever
forks while threads that have multiplied matrices are about to end may find a lock of the library
(MKL) held for ever.
"""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import torch

from seq2seq.decode.batches import evaluating, without_dropout
from seq2seq.decode.beam import search_beams
from seq2seq.decode.forced import force
from seq2seq.decode.lengths import DEFAULT_BATCH_TOKENS, Ids, even_batches
from seq2seq.decode.options import DecodeOptions, ForcedScore, Hypothesis
from seq2seq.decode.sampling import sample
from seq2seq.engines.eight_bits import SAMPLE, compare_eight_bits, distinct
from seq2seq.engines.engine import Engine, Progress, SearchBatch
from seq2seq.errors import ModelError
from seq2seq.model.eight_bits import in_eight_bits
from seq2seq.model.transformer import Transformer
from seq2seq.processes import MOST_PROCESSES, START_METHOD, quick_switches, worker_processes

# Source pieces times beams that are worth a thread: with fewer, its products become too short.
THREAD_TOKENS = 512
# With so many, two batches lose little against one of twice as many: 3 % of the time (tiny model).
LARGE_BATCH = 2048
# Threads wait for each other between the operations of a step, which may be shorter than a change
# from one thread to the other. Seconds for 1,000 lines in two threads, with Python's usual 5 ms /
# with 0.1 ms: trained tiny model, 8 bits, greedily 0.81/0.78, with 5 beams 2.67/2.31; random tiny
# model greedily, 8 bits 0.66/0.62, 32 bits 0.67/0.67.
SWITCH_SECONDS = 0.0001

_threads_have_computed = False  # in this process


class NativeEngine(Engine):
    """Our own search over our own model, which is put into evaluation mode meanwhile."""

    name = "native"

    def __init__(self, model: Transformer):
        self.model = model
        self._search_elsewhere: (
            Callable[[list[SearchBatch]], Iterator[list[list[Hypothesis]]]] | None
        ) = None
        self._processes = ExitStack()
        self._blocks = 0  # of all threads, in which there are processes
        self._entering = threading.Lock()

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

    @contextmanager
    def in_processes(self) -> Iterator[None]:
        """Search in forked processes where there are several batches; see `Engine.in_processes`."""
        with self._entering:
            if not self._blocks:
                self._start_processes()
            self._blocks += 1
        try:
            yield
        finally:
            with self._entering:
                self._blocks -= 1
                if not self._blocks:
                    self._search_elsewhere = None
                    self._processes.__exit__(*sys.exc_info())

    def _start_processes(self) -> None:
        processes = min(self._threads, MOST_PROCESSES)
        if START_METHOD == "fork" and processes > 1 and not _threads_have_computed:
            self._search_elsewhere = self._processes.enter_context(
                worker_processes(self._search_with_one_thread, processes)
            )

    def _search_with_one_thread(self, batch: SearchBatch) -> list[list[Hypothesis]]:
        torch.set_num_threads(1)  # a fork has no others, and OpenMP would wait for them for ever
        return self._search_batch(batch)

    def _search_all(self, batches: list[SearchBatch]) -> Iterator[list[list[Hypothesis]]]:
        """One batch in each process or thread at once; few are given several threads each."""
        if len(batches) <= 1:
            return map(self._search_batch, batches)
        if self._search_elsewhere is not None:
            return self._search_elsewhere(batches)
        return self._search_in_threads(batches)

    def _search_in_threads(self, batches: list[SearchBatch]) -> Iterator[list[list[Hypothesis]]]:
        global _threads_have_computed
        threads, at_once = self._threads, min(self._threads, len(batches))
        if at_once == 1:
            yield from map(self._search_batch, batches)
            return
        _threads_have_computed = True
        own = (threads // at_once,)
        with without_dropout(self.model), quick_switches(SWITCH_SECONDS):
            try:
                with ThreadPoolExecutor(at_once, "decode", torch.set_num_threads, own) as pool:
                    yield from pool.map(self._search_batch, batches)
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
