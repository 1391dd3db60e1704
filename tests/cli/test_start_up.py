"""What a command loads before it answers: most of the time that one line takes is imports."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seq2seq.cli.commands import COMMANDS
from seq2seq.engines.to_ctranslate2 import write_ctranslate2
from seq2seq.model.stock import load_model
from seq2seq.recipe_file import recipe_json
from seq2seq.run import Run
from seq2seq.tokenizer import load_tokenizer
from tests.cli.random_model import tiny_recipe

HEAVY = {"torch", "transformers", "numpy.testing", "scipy", "pandas", "pyarrow", "datasets",
         "accelerate", "sacrebleu", "sklearn", "matplotlib", "huggingface_hub",
         "seq2seq.recipe", "regex",
         "pydantic", "importlib.metadata"}  # fmt: skip
# What transformers' import of a configuration brings along, and nothing beyond.
OF_TRANSFORMERS = {
    "torch",
    "transformers",
    "huggingface_hub",
    "regex",
    "pydantic",
    "importlib.metadata",
}
OTHER_COMMANDS = {f"seq2seq.cli.{name}" for name in COMMANDS} - {"seq2seq.cli.translate"}
PROGRAM = """
import atexit, sys
def tell():
    print("loaded", *sys.modules, file=sys.stderr)
atexit.register(tell)
from seq2seq.cli.app import main
main()
"""


def loaded_by(*arguments: str | Path) -> set[str]:
    """Modules that a command has loaded when it ends, having answered one line."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        input="the red fox\n", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ended.stdout.count("\n") == 1
    return set(ended.stderr.rpartition("loaded ")[2].split())


def test_a_line_through_ctranslate2_loads_neither_torch_nor_transformers(
    model: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ctranslate2")
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        (tmp_path / name).write_bytes((model / name).read_bytes())
    write_ctranslate2(load_model(model), load_tokenizer(model), tmp_path, quantize=None)
    found = loaded_by("translate", tmp_path, "--engine", "ctranslate2")
    assert "ctranslate2" in found
    assert found & HEAVY == set()
    assert found & OTHER_COMMANDS == set()


def test_so_does_a_line_for_a_run_once_both_programs_were_compared(
    cli: Callable[..., Any], model: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ctranslate2")
    run = Run(tmp_path / "run")
    shutil.copytree(model, run.best)
    run.recipe.write_text(recipe_json(tiny_recipe()), encoding="utf-8")
    job = tmp_path / "job.en"
    job.write_text("".join(f"the fox {n}\n" for n in range(200)), encoding="utf-8")
    result = cli("translate", run.folder, "--input", job, "--output", tmp_path / "job.de")
    assert "engine: trying CTranslate2 on 100 lines, once for this model\n" in result.err
    found = loaded_by("translate", run.folder)
    assert "ctranslate2" in found
    assert found & HEAVY == set()


def test_a_line_through_our_own_program_loads_no_class_of_models_and_nothing_of_training(
    model: Path,
) -> None:
    found = loaded_by("translate", model, "--engine", "native")
    assert found & HEAVY == OF_TRANSFORMERS
    unneeded = {"transformers.modeling_utils", "transformers.generation.utils", "torch._dynamo",
                "torch._inductor", "sentencepiece"}  # fmt: skip
    assert found & unneeded == set()
