"""A model at work: what it writes, and what it reads while it does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

Stack = Literal["cross", "encoder", "decoder"]
Axis = Literal["text", "output"]

STARTS = "▁Ġ"  # what vocabularies open a word with
MOST_PIECES = 512  # of a text, where the model itself names no limit or a larger one
# What the rows of a map are, and what its columns are.
AXES: Mapping[Stack, tuple[Axis, Axis]] = {
    "cross": ("output", "text"),
    "encoder": ("text", "text"),
    "decoder": ("output", "output"),
}


@dataclass(frozen=True)
class Written:
    """What a model made of a text.

    Attributes:
        source: pieces that it read.
        output: pieces that it wrote, the start that it was given first.
        text: the output as text.
        notes: what a reader should know about it.
    """

    source: tuple[int, ...]
    output: tuple[int, ...]
    text: str
    notes: tuple[str, ...] = ()


class Writer:
    """An encoder-decoder model with its tokenizer.

    Attributes:
        shape: layers and heads of each kind of attention.
        most: pieces that it can read.
    """

    def __init__(self, model: Any, tokenizer: Any):
        # Only the written-out way of computing attention gives the weights away.
        model.set_attn_implementation("eager")
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model = model.float().eval().to(device)
        self.tokenizer = tokenizer
        self.most = _most_pieces(model, tokenizer)
        end = (tokenizer.eos_token_id,)
        maps = self._attention(Written(end, (*end, *end), ""))
        self.shape = {stack: (len(found), found[0].shape[1]) for stack, found in maps.items()}

    @classmethod
    def load(cls, where: str) -> Self:
        """Load a stock model folder, or a model of the Hub."""
        return cls(
            AutoModelForSeq2SeqLM.from_pretrained(where), AutoTokenizer.from_pretrained(where)
        )

    @torch.inference_mode()
    def write(self, text: str) -> Written | None:
        """Translate or summarize a text, with the search that is stored beside the model.

        Args:
            text: One segment; what the model cannot read is cut off, and a note says so.

        Returns:
            The output; None for a text of nothing but blanks.
        """
        if not text.strip():
            return None
        notes = []
        source = list(self.tokenizer(text, verbose=False)["input_ids"])
        cut = len(source) - self.most
        if cut > 0:
            source = [*source[: self.most - 1], source[-1]]
            notes.append(
                f"The text has {cut} pieces more than the model can read, and they were cut off at "
                "its end: give long text part by part."
            )
        unknown = source.count(self.tokenizer.unk_token_id)
        if unknown:
            notes.append(f"{unknown} of {len(source)} pieces are unknown to the model.")
        output = self.model.generate(**self._inputs(source))[0].tolist()
        if output[-1] not in self._ends():
            notes.append(
                f"The output was stopped after {len(output) - 1} pieces, before it came to an end."
            )
        written = self.tokenizer.decode(output, skip_special_tokens=True).strip()
        return Written(tuple(source), tuple(output), written, tuple(notes))

    def read(self, written: Written, stack: Stack, layer: int) -> torch.Tensor:
        """What every head of a layer read.

        Args:
            written: What the model wrote.
            stack: The kind of attention.
            layer: From 0.

        Returns:
            Weights by head, row and column; each row adds up to 1. Rows and columns are those
            of ``labels``.
        """
        return self._attention(written)[stack][layer][0].cpu()

    def labels(self, written: Written, stack: Stack) -> tuple[list[str], list[str]]:
        """Names of the rows and of the columns of a kind of attention."""
        row, column = AXES[stack]
        rows = written.output[1:] if row == "output" else written.source
        columns = written.output[:-1] if column == "output" else written.source
        return [self._label(one) for one in rows], [self._label(one) for one in columns]

    @torch.inference_mode()
    def _attention(self, written: Written) -> dict[Stack, tuple[torch.Tensor, ...]]:
        """All weights: for each layer a tensor of one text by heads, rows and columns."""
        given = torch.tensor([written.output[:-1]], device=self.model.device)
        answer = self.model(
            **self._inputs(written.source),
            decoder_input_ids=given,
            output_attentions=True,
            use_cache=False,
        )
        return {
            "cross": answer.cross_attentions,
            "encoder": answer.encoder_attentions,
            "decoder": answer.decoder_attentions,
        }

    def _inputs(self, source: Sequence[int]) -> dict[str, torch.Tensor]:
        ids = torch.tensor([list(source)], device=self.model.device)
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}

    def _ends(self) -> set[int]:
        ends = self.model.generation_config.eos_token_id
        return set(ends) if isinstance(ends, list) else {ends}

    def _label(self, piece: int) -> str:
        """A piece as people read it; vocabularies of bytes spell it in letters of their own."""
        token = str(self.tokenizer.convert_ids_to_tokens(piece))
        if piece in self.tokenizer.all_special_ids:
            return token
        text = self.tokenizer.decode([piece]).strip()
        if token in STARTS:
            return "␣"
        if not text or "\ufffd" in text:
            return token
        return text if token[0] in STARTS else f"·{text}"


def _most_pieces(model: Any, tokenizer: Any) -> int:
    named = [getattr(model.config, key, None) for key in ("max_position_embeddings", "n_positions")]
    return min([MOST_PIECES, int(tokenizer.model_max_length), *(int(one) for one in named if one)])
