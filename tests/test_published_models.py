"""Models as they are published answer text as ``generate`` of transformers does.

Folders of every family come from ``tests/pipeline/families.py``; their weights are random.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from seq2seq.decode.options import Sampling
from seq2seq.engines.native import NativeEngine
from seq2seq.engines.stock import StockEngine
from seq2seq.errors import ModelError
from seq2seq.language_tags import tag_of, tags_of
from seq2seq.model_report import examine_model
from seq2seq.probe.model.loading import open_stock
from seq2seq.stock_tokenizer import open_tokenizer
from seq2seq.task_prefix import stored_task
from seq2seq.translate import Translator
from seq2seq.translated import on_one_line
from tests.pipeline.families import SIZES, write_family, write_json

TEXTS = ["the red fox sees an old owl", "a dog", "an owl runs far from the dog"]
LIMIT = 16
FEW = 2  # enough to see which piece begins an output, and what follows it
TAGGED = {"nllb": ("eng_Latn", "fra_Latn"), "m2m_100": ("en", "fr"), "mbart50": ("en_XX", "fr_XX")}


def generated(
    folder: Path, texts: Sequence[str], *, languages: tuple[str, str] | None = None, **asked: Any
) -> list[str]:
    """What anybody gets from the two stock classes."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    # It would replace the last piece of an output that is cut off, which ours keeps.
    model.generation_config.forced_eos_token_id = None
    if languages is not None:
        tokenizer.src_lang = languages[0]
        tag = tag_of(tokenizer, languages[1])
        asked["forced_bos_token_id"] = tokenizer.convert_tokens_to_ids(tag)
    inputs = tokenizer(list(texts), padding=True, return_tensors="pt")
    if model.config.model_type == "led":  # without a piece that sees all, windows know no whole
        inputs["global_attention_mask"] = torch.zeros_like(inputs["input_ids"])
        inputs["global_attention_mask"][:, 0] = 1
    with torch.no_grad():
        found = model.generate(**inputs, max_length=LIMIT + 1, **asked)
    return [on_one_line(one) for one in tokenizer.batch_decode(found, skip_special_tokens=True)]


def translated(translator: Translator, texts: Sequence[str], **asked: Any) -> list[str]:
    options = translator.search(**({"max_length": LIMIT} | asked))
    return [one.text for one in translator.translate(texts, options, split="long")]


def languages_of(folder: Path) -> list[str]:
    return sorted(tags_of(AutoTokenizer.from_pretrained(folder)))


@pytest.mark.parametrize("family", TAGGED)
def test_every_language_is_forced_as_generate_forces_it(
    family: str, family_folder: Callable[[str], Path]
) -> None:
    folder, (source, _) = family_folder(family), TAGGED[family]
    known = languages_of(folder)
    assert len(known) == {"nllb": 202, "m2m_100": 100, "mbart50": 52}[family]
    outputs = set()
    for language in known[:: len(known) // 4]:
        translator = Translator.load(
            folder, device="cpu", source_language=source, target_language=language
        )
        found = translated(translator, TEXTS)
        assert found == generated(folder, TEXTS, languages=(source, language)), language
        outputs.update(found)
    assert len(outputs) > len(TEXTS), "else no language would matter"
    kind = StockEngine if family == "mbart50" else NativeEngine
    assert isinstance(translator.engine, kind)


@pytest.mark.slow
@pytest.mark.parametrize("family", TAGGED)
def test_all_languages_are_forced_as_generate_forces_them(
    family: str, family_folder: Callable[[str], Path]
) -> None:
    folder, (source, _) = family_folder(family), TAGGED[family]
    translator = Translator.load(
        folder, device="cpu", source_language=source, target_language=source
    )
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.src_lang = source
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    model.generation_config.forced_eos_token_id = None
    start, languages = model.config.decoder_start_token_id, languages_of(folder)
    firsts = [tokenizer.convert_tokens_to_ids(tag_of(tokenizer, one)) for one in languages]
    inputs = tokenizer(TEXTS * len(languages), padding=True, return_tensors="pt")
    forced = torch.tensor([[start, first] for first in firsts for _ in TEXTS])
    with torch.no_grad():  # of all languages in one batch
        theirs = model.generate(**inputs, decoder_input_ids=forced, max_length=FEW + 1)
    wanted = [row[: row.index(2) + 1] if 2 in row else row for row in theirs[:, 1:].tolist()]
    for place, (language, first) in enumerate(zip(languages, firsts, strict=True)):
        assert open_tokenizer(folder, languages=(source, language)).first_id == first
        options = replace(translator.search(max_length=FEW), first_id=first)
        found = translator.engine.search(translator.tokenizer.encode(TEXTS), options)
        expected = wanted[len(TEXTS) * place :][: len(TEXTS)]
        assert [list(one[0].ids) for one in found] == expected, language


@pytest.mark.parametrize("family", TAGGED)
def test_the_language_of_the_source_is_said_as_the_tokenizer_says_it(
    family: str, family_folder: Callable[[str], Path]
) -> None:
    folder, (one, target) = family_folder(family), TAGGED[family]
    other = languages_of(folder)[3]
    found = []
    for source in (one, other):
        translator = Translator.load(folder, source_language=source, target_language=target)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokenizer.src_lang = source
        assert translator.tokenizer.encode(TEXTS) == tokenizer(TEXTS)["input_ids"]
        found.append(translator.tokenizer.encode(TEXTS))
    assert found[0] != found[1]


@pytest.mark.parametrize("family", TAGGED)
def test_a_language_may_be_spelt_in_any_usual_way_and_what_was_taken_is_said(
    family: str, family_folder: Callable[[str], Path]
) -> None:
    folder, (source, target) = family_folder(family), TAGGED[family]
    plain = Translator.load(folder, source_language=source, target_language=target)
    assert not any("to this model" in remark for remark in plain.remarks)
    for english, french in (("en", "fr"), ("eng_Latn", "fra_Latn"), ("en_XX", "fr-FR")):
        other = Translator.load(folder, source_language=english, target_language=french)
        assert other.tokenizer.first_id == plain.tokenizer.first_id
        assert other.tokenizer.encode(TEXTS) == plain.tokenizer.encode(TEXTS)
        taken = [one for one in other.remarks if "to this model" in one]
        assert len(taken) == (english != source) + (french != target)
        if french != target:
            assert f"the target language '{french}' is '{target}' to this model" in taken
    problem = rf"the target language is 'xx'; needed two of .*it knows .*{target}"
    with pytest.raises(ModelError, match=problem):
        Translator.load(folder, source_language=source, target_language="xx")


FAMILIES = {
    "t5": {"source_language": "en", "target_language": "fr"},
    "bart": {},
    "pegasus": {},
    "led": {},
    "mbart50": {"source_language": "en", "target_language": "fr"},
}
SEARCHES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"beams": 3, "length_penalty": 2.0}, {"num_beams": 3, "length_penalty": 2.0}),
    ({"beams": 2, "no_repeat_ngram": 2}, {"num_beams": 2, "no_repeat_ngram_size": 2}),
    ({"beams": 1, "min_length": 9}, {"num_beams": 1, "min_new_tokens": 9}),
]


@pytest.mark.parametrize("family", FAMILIES)
def test_families_that_are_not_ours_are_run_by_their_own_class(
    family: str, family_folder: Callable[[str], Path]
) -> None:
    folder = family_folder(family)
    translator = Translator.load(folder, device="cpu", **FAMILIES[family])  # type: ignore[arg-type]
    assert any(one.endswith("of transformers") for one in translator.remarks)
    texts = [f"an owl: {text}" for text in TEXTS] if family == "t5" else TEXTS
    task = {"num_beams": 3, "early_stopping": True} if family == "t5" else {}
    languages = ("en_XX", "fr_XX") if family == "mbart50" else None
    for ours, theirs in SEARCHES:
        found = translated(translator, TEXTS, **ours)
        wanted = generated(folder, texts, languages=languages, **(task | theirs))
        assert found == [text.strip() for text in wanted], ours
    assert len(set(found)) > 1


def test_a_model_reads_and_writes_as_much_as_it_has_positions_for(
    family_folder: Callable[[str], Path],
) -> None:
    engine = StockEngine.load(family_folder("led"))
    assert (engine.positions, engine.target_positions) == (96, 32)
    translator = Translator.load(family_folder("led"), work="summarization")
    (one,) = translator.translate([" ".join(TEXTS * 4)], translator.search(max_length=31))
    assert one.parts == 1
    assert not one.dropped
    assert (
        SIZES["max_position_embeddings"] == StockEngine.load(family_folder("bart")).target_positions
    )


def test_what_a_model_is_told_in_the_text_is_said_and_can_be_changed(
    family_folder: Callable[[str], Path],
) -> None:
    folder = family_folder("t5")
    told = Translator.load(folder, source_language="en", target_language="deu")
    said = "task translation_en_to_de of config.json: each text begins with 'the dog: ', num_beams"
    assert any(one.startswith(said) for one in told.remarks)
    assert (told.options.beams, told.options.max_length) == (2, 8)
    own = Translator.load(folder, source_prefix="the dog: ")
    assert own.tokenizer.lead("a")
    assert translated(own, TEXTS, beams=2) == translated(told, TEXTS)
    bare = Translator.load(folder, source_prefix="")
    assert translated(bare, TEXTS, beams=2) != translated(told, TEXTS)
    assert translated(bare, [f"the dog: {text}" for text in TEXTS], beams=2) == translated(
        told, TEXTS
    )
    summary = Translator.load(folder, work="summarization")
    assert summary.options.no_repeat_ngram == 3
    problem = "knows the tasks translation_en_to_de, translation_en_to_fr, asked for is 'any to vi'"
    with pytest.raises(ModelError, match=problem):
        Translator.load(folder, target_language="vi")
    with pytest.raises(ModelError, match="asked for is 'any to any'; needed --source-language"):
        Translator.load(folder)


def test_a_configuration_without_tasks_says_nothing(tmp_path: Path) -> None:
    for content in ({}, {"task_specific_params": None}, {"task_specific_params": {"other": {}}}):
        (tmp_path / "config.json").write_text(json.dumps(content))
        assert stored_task(tmp_path, "translation", ("en", "de")).remark == ""


def test_mbart_of_25_languages_is_refused_with_what_runs_it(
    family_folder: Callable[[str], Path],
) -> None:
    with pytest.raises(ModelError, match=r"an empty text becomes .*mBART of 25 languages"):
        Translator.load(family_folder("mbart"), source_language="en_XX", target_language="ro_RO")


@pytest.mark.parametrize(
    "asked",
    [
        {"beams": 4, "min_length": 5, "n_best": 3},
        {"beams": 1, "forced_prefix": "the dog"},
        {"beams": 3, "forced_prefix": "an owl", "n_best": 3, "length_penalty": 0.5},
        {"sampling": Sampling(temperature=0.8, top_k=20, seed=4), "n_best": 2},
        {"sampling": Sampling(top_p=0.7), "forced_prefix": "the dog", "min_length": 6},
    ],
    ids=str,
)
def test_both_engines_do_the_same_with_every_option(
    asked: dict[str, Any], family_folder: Callable[[str], Path]
) -> None:
    found = []
    for engine in ("native", "transformers"):
        translator = Translator.load(
            family_folder("nllb"), engine=engine, source_language="en", target_language="fr",  # type: ignore[arg-type]
        )  # fmt: skip
        options = translator.search(**({"max_length": LIMIT} | asked))
        found.append(translator.translate(TEXTS, options, split="long"))
    for ours, theirs in zip(*found, strict=True):
        assert [one.text for one in ours.candidates] == [one.text for one in theirs.candidates]
        for one, other in zip(ours.candidates, theirs.candidates, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-4)
            assert one.log_probability == pytest.approx(other.log_probability, abs=1e-4)
        if "forced_prefix" in asked:
            assert ours.text.startswith(asked["forced_prefix"])


def test_a_prefix_begins_the_first_part_of_a_text_alone(
    family_folder: Callable[[str], Path],
) -> None:
    translator = Translator.load(family_folder("nllb"), source_language="en", target_language="fr")
    options = translator.search(beams=1, max_length=LIMIT, forced_prefix="the dog")
    parts = ["a dog runs.", "an owl."]
    (whole,) = translator.translate([" ".join(parts)], options, split="sentences")
    plain = replace(options, prefix=())
    first, second = (
        translator.translate([part], asked)[0].text
        for part, asked in zip(parts, (options, plain), strict=True)
    )
    assert whole.parts == 2
    assert whole.text == f"{first} {second}".strip()
    with pytest.raises(ModelError, match="forced prefix '日': it holds characters that the model"):
        translator.search(forced_prefix="日")
    with pytest.raises(ModelError, match="max_length is '2', and outputs are to begin with 3 piec"):
        translator.search(beams=1, max_length=2, forced_prefix="the dog")


def test_a_folder_of_any_family_says_what_it_lacks(
    family_folder: Callable[[str], Path], tmp_path: Path
) -> None:
    shutil.copytree(family_folder("bart"), tmp_path / "bart")
    (tmp_path / "bart" / "vocab.json").unlink()
    (tmp_path / "bart" / "merges.txt").unlink()
    with pytest.raises(ModelError, match="bart: cannot be opened, needed a complete model folder"):
        Translator.load(tmp_path / "bart")


@pytest.mark.parametrize("family", ["mbart50", "t5", "bart", "pegasus"])
def test_a_special_piece_that_a_user_typed_ends_nothing(
    family: str, family_folder: Callable[[str], Path]
) -> None:
    tokenizer = open_tokenizer(family_folder(family), languages=("en_XX", "fr_XX"))
    (frame,) = tokenizer.encode([""])
    for text in ("a </s> dog", "a <pad> dog", "<s>an owl", "an owl<unk>"):
        (ids,) = tokenizer.encode([text])
        special = {tokenizer.eos_id, tokenizer.pad_id, *frame}
        assert [one for one in ids if one in special] == frame, text
        assert len(ids) > len(frame) + 2


@pytest.mark.parametrize("read", [Translator.load, open_stock])
def test_weights_outside_a_folder_are_not_read(read: Any, tmp_path: Path) -> None:
    folder = write_family("bart", tmp_path / "bart")
    (folder / "model.safetensors").rename(tmp_path / "other.safetensors")
    with safe_open(tmp_path / "other.safetensors", "pt") as file:
        names = dict.fromkeys(file.keys(), "../other.safetensors")
    write_json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": names})
    with pytest.raises(ModelError, match=r"names '\.\./other.safetensors', a file of the folder"):
        read(folder)


def test_a_model_is_looked_at_without_its_weights(family_folder: Callable[[str], Path]) -> None:
    found = examine_model(family_folder("nllb"))
    assert (found.engine, len(found.languages), found.reads) == ("native", 202, 40)
    own = AutoModelForSeq2SeqLM.from_pretrained(family_folder("nllb"))
    assert found.parameters == sum(one.numel() for one in own.parameters())
    t5, led = examine_model(family_folder("t5")), examine_model(family_folder("led"))
    assert t5.tasks["translation_en_to_fr"] == "an owl: "
    assert (led.engine, led.reads, led.writes) == ("transformers", 96, 32)
    assert "needs --source-language" in found.to_text()
    assert "task translation_en_to_fr: each text begins with 'an owl: '" in t5.to_text()
    assert found.to_json()["commit"] is None
