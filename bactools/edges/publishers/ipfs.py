"""Publishes a results folder to IPFS, through the RPC endpoint of a Kubo node.

The blocks are made here as ``ipfs add`` would, and imported as a CAR file: so the CID is our own word, whatever the
node's settings are, and the node's answer must be the same. The files are read twice, because a CAR file begins
with its root; nothing is held in memory.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from bactools.core import car, ipfs_add
from bactools.core.errors import BacError
from bactools.core.ipfs_add import Added, FileAdder, Layout
from bactools.edges.http import Poster, endpoint, shown
from bactools.edges.publishers.special import is_special

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from bactools.core.cid import Cid
    from bactools.edges.http import Reply

CHUNK = 1024 * 1024
MAX_DEPTH = 128
"""Folders in each other."""
MAX_ANSWER = 64 * 1024
"""Bytes of a node's answer."""
BOUNDARY = "bactools-results"
MIB = 1024 * 1024
OK = 200


class _Packing(NamedTuple):
    """One pass over a folder: the layout of its blocks, and the blocks that were made and not yet taken."""

    layout: Layout
    made: list[tuple[Cid, bytes]]


def publish(folder: Path, rpc: str, progress: Callable[[str | None], None]) -> str:
    """Add a folder with all in it to a Kubo node, pinned, and tell its CID (version 0, as ``ipfs add -r`` does).

    ``rpc`` is the URL of the node's RPC endpoint. Symbolic links are published as links; devices, pipes and sockets are
    left out.

    Raises BacError ``bad_config``, ``unreadable_file``, ``file_changed``, ``too_large``, ``unreachable``,
    ``timed_out``, ``unauthorized``, ``engine_failed``, ``digest_mismatch``.
    """
    node = endpoint(rpc, "IPFS node").removesuffix("/api/v0")
    try:
        root = cid_of(folder)
        poster = Poster()
        try:
            _import(poster, f"{node}/api/v0/dag/import", _body(folder, root, progress), root)
        finally:
            poster.close()
    finally:
        progress(None)
    return str(root)


def cid_of(folder: Path) -> Cid:
    """The CID of a folder as ``ipfs add -r`` would have it. Raises as ``publish``."""
    steps = _add(folder, _Packing(Layout(), []), 0)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            added: Added = end.value
            return added.cid


def _body(folder: Path, root: Cid, progress: Callable[[str | None], None]) -> Iterator[bytes]:
    """The upload: a form with one file, the CAR file."""
    yield (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="results.car"\r\n'
        "Content-Type: application/vnd.ipld.car\r\n\r\n"
    ).encode("ascii")
    yield car.header(root)
    made: list[tuple[Cid, bytes]] = []
    packing = _Packing(Layout(lambda name, block: made.append((name, block))), made)
    sent = 0
    for name, block in _add(folder, packing, 0):
        yield car.section(name, block)
        sent += len(block)
        progress(f"publishing to IPFS: {sent // MIB} MiB")
        last = name
    if last != root:
        raise BacError("file_changed", f"cannot publish {folder}: a file in it changed meanwhile", hint="Try again.")
    yield f"\r\n--{BOUNDARY}--\r\n".encode("ascii")


def _import(poster: Poster, url: str, body: Iterator[bytes], root: Cid) -> None:
    media_type = f"multipart/form-data; boundary={BOUNDARY}"
    with poster.upload(url, {"pin-roots": "true"}, media_type, body) as stream:
        answer = _read(stream, url)
        if stream.status != OK:
            raise _failure(stream.status, url, answer)
    roots = [found for line in answer.splitlines() if (found := _root(line))]
    if not roots:
        raise BacError("engine_failed", f"publishing to {shown(url)}: the node does not say what it imported")
    for name, problem in roots:
        if problem:
            raise BacError("engine_failed", f"publishing to {shown(url)}: the node cannot pin {root}: {problem}")
        if name != str(root):
            message = f"publishing to {shown(url)}: the node calls {name} what is {root}"
            raise BacError("digest_mismatch", message, hint="The node is broken or lies.")


def _read(stream: Reply, url: str) -> bytes:
    answer = b""
    for chunk in stream.chunks:
        answer += chunk
        if len(answer) > MAX_ANSWER:
            raise BacError("too_large", f"the answer from {shown(url)} is larger than {MAX_ANSWER} bytes")
    return answer


def _root(line: bytes) -> tuple[str, str] | None:
    """A root that a line of the answer tells of: its CID, and why it could not be pinned."""
    try:
        found = json.loads(line)["Root"]
        return str(found["Cid"]["/"]), str(found.get("PinErrorMsg") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _failure(status: int, url: str, answer: bytes) -> BacError:
    try:
        said = f" ({json.loads(answer)['Message']})"
    except (ValueError, KeyError, TypeError):
        said = ""
    code = "unauthorized" if status in {401, 403} else "engine_failed"
    return BacError(code, f"publishing to {shown(url)}: HTTP status {status}{said}")


def _add(path: Path, packing: _Packing, depth: int) -> Generator[tuple[Cid, bytes], None, Added]:
    """Make the blocks of a file, folder or link, which come as they are made, the last one first in the tree."""
    if depth > MAX_DEPTH:
        raise BacError("too_large", f"cannot publish {path}: folders are more than {MAX_DEPTH} levels deep")
    with _reading(path):
        mode = path.lstat().st_mode
    if stat.S_ISDIR(mode):
        with _reading(path), os.scandir(path) as found:
            inside = sorted(path / each.name for each in found if not is_special(each))
        entries = []
        for each in inside:
            added = yield from _add(each, packing, depth + 1)
            entries.append((os.fsencode(each.name), added))
        added = ipfs_add.directory(entries, packing.layout)
    elif stat.S_ISLNK(mode):
        with _reading(path):
            target = os.readlink(os.fsencode(path))  # noqa: PTH115 (as it is written)
        added = ipfs_add.symlink(target, packing.layout)
    elif stat.S_ISREG(mode):
        added = yield from _add_file(path, packing)
    else:
        raise BacError("file_changed", f"cannot publish {path}: it became another thing meanwhile", hint="Try again.")
    yield from _taken(packing)
    return added


def _add_file(path: Path, packing: _Packing) -> Generator[tuple[Cid, bytes], None, Added]:
    adder = FileAdder(packing.layout)
    with _reading(path):
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        while True:
            with _reading(path):
                data = os.read(number, CHUNK)
            if not data:
                return adder.finish()
            adder.feed(data)
            yield from _taken(packing)
    finally:
        os.close(number)


def _taken(packing: _Packing) -> Iterator[tuple[Cid, bytes]]:
    yield from packing.made
    packing.made.clear()


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BacError("unreadable_file", f"cannot publish {path}: {error.strerror}") from error
