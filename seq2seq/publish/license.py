"""Under which licence a model may go out: as its maker says, or as all of its data says."""

from collections.abc import Iterator, Mapping
from typing import Any

from seq2seq.errors import PublishError
from seq2seq.recipe import CorpusSpec, Recipe
from seq2seq.similar_names import suggest

# The Hub's names, https://huggingface.co/docs/hub/repositories-licenses, without those of single
# models and without "other", which needs a text of its own.
LICENSES = (
    "afl-3.0", "agpl-3.0", "apache-2.0", "artistic-2.0", "bigcode-openrail-m",
    "bigscience-bloom-rail-1.0", "bigscience-openrail-m", "bsd", "bsd-2-clause", "bsd-3-clause",
    "bsd-3-clause-clear", "bsl-1.0", "c-uda", "cc", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0",
    "cc-by-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-nd-3.0",
    "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0",
    "cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0",
    "cdla-sharing-1.0", "creativeml-openrail-m", "ecl-2.0", "epl-1.0", "epl-2.0", "etalab-2.0",
    "eupl-1.1", "eupl-1.2", "gfdl", "gpl", "gpl-2.0", "gpl-3.0", "isc", "lgpl", "lgpl-2.1",
    "lgpl-3.0", "lgpl-lr", "lppl-1.3c", "mit", "mpl-2.0", "ms-pl", "ncsa", "odbl", "odc-by",
    "ofl-1.1", "openrail", "openrail++", "osl-3.0", "pddl", "postgresql", "unlicense", "wtfpl",
    "zlib",
)  # fmt: skip


def choose_license(
    recipe: Recipe, given: str | None, origin: Mapping[str, Any] | None = None
) -> str:
    """Settle the licence of a model, or refuse to.

    Every training corpus must state its own, because a reader of the card cannot find it out. The
    model's is the given one, or theirs where they have only one between them, the model that was
    trained further included.

    Args:
        recipe: Of the run.
        given: What the maker says, if anything.
        origin: What the run says about the model that it trained further, if any.

    Returns:
        One of ``LICENSES``.

    Raises:
        PublishError: A corpus has none, or the model's does not follow or is unknown; all at once.
    """
    problems = list(_missing(recipe))
    inherited = ([] if origin is None else origin["licenses"]) or []
    stated = {spec.license.lower() for spec in recipe.data.train if spec.license}
    every = sorted(stated | set(inherited))
    chosen = given.lower() if given else None
    if chosen is None and origin is not None and not inherited:
        problems.append(
            f"init = '{origin['init']}': nobody says what that model is under, so the training "
            "data alone does not say what this one is under; add --license NAME"
        )
    elif chosen is None and len(every) == 1:
        chosen = every[0]
    elif chosen is None and every:
        names = " and ".join(f"'{name}'" for name in every)
        what = "training data" if origin is None else "training data and the model of init"
        problems.append(
            f"{what}: under {names}, which does not say what the model is under; add --license NAME"
        )
    if chosen is not None and chosen not in LICENSES:
        problems.append(
            f"licence '{chosen}': not one of the Hub's names{suggest(chosen, LICENSES)}; "
            "give the model's with --license NAME"
        )
    if problems:
        raise PublishError("; ".join(problems))
    assert chosen is not None  # without one there is a problem
    return chosen


def _missing(recipe: Recipe) -> Iterator[str]:
    silent: list[tuple[int, CorpusSpec]] = [
        (number, spec) for number, spec in enumerate(recipe.data.train) if not spec.license
    ]
    if silent:
        keys = ", ".join(f"data.train[{number}] ({spec.name})" for number, spec in silent)
        yield (
            f"{keys}: no licence; add 'license' there in the run's recipe.json, which publishing "
            "reads, and in the recipe of the next run"
        )
