"""What an upload would put where, settled on this machine before the Hub hears of it."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seq2seq.errors import PublishError
from seq2seq.publish.card import render_card
from seq2seq.publish.export_check import CHECK_FILE
from seq2seq.publish.facts import RunFacts, read_facts
from seq2seq.publish.license import choose_license
from seq2seq.publish.private_paths import find_private_corpora, find_private_paths, readable_part
from seq2seq.run import Run

CARD = "README.md"
SETTINGS = "space.json"  # what the page of a Space shows
REPOSITORY = re.compile(r"[A-Za-z0-9](?:[\w.-]*\w)?/[A-Za-z0-9](?:[\w.-]*\w)?", re.ASCII)
LONGEST_NAME = 96


@dataclass(frozen=True)
class PlannedFile:
    """One file of an upload: bytes that were made for it, or a file that lies here."""

    path: str
    """In the repository."""
    content: bytes | Path

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    @property
    def sha256(self) -> str:
        """As the Hub names a large file."""
        return self._digest(hashlib.sha256())

    @property
    def git_blob(self) -> str:
        """As git, and so the Hub, names a small file."""
        return self._digest(hashlib.sha1(b"blob %d\0" % self.size))

    def _digest(self, digest: Any) -> str:
        if isinstance(self.content, bytes):
            digest.update(self.content)
            return str(digest.hexdigest())
        with self.content.open("rb") as file:
            return hashlib.file_digest(file, lambda: digest).hexdigest()


@dataclass(frozen=True)
class Plan:
    """A whole repository as it should be."""

    repository: str
    kind: Literal["model", "space"]
    license: str
    files: tuple[PlannedFile, ...]

    @property
    def where(self) -> str:
        """The repository as messages name it; a model and its Space have one name."""
        return self.repository if self.kind == "model" else f"{self.kind}s/{self.repository}"

    @property
    def marker(self) -> str:
        """The file by which a repository is known as one of ours."""
        return CHECK_FILE if self.kind == "model" else SETTINGS

    def card(self) -> str:
        """The text of its README.md."""
        content = next(file.content for file in self.files if file.path == CARD)
        return content.decode() if isinstance(content, bytes) else content.read_text("utf-8")

    def to_text(self) -> str:
        """For people: a line for each file with its size."""
        total = sum(file.size for file in self.files)
        lines = [f"{file.size:>13,}  {file.path}" for file in self.files]
        head = f"{self.kind} {self.repository}, licence {self.license}"
        return "\n".join([head, *lines, f"{total:>13,}  bytes in {len(self.files)} files"])

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        files = [{"path": f.path, "size": f.size, "sha256": f.sha256} for f in self.files]
        return {
            "repository": self.repository,
            "kind": self.kind,
            "license": self.license,
            "files": files,
        }


def plan_model(run: Run, repository: str, *, license: str | None = None) -> Plan:
    """Settle what publishing a run would upload; nothing is written and nobody is asked.

    Args:
        run: Finished, with an export for the Hub that passed its check.
        repository: Such as ``owner/name``.
        license: Of the model; that of all of its training data by default.

    Returns:
        The plan: the export's files, the card, and the figures that it shows.

    Raises:
        RecipeError: The folder is no run.
        PublishError: Anything that speaks against publishing it.
    """
    check_repository(repository)
    facts = read_facts(run)
    chosen = choose_license(facts.recipe, license, facts.origin)
    try:
        card = render_card(facts, repository, license=chosen)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise PublishError(
            f"{run.folder}: its {run.scores.name}, {run.data_report.name} or "
            f"{run.environment.name} holds something of another kind than training writes "
            f"({type(error).__name__}: {error}), and no card can be made of it; restore it"
        ) from error
    files = [PlannedFile(CARD, card.encode()), *_files_of(facts)]
    plan = Plan(repository, "model", chosen, tuple(sorted(files, key=lambda file: file.path)))
    refuse_private_paths(plan, run)
    return plan


def check_repository(name: str) -> None:
    """Refuse a name that the Hub would not take.

    Raises:
        PublishError: It is not of the form ``owner/name``.
    """
    if REPOSITORY.fullmatch(name) and len(name) <= LONGEST_NAME and ".." not in name:
        return
    raise PublishError(
        f"repository '{name}': needed owner/name of letters, digits, '-', '_' and '.', at most "
        f"{LONGEST_NAME} characters"
    )


def refuse_private_paths(plan: Plan, run: Run) -> None:
    """Refuse to publish what names folders of this machine, as a card does that names corpora.

    Args:
        plan: What would be uploaded.
        run: Whose folder must not be named either.

    Raises:
        RecipeError: The folder is no run.
        PublishError: Some file does; all such files at once.
    """
    own = [Path.home(), Path.cwd(), run.folder.resolve()]
    corpora = find_private_corpora(run.read_recipe()) if plan.kind == "model" else []
    problems = [f"the recipe, {found}" for found in corpora]
    for file in plan.files:
        content = file.content if isinstance(file.content, bytes) else readable_part(file.content)
        problems += [
            f"{file.path}, {found}" for found in find_private_paths(file.path, content, own)
        ]
    if problems:
        raise PublishError(
            f"{plan.where}: files would tell about this machine: {'; '.join(problems)}; "
            "needed none; name corpora relative to data.folder in the run's recipe.json, and "
            "export the run again"
        )


def _files_of(facts: RunFacts) -> list[PlannedFile]:
    if facts.check is None:
        raise PublishError(
            f"{facts.run.folder}: not exported, needed what the Hub's readers can load; "
            f"'seq2seq export {facts.run.folder} --to hub'"
        )
    figures: Mapping[str, Path] = {} if facts.probe is None else facts.probe.figures
    exported = {name: facts.export / name for name in (*facts.check.files, CHECK_FILE)}
    if CARD in exported:
        raise PublishError(
            f"{facts.export / CARD}: the card is written when a run is published, needed an export "
            "without one; export the run again"
        )
    return [PlannedFile(name, path) for name, path in (exported | dict(figures)).items()]
