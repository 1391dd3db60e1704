"""The model card: what a stranger must know before using a model, all of it from the run's files.

A section whose facts were not measured is not there. The same run always gives the same card, so
that publishing it twice changes nothing.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from seq2seq.publish.card_tables import (
    data_tables,
    error_table,
    gender_table,
    score_notes,
    score_table,
)
from seq2seq.publish.export_check import Check
from seq2seq.publish.facts import RunFacts
from seq2seq.publish.front_matter import base_model, front_matter, languages
from seq2seq.recipe import Recipe
from seq2seq.text_table import markdown
from seq2seq.toml import toml_pairs

# Where one machine keeps its files; not a choice, and nobody else's business.
PLACES = ("data.folder", "data.cache")

USAGE = """\
```python
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

name = "{name}"
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForSeq2SeqLM.from_pretrained(name)

texts = [{text}]
batch = tokenizer(texts, return_tensors="pt", padding=True, truncation=True)
outputs = model.generate(**batch)
print(tokenizer.batch_decode(outputs, skip_special_tokens=True))
```"""
TOLD = "Every text begins with `{prefix}`, as in training.\n"
ADAPTED = """
Only a LoRA adapter was trained, whose matrices are added to these weights; `adapter/` holds them \
alone: `PeftModel.from_pretrained(base, "{name}", subfolder="adapter")`."""


def render_card(facts: RunFacts, name: str, *, license: str | None) -> str:
    """Write the README.md of a model's repository.

    Args:
        facts: Of the run.
        name: Of the repository, such as ``owner/name``.
        license: One of the Hub's names; None where it is not settled, and is then not stated.

    Returns:
        Markdown that opens with metadata in YAML.
    """
    from huggingface_hub import ModelCardData

    # Its YAML quotes "no", which is a language and not false.
    head = ModelCardData(**front_matter(facts, name, license=license)).to_yaml()
    sections = {
        "Use": _usage(facts, name),
        "Scores": "\n\n".join(filter(None, (score_table(facts.scores), score_notes(facts.scores)))),
        "Faults in the output": error_table(facts.scores),
        "Which noun is the pronoun?": _pronouns(facts),
        "Training data": data_tables(facts),
        "Training": "\n\n".join(_training(facts)),
        "Recipe": _recipe_block(facts),
        "Environment": _environment(facts.environment),
        "This copy": "" if facts.check is None else _copy(facts.check),
        "Limits": "\n".join(_limits(facts)),
    }
    parts = [f"# {name.partition('/')[2]}", _opening(facts)]
    parts += [f"## {title}\n\n{text}" for title, text in sections.items() if text]
    return f"---\n{head.strip()}\n---\n\n" + "\n\n".join(parts) + "\n"


def recipe_lines(recipe: Recipe) -> list[str]:
    """What a recipe chooses other than the defaults, as TOML that can be trained again.

    Args:
        recipe: The resolved one.

    Returns:
        A line for each key.
    """
    chosen = recipe.model_dump(mode="json", exclude_defaults=True)
    return [f"{key} = {value}" for key, value in toml_pairs(chosen) if key not in PLACES]


def _opening(facts: RunFacts) -> str:
    recipe = facts.recipe
    what = {
        "translation": f"Translates from `{recipe.source_language}` to `{recipe.target_language}`",
        "summarization": f"Summarizes text in `{recipe.source_language}`",
    }[recipe.task]
    return (
        f"{what}: an encoder-decoder Transformer of {facts.weights:,} weights in the "
        f"`{recipe.model.family}` format, {_beginning(facts)} on {facts.data['pairs']:,} pairs."
    )


def _beginning(facts: RunFacts) -> str:
    """Where the first weights are from."""
    if facts.origin is None:
        return "trained from random weights"
    name, commit = base_model(facts), facts.origin["revision"]
    if name is None:
        return "training continued from a model that is not on the Hub"
    return f"training continued from `{name}`" + (f" (commit `{commit}`)" if commit else "")


def _usage(facts: RunFacts, name: str) -> str:
    prefix, adapted = facts.recipe.source_prefix or "", facts.recipe.train.lora.rank > 0
    text = json.dumps(f"{prefix}Replace this by your own text.", ensure_ascii=False)
    longest = min(facts.recipe.model.max_positions, facts.recipe.data.cleaning.max_source_pieces)
    advice = "; give long text sentence by sentence" if facts.recipe.task == "translation" else ""
    return (
        f"{USAGE.format(name=name, text=text)}\n\n{TOLD.format(prefix=prefix) * bool(prefix)}"
        "The search (beams, length penalty) is stored with the model and used by `generate`.\n"
        f"Text of more than {longest} pieces is cut by these lines{advice}."
        f"{ADAPTED.format(name=name) * adapted}"
    )


def _pronouns(facts: RunFacts) -> str:
    probe = "" if facts.probe is None else facts.probe.text
    return "\n\n".join(part for part in (gender_table(facts.scores), probe) if part)


def _training(facts: RunFacts) -> Iterator[str]:
    environment, choice = facts.environment, facts.scores
    if facts.steps is not None and facts.training_seconds is not None:
        seconds = facts.training_seconds
        spent = f"{seconds:.0f} seconds" if seconds < 100 else f"{seconds / 60:.1f} minutes"
        count = environment["threads"]
        threads = "1 thread" if count == 1 else f"{count} threads"
        timed = "the last" if facts.timed_steps == facts.steps else f"update {facts.timed_steps:,}"
        yield (
            f"{facts.steps:,} updates, {timed} after {spent} of training and validation on "
            f"`{environment['processor']}` with {threads} (device "
            f"`{environment['device']}`), seed {facts.recipe.seed}."
        )
    text = f"The weights are those of {choice['weights']}"
    dev = choice["dev"]
    text += f", chosen by {dev['metric']} on the dev set: {dev['score']:.2f}"
    if "perplexity" in dev:  # earlier runs did not measure it
        text += f", perplexity {dev['perplexity']:.2f} a piece of this vocabulary"
    if dev.get("decided_by", dev["metric"]) != dev["metric"]:
        text += f"; others scored the same, and {dev['decided_by']} decided"
    text += "."
    if choice["rejected"]:
        text += f" Rejected: {choice['rejected']}."
    yield text + " No test set chose anything."


def _recipe_block(facts: RunFacts) -> str:
    known = facts.origin is None or facts.origin["base_model"] == facts.recipe.init
    # A folder of this machine is nobody's business.
    kept = [line for line in recipe_lines(facts.recipe) if known or not line.startswith("init =")]
    lines = "\n".join(kept)
    return (
        "What differs from the defaults of seq2seq-toolkit; paths are relative to the folder of "
        f"the data.\n\n```toml\n{lines}\n```"
    )


def _environment(environment: Mapping[str, Any]) -> str:
    versions = {name: found for name, found in environment["versions"].items() if found}
    own = {
        "seq2seq commit": environment["seq2seq"]["commit"],
        "python": environment["python"],
        "system": environment["system"],
        "cores": environment["cores"],
    }
    rows = [[name, f"`{value}`"] for name, value in (own | versions).items() if value is not None]
    return markdown(["what", "version"], rows)


def _copy(check: Check) -> str:
    return (
        f"These files were compared with the trained model on {check.pairs:,} held-out pairs "
        "before they were published.\n"
        f"Log-probabilities differ by at most {check.largest_difference:.2g} "
        f"(allowed: {check.tolerance:.2g}); the output is the same for "
        f"{check.greedy_agreement:.1%} of them without search and for {check.beam_agreement:.1%} "
        "with it.\n`export.json` holds these figures and the SHA-256 of every file they are about."
    )


def _context(facts: RunFacts) -> str:
    """What the model reads beside the text that it translates."""
    spec = facts.recipe.data.context
    if not spec.used:
        return "Each text stands alone: nothing is carried from one to the next."
    alone = ", ".join(
        f"{name} {report['bleu']['score']:.2f}"
        for name, report in facts.scores.get("test_alone", {}).items()
        if "bleu" in report
    )
    return (
        f"It was trained with sentences before each: at most {spec.source_sentences} of the source "
        f"and {spec.target_sentences} of its own translations. The lines of use above show it each "
        "text alone, `seq2seq translate --document` gives it the others, as in the scores above"
        + (f" (BLEU with each sentence alone: {alone})." if alone else ".")
    )


def _limits(facts: RunFacts) -> Iterator[str]:
    recipe = facts.recipe
    names = " and ".join(f"`{language.tag}`" for language in languages(facts))
    yield f"- It knows {names} as they are written in its training data, and no other language."
    yield (
        f"- It saw sources of at most {recipe.data.cleaning.max_source_pieces} pieces and targets "
        f"of at most {recipe.data.cleaning.max_target_pieces}."
    )
    yield f"- {_context(facts)}"
    known = "text other than the test sets above" if facts.scores["test"] else "any test set"
    yield f"- Nothing was measured on {known}, nor for bias, safety or factual truth."
    if recipe.tokenizer.lowercase:
        yield "- It reads and writes lower case only."
