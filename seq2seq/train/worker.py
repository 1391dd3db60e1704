"""A worker of a run: the command line in a process that ends with the one that started it.

    python -m seq2seq.train.worker train recipe.toml …

The first process holds the other end of standard input for as long as it lives. It is watched from
the first moment, long before torch is loaded, so that nothing is left behind by a first process
that was ended while this one was still on its way.
"""

import os
import runpy
import threading


def exit_with_first_process() -> None:
    """Wait for the end of the first process, and end this one at once."""
    os.read(0, 1)  # comes back when the other end of the pipe is gone
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=exit_with_first_process, daemon=True).start()
    runpy.run_module("seq2seq", run_name="__main__", alter_sys=True)
