"""The stock classes of transformers as an engine: what everybody else will run.

Any encoder-decoder class of the Hub's serves: T5, BART, mBART, Pegasus, LED and their like.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from math import inf, nan
from pathlib import Path
from typing import Any, Self

import torch
from transformers import LogitsProcessor

from seq2seq.decode.batches import evaluating, padded
from seq2seq.decode.forced import scores_of
from seq2seq.decode.lengths import Ids
from seq2seq.decode.options import DecodeOptions, ForcedScore, Hypothesis
from seq2seq.decode.sampling import Draws
from seq2seq.engines.one_limit import OneLimitEngine
from seq2seq.engines.stock_inputs import encoder_inputs
from seq2seq.engines.stock_loading import load_encoder_decoder
from seq2seq.errors import ModelError
from seq2seq.libraries import running
from seq2seq.model.stock_shape import source_positions, target_positions


class StockEngine(OneLimitEngine):
    """``generate`` of a stock class."""

    name = "transformers"

    def __init__(self, model: Any):
        self.model = model.eval()
        self.config = model.config
        self._settings = deepcopy(model.generation_config)

    @classmethod
    def load(cls, folder: Path, *, device: torch.device | None = None) -> Self:
        """Load a stock model folder; never the network.

        Args:
            folder: The folder.
            device: Where it computes; the CPU if None.

        Returns:
            The engine.

        Raises:
            ModelError: If transformers cannot load it, or weights are missing.
        """
        return cls(load_encoder_decoder(folder).to(device or torch.device("cpu")))

    @property
    def class_name(self) -> str:
        """The stock class that runs it."""
        return type(self.model).__name__

    @property
    def positions(self) -> int:
        """The most pieces it can read."""
        return source_positions(self.config)

    @property
    def target_positions(self) -> int:
        """The most pieces it can write."""
        return target_positions(self.config)

    @property
    def vocab_size(self) -> int:
        """Pieces that it knows."""
        return int(self.model.get_output_embeddings().weight.shape[0])

    @property
    def first_id(self) -> int | None:
        """The piece that the model's own settings let every output begin with, if any."""
        forced = self._settings.forced_bos_token_id
        return None if forced is None else int(forced)

    def _search_with_limit(
        self, sources: Sequence[Ids], limit: int, options: DecodeOptions
    ) -> list[list[Hypothesis]]:
        drawing = []
        if options.sampling is not None:
            draws = Draws(options.sampling, sources, options.rows, self.model.device)
            drawing = [_Drawing(draws)]
            sources = [ids for ids in sources for _ in range(options.rows)]
        settings = self._generation_settings(options, limit)
        with (
            evaluating(self.model),
            self._asking(settings),
            running("transformers engine"),
        ):
            found = self.model.generate(
                **self._inputs(sources),
                **self._beginning(options, len(sources)),
                logits_processor=drawing,
                return_dict_in_generate=True,
                output_scores=options.beams > 1,
            )
        rows = [self._until_end(row) for row in found.sequences[:, 1:].tolist()]
        if options.beams > 1:
            scores = found.sequences_scores.tolist()
            worths = [
                score * max(1, len(ids) - options.uncounted) ** options.length_penalty
                for (ids, _), score in zip(rows, scores, strict=True)
            ]
        elif options.needs_scores:  # greedy search tells no probabilities under the model itself
            forced = self._score_batch(sources, [ids for ids, _ in rows], options.first_id)
            given = len(options.given)
            worths = [sum(one.token_log_probabilities[given:]) for one in forced]
        else:
            worths = [nan] * len(rows)
        made = [
            Hypothesis(ids, options.score(worth, len(ids)), worth, ended)
            for (ids, ended), worth in zip(rows, worths, strict=True)
        ]
        each = options.rows
        groups = (made[start : start + each] for start in range(0, len(made), each))
        return [sorted(group, key=lambda one: -one.score) for group in groups]

    def _beginning(self, options: DecodeOptions, rows: int) -> dict[str, torch.Tensor]:
        """What the decoder is given, where that is more than a start and a first piece."""
        if not options.prefix:
            return {}
        given = [self._settings.decoder_start_token_id, *options.given]
        return {"decoder_input_ids": torch.tensor([given] * rows, device=self.model.device)}

    @contextmanager
    def _asking(self, settings: Any) -> Iterator[None]:
        """Let settings stand in for the model's own, which may be the caller's, and put them back.

        As a whole, because ``generate`` fills whatever a caller leaves at its default from those.
        """
        own = self.model.generation_config
        self.model.generation_config = settings
        try:
            yield
        finally:
            self.model.generation_config = own

    def _generation_settings(self, options: DecodeOptions, limit: int) -> Any:
        """The folder's special ids, our search."""
        settings = deepcopy(self._settings)
        settings.update(
            num_beams=options.beams,
            num_return_sequences=options.beams,
            early_stopping=options.early_stopping if options.beams > 1 else False,
            length_penalty=options.length_penalty,
            no_repeat_ngram_size=options.no_repeat_ngram,
            bad_words_ids=self._forbidden(options) or None,
            renormalize_logits=options.renormalize,
            min_length=0,
            min_new_tokens=max(0, options.min_length - options.uncounted) or None,
            max_length=None,
            max_new_tokens=limit - options.uncounted,
            forced_bos_token_id=None if options.prefix else options.first_id,
            forced_eos_token_id=None,
            do_sample=False,
        )
        return settings

    def _forbidden(self, options: DecodeOptions) -> list[list[int]]:
        """What the folder forbids stays so: our own search never writes padding either."""
        wanted = [*(self._settings.bad_words_ids or []), *map(list, options.forbidden)]
        return [row for place, row in enumerate(wanted) if row not in wanted[:place]]

    def _inputs(self, sources: Sequence[Ids]) -> dict[str, torch.Tensor]:
        pad_id = self._settings.pad_token_id
        ids = padded(sources, pad_id=pad_id, device=self.model.device)
        lengths = torch.tensor([len(one) for one in sources], device=ids.device)
        places = torch.arange(ids.shape[1], device=ids.device)
        return encoder_inputs(self.config, ids, places < lengths[:, None])

    @property
    def _start_id(self) -> int:
        """The piece that decoding starts with, as ``generate`` finds it."""
        for name in ("decoder_start_token_id", "bos_token_id"):
            found = getattr(self._settings, name)
            if isinstance(found, int):
                return found
        raise ModelError(
            "transformers engine: no decoder_start_token_id in generation_config.json or "
            "config.json, needed the id of the piece that outputs start with"
        )

    def _until_end(self, row: list[int]) -> tuple[tuple[int, ...], bool]:
        ends = self._settings.eos_token_id
        stops = set(ends) if isinstance(ends, list) else {ends}
        for place, piece in enumerate(row):
            if piece in stops:
                return tuple(row[: place + 1]), True
        pad_id = self._settings.pad_token_id
        return tuple(piece for piece in row if piece != pad_id), False

    def _score_batch(
        self, sources: Sequence[Ids], targets: Sequence[Ids], first_id: int | None
    ) -> list[ForcedScore]:
        wanted = padded(targets, pad_id=self._settings.pad_token_id, device=self.model.device)
        start = torch.full_like(wanted[:, :1], self._start_id)
        inputs = torch.cat([start, wanted[:, :-1]], dim=1)
        with evaluating(self.model):  # training asks between two updates
            logits = self.model(**self._inputs(sources), decoder_input_ids=inputs).logits
        return scores_of(logits, wanted, targets, first_id)


class _Drawing(LogitsProcessor):  # type: ignore[misc] # the library is not typed
    """Leaves of each row the one piece that was drawn, so that greedy search takes it."""

    def __init__(self, draws: Draws):
        self._draws = draws

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        chosen = self._draws.pick(scores.float())
        return torch.full_like(scores, -inf).scatter_(1, chosen[:, None], 0.0)
