"""The Hub's HTTP interface on this machine, for tests: what real clients need to publish and load.

    with HubServer() as hub:
        subprocess.run(command, env={**os.environ, **hub.environment(home)})

The clients read their settings when they are imported, so they run in a process of their own.
``python -m tests.hub.server PORT`` serves until it is stopped; with port 0 at any that is free, and
its address is printed.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Literal, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.hub import download, upload
from tests.hub.request import Request, Response
from tests.hub.store import HubError, Repository, RepoType, Store, User

WRITER, READER, STRANGER = "hf_test_writer", "hf_test_reader", "hf_test_stranger"
USERS = {
    WRITER: User("tester", "write", ("team",)),
    READER: User("tester", "read", ("team",)),
    STRANGER: User("stranger", "write"),
}
Handle = Callable[..., Response]

API = r"/api/(?P<kind>model|dataset|space)s/(?P<name>[^/]+/[^/]+)"
PLAIN = r"/(?P<folder_of_kind>datasets/|spaces/)?(?P<name>[^/]+/[^/]+)"
REVISION = r"/(?P<revision>[^/]+)"
ROUTES: tuple[tuple[str, str, Handle], ...] = (
    ("GET", "/api/whoami-v2", download.whoami),
    ("POST", "/api/repos/create", upload.create),
    ("DELETE", "/api/repos/delete", upload.delete),
    ("POST", "/api/validate-yaml", upload.validate_yaml),
    ("POST", rf"{API}/preupload{REVISION}", upload.preupload),
    ("POST", rf"{PLAIN}\.git/info/lfs/objects/batch", upload.offer_large),
    ("PUT", r"/objects/(?P<oid>[0-9a-f]{64})", upload.put_large),
    ("POST", "/objects/verify", upload.verify_large),
    ("GET", rf"{API}/xet-(?P<access>write|read)-token(?:/[^/]+)?", upload.xet_token),
    ("POST", rf"{API}/commit{REVISION}", upload.commit),
    ("POST", rf"{API}/tag{REVISION}", upload.create_tag),
    ("POST", rf"{API}/branch{REVISION}", upload.create_branch),
    ("DELETE", rf"{API}/(?P<ref>tag|branch){REVISION}", upload.delete_ref),
    ("GET HEAD", rf"{API}/revision{REVISION}", download.info),
    ("GET HEAD", API, download.info),
    ("GET", rf"{API}/tree{REVISION}(?:/(?P<folder>.*))?", download.list_tree),
    ("POST", rf"{API}/paths-info{REVISION}", download.paths_info),
    ("GET", rf"{API}/refs", download.refs),
    ("GET", rf"{API}/commits{REVISION}", download.commits),
    ("GET HEAD", rf"{PLAIN}/resolve{REVISION}/(?P<path>.+)", download.resolve),
    ("GET HEAD", r"/objects/(?P<oid>[0-9a-f]{64})", download.get_large),
)


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong when a request comes in.

    Attributes:
        request: pattern of method and path, as in ``POST .*/commit/main``.
        what: "drop" breaks the connection in the middle of the request's body, "limit" answers
            429, "fail" answers 500, "meanwhile" runs an action and then answers as usual.
        times: how many requests it hits.
        action: what happens meanwhile.
        retry_after: seconds that a 429 asks for; None does not say.
    """

    request: str
    what: Literal["drop", "limit", "fail", "meanwhile"]
    times: int = 10**6
    action: Callable[[], object] = lambda: None
    retry_after: int | None = None


class HubServer:
    """A Hub that lives as long as a ``with`` block.

    Attributes:
        store: all repositories.
        requests: method and path of every request so far.
    """

    def __init__(
        self, *, xet_folder: Path | None = None, users: Mapping[str, User] = USERS, port: int = 0
    ) -> None:
        self.store = Store(users)
        self.requests: list[str] = []
        self.xet_folder = xet_folder
        self._faults: list[list[Fault | int]] = []
        self._lock = threading.RLock()
        self._server = _Server(("127.0.0.1", port), self)

    def __enter__(self) -> "HubServer":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def environment(self, home: Path, *, token: str = WRITER) -> dict[str, str]:
        """What a client process needs to know of this Hub and no other.

        Args:
            home: An empty folder for the client's cache and token.
            token: Who it is.
        """
        environment = {
            "HF_ENDPOINT": self.url,
            "HF_TOKEN": token,
            "HF_HOME": str(home),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",
            "NO_PROXY": "127.0.0.1,localhost",
        }
        if self.xet_folder is None:  # with it, the client does not even ask for LFS
            environment["HF_HUB_DISABLE_XET"] = "1"
        return environment

    def inject(self, fault: Fault) -> None:
        """Make something go wrong from now on."""
        self._faults.append([fault, fault.times])

    def forget(self) -> None:
        """Nothing goes wrong any more, and no request was ever made."""
        self._faults, self.requests = [], []

    def repository(self, name: str, kind: RepoType = "model") -> Repository:
        """A repository, whoever may see it."""
        return self.store.repositories[kind, name]

    def fault_for(self, line: str) -> Fault | None:
        """The fault that this request meets, if any is left."""
        with self._lock:
            self.requests.append(line)
            for state in self._faults:
                fault, left = cast(Fault, state[0]), cast(int, state[1])
                if left and re.fullmatch(fault.request, line):
                    state[1] = left - 1
                    return fault
        return None

    def answer(self, request: Request) -> Response:
        """What the Hub says to a request."""
        for methods, pattern, handle in ROUTES:
            found = re.fullmatch(pattern, request.path)
            if found and request.method in methods.split():
                with self._lock:
                    return handle(request, **_arguments(found))
        raise HubError(404, f"no route {request.method} {request.path}")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], hub: HubServer) -> None:
        super().__init__(address, _Handler)
        self.hub = hub


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Answers leave in one piece; in several, each waits 40 ms for the other side.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _handle(self) -> None:
        hub = cast(_Server, self.server).hub
        parts = urlsplit(self.path)
        fault = hub.fault_for(f"{self.command} {parts.path}")
        if fault is not None and fault.what == "drop":
            self.rfile.read(int(self.headers.get("Content-Length") or 0) // 2)
            self.close_connection = True
            self.connection.shutdown(2)
            return
        request = Request(
            hub.store,
            self.command,
            parts.path,
            dict(parse_qsl(parts.query)),
            {name.lower(): value for name, value in self.headers.items()},
            self._body(),
            hub.url,
            hub.url.replace("127.0.0.1", "localhost"),
            None if hub.xet_folder is None else str(hub.xet_folder),
        )
        self._send(_answer(hub, request, fault))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _handle

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, response: Response) -> None:
        body = response.body()
        self.send_response(response.status)
        self.send_header("Content-Type", response.kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _arguments(found: re.Match[str]) -> dict[str, str]:
    """What stands in the path, by name; ``datasets/`` and ``spaces/`` are the kind."""
    given = {name: unquote(value) for name, value in found.groupdict().items() if value}
    if "folder_of_kind" in found.groupdict():
        given["kind"] = given.pop("folder_of_kind", "models/").removesuffix("s/")
    return given


def _answer(hub: HubServer, request: Request, fault: Fault | None) -> Response:
    try:
        match fault:
            case Fault(what="limit", retry_after=seconds):
                wait = {} if seconds is None else {"Retry-After": str(seconds)}
                return Response({"error": "Too many requests"}, status=429, headers=wait)
            case Fault(what="fail"):
                raise HubError(500, "Internal error")
            case Fault(what="meanwhile", action=action):
                action()
        return hub.answer(request)
    except HubError as error:
        headers = {"X-Error-Message": error.message.splitlines()[0]}
        if error.code is not None:
            headers["X-Error-Code"] = error.code
        content = {"error": error.message, **error.more}
        return Response(content, status=error.status, headers=headers)
    except Exception as error:  # a fault of this server; the client must not wait for ever
        message = json.dumps({"error": f"{type(error).__name__}: {error}"}).encode()
        return Response(message, status=500)


if __name__ == "__main__":
    import sys

    with HubServer(port=int(sys.argv[1])) as server:
        sys.stderr.write(f"{server.url}\n")
        threading.Event().wait()
