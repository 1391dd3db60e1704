import math
import unicodedata

import pytest
import torch
from accelerate import Accelerator

from seq2seq.engines.native import NativeEngine
from seq2seq.errors import TrainingError
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import TrainSpec
from seq2seq.recipe_file import parse_recipe
from seq2seq.tokenizer import Tokenizer
from seq2seq.train.criterion.transformer import TransformerCriterion
from seq2seq.train.stop import Stop, Stopped
from seq2seq.train.validate import Validator, cut, negative_log_likelihood
from tests.decode.native import force
from tests.publish.small_models import random_model, random_text, small_tokenizer
from tests.train.test_stop import stop_beside

RECIPE = {
    "source_language": "en",
    "target_language": "de",
    "data": {"train": [{"file": "train.tsv"}], "dev": {"file": "dev.tsv"}},
    "train": {"validation_beams": 1},
}


def validator(
    tokenizer: Tokenizer,
    sources: list[str],
    references: list[str],
    model: Transformer | None = None,
    target_language: str = "de",
    **shape: int,
) -> tuple[Validator, list[str]]:
    """A validator of one process, and what it says."""
    said: list[str] = []
    accelerator = Accelerator(cpu=True)
    recipe = parse_recipe(RECIPE | {"target_language": target_language}, where="test")
    recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update=shape)})
    engine, stop = NativeEngine(model or random_model("m2m_100", 40)), Stop(accelerator)
    dev = {"source": sources, "target": references}
    judge = Validator(accelerator, engine, tokenizer, recipe, dev, stop, said.append)
    return judge, said


def test_dev_loss_is_the_mean_over_all_pieces_as_forced_scoring_has_it() -> None:
    """Sentences of different lengths: a mean of means over sentences would be another number."""
    tokenizer, texts = small_tokenizer("m2m_100"), random_text(9)
    model = random_model("m2m_100", tokenizer.vocab_size)
    references = [text[::-1][: 9 * (row % 3)] for row, text in enumerate(texts)]  # some are empty
    judge, _ = validator(tokenizer, texts, references, model)
    found = judge(TransformerCriterion(model, TrainSpec()))
    scores = force(model, tokenizer.encode(texts), tokenizer.encode(references))
    pieces = [value for one in scores for value in one.token_log_probabilities]
    assert found.loss == pytest.approx(-sum(pieces) / len(pieces), rel=1e-5)
    assert found.values["loss_nats_per_token"] == found.loss
    assert found.values["perplexity"] == pytest.approx(math.exp(found.loss))
    means = [one.log_probability / len(one.token_log_probabilities) for one in scores]
    assert abs(found.loss + sum(means) / len(means)) > 0.01
    assert f"  loss {found.loss:.3f}  perplexity {math.exp(found.loss):.2f}" in found.to_text()


@pytest.mark.parametrize(("device", "autocast"), [("cpu", False), ("cuda", True)])
def test_the_search_computes_as_training_does_on_a_gpu_and_in_32_bits_on_a_cpu(
    device: str, autocast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """bf16 stands for both: the search itself still runs here."""
    tokenizer, texts = small_tokenizer("m2m_100"), random_text(3)
    model = random_model("m2m_100", tokenizer.vocab_size)
    judge, _ = validator(tokenizer, texts, texts, model)
    seen: list[bool] = []
    original = model.encode

    def encode(*args: object, **options: object) -> torch.Tensor:
        seen.append(torch.is_autocast_enabled("cpu"))
        return original(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(model, "encode", encode)
    half = torch.autocast("cpu", torch.bfloat16)
    monkeypatch.setattr(judge._accelerator, "autocast", lambda: half)
    monkeypatch.setattr(Accelerator, "device", property(lambda _: torch.device(device)))
    assert judge._translate([0, 1, 2]) is not None
    assert set(seen) == {autocast}


def test_two_ranks_find_the_loss_of_one() -> None:
    tokenizer, texts = small_tokenizer("m2m_100"), random_text(9)
    model = random_model("m2m_100", tokenizer.vocab_size)
    judge, _ = validator(tokenizer, texts, texts, model)
    criterion = TransformerCriterion(model, TrainSpec())
    sums = [
        negative_log_likelihood(
            criterion,
            judge._sources[rank::2],
            judge._targets[rank::2],
            pad_id=1,
            first_id=None,
            batch_tokens=99,
        )
        for rank in (0, 1)
    ]
    nats, pieces = (sum(parts) for parts in zip(*sums, strict=True))
    assert nats / pieces == pytest.approx(judge(criterion).loss, rel=1e-6)


def test_a_language_tag_that_every_target_begins_with_is_not_counted() -> None:
    tokenizer = small_tokenizer("m2m_100")
    model = random_model("m2m_100", tokenizer.vocab_size)
    plain, tagged = (
        negative_log_likelihood(
            TransformerCriterion(model, TrainSpec()),
            [[5, 6, 2]],
            [[9, 7, 2]],
            pad_id=1,
            first_id=first_id,
            batch_tokens=99,
        )
        for first_id in (None, 9)
    )
    first = force(model, [[5, 6, 2]], [[9, 7, 2]])[0].token_log_probabilities[0]
    assert (plain[1], tagged[1]) == (3, 2)
    assert plain[0] - tagged[0] == pytest.approx(-first, abs=1e-5)


def test_references_beyond_the_models_positions_are_cut_for_the_loss_and_counted() -> None:
    tokenizer, texts = small_tokenizer("m2m_100"), ["a dog", "a fox"]
    references = ["the red fox " * 9, "an owl"]
    model = random_model("m2m_100", tokenizer.vocab_size, max_positions=24)
    judge, said = validator(tokenizer, texts, references, model, max_positions=24)
    assert said == [
        "dev: 1 of 2 references are over 24 pieces and are cut for the dev loss, not for the scores"
    ]
    assert math.isfinite(judge(TransformerCriterion(model, TrainSpec())).loss)


@pytest.mark.parametrize("broken", ["embedding", "decoder"])
def test_a_model_without_numbers_is_an_error_of_training(broken: str) -> None:
    tokenizer, texts = small_tokenizer("m2m_100"), random_text(3)
    model = random_model("m2m_100", tokenizer.vocab_size)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.startswith(broken):
                parameter.fill_(1e38)  # finite, but not what comes of it
    judge, _ = validator(tokenizer, texts, texts, model)
    with pytest.raises(TrainingError, match=r"dev: .*; the model's numbers have grown beyond"):
        judge(TransformerCriterion(model, TrainSpec()))


def test_dev_scores_are_cut_by_the_target_language_and_composed_and_each_note_is_said_once() -> (
    None
):
    tokenizer, texts = small_tokenizer("m2m_100"), random_text(2)
    lines = ["今天天气很好。", "孩子们在花园里玩。"]
    judge, _ = validator(tokenizer, texts, lines, target_language="zh")
    assert judge._measure(lines) == pytest.approx({"bleu": 100, "chrf": 100})
    lines = ["Hội đồng thành phố mở rộng đường.", "Trường học đóng cửa vì bão."]
    given = [unicodedata.normalize("NFD", line) for line in lines]
    judge, said = validator(tokenizer, texts, given, target_language="vi")
    for _ in range(2):
        assert judge._measure(lines) == pytest.approx({"bleu": 100, "chrf": 100})
    assert said == [
        "dev: references: 2 of 2 lines are not in the composed Unicode form (NFC); all text is "
        "compared in it"
    ]


def test_a_note_that_counts_otherwise_the_next_time_is_still_said_once() -> None:
    tokenizer, texts = small_tokenizer("m2m_100"), random_text(2)
    lines = ["Hội đồng thành phố mở rộng đường.", "Trường học đóng cửa vì bão."]
    judge, said = validator(tokenizer, texts, lines, target_language="vi")
    apart = [unicodedata.normalize("NFD", line) for line in lines]
    for made in (lines, [apart[0], lines[1]], apart):
        judge._measure(made)
    assert said == [
        "dev: outputs: 1 of 2 lines are not in the composed Unicode form (NFC); all text is "
        "compared in it"
    ]


def test_long_dev_sources_keep_their_end_and_are_counted() -> None:
    sources = [[5, 6, 2], [5, 6, 7, 8, 2]]
    assert cut(sources, 4, 2) == ([[5, 6, 2], [5, 6, 7, 2]], 1)
    assert cut(sources, 5, 2) == (sources, 0)


def test_a_rank_that_nobody_asked_leaves_a_validation_with_the_one_that_was() -> None:
    stop, tokenizer, texts = stop_beside(1.0), small_tokenizer("m2m_100"), random_text(3)
    recipe = parse_recipe(RECIPE, where="test")
    said: list[str] = []
    model = random_model("m2m_100", tokenizer.vocab_size)
    dev = {"source": texts, "target": texts}
    judge = Validator(
        stop._accelerator, NativeEngine(model), tokenizer, recipe, dev, stop, said.append
    )
    stop._accelerator.process_index = 0
    with pytest.raises(Stopped):
        judge(TransformerCriterion(model, TrainSpec()))
