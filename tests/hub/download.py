"""How files and facts go out: info, tree, refs, and the files at a revision."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from tests.hub.request import Request, Response
from tests.hub.store import Commit, Entry, HubError, Repository, RepoType, tree
from tests.hub.validate import as_list, read_metadata

RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def whoami(request: Request) -> Response:
    """Who a token belongs to."""
    user = request.known_user()
    token = {"role": user.role, "displayName": "test"}
    content = {
        "type": "user",
        "name": user.name,
        "fullname": user.name,
        "orgs": [{"name": name, "type": "org"} for name in user.organizations],
        "auth": {"type": "access_token", "accessToken": token},
    }
    return Response(content)


def info(request: Request, *, kind: RepoType, name: str, revision: str = "main") -> Response:
    """All about a repository at a revision."""
    repository = request.repository(kind, name)
    commit = repository.at(revision)
    metadata = _metadata(commit)
    content = {
        "_id": hashlib.sha1(repository.id.encode()).hexdigest()[:24],
        "id": repository.id,
        "author": repository.owner,
        "sha": commit.oid,
        "private": repository.private,
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": _tags(metadata),
        "createdAt": repository.created,
        "lastModified": commit.date,
        "cardData": metadata,
        "siblings": [_sibling(path, entry) for path, entry in sorted(commit.files.items())],
        "usedStorage": sum(len(entry.content) for entry in commit.files.values()),
    }
    return Response(content | _of_kind(repository, commit, metadata))


def list_tree(
    request: Request, *, kind: RepoType, name: str, revision: str, folder: str = ""
) -> Response:
    """The files of a folder, and of those below it where asked."""
    commit = request.repository(kind, name).at(revision)
    recursive = request.query.get("recursive", "").lower() in ("true", "1")
    entries = tree(commit, folder or "", recursive=recursive)
    return Response([_describe(path, entry) for path, entry in entries])


def paths_info(request: Request, *, kind: RepoType, name: str, revision: str) -> Response:
    """What stands at some paths; those where nothing stands are left out."""
    commit = request.repository(kind, name).at(revision)
    wanted = [path.strip("/") for path in request.form_or_json()["paths"]]
    present = [path for path in wanted if path in commit.files or any(commit.below(path))]
    return Response([_describe(path, commit.files.get(path)) for path in present])


def refs(request: Request, *, kind: RepoType, name: str) -> Response:
    """Branches and tags."""
    repository = request.repository(kind, name)
    parts = (("branches", "heads", repository.branches), ("tags", "tags", repository.tags))
    content: dict[str, Any] = {
        key: [
            {"name": ref, "ref": f"refs/{folder}/{ref}", "targetCommit": oid}
            for ref, oid in names.items()
        ]
        for key, folder, names in parts
    }
    return Response(content | {"converts": []})


def commits(request: Request, *, kind: RepoType, name: str, revision: str) -> Response:
    """The history, newest first."""
    repository = request.repository(kind, name)
    authors = [{"user": repository.owner}]
    return Response(
        [
            {"id": c.oid, "title": c.title, "message": "", "date": c.date, "authors": authors}
            for c in repository.history(revision)
        ]
    )


def resolve(request: Request, *, kind: RepoType, name: str, revision: str, path: str) -> Response:
    """A file at a revision: itself, or where its large object lies."""
    commit = request.repository(kind, name).at(revision)
    headers = {"X-Repo-Commit": commit.oid}
    entry = commit.files.get(path)
    if entry is None:
        error = {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}
        return Response({"error": "Entry not found"}, status=404, headers=headers | error)
    headers |= {"ETag": f'"{entry.blob}"'}
    if not entry.large:
        return _content(request, entry.content, headers)
    headers |= {
        "X-Linked-Etag": f'"{entry.sha256}"',
        "X-Linked-Size": str(len(entry.content)),
        "Location": f"{request.objects_url}/objects/{entry.sha256}",
    }
    if entry.sha256 in request.store.xet:
        token = f"{request.url}/api/{kind}s/{name}/xet-read-token/{commit.oid}"
        headers |= {
            "X-Xet-Hash": request.store.xet[entry.sha256],
            "X-Xet-Refresh-Route": token,
            "Link": f'<{token}>; rel="xet-auth"',
        }
    return Response(status=302, headers=headers)


def get_large(request: Request, *, oid: str) -> Response:
    """A large object."""
    if oid not in request.store.large:
        raise HubError(404, "object is missing")
    return _content(request, request.store.large[oid], {"ETag": f'"{oid}"'})


def _content(request: Request, content: bytes, headers: Mapping[str, str]) -> Response:
    kind, accepts = "application/octet-stream", {"Accept-Ranges": "bytes"}
    wanted = RANGE.fullmatch(request.headers.get("range", ""))
    if wanted is None:
        return Response(content, 200, {**headers, **accepts}, kind)
    first = int(wanted[1])
    last = min(int(wanted[2] or len(content)), len(content) - 1)
    if first > last:
        raise HubError(416, "Range Not Satisfiable")
    span = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
    return Response(content[first : last + 1], 206, {**headers, **accepts, **span}, kind)


def _describe(path: str, entry: Entry | None) -> dict[str, Any]:
    if entry is None:
        oid = hashlib.sha1(path.encode()).hexdigest()
        return {"type": "directory", "oid": oid, "size": 0, "path": path}
    size = len(entry.content)
    content: dict[str, Any] = {"type": "file", "oid": entry.blob, "size": size, "path": path}
    if entry.large:
        content["lfs"] = {"oid": entry.sha256, "size": size, "pointerSize": len(entry.pointer)}
    return content


def _sibling(path: str, entry: Entry) -> dict[str, Any]:
    described = _describe(path, entry)
    sibling = {"rfilename": path, "blobId": described["oid"], "size": described["size"]}
    if "lfs" in described:
        sibling["lfs"] = described["lfs"] | {"sha256": described["lfs"]["oid"]}
    return sibling


def _metadata(commit: Commit) -> dict[str, Any]:
    card = commit.files.get("README.md")
    return {} if card is None else read_metadata(card.content.decode(errors="replace"))


def _tags(metadata: Mapping[str, Any]) -> list[str]:
    plain = [tag for key in ("tags", "language", "library_name") for tag in _list(metadata, key)]
    named = {"license": "license", "datasets": "dataset", "base_model": "base_model"}
    return plain + [
        f"{prefix}:{value}" for key, prefix in named.items() for value in _list(metadata, key)
    ]


def _list(metadata: Mapping[str, Any], key: str) -> list[Any]:
    return as_list(metadata.get(key))


def _of_kind(repository: Repository, commit: Commit, metadata: Mapping[str, Any]) -> dict[str, Any]:
    match repository.kind:
        case "model":
            content = {key: metadata.get(key) for key in ("pipeline_tag", "library_name")}
            content |= {"modelId": repository.id, "model-index": metadata.get("model-index")}
            if "config.json" in commit.files:
                config = json.loads(commit.files["config.json"].content)
                wanted = ("architectures", "model_type")
                content["config"] = {key: config[key] for key in wanted if key in config}
            return content
        case "space":
            return {"sdk": metadata.get("sdk", repository.sdk)}
        case _:
            return {}
