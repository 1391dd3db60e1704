"""One way into the attention of any stock model: maps out, interventions in.

A model of the transformers library keeps its attention to itself: by default it computes it in a
fused kernel that never writes the weights down, answers a request for them with an empty tuple, and
ignores masks of heads. `StockModel` makes it attend in the library's written-out way (so that its
outputs stay what they were), takes down what every head does, and lets the probe interfere.

Self-attention maps of an encoder are the stack ``encoder``, those of a decoder ``decoder``; what a
decoder sees of the source is ``cross``. Models with one stack read their text as the source.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from jaxtyping import Bool, Float, Int
from torch import Tensor

from seq2seq.probe.intervention import Intervention, Stack

Kind = Literal["encoder", "decoder", "encoder-decoder"]


@dataclass(frozen=True)
class Inputs:
    """A batch as the model reads it, padded on the right.

    Attributes:
        source_ids: What an encoder reads; for a decoder-only model the only text there is.
        source_mask: True where a piece is real, False where it is padding.
        target_ids: What the decoder of an encoder-decoder model reads, beginning with its start
            piece: row t predicts piece t + 1. None for models of one stack.
        target_mask: True where a piece of the target is real.
    """

    source_ids: Int[Tensor, "batch source"]
    source_mask: Bool[Tensor, "batch source"]
    target_ids: Int[Tensor, "batch target"] | None = None
    target_mask: Bool[Tensor, "batch target"] | None = None


@dataclass(frozen=True)
class Reading:
    """What a model did with a batch. Rows of padding hold numbers that mean nothing.

    Attributes:
        logits: For every row the scores of the next piece; None for encoders.
        maps: What each head saw: rows sum to one, interventions are in it.
        values: On request, the norm of what each column offers a head: its value after the head's
            slice of the output projection. ``maps * values[..., None, :]`` are the value-weighted
            norms of Kobayashi et al. 2020.
        outputs: On request, what each head said in each row, before the output projection; the
            material of means and patches.
        gradients: On request, the gradient of an objective with respect to each map.
    """

    logits: Float[Tensor, "batch target vocabulary"] | None
    maps: Mapping[Stack, Float[Tensor, "layers batch heads query key"]]
    values: Mapping[Stack, Float[Tensor, "layers batch heads key"]] = field(default_factory=dict)
    outputs: Mapping[Stack, Float[Tensor, "layers batch heads query dim"]] = field(
        default_factory=dict
    )
    gradients: Mapping[Stack, Float[Tensor, "layers batch heads query key"]] = field(
        default_factory=dict
    )


class StockModel:
    """A model of the transformers library, opened for the probe.

    Attributes:
        name: Where it came from, for messages and reports.
        model: The model, in 32 bits and without dropout.
        tokenizer: Its tokenizer; None for a model of images.
        kind: Which stacks it has.
        depth: Layers of each stack that it has.
        heads: Heads of a layer of each stack.
        start_id: What decoder inputs begin with; None where the model names none.
        pad_id: What fills up short lines; masked everywhere.
    """

    name: str
    model: Any
    tokenizer: Any
    kind: Kind
    depth: Mapping[Stack, int]
    heads: Mapping[Stack, int]
    start_id: int | None
    pad_id: int

    def __init__(self, model: Any, tokenizer: Any, *, name: str):
        raise NotImplementedError

    @classmethod
    def load(cls, where: str | Path, *, device: str = "cpu") -> Self:
        """Open a run folder, a stock model folder, or a model of the Hub.

        Args:
            where: Folder, or name on the Hub; the Hub is asked only if there is no such folder.
            device: Where the model computes.

        Returns:
            The model.

        Raises:
            ModelError: There is no such model, it is of a kind without maps to read, or some of
                its weights are missing.
        """
        raise NotImplementedError

    def inputs(
        self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]] | None = None
    ) -> Inputs:
        """Pad lines of pieces to a batch.

        Args:
            sources: Pieces of each source, special pieces included.
            targets: Decoder inputs of each, beginning with the start piece.

        Returns:
            The batch.
        """
        raise NotImplementedError

    def read(
        self,
        inputs: Inputs,
        *,
        stacks: Sequence[Stack] | None = None,
        interventions: Sequence[Intervention] = (),
        values: bool = False,
        outputs: bool = False,
    ) -> Reading:
        """Let the model read a batch, and take down what its heads do.

        Args:
            inputs: The batch.
            stacks: Whose maps to keep; None for all there are, empty if only logits matter.
            interventions: What to do to heads meanwhile.
            values: Whether to keep the norms of projected values, too.
            outputs: Whether to keep what each head said, too.

        Returns:
            Logits and maps.

        Raises:
            ModelError: Maps are missing, an intervention does not fit, or inputs do not suit.
        """
        raise NotImplementedError

    def read_with_gradient(
        self,
        inputs: Inputs,
        objective: Callable[[Float[Tensor, "batch target vocabulary"]], Float[Tensor, ""]],
        *,
        stacks: Sequence[Stack] | None = None,
        interventions: Sequence[Intervention] = (),
    ) -> Reading:
        """Read, and say how an objective would change with each weight of each map.

        Args:
            inputs: The batch.
            objective: From logits to one number; a sum over items keeps their gradients apart.
            stacks: Whose maps and gradients to keep; None for all there are.
            interventions: What to do to heads meanwhile.

        Returns:
            Logits, maps and gradients.

        Raises:
            ModelError: As for `read`, or the model has no logits.
        """
        raise NotImplementedError

    def read_image(
        self, pixels: Float[Tensor, "batch channels height width"], *, values: bool = False
    ) -> Reading:
        """Let a model of images read some, already scaled and normalised as it wants them.

        Args:
            pixels: The images.
            values: Whether to keep the norms of projected values, too.

        Returns:
            Maps over the class piece (if it has one) and the patches, row by row.

        Raises:
            ModelError: It is not a model of images.
        """
        raise NotImplementedError

    def random_twin(self, seed: int) -> "StockModel":
        """Make a model of the same shape whose weights are freshly drawn.

        Args:
            seed: Different seeds give different twins; the caller's random state is left alone.

        Returns:
            A model that has learnt nothing.
        """
        raise NotImplementedError
