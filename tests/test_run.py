"""The run folder: its names, and what a user may call a model."""

import json
import shutil
from pathlib import Path

import pytest

from seq2seq.environment import describe_environment
from seq2seq.errors import ModelError, RecipeError
from seq2seq.recipe_file import parse_recipe, recipe_json
from seq2seq.run import Run, data_of, describe_start, model_folder, write_json

RECIPE = parse_recipe(
    {
        "source_language": "en",
        "target_language": "es",
        "data": {"train": [{"file": "a.tsv"}], "dev": {"file": "b.tsv"}},
    },
    where="test",
)


def make(folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}", encoding="utf-8")
    return path


def test_a_run_reads_back_its_resolved_recipe(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.recipe.write_text(recipe_json(RECIPE), encoding="utf-8")
    assert run.read_recipe() == RECIPE


def test_a_folder_without_a_recipe_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"not a run folder, it has no recipe\.json"):
        Run(tmp_path).read_recipe()


def test_a_damaged_recipe_is_named(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.recipe.write_text("{", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"recipe\.json: not JSON \("):
        run.read_recipe()


def test_a_model_is_the_folder_itself_or_the_best_of_a_run(tmp_path: Path) -> None:
    stock = make(tmp_path, "stock/config.json").parent
    best = make(tmp_path, "run/best/config.json").parent
    assert model_folder(stock) == stock
    assert model_folder(tmp_path / "run") == best


def test_a_run_without_a_finished_model_says_how_to_continue(tmp_path: Path) -> None:
    make(tmp_path, "recipe.json")
    with pytest.raises(ModelError, match=r"no finished model yet; continue it with .*--resume"):
        model_folder(tmp_path)


def test_another_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="neither a run folder nor a model folder"):
        model_folder(tmp_path)


def test_json_is_written_readably_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "scores.json"
    write_json(path, {"müde": 1})
    write_json(path, {"müde": 2})
    assert path.read_text(encoding="utf-8") == '{\n  "müde": 2\n}\n'
    assert list(path.parent.iterdir()) == [path]


def test_the_environment_names_versions_and_machine() -> None:
    environment = describe_environment()
    json.dumps(environment)
    assert environment["cores"] >= 1
    assert isinstance(environment["preloaded"], list)
    assert environment["versions"]["torch"]
    assert environment["processor"]


def trained_in(project: Path) -> Run:
    """A run whose recipe names its data relative to the folder where training stood."""
    (project / "data").mkdir(parents=True)
    (project / "data" / "dev.tsv").touch()
    corpus = {"file": "dev.tsv"}
    content = {"source_language": "en", "target_language": "de",
               "data": {"folder": "data", "train": [corpus], "dev": corpus}}  # fmt: skip
    run = Run(project / "runs" / "a")
    run.folder.mkdir(parents=True)
    run.recipe.write_text(recipe_json(parse_recipe(content, where="test")), encoding="utf-8")
    return run


def test_the_data_of_a_run_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, moved = tmp_path / "project", tmp_path / "moved"
    run = trained_in(project)
    monkeypatch.chdir(project)
    assert data_of(run).folder == "data"  # of a version that did not note where it stood
    write_json(run.environment, {"start": describe_start(run)})
    monkeypatch.chdir(tmp_path)
    assert data_of(run).folder == str(project / "data")
    copy = tmp_path / "copy"  # of the run alone
    shutil.copytree(run.folder, copy)
    assert data_of(Run(copy)).folder == str(project / "data")
    project.rename(moved)  # the run and its data
    found = Path(data_of(Run(moved / "runs" / "a")).folder)
    assert found.resolve() == moved / "data"
    shutil.rmtree(moved / "data")
    assert data_of(Run(moved / "runs" / "a")).folder == "data"
