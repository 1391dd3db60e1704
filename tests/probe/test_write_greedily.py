"""Greedy writing piece by piece, against the library's own."""

import pytest
import torch
import transformers as hf

from seq2seq.probe.access import StockModel
from seq2seq.probe.intervention import self_only
from seq2seq.probe.spans import pieces_of
from seq2seq.probe.write_greedily import write_greedily
from tests.probe.planted_model import cases, planted_model, word_tokenizer
from tests.probe.stock_models import scatter

TEXTS = [case.text for case in cases(start=0, count=3)]


def translator(**given: object) -> StockModel:
    """A model whose weights are large enough for its translations to differ."""
    model = planted_model().model
    config = hf.M2M100Config.from_dict(model.config.to_dict() | given)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = scatter(hf.M2M100ForConditionalGeneration(config), seed=3)
    model.generation_config.bad_words_ids = [[1]]
    return StockModel(model, word_tokenizer(), name="tiny")


def sources(model: StockModel) -> list[tuple[int, ...]]:
    """Of different lengths, so that some are padded."""
    texts = [TEXTS[0], TEXTS[1].removesuffix(" .") + " big small .", TEXTS[2]]
    return [pieces_of(model.tokenizer, text).ids for text in texts]


@pytest.mark.parametrize("forced", [None, 7])
def test_it_writes_what_generate_writes_with_one_beam(forced: int | None) -> None:
    model = translator()
    model.model.generation_config.forced_bos_token_id = forced
    lines = sources(model)
    inputs = model.inputs(lines)
    found = model.model.generate(
        input_ids=inputs.source_ids, attention_mask=inputs.source_mask.long(), num_beams=1,
        do_sample=False, max_new_tokens=20,
    )  # fmt: skip
    expected = model.tokenizer.batch_decode(found, skip_special_tokens=True)
    written = write_greedily(model, lines)
    assert len(set(written)) > 1
    for ours, theirs in zip(written, expected, strict=True):
        whole = ours.removesuffix(" …")
        assert whole.startswith(theirs) if ours.endswith(" …") else whole == theirs


def test_what_does_not_end_is_closed_by_an_ellipsis() -> None:
    model = translator()
    model.model.generation_config.bad_words_ids = [[1], [2]]
    assert all(text.endswith(" …") for text in write_greedily(model, sources(model)))


def test_a_cut_in_the_encoder_changes_what_is_written_and_no_cut_does_not() -> None:
    model = translator()
    lines = sources(model)
    longest = max(map(len, lines))
    nothing = torch.zeros(3, longest, longest, dtype=torch.bool)
    everything = self_only(model.inputs(lines).source_mask)
    intact = write_greedily(model, lines)
    assert write_greedily(model, lines, nothing) == intact
    assert write_greedily(model, lines, everything) != intact
