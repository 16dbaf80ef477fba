"""CAR files, version 1: blocks with their CIDs, one behind the other (IPLD's CARv1 specification).

The header's roots are not looked at: what is wanted is known from elsewhere, and every block is held against its CID.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bactools.core import cid, varint
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bactools.core.cid import Cid

MAX_HEADER = 64 * 1024
MAX_BLOCK = 4 * 1024 * 1024
"""Bytes of a block; 2 MiB is what peers must exchange, and what Kubo makes at most."""
MAX_SECTION = MAX_BLOCK + 1024
VERSION_1 = b"gversion\x01"
"""The pair ``"version": 1`` in CBOR (RFC 8949), whose map may have its keys in any order."""
VARINT_BYTES = 9


class _Source:
    """Bytes by count from chunks of any size."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def ended(self) -> bool:
        """Whether there is nothing more; asks for a chunk if need be."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return True
            self._rest = memoryview(chunk)
        return False

    def take(self, count: int) -> bytes:
        parts = []
        while count:
            if self.ended():
                raise BacError("bad_input", "a CAR file is cut off")
            part = self._rest[:count]
            self._rest = self._rest[len(part) :]
            count -= len(part)
            parts.append(part)
        return b"".join(parts)

    def length(self, limit: int) -> int:
        """A length before what has it. Raises BacError ``bad_input``, ``too_large``."""
        read = b""
        while not read or read[-1] >= varint.MORE:
            if len(read) == VARINT_BYTES:
                raise BacError("bad_input", "a CAR file has no length where one must be")
            read += self.take(1)
        length = varint.read(read, 0)[0]
        if length > limit:
            raise BacError("too_large", f"a CAR file has a block of {length} bytes; the limit is {limit}")
        return length


def blocks(chunks: Iterable[bytes]) -> Iterator[tuple[Cid, memoryview]]:
    """The blocks of a CAR file that arrives in chunks, each verified and given out as soon as it is there.

    Raises BacError ``bad_input``, ``too_large``, ``unsupported``, ``digest_mismatch``, or as ``chunks`` does.
    """
    source = _Source(chunks)
    header = source.take(source.length(MAX_HEADER))
    if VERSION_1 not in header:
        raise BacError("bad_input", "this is not a CAR file of version 1")
    while not source.ended():
        section = source.take(source.length(MAX_SECTION))
        name, start = cid.read(section, 0)
        block = memoryview(section)[start:]
        cid.verify(name, block)
        yield name, block


def header(root: Cid) -> bytes:
    """The beginning of a CAR file with one root."""
    link = b"\0" + root.encoded()
    # a map of two: "roots", a list of one link (tag 42 of RFC 8949 on a byte string), and "version"
    body = b"\xa2eroots\x81\xd8\x2a\x58" + bytes((len(link),)) + link + VERSION_1
    return varint.encode(len(body)) + body


def section(name: Cid, block: bytes) -> bytes:
    """A block in a CAR file."""
    encoded = name.encoded()
    return b"".join((varint.encode(len(encoded) + len(block)), encoded, block))
