import os
import time
from pathlib import Path

import torch

from seq2seq.train.hardware import keep_freed_memory, matrix_peak, peak_memory_bytes, try_precisions


def test_the_faster_format_is_chosen_whichever_it_is() -> None:
    for slow, fast in (("fp32", "bf16"), ("bf16", "fp32")):
        trial = try_precisions(lambda name, slow=slow: time.sleep(0.02 if name == slow else 0))
        assert trial.chosen == fast
        assert trial.seconds[slow] > trial.seconds[fast]
        assert trial.to_text().startswith(f"precision {fast} (fp32 ")


def test_one_slow_moment_decides_nothing() -> None:
    turns = iter([0.0, 0.0, 0.2, 0.01, 0.0, 0.01, 0.0, 0.01])  # fp32 is hit once, else faster
    trial = try_precisions(lambda _: time.sleep(next(turns)))
    assert trial.chosen == "fp32"


def test_a_peak_is_a_plausible_number_of_operations() -> None:
    peak = matrix_peak("fp32", torch.device("cpu"), seconds=0.05)
    assert 1e8 < peak < 1e15


def test_the_memory_peak_is_at_least_what_is_in_use_now() -> None:
    keep_freed_memory()
    kept = torch.ones(30_000_000)
    statm = Path("/proc/self/statm")
    in_use = int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0
    # The kernel brings its count of the peak up to date only now and then.
    assert peak_memory_bytes(torch.device("cpu")) >= max(0.8 * in_use, kept.nbytes)
