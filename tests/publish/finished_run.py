"""Finished runs for what happens after training: one as training leaves it, one written by hand."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from seq2seq.environment import describe_environment
from seq2seq.publish.export_check import Check, hash_files, write_check
from seq2seq.publish.facts import export_folder
from seq2seq.recipe_file import parse_recipe, recipe_json
from seq2seq.run import Run, write_json
from tests.end_to_end.digits import digits_recipe, write_digits

TRAIN = """
steps = 60
batch_tokens = 256
warmup_steps = 10
peak_lr = 0.01
validate_every_steps = 60
log_every_steps = 30
precision = "fp32"
validation_beams = 1
"""
SIGNATURE = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"
RECIPE: dict[str, Any] = {
    "source_language": "en",
    "target_language": "no",
    "data": {
        "folder": "/home/ana/corpora",
        "train": [
            {"file": "train.tsv", "source_field": "1", "target_field": "2", "license": "MIT"},
            {"hub": "tester/owls", "revision": "abc1234", "license": "mit"},
        ],
        "dev": {"file": "dev.tsv", "license": "MIT"},
        "test": {"news": {"source": "news.en", "target": "news.no"}},
    },
    "model": {"width": 32},
    "train": {"peak_lr": 3e-3},
    "score": {"tokenized": True},
}


def train_digits(folder: Path) -> Run:
    """Train on digits for a moment; the data lies in ``folder``, the run below it."""
    from seq2seq.train.run import train

    write_digits(folder, train=120, held_out=100)
    search = "beams = 2\nmax_length_factor = 1.0\nmax_length_extra = 2"
    text = digits_recipe(folder, tokenizer="vocab_size = 34", train=TRAIN, decode=search)
    text = text.replace('target_field = "2" }]', 'target_field = "2", license = "CC0-1.0" }]')
    recipe = folder / "digits.toml"
    recipe.write_text(text.replace('"de"', '"no"'), encoding="utf-8")
    return train(recipe, run_folder=folder / "run").run


def write_run(folder: Path, **changes: Any) -> Run:
    """A run folder of made-up figures, in the form in which training writes them.

    Args:
        folder: Where.
        changes: Sections of the recipe to replace.
    """
    run = Run(folder)
    run.best.mkdir(parents=True)
    run.recipe.write_text(recipe_json(parse_recipe(RECIPE | changes, where="test")), "utf-8")
    hashes = {"train train.tsv": "11", "train tester/owls:train": "22", "dev": "33"}
    hashes |= {"test news": "44", "tokenizer": "55"}
    machine = {"processor": "Test CPU", "threads": 2, "device": "cpu", "data": hashes}
    write_json(run.environment, describe_environment() | machine)
    found = {"what": "duplicates", "action": "dropped", "pairs": 1234, "detail": "as a|b"}
    cleaning = {"read": 9000, "kept": 7766, "dropped": 1234, "dropped_share": 1234 / 9000}
    write_json(run.data_report, {"cleaning": cleaning | {"findings": [found]}, "pairs": 7766})
    write_json(run.scores, made_up_scores())
    lines = [
        {"kind": "train", "step": 50, "elapsed_seconds": 60.0},
        {"kind": "train", "step": 100, "elapsed_seconds": 150.4},
        {"kind": "dev", "step": 100, "bleu": 17.2},
    ]
    run.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    (run.best / "config.json").write_text('{"model_type": "m2m_100"}')
    weights = {"a": np.zeros((3, 4), np.float32), "b": np.zeros(5, np.float32)}
    save_file(weights, run.best / "model.safetensors")
    return run


def made_up_scores() -> dict[str, Any]:
    """Scores of one test set, with everything that may stand there."""
    bleu = {"score": 17.25, "signature": SIGNATURE, "interval": [16.5, 18.0], "details": {}}
    tokenized = {"score": 18.5, "signature": "tok:moses", "interval": None, "details": {}}
    errors = {"segments": 1000, "empty": 3, "copied": None, "looping": 2, "short": 4, "long": 5,
              "length_ratio": 0.987, "untranslated": 0.0125, "empty_references": 0}  # fmt: skip
    return {
        "weights": "average of steps 50, 100",
        "rejected": "step 100, 17.10",
        "dev": {"metric": "bleu", "score": 17.2},
        "test": {"news": {"bleu": bleu, "bleu_tokenized_lc": tokenized, "errors": errors}},
        "gender": {},
    }


def write_export(run: Run, *, passed: bool = True) -> None:
    """The model's own folder as an export, with a check of made-up figures."""
    folder = export_folder(run)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(run.best, folder)
    check = Check("hub", "hub", 100, 2.5e-07, 1.0, 0.99, 1e-4, True, hash_files(folder))
    write_check(folder, check if passed else replace(check, passed=False, largest_difference=0.3))


def write_probe(run: Run, section: str) -> Path:
    """A model that stock classes load, its export, and a probe of it with one figure.

    Args:
        run: Whose model is replaced.
        section: What the probe says in the card.

    Returns:
        The probe.
    """
    from seq2seq.probe.model.stock_model import StockModel
    from seq2seq.probe.report.provenance import weights_hash
    from tests.publish.small_models import small_folder

    shutil.rmtree(run.best)
    small_folder("m2m_100", run.best)
    write_export(run)
    folder = run.probe / "T1"
    folder.mkdir(parents=True)
    digest = weights_hash(StockModel.load(run.best))
    write_json(folder / "probe.json", {"schema": 1, "provenance": {"model_sha256": digest}})
    (folder / "heat.svg").write_text("<svg/>")
    (run.probe / "card.md").write_text(section, encoding="utf-8")
    return folder
