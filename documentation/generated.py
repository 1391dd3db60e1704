"""Pages of the site that are printed from the code when it is built, so that neither can be stale.

mkdocs calls ``on_files`` and ``on_page_markdown``; see "hooks" in mkdocs.yml.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))  # what the README and recipes/ are written by

from write_docs import walk  # noqa: E402

from seq2seq.cli.commands import command_line  # noqa: E402
from seq2seq.recipe_reference import describe_fields  # noqa: E402
from seq2seq.shipped_recipes import HEAD, shipped_recipes  # noqa: E402

NOT_RUN = re.compile(r"<!-- not run: (.+) -->\n")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that no file holds."""
    pages = {"commands": command_page, "recipe-keys": key_page, "recipes": recipe_page}
    for name, write in pages.items():
        path = f"reference/{name}.md"
        files.append(File.generated(config, path, content="\n".join(write()) + "\n"))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Show the reason why the tests of the documentation do not run a block."""
    return NOT_RUN.sub(
        r'<p class="not-run">Checked by our tests, not run by them: \1.</p>\n\n', markdown
    )


def command_page() -> Iterator[str]:
    """Every command: what it does, what it takes, how it is called."""
    yield "# Commands\n"
    yield "Printed from the commands themselves; `seq2seq COMMAND --help` says the same."
    for words, command in walk(typer.main.get_command(command_line()), "seq2seq"):
        yield f"\n## {words}\n"
        summary, _, more = (command.help or "").partition("\n")
        yield f"**{summary.strip()}**\n"
        yield from _paragraphs(more)
        yield f"```text\n{usage(command, words)}\n```\n"
        yield from _parameters(command, words)
        yield "\nExamples:\n"
        examples = [line.strip() for line in (command.epilog or "").splitlines()]
        yield "\n".join(["```sh", *(one for one in examples if one.startswith("seq2seq")), "```"])


def usage(command: Any, words: str) -> str:
    """How a command is called, in one line."""
    context = command.make_context(words, [], resilient_parsing=True)
    taken = " ".join(command.collect_usage_pieces(context))
    return f"{words} {taken}".replace("{", "").replace("}", "")


def _paragraphs(text: str) -> Iterator[str]:
    """A help text in Markdown; what a backspace keeps as it is stands in a block."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        if paragraph.startswith("\b"):
            yield f"```text\n{paragraph.removeprefix(chr(8)).strip(chr(10))}\n```\n"
        elif paragraph:
            yield f"{_escaped(' '.join(paragraph.split()))}\n"


def _parameters(command: Any, words: str) -> Iterator[str]:
    """Arguments, then options under their headings, each with what it means."""
    context = command.make_context(words, [], resilient_parsing=True)
    panel = None
    for parameter in sorted(command.params, key=lambda one: one.param_type_name == "option"):
        if parameter.name == "help":
            continue
        kind = "Arguments" if parameter.param_type_name == "argument" else "Options"
        heading = getattr(parameter, "rich_help_panel", None) or kind
        if heading != panel:
            panel = heading
            yield f"\n**{heading.rstrip(':')}**\n"
        record = parameter.get_help_record(context)
        name, meaning = record or (parameter.name.upper(), parameter.help or "")
        yield f"- `{name}` – {_escaped(' '.join(meaning.split()))}"


def key_page() -> Iterator[str]:
    """Every key of a recipe: a heading each, so that links and the search find it."""
    yield "# Recipe keys\n"
    yield "Printed from the schema itself; `seq2seq recipe explain KEY` says the same."
    section = None
    for name, kind, default, meaning in describe_fields():
        parent = name.rpartition(".")[0]
        if parent != section:
            section = parent
            title, anchor = f"[{parent}]", parent.replace("[]", "")
            yield f"\n## {title} {{ #{anchor} }}" if parent else "\n## Top level"
        yield f"\n#### `{name}` {{ #{name.replace('[]', '')} }}\n"
        end = "" if default is None else f", default `{default}`"
        yield f"*{_escaped(kind)}*{end}. {meaning}"


def recipe_page() -> Iterator[str]:
    """Every recipe that comes with the program, with what its head says."""
    yield "# Recipes\n"
    yield "What comes with seq2seq."
    yield "`seq2seq train NAME` trains one, `seq2seq recipe new NAME` copies it to be changed."
    yield "Scores and times are those that each recipe's own head gives."
    for one in shipped_recipes():
        yield f"\n## {one.name}\n"
        yield f"{_escaped(one.what)}.\n"
        for name, said in (("Data", one.data), ("Score", one.score), ("Time", one.time)):
            yield f"- {name}: {_escaped(said)}"
        yield f"- Run: `{one.command}`\n"
        text = one.path.read_text(encoding="utf-8").splitlines()[len(HEAD) :]
        yield f'??? note "{one.path.name}"\n\n    ```toml'
        yield from (f"    {line}".rstrip() for line in "\n".join(text).strip().splitlines())
        yield "    ```"


def _escaped(text: str) -> str:
    """Text in which Markdown sees no markup of its own but code."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        part if part.startswith("`") else re.sub(r"([\\*_<>\[\]|])", r"\\\1", part)
        for part in parts
    )
