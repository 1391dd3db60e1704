"""Makes repositories of the Hub what plans say, each in one commit, or leaves them as they were.

The large files go ahead of the commit and nobody sees them; the commit makes all of them visible at
once, and only if nobody else committed meanwhile. The tag follows it. Doing the same again changes
nothing, so whatever was interrupted is finished by the same command.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from json import JSONDecodeError
from typing import Any

from seq2seq.errors import PublishError
from seq2seq.publish.plan import CARD, Plan, PlannedFile

ATTRIBUTES = ".gitattributes"  # the Hub's own file in every repository
# What the Hub itself puts into a new repository.
FIRST = {"model": {ATTRIBUTES}, "space": {ATTRIBUTES, CARD}}
# Mistakes in code, ours or the client's: no network and no user can mend them.
FAULTS = (TypeError, AttributeError, LookupError, NameError, AssertionError, NotImplementedError)


@dataclass(frozen=True)
class Published:
    """What an upload came to.

    Attributes:
        repository: its name.
        url: where people find it.
        commit: that holds it.
        uploaded: paths that were new or other than before.
        removed: paths of an earlier upload that the plan has no more.
        tag: that points to the commit, if one was asked for.
        private: whether only its owner sees it.
    """

    repository: str
    url: str
    commit: str
    uploaded: tuple[str, ...]
    removed: tuple[str, ...]
    tag: str | None
    private: bool

    def to_text(self) -> str:
        """For people."""
        tag = f", tag {self.tag}" if self.tag else ""
        where = f"{self.url} ({'private' if self.private else 'public'}): commit {self.commit}{tag}"
        if not self.uploaded and not self.removed:
            return f"nothing changed: {where}"
        gone = f", {len(self.removed)} removed" if self.removed else ""
        return f"{len(self.uploaded)} files uploaded{gone}: {where}"

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


@dataclass(frozen=True)
class Remote:
    """A repository as the Hub has it.

    Attributes:
        commit: the newest.
        files: for each path what the Hub calls its content.
        private: whether only its owner sees it.
        tags: commit by name.
    """

    commit: str
    files: Mapping[str, str]
    private: bool
    tags: Mapping[str, str]


def upload_all(
    plans: Sequence[Plan], *, private: bool = False, tag: str | None = None
) -> list[Published]:
    """Make repositories what plans say, one after the other.

    What the Hub has to say against one of them is found before anything is sent. The token is the
    one that the Hub's own client has stored, and is never shown.

    Args:
        plans: What should be there.
        private: Make them visible to their owner alone.
        tag: Name for the commit of a model, which later uploads do not move.

    Returns:
        What was done, for each.

    Raises:
        PublishError: The Hub refused or could not be reached; no repository is half there, and
            the message says which are whole.
    """
    api = _client(plans[0])
    tags = [tag if plan.kind == "model" else None for plan in plans]
    remotes = [_fetch_remote(api, plan) for plan in plans]
    for plan, remote, name in zip(plans, remotes, tags, strict=True):
        if remote is not None:
            _refuse_conflicts(plan, remote, private=private, tag=name)
    done: list[Published] = []
    for plan, remote, name in zip(plans, remotes, tags, strict=True):
        try:
            done.append(_upload(api, plan, remote, private=private, tag=name))
        except PublishError as error:
            if not done:
                raise
            there = ", ".join(one.url for one in done)
            raise PublishError(f"{error} ({there} is there)") from error
    return done


def _client(plan: Plan) -> Any:
    """The Hub's own client, whose token is known to be good."""
    from huggingface_hub import HfApi, get_token

    # Its warnings name addresses that hold signatures; our one line says what went wrong.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    if get_token() is None:
        raise PublishError(
            f"{plan.where}: no token on this machine, needed one that may write; 'hf auth login'"
        )
    api = HfApi()
    with _explained(plan.where):
        api.whoami()
    return api


def changes(plan: Plan, files: Mapping[str, str]) -> tuple[list[PlannedFile], list[str]]:
    """What has to be uploaded and what removed to make a repository what a plan says.

    Args:
        plan: What should be there.
        files: For each path that is there what the Hub calls its content.

    Returns:
        Files that are missing or other, and paths that the plan does not have.
    """
    planned = {file.path for file in plan.files}
    other = [f for f in plan.files if files.get(f.path) not in (f.sha256, f.git_blob)]
    return other, sorted(set(files) - planned - {ATTRIBUTES})


def _upload(
    api: Any, plan: Plan, remote: Remote | None, *, private: bool, tag: str | None
) -> Published:
    """Bring a repository up to a plan; one that is made for it goes again if that fails."""
    if remote is not None:
        return _update(api, plan, remote, tag=tag)
    _create(api, plan, private=private)
    try:
        remote = _fetch_remote(api, plan)
        if remote is None:
            raise PublishError(
                f"{plan.where}: made, but not to be seen afterwards, needed the right to read; "
                "check what the token may do"
            )
        return _update(api, plan, remote, tag=tag)
    except BaseException:
        _remove_empty(api, plan)
        raise


def _update(api: Any, plan: Plan, remote: Remote, *, tag: str | None) -> Published:
    added, removed = changes(plan, remote.files)
    commit = remote.commit
    if added or removed:
        commit = _commit(api, plan, added, removed, parent=remote.commit)
    if tag is not None and tag not in remote.tags:
        _tag(api, plan, tag, commit)
    return Published(
        plan.repository,
        f"{api.endpoint}/{plan.where}",
        commit,
        tuple(file.path for file in added),
        tuple(removed),
        tag,
        remote.private,
    )


def _fetch_remote(api: Any, plan: Plan) -> Remote | None:
    """The repository as it stands; None where there is none."""
    from huggingface_hub.errors import RepositoryNotFoundError

    with _explained(plan.where):
        try:
            info = api.repo_info(plan.repository, repo_type=plan.kind, files_metadata=True)
        except RepositoryNotFoundError:
            return None
        refs = api.list_repo_refs(plan.repository, repo_type=plan.kind)
    files = {one.rfilename: one.lfs.sha256 if one.lfs else one.blob_id for one in info.siblings}
    tags = {ref.name: ref.target_commit for ref in refs.tags}
    return Remote(info.sha, files, bool(info.private), tags)


def _create(api: Any, plan: Plan, *, private: bool) -> None:
    sdk = "gradio" if plan.kind == "space" else None
    with _explained(plan.where):
        api.create_repo(plan.repository, repo_type=plan.kind, private=private, space_sdk=sdk)


def _refuse_conflicts(plan: Plan, remote: Remote, *, private: bool, tag: str | None) -> None:
    """Refuse what would destroy something, before anything is sent."""
    others = sorted(set(remote.files) - FIRST[plan.kind])
    if others and plan.marker not in remote.files:
        named = ", ".join(others[:3]) + (" and more" if len(others) > 3 else "")
        raise PublishError(
            f"{plan.where}: this name is taken by something that seq2seq did not publish "
            f"({named}), needed an empty or new repository; choose another name"
        )
    if private and not remote.private:
        raise PublishError(
            f"{plan.where}: public already, --private cannot take that back; choose another "
            "name, or change its visibility on the Hub"
        )
    taken = remote.tags.get(tag or "")
    changed = any(changes(plan, remote.files))
    if taken is not None and (changed or taken != remote.commit):
        raise PublishError(
            f"{plan.where}: tag '{tag}' names commit {taken[:12]} already, needed a new one, "
            "because a tag does not move; choose another"
        )


def _commit(
    api: Any, plan: Plan, added: list[PlannedFile], removed: list[str], *, parent: str
) -> str:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    operations: list[Any] = [CommitOperationAdd(file.path, file.content) for file in added]
    operations += [CommitOperationDelete(path) for path in removed]
    with _explained(plan.where):
        commit = api.create_commit(
            plan.repository,
            operations,
            commit_message="Publish with seq2seq",
            repo_type=plan.kind,
            parent_commit=parent,
        )
    return str(commit.oid)


def _tag(api: Any, plan: Plan, tag: str, commit: str) -> None:
    try:
        with _explained(plan.where):
            api.create_tag(plan.repository, tag=tag, revision=commit, repo_type=plan.kind)
    except PublishError as error:
        raise PublishError(
            f"{error} (commit {commit[:12]} is there, tag '{tag}' is not; the same command adds it)"
        ) from error


def _remove_empty(api: Any, plan: Plan) -> None:
    """Take back a repository that was made for an upload which then failed."""
    with suppress(Exception):  # the failure itself is what must be told
        found = _fetch_remote(api, plan)
        if found is not None and set(found.files) <= FIRST[plan.kind]:
            api.delete_repo(plan.repository, repo_type=plan.kind)


@contextmanager
def _explained(where: str) -> Iterator[None]:
    """Turn what the client raises into one line, but no fault; its code alone stands inside."""
    try:
        yield
    except FAULTS:
        raise
    except Exception as error:
        raise PublishError(f"{where}: {_explain(error)}") from error


def _explain(error: Exception) -> str:
    answered = _answered(error)
    said = _said(answered or error)
    response = getattr(answered, "response", None)
    match None if response is None else response.status_code:
        case 400:
            return f"the Hub does not take what it was given ({said})"
        case 401:
            return "the Hub does not accept the token, needed one that may write; 'hf auth login'"
        case 403:
            return (
                f"the token may not do this ({said}), needed one with write access to this name; "
                "'hf auth login', or choose another name"
            )
        case 409:
            return "this name is taken, needed a new one; choose another"
        case 412:
            return (
                "somebody else committed meanwhile, needed the state that was looked at; nothing "
                "is half there; give the same command again"
            )
        case 429:
            wait = None if response is None else response.headers.get("Retry-After")
            when = f"in {wait} seconds" if wait else "later"
            return f"asked too often (429); nothing is half there; give the same command {when}"
        case None:
            return _explain_unanswered(error, said)
        case status:
            return f"the Hub answered {status} ({said}); give the same command again later"


def _explain_unanswered(error: Exception, said: str) -> str:
    """What it means that the client stopped without an answer: a file, a value, or the network."""
    lost = (ConnectionError, TimeoutError, JSONDecodeError)  # a login page answers, but no JSON
    if isinstance(error, OSError) and error.filename is not None and not isinstance(error, lost):
        return (
            f"'{error.filename}' cannot be read ({error.strerror}); nothing is half there; make it "
            "readable, then give the same command again"
        )
    if isinstance(error, ValueError) and not isinstance(error, lost):
        return (
            f"the Hub's client does not take what it was given ({said}); nothing is half there; "
            "mend what it names in the run, then publish it again"
        )
    return (
        f"no connection, or it was lost ({said}); nothing is half there; check the network and "
        "HF_HUB_OFFLINE, then give the same command again"
    )


def _answered(error: BaseException | None) -> BaseException | None:
    """The error that holds the Hub's answer: this one, or one that it was made from."""
    while error is not None and getattr(error, "response", None) is None:
        error = error.__cause__ or error.__context__
    return error


def _said(error: BaseException) -> str:
    """What the Hub says, or else the client, without the token in case it stands there."""
    from huggingface_hub import get_token

    server: str | None = getattr(error, "server_message", None)
    lines = [line.strip() for line in (server or str(error)).splitlines() if line.strip()]
    whole = server or isinstance(error, ValueError)
    said = ("; ".join(lines) if whole else lines[0]) if lines else type(error).__name__
    token = get_token()
    return said.replace(token, "…") if token else said
