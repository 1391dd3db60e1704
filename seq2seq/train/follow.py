"""What the other processes of a run start as: the command line, and an end with the first process.

    python -m seq2seq.train.follow train recipe.toml …

The first process holds the other end of standard input for as long as it lives. It is watched from
the first moment, long before torch is loaded, so that nothing is left behind by a first process
that was ended while this one was still on its way.
"""

import os
import runpy
import threading


def end_with_the_first() -> None:
    """Wait for the end of the first process, and end this one at once."""
    os.read(0, 1)  # comes back when the other end of the pipe is gone
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with_the_first, daemon=True).start()
    runpy.run_module("seq2seq", run_name="__main__", alter_sys=True)
