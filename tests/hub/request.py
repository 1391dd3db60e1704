"""A request and its answer, as the handlers of the test Hub see them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from tests.hub.store import HubError, Repository, RepoType, Store, User


@dataclass(frozen=True)
class Request:
    """What a client asked for, and of which Hub."""

    store: Store
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    url: str
    """Of this server."""
    objects_url: str
    """The same server under another name: clients follow a redirect to the same name themselves
    and then miss the headers of its answer."""
    xet_folder: str | None

    @property
    def user(self) -> User | None:
        """Who asks; None for nobody in particular.

        Raises:
            HubError: The token is none of ours.
        """
        given = self.headers.get("authorization")
        if given is None:
            return None
        user = self.store.users.get(given.removeprefix("Bearer "))
        if user is None:
            raise HubError(401, "Invalid credentials in Authorization header")
        return user

    def json(self) -> Any:
        return json.loads(self.body or b"{}")

    def form_or_json(self) -> dict[str, Any]:
        if "json" in self.headers.get("content-type", ""):
            return dict(self.json())
        return parse_qs(self.body.decode())

    def known_user(self) -> User:
        """Who asks, where nobody in particular may not."""
        if self.user is None:
            raise HubError(401, "Invalid username or password.")
        return self.user

    def repository(self, kind: RepoType, name: str) -> Repository:
        """A repository to read."""
        return self.store.find(kind, name, self.user)

    def writable(self, kind: RepoType, name: str) -> Repository:
        """A repository to write to."""
        user = self.known_user()
        repository = self.store.find(kind, name, user)
        if not user.may_write(repository.owner):
            raise HubError(403, f"You have no write access to {name}")
        return repository


@dataclass(frozen=True)
class Response:
    """What the server answers."""

    content: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "application/json"

    def body(self) -> bytes:
        if isinstance(self.content, bytes):
            return self.content
        return json.dumps(self.content).encode()
