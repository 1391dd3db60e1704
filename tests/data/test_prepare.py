"""From text to epochs with a real tokenizer: pure, complete, within bounds, and cached."""

import json
import re
from collections import Counter

import numpy as np
import pytest

from seq2seq.data.batches import plan_batches
from seq2seq.data.encoded_corpora import Cache
from seq2seq.data.parallel_text import ParallelText, read_text
from seq2seq.data.prepare import epoch_rows, prepare
from seq2seq.errors import DataError
from seq2seq.recipe import CleaningSpec, CorpusSpec, DataSpec, TokenizerSpec
from seq2seq.tokenizer import Tokenizer, train_tokenizer

UNIGRAM = TokenizerSpec(kind="unigram", vocab_size=250, sampling_alpha=0.1)
BPE = TokenizerSpec(kind="bpe", vocab_size=250, bpe_dropout=0.2, sampling_best=8)
KINDS = pytest.mark.parametrize("spec", [UNIGRAM, BPE], ids=["unigram", "bpe"])


@pytest.fixture
def text(pairs, write):
    """Makes the text of a recipe with one corpus, or two if a second weight is given."""

    def make(*weights: float, count=120, **cleaning) -> ParallelText:
        corpora = {f"{i}.jsonl": pairs(count, seed=10 + i) for i in range(len(weights))}
        files = corpora | {"dev.jsonl": pairs(5, seed=99)}
        folder = write(
            {
                name: "".join(json.dumps({"source": s, "target": t}) + "\n" for s, t in rows)
                for name, rows in files.items()
            }
        )
        train = (CorpusSpec(file=n, weight=w) for n, w in zip(corpora, weights, strict=True))
        return read_text(
            DataSpec(
                folder=str(folder),
                train=tuple(train),
                dev=CorpusSpec(file="dev.jsonl"),
                cleaning=CleaningSpec(**cleaning),
            )
        )

    return make


def tokenizer_of(text: ParallelText, spec: TokenizerSpec) -> Tokenizer:
    return train_tokenizer(text.training_texts(), spec, family="m2m_100", seed=1)


def rows(side) -> list[list[int]]:
    return [side[i].tolist() for i in range(len(side))]


def equal(one, other) -> bool:
    return rows(one.source) == rows(other.source) and rows(one.target) == rows(other.target)


def test_without_sampling_an_epoch_is_what_the_tokenizer_gives(text):
    corpus = text(1.0)
    spec = TokenizerSpec(vocab_size=250)
    tokenizer = tokenizer_of(corpus, spec)
    epoch = prepare(corpus, tokenizer, spec, seed=1).epoch(0)
    dataset = next(iter(corpus.train.values()))
    assert rows(epoch.source) == tokenizer.encode(dataset["source"])
    assert rows(epoch.target) == tokenizer.encode(dataset["target"])


@pytest.mark.parametrize(
    "spec",
    [
        UNIGRAM.model_copy(update={"sampling_alpha": 1000.0}),
        BPE.model_copy(update={"bpe_dropout": 1e-12}),
    ],
    ids=["unigram", "bpe"],
)
def test_sampling_so_weak_that_only_the_best_cut_is_drawn_gives_what_the_tokenizer_gives(
    text, spec
):
    corpus = text(1.0, 1.0)
    tokenizer = tokenizer_of(corpus, spec)
    training = prepare(corpus, tokenizer, spec, seed=1)
    sources = [line for dataset in corpus.train.values() for line in dataset["source"]]
    assert rows(training.epoch(0).source) == tokenizer.encode(sources)


@KINDS
def test_sampled_cuts_spell_the_same_text_differently_in_each_epoch(text, spec):
    corpus = text(1.0)
    tokenizer = tokenizer_of(corpus, spec)
    training = prepare(corpus, tokenizer, spec, seed=1)
    dataset = next(iter(corpus.train.values()))
    first, second = training.epoch(0), training.epoch(1)
    for epoch in (first, second):
        assert tokenizer.decode(rows(epoch.source)) == dataset["source"]
        assert tokenizer.decode(rows(epoch.target)) == dataset["target"]
    differing = sum(a != b for a, b in zip(rows(first.source), rows(second.source), strict=True))
    assert differing > 60


@KINDS
def test_an_epoch_is_the_same_whatever_was_asked_for_before(text, spec, tmp_path):
    corpus = text(1.5, 1.0)
    tokenizer = tokenizer_of(corpus, spec)
    one = prepare(corpus, tokenizer, spec, seed=1, cache=Cache(tmp_path / "cache"))
    for number in range(3):
        one.epoch(number)
    resumed = prepare(corpus, tokenizer, spec, seed=1, cache=Cache(tmp_path / "cache"))
    uncached = prepare(corpus, tokenizer, spec, seed=1)
    assert equal(one.epoch(3), resumed.epoch(3))
    assert equal(one.epoch(3), uncached.epoch(3))
    assert not equal(one.epoch(3), prepare(corpus, tokenizer, spec, seed=2).epoch(3))


def test_a_corpus_of_weight_two_is_seen_twice_in_different_cuts(text):
    corpus = text(2.0, 1.0)
    training = prepare(corpus, tokenizer_of(corpus, UNIGRAM), UNIGRAM, seed=1)
    epoch = training.epoch(0)
    assert len(epoch) == 360
    assert training.pairs == 240
    twice = rows(epoch.source)[:240]
    assert sum(twice[i] != twice[i + 1] for i in range(0, 240, 2)) > 60


@pytest.mark.parametrize(
    ("weight", "epochs", "times"),
    [(0.5, 2, 1), (0.25, 4, 1), (1.5, 2, 3), (2.0, 1, 2), (1.0, 1, 1)],
)
def test_over_some_epochs_each_row_is_seen_equally_often(weight, epochs, times):
    seen = Counter[int]()
    for epoch in range(epochs):
        chosen = epoch_rows(100, weight, [1, 0], epoch)
        assert len(chosen) == 100 * weight
        seen.update(chosen.tolist())
    assert seen == dict.fromkeys(range(100), times)


def test_the_halves_of_an_epoch_are_other_halves_for_another_seed_and_cycle():
    halves = [frozenset(epoch_rows(100, 0.5, [seed, 0], e)) for seed in (1, 2) for e in (0, 2)]
    assert len(set(halves)) == 4


def test_a_second_start_encodes_nothing_and_another_tokenizer_does(text, tmp_path, monkeypatch):
    corpus = text(1.0)
    tokenizer = tokenizer_of(corpus, UNIGRAM)
    other = tokenizer_of(corpus, UNIGRAM.model_copy(update={"vocab_size": 200}))
    calls = []
    for name in ("encode", "split_words"):
        original = getattr(Tokenizer, name)

        def counted(self, texts, original=original):
            calls.append(len(texts))
            return original(self, texts)

        monkeypatch.setattr(Tokenizer, name, counted)
    prepare(corpus, tokenizer, UNIGRAM, seed=1, cache=Cache(tmp_path))
    assert sum(calls) == 4 * 120  # two sides, as pieces and as words
    prepare(corpus, tokenizer, UNIGRAM, seed=1, cache=Cache(tmp_path))
    assert sum(calls) == 4 * 120
    prepare(corpus, other, UNIGRAM, seed=1, cache=Cache(tmp_path))
    assert sum(calls) == 8 * 120


def test_a_damaged_cache_file_is_computed_anew(text, tmp_path):
    corpus = text(1.0)
    tokenizer = tokenizer_of(corpus, UNIGRAM)
    before = prepare(corpus, tokenizer, UNIGRAM, seed=1, cache=Cache(tmp_path / "c")).epoch(0)
    expected = rows(before.source)
    for file in (tmp_path / "c").iterdir():
        content = file.read_bytes()
        file.unlink()
        file.write_bytes(content[: len(content) // 2])
    after = prepare(corpus, tokenizer, UNIGRAM, seed=1, cache=Cache(tmp_path / "c")).epoch(0)
    assert rows(after.source) == expected


def test_over_long_pairs_are_dropped_with_a_count(text):
    corpus = text(1.0, max_source_pieces=20)
    tokenizer = tokenizer_of(corpus, UNIGRAM)
    lengths = np.array([len(ids) for ids in tokenizer.encode(corpus.train["0.jsonl"]["source"])])
    over = int((lengths > 20).sum())
    assert 0 < over < 120
    training = prepare(corpus, tokenizer, UNIGRAM, seed=1)
    assert training.pairs == 120 - over
    assert f"over 20 source or 256 target pieces: {over} dropped" in training.report.to_text()
    assert (training.report.read, training.report.dropped) == (120, over)


def test_truncated_sides_end_at_the_limit_and_the_pieces_lost_are_counted(text):
    corpus = text(1.0, max_source_pieces=20, long="truncate")
    tokenizer = tokenizer_of(corpus, UNIGRAM)
    lengths = np.array([len(ids) for ids in tokenizer.encode(corpus.train["0.jsonl"]["source"])])
    plain = UNIGRAM.model_copy(update={"sampling_alpha": 0.0})
    for spec in (plain, UNIGRAM):
        training = prepare(corpus, tokenizer, spec, seed=1)
        lost = np.maximum(lengths - 20, 0).sum()
        assert f"truncated; {lost:,} pieces cut off" in training.report.to_text()
        source = training.epoch(0).source
        assert len(source) == 120
        assert source.lengths.max() == 20
        assert {source[i][-1] for i in range(120)} == {tokenizer.eos_id}


def test_over_long_pairs_can_be_refused(text):
    corpus = text(1.0, max_target_pieces=20, long="refuse")
    with pytest.raises(DataError, match=r"refuses.*\n.*over 256 source or 20 target pieces: \d+"):
        prepare(corpus, tokenizer_of(corpus, UNIGRAM), UNIGRAM, seed=1)


@pytest.mark.parametrize("long", ["drop", "refuse"])
def test_rows_of_over_long_pairs_point_into_the_data_as_read(write, long):
    rows = [("a b", "c d")] * 5 + [("e f", "g h"), ("word " * 60, "i")]
    more = [("a b", "c d"), ("j k", ""), ("l m", "n o"), ("p", "word " * 60), ("q", "r")]
    folder = write(
        {
            f"{name}.tsv": "".join(f"{source}\t{target}\n" for source, target in pairs)
            for name, pairs in {"one": rows, "two": more, "dev": [("s", "t")]}.items()
        }
    )
    one, two, dev = (
        CorpusSpec(file=f"{name}.tsv", source_field="1", target_field="2")
        for name in ("one", "two", "dev")
    )
    cleaning = CleaningSpec(
        duplicates="drop", long=long, max_source_pieces=40, max_target_pieces=40
    )
    for train, where in [((one,), "row 7"), ((one, two), "row 7 of one.tsv, row 4 of two.tsv")]:
        text = read_text(DataSpec(folder=str(folder), train=train, dev=dev, cleaning=cleaning))
        said = rf"over 40 source or 40 target pieces: \d (dropped|refused) \(as {where}\)"
        spec = TokenizerSpec(vocab_size=40)
        tokenizer = tokenizer_of(text, spec)
        if long == "refuse":
            with pytest.raises(DataError, match=said):
                prepare(text, tokenizer, spec, seed=1)
        else:
            report = prepare(text, tokenizer, spec, seed=1).report
            assert re.search(said, report.to_text())


def endless(write, long: str) -> DataSpec:
    """Twenty pairs, and one of a word that would take a minute to cut."""
    rows = [(f"a b {chr(97 + i)}", "c d") for i in range(20)] + [("x" * 20_000, "long  e")]
    folder = write(
        {
            f"{name}.tsv": "".join(f"{source}\t{target}\n" for source, target in pairs)
            for name, pairs in {"one": rows, "dev": [("s", "t")]}.items()
        }
    )
    one, dev = (
        CorpusSpec(file=f"{name}.tsv", source_field="1", target_field="2")
        for name in ("one", "dev")
    )
    return DataSpec(folder=str(folder), train=(one,), dev=dev, cleaning=CleaningSpec(long=long))


def test_a_word_of_20_000_characters_never_reaches_the_vocabulary(write):
    text = read_text(endless(write, "drop"))
    assert max(map(len, text.training_texts())) == 5
    said = "over 8,192 source or 8,192 target characters: 1 dropped (as row 21)"
    assert said in text.report.to_text()


def test_a_word_of_20_000_characters_is_cut_where_long_sides_are_truncated(write):
    text = read_text(endless(write, "truncate"))
    assert list(text.training_side(0))[-1] == "x" * 8192
    assert list(text.training_side(1))[-1] == "long  e"
    said = "characters: 1 truncated; 11,808 characters cut off (as row 21)"
    assert said in text.report.to_text()


def test_a_word_of_20_000_characters_can_be_refused(write):
    with pytest.raises(DataError, match=r"refuses.*\n.*target characters: 1 refused \(as row 21\)"):
        read_text(endless(write, "refuse"))


def test_what_reading_held_out_sets_changed_stands_in_the_report(write):
    folder = write({"a.jsonl": '{"source": "a", "target": "b"}\n',
                    "b.jsonl": '{"source": "\u200ba", "target": "c\u200b"}\n'})  # fmt: skip
    train, dev = CorpusSpec(file="a.jsonl"), CorpusSpec(file="b.jsonl")
    spec = DataSpec(folder=str(folder), train=(train,), dev=dev, test={"one": train, "two": dev})
    keep = CleaningSpec(overlap="keep")
    report = read_text(spec.model_copy(update={"cleaning": keep})).report.to_text()
    assert "\n  invisible characters: none\n" in report
    assert "\n  dev: invisible characters in sources: 1 cleaned (as row 1)\n" in report
    assert "\n  test two: invisible characters in sources: 1 cleaned" in report
    assert "test one" not in report.partition("overlap")[0]


@KINDS
def test_no_sampled_side_is_longer_than_the_limit_and_no_text_is_lost(text, spec):
    corpus = text(1.0, max_source_pieces=22, max_target_pieces=22)
    tokenizer = tokenizer_of(corpus, spec)
    training = prepare(corpus, tokenizer, spec, seed=1)
    kept = tokenizer.decode(rows(training.epoch(0).source))
    for number in range(1, 5):
        epoch = training.epoch(number)
        assert max(epoch.source_lengths.max(), epoch.target_lengths.max()) <= 22
        assert tokenizer.decode(rows(epoch.source)) == kept


def test_a_budget_that_some_epoch_could_break_is_refused_before_training(text):
    corpus = text(1.0)
    tokenizer = tokenizer_of(corpus, UNIGRAM)
    training = prepare(corpus, tokenizer, UNIGRAM, seed=1)
    longest = training.longest
    assert longest > max(map(len, tokenizer.encode(corpus.train["0.jsonl"]["source"])))
    training.check_budget(longest)
    with pytest.raises(
        DataError, match=rf"can have {longest} pieces, more than .* = {longest - 1}"
    ):
        training.check_budget(longest - 1)


def test_the_longest_side_without_sampling_is_the_longest_there_is(text):
    corpus = text(1.0)
    spec = TokenizerSpec(vocab_size=250)
    training = prepare(corpus, tokenizer_of(corpus, spec), spec, seed=1)
    epoch = training.epoch(0)
    assert training.longest == max(epoch.source_lengths.max(), epoch.target_lengths.max())


def test_an_epoch_goes_through_plan_and_batches_without_loss(text):
    corpus = text(1.0)
    tokenizer = tokenizer_of(corpus, UNIGRAM)
    epoch = prepare(corpus, tokenizer, UNIGRAM, seed=1).epoch(0)
    plan = plan_batches(
        epoch.source_lengths, epoch.target_lengths, batch_tokens=200, seed=1, epoch=0
    )
    batches = [epoch.batch(chosen, tokenizer.pad_id) for chosen in plan]
    assert sum(batch.source_tokens for batch in batches) == epoch.source_lengths.sum()
    assert sum(batch.target_tokens for batch in batches) == epoch.target_lengths.sum()
    chosen, batch = plan[0], batches[0]
    assert batch.target_ids[0, : epoch.target_lengths[chosen[0]]].tolist() == (
        epoch.target[int(chosen[0])].tolist()
    )


def test_training_pairs_that_stand_in_dev_or_test_are_dropped_and_the_sets_stay_whole(write):
    folder = write(
        {
            "train.tsv": "source\ttarget\nin dev\tim dev\nin test\tim test\nfree\tfrei\n",
            "dev.tsv": "source\ttarget\nIn dev\tim  dev\n",
            "test.tsv": "source\ttarget\nin test\tim test\n",
        }
    )
    spec = DataSpec(
        folder=str(folder),
        train=(CorpusSpec(file="train.tsv"),),
        dev=CorpusSpec(file="dev.tsv"),
        test={"dev": CorpusSpec(file="test.tsv")},  # a test set may be called so too
    )
    text = read_text(spec)
    assert text.train["train.tsv"]["source"] == ["free"]
    assert (len(text.dev), len(text.tests["dev"])) == (1, 1)
    assert "overlap with dev: 1 dropped" in text.report.to_text()
    assert "overlap with test dev: 1 dropped" in text.report.to_text()


def test_hashes_tell_data_apart_and_a_corpus_given_twice_keeps_both_names(write):
    folder = write(
        {
            "a.tsv": "source\ttarget\nxy\tv\nz\tw\n",
            "b.tsv": "source\ttarget\nx\tv\nyz\tw\n",  # the same letters, other lines
        }
    )
    a, b = CorpusSpec(file="a.tsv"), CorpusSpec(file="b.tsv")
    keep = CleaningSpec(overlap="keep")
    spec = DataSpec(folder=str(folder), train=(a, b, a), dev=b, cleaning=keep)
    hashes = read_text(spec).hashes()
    assert list(hashes) == ["train a.tsv (1)", "train b.tsv", "train a.tsv (2)", "dev"]
    assert hashes["train a.tsv (1)"] == hashes["train a.tsv (2)"] != hashes["train b.tsv"]
    assert hashes["dev"] == hashes["train b.tsv"]
