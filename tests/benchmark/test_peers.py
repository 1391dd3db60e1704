"""What is asked of other programs, and what they say, read."""

import pytest

from scripts.benchmark.ctranslate2_peer import BATCHES, Setting, check_plain, choose
from scripts.benchmark.timing import Window
from scripts.benchmark.translate import figures, said_seconds
from seq2seq.decode.options import DecodeOptions
from seq2seq.errors import DataError, ModelError
from seq2seq.translated import Report


def test_the_fastest_threads_are_chosen_first_then_the_fastest_batches() -> None:
    def seconds(setting: Setting) -> float:
        return setting.intra_threads + 10 / setting.max_batch_size

    best, tried = choose(seconds, cores=2)
    assert best == Setting(2, 1, "tokens", 2048)
    assert list(tried) == [
        Setting(2, 1, *BATCHES[0]),
        Setting(1, 2, *BATCHES[0]),
        *(Setting(2, 1, *batches) for batches in BATCHES[1:]),
    ]


def test_threads_of_one_product_are_chosen_where_they_are_faster() -> None:
    best, _ = choose(lambda setting: setting.inter_threads + setting.max_batch_size, cores=4)
    assert best == Setting(1, 4, "examples", 32)


def test_one_core_has_nothing_to_share_out() -> None:
    _, tried = choose(lambda _: 1.0, cores=1)
    assert len(tried) == len(BATCHES)


def test_seconds_are_read_as_the_command_says_them() -> None:
    said = f"engine: native\n{Report(lines=1000, seconds=12.345).sentences()}\n"
    assert said_seconds(said) == 12.35  # rounded
    with pytest.raises(ModelError, match="said no seconds"):
        said_seconds("engine: native\n")


def test_a_search_that_the_other_program_needs_more_for_is_refused() -> None:
    check_plain(DecodeOptions())
    with pytest.raises(DataError, match="no_repeat_ngram, min_length"):
        check_plain(DecodeOptions(no_repeat_ngram=3, min_length=2))


def test_start_up_counts_for_the_wall_clock_alone() -> None:
    turns = {
        "seq2seq": [Window(100, seconds, 0.0) for seconds in (4.0, 5.0, 6.0)],
        "ctranslate2": [Window(100, 2.5, 0.0)] * 3,
    }
    found = figures(turns, {"seq2seq": [1.0, 2.0, 3.0], "ctranslate2": [1.0] * 3})
    assert (found["times_as_fast"], found["wall_ratio"]) == (0.5, 2.0)
    assert (found["wall_seconds"], found["peer_wall_seconds"]) == (5.0, 2.5)
