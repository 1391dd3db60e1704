"""Stock families after training: exported, and loaded by programs that know nothing of ours."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, GenerationConfig

from seq2seq.data.batches import collate
from seq2seq.data.ragged import Ragged
from seq2seq.errors import PublishError
from seq2seq.publish.export import export
from seq2seq.recipe_file import parse_recipe
from seq2seq.run import Run
from seq2seq.train.criterion.criterion import Update
from seq2seq.train.finish import save_best
from seq2seq.train.pretrained import open_pretrained
from seq2seq.train.validate import first_piece
from seq2seq.translate import Translator
from seq2seq.translated import on_one_line
from tests.pipeline.families import write_family
from tests.publish.small_models import random_text, write_pairs

FAMILIES = ("t5", "mt5", "bart", "mbart50", "pegasus", "led")
TAGS = {"mbart50": {"source_tag": "en_XX", "target_tag": "fr_XX"}}
PREFIX = {"t5": "an owl: "}  # for French, in the model's own config.json
PIECES = 14


@dataclass(frozen=True)
class Trained:
    """A model that was trained for a moment, and what was there before."""

    init: Path
    best: Path
    exported: Path


def recipe_of(family: str, init: Path, *, rank: int) -> Any:
    file = {"file": "some.tsv"}
    content: dict[str, Any] = {
        "init": str(init), "source_language": "en", "target_language": "fr",
        "data": {"train": [file], "dev": file,
                 "cleaning": {"max_source_pieces": 30, "max_target_pieces": PIECES}},
        "train": {"lora": {"rank": rank, "alpha": 64}}, "decode": {"beams": 2},
    }  # fmt: skip
    return parse_recipe(content | TAGS.get(family, {}), where="test")


def train(family: str, folder: Path, *, rank: int) -> Trained:
    """As a run does it: found, taught, saved, exported."""
    init, run = write_family(family, folder / "init"), Run(folder / "run")
    recipe, pretrained = open_pretrained(recipe_of(family, init, rank=rank), str(init), run)
    tokenizer, trainable = pretrained.tokenizer, pretrained.model()
    texts = random_text(16, seed=5)
    sources, targets = tokenizer.encode(texts), tokenizer.encode_target(texts[::-1])
    batch = collate(Ragged.of(sources), Ragged.of(targets), tokenizer.pad_id)
    criterion = trainable.criterion(recipe.train)
    optimizer = torch.optim.Adam([p for p in criterion.parameters() if p.requires_grad], lr=0.002)
    for step in range(1, 4):
        loss = criterion(batch, Update(step, {})).loss / batch.target_tokens
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    trainable.module.eval()
    save_best(run, trainable, tokenizer, recipe)
    # Validation begins its outputs as everybody's will: BART with <s>, mBART with a tag.
    settings = GenerationConfig.from_pretrained(run.best)
    assert first_piece(tokenizer, trainable.engine) == settings.forced_bos_token_id
    held_out = write_pairs(folder / "held-out.tsv", 40)
    done = export(run.best, "hub", out=folder / "hub", pairs=held_out)
    assert done.measured.largest_difference == 0
    return Trained(init, run.best, done.folder)


@pytest.fixture(scope="module", params=[(f, r) for f in FAMILIES for r in (0, 2)], ids=str)
def trained(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, int, Trained]:
    family, rank = request.param
    return family, rank, train(family, tmp_path_factory.mktemp(family), rank=rank)


def answers(model: Any, folder: Path, texts: Sequence[str], family: str) -> list[str]:
    """What the lines of a model card print."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(
        [PREFIX.get(family, "") + text for text in texts], return_tensors="pt", padding=True
    )
    if family == "led":
        inputs["global_attention_mask"] = torch.zeros_like(inputs["input_ids"])
        inputs["global_attention_mask"][:, 0] = 1
    model.generation_config.forced_eos_token_id = None  # forces an end where ours is cut off
    with torch.no_grad():
        rows = model.eval().generate(**inputs)
    texts = tokenizer.batch_decode(rows, skip_special_tokens=True)
    return [on_one_line(text).strip() for text in texts]  # BART's first piece holds a space


def test_what_stock_classes_write_of_an_export_is_what_we_write(
    trained: tuple[str, int, Trained],
) -> None:
    family, rank, made = trained
    texts = random_text(12, seed=9)
    model = AutoModelForSeq2SeqLM.from_pretrained(made.exported)
    settings = model.generation_config
    assert (settings.num_beams, settings.max_length, settings.min_length) == (2, PIECES + 1, 0)
    wanted = answers(model, made.exported, texts, family)
    for folder in (made.best, made.exported):
        found = Translator.load(folder).translate(texts, split="long")
        assert [one.text.strip() for one in found] == wanted
    assert len(set(wanted)) > 1
    start = AutoModelForSeq2SeqLM.from_pretrained(made.init)
    assert any(
        not torch.equal(one, two)
        for one, two in zip(model.state_dict().values(), start.state_dict().values(), strict=True)
    )
    adapter = made.exported / "adapter"
    assert adapter.is_dir() == bool(rank)
    if rank:
        config = json.loads((adapter / "adapter_config.json").read_text())
        assert (config["base_model_name_or_path"], config["revision"]) == ("", None)
        assert sorted(path.name for path in adapter.iterdir()) == [
            "adapter_config.json", "adapter_model.safetensors",
        ]  # fmt: skip
        assert all("lora_" in name for name in load_file(adapter / "adapter_model.safetensors"))
        adapted = PeftModel.from_pretrained(start, adapter)
        adapted.generation_config = model.generation_config
        adapted.get_base_model().generation_config = model.generation_config
        assert answers(adapted, made.exported, texts, family) == wanted


def test_what_a_format_cannot_hold_is_refused_with_the_reason(
    trained: tuple[str, int, Trained], tmp_path: Path
) -> None:
    family, _, made = trained
    kind = family.removesuffix("50")
    for target in ("ctranslate2", "onnx"):
        with pytest.raises(
            PublishError,
            match=rf"export to {target}: .* is a {kind} model, needed one of m2m_100 or marian, .*"
            "; export it --to hub, which every program that uses transformers loads",
        ):
            export(made.best, target, out=tmp_path / "out", pairs=made.best / "none.tsv")  # type: ignore[arg-type]
        assert not any(tmp_path.iterdir())
