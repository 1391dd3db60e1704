"""What is asked of other programs, and what they say, read."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scripts.benchmark.ctranslate2_peer import BATCHES, Setting, check_plain, choose
from scripts.benchmark.eole_peer import settings, tokens_of, write_text
from scripts.benchmark.timing import Window
from scripts.benchmark.train import beside_eole
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


def test_updates_are_read_from_a_log_and_an_end_is_counted_for_each_source() -> None:
    line = (
        "[2026-11-29 14:00:00,000 INFO] Step 3/1000000; acc: 0.1; ppl: 9000.00; xent: 9.10; "
        "aux: 0.000; mtp: 0.000; attn_ent: 0.000; lr: 1.00e-03; sents:     310; "
        "bsz: 3900/4000/310; 3000/3100 tok/s;      2 sec;"
    )
    assert tokens_of(line) == 3900 + 4000 + 310
    assert tokens_of("[2026-11-29 14:00:00,000 INFO] Starting training on CPU") is None


class Words:
    """A tokenizer of two words."""

    vocab_size = 3

    def piece(self, number: int) -> str:
        return ["</s>", "▁a", "▁b"][number]

    def encode(self, texts: list[str]) -> list[list[int]]:
        return [[" ab".index(word) for word in text.split()] + [0] for text in texts]


def test_the_text_is_given_in_our_pieces_without_an_end(tmp_path: Path) -> None:
    sides = (["a b", "b"], ["b", "a"])
    text: Any = SimpleNamespace(training_side=lambda side: iter(sides[side]))
    write_text(SimpleNamespace(tokenizer=Words(), text=text), tmp_path)
    assert (tmp_path / "source.txt").read_text(encoding="utf-8") == "▁a ▁b\n▁b\n"
    assert (tmp_path / "target.txt").read_text(encoding="utf-8") == "▁b\n▁a\n"
    assert (tmp_path / "vocabulary.txt").read_text(encoding="utf-8") == "</s>\n▁a\n▁b\n"


def test_the_other_program_gets_the_same_shape(tmp_path: Path) -> None:
    found = json.loads(json.dumps(settings("small", tmp_path, "bf16")))
    model = found["model"]
    assert (model["hidden_size"], model["transformer_ff"], model["layers"]) == (512, 2048, 3)
    assert found["training"]["compute_dtype"] == "bf16"


def test_the_faster_number_format_of_the_other_program_counts() -> None:
    turns = {
        "seq2seq": [Window(30, 1.0, 0.0)] * 3,
        "eole fp32": [Window(20, 1.0, 0.01)] * 3,
        "eole bf16": [Window(10, 1.0, 0.5)] * 3,
    }
    peers: Any = {name: SimpleNamespace(updates=6) for name in ("eole fp32", "eole bf16")}
    found = beside_eole(turns, peers)
    assert (found["times_as_fast"], found["peer_setting"]) == (1.5, "fp32")
    assert (found["peer_tokens_an_update"], found["foreign_share"]) == (10, 0.01)
