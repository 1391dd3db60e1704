"""Uploads to the test Hub that end well and badly, all in this one process.

Prints one JSON object: for each scenario what was said at each attempt, and what the Hub then held.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.hub.server import READER, WRITER, Fault, HubServer
from tests.hub.store import Entry

if TYPE_CHECKING:
    from seq2seq.publish.plan import Plan

NAME = "tester/owl"
CARD = b"---\nlicense: mit\n---\n# Owl\n"
WEIGHTS = bytes(range(256)) * 40
COMMIT, TAG, LARGE = "POST .*/commit/main", "POST .*/tag/.*", "PUT /objects/.*"


def space(*, page: bytes = b"1") -> "Plan":
    from seq2seq.publish.plan import Plan, PlannedFile

    card = b"---\ntitle: Owl\nsdk: gradio\n---\n"
    contents = {"README.md": card, "app.py": page, "space.json": b"{}"}
    files = tuple(PlannedFile(path, content) for path, content in contents.items())
    return Plan(NAME, "space", "apache-2.0", files)


def plan(*, name: str = NAME, card: bytes = CARD, more: bool = True) -> "Plan":
    from seq2seq.publish.plan import Plan, PlannedFile

    contents = {"README.md": card, "export.json": b"{}", "model.safetensors": WEIGHTS}
    if more:
        contents["extra.json"] = b"[]"
    files = tuple(PlannedFile(path, content) for path, content in contents.items())
    return Plan(name, "model", "mit", files)


def attempt(*wanted: "Plan", token: str = WRITER, **options: Any) -> str:
    from seq2seq.errors import PublishError
    from seq2seq.publish.hub import upload_all

    os.environ["HF_TOKEN"] = token
    try:
        return "; ".join(one.to_text() for one in upload_all(wanted, **options))
    except PublishError as error:
        return f"error: {error}"


def twice(hub: HubServer) -> list[str]:
    return [attempt(plan(), tag="v1", private=True) for _ in range(2)]


def changed(hub: HubServer) -> list[str]:
    first = attempt(plan(), tag="v1")
    other = plan(card=CARD + b"More.\n", more=False)
    return [first, attempt(other, tag="v1"), attempt(other, tag="v2")]


def other_commit(hub: HubServer) -> None:
    repository = hub.repository(NAME)
    repository.add("main", {**repository.head.files, "theirs.txt": Entry(b"1")}, "theirs")


def stale(hub: HubServer) -> list[str]:
    first = attempt(plan())
    hub.inject(Fault(COMMIT, "meanwhile", times=1, action=lambda: other_commit(hub)))
    return [first, attempt(plan(more=False))]


def broken(hub: HubServer) -> list[str]:
    hub.inject(Fault(LARGE, "drop"))
    return [attempt(plan())]


def broken_update(hub: HubServer) -> list[str]:
    first = attempt(plan(more=False))
    hub.inject(Fault(COMMIT, "drop", times=1))
    return [first, attempt(plan()), attempt(plan())]


def faulty(fault: Fault) -> Callable[[HubServer], list[str]]:
    def scenario(hub: HubServer) -> list[str]:
        hub.inject(fault)
        return [attempt(plan(), tag="v1"), attempt(plan(), tag="v1")]

    return scenario


def race(hub: HubServer) -> list[str]:
    make = lambda: hub.store.create("model", NAME)  # noqa: E731
    hub.inject(Fault("POST /api/repos/create", "meanwhile", times=1, action=make))
    return [attempt(plan())]


def taken(hub: HubServer) -> list[str]:
    hub.store.create("model", NAME)
    other_commit(hub)
    return [attempt(plan())]


def public(hub: HubServer) -> list[str]:
    return [attempt(plan()), attempt(plan(), private=True)]


def no_token(hub: HubServer) -> list[str]:
    return [attempt(plan(), token="")]


def both(hub: HubServer) -> list[str]:
    return [attempt(plan(), space(), tag="v1", private=True) for _ in range(2)]


def space_changed(hub: HubServer) -> list[str]:
    return [attempt(plan(), space()), attempt(plan(), space(page=b"2"))]


def space_fails(hub: HubServer) -> list[str]:
    hub.inject(Fault("POST /api/spaces/.*/commit/main", "fail", times=1))
    return [attempt(plan(), space()), attempt(plan(), space())]


def space_taken(hub: HubServer) -> list[str]:
    theirs = hub.store.create("space", NAME, sdk="static")
    theirs.add("main", {**theirs.head.files, "index.html": Entry(b"1")}, "theirs")
    return [attempt(plan(), space())]


def space_begun(hub: HubServer) -> list[str]:
    hub.store.create("space", NAME, sdk="gradio")
    return [attempt(plan(), space())]


SCENARIOS: dict[str, Callable[[HubServer], list[str]]] = {
    "twice": twice,
    "changed": changed,
    "stale": stale,
    "broken": broken,
    "broken update": broken_update,
    "limit": faulty(Fault(COMMIT, "limit", times=1, retry_after=7)),
    "limit of objects": faulty(Fault(LARGE, "limit", times=6, retry_after=9)),
    "limit without a time": faulty(Fault("GET /api/whoami-v2", "limit", times=1)),
    "server fails": faulty(Fault(COMMIT, "fail", times=1)),
    "tag fails": faulty(Fault(TAG, "fail", times=1)),
    "look fails": faulty(Fault("GET .*/refs", "fail", times=1)),
    "race": race,
    "taken": taken,
    "public": public,
    "both": both,
    "space changed": space_changed,
    "space fails": space_fails,
    "space taken": space_taken,
    "space begun": space_begun,
    "no token": no_token,
    "wrong token": lambda hub: [attempt(plan(), token="hf_wrong")],
    "reader": lambda hub: [attempt(plan(), token=READER)],
    "elsewhere": lambda hub: [attempt(plan(name="stranger/owl"))],
    "bad card": lambda hub: [attempt(plan(card=b"---\nlicense: mine\n---\n"))],
}


def run(scenario: Callable[[HubServer], list[str]], hub: HubServer) -> dict[str, Any]:
    """What was said, and what the Hub holds."""
    hub.store.repositories.clear()
    hub.store.large.clear()
    hub.forget()
    said = scenario(hub)
    found: dict[str, Any] = {"said": said, "requests": hub.requests, "model": None, "space": None}
    for repository in hub.store.repositories.values():
        found[repository.kind] = {
            "files": sorted(set(repository.head.files) - {".gitattributes"}),
            "commits": len(repository.commits),
            "head": repository.head.oid,
            "tags": repository.tags,
            "private": repository.private,
        }
    return found


if __name__ == "__main__":
    time.sleep = lambda seconds: None  # the client waits before it tries again
    with HubServer() as server, tempfile.TemporaryDirectory() as home:
        os.environ |= server.environment(Path(home))  # before the client is imported
        results = {name: run(scenario, server) for name, scenario in SCENARIOS.items()}
    sys.stdout.write(json.dumps(results) + "\n")
