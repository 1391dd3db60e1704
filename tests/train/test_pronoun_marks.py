"""Items become positions of pieces that spell the very words, for both kinds of vocabulary."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from seq2seq.data.encoded_corpora import Cache
from seq2seq.data.marks import Marks
from seq2seq.data.pair_table import PairTable
from seq2seq.data.parallel_text import read_text
from seq2seq.errors import DataError
from seq2seq.pronouns.items import Item, Row
from seq2seq.recipe import CorpusSpec, DataSpec, TokenizerSpec, TrainSpec
from seq2seq.tokenizer import Tokenizer, train_tokenizer
from seq2seq.train.pronoun_marks import MarkedRows, find_marks, mark_text
from tests.train.pointing import fillers, items, write_corpus

KINDS = pytest.mark.parametrize("kind", ["bpe", "unigram"])


def tokenizer(kind: str, size: int = 70) -> Tokenizer:
    texts = [text for one in items() for text in (one.source, one.good)]
    spec = TokenizerSpec.model_validate({"kind": kind, "vocab_size": size})
    return train_tokenizer(texts, spec, family="m2m_100", seed=1)


def marks_of(some: list[Item], cutter: Tokenizer, extra: list[Row] | None = None) -> Marks:
    rows = [*(extra or []), *(Row(one.source, one.good) for one in some)]
    columns = {"source": [r.source for r in rows], "target": [r.target for r in rows]}
    by_text = {(one.source, one.good): one for one in some}
    return find_marks(PairTable.of(columns), by_text, cutter)


@KINDS
def test_marked_pieces_spell_pronoun_cue_and_antecedent(kind: str) -> None:
    cutter, some = tokenizer(kind), items()
    marks = marks_of(some, cutter)
    several = 0
    for row, one in enumerate(some):
        ids = cutter.encode([one.source])[0]
        noun = one.antecedent
        assert noun is not None
        for side, word in ((marks.pronoun, "it"), (marks.cue, one.cue),
                           (marks.antecedent, noun.noun)):  # fmt: skip
            places = side[row].tolist()
            assert places == list(range(places[0], places[-1] + 1))
            assert cutter.decode([[ids[i] for i in places]]) == [word]
            several += len(places) > 1
    assert several > 100


@KINDS
def test_the_decision_is_the_first_piece_that_only_the_good_translation_has(kind: str) -> None:
    cutter, some = tokenizer(kind), items()
    marks = marks_of(some, cutter)
    kinds = set()
    for row, one in enumerate(some):
        good, bad = cutter.encode([one.good, one.bad])
        if good == bad:
            assert marks.decision[row].tolist() == []
            kinds.add("same gender")
            continue
        (place,) = marks.decision[row].tolist()
        assert good[:place] == bad[:place]
        assert good[place] != bad[place]
        kinds.add("differs")
    assert kinds == {"differs", "same gender"}


def test_rows_without_an_item_and_words_without_an_antecedent_stay_unmarked() -> None:
    nothing = replace(items()[0], gold=None, bad=items()[0].good)
    marks = marks_of([nothing], tokenizer("bpe"), extra=fillers())
    last = len(fillers())
    assert [len(side[last]) > 0 for side in (marks.pronoun, marks.cue)] == [True, True]
    assert [len(side[last]) for side in (marks.antecedent, marks.decision)] == [0, 0]
    assert (marks.count("pronoun"), marks.count("cue")) == (1, 1)


def test_a_span_beside_the_text_is_refused() -> None:
    beside = replace(items()[0], pronoun=(500, 502))
    with pytest.raises(DataError, match="no piece lies on characters 500 to 502 of 'The saw"):
        marks_of([beside], tokenizer("bpe"))


def test_only_files_said_to_hold_items_are_marked(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    counts = []
    for said in (True, False):
        corpus = CorpusSpec(file="train.jsonl", pronoun_items=said)
        spec = DataSpec(folder=str(tmp_path), train=(corpus,), dev=CorpusSpec(file="dev.jsonl"))
        counts.append(MarkedRows.of(mark_text(read_text(spec), spec, tokenizer("bpe"))))
    with_items = len(items()) - 8
    assert counts[0].rows == counts[1].rows == with_items + len(fillers())
    assert (counts[0].guided, counts[1].guided) == (with_items, 0)
    assert counts[0].to_text().startswith("guided: 120 of 136 training rows carry an antecedent, ")


def test_marks_are_made_once_for_all_processes_and_anew_for_other_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(tmp_path)
    corpus = CorpusSpec(file="train.jsonl", pronoun_items=True)
    spec = DataSpec(folder=str(tmp_path), train=(corpus,), dev=CorpusSpec(file="dev.jsonl"))
    text, cutter, cache = read_text(spec), tokenizer("bpe"), Cache(tmp_path / "cache")
    (plain,) = mark_text(text, spec, cutter)
    (made,) = mark_text(text, spec, cutter, cache)
    with monkeypatch.context() as patch:
        patch.setattr("seq2seq.train.pronoun_marks.find_marks", None)
        (found,) = mark_text(text, spec, cutter, cache)
    assert plain.fingerprint() == made.fingerprint() == found.fingerprint()
    assert found.count("antecedent") > 0
    file = tmp_path / "train.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    rows = [{side: row[side] for side in ("source", "target")} for row in rows]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (without,) = mark_text(text, spec, cutter, cache)  # the same text, and no items
    assert without.count("antecedent") == 0


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ({"guided_attention": {"weight": 1.0}}, "guided_attention: none of 9 training rows"),
        ({"bottleneck": {"share": 0.5}}, "bottleneck: none of 9 training rows"),
    ],
)
def test_pointing_at_nothing_is_refused(option: dict[str, object], problem: str) -> None:
    nothing, spec = MarkedRows(rows=9, guided=0, decided=0), TrainSpec.model_validate(option)
    with pytest.raises(DataError, match=rf"{problem} .*; train on a file of 'seq2seq corpus"):
        nothing.check(spec)
    MarkedRows(rows=9, guided=1, decided=1).check(spec)
    nothing.check(TrainSpec())
