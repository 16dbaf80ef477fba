"""Which lines tell of a node that a later probe tells of too: the line with the latest ``probed`` counts, or the last.

The ids of all nodes are remembered as 8 bytes each. Only those that seem to come twice are looked at again, and of
these only the line that counts is remembered: a list that is appended to by the hour repeats every node.
"""

from __future__ import annotations

from array import array
from itertools import compress
from operator import attrgetter, ge
from struct import pack
from typing import TYPE_CHECKING, NamedTuple

from bactools.core import ages, lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bactools.flows.match_nodes import Batch, Nodes

PARTS = 8
"""Hashes are compared in so many parts, for a set takes ten times their memory."""
EARLIEST = float("-inf")


class Telling(NamedTuple):
    """When a line says that a node was probed, and the offset of the line."""

    moment: float
    start: int


class Seen:
    """The ids that came, by a hash of 64 bits. Ids that only ascend do not repeat."""

    def __init__(self) -> None:
        self.hashes = array("q")
        self.first: str | None = None
        self.last: str | None = None
        self.ascending = True

    def add(self, batch: Batch) -> None:
        """Remember the ids of some nodes, at least one."""
        ids = list(map(ID, batch.nodes))
        self._follow(ids[0], ids[-1], ascending=not any(map(ge, ids, ids[1:])))
        self.hashes.frombytes(pack(f"{len(ids)}q", *map(hash, ids)))

    def merge(self, other: Seen) -> None:
        """Remember what came after that, in a process with the same hashes."""
        if other.first is not None and other.last is not None:
            self._follow(other.first, other.last, ascending=other.ascending)
        self.hashes.extend(other.hashes)

    def repeated(self) -> set[int]:
        """The hashes that came more than once."""
        twice: set[int] = set()
        if self.ascending:
            return twice
        bytes_of_each = memoryview(self.hashes).cast("B")[:: self.hashes.itemsize].tobytes()
        for part in range(PARTS):
            chosen = bytes_of_each.translate(bytes(number % PARTS == part for number in range(256)))
            once = set(compress(self.hashes, chosen))
            if len(once) < chosen.count(1):
                twice.update(again(compress(self.hashes, chosen), once))
        return twice

    def _follow(self, first: str, last: str, *, ascending: bool) -> None:
        self.ascending = self.ascending and ascending and (self.last is None or self.last < first)
        if self.first is None:
            self.first = first
        self.last = last


ID = attrgetter("id")


def again(hashes: Iterable[int], once: set[int]) -> Iterator[int]:
    """The hashes that come when they were taken out of ``once`` already."""
    for number in hashes:
        if number in once:
            once.remove(number)
        else:
            yield number


class Counting(NamedTuple):
    """Of the nodes whose ids have the hashes ``repeated``, only the lines at the offsets ``latest`` count."""

    repeated: set[int]
    latest: set[int]

    def outdated(self, batch: Batch) -> list[bool]:
        """Of each node, whether another line replaces it."""
        hashes = map(hash, map(ID, batch.nodes))
        return [
            number in self.repeated and start not in self.latest
            for number, start in zip(hashes, batch.starts, strict=True)
        ]


def counting(nodes: Nodes, repeated: set[int]) -> Counting:
    """Which lines count of the nodes with these hashes. Raises BacError as ``Nodes.batches`` does."""
    latest: dict[str, Telling] = {}
    for batch in nodes.batches((), probed=True) if repeated else ():
        for start, node in zip(batch.starts, batch.nodes, strict=True):
            if hash(node.id) in repeated:
                moment = ages.moment(lines.text(node.probed))
                here = Telling(EARLIEST if moment is None else moment, start)
                latest[node.id] = max(latest.get(node.id, here), here)
    return Counting(repeated, {telling.start for telling in latest.values()})
