"""Write the card of a run's model into model_cards/, as publishing would.

What the run did not measure and nobody stated is left out: a card may lack a licence, an export's
check or a probe. Publishing is stricter, because it makes the model public with it.
"""

import argparse
import shutil
import sys
from pathlib import Path

from seq2seq.errors import PublishError, Seq2SeqError
from seq2seq.publish.card import render_card
from seq2seq.publish.facts import RunFacts, read_facts
from seq2seq.publish.license import choose_license
from seq2seq.publish.plan import CARD, Plan, PlannedFile, check_repository, refuse_private_paths
from seq2seq.run import Run

CARDS = Path(__file__).parent.parent / "model_cards"


def main() -> None:
    """Read the arguments, and write the card or say in one line why not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a finished run folder")
    parser.add_argument("repository", metavar="owner/name", help="the name it has on the Hub")
    parser.add_argument("--license", help="of the model; that of all its data by default")
    parser.add_argument("--out", type=Path, default=CARDS, help="a folder; model_cards by default")
    given = parser.parse_args()
    try:
        check_repository(given.repository)
        facts = read_facts(Run(given.run))
        license = settle_license(facts, given.license)
        print(write_card(facts, given.repository, license=license, folder=given.out))
    except Seq2SeqError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def settle_license(facts: RunFacts, given: str | None) -> str | None:
    """The model's licence; None, with a line that says why, where its data leave it open."""
    try:
        return choose_license(facts.recipe, given, facts.origin)
    except PublishError as error:
        if given is not None:
            raise
        print(f"the card states no licence: {error}", file=sys.stderr)
        return None


def write_card(facts: RunFacts, repository: str, *, license: str | None, folder: Path) -> Path:
    """Write a card as NAME.md, and its figures below NAME/; both replace what was there."""
    name = repository.partition("/")[2]
    text = render_card(facts, repository, license=license)
    figures = {} if facts.probe is None else facts.probe.figures
    files = [PlannedFile(CARD, text.encode())]
    files += [PlannedFile(path, figure) for path, figure in figures.items()]
    refuse_private_paths(Plan(repository, "model", license or "none", tuple(files)), facts.run)
    shutil.rmtree(folder / name, ignore_errors=True)
    for path, figure in figures.items():
        text = text.replace(f"]({path})", f"]({name}/{path})")
        (folder / name / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(figure, folder / name / path)
    card = folder / f"{name}.md"
    card.write_text(text, encoding="utf-8")
    return card


if __name__ == "__main__":
    main()
