"""Beam search: follow the few most probable beginnings of each sentence side by side.

In every step each of the ``beams`` open hypotheses of a sentence could be continued with any piece
of the vocabulary. The best ``2 * beams`` of all continuations are looked at: at most ``beams`` of
them can end the sentence, so enough are left to go on with. Those among the first ``beams`` that
end are finished hypotheses; the best that do not end are the open hypotheses of the next step. At a
sentence's length limit everything ends.

Each sentence is searched and stopped by itself, so its neighbours in the batch make no difference.
With ``beams = 1`` this is greedy search, for which the best continuation is enough: if it ends the
sentence, nothing has to go on.

Source: the rules are those of `generate` in transformers 5, so that hypotheses and scores agree.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import inf, nan

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from seq2seq.decode.batches import encode_batch
from seq2seq.decode.beginnings import Beginnings
from seq2seq.decode.choices import best_continuations, forbid
from seq2seq.decode.finished import Finished, pick
from seq2seq.decode.lengths import Ids
from seq2seq.decode.options import DecodeOptions, Hypothesis
from seq2seq.model.transformer import Transformer
from seq2seq.model.upload import upload

# Leading binary digits of the sizes that a batch shrinks to: … 128, 160, 192, 224, 256, 320 …
# oneDNN compiles its products anew for each number of rows, which takes milliseconds and half a
# megabyte, and keeps the last 1,024: few sizes come again. So sentences that are done stay until a
# smaller size holds the others, and those that move are copied less often. 10,000 captions,
# tiny model, greedily, one core of an AMD EPYC (Zen 5): 203 products compiled instead of 884, 10.0
# s instead of 12.2.
SIZE_DIGITS = 3

# Steps from one look at what is finished to the next. The host has to wait for a GPU to look, and
# the GPU then for the host; so sentences that are done are searched a few steps longer instead,
# which changes nothing. On a CPU a look costs nothing.
LOOK_EVERY = 8


def steps_between_looks(device: torch.device) -> int:
    """How often to see which sentences are done, 1 for after every step."""
    return 1 if device.type == "cpu" else LOOK_EVERY


def common_size(sentences: int) -> int:
    """The size of a batch that has room for so many sentences; see `SIZE_DIGITS`."""
    unit = 1 << max(0, sentences.bit_length() - SIZE_DIGITS)
    return -(-sentences // unit) * unit


def search_beams(
    model: Transformer,
    sources: Sequence[Ids],
    options: DecodeOptions,
    prefixes: Sequence[Ids] = (),
) -> list[list[Hypothesis]]:
    """Search one batch.

    Args:
        model: In evaluation mode, without gradients: see `evaluating`.
        sources: Piece ids, end-of-sequence included.
        options: What to search for.
        prefixes: For each source what its targets begin with, behind what `options` gives to all;
            none if empty.

    Returns:
        Up to `n_best` hypotheses for each source, best first.
    """
    search = _Search(model, sources, options, prefixes or [()] * len(sources))
    while search.sentence:
        search.step()
    return search.results


class _Search:
    """The state of one batch; sentences leave it as they finish.

    Attributes:
        sentence: For each sentence still here its place in the batch as it was given.
        given: What its hypotheses begin with.
        limits: The most pieces its hypotheses may have; `limit` is the same on the device.
        open: Whether a sentence is still being searched; the host knows when it looks.
        ids: Open hypotheses, the start piece first.
        log_probability: Theirs. All beams begin alike, so at first only one of them may count.
        finished: The best hypotheses that have ended, or reached their limit.
    """

    def __init__(
        self,
        model: Transformer,
        sources: Sequence[Ids],
        options: DecodeOptions,
        prefixes: Sequence[Ids],
    ):
        batch = encode_batch(model, sources)
        config, beams, device = model.config, options.beams, batch.memory.device
        self.given = Beginnings.of(options, prefixes, device)
        limits = self.given.limits(batch.lengths, prefixes, options, config.max_position_embeddings)
        self.model, self.options = model, options
        self.cache = model.start_cache(
            batch.memory, batch.mask, beams=beams, max_length=max(limits)
        )
        self.results: list[list[Hypothesis]] = [[] for _ in sources]
        self.sentence = list(range(len(sources)))
        self.look_every = steps_between_looks(device)
        self.limits, self.limit = limits, upload(limits, device)
        self.open = torch.ones(len(sources), dtype=torch.bool, device=device)
        self.ids = torch.full(
            (len(sources), beams, 1), config.decoder_start_token_id, device=device
        )
        self.log_probability = torch.zeros(len(sources), beams, device=device)
        self.log_probability[:, 1:] = -inf
        self.finished = Finished.empty(len(sources), beams, length=max(limits), device=device)

    def step(self) -> None:
        """Make every open hypothesis one piece longer."""
        beams = self.options.beams
        log_probability, beam, piece = self._continuations()
        length = self.ids.shape[2]
        ends = (piece == self.model.config.eos_token_id) | (length >= self.limit)[:, None]
        candidates = torch.cat([pick(self.ids, beam), piece[:, :, None]], dim=2)
        self._keep_finished(candidates[:, :beams], log_probability[:, :beams], ends[:, :beams])
        self.log_probability, chosen = log_probability.masked_fill(ends, -inf).topk(beams, dim=1)
        self.ids = pick(candidates, chosen)
        beam = beam.gather(1, chosen)
        if not self.options.needs_scores:  # logits, whose sum would soon hide small differences
            self.log_probability.zero_()
        self._close(length)
        if length % self.look_every == 0 or length >= max(self.limits):
            stay = self._let_leave(length)
            beam = beam if stay is None else beam[stay]
        self._follow(beam)

    def _continuations(
        self,
    ) -> tuple[
        Float[Tensor, "sentences best"],
        Int[Tensor, "sentences best"],
        Int[Tensor, "sentences best"],
    ]:
        """Find the best continuations: log-probability, beam they continue, piece they add."""
        sentences, beams, length = self.ids.shape
        logits = self.model.step(self.ids[:, :, -1].flatten(), self.cache)
        if length <= self.given.shortest:
            chosen = self.given.pieces[:, length - 1, None].expand(-1, beams)
            return self.log_probability, torch.zeros_like(chosen), chosen
        gain = logits.float()
        if self.options.needs_scores:  # the largest logit is as well the most probable piece
            gain = gain.log_softmax(1)
        forbid(gain, self.ids.flatten(0, 1), self.model, self.options)
        if self.options.renormalize:
            gain = gain.log_softmax(1)
        log_probability, beam, piece = best_continuations(
            gain.view(sentences, beams, -1), self.log_probability, 1 if beams == 1 else 2 * beams
        )
        if length <= self.given.longest:
            is_given = self.given.lengths[:, None] >= length
            as_before = F.pad(self.log_probability, (0, piece.shape[1] - beams), value=-inf)
            log_probability = torch.where(is_given, as_before, log_probability)
            beam = beam.masked_fill(is_given, 0)
            piece = torch.where(is_given, self.given.pieces[:, length - 1, None], piece)
        return log_probability, beam, piece

    def _keep_finished(
        self,
        ids: Int[Tensor, "sentences beams length"],
        log_probability: Float[Tensor, "sentences beams"],
        ends: Bool[Tensor, "sentences beams"],
    ) -> None:
        ids = ids[:, :, 1:]
        score = log_probability / self.given.counted(ids.shape[2]) ** self.options.length_penalty
        score = score.masked_fill(~(ends & self.open[:, None]), -inf)
        self.finished.add(ids, score, log_probability)

    def _close(self, length: int) -> None:
        """Stop sentences that are done.

        Args:
            length: Pieces of the hypotheses by now.
        """
        done = self.finished.full
        if self.options.early_stopping is not True and self.options.beams > 1:
            hope = self.log_probability[:, :1] / self._hoped_length(length)
            done = done & (hope[:, 0] <= self.finished.score[:, -1])
        self.open &= ~done & (length < self.limit)

    def _let_leave(self, length: int) -> Int[Tensor, " stay"] | None:
        """Look which sentences are done; once enough are, let them leave with what was found.

        Args:
            length: Pieces of the hypotheses by now.

        Returns:
            The sentences that stay, in their new order, or None if all do.
        """
        searching = self.open.tolist()
        stay = [place for place, is_open in enumerate(searching) if is_open]
        leave = [place for place, is_open in enumerate(searching) if not is_open]
        fillers = common_size(len(stay)) - len(stay)
        if fillers >= len(leave):
            return None
        stay, leave = stay + leave[:fillers], leave[fillers:]
        fetched = self.finished.fetch(self.options.n_best, now=length)
        found = fetched.hypotheses(leave, eos_id=self.model.config.eos_token_id)
        for place, hypotheses in zip(leave, found, strict=True):
            if not self.options.needs_scores:
                hypotheses = [replace(one, score=nan, log_probability=nan) for one in hypotheses]
            self.results[self.sentence[place]] = hypotheses
        stay = _fill_gaps(stay)
        rows = upload(stay, self.open.device)
        self.finished.keep(rows)
        self.cache.keep(stay)
        self.sentence = [self.sentence[place] for place in stay]
        self.limits = [self.limits[place] for place in stay]
        self.open, self.limit = self.open[rows], self.limit[rows]
        self.given = self.given.keep(rows)
        self.ids, self.log_probability = self.ids[rows], self.log_probability[rows]
        return rows

    def _hoped_length(self, length: int) -> float | Float[Tensor, "sentences 1"]:
        """What divides the log-probability of an open hypothesis in the best case looked at."""
        penalty = self.options.length_penalty
        if self.options.early_stopping == "never" and penalty > 0:
            return (self.limit[:, None] - self.given.uncounted) ** penalty
        return self.given.counted(length) ** penalty

    def _follow(self, beam: Int[Tensor, "sentences beams"]) -> None:
        """Let the cache follow the beams that were chosen."""
        sentences, beams = beam.shape
        if beams > 1 and sentences:
            first = torch.arange(sentences, device=beam.device)[:, None] * beams
            self.cache.reorder((first + beam).flatten())


def _fill_gaps(stay: Sequence[int]) -> list[int]:
    """Order those who stay so that few have to move: the last ones take the places set free."""
    settled = {place for place in stay if place < len(stay)}
    moving = iter([place for place in stay if place >= len(stay)])
    return [place if place in settled else next(moving) for place in range(len(stay))]
