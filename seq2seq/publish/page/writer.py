"""A model at work: what it writes, and what it reads while it does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from .sentences import sentences_of
from .settings import Settings

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
class Part:
    """What a model read at once, and what it made of it.

    Attributes:
        source: pieces that it read.
        output: pieces that it wrote, the start that it was given first.
    """

    source: tuple[int, ...]
    output: tuple[int, ...]


@dataclass(frozen=True)
class Written:
    """What a model made of a text.

    Attributes:
        parts: the whole text, or its sentences.
        text: the output as text.
        notes: what a reader should know about it.
    """

    parts: tuple[Part, ...]
    text: str
    notes: tuple[str, ...] = ()


class Writer:
    """An encoder-decoder model with its tokenizer.

    Attributes:
        settings: how it reads texts of several sentences.
        shape: layers and heads of each kind of attention.
        most: pieces that it can read.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        settings: Settings | None = None,
    ):
        # Only the written-out way of computing attention gives the weights away.
        model.set_attn_implementation("eager")
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = model.float().eval().to(device)
        # An end that is forced at the length limit would hide that the output was cut off.
        model.generation_config.forced_eos_token_id = None
        self.tokenizer = tokenizer
        self.settings = settings or Settings("", "")
        self.prefix = _prefix(model.config)
        self.most = _most_pieces(model, tokenizer)
        end = (tokenizer.eos_token_id,)
        maps = self._attention(Part(end, (*end, *end)))
        self.shape = {stack: (len(found), found[0].shape[1]) for stack, found in maps.items()}

    @classmethod
    def load(cls, where: str, settings: Settings | None = None) -> Self:
        """Load a stock model folder, or a model of the Hub."""
        return cls(
            AutoModelForSeq2SeqLM.from_pretrained(where, trust_remote_code=False),
            AutoTokenizer.from_pretrained(where, trust_remote_code=False),
            settings,
        )

    @torch.inference_mode()
    def write(self, text: str) -> Written | None:
        """Translate or summarize a text, with the search that is stored beside the model.

        Args:
            text: Any; what the model cannot read is cut off, and a note says so. Where the
                settings say that the model knows single sentences, each is read by itself; also
                where it reads text as a whole first and leaves sentences out.

        Returns:
            The output; None for a text of nothing but blanks.
        """
        if not text.strip():
            return None
        language = self.settings.sentences_in
        apart = _sentences(text, language) if language else [text]
        if not self.settings.whole_first:
            return self._write(apart)
        written = self._write([text])
        sentences = _sentences(written.text, self.settings.target_language)
        return self._write(apart) if len(sentences) < len(apart) > 1 else written

    def _write(self, texts: Sequence[str]) -> Written:
        read = [self.prefix + one for one in texts]
        given = [tuple(self.tokenizer(one, verbose=False)["input_ids"]) for one in read]
        sources = [
            ids if len(ids) <= self.most else (*ids[: self.most - 1], ids[-1]) for ids in given
        ]
        parts = tuple(
            Part(source, tuple(self.model.generate(**self._inputs(source))[0].tolist()))
            for source in sources
        )
        rows = self.tokenizer.batch_decode([p.output for p in parts], skip_special_tokens=True)
        written = self.settings.joint.join(row.strip() for row in rows)
        cut = sum(map(len, given)) - sum(map(len, sources))
        return Written(parts, written, tuple(self._notes(parts, cut)))

    def _notes(self, parts: Sequence[Part], cut: int) -> Iterator[str]:
        if len(parts) > 1:
            yield (
                f"The text has {len(parts)} sentences, and each was read by itself; the picture "
                "shows them one after another."
            )
        if cut:
            yield (
                f"The text has {cut} pieces more than the model can read, and they were cut off: "
                "give long text part by part."
            )
        pieces = [piece for part in parts for piece in part.source]
        if unknown := pieces.count(self.tokenizer.unk_token_id):
            yield f"{unknown} of {len(pieces)} pieces are unknown to the model."
        for number, part in enumerate(parts, start=1):
            if part.output[-1] not in self._ends():
                which = f"output of sentence {number}" if len(parts) > 1 else "output"
                yield (
                    f"The {which} was stopped after {len(part.output) - 1} pieces, before it came "
                    "to an end."
                )

    def read(self, written: Written, stack: Stack, layer: int) -> torch.Tensor:
        """What every head of a layer read.

        Args:
            written: What the model wrote.
            stack: The kind of attention.
            layer: From 0.

        Returns:
            Weights by head, row and column; each row adds up to 1. Rows and columns are those
            of ``labels``; nothing is read from one sentence to another.
        """
        maps = [self._attention(part)[stack][layer][0].cpu() for part in written.parts]
        heads = zip(*maps, strict=True)
        joined = [torch.block_diag(*one) for one in heads]
        return torch.stack(joined)

    def labels(self, written: Written, stack: Stack) -> tuple[list[str], list[str]]:
        """Names of the rows and of the columns of a kind of attention."""
        row, column = AXES[stack]
        rows = [p for o in written.parts for p in (o.output[1:] if row == "output" else o.source)]
        columns = [
            p for o in written.parts for p in (o.output[:-1] if column == "output" else o.source)
        ]
        return [self._label(one) for one in rows], [self._label(one) for one in columns]

    @torch.inference_mode()
    def _attention(self, part: Part) -> dict[Stack, tuple[torch.Tensor, ...]]:
        """All weights: for each layer a tensor of one text by heads, rows and columns."""
        given = torch.tensor([part.output[:-1]], device=self.model.device)
        answer = self.model(
            **self._inputs(part.source),
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


def _sentences(text: str, language: str) -> list[str]:
    """The sentences of a text, by the rules of its language, which may be empty."""
    found = sentences_of(" ".join(text.split()), language=language or None)
    return [stripped for one in found if (stripped := one.strip())]


def _prefix(config: Any) -> str:
    """What every text begins with, where the model was trained for one task and told so."""
    tasks = getattr(config, "task_specific_params", None) or {}
    prefixes = {(said or {}).get("prefix") or "" for said in tasks.values()}
    return str(prefixes.pop()) if len(prefixes) == 1 else ""


def _most_pieces(model: Any, tokenizer: Any) -> int:
    named = [getattr(model.config, key, None) for key in ("max_position_embeddings", "n_positions")]
    return min([MOST_PIECES, int(tokenizer.model_max_length), *(int(one) for one in named if one)])
