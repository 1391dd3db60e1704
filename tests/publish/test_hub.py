"""Uploads by the real client: one commit or none, and one line about what went wrong."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seq2seq.errors import PublishError
from seq2seq.publish.hub import _explained
from tests.hub.server import READER, WRITER

SCRIPT = Path(__file__).parent / "upload_scenarios.py"
FILES = ["README.md", "export.json", "extra.json", "model.safetensors"]
COMMIT = "POST /api/models/tester/owl/commit/main"


@pytest.fixture(scope="module")
def outcomes(root: Path) -> dict[str, Any]:
    """How every scenario ended; one process for all, because importing the client takes longest."""
    environment = {**os.environ, "PYTHONPATH": str(root)}
    result = subprocess.run(
        [sys.executable, SCRIPT], capture_output=True, text=True, check=False, env=environment
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == "", "the error is one line, and the client adds none of its own"
    return dict(json.loads(result.stdout))


def test_an_upload_is_one_commit_then_a_tag_and_doing_it_again_changes_nothing(
    outcomes: dict[str, Any],
) -> None:
    found = outcomes["twice"]
    head = found["model"]["head"]
    first, second = found["said"]
    assert first.startswith("4 files uploaded: http://127.0.0.1:")
    assert first.endswith(f"/tester/owl (private): commit {head}, tag v1")
    assert second == "nothing changed: " + first.partition(": ")[2]
    assert found["model"] == {
        "files": FILES, "commits": 2, "head": head, "tags": {"v1": head}, "private": True,
    }  # fmt: skip
    assert found["requests"].count(COMMIT) == 1
    assert found["requests"].index(COMMIT) < found["requests"].index(
        f"POST /api/models/tester/owl/tag/{head}"
    )


def test_a_changed_run_sends_what_changed_and_takes_away_what_is_gone(
    outcomes: dict[str, Any],
) -> None:
    found = outcomes["changed"]
    _, refused, done = found["said"]
    assert "tag 'v1' names commit" in refused
    assert "needed a new one, because a tag does not move; choose another" in refused
    assert done.startswith("1 files uploaded, 1 removed: ")
    repository = found["model"]
    assert repository["files"] == ["README.md", "export.json", "model.safetensors"]
    assert repository["commits"] == 3
    assert repository["tags"]["v2"] == repository["head"] != repository["tags"]["v1"]


def test_a_commit_of_somebody_else_is_not_overwritten(outcomes: dict[str, Any]) -> None:
    found = outcomes["stale"]
    assert "somebody else committed meanwhile" in found["said"][1]
    assert found["model"]["files"] == [*FILES, "theirs.txt"]
    assert found["model"]["commits"] == 3


def test_a_connection_lost_in_the_middle_leaves_nothing(outcomes: dict[str, Any]) -> None:
    found = outcomes["broken"]
    (said,) = found["said"]
    assert said.startswith("error: tester/owl: no connection, or it was lost (")
    assert "nothing is half there" in said
    assert any(line.startswith("PUT /objects/") for line in found["requests"])
    assert found["model"] is None, "what was made for the upload is taken back"


def test_a_connection_lost_at_the_commit_leaves_what_was_there_until_it_is_done_again(
    outcomes: dict[str, Any],
) -> None:
    found = outcomes["broken update"]
    assert "no connection, or it was lost" in found["said"][1]
    assert found["said"][2].startswith("1 files uploaded: ")
    assert found["model"]["commits"] == 3


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ("limit", "asked too often (429); nothing is half there; give the same command in 7 seco"),
        ("limit of objects", "asked too often (429); nothing is half there; give the same command"),
        ("limit without a time", "asked too often (429); nothing is half there; give the same com"),
        ("server fails", "the Hub answered 500 (Internal error); give the same command again late"),
        ("look fails", "the Hub answered 500 (Internal error); give the same command again later"),
        ("tag fails", "is there, tag 'v1' is not; the same command adds it)"),
    ],
)
def test_the_same_command_finishes_what_a_passing_fault_stopped(
    outcomes: dict[str, Any], scenario: str, said: str
) -> None:
    found = outcomes[scenario]
    first, second = found["said"]
    assert first.startswith("error: tester/owl: ")
    assert said in first
    changed = "nothing changed: " if scenario == "tag fails" else "4 files uploaded: "
    assert second.startswith(changed)
    head = found["model"]["head"]
    assert found["model"]["files"] == FILES
    assert found["model"]["commits"] == 2
    assert found["model"]["tags"] == {"v1": head}


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ("no token", "tester/owl: no token on this machine, needed one that may write; 'hf auth l"),
        ("wrong token", "tester/owl: the Hub does not accept the token, needed one that may write"),
        ("reader", "the token may not do this (You don't have the rights to create a model under"),
        ("elsewhere", "stranger/owl: the token may not do this (You don't have the rights to crea"),
        (
            "bad card",
            'the Hub does not take what it was given ("license[0]" must be one of afl-3.0',
        ),
    ],
)
def test_what_the_hub_refuses_is_told_in_a_line_and_leaves_no_repository(
    outcomes: dict[str, Any], scenario: str, said: str
) -> None:
    found = outcomes[scenario]
    assert said in found["said"][0]
    assert "\n" not in found["said"][0]
    assert found["model"] is None


@pytest.mark.parametrize(
    ("scenario", "said", "files", "commits"),
    [
        ("race", "tester/owl: this name is taken, needed a new one; choose another", [], 1),
        ("taken", "taken by something that seq2seq did not publish (theirs.txt), needed an empty",
         ["theirs.txt"], 2),
        ("public", "public already, --private cannot take that back", FILES, 2),
    ],
)  # fmt: skip
def test_what_belongs_to_others_or_is_public_stays_as_it_was(
    outcomes: dict[str, Any], scenario: str, said: str, files: list[str], commits: int
) -> None:
    found = outcomes[scenario]
    assert said in found["said"][-1]
    assert (found["model"]["files"], found["model"]["commits"]) == (files, commits)


def test_a_model_and_its_space_are_a_commit_each_and_doing_it_again_changes_nothing(
    outcomes: dict[str, Any],
) -> None:
    found = outcomes["both"]
    first, second = found["said"]
    model, space = first.split("; ")
    assert model.endswith("/tester/owl (private): commit " + found["model"]["head"] + ", tag v1")
    assert space.startswith("3 files uploaded: http://127.0.0.1:")
    assert space.endswith("/spaces/tester/owl (private): commit " + found["space"]["head"])
    assert second.count("nothing changed: ") == 2
    assert found["space"] == {
        "files": ["README.md", "app.py", "space.json"], "commits": 2,
        "head": found["space"]["head"], "tags": {}, "private": True,
    }  # fmt: skip
    assert found["requests"].count("GET /api/whoami-v2") == 2, "once a command; the Hub counts"


def test_a_changed_page_leaves_the_model_alone(outcomes: dict[str, Any]) -> None:
    found = outcomes["space changed"]
    model, space = found["said"][1].split("; ")
    assert model.startswith("nothing changed: ")
    assert space.startswith("1 files uploaded: ")
    assert (found["model"]["commits"], found["space"]["commits"]) == (2, 3)


def test_a_space_that_fails_says_that_the_model_is_there_and_is_done_again(
    outcomes: dict[str, Any],
) -> None:
    failed, again = outcomes["space fails"]["said"]
    assert failed.startswith("error: spaces/tester/owl: the Hub answered 500 (Internal error)")
    assert failed.endswith("/tester/owl is there)")
    model, space = again.split("; ")
    assert model.startswith("nothing changed: ")
    assert space.startswith("3 files uploaded: ")


def test_a_space_of_somebody_else_keeps_the_model_back_too(outcomes: dict[str, Any]) -> None:
    found = outcomes["space taken"]
    (said,) = found["said"]
    assert (
        "spaces/tester/owl: this name is taken by something that seq2seq did not publish " in said
    )
    assert "(index.html)" in said
    assert found["model"] is None
    assert found["space"]["files"] == ["README.md", "index.html"]


def test_the_first_card_that_the_hub_writes_is_not_somebody_elses(outcomes: dict[str, Any]) -> None:
    found = outcomes["space begun"]
    assert "3 files uploaded: " in found["said"][0]
    assert found["space"]["files"] == ["README.md", "app.py", "space.json"]


def test_no_token_is_ever_shown(outcomes: dict[str, Any]) -> None:
    said = json.dumps([found["said"] for found in outcomes.values()])
    assert not any(token in said for token in (WRITER, READER, "hf_wrong"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied", "a.svg"), "'a.svg' cannot be read (Permission "),
        (FileNotFoundError(2, "No such file or directory", "b"), "'b' cannot be read (No such "),
        (ValueError("Invalid metadata.\n- no list"), "given (Invalid metadata.; - no list)"),
        (ConnectionError("refused"), "no connection, or it was lost (refused)"),
        (TimeoutError("too slow"), "no connection, or it was lost (too slow)"),
        (json.JSONDecodeError("no JSON", "<html>", 0), "no connection, or it was lost (no JSON"),
    ],
)
def test_what_goes_wrong_here_is_not_called_a_lost_connection(error: Exception, said: str) -> None:
    with pytest.raises(PublishError, match=re.escape(said)), _explained("tester/owl"):
        raise error


@pytest.mark.parametrize("fault", [TypeError("a bug"), AttributeError("a bug"), KeyError("a bug")])
def test_a_fault_of_ours_is_shown_as_one(fault: Exception) -> None:
    with pytest.raises(type(fault), match="a bug"), _explained("tester/owl"):
        raise fault
