from typing import Any

import pytest

from seq2seq.decode.options import DecodeOptions, ForcedScore
from seq2seq.errors import ModelError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"beams": 0}, "decode options: beams is '0', needs at least 1"),
        ({"n_best": 0}, "n_best is '0', needs at least 1"),
        ({"n_best": 6}, "n_best is '6' with '5' beams; search more beams"),
        ({"min_length": -1}, "min_length is '-1', needs at least 0"),
        ({"no_repeat_ngram": -2}, "no_repeat_ngram is '-2', needs at least 0"),
        ({"max_length_factor": -0.5}, "max_length_factor is '-0.5', needs at least 0"),
        ({"max_length_offset": -1}, "max_length_offset is '-1', needs at least 0"),
        (
            {"max_length_factor": 0, "max_length_offset": 0},
            "are both '0', one must leave room for output",
        ),
        ({"max_length": 0}, "max_length is '0', needs at least 1"),
        ({"beams": 0, "min_length": -1}, "beams is '0', .*; min_length is '-1', needs"),
    ],
)
def test_options_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        DecodeOptions(**changes)


def test_the_score_divides_by_a_power_of_the_length() -> None:
    forced = ForcedScore((-1.0, -2.0, -3.0, -2.0))
    assert forced.log_probability == -8.0
    assert forced.score(0.0) == -8.0
    assert forced.score(1.0) == -2.0
    assert forced.score(2.0) == -0.5


def test_a_stated_length_counts_more_than_the_source() -> None:
    assert DecodeOptions(max_length=7).length_limits([1, 90], positions=64) == [7, 7]
    assert DecodeOptions(max_length=99).length_limits([1], positions=64) == [64]
    assert DecodeOptions().length_limits([1, 90], positions=64) == [22, 64]
