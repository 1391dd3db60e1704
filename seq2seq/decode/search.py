"""The entrance to decoding: any number of sources, best targets back in the same order."""

from collections.abc import Callable, Sequence

from seq2seq.decode.batches import (
    DEFAULT_BATCH_TOKENS,
    Ids,
    check_lengths,
    evaluating,
    length_batches,
)
from seq2seq.decode.beam import search_beams
from seq2seq.decode.options import DecodeOptions, Hypothesis
from seq2seq.decode.sampling import sample
from seq2seq.model.transformer import Transformer


def decode(
    model: Transformer,
    sources: Sequence[Ids],
    options: DecodeOptions,
    *,
    batch_tokens: int = DEFAULT_BATCH_TOKENS,
    progress: Callable[[int], None] | None = None,
) -> list[list[Hypothesis]]:
    """Find the best targets for each source.

    Sources of like length share a batch, the longest first, so that a batch too large for the
    machine shows at once.

    Args:
        model: Put into evaluation mode meanwhile, and back afterwards.
        sources: Piece ids as the tokenizer gives them, end-of-sequence included.
        options: What to search for.
        batch_tokens: Padded source pieces times beams in one batch; a longer source goes alone.
        progress: Told after every batch how many sources are done.

    Returns:
        For each source, in the order given, its hypotheses, best first: at least one, at most
        `n_best`.

    Raises:
        ModelError: If a source is empty or longer than the model has positions.
    """
    check_lengths("source", sources, model)
    results: dict[int, list[Hypothesis]] = {}
    lengths = [len(ids) * options.rows for ids in sources]
    find = search_beams if options.sampling is None else sample
    with evaluating(model):
        for batch in length_batches(lengths, batch_tokens):
            found = find(model, [sources[place] for place in batch], options)
            results.update(zip(batch, found, strict=True))
            if progress is not None:
                progress(len(results))
    return [results[place] for place in range(len(sources))]
