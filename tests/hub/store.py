"""What the test Hub holds: repositories of commits, branches and tags, all in memory."""

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal, get_args

RepoType = Literal["model", "dataset", "space"]
TYPES: tuple[RepoType, ...] = get_args(RepoType)
# What the Hub keeps outside git whatever its size, as a new repository's .gitattributes says.
LARGE_NAMES = (".bin", ".gz", ".model", ".npz", ".onnx", ".parquet", ".png", ".pt", ".safetensors",
               ".spm", ".zip")  # fmt: skip
SHORTEST_PREFIX = 7


class HubError(Exception):
    """An answer other than success, as the Hub words it."""

    def __init__(self, status: int, message: str, code: str | None = None, **more: object) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.more = status, message, code, more


@dataclass(frozen=True)
class Entry:
    """One file of a commit; a large one stands in git as a pointer."""

    content: bytes
    large: bool = False

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def pointer(self) -> bytes:
        return (
            "version https://git-lfs.github.com/spec/v1\n"
            f"oid sha256:{self.sha256}\nsize {len(self.content)}\n"
        ).encode()

    @cached_property
    def blob(self) -> str:
        """The name git gives it."""
        return git_blob(self.pointer if self.large else self.content)

    @property
    def etag(self) -> str:
        return self.sha256 if self.large else self.blob


@dataclass(frozen=True)
class Commit:
    """A whole state of a repository; nothing of it changes afterwards."""

    oid: str
    parent: str | None
    title: str
    date: str
    files: Mapping[str, Entry]

    def below(self, folder: str) -> Iterator[str]:
        prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
        return (path for path in sorted(self.files) if path.startswith(prefix))


@dataclass
class Repository:
    """Commits and the names that point to them."""

    kind: RepoType
    id: str
    private: bool = False
    sdk: str | None = None
    created: str = field(default_factory=lambda: timestamp())
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rules = "".join(f"*{name} filter=lfs diff=lfs merge=lfs -text\n" for name in LARGE_NAMES)
        files = {".gitattributes": Entry(rules.encode())}
        if self.kind == "space":
            card = f"---\ntitle: {self.id}\nsdk: {self.sdk}\n---\n"
            files["README.md"] = Entry(card.encode())
        self.add("main", files, "initial commit")

    @property
    def owner(self) -> str:
        return self.id.partition("/")[0]

    @property
    def head(self) -> Commit:
        return self.commits[self.branches["main"]]

    def at(self, revision: str) -> Commit:
        """The commit that a branch, tag, commit name or its beginning means."""
        oid = self.branches.get(revision) or self.tags.get(revision)
        if oid is None and len(revision) >= SHORTEST_PREFIX:
            oid = next((name for name in self.commits if name.startswith(revision)), None)
        if oid is None:
            raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return self.commits[oid]

    def add(self, branch: str, files: Mapping[str, Entry], title: str) -> Commit:
        """Put a new state on a branch, in one step."""
        parent = self.branches.get(branch)
        seed = f"{self.kind} {self.id} {parent} {next(_numbers)}"
        oid = hashlib.sha1(seed.encode()).hexdigest()
        self.commits[oid] = Commit(oid, parent, title, timestamp(), dict(files))
        self.branches[branch] = oid
        return self.commits[oid]

    def history(self, revision: str) -> Iterator[Commit]:
        """Commits from a revision back to the first."""
        commit: Commit | None = self.at(revision)
        while commit is not None:
            yield commit
            commit = None if commit.parent is None else self.commits[commit.parent]


@dataclass(frozen=True)
class User:
    """Who a token belongs to, and what it may do."""

    name: str
    role: Literal["read", "write"] = "write"
    organizations: tuple[str, ...] = ()

    def may_write(self, owner: str) -> bool:
        return self.role == "write" and owner in (self.name, *self.organizations)


class Store:
    """All repositories, and large objects that no commit may hold yet."""

    def __init__(self, users: Mapping[str, User]) -> None:
        self.users = dict(users)
        self.repositories: dict[tuple[RepoType, str], Repository] = {}
        self.large: dict[str, bytes] = {}
        self.xet: dict[str, str] = {}

    def create(
        self, kind: RepoType, name: str, *, private: bool = False, sdk: str | None = None
    ) -> Repository:
        if (kind, name) in self.repositories:
            raise HubError(409, f"You already created this {kind} repo: {name}")
        self.repositories[kind, name] = Repository(kind, name, private, sdk)
        return self.repositories[kind, name]

    def find(self, kind: RepoType, name: str, user: User | None) -> Repository:
        """A repository that this user may know of; private ones of others do not exist."""
        repository = self.repositories.get((kind, name))
        hidden = repository is not None and repository.private
        if repository is None or (hidden and not _is_member(user, repository.owner)):
            raise HubError(401 if user is None else 404, "Repository not found", "RepoNotFound")
        return repository


def tree(commit: Commit, folder: str, *, recursive: bool) -> Iterable[tuple[str, Entry | None]]:
    """Paths of a folder with their files; folders first, with None."""
    paths = list(commit.below(folder))
    if folder.strip("/") and not paths:
        raise HubError(404, f"{folder} does not exist", "EntryNotFound")
    depth = len([part for part in folder.split("/") if part])
    folders, files = set(), []
    for path in paths:
        parts = path.split("/")
        inner = range(depth + 1, len(parts) if recursive else min(len(parts), depth + 2))
        folders |= {"/".join(parts[:size]) for size in inner}
        if recursive or len(parts) == depth + 1:
            files.append((path, commit.files[path]))
    return [*((name, None) for name in sorted(folders)), *files]


def is_large(path: str, size: int, sample: bytes) -> bool:
    """Whether the Hub wants a file outside git."""
    return path.endswith(LARGE_NAMES) or size > 10 * 2**20 or b"\0" in sample


def git_blob(content: bytes) -> str:
    """The name git gives to a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def timestamp() -> str:
    """Now, as the Hub writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _is_member(user: User | None, owner: str) -> bool:
    return user is not None and owner in (user.name, *user.organizations)


_numbers = itertools.count()
