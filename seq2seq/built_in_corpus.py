"""The corpus that comes with this program, where a recipe trains on it: made if it is not there."""

from collections.abc import Callable
from pathlib import Path

from seq2seq.errors import DataError
from seq2seq.pronouns.corpus import write_corpus
from seq2seq.recipe import DataSpec, Recipe


def make_missing_corpus(recipe: Recipe, *, say: Callable[[str], None]) -> None:
    """Write the corpus of ``data.built_in`` if the folder has nothing of it in this language.

    Args:
        recipe: Its ``data.folder`` is written to.
        say: Told what is written.

    Raises:
        DataError: The corpus does not speak the target language, or some of the files that the
            recipe names are there and others are not: those may be another version of it.
    """
    missing = _missing_files(recipe.data)
    if not missing:
        return
    folder, language = Path(recipe.data.folder), recipe.target_language
    if any(folder.glob(f"*.{language}.jsonl")):
        raise DataError(
            f"{folder}: {missing[0]} is not there, needed all files of the built-in corpus; "
            f"replace what is there with '{_command(recipe)}'"
        )
    say(f"{folder}: has no files of the built-in corpus; making them: {_command(recipe)}")
    write_corpus(folder, [language])


def refuse_missing_corpus(recipe: Recipe) -> None:
    """Say how the corpus of ``data.built_in`` is made, where files of it are missing.

    Raises:
        DataError: A file that the recipe names is not there.
    """
    if missing := _missing_files(recipe.data):
        raise DataError(
            f"{Path(recipe.data.folder) / missing[0]}: no such file, needed the built-in corpus; "
            f"training makes it, and so does '{_command(recipe)}'"
        )


def _missing_files(data: DataSpec) -> list[str]:
    """Names of the recipe's files that are not there, if it trains on the built-in corpus."""
    if data.built_in is None:
        return []
    corpora = (*data.train, data.dev, *data.test.values())
    files = (corpus.file for corpus in corpora if corpus.file is not None)
    return [file for file in files if not (Path(data.folder) / file).exists()]


def _command(recipe: Recipe) -> str:
    return (
        f"seq2seq corpus {recipe.data.built_in} --languages {recipe.target_language} "
        f"--out {recipe.data.folder}"
    )
