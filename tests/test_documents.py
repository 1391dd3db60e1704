"""Sentence after sentence: what a model is given of those before, and what comes back."""

from dataclasses import replace

import pytest

from seq2seq.context import ContextFormat, SideFormat
from seq2seq.decode.options import DecodeOptions
from seq2seq.documents import (
    InContext,
    score_in_context,
    stream_documents,
    translate_documents,
    translate_in_context,
)
from seq2seq.errors import ModelError
from seq2seq.translate import Report, Translator
from tests.decode.native import decode, force
from tests.test_translate import WORDS, word_tokenizer
from tests.word_models import listening_model

COMMA = 14  # stands for the separator


def translator(source: int, target: int, *, positions: int = 40) -> Translator:
    tokenizer = word_tokenizer()
    model = listening_model(4 + len(WORDS), positions, to=("attention",))
    form = ContextFormat(SideFormat(source, (COMMA,)), SideFormat(target, (COMMA,)))
    options = DecodeOptions(beams=2, max_length_factor=0, max_length_offset=5)
    return Translator(model, tokenizer, options, context=form if source or target else None)


def by_hand(one: Translator, source: str, prefix: list[int]) -> str:
    """The best output behind a prefix, where all outputs of a call begin alike."""
    (ids,) = one.tokenizer.encode([source])
    room = one.options.max_length_offset + len(prefix)
    options = replace(one.options, prefix=tuple(prefix), max_length_offset=room)
    best = decode(one.model, [ids], options)[0][0]
    return one.tokenizer.decode([best.ids[len(prefix) :]])[0]


DOCUMENTS = [["Ann sees Bob", "The dog runs", "we sleep"], ["Bob runs"], []]


def test_sources_stand_behind_the_sentences_before_them():
    one = translator(1, 0)
    found = translate_documents(one, DOCUMENTS)
    assert [len(document) for document in found] == [3, 1, 0]
    assert found[0][0].text == by_hand(one, "Ann sees Bob", [])
    assert found[0][1].text == by_hand(one, "Ann sees Bob , The dog runs", [])
    assert found[0][2].text == by_hand(one, "The dog runs , we sleep", [])
    assert found[1][0].text == by_hand(one, "Bob runs", [])


def test_the_models_own_output_begins_the_next_one_and_is_no_part_of_it():
    one = translator(1, 1)
    found = translate_documents(one, DOCUMENTS)[0]
    for place in (1, 2):
        (before,) = one.tokenizer.encode([found[place - 1].text])
        source = f"{DOCUMENTS[0][place - 1]} , {DOCUMENTS[0][place]}"
        assert found[place].text == by_hand(one, source, [*before[:-1], COMMA])
    assert found[1].text != translate_in_context(one, [InContext("The dog runs")])[0].text


def test_a_target_context_that_is_given_is_taken_instead_of_the_models_own():
    one = translator(1, 1)
    given = InContext("The dog runs", ("Ann sees Bob",), ("we and we",))
    own = replace(given, target_context=None)
    found = translate_in_context(one, [given, own, InContext("The dog runs")])
    (before,) = one.tokenizer.encode(["we and we"])
    source = "Ann sees Bob , The dog runs"
    assert found[0].text == by_hand(one, source, [*before[:-1], COMMA])
    assert found[1].text == translate_documents(one, DOCUMENTS)[0][1].text
    assert found[2].text == by_hand(one, "The dog runs", [])


def test_neighbours_and_batches_make_no_difference():
    one = translator(2, 2)
    sentences = [
        InContext(text, tuple(before), ("Ann sleep",) * place)
        for place in range(4)
        for text, before in (("Bob runs", ["we sleep"] * place), ("The dog", ["Ann"] * place))
    ]
    together = translate_in_context(one, sentences)
    alone = [translate_in_context(one, [sentence], batch_tokens=1)[0] for sentence in sentences]
    assert [t.text for t in together] == [t.text for t in alone]
    for one_of, other in zip(together, alone, strict=True):
        assert one_of.candidates[0].score == pytest.approx(other.candidates[0].score, abs=1e-4)


def test_scores_are_those_of_the_targets_own_pieces_given_what_stands_before():
    one = translator(1, 1)
    sentence = InContext("The dog runs", ("Ann sees Bob",), ("we sleep",))
    scored, plain = score_in_context(
        one, [sentence, InContext("The dog runs")], ["Ann sleep", "Ann sleep"]
    )
    encode = one.tokenizer.encode
    (source,), (target,) = encode(["Ann sees Bob , The dog runs"]), encode(["we sleep , Ann sleep"])
    (whole,) = force(one.model, [source], [target])
    assert scored.token_log_probabilities == pytest.approx(whole.token_log_probabilities[3:])
    (bare,) = force(one.model, encode(["The dog runs"]), encode(["Ann sleep"]))
    assert plain.token_log_probabilities == pytest.approx(bare.token_log_probabilities)


def test_what_a_model_is_told_in_the_text_stands_before_what_is_scored_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = translator(0, 0)
    (plain,) = score_in_context(one, [InContext("The dog runs")], ["Ann sleep"])
    (told,) = score_in_context(one, [InContext("we The dog runs")], ["Ann sleep"])
    monkeypatch.setattr(type(one.tokenizer), "lead", lambda _, text: "we ")
    for text in ("The dog runs", "we The dog runs"):
        (scored,) = score_in_context(one, [InContext(text)], ["Ann sleep"])
        assert scored.token_log_probabilities == pytest.approx(told.token_log_probabilities)
    assert scored.token_log_probabilities != pytest.approx(plain.token_log_probabilities)


def test_the_score_of_an_output_is_that_of_the_same_text_scored():
    one = translator(1, 1)
    sentence = InContext("The dog runs", ("Ann sees Bob",), ("we sleep",))
    (found,) = translate_in_context(one, [sentence], replace(one.options, length_penalty=0.0))
    best = found.candidates[0]
    (scored,) = score_in_context(one, [sentence], [best.text])
    if best.ended:
        assert scored.log_probability == pytest.approx(best.log_probability, abs=1e-4)
    else:
        assert sum(scored.token_log_probabilities[:-1]) == pytest.approx(
            best.log_probability, abs=1e-4
        )


def test_context_that_does_not_fit_is_counted_and_the_sentence_is_whole():
    one = translator(2, 0, positions=10)
    long = InContext("The dog runs", ("Ann sees Bob and we sleep", "we sleep"))
    (found,) = translate_in_context(one, [long])
    assert found.context_cut == 7 + 3 - 6
    assert found.text == by_hand(one, "we sleep , we sleep , The dog runs", [])
    report = Report.of([found])
    assert report.contexts_cut == 1
    assert "oldest context does not fit" in report.sentences()


def test_a_line_whose_output_has_fewer_sentences_is_counted() -> None:
    one = translator(1, 1)
    options = replace(one.options, max_length_offset=2)  # room for a word
    lines = [["Ann sees Bob . The dog runs", "we sleep"]]
    report = Report.of(translate_documents(one, lines, options)[0])
    assert report.fewer_sentences == 1
    assert "1 read as a whole, with fewer sentences in the output" in report.sentences()


def test_a_model_of_single_sentences_refuses_context_and_translates_without():
    one = translator(0, 0)
    with pytest.raises(ModelError, match="trained on single sentences and knows no context"):
        translate_documents(one, DOCUMENTS)
    with pytest.raises(ModelError, match="knows no context"):
        score_in_context(one, [InContext("Ann", ("Bob",))], ["Ann"])
    (found,) = translate_in_context(one, [InContext("Bob runs")])
    assert found == one.translate(["Bob runs"])[0]
    (scored,) = score_in_context(one, [InContext("Bob runs")], ["we sleep"])
    assert len(scored.token_log_probabilities) == 3


@pytest.mark.parametrize("chunk_lines", [1, 3, 100])
def test_blank_lines_end_documents_and_are_kept(chunk_lines):
    one = translator(1, 1)
    lines = ["", "Ann sees Bob", "The dog runs", " ", "", "The dog runs", "we sleep"]
    chunks = list(stream_documents(one, lines, chunk_lines=chunk_lines))
    texts = [translation.text for chunk in chunks for translation in chunk.translations]
    first, second = translate_documents(one, [lines[1:3], lines[5:]])
    expected = ["", *(t.text for t in first), "", "", *(t.text for t in second)]
    assert texts == expected
    assert sum(chunk.report.empty for chunk in chunks) == 3
