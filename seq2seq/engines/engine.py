"""What every program that runs a model can do: search for targets, and score given ones.

Ids are those of the model's tokenizer everywhere, and `DecodeOptions` mean the same everywhere; an
engine refuses the options that it cannot honour. So whatever reads text and counts what is not
plain stands above this and is written once.
"""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, runtime_checkable

from seq2seq.decode.batches import DEFAULT_BATCH_TOKENS, Ids
from seq2seq.decode.forced import force
from seq2seq.decode.options import DecodeOptions, ForcedScore, Hypothesis
from seq2seq.decode.search import decode
from seq2seq.model.transformer import Transformer

EngineName = Literal["auto", "native", "transformers", "ctranslate2"]

Progress = Callable[[int], None]


@runtime_checkable
class Engine(Protocol):
    """A program with a model in it."""

    @property
    def positions(self) -> int:
        """The most pieces it can read or write."""
        ...

    @property
    def vocab_size(self) -> int:
        """Pieces that it knows."""
        ...

    def search(
        self,
        sources: Sequence[Ids],
        options: DecodeOptions,
        *,
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
        progress: Progress | None = None,
    ) -> list[list[Hypothesis]]:
        """Find the best targets for each source, as `seq2seq.decode.search.decode` does.

        Args:
            sources: Piece ids, end-of-sequence included.
            options: What to search for.
            batch_tokens: Padded source pieces times beams in one batch.
            progress: Told after every batch how many sources are done.

        Returns:
            For each source its hypotheses, best first.

        Raises:
            ModelError: If an option cannot be honoured, or a source is empty or too long.
        """
        ...

    def score(
        self,
        sources: Sequence[Ids],
        targets: Sequence[Ids],
        *,
        first_id: int | None = None,
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
    ) -> list[ForcedScore]:
        """Score given targets, as `seq2seq.decode.forced.force` does.

        Args:
            sources: Piece ids, end-of-sequence included.
            targets: One for each source.
            first_id: As in `DecodeOptions`.
            batch_tokens: Padded pieces of the longer side in one batch.

        Returns:
            One score for each pair.

        Raises:
            ModelError: If a side is empty or too long.
        """
        ...


class NativeEngine:
    """Our own search over our own model."""

    def __init__(self, model: Transformer):
        self.model = model

    @property
    def positions(self) -> int:
        """The most pieces it can read or write."""
        return int(self.model.config.max_position_embeddings)

    @property
    def vocab_size(self) -> int:
        """Pieces that it knows."""
        return int(self.model.config.vocab_size)

    def search(
        self,
        sources: Sequence[Ids],
        options: DecodeOptions,
        *,
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
        progress: Progress | None = None,
    ) -> list[list[Hypothesis]]:
        """Find the best targets for each source; see `Engine.search`."""
        return decode(self.model, sources, options, batch_tokens=batch_tokens, progress=progress)

    def score(
        self,
        sources: Sequence[Ids],
        targets: Sequence[Ids],
        *,
        first_id: int | None = None,
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
    ) -> list[ForcedScore]:
        """Score given targets; see `Engine.score`."""
        return force(self.model, sources, targets, first_id=first_id, batch_tokens=batch_tokens)
