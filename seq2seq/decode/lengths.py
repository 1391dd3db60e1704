"""Which sources a model has positions for, and which of them share a batch; needs no torch."""

from collections.abc import Iterator, Sequence

from seq2seq.errors import ModelError

Ids = Sequence[int]

# Padded source pieces times beams: about 80 sentences of a caption's length with 5 beams. Larger
# batches were not faster on a CPU; a GPU takes several times as much.
DEFAULT_BATCH_TOKENS = 8192


def check_lengths(side: str, sequences: Sequence[Ids], limit: int) -> None:
    """Refuse what a model has no positions for, and what is empty.

    Args:
        side: What the sequences are called in the message.
        sequences: Piece ids.
        limit: How many positions there are.

    Raises:
        ModelError: Naming the first three, counted from 1.
    """
    wrong = [
        (place, len(ids)) for place, ids in enumerate(sequences, 1) if not 0 < len(ids) <= limit
    ]
    if wrong:
        named = ", ".join(f"{side} {place} has '{length}' pieces" for place, length in wrong[:3])
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ModelError(f"decode: {named}{more}, needed 1 to {limit}; split or shorten the text")


def length_batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Group sequences of like length, the longest first, within a budget of padded pieces.

    Args:
        lengths: Pieces of each sequence.
        batch_tokens: The budget; a sequence longer than it goes alone.

    Yields:
        Places of the sequences of one batch.
    """
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def even_batches(
    lengths: Sequence[int], most: int, *, workers: int, each: int = 1
) -> list[list[int]]:
    """Group sequences of like length so that several workers end at about the same time.

    Batches are as many for each worker, and about as large as each other, padding included.

    Args:
        lengths: Pieces of each sequence.
        most: About how many padded pieces a batch may have.
        workers: How many batches are worked on at once.
        each: The fewest batches of a worker. With several, one that takes unexpectedly long holds
            up less.

    Returns:
        Places of the sequences of each batch, the longest first.
    """
    batches = list(length_batches(lengths, most))
    wanted = max(each, -(-len(batches) // workers)) * workers
    too_little, enough = 0, min(most, max(lengths, default=0) * len(lengths))
    while enough - too_little > 1 + enough // 100:
        budget = (too_little + enough) // 2
        if len(smaller := list(length_batches(lengths, budget))) <= wanted:
            batches, enough = smaller, budget
        else:
            too_little = budget
    return batches
