"""Which sentences stand before each: by blank lines, an id column or context columns."""

import json

import numpy as np
import pytest

from seq2seq.context import ContextFormat, SideFormat, format_of
from seq2seq.data.batches import plan_batches
from seq2seq.data.context_pieces import Contexts
from seq2seq.data.corpus import read_corpus
from seq2seq.data.encoded_corpora import Cache, EncodedPairs
from seq2seq.data.findings import Noticed
from seq2seq.data.marks import Marks
from seq2seq.data.parallel_text import read_text
from seq2seq.data.prepare import prepare
from seq2seq.data.ragged import Ragged
from seq2seq.errors import DataError
from seq2seq.recipe import CleaningSpec, ContextSpec, CorpusSpec, DataSpec, TokenizerSpec
from seq2seq.tokenizer import train_tokenizer

TWO = ContextSpec(source_sentences=2, target_sentences=1, alone_share=0)


def read(write, spec: CorpusSpec, content: str, context: ContextSpec = TWO):
    noticed = Noticed()
    folder = write({spec.file: content})
    data = read_corpus(spec, folder=folder, noticed=noticed, context=context)
    return data, noticed


def test_blank_lines_end_documents_and_are_no_pairs(write):
    folder = write({"s": "a\nb\nc\n\nd\n\n\ne\n", "t": "A\nB\nC\n\nD\n\n\nE\n"})
    noticed = Noticed()
    spec = CorpusSpec(source="s", target="t", blank_lines_end_documents=True)
    data = read_corpus(spec, folder=folder, noticed=noticed, context=TWO)
    assert data["source"][:] == ["a", "b", "c", "d", "e"]
    assert data["source_context"][:] == [[], ["a"], ["a", "b"], [], []]
    assert data["target_context"][:] == [[], ["A"], ["B"], [], []]
    assert data["document"][:] == [0, 0, 0, 1, 2]
    assert 3 in noticed.count.values()
    alone = read_corpus(spec, folder=folder)
    assert alone["source"][:] == ["a", "b", "c", "d", "e"]
    assert alone.schema.names == ["source", "target"]


def test_an_id_column_ends_documents_and_one_that_comes_again_is_counted(write):
    rows = "source\ttarget\tdoc\na\tA\tx\nb\tB\tx\nc\tC\ty\nd\tD\tx\n"
    data, noticed = read(write, CorpusSpec(file="f.tsv", document_field="doc"), rows)
    assert data["source_context"][:] == [[], ["a"], [], []]
    assert data["document"][:] == [0, 0, 1, 2]
    again = {what: count for (what, _), count in noticed.count.items() if "again" in what}
    assert list(again.values()) == [1]


def test_context_columns_are_cut_into_sentences_of_which_the_last_count(write):
    row = {"source": "It fell.", "target": "Elle tomba.", "source_context": "One. Two. Three!",
           "target_context": "Un. Deux !"}  # fmt: skip
    spec = CorpusSpec(
        file="f.jsonl", source_context_field="source_context", target_context_field="target_context"
    )
    data, noticed = read(write, spec, json.dumps(row) + "\n")
    assert data["source_context"][:] == [["Two.", "Three!"]]
    assert data["target_context"][:] == [["Deux !"]]
    assert noticed.count["context of unequal numbers of sentences on the two sides", "kept"] == 1


def test_a_missing_context_column_is_named(write):
    spec = CorpusSpec(file="f.jsonl", source_context_field="before")
    with pytest.raises(DataError, match="no column 'before'"):
        read(write, spec, '{"source": "a", "target": "b"}\n')
    with pytest.raises(DataError, match=r"a \.tmx file has no column 'doc'"):
        read(write, CorpusSpec(file="f.tmx", document_field="doc"), "<tmx/>")


def test_context_stands_before_the_sentence_and_the_oldest_of_it_is_cut():
    """Worked by hand: separator 4, end 2; room for one piece less than a target's context needs."""
    form = ContextFormat(SideFormat(2, (4,)), SideFormat(1, (4,), head=1))
    contexts = Contexts(
        EncodedPairs(Ragged.of([[10, 11, 4, 12, 4], []]), Ragged.of([[20, 21, 4], [22, 23, 4]])),
        form,
    )
    pairs = EncodedPairs(
        Ragged.of([[5, 2], [6, 2]]),
        Ragged.of([[9, 30, 2], [9, 31, 32, 2]]),
        Marks(*([Ragged.of([[0], []])] * 5), Ragged.of([[1], [2]])),
    )
    joined = contexts.before(pairs, (5, 6))
    sides = [[side[row].tolist() for row in range(2)] for side in (joined.source, joined.target)]
    assert sides == [[[4, 12, 4, 5, 2], [6, 2]], [[9, 20, 21, 4, 30, 2], [9, 23, 4, 31, 32, 2]]]
    assert joined.given.tolist() == [4, 3]
    assert joined.marks.pronoun[0].tolist() == [3]
    assert [joined.marks.decision[row].tolist() for row in range(2)] == [[4], [4]]
    alone = contexts.before(pairs, (5, 6), alone=np.array([True, False]))
    assert alone.source[0].tolist() == [5, 2]
    assert alone.given.tolist() == [0, 3]


def test_a_separator_alone_is_not_kept():
    side = SideFormat(1, (4, 4))
    assert [side.fits(5, room) for room in (5, 4, 3, 2, 1, -3)] == [5, 4, 3, 0, 0, 0]
    assert side.fitting([1, 2, 3, 4, 4], 3) == [3, 4, 4]


@pytest.fixture
def documents(pairs, write):
    """The text of a recipe in documents of five sentences, and its tokenizer."""
    lines = [("", "") if row % 6 == 5 else pair for row, pair in enumerate(pairs(90))]
    sides = {name: "".join(pair[n] + "\n" for pair in lines) for n, name in enumerate("st")}
    spec = CorpusSpec(source="s", target="t", blank_lines_end_documents=True)

    def make(**context):
        text = read_text(
            DataSpec(
                folder=str(write(sides)),
                train=(spec,),
                dev=spec,
                cleaning=CleaningSpec(max_source_pieces=60, max_target_pieces=60, overlap="keep"),
                context=ContextSpec(**context),
            )
        )
        tokenizer = train_tokenizer(
            text.training_texts(), TokenizerSpec(vocab_size=200), family="m2m_100", seed=1,
            separator=True,
        )  # fmt: skip
        return text, tokenizer, format_of(ContextSpec(**context), tokenizer)

    return make


def test_an_epoch_holds_context_and_sentence_and_counts_the_sentence_alone(documents, tmp_path):
    text, tokenizer, form = documents(source_sentences=1, target_sentences=2, alone_share=0)
    spec, cache = TokenizerSpec(vocab_size=200), Cache(tmp_path / "cache")
    epoch = prepare(text, tokenizer, spec, seed=1, cache=cache, form=form).epoch(0)
    again = prepare(text, tokenizer, spec, seed=1, cache=cache, form=form).epoch(3)
    data = next(iter(text.train.values()))
    before, own = tokenizer.encode([data["source"][row] for row in (6, 7)])
    assert epoch.source[7].tolist() == [*before[:-1], tokenizer.sep_id, *own]
    assert [epoch.source[row].tolist() for row in range(len(data))] == [
        again.source[row].tolist() for row in range(len(data))
    ]
    alone = [len(ids) for ids in tokenizer.encode_target(data["target"])]
    plan = plan_batches(
        epoch.source_lengths, epoch.target_lengths, batch_tokens=400, seed=1, epoch=0
    )
    batches = [epoch.batch(rows, tokenizer.pad_id) for rows in plan]
    assert sum(batch.target_tokens for batch in batches) == sum(alone)
    context = sum(len(b.context_places) for b in batches if b.context_places is not None)
    assert context + sum(alone) == int(epoch.target_lengths.sum())
    assert int(epoch.target_lengths.max()) <= 60
    for batch in batches:
        ids = batch.target_ids.flatten()
        assert tokenizer.sep_id not in ids[batch.target_places].tolist()


def test_the_share_that_stands_alone_is_drawn_anew_in_each_epoch(documents):
    text, tokenizer, form = documents(source_sentences=1, alone_share=0.5)
    training = prepare(text, tokenizer, TokenizerSpec(vocab_size=200), seed=1, form=form)
    held = [training.epoch(number).source.holds(tokenizer.sep_id) for number in (0, 1, 0)]
    assert 0.2 < held[0].mean() < 0.6
    assert held[0].tolist() == held[2].tolist()
    assert held[0].tolist() != held[1].tolist()


def test_what_does_not_fit_is_counted_in_the_report(documents):
    text, tokenizer, form = documents(source_sentences=4, target_sentences=4)
    training = prepare(text, tokenizer, TokenizerSpec(vocab_size=200), seed=1, form=form)
    found = training.report.findings[-1]
    assert "context that does not fit" in found.what
    assert found.pairs > 0
    assert "of its oldest pieces" in found.detail


def test_another_context_is_another_text(documents):
    one, *_ = documents(source_sentences=1)
    other, *_ = documents(source_sentences=2)
    assert one.hashes() != other.hashes()
