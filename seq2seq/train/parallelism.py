"""How many processes with how many threads a run takes: tried at its start, kept to its end.

What an update learns from must not depend on the machine. So where the recipe leaves the number to
us, processes share out the pairs of each micro-batch: all of them together compute the very loss
that one would, which divides it as it does for several micro-batches, and a process that gets none
of a few long pairs takes part with a loss that counts nothing. Nothing but a try tells which number
is the fastest. Two processes of one thread each gain nothing where a core's memory is the limit, a
third where two threads share a core, and nearly everything where each has a core of its own; two
threads of one process lose where products are short; and small shares make products shorter still.
So the processes that there may be at most are started, make the same updates in every way that is
left, and those that the fastest way does not need end. They start while the first reads the text,
and what they need of it is on the disk then: a try costs a few updates.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from seq2seq.errors import CheckpointError
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.train.checkpoint import Progress, checkpoint_path, read_progress, steps_saved
from seq2seq.train.precision import LEAST_GAIN

# Each holds a model and a library of its own, half a gigabyte at least.
MOST_PROCESSES = 8
# Products of larger models are long enough for threads, and their copies would fill the memory.
MOST_WEIGHTS = 50_000_000
# A shorter run would spend more on trying than it gains.
FEWEST_STEPS = 300
LEAST_TURNS, MOST_TURNS, TRIAL_SECONDS = 3, 5, 20.0


@dataclass(frozen=True)
class Parallelism:
    """How the work of an update is shared out."""

    processes: int
    threads: int
    """Of each process."""

    def to_text(self) -> str:
        """For people."""
        processes = "1 process" if self.processes == 1 else f"{self.processes} processes"
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{processes} of {threads}"


@dataclass(frozen=True)
class ParallelismTrial:
    """What measuring several ways of sharing the work found."""

    chosen: Parallelism
    seconds: dict[Parallelism, float]
    """Medians of an update's forward and backward passes and its exchange of gradients."""
    turns: int
    gain: float
    """Share of the time of the first way that the choice saves, the median over the turns."""

    def to_text(self) -> str:
        """The choice with the times it rests on."""
        times = ", ".join(f"{way.to_text()} {1000 * s:.0f} ms" for way, s in self.seconds.items())
        first = next(iter(self.seconds)).to_text()
        saved = f"{self.gain:.0%} less than {first} in the same turn; " if self.gain else ""
        return (
            f"{self.chosen.to_text()} ({times} an update, medians of {self.turns} turns; {saved}"
            f"more are taken where they save {LEAST_GAIN:.0%})"
        )


def ways_to_share(threads: int, *, processes: int) -> list[Parallelism]:
    """The ways that are tried, those that take least of the machine first.

    Args:
        threads: That all processes have together.
        processes: At most.

    Returns:
        For 1, 2, 4 … processes one thread each, and an equal share of all threads.
    """
    counts = [2**n for n in range(processes.bit_length()) if 2**n <= processes]
    return [
        Parallelism(count, each) for count in counts for each in sorted({1, threads // count} - {0})
    ]


def try_ways(
    work: Callable[[Parallelism], None],
    ways: Sequence[Parallelism],
    *,
    agreed: Callable[[object], object],
    clock: Callable[[], float],
) -> ParallelismTrial:
    """Time the same update in several ways, and take more of the machine where it clearly helps.

    All are timed in each turn, in changing order, and compared within it, so that a busy moment
    decides nothing.

    Args:
        work: Makes one update in a way; every process calls it at the same point.
        ways: Those that take least first.
        agreed: Gives every process what the first one says, whose clock decides.
        clock: Seconds since any moment.

    Returns:
        The choice, on all processes that of the first.
    """
    times: dict[Parallelism, list[float]] = {way: [] for way in ways}
    begin = clock()
    for turn in range(MOST_TURNS + 1):  # the first turn warms up
        if agreed(turn > LEAST_TURNS and clock() - begin > TRIAL_SECONDS):
            break
        for way in ways if turn % 2 else reversed(ways):
            start = clock()
            work(way)
            if turn:
                times[way].append(clock() - start)
    chosen = ways[0]
    for way in ways[1:]:
        if _saved(times[way], times[chosen]) >= LEAST_GAIN:
            chosen = way
    medians = {way: statistics.median(found) for way, found in times.items()}
    gain = _saved(times[chosen], times[ways[0]])
    trial = agreed(ParallelismTrial(chosen, medians, len(times[chosen]), gain))
    assert isinstance(trial, ParallelismTrial)
    return trial


def _saved(more: Sequence[float], fewer: Sequence[float]) -> float:
    """Share of the time that taking more of the machine saves, the median over the turns."""
    return 1 - statistics.median(one / other for one, other in zip(more, fewer, strict=True))


def processes_to_start(recipe: Recipe, run: Run, *, on_gpus: bool) -> int:
    """How many processes a run begins with: what the recipe or its past says, or may be tried.

    Args:
        recipe: Of the run.
        run: The run, which may have saved something.
        on_gpus: Whether each process takes a GPU. A trial there was never run, so one is taken.

    Returns:
        Processes, this one among them.
    """
    if recipe.train.processes != "auto":
        return recipe.train.processes
    if begun := last_progress(run):
        return begun.world_size
    if on_gpus or not worth_trying(recipe):
        return 1
    threads = torch.get_num_threads()
    ways = ways_to_share(threads, processes=min(threads, MOST_PROCESSES))
    return max(way.processes for way in ways)


def worth_trying(recipe: Recipe) -> bool:
    """Whether a run on CPUs is one whose processes and threads are tried.

    A run of few updates is over sooner, and a model to train further is too large for it.
    """
    spec = recipe.train
    short = spec.steps < FEWEST_STEPS and recipe.preset == "none"
    return not (short or spec.fsdp or recipe.init is not None)


def last_progress(run: Run) -> Progress | None:
    """Where the newest readable checkpoint of a run stands, its hashes unchecked; None without."""
    for step in reversed(steps_saved(run.checkpoints)):
        try:
            return read_progress(checkpoint_path(run.checkpoints, step))
        except CheckpointError:  # said where the run is resumed
            continue
    return None
