"""A tag for a language that a model of many languages does not know."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from seq2seq.errors import RecipeError
from seq2seq.recipe import Recipe
from seq2seq.recipe_file import parse_recipe
from seq2seq.run import Run
from seq2seq.train.finish import save_best
from seq2seq.train.pretrained import Pretrained, open_pretrained
from seq2seq.train.run import train
from seq2seq.translate import Translator
from seq2seq.translated import on_one_line
from tests import stock_layouts
from tests.pipeline.families import write_family
from tests.publish.small_models import random_text, write_pairs

# How to make a folder; code of the new language, of its relative and of the source; rows to spare.
LAYOUTS: dict[str, tuple[Callable[[Path], Path], tuple[str, str, str], int]] = {
    "nllb of sentencepiece": (stock_layouts.nllb, ("nds_Latn", "deu_Latn", "eng_Latn"), 2),
    "nllb": (lambda folder: write_family("nllb", folder), ("nds_Latn", "deu_Latn", "eng_Latn"), 0),
    "m2m100": (lambda folder: write_family("m2m_100", folder), ("nds", "de", "en"), 8),
    "mbart50": (lambda folder: write_family("mbart50", folder), ("nds_DE", "de_DE", "en_XX"), 0),
}
TEXTS = random_text(8, seed=3)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("published")
    return {name: make(root / name) for name, (make, _, _) in LAYOUTS.items()}


def recipe_for(init: Path, codes: tuple[str, str, str], **keys: Any) -> Recipe:
    new, like, source = codes
    file = {"file": "some.tsv"}
    content = {
        "init": str(init), "source_language": "en", "target_language": "nds",
        "source_tag": source, "target_tag": new, "new_language": {"code": new, "like": like},
        "data": {"train": [file], "dev": file,
                 "cleaning": {"max_source_pieces": 24, "max_target_pieces": 12}},
        "decode": {"beams": 2},
    }  # fmt: skip
    return parse_recipe(content | keys, where="test")


def rows_of(folder: Path) -> torch.Tensor:
    model = AutoModelForSeq2SeqLM.from_pretrained(folder)
    embedding = model.get_input_embeddings().weight
    assert model.get_output_embeddings().weight.data_ptr() == embedding.data_ptr(), "tied"
    return embedding.detach()


def forced(folder: Path, texts: Sequence[str], number: int) -> list[str]:
    """What anybody gets who asks stock classes for a language."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    model.generation_config.forced_eos_token_id = None
    inputs = tokenizer(list(texts), padding=True, return_tensors="pt")
    with torch.no_grad():
        rows = model.generate(**inputs, forced_bos_token_id=number)
    return [on_one_line(one) for one in tokenizer.batch_decode(rows, skip_special_tokens=True)]


def translated(folder: Path, texts: Sequence[str], target: str) -> list[str]:
    translator = Translator.load(folder, target_language=target)
    return [one.text for one in translator.translate(texts, split="long")]


def saved(name: str, folders: dict[str, Path], folder: Path, **keys: Any) -> tuple[Run, Pretrained]:
    """A run as it begins and ends without an update."""
    run = Run(folder / "run")
    recipe = recipe_for(folders[name], LAYOUTS[name][1], **keys)
    recipe, pretrained = open_pretrained(recipe, str(recipe.init), run)
    save_best(run, pretrained.model(), pretrained.tokenizer, recipe)
    return run, pretrained


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_new_language_begins_as_its_relative_and_nothing_else_changes(
    name: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    _, (new, like, source), spare = LAYOUTS[name]
    run, pretrained = saved(name, folders, tmp_path)
    before, after = rows_of(folders[name]), rows_of(run.best)
    old, stock = (AutoTokenizer.from_pretrained(one) for one in (folders[name], run.best))
    tag, relative = (f"__{one}__" if name == "m2m100" else one for one in (new, like))
    number = stock.convert_tokens_to_ids(tag)
    assert number == len(before) - spare, "behind all other pieces"
    assert len(after) == max(len(before), number + 1)
    torch.testing.assert_close(after[number], before[old.convert_tokens_to_ids(relative)])
    others = [row for row in range(len(before)) if row != number]
    assert torch.equal(after[others], before[others])
    assert stock(TEXTS).input_ids == old(TEXTS).input_ids
    assert {**old.get_vocab()}.items() <= {**stock.get_vocab()}.items()
    assert f"its new tag {new} is piece {number:,} and begins with the row of" in (
        pretrained.to_text()
    )
    settings = json.loads((run.best / "generation_config.json").read_text())
    assert settings["forced_bos_token_id"] == number
    published = json.loads((folders[name] / "config.json").read_text())
    now = json.loads((run.best / "config.json").read_text())
    changed = {key for key, value in published.items() if now.get(key) != value}
    assert changed <= {"vocab_size", "encoder_layerdrop", "decoder_layerdrop", "dtype"}

    outputs = []
    for code, piece in ((new, number), (like, stock.convert_tokens_to_ids(relative))):
        wanted = forced(run.best, TEXTS, piece)
        assert translated(run.best, TEXTS, code) == wanted
        outputs.append(wanted)
    # The planted signal: what begins as its relative writes as its relative, and no other does.
    assert outputs[0] == outputs[1]
    assert len(set(outputs[0])) > 1
    other = "__en__" if name == "m2m100" else source
    assert outputs[0] != forced(run.best, TEXTS, stock.convert_tokens_to_ids(other))


def test_without_a_relative_it_begins_as_the_mean_of_all_languages(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    name = "nllb of sentencepiece"
    run, pretrained = saved(name, folders, tmp_path, new_language={"code": "nds_Latn"})
    before, after = rows_of(folders[name]), rows_of(run.best)
    stock = AutoTokenizer.from_pretrained(run.best)
    languages = stock.convert_tokens_to_ids(list(stock_layouts.TAGS))
    torch.testing.assert_close(
        after[stock.convert_tokens_to_ids("nds_Latn")], before[languages].mean(0)
    )
    assert "begins with the mean of the rows of 3 languages" in pretrained.to_text()


def test_a_resumed_run_has_the_row_from_its_checkpoint(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = saved("nllb", folders, tmp_path)
    monkeypatch.setattr("seq2seq.train.pretrained.steps_saved", lambda folder: [1])
    recipe = recipe_for(folders["nllb"], LAYOUTS["nllb"][1])
    _, pretrained = open_pretrained(recipe, str(recipe.init), run)
    assert pretrained.row is None
    assert pretrained.model().module.config.vocab_size == len(rows_of(run.best))
    assert "new tag" not in pretrained.to_text()


def test_what_cannot_be_added_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    def refused(name: str, **keys: Any) -> str:
        recipe = recipe_for(folders.get(name) or tmp_path / name, LAYOUTS["nllb"][1], **keys)
        with pytest.raises(RecipeError) as caught:
            open_pretrained(recipe, str(recipe.init), Run(tmp_path / "run"))
        return str(caught.value)

    write_family("bart", tmp_path / "bart")
    assert "its tokenizer has no language tags" in refused("bart")
    known = {"new_language": {"code": "fra_Latn"}, "target_tag": "fra_Latn"}
    assert "'fra_Latn': that model knows this language already" in refused("nllb", **known)
    assert "source and target are 'eng_Latn' and 'deu_Latn'; give" in refused(
        "nllb", target_tag="deu_Latn"
    )
    alien = {"new_language": {"code": "nds_Latn", "like": "deu_Latm"}}
    assert "like = 'deu_Latm' (did you mean deu_Latn?), needed one of the" in refused(
        "nllb", **alien
    )
    assert "MBart50Tokenizer loads no folder whose source is not in its own list" in refused(
        "mbart50", source_tag="nds_Latn", target_tag="de_DE"
    )
    assert "train.freeze keeps the embeddings as they are" in refused(
        "nllb", train={"freeze": ["embeddings"]}
    )
    assert "train.lora keeps the embeddings" in refused("nllb", train={"lora": {"rank": 2}})


def test_nllb_reads_a_new_language_too(folders: dict[str, Path], tmp_path: Path) -> None:
    keys = {"source_tag": "nds_Latn", "target_tag": "deu_Latn"}
    run, pretrained = saved("nllb", folders, tmp_path, **keys)
    stock = AutoTokenizer.from_pretrained(run.best)
    ids = pretrained.tokenizer.encode(TEXTS)
    assert stock(TEXTS).input_ids == ids
    assert ids[0][0] == stock.convert_tokens_to_ids("nds_Latn")


@pytest.mark.slow
def test_the_recipe_of_a_new_language_trains_a_tiny_nllb(
    root: Path, folders: dict[str, Path], tmp_path: Path
) -> None:
    write_pairs(tmp_path / "train.tsv", 60)
    write_pairs(tmp_path / "dev.tsv", 20)
    file = '{ file = "%s.tsv", source_field = "1", target_field = "2" }'
    overrides = {
        "init": folders["nllb"], "data.folder": tmp_path, "data.cache": tmp_path / "cache",
        "data.train": f"[{file % 'train'}]", "data.dev": file % "dev",
        "data.test.test": file % "dev",
        "data.cleaning.max_source_pieces": 30, "data.cleaning.max_target_pieces": 30,
        "train.steps": 3, "train.batch_tokens": 320, "train.warmup_steps": 1,
        "train.validate_every_steps": 3, "train.precision": "fp32", "train.peak_lr": 0.01,
        "decode.max_length_factor": 0.01, "decode.max_length_extra": 10,
    }  # fmt: skip
    given = [f"{key}={value}" for key, value in overrides.items()]
    path = root / "recipes" / "nllb-new-language.toml"
    run = train(path, overrides=given, run_folder=tmp_path / "run").run
    sources = [line.split("\t")[0] for line in (tmp_path / "dev.tsv").read_text().splitlines()]
    wanted = (run.folder / "translations" / "test.txt").read_text().splitlines()
    translator = Translator.load(run.folder)
    assert [one.text for one in translator.translate(sources, split="long")] == wanted
    stock = AutoTokenizer.from_pretrained(run.best)
    number = stock.convert_tokens_to_ids("myv_Cyrl")
    assert translator.options.first_id == number
    before, after = rows_of(folders["nllb"]), rows_of(run.best)
    relative = before[stock.convert_tokens_to_ids("fin_Latn")]
    assert not torch.equal(after[number], relative), "it learns"
