"""The finished hypotheses of a beam search."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from seq2seq.decode.options import Hypothesis


@dataclass(slots=True)
class Finished:
    """The best finished hypotheses of each sentence, best first; a score of -inf is a free place.

    Tensors and no lists: adding to it costs a few small operations a step, whatever the number of
    sentences.
    """

    ids: Int[Tensor, "sentences places length"]
    score: Float[Tensor, "sentences places"]
    log_probability: Float[Tensor, "sentences places"]
    length: Int[Tensor, "sentences places"]

    @classmethod
    def empty(cls, sentences: int, places: int, *, length: int, device: torch.device) -> Self:
        """Make room for hypotheses that are still to be found.

        Args:
            sentences: Number of sentences.
            places: How many hypotheses of each to keep.
            length: The most pieces a hypothesis may have.
            device: Where the search runs.

        Returns:
            Free places only.
        """
        ids = torch.zeros(sentences, places, length, dtype=torch.long, device=device)
        free = torch.full((sentences, places), -inf, dtype=torch.float32, device=device)
        return cls(ids, free, free.clone(), ids.new_zeros(sentences, places))

    @property
    def full(self) -> Tensor:
        """True at each sentence without a free place."""
        return self.score[:, -1] > -inf

    def add(
        self,
        ids: Int[Tensor, "sentences new now"],
        score: Float[Tensor, "sentences new"],
        log_probability: Float[Tensor, "sentences new"],
    ) -> None:
        """Keep the best of the old and the new.

        Args:
            ids: Candidates, all of the same length.
            score: What counts; -inf where the candidate has not finished.
            log_probability: Of the same candidates.
        """
        now = ids.shape[2]
        places = self.score.shape[1]
        self.score, chosen = torch.cat([self.score, score], dim=1).topk(places, dim=1)
        self.ids[:, :, :now] = pick(torch.cat([self.ids[:, :, :now], ids], dim=1), chosen)
        self.log_probability = torch.cat([self.log_probability, log_probability], 1).gather(
            1, chosen
        )
        length = torch.full_like(chosen[:, :1], now).expand(-1, score.shape[1])
        self.length = torch.cat([self.length, length], dim=1).gather(1, chosen)

    def keep(self, sentences: Int[Tensor, " kept"]) -> None:
        """Drop every sentence that is not named.

        Args:
            sentences: The sentences that stay, in their new order.
        """
        self.ids = self.ids[sentences]
        self.score = self.score[sentences]
        self.log_probability = self.log_probability[sentences]
        self.length = self.length[sentences]

    def fetch(self, n_best: int, *, now: int) -> "Fetched":
        """Bring to the host what is there, in one copy: it has to wait for each.

        Args:
            n_best: How many hypotheses of each, at most.
            now: The most pieces that one of them has.

        Returns:
            The same, on the host.
        """
        columns = [
            self.ids[:, :n_best, :now],
            self.length[:, :n_best, None],
            # Their bits: as whole numbers they fit into one tensor with the others.
            self.score[:, :n_best, None].view(torch.int32),
            self.log_probability[:, :n_best, None].view(torch.int32),
        ]
        together = torch.cat([one.int() for one in columns], dim=2).cpu()
        ids, length, score, log_probability = torch.split(together, [now, 1, 1, 1], 2)
        return Fetched(
            ids,
            score[:, :, 0].view(torch.float32),
            log_probability[:, :, 0].view(torch.float32),
            length[:, :, 0],
        )


@dataclass(frozen=True, slots=True)
class Fetched:
    """Finished hypotheses on the host; see `Finished`."""

    ids: Int[Tensor, "sentences best now"]
    score: Float[Tensor, "sentences best"]
    log_probability: Float[Tensor, "sentences best"]
    length: Int[Tensor, "sentences best"]

    def hypotheses(self, sentences: Sequence[int], *, eos_id: int) -> list[list[Hypothesis]]:
        """Read what was found for some sentences.

        Args:
            sentences: Whose hypotheses.
            eos_id: With it a hypothesis ends, unless it was cut off.

        Returns:
            Hypotheses of each sentence, best first; free places are left out.
        """
        rows = torch.tensor(sentences, dtype=torch.long)
        columns = (
            self.ids[rows].tolist(),
            self.score[rows].tolist(),
            self.log_probability[rows].tolist(),
            self.length[rows].tolist(),
        )
        return [
            [
                Hypothesis(tuple(ids[:length]), score, log_probability, ids[length - 1] == eos_id)
                for ids, score, log_probability, length in zip(*sentence, strict=True)
                if score > -inf
            ]
            for sentence in zip(*columns, strict=True)
        ]


def pick(
    ids: Int[Tensor, "sentences places length"], chosen: Int[Tensor, "sentences chosen"]
) -> Int[Tensor, "sentences chosen length"]:
    """Choose hypotheses of each sentence.

    Args:
        ids: Hypotheses.
        chosen: Their places; a place may be named more than once.

    Returns:
        The chosen ones.
    """
    return ids.gather(1, chosen[:, :, None].expand(-1, -1, ids.shape[2]))
