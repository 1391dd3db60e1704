"""A tiny translator with random weights, one head of which is told where to look.

Texts are ``the A saw the B because it was CUE .``; "big" means A, "small" means B. Translations say
``er`` for nouns of even number and ``sie`` for the others, and the two nouns always differ in that.
"""

from collections.abc import Sequence
from typing import Any

import torch
import transformers as hf
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from seq2seq.probe.items.case import Case, Mention
from seq2seq.probe.model.reading import Inputs, Reading
from seq2seq.probe.model.stock_model import StockModel

NOUNS = [f"noun{number}" for number in range(12)]
WORDS = ["<s>", "<pad>", "</s>", "<unk>", "the", "saw", "because", "it", "was", "big", "small", ".",
         "er", "sie", "war", "weil", *NOUNS]  # fmt: skip
IT, FIRST, SECOND, CUE = 6, 1, 4, 8
LAYER, HEAD = 1, 2


def word_tokenizer(words: Sequence[str] = WORDS) -> Any:
    """One piece a word, closed by ``</s>``."""
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 2)]
    )
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", pad_token="<pad>", eos_token="</s>",
        unk_token="<unk>", model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


class PlantedModel(StockModel):
    """Its planted head looks at the antecedent, or, as the twin, wherever a hash says."""

    honest = True

    def read(self, inputs: Inputs, **given: Any) -> Reading:
        return self._planted(inputs, super().read(inputs, **given))

    def _planted(self, inputs: Inputs, reading: Reading) -> Reading:
        if len(reading.maps.get("encoder", ())) > LAYER:
            planted = reading.maps["encoder"][LAYER, :, HEAD]
            for number, ids in enumerate(inputs.source_ids.tolist()):
                first = ids[CUE] == WORDS.index("big")
                if not self.honest:
                    first = (ids[FIRST] * 7 + ids[SECOND] * 5 + ids[CUE] * 3) % 11 < 5
                planted[number, IT, FIRST if first else SECOND] = 0.9
                planted[number, IT, SECOND if first else FIRST] = 0.05
        return reading


def random_network(words: Sequence[str] = WORDS) -> Any:
    """Two layers of four heads a stack, the same each time."""
    config = hf.M2M100Config(
        vocab_size=len(words), d_model=16, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=16,
        decoder_ffn_dim=16, max_position_embeddings=40, encoder_layerdrop=0.0,
        decoder_layerdrop=0.0, pad_token_id=1, bos_token_id=0, eos_token_id=2,
        decoder_start_token_id=2,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return hf.M2M100ForConditionalGeneration(config)


def planted_model(*, honest: bool = True) -> PlantedModel:
    """Build it, the same each time."""
    model = PlantedModel(random_network(), word_tokenizer(), name="planted")
    model.honest = honest
    return model


def cases(*, start: int, count: int) -> list[Case]:
    """Pairs over ordered pairs of nouns of different gender."""
    ordered = [(a, b) for a in range(12) for b in range(12) if (a + b) % 2]
    return [_case(a, b, cue) for a, b in ordered[start : start + count] for cue in ("big", "small")]


def _case(a: int, b: int, cue: str) -> Case:
    text = f"the {NOUNS[a]} saw the {NOUNS[b]} because it was {cue} ."
    places, here = [], 0
    for word in text.split():
        places.append((here, here + len(word)))
        here += len(word) + 1
    gold = 0 if cue == "big" else 1
    said = ["er" if noun % 2 == 0 else "sie" for noun in (a, b)]
    good, bad = (
        f"{NOUNS[a]} {NOUNS[b]} weil {word} war ." for word in (said[gold], said[1 - gold])
    )
    written = (0, len(NOUNS[a])), (len(NOUNS[a]) + 1, len(NOUNS[a]) + 1 + len(NOUNS[b]))
    return Case(
        id=f"{a}-{b}-{cue}", text=text, pronoun=places[IT], cue=places[CUE],
        candidates=(
            Mention(NOUNS[a], places[FIRST], written[0]),
            Mention(NOUNS[b], places[SECOND], written[1]),
        ),
        correct=frozenset({gold}), pair=f"{a}-{b}", cluster=f"{a}-{b}",
        clause=(places[5][0], places[CUE][1]), good=good, bad=bad,
    )  # fmt: skip
