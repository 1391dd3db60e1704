"""What is promised of real text: nothing lost on the way through pieces, little padding."""

import numpy as np
import pytest

from seq2seq.data.batches import plan_batches
from seq2seq.data.parallel_text import read_text
from seq2seq.data.prepare import prepare
from seq2seq.recipe import CorpusSpec, DataSpec, TokenizerSpec
from seq2seq.round_trip import RoundTripReport
from seq2seq.tokenizer import train_tokenizer
from tests.data.padding import padding_share


@pytest.mark.slow
@pytest.mark.shared_data
def test_captions_survive_the_round_trip_and_fill_their_batches(shared_data):
    folder = shared_data / "mt" / "multi30k"
    corpora = {
        name: CorpusSpec(source=f"{name}.en.gz", target=f"{name}.de.gz")
        for name in ("train", "val", "test_2016_flickr")
    }
    train, dev, test = corpora.values()
    text = read_text(DataSpec(folder=str(folder), train=(train,), dev=dev, test={"2016": test}))
    assert text.report.read == 29_000
    spec = TokenizerSpec(vocab_size=8000)
    tokenizer = train_tokenizer(text.training_texts(), spec, family="m2m_100", seed=1)
    report = RoundTripReport.of(tokenizer, text.training_texts()).source
    assert (report.exact_share, report.unknown) == (1.0, 0)
    epoch = prepare(text, tokenizer, spec, seed=1).epoch(0)
    lengths = (epoch.source_lengths, epoch.target_lengths)
    for budget in (2048, 4096):
        plan = plan_batches(*lengths, batch_tokens=budget, seed=1, epoch=0)
        assert np.concatenate(plan).size == text.pairs
        assert padding_share(plan, *lengths) < 0.031
