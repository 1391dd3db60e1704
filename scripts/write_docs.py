"""Write what documentation can be printed from the code, so that the two cannot disagree."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from seq2seq.cli.commands import command_line
from seq2seq.shipped_recipes import shipped_recipes

ROOT = Path(__file__).parent.parent
START, END = "<!-- commands: written by scripts/docs -->", "<!-- end of commands -->"
INTRODUCTION = """\
# Recipes

<!-- This whole file is written by scripts/docs. -->

A recipe is a TOML file that holds only what differs from the defaults.
Those of this folder are part of the installed package: `seq2seq recipe list` names them,
`seq2seq train NAME` trains one from any folder, and `seq2seq recipe new NAME` makes a copy of it.
`seq2seq recipe check FILE` says whether a recipe can be used, `seq2seq recipe explain` what every
key means, as the site does (`scripts/site`), and `--set KEY=VALUE` overrides a key for one run.
"""


def main() -> None:
    """Write the files, or with --check only say which are not up to date."""
    stale = {path: text for path, text in generate().items() if path.read_text("utf-8") != text}
    if "--check" not in sys.argv[1:]:
        for path, text in stale.items():
            path.write_text(text, encoding="utf-8")
    elif stale:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        sys.exit(f"not up to date: {names}; run scripts/docs")


def generate() -> dict[Path, str]:
    """Every file with generated text, as it should read."""
    recipes = ROOT / "recipes" / "README.md"
    readme = ROOT / "README.md"
    return {
        recipes: f"{INTRODUCTION}\n{recipe_list()}",
        readme: with_commands(readme.read_text(encoding="utf-8")),
    }


def recipe_list() -> str:
    """The recipes, from the comments at their heads."""
    rows = [
        "## What there is\n",
        "| recipe | what | data | score | time |",
        "|---|---|---|---|---|",
    ]
    for one in shipped_recipes(ROOT / "recipes"):
        cells = [f"[{one.name}]({one.path.name})", one.what, one.data, one.score, one.time]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def with_commands(readme: str) -> str:
    """The README with its list of commands written again."""
    before, _, rest = readme.partition(START)
    _, _, after = rest.partition(END)
    block = "\n".join(["```", *commands(), "```"])
    return f"{before}{START}\n{block}\n{END}{after}"


def commands() -> Iterator[str]:
    """Every command with what it takes, and beside it what it does."""
    rows = []
    for path, command in walk(typer.main.get_command(command_line()), "seq2seq"):
        context = command.make_context(path, [], resilient_parsing=True)
        taken = [piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"]
        usage = " ".join([path, *taken]).replace("{", "").replace("}", "")
        rows.append((usage, (command.help or "").strip().partition("\n")[0]))
    width = max(len(usage) for usage, _ in rows)
    for usage, summary in rows:
        yield f"{usage:<{width}}  {summary}"


def walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every command below a group, with its words."""
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    for name, child in children.items():
        yield from walk(child, f"{path} {name}")


if __name__ == "__main__":
    main()
