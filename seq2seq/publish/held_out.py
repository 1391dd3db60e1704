"""Held-out pairs to compare an export with its model on."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from seq2seq.data.columns import Pair, kind_of, read_columns
from seq2seq.data.corpus import iterate_pairs, read_corpus
from seq2seq.errors import DataError, PublishError
from seq2seq.run import Run, data_of, recorded_hashes
from seq2seq.tokenizer_like import TokenizerLike

# Fewer than enough can let a rare difference pass, which is said; fewer than the fewest prove
# nothing; more than the most would make an export a matter of minutes.
FEWEST, ENOUGH, MOST = 20, 100, 200


@dataclass(frozen=True)
class HeldOut:
    """Text that was not trained on, in pieces.

    Attributes:
        name: Where it is from.
        sources: Text of the sources.
        references: Text of the targets.
        source_ids: Their pieces.
        target_ids: Those of the targets.
        left_out: Pairs that came before the last one used but are empty or too long for the model.
    """

    name: str
    sources: list[str]
    references: list[str]
    source_ids: list[list[int]]
    target_ids: list[list[int]]
    left_out: int

    def __len__(self) -> int:
        return len(self.sources)

    def to_text(self) -> str:
        """How much there is, and what that cannot show."""
        said = f"{len(self)} pairs of {self.name}"
        if len(self) < ENOUGH:
            said += (
                f"; so few that a difference in fewer than one of {len(self)} may not show, give "
                f"{ENOUGH} or more with --pairs FILE"
            )
        return said


def run_pairs(run: Run) -> tuple[str, Iterable[Pair]]:
    """The dev set of a run, as its recipe names it.

    Args:
        run: A finished run.

    Returns:
        Its name and its pairs.

    Raises:
        PublishError: It cannot be read, or is not the text that the run was validated on.
    """
    data = data_of(run)
    try:
        dataset = read_corpus(
            data.dev, folder=Path(data.folder), held_out=True, context=data.context
        )
    except DataError as error:
        raise PublishError(
            f"{error}; it is the dev set of {run.folder}: stand where that was trained, or give "
            "held-out text with --pairs FILE"
        ) from None
    recorded = recorded_hashes(run).get("dev") if run.environment.is_file() else None
    if recorded is not None and recorded != dataset.fingerprint:
        raise PublishError(
            f"{data.dev.name}: not the dev set of {run.folder} any more, needed text that "
            "was not trained on; restore it, or give some with --pairs"
        )
    return data.dev.name, iterate_pairs(dataset)


def file_pairs(path: Path, languages: tuple[str | None, str | None]) -> tuple[str, Iterable[Pair]]:
    """The pairs of a file: by place in TSV and CSV, by language in TMX and XLIFF, else by name.

    Args:
        path: A file of any kind that a corpus may be; by name they are ``source`` and ``target``.
        languages: Codes of the model's source and target, where they are known.

    Returns:
        Its name and its pairs.

    Raises:
        PublishError: The file holds many languages, and nobody knows those of the model.
    """
    match kind_of(path):
        case ".tsv" | ".csv":
            fields = ("1", "2")
        case ".tmx" | ".xlf" | ".xliff":
            source, target = languages
            if source is None or target is None:
                raise PublishError(
                    f"{path}: holds texts by language, and the model's folder does not name its "
                    "source and target; give --pairs a .tsv file"
                )
            fields = (source, target)
        case _:
            fields = ("source", "target")
    return path.name, ((source, target) for source, target in read_columns(path, *fields))


def choose_pairs(
    name: str,
    pairs: Iterable[Pair],
    tokenizer: TokenizerLike,
    *,
    positions: int,
    longest_source: int,
) -> HeldOut:
    """Take the first pairs that the model can read and write whole.

    Args:
        name: What to call them.
        pairs: Sources and targets.
        tokenizer: The model's.
        positions: The most pieces that the model has places for.
        longest_source: The most pieces that it was trained to read.

    Returns:
        Up to 200 pairs.

    Raises:
        PublishError: There are fewer than 20.
    """
    chosen: list[tuple[Pair, list[int], list[int]]] = []
    left_out = 0
    for pair in pairs:
        (source,), (target,) = tokenizer.encode(pair[:1]), tokenizer.encode_target(pair[1:])
        if 1 < len(source) <= longest_source and 1 < len(target) <= positions:
            chosen.append((pair, source, target))
            if len(chosen) == MOST:
                break
        else:
            left_out += 1
    if len(chosen) < FEWEST:
        raise PublishError(
            f"{name}: {len(chosen)} pairs can be compared ({left_out} are empty or too long), "
            f"needed at least {FEWEST}; give more with --pairs FILE"
        )
    return HeldOut(
        name,
        [source for (source, _), _, _ in chosen],
        [target for (_, target), _, _ in chosen],
        [ids for _, ids, _ in chosen],
        [ids for _, _, ids in chosen],
        left_out,
    )
