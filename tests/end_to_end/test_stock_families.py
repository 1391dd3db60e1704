"""Classes of transformers trained further: killed, resumed, saved, and loaded by strangers."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, GenerationConfig

from seq2seq.recipe import ModelSpec, StockFamily
from seq2seq.train.build import build_stock_model
from seq2seq.train.checkpoint import checkpoint_path
from tests.publish.small_models import small_tokenizer, write_pairs
from tests.warm import Warm

DRIVER = Path(__file__).parent / "killed_training.py"
STEPS = 6
RECIPE = """
init = "{init}"
source_language = "en"
target_language = "de"
[data]
folder = "{folder}"
cache = "{folder}/cache"
cleaning = {{ max_source_pieces = 24, max_target_pieces = 24 }}
train = [{{ file = "train.tsv", source_field = "1", target_field = "2" }}]
dev = {{ file = "dev.tsv", source_field = "1", target_field = "2" }}
test = {{ words = {{ file = "dev.tsv", source_field = "1", target_field = "2" }} }}
[train]
steps = {steps}
batch_tokens = 160
accumulate = {accumulate}
warmup_steps = 2
peak_lr = 0.003
validate_every_steps = 3
save_every_steps = 2
precision = "fp32"
validation_beams = 1
log_every_steps = 1
{more}
[decode]
beams = 2
max_length_factor = 0.01
max_length_extra = 8
"""


def write_recipe(folder: Path, init: Path, *, accumulate: int = 2, more: str = "") -> Path:
    write_pairs(folder / "train.tsv", 120)
    write_pairs(folder / "dev.tsv", 20)
    path = folder / f"accumulate-{accumulate}.toml"
    text = RECIPE.format(init=init, folder=folder, steps=STEPS, accumulate=accumulate, more=more)
    path.write_text(text, encoding="utf-8")
    return path


def folder_of(family: str, folder: Path, *, dropout: float = 0.1) -> Path:
    """A tiny model as somebody else may have published it, with settings of its own."""
    tokenizer = small_tokenizer("m2m_100")
    shape = {
        "family": family, "width": 32, "ffn_width": 48, "heads": 2, "encoder_layers": 1,
        "decoder_layers": 1, "dropout": dropout, "max_positions": 32, "attention_window": 4,
    }  # fmt: skip
    torch.manual_seed(4)
    model = build_stock_model(ModelSpec.model_validate(shape), tokenizer.vocab_size)
    model.generation_config.repetition_penalty = 1.5
    model.save_pretrained(folder)
    tokenizer.save(folder, max_length=32)
    return folder


def run_training(
    trainer: Warm, recipe: Path, run: Path, *, moment: str = "never", count: int = 0
) -> Any:
    return trainer.run((DRIVER, recipe, run, moment, str(count)))


@pytest.mark.slow
@pytest.mark.parametrize("family", get_args(StockFamily))
def test_a_killed_run_ends_as_one_never_killed_and_strangers_translate_alike(
    family: str, trainer: Warm, tmp_path: Path
) -> None:
    init = folder_of(family, tmp_path / "init")
    recipe = write_recipe(tmp_path, init)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    ended = run_training(trainer, recipe, whole)
    assert ended.returncode == 0, ended.stderr
    assert run_training(trainer, recipe, killed, moment="update", count=5).returncode == -9
    init.rename(tmp_path / "gone")  # a resumed run needs itself alone
    assert run_training(trainer, recipe, killed).returncode == 0
    for name in ("model.safetensors", "optimizer.safetensors", "rng-0.safetensors"):
        ends = [checkpoint_path(run / "checkpoints", STEPS) / name for run in (whole, killed)]
        assert ends[0].read_bytes() == ends[1].read_bytes(), name
    for path in (whole / "best").iterdir():
        assert path.read_bytes() == (killed / "best" / path.name).read_bytes(), path.name

    best = whole / "best"
    settings = GenerationConfig.from_pretrained(best)
    assert (settings.repetition_penalty, settings.num_beams) == (1.5, 2)
    model, tokenizer = (
        kind.from_pretrained(best) for kind in (AutoModelForSeq2SeqLM, AutoTokenizer)
    )
    sources = [line.split("\t")[0] for line in (tmp_path / "dev.tsv").read_text().splitlines()]
    inputs = tokenizer(sources, return_tensors="pt", padding=True)
    if family == "led":
        inputs["global_attention_mask"] = torch.zeros_like(inputs["input_ids"])
        inputs["global_attention_mask"][:, 0] = 1
    rows = model.generate(**inputs, max_new_tokens=8, max_length=None)
    texts = tokenizer.batch_decode(rows, skip_special_tokens=True)
    assert texts == (whole / "translations" / "words.txt").read_text().splitlines()
    lines = (whole / "metrics.jsonl").read_text().splitlines()
    assert [line["step"] for line in map(json.loads, lines) if line["kind"] == "dev"] == [3, 6]


LORA = "lora = { rank = 2 }\n"


@pytest.mark.slow
@pytest.mark.parametrize(  # each costs 15 seconds
    ("family", "adapter", "sharded"), [("t5", "", "fsdp = true\n"), ("led", LORA, "")]
)
def test_two_processes_make_the_updates_of_one_with_twice_the_micro_batches(
    family: str, adapter: str, sharded: str, trainer: Warm, tmp_path: Path
) -> None:
    init = folder_of(family, tmp_path / "init", dropout=0.0)
    alone = write_recipe(tmp_path, init, more=adapter)
    more = f"processes = 2\n{sharded}{adapter}"
    shared = write_recipe(tmp_path, init, accumulate=1, more=more)
    losses = []
    for recipe in (alone, shared):
        run = recipe.with_suffix("")
        ended = run_training(trainer, recipe, run)
        assert ended.returncode == 0, ended.stderr
        lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
        losses.append([line["loss_nats_per_token"] for line in lines if line["kind"] == "train"])
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    assert len(losses[0]) == STEPS
    assert (run / "best" / "adapter" / "adapter_model.safetensors").is_file() == bool(adapter)
