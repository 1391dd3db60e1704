"""The card says what the run's files say, in the Hub's terms, and nothing else."""

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from huggingface_hub import ModelCard
from safetensors.numpy import save_file

from seq2seq.errors import PublishError
from seq2seq.publish.card import recipe_lines, render_card
from seq2seq.publish.facts import read_facts
from seq2seq.recipe import ContextSpec
from seq2seq.recipe_file import parse_recipe
from seq2seq.run import Run, write_json
from tests.hub.validate import read_metadata, validate_card
from tests.publish.finished_run import (
    RECIPE,
    SIGNATURE,
    made_up_scores,
    write_export,
    write_probe,
    write_run,
)


def card_of(run: Run) -> str:
    return render_card(read_facts(run), "tester/owl", license="mit")


def section(card: str, title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", card, re.DOTALL | re.MULTILINE)
    return found.group(1).strip() if found else ""


def rows(text: str) -> list[list[str]]:
    """Cells of a table as GitHub cuts it: at every bar without a backslash."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in lines]
    return [[cell.strip().replace("\\|", "|") for cell in row] for row in cells]


def test_the_head_is_what_the_hubs_own_client_reads(exported: Run) -> None:
    data = ModelCard(card_of(exported)).data
    assert data.language == ["en", "no"], "and not false"
    assert (data.license, data.library_name, data.pipeline_tag) == (
        "mit", "transformers", "translation",
    )  # fmt: skip
    assert data.datasets == ["tester/owls"]
    assert data.metrics == ["sacrebleu", "bleu"]
    assert data.tags == ["seq2seq", "m2m_100"]
    assert data.base_model is None
    assert data.model_name == "owl"
    found = [
        (one.dataset_name, one.metric_type, one.metric_name, one.metric_value, one.metric_args)
        for one in data.eval_results or []
    ]
    assert {one.dataset_type for one in data.eval_results or []} == {"unknown"}, "and no link"
    assert found == [
        ("news", "sacrebleu", "BLEU", 17.25, {"signature": SIGNATURE}),
        ("news", "bleu", "BLEU, tokenised and lower-cased", 18.5, {"signature": "tok:moses"}),
    ]


def test_the_head_passes_the_hubs_rules_and_an_unquoted_no_would_not(exported: Run) -> None:
    card = card_of(exported)
    assert validate_card(card, "model") == ([], [])
    errors, _ = validate_card(card.replace("- 'no'", "- no"), "model")
    assert errors == ['"language[1]" must be an ISO 639 code, got False; quote "no"']


@pytest.mark.parametrize(
    ("source", "target", "codes", "tags"),
    [
        ("eng_Latn", "vi-VN", ["en", "vi"], ["en-Latn", "vi-VN"]),
        ("EN", "zho_Hans", ["en", "zh"], ["en", "zh-Hans"]),
        ("zh-Hans", "zh-Hant", ["zh"], ["zh-Hans", "zh-Hant"]),
        ("eng", "yue", ["en", "yue"], None),
        ("sr_Latn", "no", ["sr", "no"], ["sr-Latn", "no"]),
    ],
)
def test_languages_are_the_hubs_codes_and_what_more_is_known_stands_apart(
    tmp_path: Path, source: str, target: str, codes: list[str], tags: list[str] | None
) -> None:
    card = card_of(write_run(tmp_path / "run", source_language=source, target_language=target))
    assert validate_card(card, "model") == ([], [])
    data = ModelCard(card).data.to_dict()
    assert data["language"] == codes
    assert data.get("language_bcp47") == tags


@pytest.mark.parametrize("code", ["xx", "digits", "english", "und"])
def test_a_code_of_no_language_is_refused(tmp_path: Path, code: str) -> None:
    run = write_run(tmp_path / "run", target_language=code)
    with pytest.raises(
        PublishError, match=rf"recipe.json: target_language = '{code}', needed a code of ISO 639"
    ):
        card_of(run)


def test_notes_on_the_scores_stand_below_them(exported: Run) -> None:
    content = json.loads(exported.scores.read_text())
    content["test"]["news"]["notes"] = ["references: 2 of 3 lines are not in the composed form"]
    exported.scores.write_text(json.dumps(content))
    lines = section(card_of(exported), "Scores").splitlines()
    assert lines[-1] == "- news: references: 2 of 3 lines are not in the composed form."


def test_scores_stand_with_interval_and_signature(exported: Run) -> None:
    table = rows(section(card_of(exported), "Scores"))
    assert table[2:] == [
        ["news", "BLEU", "17.25", "16.50 – 18.00", f"`{SIGNATURE}`"],
        ["news", "BLEU, tokenised and lower-cased", "18.50", "", "`tok:moses`"],
    ]


def test_faults_that_cannot_be_counted_are_left_open(exported: Run) -> None:
    table = rows(section(card_of(exported), "Faults in the output"))
    assert table[2] == ["news", "1,000", "3", "", "2", "4", "5", "0.987", "1.25%"]


def test_data_stands_with_licence_hash_and_counts(exported: Run) -> None:
    text = section(card_of(exported), "Training data")
    assert rows(text)[2:6] == [
        ["`train.tsv`", "train", "MIT", "`11`"],
        ["[tester/owls:train](https://huggingface.co/datasets/tester/owls) at `abc1234`", "train",
         "mit", "`22`"],
        ["`dev.tsv`", "dev", "MIT", "`33`"],
        ["`news.en + news.no`", "test news", "not stated", "`44`"],
    ]  # fmt: skip
    assert "9,000 pairs read, 1,234 dropped (13.71%), 7,766 kept." in text
    assert rows(text)[-1] == ["duplicates", "1,234", "dropped", "as a|b"]


def test_training_is_told_as_the_log_has_it(exported: Run) -> None:
    text = section(card_of(exported), "Training")
    assert (
        "100 updates, the last after 2.5 minutes of training and validation on `Test CPU` with 2 "
        "threads (device `cpu`), seed 1."
    ) in text
    assert "average of steps 50, 100, chosen by bleu on the dev set: 17.20." in text
    assert "Rejected: step 100, 17.10." in text
    assert "of 17 weights in the `m2m_100` format, trained from random weights on 7,766 pairs" in (
        card_of(exported)
    )


def test_the_recipe_is_one_that_can_be_trained_again(exported: Run) -> None:
    block = section(card_of(exported), "Recipe").partition("```toml\n")[2].partition("```")[0]
    content = tomllib.loads(block)
    assert "/home/ana" not in block, "where one machine keeps its files is no choice"
    content["data"]["folder"] = "/home/ana/corpora"
    assert parse_recipe(content, where="card") == exported.read_recipe()


def test_a_recipe_of_odd_names_and_texts_is_still_toml() -> None:
    recipe = parse_recipe(
        {
            "source_language": "en",
            "target_language": "de",
            "data": {
                "train": [{"file": 'a "b"\\c.tsv'}],
                "dev": {"file": "ü.tsv"},
                "test": {"été 1.0": {"file": "t.tsv"}},
            },
            "train": {"trackers": ["wandb"], "peak_lr": 1e-7},
        },
        where="test",
    )
    assert parse_recipe(tomllib.loads("\n".join(recipe_lines(recipe))), where="x") == recipe


def test_what_was_not_measured_is_not_there(exported: Run) -> None:
    exported.metrics.unlink()
    write_json(exported.scores, made_up_scores() | {"test": {}, "rejected": ""})
    card = card_of(exported)
    for title in ("Scores", "Faults in the output", "Which noun is the pronoun?"):
        assert section(card, title) == ""
    assert "updates" not in card
    assert "Rejected" not in card
    assert "model-index" not in card
    assert "Nothing was measured on any test set" in card
    assert "None" not in card
    assert "[More Information Needed]" not in card


def test_a_run_that_states_no_licence_and_was_not_exported_has_a_card_without(
    tmp_path: Path,
) -> None:
    train = [{key: value for key, value in one.items() if key != "license"}
             for one in RECIPE["data"]["train"]]  # fmt: skip
    run = write_run(tmp_path / "run", data=RECIPE["data"] | {"train": train})
    card = render_card(read_facts(run), "tester/owl", license=None)
    assert "license" not in read_metadata(card)
    assert validate_card(card, "model") == ([], [])
    corpora = rows(section(card, "Training data"))[2:4]
    assert [row[2] for row in corpora] == ["not stated", "not stated"]
    assert section(card, "This copy") == ""
    assert "of 17 weights" in card
    assert section(card, "Scores")
    assert "None" not in card


def test_what_a_run_hashed_beside_its_corpora_is_no_corpus(exported: Run) -> None:
    environment = json.loads(exported.environment.read_text(encoding="utf-8"))
    environment["data"]["marks 1"] = "66"
    write_json(exported.environment, environment)
    table = section(card_of(exported), "Training data")
    assert "`66`" not in table
    assert rows(table)[2][-1] == "`11`"


def test_pronoun_items_and_the_probe_have_their_section(exported: Run) -> None:
    score = {"items": 1040, "accuracy": 0.999, "pair_accuracy": 0.998, "quad_accuracy": 0.996,
             "coverage": 1.0}  # fmt: skip
    write_json(exported.scores, made_up_scores() | {"gender": {"T0": {"all": score, "F2": score}}})
    probe = write_probe(exported, "Head 3 finds it.\n\n![heads](T1/heat.svg)\n")
    text = section(card_of(exported), "Which noun is the pronoun?")
    assert rows(text)[2] == ["T0", "all", "1,040", "99.9%", "99.8%", "99.6%", "100.0%"]
    assert "T0: new sentences of words used as in training; F2: nouns of two kinds" in text
    assert text.endswith("Head 3 finds it.\n\n![heads](probe/T1/heat.svg)")
    assert read_facts(exported).probe.figures == {  # type: ignore[union-attr]
        "probe/T1/heat.svg": probe / "heat.svg"
    }


def test_a_probe_without_section_or_figure_is_refused(exported: Run) -> None:
    exported.probe.mkdir()
    with pytest.raises(PublishError, match=r"probe: no card\.md, needed what the probe says"):
        read_facts(exported)
    (exported.probe / "card.md").write_bytes(b"\xff")
    with pytest.raises(PublishError, match=r"card\.md: byte 0xff .* is not UTF-8, needed what the"):
        read_facts(exported)
    (exported.probe / "card.md").write_text("![a](a.svg) ![b](b.png)")
    (exported.probe / "a.svg").write_text("<svg/>")
    with pytest.raises(PublishError, match=r"shows 'b\.png', but there is no such file"):
        read_facts(exported)


@pytest.mark.parametrize("section", ["Head 3 finds it.", "![heads](T1/heat.svg)"])
def test_a_probe_of_other_weights_is_refused(exported: Run, section: str) -> None:
    path = write_probe(exported, section) / "probe.json"
    read_facts(exported)
    write_json(path, {"provenance": {"model_sha256": "0" * 64}})
    with pytest.raises(PublishError, match=r"T1/probe\.json: of other weights .*; probe it again"):
        read_facts(exported)
    path.unlink()
    with pytest.raises(PublishError, match=r"probe\.json: of other weights .* or missing, needed"):
        read_facts(exported)


def test_an_export_of_the_model_before_it_was_trained_further_is_refused(exported: Run) -> None:
    save_file({"a": np.ones((3, 4), np.float32)}, exported.best / "model.safetensors")
    (exported.best / "config.json").write_text('{"model_type": "marian"}')
    said = r"best: config\.json, model\.safetensors changed since the export was made, needed an"
    with pytest.raises(PublishError, match=said):
        read_facts(exported)
    write_export(exported)
    read_facts(exported)
    (exported.best / "model.safetensors").unlink()
    with pytest.raises(PublishError, match=r"best: no model\.safetensors, needed the model that"):
        read_facts(exported)


def test_an_early_stop_is_told_by_the_last_update_whatever_logged_it(exported: Run) -> None:
    with exported.metrics.open("a", encoding="utf-8") as log:
        log.write('{"kind": "dev", "step": 1240, "bleu": 17.1}\n{"kind": "tr')
    text = section(card_of(exported), "Training")
    assert text.startswith("1,240 updates, update 100 after 2.5 minutes of training")


def test_a_log_damaged_before_its_last_line_is_refused(exported: Run) -> None:
    lines = exported.metrics.read_text(encoding="utf-8")
    exported.metrics.write_text('{"kind"\n' + lines, encoding="utf-8")
    with pytest.raises(PublishError, match=r"metrics\.jsonl, line 1: cannot be read"):
        read_facts(exported)


def test_a_summarizer_is_called_one(tmp_path: Path) -> None:
    run = write_run(
        tmp_path / "run", task="summarization", target_language="en", train={"select_by": "rouge1"}
    )
    write_export(run)
    card = card_of(run)
    metadata = read_metadata(card)
    assert (metadata["pipeline_tag"], metadata["language"]) == ("summarization", ["en"])
    assert "Summarizes text in `en`" in card
    assert "sentence by sentence" not in card


def test_a_model_that_reads_context_is_told_apart_from_one_that_does_not(exported: Run) -> None:
    facts = read_facts(exported)
    assert "Each text stands alone" in render_card(facts, "tester/owl", license="mit")
    data = facts.recipe.data.model_copy(update={"context": ContextSpec(source_sentences=2)})
    scores = {**facts.scores, "test_alone": {"t": {"bleu": {"score": 12.3}}}}
    recipe = facts.recipe.model_copy(update={"data": data})
    card = render_card(replace(facts, recipe=recipe, scores=scores), "tester/owl", license="mit")
    assert "Each text stands alone" not in card
    assert "at most 2 of the source and 0 of its own translations" in card
    assert "BLEU with each sentence alone: t 12.30" in card


def test_the_same_run_gives_the_same_card(exported: Run) -> None:
    assert card_of(exported) == card_of(exported)


def damage_scores(run: Run) -> None:
    run.scores.write_text("{")


def remove_weights(run: Run) -> None:
    (run.exports / "hub" / "model.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0{")
    check = json.loads((run.exports / "hub" / "export.json").read_text())
    digest = "0e2d96bd3ab4ae0b1d2ed2ee5c4e1bbdb5f5d4d8c3b5d5e8e9c6ad9a0f2b2a11"
    check["files"]["model.safetensors"] = digest
    write_json(run.exports / "hub" / "export.json", check)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda run: run.scores.unlink(), "not finished, it has no scores.json; continue it with"),
        (damage_scores, r"scores\.json: not JSON"),
        (lambda run: run.environment.unlink(), r"environment\.json: no such file"),
        (remove_weights, "model.safetensors was changed since the export was checked"),
        (lambda run: write_export(run, passed=False), "its check did not pass"),
    ],
)
def test_a_run_that_cannot_be_told_about_is_refused(exported: Run, damage: Any, said: str) -> None:
    damage(exported)
    with pytest.raises(PublishError, match=said):
        read_facts(exported)


def test_yaml_reads_an_unquoted_no_as_false() -> None:
    """The reason for all the care."""
    assert yaml.safe_load("[no, 'no']") == [False, "no"]


def test_a_model_trained_further_names_the_one_it_began_with(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", init="team/opus")
    write_export(run)
    origin = {
        "init": "team/opus",
        "base_model": "team/opus",
        "revision": "abc",
        "licenses": ["mit"],
    }
    write_json(run.origin, origin)
    card = card_of(run)
    assert ModelCard(card).data.base_model == "team/opus"
    assert "training continued from `team/opus` (commit `abc`)" in card
    assert 'init = "team/opus"' in section(card, "Recipe")


def test_a_model_that_is_not_on_the_hub_is_not_named(tmp_path: Path) -> None:
    """Its name is a folder of this machine."""
    run = write_run(tmp_path / "run", init="/srv/models/secret")
    write_export(run)
    unknown = {"base_model": None, "revision": None, "licenses": None}
    write_json(run.origin, {"init": "/srv/models/secret"} | unknown)
    card = card_of(run)
    assert ModelCard(card).data.base_model is None
    assert "training continued from a model that is not on the Hub" in card
    assert "secret" not in card
    assert "trained from random weights" not in card
