"""The models here are random: what counts is which text goes in, and where its output comes out."""

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seq2seq.decode.lengths import Ids
from seq2seq.decode.options import DecodeOptions, Hypothesis
from seq2seq.engines.engine import Progress
from seq2seq.engines.native import NativeEngine
from seq2seq.errors import DataError, ModelError
from seq2seq.model.stock import save_model
from seq2seq.model.transformer import Transformer
from seq2seq.reading import Trained
from seq2seq.recipe import TokenizerSpec
from seq2seq.tokenizer import Tokenizer, train_tokenizer
from seq2seq.translate import Report, Split, Translator
from seq2seq.translated import is_copy, on_one_line, repeats
from tests import word_models
from tests.decode.native import decode
from tests.stock_layouts import nllb

WORDS = ["Ann", "sees", "Bob", "The", "dog", "runs", "and", "we", "sleep", ".", ","]
POSITIONS = 12
OPTIONS = DecodeOptions(beams=2, max_length_factor=0, max_length_offset=6)


def word_tokenizer() -> Tokenizer:
    return word_models.word_tokenizer(WORDS)


def small_model(vocabulary: int = 4 + len(WORDS)) -> Transformer:
    return word_models.listening_model(vocabulary, POSITIONS)


class Scripted(NativeEngine):
    """Answers as it is told to; what has more than eight words is cut off."""

    def __init__(self, answers: Mapping[str, str]):
        super().__init__(small_model())
        tokenizer = word_tokenizer()
        backend = tokenizer.backend
        self.answers = {}
        for source, answer in answers.items():
            ids = [backend.token_to_id(word) for word in answer.split()]
            end = [] if len(ids) > 8 else [tokenizer.eos_id]
            self.answers[tuple(tokenizer.encode([source])[0])] = Hypothesis(
                (*ids, *end), -1.0, -1.0, bool(end)
            )

    def search(
        self,
        sources: Sequence[Ids],
        options: DecodeOptions,
        *,
        batch_tokens: int = 1,
        progress: Progress | None = None,
    ) -> list[list[Hypothesis]]:
        if progress:
            progress(len(sources))
        return [[self.answers[tuple(ids)]] for ids in sources]


@pytest.fixture(scope="module")
def translator() -> Translator:
    return Translator(small_model(), word_tokenizer(), OPTIONS)


def alone(translator: Translator, text: str) -> str:
    """What decoding itself makes of one short text."""
    best = decode(translator.model, translator.tokenizer.encode([text]), OPTIONS)[0][0]
    return translator.tokenizer.decode([best.ids])[0]


LONG = "Ann sees Bob . The dog runs and we sleep . Bob sleep ."


def test_there_is_one_output_for_every_input_in_order(translator: Translator) -> None:
    texts = ["The dog runs .", "", "Ann sees Bob .", "   \t", "we sleep"]
    found = translator.translate(texts)
    expected = [alone(translator, text) if text.strip() else "" for text in texts]
    assert [one.text for one in found] == expected
    assert len(set(expected)) == 4  # three different outputs and the empty one


def test_blank_input_gives_empty_output_and_is_counted(translator: Translator) -> None:
    found = translator.translate(["", "  ", "\r", "\N{NO-BREAK SPACE}", "Ann"])
    assert [one.text for one in found[:4]] == ["", "", "", ""]
    assert [one.parts for one in found] == [0, 0, 0, 0, 1]
    report = Report.of(found)
    assert (report.lines, report.empty) == (5, 4)


def test_long_input_is_split_into_sentences_and_joined(translator: Translator) -> None:
    found = translator.translate(["Ann", LONG])
    sentences = ["Ann sees Bob .", "The dog runs and we sleep .", "Bob sleep ."]
    wanted = " ".join(alone(translator, sentence) for sentence in sentences).strip()
    assert found[1].text == wanted
    assert found[1].parts == 3
    report = Report.of(found)
    assert (report.lines, report.split, report.truncated) == (2, 1, 0)


def test_what_just_fits_is_not_split(translator: Translator) -> None:
    fits, too_long = "Ann . " * 5 + "Ann", "Ann . " * 6
    found = translator.translate([fits, too_long], split="long")
    assert [one.parts for one in found] == [1, 6]


def test_a_split_output_has_the_log_probability_of_all_its_parts(translator: Translator) -> None:
    found = translator.translate([LONG], OPTIONS)[0].candidates[0]
    sentences = ["Ann sees Bob .", "The dog runs and we sleep .", "Bob sleep ."]
    parts = [
        h[0] for h in decode(translator.model, translator.tokenizer.encode(sentences), OPTIONS)
    ]
    total = sum(part.log_probability for part in parts)
    assert found.log_probability == pytest.approx(total, abs=1e-5)
    assert found.score == pytest.approx(total / sum(len(part.ids) for part in parts), abs=1e-5)


def test_long_input_can_be_truncated_and_the_loss_is_counted(translator: Translator) -> None:
    pieces = translator.tokenizer.encode([LONG])[0]
    found = translator.translate([LONG, "Ann"], long="truncate")
    begin = decode(translator.model, [[*pieces[: POSITIONS - 1], 2]], OPTIONS)[0][0]
    assert found[0].text == translator.tokenizer.decode([begin.ids])[0]
    assert [one.dropped for one in found] == [len(pieces) - POSITIONS, 0]
    report = Report.of(found)
    assert (report.truncated, report.dropped_pieces) == (1, len(pieces) - POSITIONS)


def test_long_input_can_be_refused_with_its_line(translator: Translator) -> None:
    message = (
        r"input: line 2 has '15' pieces, line 4 has '13' pieces, needed at most 12; split them"
    )
    with pytest.raises(DataError, match=message):
        translator.translate(["Ann", LONG, "Bob", "Ann . " * 6], long="refuse")
    with pytest.raises(DataError, match=r"line 3 has '15' pieces and 2 more, needed at most 12"):
        translator.translate([LONG] * 5, long="refuse")


def test_a_lower_limit_than_the_models_can_be_set(translator: Translator) -> None:
    found = translator.translate(["Ann sees Bob . The dog runs ."], max_source_pieces=6)
    assert found[0].parts == 2
    with pytest.raises(DataError, match="max_source_pieces is '1', needed at least 2"):
        translator.translate(["Ann"], max_source_pieces=1)


def test_a_line_break_inside_an_input_is_refused(translator: Translator) -> None:
    with pytest.raises(DataError, match="input: text 2 contains a line break, needed one line"):
        translator.translate(["Ann", "The dog\nruns"])


def test_one_string_is_not_taken_for_a_list_of_letters(translator: Translator) -> None:
    needed = r"input: one string of 8 characters, needed a list of texts; write \[text\]"
    with pytest.raises(DataError, match=needed):
        translator.translate("Ann runs")
    with pytest.raises(DataError, match=needed):
        list(translator.stream("Ann runs"))


def test_what_is_no_text_is_named_with_its_number(translator: Translator) -> None:
    needed = r"input: text 2 is None \(NoneType\), needed a string; write '' for a line without"
    with pytest.raises(DataError, match=needed):
        translator.translate(["Ann", None])  # type: ignore[list-item]


def test_other_line_separators_are_white_space(translator: Translator) -> None:
    odd, plain = translator.translate(["The\u2028dog\rruns", "The dog runs"])
    assert odd.text == plain.text


def test_unknown_pieces_are_counted(translator: Translator) -> None:
    found = translator.translate(["Ann sees Zoe", "qqq zzz", "Bob"])
    assert [one.unknown for one in found] == [1, 2, 0]
    assert Report.of(found).unknown_pieces == 3


def test_characters_that_can_only_be_spelt_in_bytes_are_counted() -> None:
    tokenizer = train_tokenizer(
        ["Ann sees Bob . The dog runs and we sleep ."] * 20,
        TokenizerSpec(vocab_size=40, byte_fallback=True),
        family="m2m_100",
        seed=1,
    )
    model = word_models.listening_model(tokenizer.vocab_size, 60)
    translator = Translator(model, tokenizer, OPTIONS)
    found = translator.translate(["Ann sees Ж", "Ann sees Bob", "ভাষা 😀 dog", "\u200bAnn"])
    assert [one.unknown for one in found] == [0] * 4
    assert [one.spelt for one in found] == [1, 0, 5, 0]
    report = Report.of(found)
    assert (report.characters_in_bytes, report.unknown_pieces) == (6, 0)
    assert report.remarks()[1].startswith("6 characters without a piece of their own, spelt in")
    by_sentence = translator.translate(["Ж runs. Ann sees Жж."], split="sentences")
    assert (by_sentence[0].parts, by_sentence[0].spelt) == (2, 3)


def test_text_is_read_in_its_normal_form_and_what_that_changes_is_counted(
    translator: Translator,
) -> None:
    odd = ["The d\u00adog\u200b runs", "\ufeff", "Ann \u200f sees", "Ann"]
    plain = ["The dog runs", "", "Ann  sees", "Ann"]
    found = translator.translate(odd)
    assert [one.text for one in found] == [one.text for one in translator.translate(plain)]
    assert [one.normalized for one in found] == [True, True, True, False]
    report = Report.of(found)
    assert (report.normalized, report.empty, report.unknown_pieces) == (3, 1, 0)
    assert Report.of(translator.translate(["Cafe\u0301", "Caf\u00e9"])).normalized == 1


def test_sentences_are_read_one_by_one_where_that_is_asked_for(translator: Translator) -> None:
    line, sentences = "Ann sees Bob . The dog runs", ["Ann sees Bob .", "The dog runs"]
    wanted = " ".join(alone(translator, one) for one in sentences).strip()
    found = translator.translate([line, "Ann", ""], split="sentences")
    assert found[0].text == wanted != translator.translate([line], split="long")[0].text
    assert [one.parts for one in found] == [2, 1, 0]
    report = Report.of(found)
    assert (report.by_sentence, report.split, report.fewer_sentences) == (1, 0, 0)
    with pytest.raises(DataError, match=r"line 1 has '13' pieces, needed at most 12"):
        translator.translate(["Ann . " + "Bob " * 12], split="sentences", long="refuse")


@pytest.mark.parametrize(
    ("trained", "split", "apart", "said"),
    [("sentences", "auto", 2, 0), ("sentences", "long", 0, 1), ("sentences", "sentences", 2, 0)]
    + [(trained, "auto", 1, 0) for trained in ("unknown", "lines")]
    + [(trained, "long", 0, 1) for trained in ("unknown", "lines")],
)
def test_what_a_model_was_trained_on_decides_and_no_sentence_is_lost_unsaid(
    trained: Trained, split: Split, apart: int, said: int
) -> None:
    """It reads two sentences as a whole, and leaves one out in the second of three lines."""
    answers = {
        "Ann sees . The dog": "The . Ann",
        "Ann runs . The dog": "The",
        "Ann sees .": "we .",
        "Ann runs .": "Bob .",
        "The dog": "sleep",
        "we sleep": "Bob",
    }
    translator = Translator(Scripted(answers), word_tokenizer(), OPTIONS, trained=trained)
    found = translator.translate(["Ann sees . The dog", "Ann runs . The dog", "we sleep"],
                                 split=split)  # fmt: skip
    report = Report.of(found)
    assert (report.by_sentence, report.fewer_sentences) == (apart, said)
    assert [one.text for one in found] == [
        "we . sleep" if apart == 2 else "The . Ann",
        "Bob . sleep" if apart else "The",
        "Bob",
    ]


@pytest.mark.parametrize(
    ("target", "fewer"),
    [("th", False), ("tha_Thai", False), ("lo", False), ("km", True), ("vi", True), (None, True)],
)
def test_languages_that_mark_no_sentence_lose_none(target: str | None, fewer: bool) -> None:
    answers = {"Ann runs . The dog": "The"}
    translator = Translator(Scripted(answers), word_tokenizer(), OPTIONS, languages=("en", target))
    (found,) = translator.translate(["Ann runs . The dog"], split="long")
    assert found.fewer_sentences is fewer


@pytest.mark.parametrize(
    ("split", "prefix", "parts"), [("auto", (), 2 + 4), ("sentences", (WORDS.index("we") + 4,), 4)]
)
def test_progress_counts_on_from_one_search_to_the_next(
    split: Split, prefix: tuple[int, ...], parts: int
) -> None:
    answers = {"Ann runs . The dog": "The", "Ann runs .": "Bob .", "The dog": "sleep"}
    options, done = replace(OPTIONS, prefix=prefix), list[int]()
    translator = Translator(Scripted(answers), word_tokenizer(), options)
    translator.translate(["Ann runs . The dog"] * 2, split=split, progress=done.append)
    assert done == [2, parts]


def test_what_is_left_out_of_a_summary_or_behind_a_cut_is_not_counted() -> None:
    answers = {"Ann sees . The dog": "The", "Ann sees": "The"}
    summarizer = Translator(
        Scripted(answers), word_tokenizer(), OPTIONS, trained="lines", work="summarization"
    )
    assert not summarizer.translate(["Ann sees . The dog"])[0].fewer_sentences
    translator = Translator(Scripted(answers), word_tokenizer(), OPTIONS, trained="lines")
    cut = translator.translate(["Ann sees . The dog"], long="truncate", max_source_pieces=3)
    assert (cut[0].text, cut[0].dropped, cut[0].fewer_sentences) == ("The", 3, False)


@pytest.mark.parametrize(
    ("languages", "joined"),
    [((None, "en"), "Ann Bob"), (("zh", "zh"), "AnnBob"), ((None, "tha_Thai"), "AnnBob"),
     ((None, "ko"), "Ann Bob"), (("zh", None), "Ann Bob")],
)  # fmt: skip
def test_parts_are_joined_as_the_target_language_is_written(
    languages: tuple[str | None, str | None], joined: str
) -> None:
    answers = {"Ann .": "Ann", "Bob .": "Bob"}
    translator = Translator(Scripted(answers), word_tokenizer(), OPTIONS, languages=languages)
    assert translator.translate(["Ann . Bob ."], split="sentences")[0].text == joined


def test_what_is_wrong_with_outputs_is_counted() -> None:
    answers = {
        "Ann": "",
        "Bob": "Ann <unk> <unk>",
        "The dog runs": "The dog runs",
        "dog": "dog",
        "we sleep": "Ann " + "sees Bob " * 5,
        "runs": "Ann sees Bob The dog runs and we sleep .",
    }
    translator = Translator(Scripted(answers), word_tokenizer(), OPTIONS)
    report = Report.of(translator.translate([*answers, ""]))
    assert (report.lines, report.empty) == (7, 1)
    assert (report.empty_outputs, report.copies, report.unknown_written) == (1, 1, 2)
    assert (report.unfinished, report.loops) == (2, 1)
    assert report.broken_characters == 0


def test_an_output_is_one_line_whatever_bytes_spell_and_what_they_break_is_counted() -> None:
    spelt = "a\r\nb\x85c\u2028d\te\x00f\x1b[1mg\ufffd"
    shown = "a  b c d\te\ufffdf\ufffd[1mg\ufffd"
    assert on_one_line(spelt) == shown
    assert on_one_line("मैं \u200d ok") == "मैं \u200d ok"
    tokenizer = word_tokenizer()
    tokenizer.decode = lambda rows: [spelt for _ in rows]  # type: ignore[method-assign]
    translator = Translator(Scripted({"Ann": "Bob"}), tokenizer, OPTIONS)
    found = translator.translate(["Ann"])
    assert found[0].text == shown
    assert Report.of(found).broken_characters == 3


def written(outputs: Mapping[str, Sequence[str]], **given: Any) -> Translator:
    """A translator of words that writes what it is told to, whatever is asked of it."""
    tokenizer = word_tokenizer()
    tokenizer.decode = lambda rows: list(outputs[len(rows)])  # type: ignore[method-assign]
    return Translator(small_model(), tokenizer, OPTIONS, **given)


def test_changed_addresses_are_put_back_in_every_candidate_and_counted() -> None:
    options = DecodeOptions(beams=3, n_best=3, max_length_factor=0, max_length_offset=6)
    translator = written({3: ["Ve {{dog}", "Ve {{dog}} .", "Ve"]})
    found = translator.translate(["Ann sees {{dog}} ."], options)
    told = [(one.text, one.restored, one.missing) for one in found[0].candidates]
    assert told == [("Ve {{dog}}", 1, 0), ("Ve {{dog}} .", 0, 0), ("Ve", 0, 1)]
    assert Report.of(found).remarks()[-1] == "1 changed address or placeholder put back"
    own = translator.translate(["Ann sees {{dog}} ."], options, restore=False)
    told = [(one.text, one.restored, one.missing) for one in own[0].candidates]
    assert told == [("Ve {{dog}", 0, 1), ("Ve {{dog}} .", 0, 0), ("Ve", 0, 1)]
    remark = "1 address or placeholder missing or changed in outputs"
    assert Report.of(own).remarks()[-1] == remark
    (chunk,) = translator.stream(["Ann sees {{dog}} ."], options, restore=False)
    assert chunk.translations == own


def test_addresses_are_looked_for_in_all_parts_of_a_line() -> None:
    translator = written({2: ["{{dog} Ann", "y {{dog}}"]})
    (one,) = translator.translate(["{{dog}} sees. And {{dog}} ."], split="sentences")
    assert one.parts == 2
    assert one.text == "{{dog}} Ann y {{dog}}"


def test_a_summary_may_leave_addresses_out_but_not_change_them() -> None:
    for work, missing in (("translation", 1), ("summarization", 0)):
        translator = written({1: ["see {{dog}"]}, work=work)
        (one,) = translator.translate(["{{dog}} sees www.a.org ."])
        best = one.candidates[0]
        assert (best.text, best.restored, best.missing) == ("see {{dog}}", 1, missing)


def test_whoever_scores_asks_for_the_text_that_the_model_wrote(root: Path) -> None:
    names = {"translate", "stream", "translate_documents", "translate_in_context"}
    found = []
    for folder in ("train", "evaluate", "score", "publish", "probe"):
        for path in (root / "seq2seq" / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not node.keywords:  # a string's translate
                    continue
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in names:
                    given = {one.arg: ast.unparse(one.value) for one in node.keywords}
                    found.append((path.name, name, given.get("restore")))
    assert len(found) >= 5
    assert {restore for _, _, restore in found} == {"False"}, found


def test_candidates_come_best_first_with_their_scores(translator: Translator) -> None:
    options = DecodeOptions(beams=4, n_best=3, max_length_factor=0, max_length_offset=6)
    for one in translator.translate(["The dog runs .", LONG], options):
        assert len(one.candidates) == 3
        assert one.text == one.candidates[0].text
        scores = [candidate.score for candidate in one.candidates]
        assert scores == sorted(scores, reverse=True)


def test_outputs_cut_off_at_the_length_limit_are_counted(translator: Translator) -> None:
    options = DecodeOptions(beams=1, max_length_factor=0, max_length_offset=1)
    found = translator.translate(["The dog runs .", "Ann sees Bob .", ""], options)
    ended = [one.candidates[0].ended for one in found if one.candidates]
    assert Report.of(found).unfinished == ended.count(False) > 0


def test_a_stream_gives_what_one_call_gives(translator: Translator) -> None:
    texts = ["The dog runs .", "", LONG, "Zoe", "we sleep"]
    chunks = list(translator.stream(iter(texts), chunk_lines=2))
    assert [len(chunk.translations) for chunk in chunks] == [2, 2, 1]
    streamed = [one.text for chunk in chunks for one in chunk.translations]
    assert streamed == [one.text for one in translator.translate(texts)]
    total = sum((chunk.report for chunk in chunks), Report())
    assert (total.lines, total.empty, total.split, total.unknown_pieces) == (5, 1, 1, 1)
    assert total.seconds > 0


def test_a_stream_reads_no_further_than_it_has_to(translator: Translator) -> None:
    read: list[int] = []

    def lines() -> Iterator[str]:
        for number in range(10):
            read.append(number)
            yield "Ann"

    stream = translator.stream(lines(), chunk_lines=3)
    next(stream)
    assert read == [0, 1, 2]


def test_a_stream_names_the_line_of_the_whole_input(translator: Translator) -> None:
    with pytest.raises(DataError, match="input: line 5 has '15' pieces"):
        list(translator.stream(["Ann"] * 4 + [LONG], long="refuse", chunk_lines=2))


def test_the_report_says_what_is_not_zero() -> None:
    assert Report(lines=1200, seconds=3.04).sentences() == "1,200 lines in 3.04 s"
    report = Report(*range(1, 17), seconds=0.5)
    assert report.sentences() == (
        "1 line in 0.50 s; 2 empty; 3 with invisible characters or decomposed letters, put right; "
        "4 longer than the model can read, split; 5 of several sentences, read sentence by "
        "sentence; 6 read as a whole, with fewer sentences in the output: some may be left out "
        "(--split sentences, or one a line); 7 longer than the model can read, 8 pieces cut; 9 "
        "pieces unknown to the model; 10 characters without a piece of their own, spelt in bytes: "
        "the model hardly knows them; 11 outputs empty though their line is not; 12 outputs cut "
        "off at the length limit, 13 of them repeating themselves; 14 outputs the same as their "
        "line; 15 unknown pieces in outputs, left out there; 16 broken or control "
        "characters in outputs"
    )


def test_the_report_speaks_of_one_thing_as_of_one() -> None:
    assert Report(*[1] * 19, seconds=0.5).sentences() == (
        "1 line in 0.50 s; 1 empty; 1 with invisible characters or decomposed letters, put right; "
        "1 longer than the model can read, split; 1 of several sentences, read sentence by "
        "sentence; 1 read as a whole, with fewer sentences in the output: some may be left out "
        "(--split sentences, or one a line); 1 longer than the model can read, 1 piece cut; "
        "1 sentence whose oldest context does not fit and was left out; 1 piece unknown to the "
        "model; 1 character without a piece of its own, spelt in bytes: the model hardly knows it; "
        "1 output empty though its line is not; 1 output cut off at the length limit, repeating "
        "itself; 1 output the same as its line; 1 unknown piece in outputs, left out there; "
        "1 broken or control character in outputs; 1 changed address or placeholder put back; "
        "1 address or placeholder missing or changed in outputs"
    )


def test_a_folder_is_loaded_with_the_search_it_asks_for(
    translator: Translator, tmp_path: Path
) -> None:
    save_model(translator.model, tmp_path / "best")
    translator.tokenizer.save(tmp_path / "best")
    for folder in (tmp_path, tmp_path / "best"):
        loaded = Translator.load(folder)
        assert loaded.options == DecodeOptions(beams=5, max_length=POSITIONS - 1)
        found = loaded.translate([LONG], OPTIONS)
        assert [one.text for one in found] == [one.text for one in translator.translate([LONG])]


def test_a_tokenizer_of_another_model_is_refused() -> None:
    with pytest.raises(ModelError, match="tokenizer has '15' pieces, the model '10'; needed the"):
        Translator(small_model(vocabulary=10), word_tokenizer())


def test_the_target_language_of_an_nllb_folder_is_forced(tmp_path: Path) -> None:
    folder = nllb(tmp_path / "nllb")
    with pytest.raises(
        ModelError, match=r"the source language is not given.*; needed two of the 3"
    ):
        Translator.load(folder)
    loaded = Translator.load(folder, source_language="eng_Latn", target_language="fra_Latn")
    tags = loaded.tokenizer.encode_target([""])[0]
    assert (loaded.options.first_id, loaded.options.beams) == (tags[0], 1)
    assert (loaded.languages, loaded.trained) == (("eng_Latn", "fra_Latn"), "sentences")
    config = folder / "tokenizer_config.json"
    said = {"src_lang": "eng_Latn", "tgt_lang": "deu_Latn"}
    config.write_text(json.dumps(json.loads(config.read_text()) | said), encoding="utf-8")
    (folder / "generation_config.json").write_text(json.dumps({"forced_bos_token_id": tags[0]}))
    stored = Translator.load(folder)
    assert stored.options.first_id == stored.tokenizer.first_id != tags[0]
    again = Translator.load(folder, target_language="fra_Latn")
    assert again.options.first_id == tags[0]


def test_a_folder_whose_search_names_pieces_that_do_not_exist_is_refused() -> None:
    options = DecodeOptions(forbidden=((99,),))
    with pytest.raises(ModelError, match="names piece '99', the model has 15; correct the file"):
        Translator(small_model(), word_tokenizer(), options)


@pytest.mark.parametrize(
    ("ids", "loops"),
    [([7] * 8, True), ([7] * 7, False), ([1, 2, *[3, 4] * 4], True), ([*[3, 4] * 4, 5], False),
     ([1, *[2, 3, 4] * 3], True), ([9, *[1, 2, 3, 4, 5] * 2], False), (list(range(40)), False),
     ([9, *list(range(12)) * 3], True), ([], False)],
)  # fmt: skip
def test_a_sequence_that_ends_in_turns_of_one_repeats(ids: list[int], loops: bool) -> None:
    assert repeats(ids) == loops


@pytest.mark.parametrize(
    ("text", "source", "copied"),
    [("a b c", "a  b c", True), ("a b", "a b", False), ("a b c", "a b d", False),
     ("我今天很高兴", "我今天很高兴", True), ("北京", "北京", False),
     ("https://a.b/c", "https://a.b/c", False)],
)  # fmt: skip
def test_a_copy_is_more_than_a_name(text: str, source: str, copied: bool) -> None:
    assert is_copy(text, source) == copied
