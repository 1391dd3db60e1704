"""One way into the attention of any stock model: maps out, interventions in.

A model of the transformers library keeps its attention to itself: by default it computes it in a
fused kernel that never writes the weights down, answers a request for them with an empty tuple, and
ignores masks of heads. `StockModel` makes it attend in the library's written-out way (so that its
outputs stay what they were), takes down what every head does, and lets the probe interfere. The
model computes on its device; inputs, interventions and readings are tensors of the CPU.

Self-attention maps of an encoder are the stack ``encoder``, those of a decoder ``decoder``; what a
decoder sees of the source is ``cross``. Models with one stack read their text as the source.
"""

import copy
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutput

from seq2seq.context import ContextFormat
from seq2seq.devices import resolve_device
from seq2seq.errors import ModelError
from seq2seq.model.linear import use_fast_products
from seq2seq.probe.model.anatomy import Kind, anatomy_of
from seq2seq.probe.model.attention_function import (
    AttentionFunction,
    PassEnded,
    attending,
    ending,
    only_rows,
)
from seq2seq.probe.model.contributions import Tracer
from seq2seq.probe.model.interventions import Intervention, Stack, moved, require_fit
from seq2seq.probe.model.loading import context_of, kind_of, open_stock, special_piece
from seq2seq.probe.model.reading import Encoded, Inputs, Reading, pad_lines
from seq2seq.probe.model.recorder import Quantity, Recorder

Objective = Callable[[Float[Tensor, "batch target vocabulary"]], Float[Tensor, ""]]

WITHOUT_POSITIONS = ("t5", "mt5", "umt5", "longt5")
"""Families that count distances between pieces: what their configuration names is no limit."""


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
        context: How it reads the sentences before the one that it translates; None if it does not.
    """

    def __init__(
        self, model: Any, tokenizer: Any, *, name: str, context: ContextFormat | None = None
    ):
        self.name = name
        self.model = model.float().eval()
        use_fast_products(self.model)
        self.tokenizer = tokenizer
        self.context = context
        self.kind: Kind = kind_of(model.config, name=name)
        self._anatomy = anatomy_of(model, self.kind, name=name)
        self.depth: Mapping[Stack, int] = self._anatomy.depth
        self.heads: Mapping[Stack, int] = self._anatomy.heads
        self.sharing: Mapping[Stack, int] = self._anatomy.sharing
        self.start_id: int | None = special_piece(model, "decoder_start_token_id")
        pad_id = special_piece(model, "pad_token_id")
        self.pad_id: int = 0 if pad_id is None else pad_id

    @property
    def caches(self) -> bool:
        """Whether ``generate`` may keep what layers have computed.

        The library makes room for as many layers as T5's encoder has, where a decoder is deeper.
        """
        return self.depth.get("decoder", 0) <= self.depth.get("encoder", sys.maxsize)

    def up_to_end(self, written: Sequence[int]) -> list[int]:
        """What was written up to and with the first piece that ends a text, or all of it."""
        last = next((at for at, piece in enumerate(written) if piece in self.ends), len(written))
        return list(written[: last + 1])

    @property
    def ends(self) -> tuple[int, ...]:
        """The pieces that end what ``generate`` writes."""
        ends = self.model.generation_config.eos_token_id
        return tuple(ends) if isinstance(ends, list) else (ends,)

    @cached_property
    def most_pieces(self) -> int:
        """How many pieces of a text the model has positions for; asked for every case."""
        if self.model.config.model_type in WITHOUT_POSITIONS:
            return sys.maxsize
        most: int = getattr(self.model.config, "max_position_embeddings", None) or sys.maxsize
        tables = [
            table
            for name, table in self.model.named_modules()
            if name.endswith("position_embeddings") and isinstance(table, nn.Embedding)
        ]
        for table in tables:  # RoBERTa's first position comes after that of the filler
            first = 0 if table.padding_idx is None else table.padding_idx + 1
            most = min(most, table.num_embeddings - first)
        return most

    @classmethod
    def load(cls, where: str | Path, *, device: str = "cpu") -> Self:
        """Open a run folder, a stock model folder, or a model of the Hub.

        Args:
            where: As in `seq2seq.model_location`.
            device: Where the model computes, as in `seq2seq.devices`.

        Returns:
            The model.

        Raises:
            ModelError: There is no such model, it is of a kind without maps to read, or some of
                its weights are missing.
            DeviceError: There is no such device.
        """
        place = resolve_device(device)
        model, tokenizer = open_stock(where)
        return cls(model.to(place), tokenizer, name=str(where), context=context_of(where))

    def inputs(
        self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]] | None = None
    ) -> Inputs:
        """Pad lines of pieces to a batch; targets begin with the start piece."""
        source_ids, source_mask = pad_lines(sources, self.pad_id)
        if targets is None:
            return Inputs(source_ids, source_mask)
        return Inputs(source_ids, source_mask, *pad_lines(targets, self.pad_id))

    def read(
        self,
        inputs: Inputs,
        *,
        stacks: Sequence[Stack] | None = None,
        interventions: Sequence[Intervention] = (),
        values: bool = False,
        outputs: bool = False,
        contributions: bool = False,
        encoded: Encoded | None = None,
        layers: int | None = None,
        rows: Sequence[int] | None = None,
        objective: Objective | None = None,
    ) -> Reading:
        """Let the model read a batch, and take down what its heads do.

        Args:
            inputs: The batch.
            stacks: Whose maps to keep; None for all there are, empty if only logits matter.
            interventions: What to do to heads meanwhile.
            values: Whether to keep the norms of projected values, too.
            outputs: Whether to keep what each head said, too.
            contributions: Whether to weigh what each column contributes to each row, too.
            encoded: What `encode` made of these sources; the encoder is not run again.
            layers: How many layers of the first stack to run, the last of them up to its attention;
                what comes after is not run, so that there are no logits. None for all of the model.
            rows: For each item the only row whose logits are wanted: a vocabulary times a row is
                most of the memory. Logits then have one row.
            objective: From those logits to one number, whose gradient with respect to each weight
                of each map is kept, too; a sum over items keeps their gradients apart.

        Returns:
            Logits and maps.

        Raises:
            ModelError: Maps are missing, an intervention does not fit, or inputs do not suit; or
                norms stand where contributions are not defined, or there are no logits to take
                gradients of.
        """
        quantities: list[Quantity] = ["maps"]
        if values:
            quantities.append("values")
        if outputs:
            quantities.append("outputs")
        recorder = self._recorder(stacks, interventions, quantities)
        arguments = self._arguments(inputs)
        if encoded is not None:
            self._require_decoder_only(recorder)
            del arguments["input_ids"]
            arguments["encoder_outputs"] = BaseModelOutput(last_hidden_state=encoded)
        tracer = Tracer(self._anatomy, recorder.attend, layers) if contributions else None
        with torch.set_grad_enabled(objective is not None), only_rows(self.model, rows):
            logits = self._pass(arguments, recorder, tracer, layers=layers)
            gradients = {} if objective is None else self._gradients(objective, logits, recorder)
        return replace(_reading(logits, recorder, tracer), gradients=gradients)

    def encode(self, inputs: Inputs, *, interventions: Sequence[Intervention] = ()) -> Encoded:
        """Run the encoder of an encoder-decoder alone.

        Args:
            inputs: The batch; its targets are not looked at.
            interventions: What to do to heads of the encoder meanwhile.

        Returns:
            What the decoder reads.

        Raises:
            ModelError: The model is of another kind, or an intervention does not fit.
        """
        if self.kind != "encoder-decoder":
            raise ModelError(
                f"{self.name}: a model of kind '{self.kind}' has no encoder before a decoder; "
                "needed an encoder-decoder"
            )
        elsewhere = [one.stack for one in interventions if one.stack != "encoder"]
        if elsewhere:
            raise ModelError(
                f"{self.name}: an intervention in {elsewhere[0]} attention while the encoder runs "
                "alone, needed encoder; hand it to read"
            )
        recorder = self._recorder((), interventions, ["maps"])
        ids, mask = (
            one.to(self.model.device) for one in (inputs.source_ids, inputs.source_mask.long())
        )
        with torch.no_grad(), attending(self.model, recorder.attend):
            answer = self.model.get_encoder()(input_ids=ids, attention_mask=mask)
        recorder.require_all(self.name, stacks=("encoder",))
        states: Encoded = answer.last_hidden_state
        return states

    def read_image(self, pixels: Float[Tensor, "batch channels height width"]) -> Reading:
        """Let a model of images read some, already scaled and normalised as it wants them.

        Maps are over the class piece (if it has one) and the patches, row by row.

        Raises:
            ModelError: It is not a model of images.
        """
        if self.model.main_input_name != "pixel_values":
            raise ModelError(f"{self.name}: reads text, not images; needed a model such as ViT")
        recorder = self._recorder(None, (), ["maps"])
        with torch.no_grad():
            self._pass({"pixel_values": pixels.to(self.model.device)}, recorder)
        return _reading(None, recorder)

    def random_twin(self, seed: int) -> "StockModel":
        """Make a model of the same shape whose weights are freshly drawn.

        The caller's random state is left alone.
        """
        with torch.random.fork_rng(devices=[]):  # weights are drawn on the CPU
            torch.default_generator.manual_seed(seed)  # and GPUs keep their random state
            model = type(self.model)(copy.deepcopy(self.model.config))
        if self.kind != "encoder":
            model.generation_config = copy.deepcopy(self.model.generation_config)
        name = f"{self.name} with random weights {seed}"
        return StockModel(
            model.to(self.model.device), self.tokenizer, name=name, context=self.context
        )

    def _recorder(
        self,
        stacks: Sequence[Stack] | None,
        interventions: Sequence[Intervention],
        quantities: Sequence[Quantity],
    ) -> Recorder:
        wanted = tuple(self.depth) if stacks is None else stacks
        unknown = [stack for stack in wanted if stack not in self.depth]
        if unknown:
            raise ModelError(
                f"{self.name}: no {', '.join(unknown)} attention in it; "
                f"it has {', '.join(self.depth)}"
            )
        require_fit(interventions, depth=self.depth, heads=self.heads)
        here = [moved(one, self.model.device) for one in interventions]
        return Recorder(self._anatomy, stacks=wanted, quantities=quantities, interventions=here)

    def _gradients(
        self, objective: Objective, logits: Tensor | None, recorder: Recorder
    ) -> dict[Stack, Float[Tensor, "layers batch heads query key"]]:
        if logits is None:
            raise ModelError(f"{self.name}: an encoder has no logits to take gradients of")
        leaves = [one for weights in recorder.weights.values() for one in weights]
        found = iter(torch.autograd.grad(objective(logits.cpu()), leaves))
        return {
            stack: torch.stack([next(found) for _ in weights]).cpu()
            for stack, weights in recorder.weights.items()
        }

    def _require_decoder_only(self, recorder: Recorder) -> None:
        stacks = {one.stack for one in recorder.interventions} | set(recorder.weights)
        if self.kind != "encoder-decoder" or "encoder" in stacks:
            raise ModelError(
                f"{self.name}: maps of, or interventions in, an encoder that is not run again; "
                "pass the encoding to read decoder and cross attention only"
            )

    def _arguments(self, inputs: Inputs) -> dict[str, Any]:
        if self.model.main_input_name == "pixel_values":
            raise ModelError(f"{self.name}: reads images, not text; use read_image")
        arguments: dict[str, Any] = {
            "input_ids": inputs.source_ids,
            "attention_mask": inputs.source_mask.long(),
        }
        if (inputs.target_ids is not None) != (self.kind == "encoder-decoder"):
            given = "no target" if inputs.target_ids is None else "a target"
            raise ModelError(
                f"{self.name}: {given} for a model of kind '{self.kind}'; "
                "an encoder-decoder needs a target, others have none"
            )
        if inputs.target_ids is not None and inputs.target_mask is not None:
            arguments["decoder_input_ids"] = inputs.target_ids
            arguments["decoder_attention_mask"] = inputs.target_mask.long()
        arguments = {name: given.to(self.model.device) for name, given in arguments.items()}
        if self.kind != "encoder":
            arguments["use_cache"] = False
        return arguments

    def _pass(
        self,
        arguments: Mapping[str, Any],
        recorder: Recorder,
        tracer: Tracer | None = None,
        *,
        layers: int | None = None,
    ) -> Float[Tensor, "batch target vocabulary"] | None:
        attend: AttentionFunction = recorder.attend if tracer is None else tracer.attend
        if layers is not None and tracer is None:
            attend = ending(attend, after=layers)
        answer = None
        try:
            with attending(self.model, attend), tracer.listening() if tracer else nullcontext():
                answer = self.model(**arguments)
        except PassEnded:
            pass
        except (IndexError, RuntimeError) as error:
            longest = max(each.shape[-1] for each in arguments.values() if torch.is_tensor(each))
            raise ModelError(
                f"{self.name}: cannot read lines of {longest} pieces (too many, or a piece that "
                f"is not in its vocabulary?): {error}"
            ) from error
        if answer is not None:
            given = "encoder_outputs" in arguments
            ran = [one for one in self.depth if not (given and one == "encoder")]
            recorder.require_all(self.name, stacks=ran)
        if tracer is not None:
            tracer.require_norms(self.name)
        return None if answer is None or self.kind == "encoder" else answer.logits


def _reading(logits: Tensor | None, recorder: Recorder, tracer: Tracer | None = None) -> Reading:
    return Reading(
        logits=None if logits is None else logits.detach().cpu(),
        maps=recorder.collected("maps"),
        values=recorder.collected("values"),
        outputs=recorder.collected("outputs"),
        contributions={} if tracer is None else tracer.shares(),
    )
