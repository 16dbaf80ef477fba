"""DAG-PB blocks: a list of named links and some bytes, in protobuf (IPLD's DAG-PB specification)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bactools.core import cid, varint
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bactools.core.cid import Cid

VARINT = 0
BYTES = 2
FIXED = {1: 8, 5: 4}
"""Bytes of the wire types that are no numbers and have no length."""

DATA, LINKS = 1, 2
HASH, NAME, TOTAL = 1, 2, 3


class Link(NamedTuple):
    """A named link; ``total`` is the bytes of all blocks below it, as its writer says."""

    name: bytes
    cid: Cid
    total: int


class Node(NamedTuple):
    """``data`` is a view of the block that it was read from."""

    links: tuple[Link, ...]
    data: bytes | memoryview


def decode(block: bytes | memoryview) -> Node:
    """Take a block apart. Raises BacError ``bad_input``, or ``unsupported`` for a link by another hash function."""
    links = []
    data: bytes | memoryview = b""
    for number, value in fields(block):
        if isinstance(value, int) or number not in (DATA, LINKS):
            raise BacError("bad_input", "an IPFS block is not valid DAG-PB")
        if number == DATA:
            data = value
        else:
            links.append(_link(value))
    return Node(tuple(links), data)


def encode(links: Iterable[Link], data: bytes | memoryview) -> bytes:
    """The block of a node: the links in their order, then the bytes."""
    parts = []
    for link in links:
        body = b"".join((field(HASH, link.cid.encoded()), field(NAME, link.name), number_field(TOTAL, link.total)))
        parts.append(field(LINKS, body))
    parts.append(field(DATA, data))
    return b"".join(parts)


def fields(message: bytes | memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a protobuf message in their order; those of a fixed size are left out. Raises ``bad_input``."""
    view = memoryview(message)
    at = 0
    while at < len(view):
        key, at = varint.read(view, at)
        number, wire_type = key >> 3, key & 7
        if wire_type == VARINT:
            value, at = varint.read(view, at)
            yield number, value
            continue
        length = FIXED.get(wire_type)
        if wire_type == BYTES:
            length, at = varint.read(view, at)
        if length is None or at + length > len(view):
            raise BacError("bad_input", "an IPFS block is not valid protobuf, or is cut off")
        if wire_type == BYTES:
            yield number, view[at : at + length]
        at += length


def field(number: int, value: bytes | memoryview) -> bytes:
    """A field of bytes."""
    return b"".join((varint.encode(number << 3 | BYTES), varint.encode(len(value)), value))


def number_field(number: int, value: int) -> bytes:
    """A field of a number."""
    return varint.encode(number << 3 | VARINT) + varint.encode(value)


def _link(message: memoryview) -> Link:
    found: Cid | None = None
    name = b""
    total = 0
    for number, value in fields(message):
        match number, value:
            case (3, int()):
                total = value
            case (1, memoryview()):
                found, end = cid.read(value, 0)
                if end != len(value):
                    raise BacError("bad_input", "a link in an IPFS block has something behind its CID")
            case (2, memoryview()):
                name = bytes(value)
            case _:
                raise BacError("bad_input", "a link in an IPFS block is not valid DAG-PB")
    if found is None:
        raise BacError("bad_input", "a link in an IPFS block names no block")
    return Link(name, found, total)
