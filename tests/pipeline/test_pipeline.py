"""What goes in and comes out, what is said, and what is refused; the search is a translator's."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, GPT2Config

from seq2seq.decode.options import DecodeOptions
from seq2seq.errors import DataError, ModelError
from seq2seq.pipeline import Pipeline, pipeline
from seq2seq.translate import Translator
from tests.pipeline.families import POSITIONS, write_family
from tests.publish.small_models import random_text, small_folder

TEXTS = ["the red fox sees an old owl.", "a dog runs far from the owl", "an old dog"]
LONG = "The dog runs far. The red fox sees an old owl and the dog. An owl runs."
Find = Callable[[str], Path]
# Random models write on to their limit, and that is said.
pytestmark = pytest.mark.filterwarnings("ignore:pipeline. ")


@pytest.fixture(scope="module")
def marian(family_folder: Find) -> Pipeline:
    return pipeline("translation", family_folder("marian"), device=-1, max_length=9)


@pytest.fixture(scope="module")
def nllb(family_folder: Find) -> Pipeline:
    return pipeline("translation", family_folder("nllb"), device=-1, max_length=9)


@pytest.fixture(scope="module")
def t5(family_folder: Find) -> Pipeline:
    return pipeline("translation", family_folder("t5"), device=-1, max_length=9)


def plain(pipe: Pipeline, text: str, **options: Any) -> str:
    (answer,) = pipe(text, **options)
    (answer_text,) = answer.values()
    return answer_text


def test_a_string_a_list_and_a_generator_have_the_same_answers(marian: Pipeline) -> None:
    expected = [{"translation_text": plain(marian, text)} for text in TEXTS]
    assert marian(TEXTS) == marian(tuple(TEXTS)) == expected
    assert list(marian(text for text in TEXTS)) == [[one] for one in expected]
    assert len({str(one) for one in expected}) == len(TEXTS)
    assert marian([]) == []
    assert marian(["", *TEXTS]) == [{"translation_text": ""}, *expected]
    many = marian(TEXTS, num_return_sequences=2)
    assert [len(each) for each in many] == [2, 2, 2]
    assert [each[0] for each in many] == expected


@pytest.mark.parametrize(
    ("task", "key"),
    [
        ("translation", "translation_text"),
        ("translation_en_to_de", "translation_text"),
        ("summarization", "summary_text"),
        ("text2text-generation", "generated_text"),
    ],
)
def test_answers_are_named_after_the_task(task: str, key: str, family_folder: Find) -> None:
    pipe = pipeline(task, family_folder("marian"), device=-1)
    assert [list(one) for one in pipe("the dog", max_length=3)] == [[key]]


def test_a_generator_is_read_as_its_answers_are_asked_for(marian: Pipeline) -> None:
    read = []

    def texts() -> Iterator[str]:
        for text in TEXTS:
            read.append(text)
            yield text

    answers = marian(texts(), batch_size=2)
    assert read == []
    next(answers)
    assert read == TEXTS[:2]
    assert len(list(answers)) == 2


def test_a_run_of_ours_answers_as_its_translator_does(tmp_path: Path) -> None:
    folder = small_folder("m2m_100", tmp_path / "best")
    lines = random_text(8, seed=9)
    pipe = pipeline("translation", tmp_path, device=-1)
    found = [one["translation_text"] for one in pipe(lines)]
    assert found == [one.text for one in Translator.load(folder).translate(lines)]
    options = DecodeOptions(
        beams=3, length_penalty=0.5, max_length=8, min_length=4, no_repeat_ngram=2,
        early_stopping="never", n_best=2,
    )  # fmt: skip
    asked = {
        "num_beams": 3, "length_penalty": 0.5, "max_length": 9, "min_length": 5,
        "no_repeat_ngram_size": 2, "early_stopping": "never", "num_return_sequences": 2,
    }  # fmt: skip
    expected = Translator.load(folder).translate(lines, options)
    both = [[one["translation_text"] for one in each] for each in pipe(lines, **asked)]
    assert both == [[one.text for one in each.candidates] for each in expected]
    asked |= {"max_length": 30, "min_length": 0, "max_new_tokens": 8, "min_new_tokens": 4}
    assert pipe(lines, **asked) == pipe(lines, **asked, truncation=True)
    again = [[one["translation_text"] for one in each] for each in pipe(lines, **asked)]
    assert again == both, "the names without the start piece count more"


def test_calls_that_are_answered_in_turns_keep_their_languages(nllb: Pipeline) -> None:
    languages = [("eng_Latn", "fra_Latn"), ("deu_Latn", "eng_Latn")]
    asked = [{"src_lang": source, "tgt_lang": target} for source, target in languages]
    expected = [[plain(nllb, text, **one) for text in TEXTS] for one in asked]
    assert expected[0] != expected[1]
    answers = [nllb((text for text in TEXTS), **one) for one in asked]
    for place in range(len(TEXTS)):
        for found, texts in zip(answers, expected, strict=True):
            assert next(found) == [{"translation_text": texts[place]}]


def test_what_the_caller_has_loaded_stays_as_it_was(nllb: Pipeline, family_folder: Find) -> None:
    folder = family_folder("nllb")
    model = AutoModelForSeq2SeqLM.from_pretrained(folder)
    with pytest.raises(ModelError, match="a loaded model is given, needed its tokenizer too"):
        pipeline("translation", model)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with pytest.raises(ModelError, match="a tokenizer is given beside the name of a model"):
        pipeline("translation", folder, tokenizer=tokenizer)
    settings = model.generation_config
    said = settings.to_dict()
    before = tokenizer.src_lang, tokenizer.tgt_lang, tokenizer(TEXTS[0]).input_ids
    alone = model.generate(**tokenizer(TEXTS[0], return_tensors="pt")).tolist()
    languages = {"src_lang": "deu_Latn", "tgt_lang": "fra_Latn"}
    pipe = pipeline("translation", model, tokenizer=tokenizer, max_length=9, **languages)
    assert pipe(TEXTS) == nllb(TEXTS, **languages)
    assert model.generation_config is settings
    assert settings.to_dict() == said
    assert (tokenizer.src_lang, tokenizer.tgt_lang, tokenizer(TEXTS[0]).input_ids) == before
    assert model.generate(**tokenizer(TEXTS[0], return_tensors="pt")).tolist() == alone
    assert len(alone[0]) > 9, "else a limit left behind would not show"


def test_t5_is_told_the_languages_asked_for(t5: Pipeline, family_folder: Find) -> None:
    found = {}
    for target in ("de", "fr"):
        named = pipeline(f"translation_en_to_{target}", family_folder("t5"), device=-1)
        found[target] = named(TEXTS, max_length=9)
        assert t5(TEXTS, src_lang="en", tgt_lang=target) == found[target]
    assert found["de"] != found["fr"]
    with pytest.raises(ModelError, match="asked for is 'any to any'"):
        t5(TEXTS)
    untold = pipeline("text2text-generation", family_folder("t5"), device=-1, max_length=9)
    prefixed = [f"the dog: {text}" for text in TEXTS]
    summed = pipeline("summarization", family_folder("t5"), device=-1)
    told = Translator.load(family_folder("t5"), source_prefix="the dog: ").search(max_length=8)
    expected = Translator.load(family_folder("t5"), source_prefix="").translate(prefixed, told)
    assert [one["generated_text"] for one in untold(prefixed)] == [one.text for one in expected]
    with pytest.warns(UserWarning, match="task summarization of config.json: each text begins"):
        summed(TEXTS[0])


def test_what_is_not_plain_is_said(marian: Pipeline, family_folder: Find) -> None:
    expected = plain(marian, "The red fox")
    with pytest.warns(UserWarning, match="1 texts; 1 with invisible characters or decomposed"):
        assert plain(marian, "The r\u00aded\u200b fox") == expected
    assert plain(marian, "The\nred fox\n") == expected
    with pytest.warns(UserWarning, match="3 texts; 3 outputs cut off at the length limit"):
        marian(TEXTS, max_length=3)
    with pytest.warns(UserWarning, match="pipeline: 1 texts; 1 empty$"):
        assert marian([""]) == [{"translation_text": ""}]


def test_a_translator_says_the_target_language_to_every_part_too(family_folder: Find) -> None:
    parts = ["The dog runs far.", "The red fox sees an old owl and the dog.", "An owl runs."]
    translator = Translator.load(family_folder("marian"))
    options = DecodeOptions(beams=1, max_length_factor=0, max_length_offset=9)
    (whole,) = translator.translate([f">>fra<< {LONG}"], options, max_source_pieces=20)
    tagged, plain_ones = (
        [one.text for one in translator.translate([lead + part for part in parts], options)]
        for lead in (">>fra<< ", "")
    )
    assert whole.parts == 3
    assert whole.text == " ".join(tagged) != " ".join(plain_ones)


def test_long_text_is_split_for_a_translation(marian: Pipeline) -> None:
    with pytest.warns(UserWarning, match="1 texts; 1 longer than the model can read, split"):
        found = plain(marian, LONG.replace(". ", ", "), max_source_pieces=20)
    with pytest.raises(DataError, match="has '29' pieces, needed at most 20"):
        marian(LONG.replace(". ", ", "), max_source_pieces=20, long="refuse")
    assert len(found.split()) > 3


def test_long_text_is_refused_for_a_summary_unless_it_may_be_cut(family_folder: Find) -> None:
    pipe = pipeline("summarization", family_folder("bart"), device=-1, max_length=9, min_length=0)
    text = LONG.lower() * 2
    with pytest.raises(DataError, match=f"line 2 has '46' pieces, needed at most {POSITIONS}"):
        pipe([TEXTS[0], text])
    with pytest.warns(UserWarning, match=r"1 texts; 1 longer .*, 6 pieces cut"):
        found = pipe(text, truncation=True)
    assert found == pipe(text, long="truncate") != pipe(text, long="split")
    with pytest.raises(ModelError, match="truncation is 'True' and long is 'split', needed one"):
        pipe(text, truncation=True, long="split")


def test_a_prefix_that_leaves_no_room_is_refused(t5: Pipeline) -> None:
    with pytest.raises(DataError, match=r"cannot be split into parts of at most '4' pieces"):
        t5(LONG, src_lang="en", tgt_lang="fr", max_source_pieces=4)


def test_draws_are_those_of_torch(marian: Pipeline) -> None:
    def draw(seed: int) -> Any:
        torch.manual_seed(seed)
        return marian(TEXTS, do_sample=True, num_return_sequences=2, temperature=1.5)

    assert draw(1) == draw(1) != draw(2)
    with pytest.raises(ModelError, match="temperature, top_k: of a draw; needed do_sample=True"):
        marian(TEXTS, temperature=1.5, top_k=3)


def test_a_language_in_another_spelling_is_that_of_the_model_and_said(nllb: Pipeline) -> None:
    with pytest.warns(UserWarning, match="the target language 'fr' is 'fra_Latn' to this model"):
        found = nllb(TEXTS[0], src_lang="eng_Latn", tgt_lang="fr")
    assert found == nllb(TEXTS[0], src_lang="eng_Latn", tgt_lang="fra_Latn")
    with pytest.raises(ModelError, match="the target language is not given; needed two of the"):
        nllb(TEXTS[0], src_lang="eng_Latn")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"num_beam": 3}, "pipeline: option 'num_beam' is not taken; did you mean 'num_beams'"),
        ({"return_tensors": True}, "option 'return_tensors' is not taken; there are src_lang, tgt"),
        ({"num_beams": "4"}, "num_beams is '4': input should be a valid integer"),
        ({"top_p": 0}, "top_p is '0': input should be greater than 0"),
        ({"early_stopping": "no"}, "early_stopping is 'no', needed True, False or 'never'$"),
        ({"num_beams": 0, "long": "cut"}, "num_beams is '0': .*; long is 'cut': "),
    ],
)
def test_options_that_cannot_be_used_are_refused_at_once(
    options: dict[str, Any], problem: str, marian: Pipeline, family_folder: Find
) -> None:
    with pytest.raises(ModelError, match=problem):
        marian("the dog", **options)
    with pytest.raises(ModelError, match=problem):
        pipeline("translation", family_folder("marian"), device=-1, **options)


def test_what_is_no_text_is_refused(marian: Pipeline) -> None:
    with pytest.raises(DataError, match="input: text 2 is a 'int', needed a string"):
        marian(["the dog", 3])  # type: ignore[list-item]
    for wrong in (3, {"text": "the dog"}, b"the dog", None):
        with pytest.raises(DataError, match=r"input: a '.*', needed a text or texts"):
            marian(wrong)  # type: ignore[call-overload]


def test_tasks_and_models_that_do_not_serve_are_refused(
    family_folder: Find, tmp_path: Path
) -> None:
    folder = family_folder("marian")
    with pytest.raises(ModelError, match="task 'translate' is not known; did you mean 'translati"):
        pipeline("translate", folder)
    with pytest.raises(ModelError, match="no model is given, needed a folder or the name of a Hub"):
        pipeline("translation")
    with pytest.raises(ModelError, match="nobody/nothing: no such folder here, and the Hub does"):
        pipeline("translation", "nobody/nothing")
    GPT2Config().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="a model of type 'gpt2', needed an encoder-decoder"):
        pipeline("translation", tmp_path)


def test_a_folder_with_gaps_is_refused(tmp_path: Path) -> None:
    folder = write_family("bart", tmp_path)
    (folder / "vocab.json").rename(folder / "kept.json")
    (folder / "merges.txt").unlink()
    with pytest.raises(ModelError, match="cannot be opened, needed a complete model folder"):
        pipeline("summarization", folder)("the dog")
    weights = load_file(folder / "model.safetensors")
    del weights["model.encoder.layers.0.fc1.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="1 weights are missing, such as 'model"):
        pipeline("summarization", folder)
