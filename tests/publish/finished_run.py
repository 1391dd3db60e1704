"""A real run of a few updates, and an export of it, for what happens after training."""

import shutil
from dataclasses import replace
from pathlib import Path

from seq2seq.publish.checked import Check, hash_files, write_check
from seq2seq.publish.facts import export_folder
from seq2seq.run import Run
from seq2seq.train.run import train
from tests.end_to_end.digits import digits_recipe, write_digits

TRAIN = """
steps = 4
batch_tokens = 256
warmup_steps = 2
peak_lr = 1e-3
validate_every_steps = 4
log_every_steps = 2
precision = "fp32"
validation_beams = 1
"""


def train_digits(folder: Path) -> Run:
    """Train on digits for a moment; the data lies in ``folder``, the run below it."""
    write_digits(folder, train=120, held_out=100)
    text = digits_recipe(
        folder,
        tokenizer="vocab_size = 34",
        train=TRAIN,
        decode="beams = 2\nmax_length_factor = 1.0\nmax_length_extra = 2",
    )
    text = text.replace('target_field = "2" }]', 'target_field = "2", license = "CC0-1.0" }]')
    recipe = folder / "digits.toml"
    recipe.write_text(text.replace('"de"', '"no"'), encoding="utf-8")
    return train(recipe, run_folder=folder / "run").run


def copy_run(run: Run, folder: Path) -> Run:
    """A copy that a test may change."""
    shutil.copytree(run.folder, folder, ignore=shutil.ignore_patterns("checkpoints"))
    return Run(folder)


def write_export(run: Run, *, passed: bool = True) -> None:
    """The model's own folder as an export, with a receipt of made-up figures."""
    folder = export_folder(run)
    shutil.copytree(run.best, folder, dirs_exist_ok=True)
    check = Check("hub", "hub", 100, 2.5e-07, 1.0, 0.99, 1e-4, True, hash_files(folder))
    write_check(folder, check if passed else replace(check, passed=False, largest_difference=0.3))
