"""Verified IPFS blocks for a walk down from one block: from a CAR stream as far as that has them, else one by one.

The stream should have the blocks in the order of the walk. Where it leaves repeated ones out, has another order
or breaks off, what is missing is asked for singly. A few blocks are kept, so that memory is bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bactools.core import car, cid
from bactools.core.cid import IDENTITY, RAW, Cid
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bactools.edges.sources.ipfs.places import Place

KEPT = 16 * 1024 * 1024
"""Bytes of blocks that are kept for another use."""
AHEAD = 6 * 1024 * 1024
"""Bytes of the stream that may be read before they are needed; less than what is kept, with a block to spare."""

BROKEN = frozenset({"unreachable", "timed_out", "bad_input"})
"""Ends of a stream after which blocks may still be had one by one."""


class Blocks:
    """The blocks of a place, with a CAR stream of it or without."""

    def __init__(self, place: Place, stream: Iterator[tuple[Cid, memoryview]] | None = None) -> None:
        self._place = place
        self._stream = stream
        self._kept: OrderedDict[tuple[int, bytes], bytes | memoryview] = OrderedDict()
        self._size = 0
        self._unused: dict[tuple[int, bytes], int] = {}

    def get(self, name: Cid) -> bytes | memoryview:
        """The block with this name, verified.

        Raises BacError ``digest_mismatch``, ``too_large``, ``unsupported``, or as the place does.
        """
        if name.hash == IDENTITY:
            return name.digest
        key = name.same_block()
        block = self._kept.get(key)
        if block is not None:
            self._kept.move_to_end(key)
            self._unused.pop(key, None)
            return block
        block = self._streamed(key)
        return self._single(name) if block is None else block

    def _streamed(self, wanted: tuple[int, bytes]) -> memoryview | None:
        """A block from the stream, if it comes soon."""
        while self._stream is not None and sum(self._unused.values()) < AHEAD:
            try:
                found = next(self._stream, None)
            except BacError as error:
                if error.code not in BROKEN:
                    raise
                found = None
            if found is None:
                self._stream = None
                return None
            key, block = found[0].same_block(), found[1]
            self._keep(key, block)
            if key == wanted:
                return block
            self._unused[key] = len(block)
        return None

    def _single(self, name: Cid) -> bytes:
        block = self._place.block(name)
        cid.verify(name, block)
        self._keep(name.same_block(), block)
        return block

    def _keep(self, key: tuple[int, bytes], block: bytes | memoryview) -> None:
        if key in self._kept:
            return
        self._kept[key] = block
        self._size += len(block)
        while self._size > KEPT:
            oldest, dropped = self._kept.popitem(last=False)
            self._unused.pop(oldest, None)
            self._size -= len(dropped)


@contextmanager
def below(place: Place, root: Cid) -> Iterator[Blocks]:
    """The blocks from ``root`` down, streamed where the place can do so."""
    if root.codec == RAW or root.hash == IDENTITY:
        yield Blocks(place)
        return
    with place.dag(root) as chunks:
        yield Blocks(place, None if chunks is None else car.blocks(chunks))
