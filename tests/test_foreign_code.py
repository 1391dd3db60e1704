"""A model folder may be anybody's: what it brings of code is neither run nor offered to be run."""

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seq2seq.engines.stock_loading import load_encoder_decoder
from seq2seq.errors import ModelError
from seq2seq.model_report import examine_model
from seq2seq.probe.model.loading import open_stock
from seq2seq.stock_tokenizer import open_auto_tokenizer
from seq2seq.train.pretrained import read_any_config

CODE = """
from pathlib import Path
Path(__file__).with_name("ran").touch()
"""


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose files name code of their own, and whoever is asked says that it may run."""
    classes = {"AutoConfig": "own.Config", "AutoModelForSeq2SeqLM": "own.Model"}
    write(tmp_path / "config.json", {"model_type": "own", "auto_map": classes})
    tokenizer = {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["own.Own", None]}}
    write(tmp_path / "tokenizer_config.json", tokenizer)
    (tmp_path / "own.py").write_text(CODE, encoding="utf-8")
    monkeypatch.setattr("builtins.input", lambda question="": "yes")
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    return tmp_path


def write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(
    "opened", [load_encoder_decoder, examine_model, open_stock, open_auto_tokenizer]
)
def test_code_in_a_model_folder_is_not_offered_to_be_run(
    opened: Callable[[Path], object], foreign: Path
) -> None:
    with pytest.raises(ModelError, match=r"cannot be opened, .* contains custom code"):
        opened(foreign)
    assert not list(foreign.rglob("ran"))


def test_code_for_a_class_that_the_library_lacks_is_not_run_either(foreign: Path) -> None:
    config = {"model_type": "bert", "auto_map": {"AutoModelForSeq2SeqLM": "own.Model"}}
    write(foreign / "config.json", config)
    with pytest.raises(ModelError, match="contains custom code"):
        examine_model(foreign)


def test_code_beside_a_model_that_the_library_knows_is_left_alone(foreign: Path) -> None:
    classes = {"AutoConfig": "own.Config", "AutoModelForSeq2SeqLM": "own.Model"}
    write(foreign / "config.json", {"model_type": "t5", "auto_map": classes})
    assert read_any_config(foreign).model_type == "t5"


def test_every_class_that_the_library_chooses_is_told_to_run_no_code(root: Path) -> None:
    asked = 0
    for path in sorted((root / "seq2seq").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
                continue
            chosen = ast.unparse(call.func.value)
            if call.func.attr not in ("from_pretrained", "from_config") or chosen in FIXED:
                continue
            said = {word.arg: ast.unparse(word.value) for word in call.keywords}
            assert said.get("trust_remote_code") == "False", f"{path}:{call.lineno}"
            asked += 1
    assert asked > 9


FIXED = ("GenerationConfig", "TransformerSpec")
"""Classes that look for no code."""
