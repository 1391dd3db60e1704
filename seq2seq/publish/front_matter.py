"""The head of a model card: what the Hub's search and score tables read.

Source:
    https://huggingface.co/docs/hub/model-cards and its ``modelcard.md`` specification.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from seq2seq.errors import PublishError
from seq2seq.languages import Language, language_of
from seq2seq.publish.facts import RunFacts
from seq2seq.recipe import CorpusSpec

# Our keys in scores.json, the Hub's name of the metric, and what people call it.
METRICS = {
    "bleu": ("sacrebleu", "BLEU"),
    "chrf": ("chrf", "chrF"),
    "chrf++": ("chrf", "chrF++"),
    "ter": ("ter", "TER"),
    "rouge1": ("rouge", "ROUGE-1"),
    "rouge2": ("rouge", "ROUGE-2"),
    "rougeL": ("rouge", "ROUGE-L"),
    "rougeLsum": ("rouge", "ROUGE-Lsum"),
    "bleu_tokenized": ("bleu", "BLEU, tokenised"),
    "bleu_tokenized_lc": ("bleu", "BLEU, tokenised and lower-cased"),
}
NOT_ON_THE_HUB = "unknown"  # as cards of other libraries have it: a name that is no dataset's id
HUB_CODE = re.compile("[a-z]{2,3}")  # it refuses a card with longer ones, and capitals
TASKS = {"translation": "Translation", "summarization": "Summarization"}


def front_matter(facts: RunFacts, name: str, *, license: str | None) -> dict[str, Any]:
    """Say in the Hub's own words what a model is.

    Args:
        facts: Of its run.
        name: Of its repository, such as ``owner/name``.
        license: One of the Hub's names, if one is settled.

    Returns:
        The metadata; keys that would say nothing are left out.
    """
    recipe, found = facts.recipe, languages(facts)
    full = any(one.tag != one.code for one in found)  # tags say more than the codes
    metadata = {
        "language": list(dict.fromkeys(one.code for one in found)),
        "language_bcp47": [one.tag for one in found] if full else [],
        "license": license,
        "library_name": "transformers",
        "pipeline_tag": recipe.task,
        "base_model": base_model(facts),
        "datasets": sorted({spec.hub for spec in recipe.data.train if spec.hub}),
        "metrics": list(dict.fromkeys(metric["type"] for metric in _all_metrics(facts))),
        "tags": ["seq2seq", recipe.model.family],
        "model-index": _model_index(facts, name),
    }
    return {key: value for key, value in metadata.items() if value}


def languages(facts: RunFacts) -> list[Language]:
    """The languages of a model, each once.

    Raises:
        PublishError: The Hub would not know one by its code.
    """
    recipe, found = facts.recipe, dict[str, Language]()
    for key in ("source_language", "target_language"):
        code = getattr(recipe, key)
        language = language_of(code)
        if language.script is None or not HUB_CODE.fullmatch(language.code):
            raise PublishError(
                f"{facts.run.recipe}: {key} = '{code}', needed a code of ISO 639 such as 'en', "
                "with script or region if they matter ('sr-Latn'); write the language's code there"
            )
        found[language.tag] = language
    return list(found.values())


def base_model(facts: RunFacts) -> str | None:
    """The model on the Hub whose training this run continued; None if it is not there."""
    name = None if facts.origin is None else facts.origin["base_model"]
    return name if isinstance(name, str) else None


def scored(report: Mapping[str, Any]) -> dict[str, Any]:
    """The scores of one test set, without what stands beside them."""
    return {
        key: value
        for key, value in report.items()
        if isinstance(value, Mapping) and "signature" in value
    }


def metric_name(key: str) -> str:
    """What people call a score."""
    return METRICS[key][1] if key in METRICS else key


def _model_index(facts: RunFacts, name: str) -> list[dict[str, Any]]:
    task = facts.recipe.task
    results = [
        {
            "task": {"type": task, "name": TASKS[task]},
            "dataset": _dataset(test, facts.recipe.data.test.get(test)),
            "metrics": list(_metrics(report)),
        }
        for test, report in facts.scores["test"].items()
    ]
    return [{"name": name.partition("/")[2], "results": results}] if results else []


def _dataset(test: str, spec: CorpusSpec | None) -> dict[str, str]:
    """What the scores are of; the Hub takes the type for the id of one of its datasets."""
    if spec is None or spec.hub is None:
        return {"type": NOT_ON_THE_HUB, "name": test}
    given = {"config": spec.config, "split": spec.split, "revision": spec.revision}
    return {"type": spec.hub, "name": test} | {key: text for key, text in given.items() if text}


def _metrics(report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for key, score in scored(report).items():
        yield {
            "type": METRICS[key][0] if key in METRICS else key,
            "value": score["score"],
            "name": metric_name(key),
            "args": {"signature": score["signature"]},
        }


def _all_metrics(facts: RunFacts) -> Iterator[dict[str, Any]]:
    for report in facts.scores["test"].values():
        yield from _metrics(report)
