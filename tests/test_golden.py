"""A model that was finished long ago must still load, and say what it said then."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from seq2seq.decode.options import DecodeOptions
from seq2seq.translate import Translator

GOLDEN = Path(__file__).parent / "golden"
CASES = json.loads((GOLDEN / "digits.json").read_text(encoding="utf-8"))


def test_a_frozen_model_still_translates_as_it_did() -> None:
    translator = Translator.load(GOLDEN / "digits")
    sources = [case["source"] for case in CASES]
    found = translator.translate(sources, DecodeOptions(beams=4, n_best=2))
    for case, translation in zip(CASES, found, strict=True):
        for expected, candidate in zip(case["hypotheses"], translation.candidates, strict=True):
            assert candidate.text == expected["text"]
            assert candidate.score == pytest.approx(expected["score"], abs=1e-4)


def test_stock_classes_still_read_the_frozen_model() -> None:
    tokenizer = AutoTokenizer.from_pretrained(GOLDEN / "digits")
    model = AutoModelForSeq2SeqLM.from_pretrained(GOLDEN / "digits").eval()
    batch = tokenizer([case["source"] for case in CASES], return_tensors="pt", padding=True)
    with torch.inference_mode():
        ids = model.generate(**batch, num_beams=4, early_stopping=True)
    best = [case["hypotheses"][0]["text"] for case in CASES]
    assert tokenizer.batch_decode(ids, skip_special_tokens=True) == best
