"""How a model reads context: stored with it, and no text moves the border to the sentence."""

import json

import pytest

from seq2seq.context import (
    ContextFormat,
    format_of,
    store_context,
    stored_context,
)
from seq2seq.errors import ModelError, RecipeError
from seq2seq.recipe import ContextSpec, TokenizerSpec
from seq2seq.recipe_file import parse_recipe
from seq2seq.stock_tokenizer import open_tokenizer
from seq2seq.tokenizer import load_tokenizer, train_tokenizer
from tests.stock_layouts import nllb
from tests.test_translate import word_tokenizer

TEXT = ["the robot picked up the wrench", "it was heavy", "a <sep> b </s> c"] * 20
SPECS = [TokenizerSpec(vocab_size=60), TokenizerSpec(kind="bpe", vocab_size=60)]


@pytest.mark.parametrize("family", ["m2m_100", "marian"])
@pytest.mark.parametrize("spec", SPECS, ids=["unigram", "bpe"])
def test_no_text_spells_the_separator(spec, family, tmp_path):
    tokenizer = train_tokenizer(TEXT, spec, family=family, seed=1, separator=True)
    assert tokenizer.piece(tokenizer.sep_id) == "<sep>"
    forged = ["<sep>", "it was <sep> heavy", "<s><sep></s>", "<SEP> <sep>."]
    assert all(tokenizer.sep_id not in ids for ids in tokenizer.encode(forged))
    assert tokenizer.decode(tokenizer.encode(forged[:2])) == forged[:2]
    assert tokenizer.decode([[tokenizer.sep_id]]) == [""]
    tokenizer.save(tmp_path)
    again = load_tokenizer(tmp_path)
    assert (again.sep_id, again.fingerprint) == (tokenizer.sep_id, tokenizer.fingerprint)


def test_a_vocabulary_of_single_sentences_has_no_separator():
    tokenizer = train_tokenizer(TEXT, SPECS[0], family="m2m_100", seed=1)
    assert tokenizer.sep_id is None
    assert "<sep>" not in tokenizer.backend.get_vocab()


def test_a_tokenizer_without_a_separator_writes_it_as_text():
    tokenizer = word_tokenizer()
    form = ContextFormat.of(tokenizer, source=1, target=0, separator=", and")
    written = tokenizer.encode([", and"])[0][:-1]
    assert form.source.separator == tuple(written)
    with pytest.raises(ModelError, match="the tokenizer has no pieces for it"):
        ContextFormat.of(tokenizer, source=1, target=0, separator="|||")


def test_context_stands_behind_the_tag_that_begins_every_text(tmp_path):
    """NLLB: the tag of a side comes first, then context, separator and sentence, then the end."""
    languages = ("eng_Latn", "deu_Latn")
    tokenizer = open_tokenizer(nllb(tmp_path / "nllb"), languages=languages)
    form = ContextFormat.of(tokenizer, source=1, target=1, separator=".")
    for side, encode in ((form.source, tokenizer.encode), (form.target, tokenizer.encode_target)):
        before, own = encode(["the dog"])[0], encode(["a dog"])[0]
        tag, end = own[0], own[-1]
        joined = side.join(side.context([before]), own)
        assert joined == [tag, *before[1:-1], *side.separator, *own[1:]]
        assert (joined.count(tag), joined.count(end)) == (1, 1)


def test_the_format_goes_with_the_tokenizer_and_leaves_with_the_context(tmp_path):
    tokenizer = train_tokenizer(TEXT, SPECS[0], family="m2m_100", seed=1, separator=True)
    tokenizer.save(tmp_path)
    spec = ContextSpec(source_sentences=2, target_sentences=1)
    store_context(tmp_path, spec)
    assert stored_context(tmp_path, load_tokenizer(tmp_path)) == format_of(spec, tokenizer)
    store_context(tmp_path, ContextSpec())
    assert stored_context(tmp_path, load_tokenizer(tmp_path)) is None
    path = tmp_path / "tokenizer_config.json"
    damaged = json.loads(path.read_text()) | {"document_context": {"source_sentences": -1}}
    path.write_text(json.dumps(damaged))
    with pytest.raises(ModelError, match="needed source_sentences, target_sentences and separator"):
        stored_context(tmp_path, tokenizer)


CORPUS = {"source": "s", "target": "t"}


@pytest.mark.parametrize(
    ("data", "train", "problem"),
    [
        ({"context": {"source_sentences": 1}}, {}, "needs a corpus in data.train that tells"),
        ({}, {"context_discount": 0.5}, "needs data.context.target_sentences above 0"),
        (
            {
                "context": {"target_sentences": 1},
                "train": [{"file": "f.jsonl", "source_context_field": "c"}],
            },
            {},
            "needs target_context_field beside",
        ),
        (
            {"train": [{**CORPUS, "document_field": "d"}]},
            {},
            "names a column, a pair of text files has none",
        ),
        (
            {
                "train": [
                    {"file": "f.tsv", "document_field": "d", "blank_lines_end_documents": True}
                ]
            },
            {},
            "needed one of them",
        ),
        (
            {"train": [{"file": "f.tsv", "target_context_field": "d"}]},
            {},
            "needs 'source_context_field' beside it",
        ),
    ],
)
def test_a_recipe_whose_context_comes_from_nowhere_is_refused(data, train, problem):
    content = {
        "source_language": "en",
        "target_language": "fr",
        "data": {"train": [CORPUS], "dev": CORPUS} | data,
        "train": train,
    }
    with pytest.raises(RecipeError, match=problem):
        parse_recipe(content, where="test")
