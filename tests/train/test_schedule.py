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


def test_a_warm_up_that_reaches_into_the_fall_puts_it_off() -> None:
    one = spec(schedule="linear", decay_share=0.4, warmup_steps=80)
    assert [learning_rate(step, one) for step in (80, 81, 91, 100)] == [1.0, 1.0, 0.5, 0.05]


@pytest.mark.parametrize("schedule", ["inverse_sqrt", "cosine", "linear"])
@pytest.mark.parametrize("warmup", [0, 10, 60, 80, 99, 100, 400])
@pytest.mark.parametrize("share", [0.1, 0.4, 1.0])
def test_the_rate_never_jumps(schedule: str, warmup: int, share: float) -> None:
    """From one update to the next by no more than the steepest of its two slopes."""
    one = spec(schedule=schedule, warmup_steps=warmup, decay_share=share)
    rates = [learning_rate(step, one) for step in range(1, 101)]
    fall = 1 / min(max(100 - warmup, 1), 100 * share)
    if schedule != "linear":
        fall = 0.3 if warmup < 90 else 1
    steepest = max(1 / warmup if warmup else 0, fall)
    assert max(abs(a - b) for a, b in zip(rates[1:], rates, strict=False)) <= steepest + 1e-12


@pytest.mark.parametrize(
    ("values", "longest"),
    [
        ({"schedule": "inverse_sqrt"}, 99),
        ({"schedule": "cosine"}, 99),
        ({"schedule": "linear", "decay_share": 0.4}, 60),
        ({"schedule": "linear", "decay_share": 0.333}, 66),
        ({"schedule": "linear", "decay_share": 1.0}, 99),
    ],
)
def test_the_longest_warm_up_leaves_the_schedule_whole(
    values: dict[str, object], longest: int
) -> None:
    one = spec(**values)
    assert one.longest_warmup == longest
    longer, room = (spec(**values, warmup_steps=n) for n in (longest + 1, longest))
    assert learning_rate(longest, room) == 1.0
    if values["schedule"] == "linear" and values["decay_share"] != 1:
        assert learning_rate(95, room) == learning_rate(95, spec(**values, warmup_steps=0))
        assert learning_rate(95, longer) != learning_rate(95, room)


def guided(**values: object) -> list[float]:
    one = spec(guided_attention={"weight": 2.0, **values})
    steps = (1, 20, 21, 60, 61, 100)
    return [guidance_weight(step, one.guided_attention, steps=one.steps) for step in steps]


def test_guidance_is_constant_between_its_start_and_its_end() -> None:
    assert guided() == [2.0] * 6
    assert guided(start=0.2, end=0.6) == [0.0, 0.0, 2.0, 2.0, 0.0, 0.0]


def test_guidance_falls_linearly_from_its_start_to_nothing_at_its_end() -> None:
    found = guided(schedule="linear", start=0.2, end=0.6)
    assert found == pytest.approx([0.0, 0.0, 2.0, 2.0 / 40, 0.0, 0.0])
