"""The tables of a model card."""

from collections.abc import Iterator, Mapping
from typing import Any

from seq2seq.pronouns.gender_report import MEANING
from seq2seq.publish.facts import RunFacts
from seq2seq.publish.front_matter import metric_name, scored
from seq2seq.recipe import CorpusSpec
from seq2seq.text_table import markdown

FAULTS = {
    "empty": "empty",
    "copied": "copies of the source",
    "looping": "loops",
    "short": "less than half as long as the reference",
    "long": "more than twice as long",
}


def score_table(scores: Mapping[str, Any]) -> str:
    """Scores of all test sets with interval and signature, and of baselines where there are any."""
    rows = []
    for test, report in scores["test"].items():
        rows += [_score_row(test, key, score) for key, score in scored(report).items()]
        for name, baseline in report.get("baselines", {}).items():
            rows += [
                _score_row(f"{test}, {name} of the source", key, score)
                for key, score in baseline.items()
            ]
    return markdown(["test set", "metric", "score", "95 % interval", "signature"], rows)


def score_notes(scores: Mapping[str, Any]) -> str:
    """What a reader of the scores should know, such as text in another Unicode form."""
    tests = scores["test"].items()
    return "\n".join(
        f"- {test}: {note}." for test, report in tests for note in report.get("notes", [])
    )


def error_table(scores: Mapping[str, Any]) -> str:
    """How many outputs are plainly wrong."""
    rows = []
    for test, report in scores["test"].items():
        errors = report["errors"]
        share = errors["untranslated"]
        rows.append(
            [test, f"{errors['segments']:,}"]
            + ["" if errors[key] is None else f"{errors[key]:,}" for key in FAULTS]
            + [f"{errors['length_ratio']:.3f}", "" if share is None else f"{share:.2%}"]
        )
    head = ["test set", "outputs", *FAULTS.values(), "length ratio", "words left untranslated"]
    return markdown(head, rows)


def gender_table(scores: Mapping[str, Any]) -> str:
    """The gender that translations of pronoun items show."""
    rows = [
        [test, part, f"{score['items']:,}"]
        + [f"{score[key]:.1%}" for key in ("accuracy", "pair_accuracy", "quad_accuracy")]
        + [f"{score['coverage']:.1%}"]
        for test, parts in scores.get("gender", {}).items()
        for part, score in parts.items()
    ]
    if not rows:
        return ""
    text = (
        "Share of items whose translation shows the gender of the right noun; of pairs and quads, "
        "two and four sentences that differ in one word, only those right throughout count. "
        "Readable is a translation that shows any gender."
    )
    head = ["set", "part", "items", "right", "pairs", "quads", "readable"]
    named = dict.fromkeys(name for row in rows for name in row[:2] if name in MEANING)
    meanings = "; ".join(f"{name}: {MEANING[name]}" for name in named)
    return "\n\n".join(filter(None, (text, markdown(head, rows), f"{meanings}." * bool(named))))


def data_tables(facts: RunFacts) -> str:
    """The corpora with licence and hash, and what cleaning found."""
    cleaning = facts.data["cleaning"]
    head = (
        f"{cleaning['read']:,} pairs read, {cleaning['dropped']:,} dropped "
        f"({cleaning['dropped_share']:.2%}), {cleaning['kept']:,} kept."
    )
    corpora = markdown(["corpus", "use", "licence", "hash of the text"], list(_corpus_rows(facts)))
    found = markdown(
        ["found in the training data", "pairs", "then", "beside"],
        [[f["what"], f"{f['pairs']:,}", f["action"], f["detail"]] for f in cleaning["findings"]],
    )
    return f"{corpora}\n\n{head}\n\n{found}"


def _corpus_rows(facts: RunFacts) -> Iterator[list[str]]:
    data, hashes = facts.recipe.data, facts.environment["data"]
    held_out = {"dev": data.dev} | {f"test {name}": spec for name, spec in data.test.items()}
    training = [digest for name, digest in hashes.items() if name.startswith("train ")]
    for spec, digest in zip(data.train, training, strict=True):
        yield _corpus_row(spec, "train", digest)
    for use, spec in held_out.items():
        yield _corpus_row(spec, use, hashes.get(use, ""))


def _corpus_row(spec: CorpusSpec, use: str, digest: str) -> list[str]:
    name = f"`{spec.name}`"
    if spec.hub is not None:
        name = f"[{spec.name}](https://huggingface.co/datasets/{spec.hub})"
    if spec.revision is not None:
        name += f" at `{spec.revision}`"
    return [name, use, spec.license or "not stated", f"`{digest}`" if digest else ""]


def _score_row(test: str, key: str, score: Mapping[str, Any]) -> list[str]:
    interval = score["interval"]
    return [
        test,
        metric_name(key),
        f"{score['score']:.2f}",
        "" if interval is None else f"{interval[0]:.2f} – {interval[1]:.2f}",
        f"`{score['signature']}`",
    ]
