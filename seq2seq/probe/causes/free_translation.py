"""What a model writes by itself: does its own translation show the right noun?

A model can prefer the good one of two given sentences and still write neither. So it translates
freely, always taking the likeliest piece, and the gender that it writes is read. A knock-out in the
encoder can be kept up meanwhile: the source is encoded once with it, and written from that.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from transformers.modeling_outputs import BaseModelOutput

from seq2seq.probe.causes.knock_outs import KnockOut, intervention_of
from seq2seq.probe.items.placement import PlacedCase, batches_with_inputs
from seq2seq.probe.model.interventions import Intervention
from seq2seq.probe.model.reading import Inputs
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.statistics.bootstrap import SEED, Estimate, mean_of
from seq2seq.pronouns.gender import GenderScore, gender_shown, grouped, score_gender
from seq2seq.pronouns.items import Item

UNTOUCHED = "untouched"
LONGEST = 3  # pieces written for each piece read, and a few more


@dataclass(frozen=True)
class Written:
    """Free translations of some cases.

    Attributes:
        texts: one for each case.
        unfinished: numbers of those that did not end by themselves.
    """

    texts: tuple[str, ...]
    unfinished: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Generated:
    """What free translations show of the noun that was meant.

    Attributes:
        name: "untouched", or what was knocked out in the encoder meanwhile.
        accuracy: share of items whose translation shows the gender of the right noun.
        pair: share of pairs with both items right.
        quad: share of quads with all four right.
        score: the same without intervals, with coverage and the recall of each gender.
        unfinished: translations that did not end by themselves.
    """

    name: str
    accuracy: Estimate
    pair: Estimate
    quad: Estimate
    score: GenderScore
    unfinished: int


@dataclass(frozen=True)
class FreeTranslations:
    """Free translations of the items of the built-in corpus among some cases.

    Attributes:
        generated: figures, first untouched, then with each knock-out.
        written: translations by what was knocked out, then by case.
        shown: in the same way, 1 where the right gender is shown.
        left_out: cases that could not be judged.
    """

    generated: tuple[Generated, ...]
    written: Mapping[str, Mapping[str, str]]
    shown: Mapping[str, Mapping[str, float]]
    left_out: int


def translate_items(
    model: StockModel,
    placed: Sequence[PlacedCase],
    items: Mapping[str, Item],
    knock_outs: Sequence[KnockOut] = (),
    *,
    seed: int = SEED,
) -> FreeTranslations | None:
    """Let a model translate freely, untouched and with knock-outs of the encoder, and judge it.

    ``items`` are those of the built-in corpus, by id; None where no case can be judged.
    """
    numbers = judgeable(placed, items)
    if not numbers:
        return None
    chosen = [placed[number] for number in numbers]
    ours = [items[one.case.id] for one in chosen]
    found, written, shown = [], {}, {}
    for knock_out in (None, *knock_outs):
        name = UNTOUCHED if knock_out is None else knock_out.name
        texts = write_freely(model, chosen, knock_out)
        generated, right = score_written(name, texts, ours, seed=seed)
        found.append(generated)
        written[name] = {one.id: text for one, text in zip(ours, texts.texts, strict=True)}
        shown[name] = {one.id: float(value) for one, value in zip(ours, right, strict=True)}
    return FreeTranslations(tuple(found), written, shown, len(placed) - len(chosen))


def write_freely(
    model: StockModel, placed: Sequence[PlacedCase], knock_out: KnockOut | None = None
) -> Written:
    """Translate cases, always taking the likeliest piece, with something knocked out meanwhile."""
    texts, unfinished = [""] * len(placed), set()
    for numbers, batch, inputs in batches_with_inputs(model, placed):
        done: list[Intervention] = []
        if knock_out is not None:
            done.append(intervention_of(knock_out, batch, inputs))
        ids = _write(model, inputs, done)
        found = model.tokenizer.batch_decode(ids, skip_special_tokens=True)
        for number, line, text in zip(numbers, ids, found, strict=True):
            texts[number] = text.strip()
            if not line or line[-1] not in model.ends:
                unfinished.add(number)
    return Written(tuple(texts), frozenset(unfinished))


def judgeable(placed: Sequence[PlacedCase], items: Mapping[str, Item]) -> list[int]:
    """Numbers of the cases whose translation can be judged: items of the corpus in whole quads."""
    known = [n for n, one in enumerate(placed) if one.case.id in items]
    telling = [n for n in known if items[placed[n].case.id].contrastive]
    quads = Counter(items[placed[n].case.id].quad for n in telling)
    return [n for n in telling if quads[items[placed[n].case.id].quad] == 4]


def score_written(
    name: str, written: Written, items: Sequence[Item], *, seed: int = SEED
) -> tuple[Generated, Float[np.ndarray, " items"]]:
    """Count which translations of items in whole quads show the right gender, and list them."""
    right = [
        gender_shown(one, text) == "good" for one, text in zip(items, written.texts, strict=True)
    ]
    pairs = grouped(items, right, lambda one: one.pair)
    quads = grouped(items, right, lambda one: one.quad)
    block = {one.pair: one.block for one in items} | {one.quad: one.block for one in items}
    whole_pairs, whole_quads = (
        np.array([all(group) for group in groups.values()], dtype=float)
        for groups in (pairs, quads)
    )
    shown = np.array(right, dtype=float)
    generated = Generated(
        name,
        mean_of(shown, [one.block for one in items], share=True, seed=seed),
        mean_of(whole_pairs, [block[n] for n in pairs], share=True, seed=seed),
        mean_of(whole_quads, [block[n] for n in quads], share=True, seed=seed),
        score_gender(items, written.texts),
        len(written.unfinished),
    )
    return generated, shown


def _write(model: StockModel, inputs: Inputs, done: Sequence[Intervention]) -> list[list[int]]:
    """Pieces after the start piece, up to and with the end piece."""
    encoded = model.encode(inputs, interventions=done)
    longest = LONGEST * inputs.source_ids.shape[1] + 10
    with torch.no_grad():
        found = model.model.generate(
            encoder_outputs=BaseModelOutput(last_hidden_state=encoded),
            attention_mask=inputs.source_mask.long().to(model.model.device),
            do_sample=False,
            num_beams=1,
            no_repeat_ngram_size=0,
            max_new_tokens=longest,
            max_length=None,
            use_cache=model.caches,
        )
    return [model.up_to_end(line[1:]) for line in found.tolist()]
