"""A server for one person on this machine: the page, and what it asks for.

    GET /                      the page
    GET /answer/N?text=T       what model N makes of T, as JSON
    GET /attention/N?text=T    its attention as the page that ``seq2seq attention`` writes

It listens on 127.0.0.1 and answers nobody else's page: a request that names another host (a name
that was made to lead here) or comes from another origin is refused.
"""

import json
import threading
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from seq2seq.demo.page import demo_page
from seq2seq.demo.tried_model import Answer, TriedModel
from seq2seq.errors import DataError, Seq2SeqError
from seq2seq.viewer.page import attention_page, page_data

HERE = "127.0.0.1"
PORT = 7860
"""What is taken if it is free and no other is asked for, so that addresses can be kept."""
KEPT = 8
"""Answers that are kept: a page and its attention ask for the same one."""


class DemoServer(ThreadingHTTPServer):
    """Serves the page of some models.

    Attributes:
        address: Of the page.
        page: The page as HTML, and its policy.
    """

    def __init__(self, port: int | None = None):
        """Take a port, so that one that is in use is known before models are loaded.

        Args:
            port: 7860, or any free one if that is taken, where None.

        Raises:
            DataError: The port cannot be used.
        """
        try:
            super().__init__((HERE, PORT if port is None else port), _Handler)
        except OSError as error:
            if port is not None:
                raise DataError(
                    f"port {port}: {error.strerror}, needed a free one; choose another with --port"
                ) from None
            super().__init__((HERE, 0), _Handler)
        self.hosts = [f"{name}:{self.server_port}" for name in (HERE, "localhost")]
        self.address = f"http://{HERE}:{self.server_port}/"
        self.page = ("", "")
        self._models: Sequence[TriedModel] = ()
        # How a stock model attends is a setting of the library, the same for all threads.
        self._turn = threading.Lock()
        self._answer = lru_cache(KEPT)(lambda number, text: self._models[number].answer(text))

    def show(self, models: Sequence[TriedModel], examples: Sequence[str] = ()) -> None:
        """Say what is served.

        Args:
            models: One or more.
            examples: Texts to choose from; those that suit the first model where there are none.
        """
        self._models = tuple(models)
        self.page = demo_page(models, examples or models[0].examples)

    def answer(self, number: int, text: str) -> Answer:
        """What a model makes of a text, one after the other.

        Raises:
            DataError: There is no such model, or it cannot read the text.
        """
        if number >= len(self._models):
            raise DataError(f"model {number}: there are {len(self._models)}, counted from 0")
        with self._turn:
            return self._answer(number, text)


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: DemoServer

    def do_GET(self) -> None:
        """Answer, or say why not."""
        asked = urlsplit(self.path)
        if refusal := self._refusal(asked.path):
            return self._say(HTTPStatus.FORBIDDEN, refusal)
        text = parse_qs(asked.query, keep_blank_values=True).get("text", [""])[0]
        try:
            match asked.path.split("/")[1:]:
                case [""]:
                    self._send(HTTPStatus.OK, "text/html", *self.server.page)
                case ["answer", number] if number.isdecimal():
                    self._send_json(HTTPStatus.OK, as_json(self.server.answer(int(number), text)))
                case ["attention", number] if number.isdecimal():
                    page = attention_page(self.server.answer(int(number), text).attention)
                    self._send(HTTPStatus.OK, "text/html", page, "frame-ancestors 'self'")
                case _:
                    self._say(HTTPStatus.NOT_FOUND, f"{asked.path}: there is no such page")
        except Seq2SeqError as error:
            self._say(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        except ConnectionError:
            pass  # the browser has gone on to something else

    def _refusal(self, path: str) -> str | None:
        """Why nothing is said to whoever asks; None for our own page."""
        hosts, host, origin = self.server.hosts, self.headers["Host"], self.headers["Origin"]
        if host not in hosts:
            return f"host '{host}': needed {hosts[0]}"
        if origin is not None and origin != f"http://{host}":
            return f"origin '{origin}': needed the page of {self.server.address}"
        followed_link = path == "/" and self.headers["Sec-Fetch-Mode"] == "navigate"
        site = self.headers["Sec-Fetch-Site"] or "none"  # programs do not say it
        if site not in ("same-origin", "none") and not followed_link:
            return f"a request of another site ('{site}'): needed one of {self.server.address}"
        return None

    def _say(self, status: HTTPStatus, problem: str) -> None:
        self._send_json(status, {"problem": problem})

    def _send_json(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(content), "default-src 'none'")

    def _send(self, status: HTTPStatus, kind: str, text: str, policy: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in (
            ("Content-Type", f"{kind}; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", policy),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal shows the address, and texts are nobody's business."""


def as_json(answer: Answer) -> dict[str, Any]:
    """An answer as the page's script takes it."""
    return {
        "translation": answer.translation,
        "remarks": answer.remarks,
        "attention": page_data(answer.attention),
    }
