import pytest

from seq2seq.recipe import parse_recipe
from seq2seq.train.stop import Stopped
from seq2seq.train.validate import Validator, cut_sources
from tests.publish.small_models import random_model, random_text, small_tokenizer
from tests.train.test_stop import stop_beside

RECIPE = {
    "source_language": "en",
    "target_language": "de",
    "data": {"train": [{"file": "train.tsv"}], "dev": {"file": "dev.tsv"}},
    "train": {"validation_beams": 1},
}


def test_long_dev_sources_keep_their_end_and_are_counted() -> None:
    sources = [[5, 6, 2], [5, 6, 7, 8, 2]]
    assert cut_sources(sources, 4, 2) == ([[5, 6, 2], [5, 6, 7, 2]], 1)
    assert cut_sources(sources, 5, 2) == (sources, 0)


def test_a_rank_that_nobody_asked_leaves_a_validation_with_the_one_that_was() -> None:
    stop, tokenizer, texts = stop_beside(1.0), small_tokenizer("m2m_100"), random_text(3)
    recipe = parse_recipe(RECIPE, where="test")
    said: list[str] = []
    validator = Validator(stop._accelerator, tokenizer, recipe, texts, texts, stop, said.append)
    stop._accelerator.process_index = 0
    with pytest.raises(Stopped):
        validator.score(random_model("m2m_100", tokenizer.vocab_size))
