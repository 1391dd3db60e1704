"""Validation as a user would do it: beam search, scored against the raw dev reference.

Beside it the loss of the references themselves, which falls while the translations still look
alike, and rises again where a model learns its training pairs by heart.
"""

import math
import re
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from jaxtyping import Int

from seq2seq.context import ContextFormat, format_of
from seq2seq.data.batches import collate
from seq2seq.data.context_pieces import contexts_of
from seq2seq.data.ragged import Ragged
from seq2seq.decode.lengths import length_batches
from seq2seq.decode.options import DecodeOptions
from seq2seq.documents import without_separator
from seq2seq.engines.engine import Engine
from seq2seq.engines.stock import StockEngine
from seq2seq.errors import TrainingError
from seq2seq.model.weights import weights_of
from seq2seq.recipe import Recipe
from seq2seq.score.from_recipe import selection_metric, validation_options
from seq2seq.score.measure import measure_texts
from seq2seq.score.texts import make_comparable
from seq2seq.tokenizer_like import TokenizerLike
from seq2seq.train.criterion.criterion import Criterion, Update
from seq2seq.train.log import Value
from seq2seq.train.ranks import broadcast, sum_over_ranks
from seq2seq.train.selection import LOSS, Validation
from seq2seq.train.setup import Say
from seq2seq.train.sharding import whole_weights
from seq2seq.train.stop import Stop

NOT_FINITE = (
    "the model's numbers have grown beyond what can be computed with; start a new run with a lower "
    "train.peak_lr or a longer train.warmup_steps"
)


class Validator:
    """Translates the dev set and scores it; ranks share the work and agree on the result.

    A model that takes context on the target side is given that of the references here, which costs
    nothing; test sets are translated with its own.

    Attributes:
        metric: The score that selects checkpoints.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        engine: Engine,
        tokenizer: TokenizerLike,
        recipe: Recipe,
        dev: Any,
        stop: Stop,
        say: Say,
    ):
        self._accelerator = accelerator
        self._engine = engine
        self._tokenizer = tokenizer
        self._recipe = recipe
        self.metric = selection_metric(recipe)
        self._stop = stop
        self._say = say
        self._noted: set[str] = set()  # each note is said once, whatever it counts the next time
        references = self._references = list(dev["target"])
        limit = min(recipe.data.cleaning.max_source_pieces, recipe.model.max_positions)
        self._sources, long = cut(tokenizer.encode(list(dev["source"])), limit, tokenizer.eos_id)
        if long:
            say(f"dev: {long:,} of {len(references):,} sources are over {limit} pieces and are cut")
        limit = recipe.model.max_positions
        targets = tokenizer.encode_target(references)
        self._targets, long = cut(targets, limit, tokenizer.eos_id)
        if long:
            say(
                f"dev: {long:,} of {len(references):,} references are over {limit} pieces and are "
                "cut for the dev loss, not for the scores"
            )
        options = decode_options(
            recipe, beams=recipe.train.validation_beams, first_id=first_piece(tokenizer, engine)
        )
        self._options = without_separator(options, tokenizer)
        self._prefixes: list[list[int]] = [[] for _ in references]
        self._given = np.zeros(len(references), dtype=np.int64)
        form = format_of(recipe.data.context, tokenizer)
        if form is not None:
            self._put_before(dev["source_context"], dev["target_context"], form)

    def _put_before(
        self,
        source_contexts: Sequence[Sequence[str]],
        target_contexts: Sequence[Sequence[str]],
        form: ContextFormat,
    ) -> None:
        """Put the sentences before each source and each reference in front of it."""
        tokenizer, positions = self._tokenizer, self._recipe.model.max_positions
        most = min(self._recipe.data.cleaning.max_source_pieces, positions)
        sources = contexts_of(list(source_contexts), tokenizer.encode, form.source)
        targets = contexts_of(list(target_contexts), tokenizer.encode_target, form.target)
        lost = 0
        for place, (source, target) in enumerate(zip(sources, targets, strict=True)):
            read, wanted = self._sources[place], self._targets[place]
            kept = form.source.fitting(source, most - len(read))
            given = form.target.fitting(target, min(positions // 2, positions - len(wanted)))
            lost += len(kept) + len(given) < len(source) + len(target)
            self._sources[place] = form.source.join(kept, read)
            self._targets[place] = form.target.join(given, wanted)
            self._prefixes[place] = given
            self._given[place] = len(given) + form.target.head if given else 0
        if lost:
            self._say(f"dev: {lost:,} contexts do not fit, and their oldest pieces are cut")

    def __call__(self, criterion: Criterion) -> Validation:
        """Score the weights as they stand.

        Args:
            criterion: What is minimised, whose ``nll`` is the dev loss.

        Returns:
            The score that selects checkpoints, and all scores for the log; the same on all ranks.

        Raises:
            Stopped: On all ranks, where one of them was asked to stop before all was translated.
            TrainingError: The model's numbers are not finite, so that it finds no translation.
        """
        start = time.perf_counter()
        places = range(len(self._sources))
        texts = self._stop.divide(places, self._translate)
        missing = texts.count(None)
        if missing:
            raise TrainingError(
                f"dev: no translation was found for {missing:,} of {len(texts):,} sources; "
                f"{NOT_FINITE}"
            )
        values = (
            self._measure([text or "" for text in texts])
            if self._accelerator.is_main_process
            else {}
        )
        values = broadcast(values, self._accelerator.num_processes)
        loss = self._loss(criterion)
        return Validation(
            metric=self.metric,
            score=values[self.metric],
            chrf=values["chrf"],
            loss=loss,
            values=values
            | {
                LOSS: loss,
                "perplexity": perplexity(loss),
                "validation_seconds": time.perf_counter() - start,
            },
        )

    def _translate(self, places: list[int]) -> list[str | None]:
        """Translations of some dev sources; None where the search found nothing."""
        sources = [self._sources[place] for place in places]
        # A GPU validates in the format that it trains in. A CPU searches in 32 bits, as it will for
        # whoever translates with the model.
        on_cpu = self._accelerator.device.type == "cpu"
        with nullcontext() if on_cpu else self._accelerator.autocast():
            found = self._engine.search(
                sources,
                self._options,
                prefixes=[self._prefixes[place] for place in places],
                progress=self._stop.check,
            )
        texts = self._tokenizer.decode([best[0].ids if best else () for best in found])
        return [text if best else None for text, best in zip(texts, found, strict=True)]

    def _loss(self, criterion: Criterion) -> float:
        """Nats for each piece of the dev references, over all ranks."""
        rank, ranks = self._accelerator.process_index, self._accelerator.num_processes
        mine = slice(rank, None, ranks)
        sums = negative_log_likelihood(
            criterion,
            self._sources[mine],
            self._targets[mine],
            pad_id=self._tokenizer.pad_id,
            first_id=self._tokenizer.first_id,
            batch_tokens=self._recipe.train.batch_tokens,
            given=self._given[mine],
        )
        nats, pieces = sum_over_ranks(self._accelerator, *sums)
        loss = nats / max(pieces, 1)
        if not math.isfinite(loss):
            raise TrainingError(f"dev: the loss is {loss}, needed a finite number; {NOT_FINITE}")
        return loss

    def _measure(self, hypotheses: list[str]) -> dict[str, Value]:
        texts = make_comparable(hypotheses, [self._references])
        scores = measure_texts(texts, validation_options(self._recipe))
        notes = [
            *texts.preparation.notes("outputs"),
            *(n for s in scores.values() for n in s.notes),
        ]
        for note in dict.fromkeys(notes):
            if (kind := re.sub(r"\d[\d,]*", "#", note)) not in self._noted:
                self._noted.add(kind)
                self._say(f"dev: {note}")
        return {name: score.value for name, score in scores.items()}


class GatheredValidation:
    """Validates a sharded criterion by a whole copy of it, which leaves the device afterwards.

    Args:
        validate: What is called with the copy.
        copied: The copy; its weights are overwritten each time.
        device: Where it computes.
    """

    def __init__(
        self,
        validate: Callable[[Criterion], Validation],
        copied: Criterion,
        device: torch.device,
    ):
        self._validate = validate
        self._copied = copied
        self._device = device

    def __call__(self, sharded: Criterion) -> Validation:
        """Score the weights as they stand; every process must call it."""
        weights = whole_weights(sharded)
        with torch.no_grad():
            for name, weight in weights_of(self._copied).items():
                weight.copy_(weights.pop(name))
        self._copied.to(self._device).eval()
        try:
            return self._validate(self._copied)
        finally:
            self._copied.to("cpu")


def first_piece(tokenizer: TokenizerLike, engine: Engine) -> int | None:
    """The piece that every output will begin with when the finished model is used, if any.

    A language tag, or what the model's own settings force: BART starts with ``<s>``.
    """
    if tokenizer.first_id is None and isinstance(engine, StockEngine):
        return engine.first_id
    return tokenizer.first_id


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
        scored=False,
    )


def cut(texts: Sequence[list[int]], limit: int, eos_id: int) -> tuple[list[list[int]], int]:
    """Cut over-long dev text, for every checkpoint alike; a finished model splits it instead.

    Args:
        texts: Pieces of each text, the end-of-sentence piece last.
        limit: Most pieces of a text.
        eos_id: The end-of-sentence piece, which a cut text keeps.

    Returns:
        The texts, and how many were cut.
    """
    kept = [ids if len(ids) <= limit else [*ids[: limit - 1], eos_id] for ids in texts]
    return kept, sum(len(ids) > limit for ids in texts)


@torch.inference_mode()
def negative_log_likelihood(
    criterion: Criterion,
    sources: Sequence[list[int]],
    targets: Sequence[list[int]],
    *,
    pad_id: int,
    first_id: int | None,
    batch_tokens: int,
    given: Int[np.ndarray, " pairs"] | None = None,
) -> tuple[float, int]:
    """How surprised a model is by given targets, without dropout or label smoothing.

    Args:
        criterion: What it is trained by.
        sources: Pieces of each source.
        targets: Pieces of each target, the end-of-sentence piece last.
        pad_id: The padding piece.
        first_id: The piece that every target begins with unasked; it is not counted.
        batch_tokens: Padded pieces of the longer side in one batch.
        given: How many pieces at the start of each target are its context, and not counted.

    Returns:
        Nats over all pieces, and their number.
    """
    source, target = Ragged.of(sources), Ragged.of(targets)
    longest = np.maximum(source.lengths, target.lengths)
    device = next(criterion.parameters()).device
    sums, pieces, training = torch.zeros((), device=device), 0, criterion.training
    criterion.eval()
    try:
        for places in map(np.array, length_batches(longest.tolist(), batch_tokens)):
            shown = None if given is None else given[places]
            batch = collate(source.take(places), target.take(places), pad_id, shown)
            batch = batch if first_id is None else batch.without_first(first_id)
            losses = criterion(batch.to(device), Update(0, {}))
            sums, pieces = sums + losses.parts["nll"], pieces + batch.target_tokens
    finally:
        criterion.train(training)
    return float(sums), pieces


def perplexity(loss: float) -> float:
    """The number of equally likely pieces that would surprise as much, e to the nats a piece."""
    return math.exp(min(loss, 700.0))  # beyond that there is no such float
