"""What the test Hub refuses of a client that does not ask before it commits."""

import base64
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.hub.server import WRITER, HubServer
from tests.hub.validate import validate_card


def commit(hub: HubServer, *operations: dict[str, Any]) -> int:
    """Send a commit as it is; the status of the answer."""
    header = {"key": "header", "value": {"summary": "x"}}
    body = "\n".join(json.dumps(line) for line in (header, *operations)).encode()
    request = urllib.request.Request(
        f"{hub.url}/api/models/tester/owl/commit/main",
        data=body,
        headers={"Authorization": f"Bearer {WRITER}"},
    )
    try:
        with urllib.request.urlopen(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def file(path: str, content: bytes) -> dict[str, Any]:
    value = {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"}
    return {"key": "file", "value": value}


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        (file("README.md", b"---\nlicense: mine\n---\n"), 400),
        ({"key": "lfsFile", "value": {"path": "a.bin", "algo": "sha256", "oid": "0" * 64}}, 400),
        ({"key": "deletedFile", "value": {"path": "nothing"}}, 404),
        ({"key": "rename", "value": {"path": "a"}}, 400),
    ],
)
def test_one_bad_operation_keeps_out_the_whole_commit(
    hub: HubServer, operation: dict[str, Any], status: int
) -> None:
    repository = hub.store.create("model", "tester/owl")
    assert commit(hub, file("good.txt", b"1"), operation) == status
    assert (len(repository.commits), set(repository.head.files)) == (1, {".gitattributes"})
    assert commit(hub, file("good.txt", b"1")) == 200
    assert repository.head.files["good.txt"].content == b"1"


@pytest.mark.parametrize(
    ("head", "errors"),
    [
        ("license: mit\nlanguage: [en, 'no', pt-BR]\n", []),
        ("language: [en, no]", ['"language[1]" must be an ISO 639 code, got False; quote "no"']),
        ("license: [mit, mine]", ['"license[1]" must be one of']),
        ("tags: [1]", ['"tags" must be a string or a list of strings']),
        ("model-index:\n- results: []", ['"model-index[0].name" is required']),
        ("model-index:\n- name: a\n  results:\n  - task: {type: translation}\n",
         ['"model-index[0].results[0].dataset.type"', '"model-index[0].results[0].dataset.name"',
          '"model-index[0].results[0].metrics" is required']),
        ("a: [", ["YAML cannot be read"]),
    ],
)  # fmt: skip
def test_cards_are_judged_by_the_documented_rules(head: str, errors: list[str]) -> None:
    found, _ = validate_card(f"---\n{head}\n---\n# Owl\n", "model")
    assert len(found) == len(errors)
    for message, expected in zip(found, errors, strict=True):
        assert message.startswith(expected)


def test_a_card_without_metadata_is_warned_about_only() -> None:
    assert validate_card("# Owl", "model") == ([], ["empty or missing yaml metadata in repo card"])
    assert validate_card("---\ntitle: x\n---\n", "space")[0] == [
        '"sdk" must be one of gradio, docker, static'
    ]
