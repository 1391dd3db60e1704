"""Every item of the published sets decided as the suites' own programs decide it."""

import gzip
import json
from pathlib import Path

import pytest

from seq2seq.evaluate.answers import AnswerOptions
from seq2seq.evaluate.evaluation import SeedResult, System, evaluate_systems
from seq2seq.evaluate.item import Suite
from seq2seq.evaluate.suites.names import SuiteName
from seq2seq.evaluate.suites.read import read_suite
from tests.evaluate import evaluators
from tests.evaluate.random_models import random_translator

pytestmark = [pytest.mark.slow, pytest.mark.shared_data]


def answered(name: SuiteName, path: Path) -> tuple[Suite, SeedResult]:
    """What a model of random weights answers to all of a set."""
    suite = read_suite(name, path)
    texts = [t for item in suite.items for t in (item.source, item.good, *item.bads)]
    translator = random_translator(texts, positions=400)
    found = evaluate_systems(
        suite, path, [System("m", ("m",))], AnswerOptions(beams=1), open_model=lambda _: translator,
        say=lambda *_: None,
    )  # fmt: skip
    return suite, found.conditions[0].seeds[0]


def scores_of(seed: SeedResult) -> list[float]:
    return [score for row in seed.answers.scores for score in row or ()]


def test_contrapro_is_decided_item_by_item_as_its_programs_do(shared_data: Path) -> None:
    path = shared_data / "context" / "contrapro-en-de" / "dev.contrapro.json.gz"
    suite, seed = answered("contrapro", path)
    records = json.loads(gzip.decompress(path.read_bytes()))
    official = evaluators.contrapro_results(records, scores_of(seed))
    assert [bool(one) for one in seed.contrastive] == official["correct"]
    assert {item.tags["pronoun"] for item in suite.items} == official["by_pronoun"].keys()
    assert {item.tags["distance"] for item in suite.items} == official["by_distance"].keys()
    pairs = zip(records, seed.answers.texts, strict=True)
    assert [one is not None and one.right for one in seed.judgements] == [
        evaluators.contrapro_generated(record["ref pronoun"], text) for record, text in pairs
    ]


@pytest.mark.parametrize("code", ["es", "de", "fr"])
def test_mt_geneval_is_decided_item_by_item_as_its_program_does(
    shared_data: Path, code: str
) -> None:
    folder = shared_data / "context" / "mt-geneval"
    stem = "geneval-context-wikiprofessions-{}-dev.en_{}.{}"
    suite = read_suite("mt-geneval", folder / stem.format("2to1", code, "en"))
    right, wrong = (
        (folder / stem.format(kind, code, code)).read_text("utf-8").split("\n")[:-1]
        for kind in ("original", "flipped")
    )
    for written in (right, wrong, [_mixed(*both) for both in zip(right, wrong, strict=True)]):
        ours = [one is not None and one.right for one in suite.judge(suite.items, written)]
        official = [
            evaluators.mt_geneval_decision(*three)
            for three in zip(written, right, wrong, strict=True)
        ]
        assert ours == official
    assert 0.1 < sum(ours) / len(ours) < 0.9


def _mixed(one: str, other: str) -> str:
    """The beginning of a sentence and the end of another."""
    return " ".join([*one.split()[: len(one) % 9], *other.split()[-(len(other) % 9) :]])


def test_french_pairs_and_discevalmt_are_decided_line_by_line(shared_data: Path) -> None:
    context = shared_data / "context"
    for name, path, official in (
        ("contrastive-fr", context / "contrastive-en-fr.dev.jsonl.gz", evaluators.french_results),
        ("discevalmt", context / "discourse-mt" / "anaphora.json", evaluators.discevalmt_correct),
        ("discevalmt", context / "discourse-mt" / "lexical-choice.json",
         evaluators.discevalmt_correct),
    ):  # fmt: skip
        _, seed = answered(name, path)
        assert [bool(one) for one in seed.contrastive] == official(scores_of(seed))
