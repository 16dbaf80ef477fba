"""A stream that tells when it is about to wait, so that something else can be done meanwhile."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PIECE = 65536


class Waiting:
    """Lines and bytes of a descriptor; ``wait`` is called with it before each read, which may then block."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._read = bytearray()
        self._ended = False
        self.wait: Callable[[int], None] = lambda _: None

    def readline(self, limit: int) -> bytes:
        """The next line, at most ``limit`` bytes of it; empty at the end. Raises OSError."""
        searched = 0
        while (end := self._read.find(b"\n", searched, limit)) < 0 and len(self._read) < limit and not self._ended:
            searched = len(self._read)
            self._more()
        return self._taken(end + 1 if end >= 0 else limit)

    def read(self, limit: int) -> bytes:
        """All that is left, at most ``limit`` bytes. Raises OSError."""
        while len(self._read) < limit and not self._ended:
            self._more()
        return self._taken(limit)

    def _more(self) -> None:
        self.wait(self._descriptor)
        data = os.read(self._descriptor, PIECE)
        self._read += data
        self._ended = not data

    def _taken(self, count: int) -> bytes:
        taken = bytes(self._read[:count])
        del self._read[:count]
        return taken
