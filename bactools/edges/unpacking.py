"""The bytes of an archive as tarfile wants to seek in them: forward only, and headers and all of it within limits."""

from __future__ import annotations

import tarfile
from typing import Any

from bactools.core.errors import BacError

CHUNK = 64 * 1024
BLOCK = 512
"""Bytes of a header; after the last entry there are only NULs."""


class Unpacking:
    """An archive, unpacked as it is read from ``source``, an object with ``read``.

    There may be ``most`` bytes of it, and ``header`` of the headers of one entry; ``name`` is what messages call it,
    ``excess`` what they say of more. That is BacError ``too_large``.
    """

    def __init__(self, source: Any, most: int, header: int, name: str, excess: str) -> None:
        self.at_end = False
        """Whether what was read last is no entry's header."""
        self._source = source
        self._most = most
        self._header = header
        self._name = name
        self._excess = excess
        self._allowed = header
        self._at = 0

    def tell(self) -> int:
        """How much was read."""
        return self._at

    def seek(self, to: int) -> None:
        """Pass over what comes before an offset. Raises ReadError for one that is behind."""
        if to < self._at:
            raise tarfile.ReadError("an entry has a size that cannot be")
        while self._at < to and self.take(min(CHUNK, to - self._at)):
            pass

    def read(self, size: int) -> bytes:
        """As many of the next bytes as there are, out of those that are allowed."""
        self._allowed -= size
        if self._allowed < 0 or size < 0:
            raise BacError("too_large", f"{self._name} has an entry whose headers are larger than {self._header} bytes")
        parts: list[bytes] = []
        while size and (part := self.take(size)):
            parts.append(part)
            size -= len(part)
        data = b"".join(parts)
        self.at_end = len(data) <= BLOCK and not data.strip(b"\0")
        return data

    def allow(self, size: int | None = None) -> None:
        """Let the next reads together have so many bytes, or a header's; what is passed over does not count."""
        self._allowed = self._header if size is None else size

    def drain(self) -> None:
        """Read to the end."""
        while self.take(CHUNK):
            pass

    def take(self, size: int) -> bytes:
        """At most so many of the next bytes, none at the end only."""
        part: bytes = self._source.read(size)
        self._at += len(part)
        if self._at > self._most:
            raise BacError("too_large", f"{self._name} unpacks to more than {self._excess}")
        return part
