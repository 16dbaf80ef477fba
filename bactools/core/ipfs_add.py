"""Files and folders -> the blocks and CIDs that ``ipfs add`` makes of them, without any I/O.

By default as Kubo does: chunks of 256 KiB, 174 links a node, a balanced tree, CIDs of version 0; with ``raw`` CIDs of
version 1 and leaves that are nothing but the file's bytes. A directory whose links take too much is sharded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bactools.core import cid, dagpb, hamt, unixfs
from bactools.core.cid import DAG_PB, RAW, Cid
from bactools.core.dagpb import Link
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CHUNK = 256 * 1024
MAX_LINKS = 174
SHARDING_SIZE = 256 * 1024
"""Bytes of a directory's names and CIDs from which on Kubo shards it."""


class Added(NamedTuple):
    """A file, directory or link as a node: ``size`` bytes of a file, ``total`` bytes of its blocks together."""

    cid: Cid
    size: int
    total: int


class Layout(NamedTuple):
    """How blocks are made; each one is given to ``keep`` as soon as it is complete."""

    keep: Callable[[Cid, bytes], None] | None = None
    raw: bool = False

    def node(self, links: list[Link], message: bytes, size: int = 0) -> Added:
        """Make a block of links and a UnixFS message."""
        block = dagpb.encode(links, message)
        name = self._kept(block, DAG_PB)
        return Added(name, size, len(block) + sum(link.total for link in links))

    def leaf(self, data: bytes) -> Added:
        """Make a block of a file's bytes."""
        if not self.raw:
            return self.node([], unixfs.encode_file(data), len(data))
        return Added(self._kept(data, RAW), len(data), len(data))

    def _kept(self, block: bytes, codec: int) -> Cid:
        name = cid.of(block, codec, 1 if self.raw else 0)
        if self.keep:
            self.keep(name, block)
        return name


class FileAdder:
    """A file, fed in pieces of any size; memory does not grow with it but by its logarithm."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._rest = bytearray()
        self._levels: list[list[Added]] = [[]]

    def feed(self, data: bytes) -> None:
        """The next bytes of the file."""
        self._rest += data
        whole = len(self._rest) // CHUNK * CHUNK
        with memoryview(self._rest) as view:
            for at in range(0, whole, CHUNK):
                self._push(0, self._layout.leaf(bytes(view[at : at + CHUNK])))
        del self._rest[:whole]

    def finish(self) -> Added:
        """The whole file, when all its bytes were fed."""
        empty = not any(self._levels)
        if self._rest or empty:
            self._push(0, self._layout.leaf(bytes(self._rest)))
        level = 0
        while level + 1 < len(self._levels) or len(self._levels[level]) > 1:
            self._close(level)
            level += 1
        return self._levels[level][0]

    def _push(self, level: int, added: Added) -> None:
        # a full level is closed only by what follows it, so that there is never a node above a single full one
        if len(self._levels[level]) == MAX_LINKS:
            self._close(level)
        self._levels[level].append(added)

    def _close(self, level: int) -> None:
        """Make one node of what is waiting on a level."""
        if level + 1 == len(self._levels):
            self._levels.append([])
        children, self._levels[level] = self._levels[level], []
        links = [Link(b"", child.cid, child.total) for child in children]
        sizes = tuple(child.size for child in children)
        self._push(level + 1, self._layout.node(links, unixfs.encode_file(b"", sizes), sum(sizes)))


def directory(entries: Iterable[tuple[bytes, Added]], layout: Layout) -> Added:
    """A directory of entries with different names, in any order. Raises BacError ``unsupported``."""
    links = sorted(Link(name, added.cid, added.total) for name, added in entries)
    if sum(len(link.name) + len(link.cid.encoded()) for link in links) >= SHARDING_SIZE:
        return _shard([(hamt.places(link.name, hamt.FANOUT), link) for link in links], 0, layout)
    return layout.node(links, unixfs.encode_directory())


def symlink(target: bytes, layout: Layout) -> Added:
    """A symbolic link."""
    return layout.node([], unixfs.encode_symlink(target))


def _shard(placed: list[tuple[tuple[int, ...], Link]], depth: int, layout: Layout) -> Added:
    if depth == len(placed[0][0]):
        names = ", ".join(repr(link.name) for _, link in placed)
        raise BacError("unsupported", f"a large directory cannot hold {names} together: their hashes are the same")
    by_place: dict[int, list[tuple[tuple[int, ...], Link]]] = {}
    for places, link in placed:
        by_place.setdefault(places[depth], []).append((places, link))
    links = []
    for place, found in sorted(by_place.items()):
        prefix = f"{place:0{hamt.width(hamt.FANOUT)}X}".encode("ascii")
        if len(found) == 1:
            link = found[0][1]
            links.append(link._replace(name=prefix + link.name))
        else:
            deeper = _shard(found, depth + 1, layout)
            links.append(Link(prefix, deeper.cid, deeper.total))
    taken = sum(1 << place for place in by_place)
    return layout.node(links, unixfs.encode_shard(taken))
