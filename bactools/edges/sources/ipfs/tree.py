"""Writes a UnixFS file or directory to the disk, block by block as they come, and finds what a path leads to.

Each file, directory and link is made anew, so that nothing is written through a link or over another entry.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from bactools.core import hamt, safe_paths, unixfs
from bactools.core.errors import BacError
from bactools.core.unixfs import Directory, Entry, File, Shard, Symlink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bactools.core.budget import Budget
    from bactools.core.cid import Cid
    from bactools.edges.sources.ipfs.blocks import Blocks

MAX_DEPTH = 128
"""Directories in each other, and nodes of a file or a large directory above each other."""
MAX_ENTRIES = 1_000_000
"""Files, directories, links and shards of one input."""
REPORTED = 4 * 1024 * 1024
"""Bytes between two reports of progress."""
MIB = 1024 * 1024
FOLDER_MODE = PROGRAM_MODE = 0o755
FILE_MODE = 0o644
"""Whatever the umask: a container's user need not be ours."""


def find(blocks: Blocks, name: Cid, path: tuple[str, ...]) -> Cid:
    """What a path below a block leads to. Raises BacError ``not_found``, or as ``Blocks.get``."""
    for part in path:
        node = unixfs.read(name, blocks.get(name))
        found = _entry(blocks, node, part)
        if found is None:
            raise BacError("not_found", f"there is no {part!r} in the IPFS directory {name}")
        name = found
    return name


def _entry(blocks: Blocks, node: unixfs.Node, part: str) -> Cid | None:
    if isinstance(node, Directory):
        return next((entry.cid for entry in node.entries if entry.name == part), None)
    if not isinstance(node, Shard):
        return None
    for place in hamt.places(part.encode(), node.fanout):
        entry, deeper = node.entries.get(place), node.deeper.get(place)
        if deeper is None:
            return entry.cid if entry and entry.name == part else None
        below = unixfs.read(deeper, blocks.get(deeper))
        if not isinstance(below, Shard) or below.fanout != node.fanout:
            return None
        node = below
    return None


class Place(NamedTuple):
    """Where something is written: ``inside`` is its path in the input, empty for the input itself."""

    path: Path
    inside: str
    depth: int

    def child(self, name: str) -> Place:
        """The place of an entry. Raises BacError ``bad_input``."""
        inside = safe_paths.member(f"{self.inside}/{safe_paths.entry(name)}".lstrip("/"))
        return Place(self.path / name, inside, _deeper(self.depth))


class Writer:
    """Writes one input. ``report`` is told how far it has come."""

    def __init__(self, blocks: Blocks, budget: Budget, report: Callable[[str | None], None], title: str) -> None:
        self._blocks = blocks
        self._budget = budget
        self._report = report
        self._title = title
        self._entries = 0
        self._written = 0
        self._reported = 0

    def write(self, name: Cid, path: Path) -> None:
        """Write what a CID names to ``path``, which must not be there.

        Raises BacError ``bad_input``, ``too_large``, ``unwritable_file``, ``unsupported``, or as ``Blocks.get``.
        """
        self._put(name, Place(path, "", 0))

    def _put(self, name: Cid, place: Place) -> None:
        self._count()
        node = unixfs.read(name, self._blocks.get(name))
        match node:
            case File():
                self._file(name, node, place)
            case Directory() | Shard():
                with _writing(place.path):
                    place.path.mkdir()
                    place.path.chmod(FOLDER_MODE)
                for entry in self._entries_of(name, node, 0):
                    self._put(entry.cid, place.child(entry.name))
            case Symlink() if not place.inside:
                message = f"ipfs://{self._title} is a symbolic link to {node.target}, no file or directory"
                raise BacError("bad_input", message, hint="Name the path of what it leads to.")
            case Symlink():
                target = safe_paths.link_target(place.inside, node.target)
                with _writing(place.path):
                    place.path.symlink_to(target)

    def _count(self) -> None:
        self._entries += 1
        if self._entries > MAX_ENTRIES:
            raise BacError("too_large", f"the IPFS input {self._title} has more than {MAX_ENTRIES} entries")

    def _entries_of(self, name: Cid, node: Directory | Shard, depth: int) -> Iterator[Entry]:
        if isinstance(node, Directory):
            yield from node.entries
            return
        for place in sorted((*node.entries, *node.deeper)):
            if place in node.entries:
                yield node.entries[place]
                continue
            self._count()
            deeper = node.deeper[place]
            below = unixfs.read(deeper, self._blocks.get(deeper))
            if not isinstance(below, Shard) or below.fanout != node.fanout:
                raise BacError("bad_input", f"the large IPFS directory {name} has a part that is no part of it")
            yield from self._entries_of(name, below, _deeper(depth))

    def _file(self, name: Cid, node: File, place: Place) -> None:
        self._budget.take(node.size)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        mode = PROGRAM_MODE if node.executable else FILE_MODE
        with _writing(place.path):
            number = os.open(place.path, flags, mode)
            os.fchmod(number, mode)
        try:
            self._content(name, node, number, 0)
        finally:
            os.close(number)

    def _content(self, name: Cid, node: File, number: int, depth: int) -> None:
        self._store(number, node.data)
        for part in node.parts:
            if part.size == 0:  # nothing to fetch: it might be a tree without end
                continue
            below = unixfs.read(part.cid, self._blocks.get(part.cid))
            if not isinstance(below, File) or below.size != part.size:
                raise BacError("bad_input", f"the IPFS file {name} has a part that is not what it says")
            self._content(name, below, number, _deeper(depth))

    def _store(self, number: int, data: bytes | memoryview) -> None:
        view = memoryview(data)
        with _writing(self._title):
            while view:
                view = view[os.write(number, view) :]
        self._written += len(data)
        if self._written - self._reported >= REPORTED:
            self._reported = self._written
            self._report(f"fetching ipfs://{self._title}: {self._written // MIB} MiB")


def _deeper(depth: int) -> int:
    if depth == MAX_DEPTH:
        raise BacError("too_large", f"an IPFS input is more than {MAX_DEPTH} levels deep")
    return depth + 1


@contextmanager
def _writing(what: Path | str) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        message = f"two entries of an IPFS directory become the same file here: {what}"
        raise BacError("bad_input", message) from error
    except OSError as error:
        message = f"cannot write the IPFS input {what}: {error.strerror}"
        raise BacError("unwritable_file", message) from error
