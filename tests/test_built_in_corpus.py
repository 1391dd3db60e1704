"""The corpus that a recipe has made: once, where nothing of it is, and never over anything."""

from pathlib import Path

import pytest

from seq2seq.built_in_corpus import make_missing_corpus, refuse_missing_corpus
from seq2seq.doctor import examine_recipe
from seq2seq.errors import DataError
from seq2seq.recipe import Recipe
from seq2seq.recipe_file import load_recipe
from seq2seq.shipped_recipes import shipped_recipe, shipped_recipes

COMMAND = "seq2seq corpus pronouns --languages es --out corpora/pronouns"


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """The demo's, in an empty folder, where the corpus is made in no time."""
    monkeypatch.chdir(tmp_path)
    recipe = load_recipe(shipped_recipe("demo").path)

    def write(folder: Path, languages: list[str]) -> None:
        assert languages == ["es"]
        folder.mkdir(parents=True, exist_ok=True)
        for corpus in (*recipe.data.train, recipe.data.dev, *recipe.data.test.values()):
            (folder / str(corpus.file)).write_text("made\n", encoding="utf-8")

    monkeypatch.setattr("seq2seq.built_in_corpus.write_corpus", write)
    return recipe


def test_the_corpus_is_made_once_and_that_is_said_with_its_command(recipe: Recipe) -> None:
    said: list[str] = []
    make_missing_corpus(recipe, say=said.append)
    assert Path("corpora/pronouns/natural.es.jsonl").read_text(encoding="utf-8") == "made\n"
    assert said == [
        f"corpora/pronouns: has no files of the built-in corpus; making them: {COMMAND}"
    ]
    make_missing_corpus(recipe, say=said.append)
    assert len(said) == 1


def test_another_language_may_be_there_already(recipe: Recipe) -> None:
    other = Path("corpora/pronouns/train.de.jsonl")
    other.parent.mkdir(parents=True)
    other.write_text("theirs\n", encoding="utf-8")
    make_missing_corpus(recipe, say=lambda _: None)
    assert other.read_text(encoding="utf-8") == "theirs\n"
    assert Path("corpora/pronouns/train.es.jsonl").exists()


def test_a_part_of_the_corpus_is_not_mixed_with_a_new_one(recipe: Recipe) -> None:
    make_missing_corpus(recipe, say=lambda _: None)
    Path("corpora/pronouns/T5.es.jsonl").unlink()
    with pytest.raises(DataError, match=rf"T5\.es\.jsonl is not there, .* with '{COMMAND}'"):
        make_missing_corpus(recipe, say=lambda _: None)
    assert not Path("corpora/pronouns/T5.es.jsonl").exists()


def test_a_recipe_without_it_gets_nothing(recipe: Recipe) -> None:
    plain = recipe.model_copy(update={"data": recipe.data.model_copy(update={"built_in": None})})
    make_missing_corpus(plain, say=lambda _: pytest.fail("nothing to say"))
    refuse_missing_corpus(plain)
    assert not Path("corpora").exists()


def test_the_doctor_makes_nothing_and_says_what_does(recipe: Recipe) -> None:
    with pytest.raises(DataError, match=f"training makes it, and so does '{COMMAND}'"):
        examine_recipe(recipe)
    assert not Path("corpora").exists()


def test_recipes_of_the_built_in_corpus_are_those_that_say_they_need_no_data() -> None:
    for one in shipped_recipes():
        assert (load_recipe(one.path).data.built_in == "pronouns") == one.data.startswith("none")
