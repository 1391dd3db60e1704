"""Files that a client stored with hf_xet, found again by their SHA-256.

``local://`` addresses make hf_xet write to a folder what it would send: chunks, and *shards* that
say of which chunks a file is made. A commit names a file by its SHA-256 alone; the shard knows
its Xet name. The bytes are put together by hf_xet itself.

Source:
    The shard layout is that of xet-core's ``mdb_shard``: a header of 48 bytes, then for each file
    a header, its segments, as many verification entries (flag 31) and the metadata (flag 30), all
    records of 48 bytes; a record that opens with 32 bytes of 0xff ends the list.
"""

import hashlib
import shutil
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.hub.store import HubError, Store

RECORD = 48
HASH = 32
END = b"\xff" * HASH


def fetch(store: Store, folder: Path, sha256: str) -> bool:
    """Take a file out of the folder of shards and chunks into the store.

    Args:
        store: Gets the bytes and their Xet name.
        folder: Where hf_xet wrote to.
        sha256: Of the wanted file.

    Returns:
        Whether it was there.

    Raises:
        HubError: What was there is something else.
    """
    for shard in folder.rglob("shards/*.mdb"):
        for found, xet_hash, size in read_shard(shard.read_bytes()):
            if found == sha256:
                content = _put_together(folder, xet_hash, size)
                if hashlib.sha256(content).hexdigest() != sha256:
                    raise HubError(400, f"Xet file {xet_hash} is not what its SHA-256 says")
                store.large[sha256], store.xet[sha256] = content, xet_hash
                return True
    return False


def read_shard(shard: bytes) -> Iterator[tuple[str, str, int]]:
    """SHA-256, Xet name and size of each file that a shard describes."""
    place = RECORD
    while len(record := shard[place : place + RECORD]) == RECORD and record[:HASH] != END:
        flags, segments = struct.unpack_from("<II", record, HASH)
        place += RECORD
        size = sum(
            struct.unpack_from("<I", shard, place + RECORD * number + HASH + 4)[0]
            for number in range(segments)
        )
        place += RECORD * segments * (2 if flags >> 31 & 1 else 1)
        if flags >> 30 & 1:
            yield _hex(shard[place : place + HASH]), _hex(record[:HASH]), size
            place += RECORD


def _hex(value: bytes) -> str:
    """Xet writes a hash as four little-endian words."""
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", value))


def _put_together(folder: Path, xet_hash: str, size: int) -> bytes:
    import hf_xet

    with tempfile.TemporaryDirectory() as temporary:
        # The client may still hold its database open, and two may not.
        copy, path = Path(temporary) / "objects", Path(temporary) / "file"
        shutil.copytree(folder, copy)
        session = hf_xet.XetSession()
        with session.new_file_download_group(
            endpoint=f"local://{copy}", token="x", token_expiry_unix_secs=int(time.time()) + 3600
        ) as group:
            group.start_download_file(hf_xet.XetFileInfo(xet_hash, size), str(path))
        return path.read_bytes()
