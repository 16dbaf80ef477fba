"""A part of a file as an upload reads it: from the disk as it goes, so that memory does not grow with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Slice:
    """``size`` bytes of an open file from ``start`` on, as a file that can be read again from its beginning.

    ``moved`` is told of the bytes that are read.
    """

    def __init__(self, number: int, start: int, size: int, moved: Callable[[int], None]) -> None:
        self._number = number
        self._start = start
        self._size = size
        self._moved = moved
        self._at = 0

    def __len__(self) -> int:
        return self._size

    def tell(self) -> int:
        """Where the next byte is read from."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to another place, as files do."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes; none at the end. Raises OSError, EOFError for a file that has become too short."""
        left = self._size - self._at
        wanted = left if size is None or size < 0 else min(size, left)
        data = os.pread(self._number, max(0, wanted), self._start + self._at)
        if len(data) < min(wanted, 1):
            raise EOFError  # or the server would wait for the rest
        self._at += len(data)
        self._moved(len(data))
        return data
