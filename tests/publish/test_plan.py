"""What would be uploaded, and what speaks against it."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from seq2seq.errors import PublishError
from seq2seq.publish.plan import PlannedFile, check_repository, plan_model
from seq2seq.run import Run
from tests.publish.finished_run import RECIPE, write_export, write_probe, write_run


def test_a_plan_is_the_export_its_receipt_and_the_card(exported: Run) -> None:
    plan = plan_model(exported, "tester/owl")
    assert [file.path for file in plan.files] == [
        "README.md", "config.json", "export.json", "model.safetensors",
    ]  # fmt: skip
    assert plan.license == "mit"
    assert plan.card().startswith("---\ndatasets:\n- tester/owls\nlanguage:\n")


def test_a_run_that_was_not_exported_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="not exported, needed what the Hub's readers can load"):
        plan_model(write_run(tmp_path / "run"), "tester/owl")


@pytest.mark.parametrize(
    ("file", "spoil"),
    [
        ("scores.json", {"gender": None}),
        ("scores.json", {"dev": {"metric": "bleu", "score": 1.0, "perplexity": [3]}}),
        ("data.json", {"pairs": None}),
    ],
)
def test_a_file_of_the_run_with_something_else_in_it_is_named(
    exported: Run, file: str, spoil: dict[str, Any]
) -> None:
    path = exported.folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | spoil))
    with pytest.raises(PublishError, match=r"its scores\.json, data\.json or environment\.json"):
        plan_model(exported, "tester/owl")


def test_a_plan_is_shown_with_sizes_and_their_sum(exported: Run) -> None:
    plan = plan_model(exported, "tester/owl", license="Apache-2.0")
    shown = plan.to_text().splitlines()
    assert shown[0] == "model tester/owl, licence apache-2.0"
    sizes = [int(line.split()[0].replace(",", "")) for line in shown[1:]]
    config = exported.exports / "hub" / "config.json"
    assert shown[2] == f"{config.stat().st_size:>13,}  config.json"
    assert sizes[-1] == sum(sizes[:-1])
    assert json.loads(json.dumps(plan.to_json()))["files"][1] == {
        "path": "config.json", "size": 25,
        "sha256": hashlib.sha256(config.read_bytes()).hexdigest(),
    }  # fmt: skip


def test_files_are_named_as_git_and_the_hub_name_them(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"owl\n")
    git = subprocess.run(["git", "hash-object", path], capture_output=True, text=True, check=True)
    for file in (PlannedFile("a.txt", path), PlannedFile("a.txt", b"owl\n")):
        assert file.git_blob == git.stdout.strip()
        assert file.sha256 == hashlib.sha256(b"owl\n").hexdigest()
        assert file.size == 4


def test_a_private_path_in_any_file_is_refused_and_all_are_named(exported: Run) -> None:
    (exported.best / "config.json").write_text('{\n"_name_or_path": "/home/ana/x"}')
    (exported.best / "notes.txt").write_text(f"from {exported.folder.resolve()}/best")
    write_export(exported)
    with pytest.raises(PublishError, match="files would tell about this machine") as caught:
        plan_model(exported, "tester/owl")
    assert "config.json, line 2: '/home/ana'" in str(caught.value)
    assert "notes.txt, line 1: '" in str(caught.value)


def test_this_machines_own_folders_are_private_wherever_they_lie(
    exported: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (exported.best / "config.json").write_text('{"from": "/opt/lab/ana/models"}')
    write_export(exported)
    plan_model(exported, "tester/owl")
    monkeypatch.setattr(Path, "home", lambda: Path("/opt/lab/ana"))
    with pytest.raises(PublishError, match=r"config\.json, line 1: '/opt/lab/ana/'"):
        plan_model(exported, "tester/owl")


def test_a_private_path_in_the_card_is_refused_too(tmp_path: Path) -> None:
    train = [{"file": "/home/ana/train.tsv", "license": "mit"}, RECIPE["data"]["train"][1]]
    run = write_run(tmp_path / "run", data=RECIPE["data"] | {"train": train})
    write_export(run)
    with pytest.raises(PublishError, match=r"README\.md, line \d+: '/home/ana'"):
        plan_model(run, "tester/owl")


@pytest.mark.parametrize(
    "path",
    ["/data/clients/acme/train.jsonl", "/nfs/a.tsv", "~/a.tsv", "D:\\acme\\a.tsv", "d:a.tsv",
     "../../acme/a.tsv", "a/../../b.tsv", "..\\acme.tsv", r"\\server\acme.tsv"],
)  # fmt: skip
def test_texts_named_by_where_this_machine_has_them_are_refused(tmp_path: Path, path: str) -> None:
    train = [{"file": path, "license": "mit"}, {"hub": path, "license": "mit"}]
    pair = {"source": path, "target": "a.no"}
    data = RECIPE["data"] | {"train": train, "dev": pair, "test": {"news": pair}}
    score = {"tokenized_references": {"news": path}}
    run = write_run(tmp_path / "run", data=data, score=score)
    write_export(run)
    with pytest.raises(PublishError, match=r"in the run's recipe\.json") as caught:
        plan_model(run, "tester/owl")
    keys = ["data.train[0].file", "data.train[1].hub", "data.dev.source", "data.test.news.source",
            "score.tokenized_references.news"]  # fmt: skip
    assert [key for key in keys if f"the recipe, {key}: '{path}'" not in str(caught.value)] == []
    assert "a.no'" not in str(caught.value)


@pytest.mark.parametrize("path", ["a/../b.tsv", "./a..b/c.tsv", "..a/b.tsv", "a~/b:c.tsv"])
def test_texts_below_a_folder_of_the_data_anywhere_are_published(tmp_path: Path, path: str) -> None:
    data = RECIPE["data"] | {"folder": "/nfs/acme", "dev": {"file": path}}
    run = write_run(tmp_path / "run", data=data)
    write_export(run)
    assert "acme" not in plan_model(run, "tester/owl").card()


def test_a_licence_added_where_the_refusal_says_is_found(tmp_path: Path) -> None:
    data = RECIPE["data"] | {"train": [{"file": "train.tsv"}, {"hub": "tester/owls"}]}
    run = write_run(tmp_path / "run", data=data)
    write_export(run)
    with pytest.raises(PublishError, match=r"add 'license' there in the run's recipe\.json"):
        plan_model(run, "tester/owl")
    recipe = json.loads(run.recipe.read_text(encoding="utf-8"))
    for corpus in recipe["data"]["train"]:
        corpus["license"] = "isc"
    run.recipe.write_text(json.dumps(recipe), encoding="utf-8")
    assert plan_model(run, "tester/owl").license == "isc"


def test_an_export_that_brings_a_card_of_its_own_is_refused(exported: Run) -> None:
    (exported.best / "README.md").write_text("# Owl")
    write_export(exported)
    with pytest.raises(PublishError, match=r"README\.md: the card is written when a run is publi"):
        plan_model(exported, "tester/owl")


def test_figures_of_the_probe_go_along(exported: Run) -> None:
    probe = write_probe(exported, "![heads](T1/heat.svg)")
    (probe / "items.jsonl").write_text("{}")
    paths = [file.path for file in plan_model(exported, "tester/owl").files]
    assert [path for path in paths if path.startswith("probe/")] == ["probe/T1/heat.svg"]


@pytest.mark.parametrize("name", ["tester/owl", "a/b", "My-Org/x.y_z-1"])
def test_names_of_the_hub_are_taken(name: str) -> None:
    check_repository(name)


@pytest.mark.parametrize(
    "name", ["owl", "a/b/c", "tester/", "/owl", "tester/-owl", "te ster/owl", "a/b..c", "a/ü",
             "a/" + 95 * "b"],
)  # fmt: skip
def test_other_names_are_refused_before_anything_is_read(name: str) -> None:
    with pytest.raises(PublishError, match="needed owner/name of letters, digits"):
        plan_model(Run(Path("nowhere")), name)


@pytest.mark.parametrize("link", ["probe/T1/heat.svg", "probe/card.md", "exports/hub/config.json"])
def test_a_link_that_leads_out_of_the_run_is_refused(
    exported: Run, tmp_path: Path, link: str
) -> None:
    """Whoever sends a run could have any file of this machine published with it."""
    write_probe(exported, "![heads](T1/heat.svg)")
    path, secret = exported.folder / link, tmp_path / "secret"
    secret.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(PublishError, match=rf"{link}: is .*/secret, which lies outside the run"):
        plan_model(exported, "tester/owl")


def test_a_figure_named_by_a_path_out_of_the_run_is_refused(exported: Run, tmp_path: Path) -> None:
    (tmp_path / "secret.svg").write_text("<svg/>")
    write_probe(exported, "![heads](../../secret.svg)")
    with pytest.raises(PublishError, match="which lies outside the run"):
        plan_model(exported, "tester/owl")


def test_a_link_inside_the_run_and_a_run_behind_a_link_are_published(
    exported: Run, tmp_path: Path
) -> None:
    probe = write_probe(exported, "![heads](T1/heat.svg)")
    (probe / "heat.svg").rename(probe / "drawn.svg")
    (probe / "heat.svg").symlink_to("drawn.svg")
    (tmp_path / "link").symlink_to(exported.folder)
    assert plan_model(Run(tmp_path / "link"), "tester/owl")
