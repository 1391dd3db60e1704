"""How files come in: create, preupload, large objects, and one commit that makes them visible."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.hub import xet
from tests.hub.request import Request, Response
from tests.hub.store import Entry, HubError, RepoType, is_large
from tests.hub.validate import validate_card

SPACE_IN_URL: dict[RepoType, str] = {"model": "", "dataset": "datasets/", "space": "spaces/"}


def create(request: Request) -> Response:
    """A new repository, with one commit of .gitattributes and, for a Space, a first README.md."""
    user, wanted = request.known_user(), request.json()
    kind: RepoType = wanted.get("type", "model")
    owner = wanted.get("organization") or user.name
    name = f"{owner}/{wanted['name']}"
    if not user.may_write(owner):
        raise HubError(403, f"You don't have the rights to create a {kind} under {owner}")
    url = f"{request.url}/{SPACE_IN_URL[kind]}{name}"
    private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
    try:
        request.store.create(kind, name, private=private, sdk=wanted.get("sdk"))
    except HubError as error:
        error.more["url"] = url  # which the client reads where existing is fine
        raise
    return Response({"url": url, "name": name, "id": name})


def delete(request: Request) -> Response:
    """Take a repository away."""
    user, wanted = request.known_user(), request.json()
    kind: RepoType = wanted.get("type", "model")
    name = f"{wanted.get('organization') or user.name}/{wanted['name']}"
    request.writable(kind, name)
    del request.store.repositories[kind, name]
    return Response({})


def validate_yaml(request: Request) -> Response:
    """Judge a card before anything is sent."""
    wanted = request.json()
    errors, warnings = validate_card(wanted["content"], wanted["repoType"])
    content = {
        "errors": [{"message": text} for text in errors],
        "warnings": [{"message": text} for text in warnings],
    }
    return Response(content, status=400 if errors else 200)


def preupload(request: Request, *, kind: RepoType, name: str, revision: str) -> Response:
    """Say of each file how it should come, and what stands there already."""
    present = request.writable(kind, name).at(revision).files
    answers = []
    for file in request.json()["files"]:
        path, sample = file["path"], base64.b64decode(file["sample"])
        mode = "lfs" if is_large(path, file["size"], sample) else "regular"
        answer = {"path": path, "uploadMode": mode, "shouldIgnore": False}
        if path in present:
            answer["oid"] = present[path].etag
        answers.append(answer)
    return Response({"files": answers})


def offer_large(request: Request, *, kind: RepoType, name: str) -> Response:
    """Say where large objects go; those that are here already go nowhere."""
    request.writable(kind, name)
    objects = []
    for wanted in request.json()["objects"]:
        answer = {"oid": wanted["oid"], "size": wanted["size"]}
        if wanted["oid"] not in request.store.large:
            places = {"upload": f"objects/{wanted['oid']}", "verify": "objects/verify"}
            answer["actions"] = {
                action: {"href": f"{request.url}/{place}", "header": {}}
                for action, place in places.items()
            }
        objects.append(answer)
    return Response({"transfer": "basic", "objects": objects})


def put_large(request: Request, *, oid: str) -> Response:
    """Take in a large object, if it is the one it claims to be."""
    if hashlib.sha256(request.body).hexdigest() != oid:
        raise HubError(400, "content does not match its SHA-256")
    request.store.large[oid] = request.body
    return Response()


def verify_large(request: Request) -> Response:
    """Confirm that a large object has arrived whole."""
    wanted = request.json()
    if len(request.store.large.get(wanted["oid"], b"")) != wanted["size"]:
        raise HubError(404, "object is missing")
    return Response({})


def xet_token(request: Request, *, kind: RepoType, name: str, access: str) -> Response:
    """Send hf_xet to a folder on this machine."""
    if request.xet_folder is None:
        raise HubError(404, "this server has no Xet storage")
    find = request.writable if access == "write" else request.repository
    find(kind, name)
    address, expiry = f"local://{request.xet_folder}", int(time.time()) + 3600
    headers = {
        "X-Xet-Cas-Url": address,
        "X-Xet-Access-Token": "x",
        "X-Xet-Token-Expiration": str(expiry),
    }
    return Response({"accessToken": "x", "casUrl": address, "exp": expiry}, headers=headers)


def commit(request: Request, *, kind: RepoType, name: str, revision: str) -> Response:
    """Apply all operations or none."""
    repository = request.writable(kind, name)
    before = repository.at(revision)
    lines = [json.loads(line) for line in request.body.splitlines()]
    header = next(line["value"] for line in lines if line["key"] == "header")
    if header.get("parentCommit") not in (None, before.oid):
        raise HubError(412, "A commit has happened since. Please refresh and try again.")
    files = _apply(request, before.files, lines)
    card = files.get("README.md")
    errors = [] if card is None else validate_card(card.content.decode(), kind)[0]
    if errors:
        raise HubError(400, f"Invalid metadata in README.md: {'; '.join(errors)}")
    made = repository.add(revision, files, header["summary"])
    url = f"{request.url}/{SPACE_IN_URL[kind]}{name}/commit/{made.oid}"
    return Response({"success": True, "commitOid": made.oid, "commitUrl": url, "hookOutput": ""})


def create_tag(request: Request, *, kind: RepoType, name: str, revision: str) -> Response:
    """A name for a commit that never moves."""
    repository = request.writable(kind, name)
    _point(repository.tags, request.json()["tag"], repository.at(revision).oid)
    return Response({})


def create_branch(request: Request, *, kind: RepoType, name: str, revision: str) -> Response:
    """A name for a commit that moves."""
    repository = request.writable(kind, name)
    start = request.json().get("startingPoint", "main")
    _point(repository.branches, revision, repository.at(start).oid)
    return Response({})


def delete_ref(request: Request, *, kind: RepoType, name: str, ref: str, revision: str) -> Response:
    """Forget a tag or branch."""
    repository = request.writable(kind, name)
    names = repository.tags if ref == "tag" else repository.branches
    if names.pop(revision, None) is None:
        raise HubError(404, f"no {ref} {revision}", "RevisionNotFound")
    return Response({})


def _point(names: dict[str, str], name: str, oid: str) -> None:
    if name in names:
        raise HubError(409, f"Reference already exists: {name}")
    names[name] = oid


def _apply(
    request: Request, before: Mapping[str, Entry], lines: list[dict[str, Any]]
) -> dict[str, Entry]:
    files = dict(before)
    for line in lines:
        path = line["value"].get("path", "")
        match line["key"]:
            case "header":
                pass
            case "file":
                files[path] = Entry(base64.b64decode(line["value"]["content"]))
            case "lfsFile":
                files[path] = Entry(_large(request, line["value"]["oid"], path), large=True)
            case "deletedFile":
                if files.pop(path, None) is None:
                    raise HubError(404, "A file with this name doesn't exist", "EntryNotFound")
            case "deletedFolder":
                for inner in list(_inside(files, path)):
                    del files[inner]
            case other:
                raise HubError(400, f"unknown operation {other}")
    return files


def _large(request: Request, sha256: str, path: str) -> bytes:
    store, folder = request.store, request.xet_folder
    if sha256 not in store.large and not (folder and xet.fetch(store, Path(folder), sha256)):
        raise HubError(400, f"LFS pointer to a missing object: {path}")
    return store.large[sha256]


def _inside(files: Mapping[str, Entry], folder: str) -> Iterator[str]:
    return (path for path in files if path.startswith(folder.rstrip("/") + "/"))
