"""Validation as a user would do it: beam search, scored against the raw dev reference."""

import time
from collections.abc import Sequence
from contextlib import suppress

from accelerate import Accelerator
from accelerate.utils import gather_object

from seq2seq.decode.options import DecodeOptions, Hypothesis
from seq2seq.decode.search import decode
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import Recipe
from seq2seq.score.from_recipe import selection_metric, validation_options
from seq2seq.score.measure import measure
from seq2seq.tokenizer_like import TokenizerLike
from seq2seq.train.log import Value
from seq2seq.train.loop import Validation
from seq2seq.train.ranks import agree
from seq2seq.train.setup import Say
from seq2seq.train.stop import Stop, Stopped
from seq2seq.train.trainee import Trainee


class Validator:
    """Translates the dev set and scores it; ranks share the work and agree on the result."""

    def __init__(
        self,
        accelerator: Accelerator,
        tokenizer: TokenizerLike,
        recipe: Recipe,
        sources: Sequence[str],
        references: Sequence[str],
        stop: Stop,
        say: Say,
    ):
        self._accelerator = accelerator
        self._tokenizer = tokenizer
        self._recipe = recipe
        self._stop = stop
        self._references = list(references)
        limit = min(recipe.data.cleaning.max_source_pieces, recipe.model.max_positions)
        self._sources, long = cut_sources(tokenizer.encode(sources), limit, tokenizer.eos_id)
        if long:
            say(f"dev: {long:,} of {len(references):,} sources are over {limit} pieces and are cut")
        self._options = decode_options(
            recipe, beams=recipe.train.validation_beams, first_id=tokenizer.first_id
        )

    def __call__(self, trainee: Trainee) -> Validation:
        """Score the weights as they stand."""
        return self.score(trainee.model)

    def score(self, model: Transformer) -> Validation:
        """Score a model.

        Returns:
            The score that selects checkpoints, and all scores for the log; the same on all ranks.

        Raises:
            Stopped: On all ranks, where one of them was asked to stop before all was translated.
        """
        start = time.perf_counter()
        rank, ranks = self._accelerator.process_index, self._accelerator.num_processes
        mine = list(range(rank, len(self._sources), ranks))
        found = self._translate(model, [self._sources[place] for place in mine])
        texts = self._tokenizer.decode([best[0].ids for best in found])
        pairs = list(zip(mine, texts, strict=True))
        everything = gather_object(pairs) if ranks > 1 else pairs
        hypotheses = [text for _, text in sorted(everything)]
        values = self._measure(hypotheses) if self._accelerator.is_main_process else {}
        values = agree(values, ranks)
        score = values[selection_metric(self._recipe)]
        return Validation(score, {**values, "validation_seconds": time.perf_counter() - start})

    def _translate(self, model: Transformer, sources: list[list[int]]) -> list[list[Hypothesis]]:
        found: list[list[Hypothesis]] = []
        with suppress(Stopped):  # other ranks, not asked, wait below to hear of it
            found = decode(model, sources, self._options, progress=self._stop.check)
        if self._stop.on_any_rank():
            raise Stopped
        return found

    def _measure(self, hypotheses: list[str]) -> dict[str, Value]:
        options = validation_options(self._recipe)
        return {
            name: score.value
            for metric in options.metrics
            for name, score in measure(metric, hypotheses, [self._references], options).items()
        }


def decode_options(recipe: Recipe, *, beams: int, first_id: int | None) -> DecodeOptions:
    """The recipe's search, with a number of beams and the piece that every output begins with."""
    spec = recipe.decode
    return DecodeOptions(
        beams=beams,
        length_penalty=spec.length_penalty,
        max_length_factor=spec.max_length_factor,
        max_length_offset=spec.max_length_extra,
        no_repeat_ngram=spec.no_repeat_ngram,
        first_id=first_id,
    )


def cut_sources(
    sources: Sequence[list[int]], limit: int, eos_id: int
) -> tuple[list[list[int]], int]:
    """Cut over-long dev sources, for every checkpoint alike; a finished model splits them instead.

    Args:
        sources: Pieces of each source, the end-of-sentence piece last.
        limit: Most pieces of a source.
        eos_id: The end-of-sentence piece, which a cut source keeps.

    Returns:
        The sources, and how many were cut.
    """
    cut = [ids if len(ids) <= limit else [*ids[: limit - 1], eos_id] for ids in sources]
    return cut, sum(len(ids) > limit for ids in sources)
