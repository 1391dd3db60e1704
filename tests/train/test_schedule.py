import pytest

from seq2seq.recipe import TrainSpec
from seq2seq.train.schedule import guidance_weight, learning_rate


def spec(**values: object) -> TrainSpec:
    return TrainSpec.model_validate({"steps": 100, "warmup_steps": 10, "peak_lr": 1.0, **values})


@pytest.mark.parametrize("schedule", ["inverse_sqrt", "cosine", "linear"])
def test_rate_rises_linearly_to_the_peak_in_every_schedule(schedule: str) -> None:
    rates = [learning_rate(step, spec(schedule=schedule)) for step in (1, 5, 10)]
    assert rates == [0.1, 0.5, 1.0]


def test_inverse_square_root_halves_when_the_step_quadruples() -> None:
    one = spec(schedule="inverse_sqrt")
    assert learning_rate(40, one) == pytest.approx(0.5)
    assert learning_rate(90, one) == pytest.approx(1 / 3)


def test_cosine_is_half_in_the_middle_and_zero_at_the_end() -> None:
    one = spec(schedule="cosine")
    assert learning_rate(55, one) == pytest.approx(0.5)
    assert learning_rate(100, one) == pytest.approx(0.0, abs=1e-12)


def test_linear_stays_at_the_peak_until_its_last_share() -> None:
    one = spec(schedule="linear", decay_share=0.4)
    assert learning_rate(60, one) == 1.0
    assert learning_rate(81, one) == pytest.approx(0.5)
    assert learning_rate(100, one) == pytest.approx(1 / 40)


def test_no_warm_up_starts_at_the_peak() -> None:
    assert learning_rate(1, spec(warmup_steps=0, schedule="inverse_sqrt")) == 1.0


def guided(**values: object) -> list[float]:
    one = spec(guided_attention={"weight": 2.0, **values})
    return [guidance_weight(step, one) for step in (1, 20, 21, 60, 61, 100)]


def test_guidance_is_constant_between_its_start_and_its_end() -> None:
    assert guided() == [2.0] * 6
    assert guided(start=0.2, end=0.6) == [0.0, 0.0, 2.0, 2.0, 0.0, 0.0]


def test_guidance_falls_linearly_from_its_start_to_nothing_at_its_end() -> None:
    found = guided(schedule="linear", start=0.2, end=0.6)
    assert found == pytest.approx([0.0, 0.0, 2.0, 2.0 / 40, 0.0, 0.0])
