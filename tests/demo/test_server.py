"""What the server says to its own page, and that it says nothing to anybody else's."""

import http.client
import json
import threading
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import pytest

from seq2seq.demo.server import DemoServer, as_json
from seq2seq.demo.tried_model import TriedModel
from seq2seq.errors import DataError
from seq2seq.viewer.page import attention_page
from tests.demo.models import GOLDEN
from tests.viewer.test_page import Outline

HOSTILE = "1 <script>window.hacked=1</script> ${title} 2"


@pytest.fixture(scope="module")
def tried() -> TriedModel:
    return TriedModel.load(str(GOLDEN), device="cpu")


@pytest.fixture(scope="module")
def server(tried: TriedModel) -> Iterator[DemoServer]:
    with DemoServer() as server:
        server.show([tried, tried], ["1 2 3", HOSTILE])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(
    server: DemoServer, path: str, method: str = "GET", **headers: str
) -> tuple[int, str, http.client.HTTPMessage]:
    """The status, what is said, and the headers."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=named)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode(), answer.headers
    connection.close()
    return found


def test_the_page_gets_what_the_model_answers(server: DemoServer, tried: TriedModel) -> None:
    for number in (0, 1):
        status, said, headers = ask(server, f"/answer/{number}?text=1+2%203")
        assert status == HTTPStatus.OK
        assert json.loads(said) == json.loads(json.dumps(as_json(tried.answer("1 2 3"))))
        assert headers["Content-Type"] == "application/json; charset=utf-8"
        assert headers["Cache-Control"] == "no-store"


def test_attention_is_the_page_of_the_command(server: DemoServer, tried: TriedModel) -> None:
    status, said, headers = ask(server, "/attention/0?text=1+2+3")
    assert (status, said) == (HTTPStatus.OK, attention_page(tried.answer("1 2 3").attention))
    assert headers["Content-Security-Policy"] == "frame-ancestors 'self'"


def test_a_text_is_answered_once(server: DemoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answer = TriedModel.answer
    monkeypatch.setattr(
        TriedModel, "answer", lambda self, text: asked.append(text) or answer(self, text)
    )
    ask(server, "/answer/0?text=5+5+1")
    ask(server, "/attention/0?text=5+5+1")
    assert asked == ["5 5 1"]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/answer/0", HTTPStatus.UNPROCESSABLE_ENTITY, "text: empty, needed at least one word"),
        ("/answer/0?text=%20", HTTPStatus.UNPROCESSABLE_ENTITY, "text: empty, needed"),
        ("/answer/1?text=" + "1+" * 90, HTTPStatus.UNPROCESSABLE_ENTITY, "needed at most 64"),
        ("/attention/0?text=", HTTPStatus.UNPROCESSABLE_ENTITY, "text: empty, needed"),
        ("/answer/2?text=1", HTTPStatus.UNPROCESSABLE_ENTITY, "model 2: there are 2, counted"),
        ("/answer/-1?text=1", HTTPStatus.NOT_FOUND, "/answer/-1: there is no such page"),
        ("/answer/x", HTTPStatus.NOT_FOUND, "there is no such page"),
        ("/../etc/passwd", HTTPStatus.NOT_FOUND, "there is no such page"),
        ("/%2e%2e/etc/passwd", HTTPStatus.NOT_FOUND, "there is no such page"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(
    server: DemoServer, path: str, status: HTTPStatus, said: str
) -> None:
    found, content, _ = ask(server, path)
    assert found == status
    assert said in json.loads(content)["problem"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:{port}"},
        {"Host": "127.0.0.1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"},
    ],
)
@pytest.mark.parametrize("path", ["/answer/0?text=1+2", "/attention/0?text=1+2"])
def test_nobody_elses_page_is_answered(
    server: DemoServer, path: str, headers: dict[str, str]
) -> None:
    named = {name: value.format(port=server.server_port) for name, value in headers.items()}
    status, said, _ = ask(server, path, **named)
    assert (status, list(json.loads(said))) == (HTTPStatus.FORBIDDEN, ["problem"])


def test_this_machine_may_ask_by_its_name_and_links_to_the_page_may_be_followed(
    server: DemoServer,
) -> None:
    host = f"localhost:{server.server_port}"
    for headers in (
        {"Host": host},
        {"Host": host, "Origin": f"http://{host}", "Sec_Fetch_Site": "same-origin"},
    ):
        assert ask(server, "/answer/0?text=1", **headers)[0] == HTTPStatus.OK
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    assert ask(server, "/?text=1", **link)[0] == HTTPStatus.OK
    link["Sec_Fetch_Mode"] = "no-cors"
    assert ask(server, "/?text=1", **link)[0] == HTTPStatus.FORBIDDEN
    assert ask(server, "/", method="POST")[0] == HTTPStatus.NOT_IMPLEMENTED


def test_the_page_runs_its_own_script_and_asks_this_server_alone(server: DemoServer) -> None:
    status, html, headers = ask(server, "/")
    assert status == HTTPStatus.OK
    rules = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
    assert rules["default-src"] == rules["frame-ancestors"] == "'none'"
    assert rules["connect-src"] == rules["frame-src"] == "'self'"
    assert "unsafe" not in str(rules)
    outline = Outline(html)
    assert not any("http" in str(value) for _, attributes in outline.tags
                   for value in attributes.values())  # fmt: skip
    assert len(outline.of("iframe")) == 2
    assert {"1 2 3", HOSTILE} <= set(outline.texts["button"])
    assert len(outline.of("script")) == 1


def test_a_text_is_never_markup(server: DemoServer) -> None:
    _, html, _ = ask(server, f"/attention/0?text={quote(HOSTILE)}")
    assert len(Outline(html).of("script")) == 2, "its data and its own"


def test_a_port_is_the_usual_one_or_a_free_one_or_the_one_asked_for(server: DemoServer) -> None:
    with DemoServer() as other:
        assert other.server_port != server.server_port
        assert other.address == f"http://127.0.0.1:{other.server_port}/"
    port = server.server_port
    with pytest.raises(DataError, match=rf"port {port}: .* in use, needed a free one; choose ano"):
        DemoServer(port)


def test_nothing_of_a_request_is_written_to_the_terminal(
    server: DemoServer, capfd: pytest.CaptureFixture[str]
) -> None:
    ask(server, "/answer/0?text=1")
    ask(server, "/nothing")
    assert capfd.readouterr() == ("", "")


def test_examples_that_suit_the_first_model_are_offered_where_none_are_given() -> None:
    model: Any = TriedModel.load(str(GOLDEN), device="cpu")
    with DemoServer() as server:
        server.show([model])
        assert 'class="examples"' not in server.page[0]
        model.examples = ("1 2",)
        server.show([model])
        assert "1 2" in Outline(server.page[0]).texts["button"]
