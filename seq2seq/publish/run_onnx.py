"""Greedy search and forced scores with the three ONNX graphs, as anybody would run them.

There is no beam search here: the graphs hold the model, and who runs them brings a search.
"""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.special import log_softmax

from seq2seq.decode.lengths import Ids
from seq2seq.decode.options import DecodeOptions, ForcedScore, Hypothesis
from seq2seq.engines.one_limit import OneLimitEngine
from seq2seq.errors import ModelError
from seq2seq.model.config import ModelConfig
from seq2seq.publish.to_onnx import ENCODER, FIRST, NEXT, import_onnxruntime

Scores: TypeAlias = Float[np.ndarray, "rows vocab"]
Pieces: TypeAlias = Int[np.ndarray, " rows"]


class OnnxEngine(OneLimitEngine):
    """The graphs in onnxruntime, behind the same calls as every engine."""

    name = "onnx"

    def __init__(self, folder: Path, config: ModelConfig):
        runtime = import_onnxruntime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self.config = config
        self._encoder, self._first, self._next = (
            runtime.InferenceSession(
                str(folder / name), options, providers=["CPUExecutionProvider"]
            )
            for name in (ENCODER, FIRST, NEXT)
        )

    @property
    def positions(self) -> int:
        """The most pieces it can read or write."""
        return int(self.config.max_position_embeddings)

    @property
    def vocab_size(self) -> int:
        """Pieces that it knows."""
        return int(self.config.vocab_size)

    def check_options(self, options: DecodeOptions) -> None:
        """Refuse anything but plain greedy search.

        Raises:
            ModelError: It is asked for.
        """
        if options.beams > 1 or options.min_length:
            raise ModelError("onnx engine: only greedy search is known here; ask for 1 beam")
        if options.no_repeat_ngram or options.given or options.forbidden or options.sampling:
            raise ModelError(
                "onnx engine: it knows neither no_repeat_ngram, nor given or forbidden pieces, nor "
                "sampling"
            )

    def _search_with_limit(
        self, sources: Sequence[Ids], limit: int, options: DecodeOptions
    ) -> list[list[Hypothesis]]:
        eos = self.config.eos_token_id
        return [
            [
                Hypothesis(
                    tuple(ids),
                    log_probability / len(ids) ** options.length_penalty,
                    log_probability,
                    ids[-1] == eos,
                )
            ]
            for ids, log_probability in self._greedy(sources, limit)
        ]

    def _greedy(self, sources: Sequence[Ids], limit: int) -> list[tuple[list[int], float]]:
        eos, pad = self.config.eos_token_id, self.config.pad_token_id
        found: list[list[int]] = [[] for _ in sources]
        sums = [0.0] * len(sources)
        open_rows = set(range(len(sources)))
        steps = self._steps(sources)
        scores = next(steps)
        while True:
            allowed = scores.copy()
            allowed[:, pad] = -np.inf
            chosen = allowed.argmax(1)
            for row in list(open_rows):
                found[row].append(int(chosen[row]))
                sums[row] += float(scores[row, chosen[row]])
                if chosen[row] == eos or len(found[row]) == limit:
                    open_rows.remove(row)
            if not open_rows:
                return list(zip(found, sums, strict=True))
            scores = steps.send(chosen)

    def _score_batch(
        self, sources: Sequence[Ids], targets: Sequence[Ids], first_id: int | None
    ) -> list[ForcedScore]:
        """Piece by piece, with the past handed on."""
        longest = max(map(len, targets))
        pad = self.config.pad_token_id
        wanted = np.array([[*ids, *[pad] * (longest - len(ids))] for ids in targets])
        steps = self._steps(sources)
        scores, columns = next(steps), []
        for place in range(longest):
            columns.append(scores[np.arange(len(targets)), wanted[:, place]])
            if place + 1 < longest:
                scores = steps.send(wanted[:, place])
        scored = np.stack(columns, axis=1)
        if first_id is not None:  # it is given, not chosen
            scored[wanted[:, 0] == first_id, 0] = 0.0
        rows = scored.tolist()
        return [ForcedScore(tuple(row[: len(ids)])) for row, ids in zip(rows, targets, strict=True)]

    def _steps(self, sources: Sequence[Ids]) -> Generator[Scores, Pieces, None]:
        """Yield log-probabilities of the next piece, and be sent the piece that was taken."""
        longest = max(map(len, sources))
        pad, start = self.config.pad_token_id, self.config.decoder_start_token_id
        ids = np.array([[*one, *[pad] * (longest - len(one))] for one in sources])
        lengths = np.array([len(one) for one in sources])
        mask = (np.arange(longest) < lengths[:, None]).astype(np.int64)
        memory = self._encoder.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        found = self._first.run(
            None,
            {
                "encoder_attention_mask": mask,
                "input_ids": np.full((len(sources), 1), start),
                "encoder_hidden_states": memory,
            },
        )
        given = [one.name for one in self._next.get_inputs() if "past" in one.name]
        taken = [one.name.replace("present", "past_key_values") for one in self._next.get_outputs()]
        past = dict(zip(given, found[1:], strict=True))
        while True:
            pieces = yield log_softmax(found[0][:, -1], axis=1)
            newest = {"encoder_attention_mask": mask, "input_ids": pieces[:, None]}
            found = self._next.run(None, newest | past)
            past |= dict(zip(taken[1:], found[1:], strict=True))
