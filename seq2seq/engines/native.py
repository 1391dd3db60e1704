"""Our own program: our own search over our own model."""

from collections.abc import Sequence

from seq2seq.decode.batches import evaluating
from seq2seq.decode.beam import search_beams
from seq2seq.decode.forced import force
from seq2seq.decode.lengths import Ids
from seq2seq.decode.options import DecodeOptions, ForcedScore, Hypothesis
from seq2seq.decode.sampling import sample
from seq2seq.engines.engine import Engine
from seq2seq.errors import ModelError
from seq2seq.model.transformer import Transformer


class NativeEngine(Engine):
    """Our own search over our own model, which is put into evaluation mode meanwhile."""

    name = "native"

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

    def _search(self, sources: Sequence[Ids], options: DecodeOptions) -> list[list[Hypothesis]]:
        find = search_beams if options.sampling is None else sample
        with evaluating(self.model):
            return find(self.model, sources, options)

    def _search_behind(
        self, sources: Sequence[Ids], options: DecodeOptions, prefixes: Sequence[Ids]
    ) -> list[list[Hypothesis]]:
        if options.sampling is not None:
            raise ModelError(
                "native engine: outputs behind a context of their own are searched for, not drawn; "
                "leave sampling out"
            )
        with evaluating(self.model):
            return search_beams(self.model, sources, options, prefixes)

    def _force(
        self, sources: Sequence[Ids], targets: Sequence[Ids], first_id: int | None
    ) -> list[ForcedScore]:
        with evaluating(self.model):
            return force(self.model, sources, targets, first_id)
