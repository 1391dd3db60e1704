"""The words that name a task before every source: from the recipe to whoever loads the model."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from seq2seq.doctor import examine_run
from seq2seq.errors import RecipeError
from seq2seq.pipeline import pipeline
from seq2seq.publish.card import render_card
from seq2seq.publish.export import export
from seq2seq.publish.facts import read_facts
from seq2seq.publish.page.writer import Writer
from seq2seq.recipe_file import parse_recipe
from seq2seq.run import Run
from seq2seq.stock_tokenizer import StockTokenizer, open_tokenizer
from seq2seq.task_prefix import prefix_for_training, store_task, stored_task
from seq2seq.tokenizer_like import as_read
from seq2seq.train.finish import save_best
from seq2seq.train.pretrained import open_pretrained
from seq2seq.train.run import train
from seq2seq.translate import Translator
from tests.pipeline.families import write_family
from tests.publish.small_models import write_pairs
from tests.stock_layouts import opus_mt
from tests.stock_layouts import write_pairs as write_sentences

PREFIX = "the dog: "
RECIPE = """
init = "{init}"
source_language = "en"
target_language = "{target}"
[data]
folder = "{folder}"
cache = "{folder}/cache"
cleaning = {{ max_source_pieces = 32, max_target_pieces = 32 }}
train = [{{ file = "train.tsv", source_field = "1", target_field = "2" }}]
dev = {{ file = "dev.tsv", source_field = "1", target_field = "2" }}
test = {{ words = {{ file = "dev.tsv", source_field = "1", target_field = "2" }} }}
[train]
steps = 3
batch_tokens = 320
warmup_steps = 1
validate_every_steps = 3
precision = "fp32"
validation_beams = 1
[decode]
beams = 2
max_length_factor = 0.01
max_length_extra = 12
"""


def write_recipe(folder: Path, init: Path, *, target: str = "de", first: str = "") -> Path:
    write_pairs(folder / "train.tsv", 60)
    write_pairs(folder / "dev.tsv", 20)
    path = folder / "prefix.toml"
    text = first + RECIPE.format(init=init, folder=folder, target=target)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def t5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows a prefix for German, one for French and one for summaries."""
    return write_family("t5", tmp_path_factory.mktemp("published") / "t5")


@pytest.fixture(scope="module")
def run(t5: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """T5 trained further on German, without a word of a prefix in the recipe."""
    folder = tmp_path_factory.mktemp("trained")
    return train(write_recipe(folder, t5), run_folder=folder / "run").run


def sources_of(run: Run, name: str) -> list[str]:
    text = (run.folder.parent / name).read_text(encoding="utf-8")
    return [line.split("\t")[0] for line in text.splitlines()]


def generated(folder: Path, texts: list[str]) -> list[str]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    inputs = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        rows = model.generate(**inputs, max_new_tokens=12, max_length=None)
    return [text.strip() for text in tokenizer.batch_decode(rows, skip_special_tokens=True)]


def test_training_reads_every_source_behind_the_prefix(run: Run) -> None:
    assert run.read_recipe().source_prefix == PREFIX
    longest = next(one for one in examine_run(run.folder).lengths if one.side == "source")
    stock = AutoTokenizer.from_pretrained(run.best)
    sources = sources_of(run, "train.tsv")
    counts = [len(ids) for ids in stock([PREFIX + text for text in sources]).input_ids]
    assert longest.longest == max(counts)
    bare = [len(ids) for ids in stock(sources).input_ids]
    lines = map(json.loads, run.metrics.read_text(encoding="utf-8").splitlines())
    assert max(counts) > max(bare)
    assert json.loads(run.data_report.read_text())["round_trip"]["exact"] > 0
    assert [line["step"] for line in lines if line["kind"] == "dev"] == [3]


def test_scores_and_whoever_loads_the_model_read_it_too(run: Run) -> None:
    sources = sources_of(run, "dev.tsv")
    wanted = generated(run.best, [PREFIX + text for text in sources])
    assert wanted != generated(run.best, sources), "the prefix matters"
    found = (run.folder / "translations" / "words.txt").read_text(encoding="utf-8").splitlines()
    assert [text.strip() for text in found] == wanted
    for folder in (run.folder, run.best):
        translator = Translator.load(folder)
        said = translator.search(max_length=12)
        assert [one.text for one in translator.translate(sources, said, split="long")] == wanted
        assert any(f"each text begins with '{PREFIX}'" in one for one in translator.remarks)
    answer = pipeline("translation_en_to_de", model=str(run.best))
    texts = answer(sources, max_new_tokens=12, num_beams=2)
    assert [one["translation_text"].strip() for one in texts] == wanted
    spoken = Translator.load(run.folder)
    assert [spoken.tokenizer.encode([t]) for t in sources] == [
        spoken.tokenizer.encode([PREFIX + t]) for t in sources
    ], "it is said once"


def test_the_saved_folder_has_the_task_that_was_trained_and_no_other(run: Run, t5: Path) -> None:
    tasks = json.loads((run.best / "config.json").read_text())["task_specific_params"]
    assert tasks == {"translation_en_to_de": {"prefix": PREFIX}}
    before = json.loads((t5 / "config.json").read_text())["task_specific_params"]
    assert len(before) == 3
    assert stored_task(run.best, "translation", (None, None)).search == {}


def test_card_and_page_say_it_to_those_who_use_stock_classes(run: Run) -> None:
    text = "an old owl runs"
    stock = AutoTokenizer.from_pretrained(run.best)
    written = Writer.load(str(run.best)).write(text)
    assert written is not None
    assert list(written.parts[0].source) == stock(PREFIX + text).input_ids
    card = render_card(read_facts(run), "owner/name", license="mit")
    assert f'texts = ["{PREFIX}Replace this by your own text."]' in card
    assert f"Every text begins with `{PREFIX}`, as in training." in card


def test_tasks_of_the_first_publisher_do_not_outlive_training(tmp_path: Path) -> None:
    """They would count more than the search that the finished folder asks for."""
    path = tmp_path / "config.json"
    path.write_text('{"task_specific_params": {"summarization": {"num_beams": 9}}, "a": 1}')
    store_task(tmp_path, "", "summarization", ("en", "en"))
    assert json.loads(path.read_text()) == {"task_specific_params": None, "a": 1}
    store_task(tmp_path, "x: ", "translation", ("pt_BR", "en"))
    assert stored_task(tmp_path, "translation", ("pt-BR", None)).prefix == "x: "
    path.write_text('{"a": 1}')
    store_task(tmp_path, "", "summarization", ("en", "en"))
    assert path.read_text() == '{"a": 1}'


def test_a_prefix_is_taken_from_the_model_only_where_it_has_one(t5: Path, tmp_path: Path) -> None:
    assert prefix_for_training(t5, "translation", ("en", "fr")) == ("an owl: ", "")
    assert prefix_for_training(t5, "summarization", ("en", "en")) == ("a red fox: ", "")
    prefix, remark = prefix_for_training(t5, "translation", ("en", "vi"))
    assert prefix == ""
    assert remark == (
        "its config.json has prefixes for translation_en_to_de, translation_en_to_fr, none for en "
        "to vi: sources get none; source_prefix adds one"
    )
    (tmp_path / "config.json").write_text("{}")
    assert prefix_for_training(tmp_path, "translation", ("en", "vi")) == ("", "")


@pytest.fixture
def opened(t5: Path, tmp_path: Path) -> Callable[..., Any]:
    def open_init(init: Path = t5, **keys: Any) -> Any:
        file = {"file": "some.tsv"}
        content = {
            "init": str(init), "source_language": "en", "target_language": "de",
            "data": {"train": [file], "dev": file,
                     "cleaning": {"max_source_pieces": 24, "max_target_pieces": 24}},
        }  # fmt: skip
        recipe = parse_recipe(content | keys, where="test")
        return open_pretrained(recipe, str(init), Run(tmp_path / "run"))

    return open_init


def test_the_recipe_has_the_last_word(opened: Callable[..., Any]) -> None:
    recipe, pretrained = opened(source_prefix="an owl: ")
    assert recipe.source_prefix == "an owl: "
    assert "; each source begins with 'an owl: '" in pretrained.to_text()
    recipe, pretrained = opened(source_prefix="")
    assert recipe.source_prefix == ""
    assert "begins with" not in pretrained.to_text()
    recipe, pretrained = opened(target_language="vi")
    assert recipe.source_prefix is None
    assert "none for en to vi: sources get none" in pretrained.to_text()


def test_a_run_that_began_without_a_prefix_goes_on_without(
    opened: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, _ = opened(source_prefix="")
    run = Run(tmp_path / "run")
    content = json.loads(recipe.model_dump_json())
    del content["source_prefix"]  # as an earlier version wrote it
    run.recipe.write_text(json.dumps(content))
    monkeypatch.setattr("seq2seq.train.pretrained.steps_saved", lambda folder: [1])
    resumed, pretrained = opened()
    assert resumed.source_prefix is None
    assert pretrained.tokenizer.lead("") == ""


def test_models_that_are_told_otherwise_refuse_a_prefix(
    opened: Callable[..., Any], tmp_path: Path
) -> None:
    nllb = write_family("nllb", tmp_path / "nllb")
    with pytest.raises(RecipeError, match="source_prefix = 'x: ': that model is told nothing by"):
        opened(nllb, source_prefix="x: ", source_tag="eng_Latn", target_tag="deu_Latn")
    with pytest.raises(RecipeError, match="source_prefix is for the tokenizer of 'init', which"):
        parse_recipe(
            {"source_language": "en", "target_language": "de", "source_prefix": "x: ",
             "data": {"train": [{"file": "a"}], "dev": {"file": "a"}}},
            where="test",
        )  # fmt: skip


def test_an_opus_model_of_several_targets_takes_its_tag_as_prefix(
    opened: Callable[..., Any], tmp_path: Path
) -> None:
    folder = write_family("marian", tmp_path / "opus")
    _, pretrained = opened(folder, source_prefix=">>fra<< ")
    tokenizer = pretrained.tokenizer
    assert tokenizer.encode(["the fox"]) == tokenizer.encode([">>fra<< the fox"])
    assert tokenizer.encode([">>deu<< the fox"]) != tokenizer.encode(["the fox"]), "its own counts"
    assert tokenizer.lead(">>deu<< the fox") == ">>deu<< "
    assert "begin each source" not in pretrained.to_text()


def test_a_language_that_is_asked_for_counts_more_than_a_stored_task(tmp_path: Path) -> None:
    folder = write_family("marian", tmp_path / "opus")
    config = json.loads((folder / "config.json").read_text())
    config["task_specific_params"] = {"translation": {"prefix": "an owl: "}}
    (folder / "config.json").write_text(json.dumps(config))
    asked = Translator.load(folder, target_language="fra").tokenizer
    assert asked.lead("") == ">>fra<< "
    assert asked.encode(["the fox"]) == asked.encode([">>fra<< the fox"])


def test_an_export_to_ctranslate2_says_it_too(opened: Callable[..., Any], tmp_path: Path) -> None:
    recipe, pretrained = opened(opus_mt(tmp_path / "opus"), source_prefix="the robot ")
    run, pairs = Run(tmp_path / "run"), tmp_path / "pairs.tsv"
    save_best(run, pretrained.model(), pretrained.tokenizer, recipe)
    write_sentences(pairs, 40)
    export(run.best, "ctranslate2", out=tmp_path / "out", pairs=pairs)
    texts = [line.split("\t")[0] for line in pairs.read_text(encoding="utf-8").splitlines()[:6]]
    told = Translator.load(tmp_path / "out")
    assert told.tokenizer.lead("") == "the robot "
    wanted = Translator.load(run.best).translate(texts, split="long")
    assert [one.text for one in told.translate(texts, split="long")] == [one.text for one in wanted]
    bare = Translator.load(tmp_path / "out", source_prefix="").translate(texts, split="long")
    assert [one.text for one in bare] != [one.text for one in wanted]


def test_a_prefix_is_another_tokenizer_to_whoever_keeps_encoded_text(t5: Path) -> None:
    plain, told = (open_tokenizer(t5) for _ in range(2))
    assert isinstance(told, StockTokenizer)
    told.begin_with(PREFIX)
    assert plain.fingerprint != told.fingerprint
    assert told.encode(["the fox", ""]) == plain.encode([f"{PREFIX}the fox", ""])
    assert as_read(told, "") == ""
    text = "the fox sees"
    (places,), (bare,) = told.spans([text]), plain.spans([text])
    assert {place for place in places if place != (0, 0)} >= set(bare[1:-1])
    assert len(places) > len(bare)
