"""Which of the nodes that fit come first, kept in 18 bytes each: a million must not need a gigabyte.

The order is total. A node comes before another that it is better than in the first of these that differs: how it
runs the platform (native, compatible, assumed, emulated); how many of the job's ``favour_`` preferences it meets;
free CPU, in hundredths of a core; free memory, in mebibytes; and last, the order in which the nodes came.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from bactools.core.routes import HOW_ORDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bactools.core.records import How

FAVOUR_BITS, CPU_BITS, MEMORY_BITS = 8, 24, 29
"""With the two bits of how, a key fits 64: 255 preferences, 167,772 cores, 512 TiB; what is more counts as that."""
CPU_STEP = 0.01
MEMORY_STEP = 1024**2
NEAR_BITS = 7
"""Nodes lie together when their free CPU differs by less than so many bits tell: 1.28 cores."""
SORTED = 1 << 15
SAMPLES = 1 << 10
"""So many nodes are sorted at once; where more lie together, they are parted by a sample of their keys."""


def order_key(how: How, favoured: int, cpu: float | None, memory: float | None) -> int:
    """A number for a node that fits, smaller for a better one; what a node does not state is nothing."""
    key = HOW_ORDER.index(how)
    key = key << FAVOUR_BITS | _fewer(favoured, 1, FAVOUR_BITS)
    key = key << CPU_BITS | _fewer(cpu or 0, CPU_STEP, CPU_BITS)
    return key << MEMORY_BITS | _fewer(memory or 0, MEMORY_STEP, MEMORY_BITS)


def _fewer(amount: float, step: float, bits: int) -> int:
    most = (1 << bits) - 1
    return most - int(min(max(amount / step + 1e-6, 0), most))


class Drawer(NamedTuple):
    """Nodes whose keys differ in memory and a little CPU at most: keys, places and picks, as they came."""

    keys: array[int]
    places: array[int]
    picks: array[int]


class Candidates:
    """The nodes that fit: by key, the place where each can be read again, and the number of what is said of it.

    They lie in drawers by the upper bits of their keys, so that little is left to sort.
    """

    def __init__(self) -> None:
        self._drawers: dict[int, Drawer] = {}

    def __len__(self) -> int:
        return sum(len(drawer.keys) for drawer in self._drawers.values())

    def drawer(self, key: int) -> Drawer:
        """Where to append a node with this key, to all three arrays."""
        return self._drawers.setdefault(key >> MEMORY_BITS + NEAR_BITS, Drawer(array("Q"), array("Q"), array("H")))

    def drawers(self) -> Iterator[tuple[int, Drawer]]:
        """Every drawer and its number, the upper bits of its keys."""
        return iter(self._drawers.items())

    def ordered(self) -> Iterator[tuple[int, int]]:
        """Place and pick of each, best first."""
        for number in sorted(self._drawers):
            keys, places, picks = self._drawers[number]
            if _are_equal(keys):
                yield from zip(places, picks, strict=True)
                continue
            for position in _ordered(keys):
                yield places[position], picks[position]

    def forget_all_but(self, most: int) -> None:
        """Forget what comes after the first so many; the drawers stay, for whoever appends to them."""
        left = most
        for number in sorted(self._drawers):
            drawer = self._drawers[number]
            if len(drawer.keys) > left:
                kept = range(left) if _are_equal(drawer.keys) else sorted(islice(_ordered(drawer.keys), left))
                for column in drawer:
                    column[:] = array(column.typecode, map(column.__getitem__, kept))
            left -= len(drawer.keys)


def _are_equal(keys: array[int]) -> bool:
    return not keys or keys.count(keys[0]) == len(keys)


def _ordered(keys: array[int]) -> Iterator[int]:
    """The positions of keys, those of smaller ones first, and of equal ones as they came."""
    for near in _parted(keys):
        yield from sorted(near, key=keys.__getitem__)


def _parted(keys: array[int]) -> Sequence[Sequence[int]]:
    """The positions of keys in parts, those of smaller keys first, so that each part is sorted in little memory."""
    if len(keys) <= SORTED:
        return [range(len(keys))]
    sample = sorted(set(keys[:: len(keys) // SAMPLES]))
    bounds = sample[:: max(1, len(sample) * SORTED // (4 * len(keys)))]
    parts = [array("I") for _ in range(len(bounds) + 1)]
    for position, key in enumerate(keys):
        parts[bisect_right(bounds, key)].append(position)
    return parts
