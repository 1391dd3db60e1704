"""How much of a plan of batches is padding."""

from seq2seq.data.batches import Indices, Lengths


def padding_share(plan: list[Indices], source_lengths: Lengths, target_lengths: Lengths) -> float:
    """Share of the plan's tokens, both sides together, that are padding."""
    real = int(source_lengths.sum() + target_lengths.sum())
    area = sum(
        len(batch) * int(source_lengths[batch].max() + target_lengths[batch].max())
        for batch in plan
    )
    return 1 - real / area
