"""Try many spoiled inputs: ``python -m tests.fuzz --count 2000`` (see ``--help``)."""

import argparse
import os
import sys
from collections import Counter

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

from tests.fuzz.inputs import KINDS
from tests.fuzz.runs import SECONDS, Outcome, clear_leftovers, load, run


def main() -> int:
    """Run them, print what is wrong by cause, and say how many there were of each kind."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200, help="of all kinds together")
    parser.add_argument("--kind", choices=sorted(KINDS), action="append")
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        help="how long one may take: more on a busy machine",
    )
    parser.add_argument("--only", type=int, help="run this number alone and print what it says")
    options = parser.parse_args()
    load()
    kinds = options.kind or sorted(KINDS)
    if options.only is not None:
        outcome = run(kinds[0], options.seed, options.only, seconds=options.seconds)
        print(outcome.arguments, outcome.code, outcome.problems, outcome.stderr, sep="\n")
        return bool(outcome.problems)
    failed: list[Outcome] = []
    codes: Counter[tuple[str, int]] = Counter()
    try:
        for number in range(options.first, options.first + options.count):
            kind = kinds[number % len(kinds)]
            outcome = run(kind, options.seed, number, seconds=options.seconds)
            codes[kind, outcome.code] += 1
            failed += [outcome] if outcome.problems else []
            if sys.stderr.isatty():
                done = number + 1 - options.first
                sys.stderr.write(f"\r{done:,} of {options.count:,}, {len(failed):,} wrong ")
    except KeyboardInterrupt:
        print("stopped before the end")
    clear_leftovers()
    return report(failed, codes, options.seed)


def report(failed: list[Outcome], codes: Counter[tuple[str, int]], seed: int) -> int:
    """Print the counts and every cause with one number that shows it."""
    causes: dict[tuple[str, str], list[Outcome]] = {}
    for one in failed:
        causes.setdefault((one.kind, one.cause()), []).append(one)
    for (kind, cause), same in sorted(causes.items(), key=lambda item: -len(item[1])):
        print(
            f"{len(same):4} {kind} {cause}  (--seed {seed} --kind {kind} --only {same[0].number})"
        )
    for (kind, code), count in sorted(codes.items()):
        print(f"{kind}: {count:,} ended with {code}")
    print(f"{sum(codes.values()):,} inputs, {len(failed):,} with something wrong")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
