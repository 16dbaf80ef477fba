"""UnixFS: what a block says about a file, a directory, a part of a large directory, or a symbolic link.

Names and targets are told as they are: whether they are safe is for core/safe_paths. A file's size is what its
parts must add up to; who reads them compares.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from bactools.core import dagpb, hamt, varint
from bactools.core.cid import CODECS, DAG_PB, RAW, Cid
from bactools.core.errors import BacError

TYPE_RAW, TYPE_DIRECTORY, TYPE_FILE, TYPE_METADATA, TYPE_SYMLINK, TYPE_SHARD = range(6)
TYPE, DATA, SIZE, BLOCK_SIZES, HASH, FANOUT, MODE = range(1, 8)
"""Fields of the message."""
EXECUTABLE = 0o111


class Part(NamedTuple):
    """A further part of a file, ``size`` bytes of it."""

    cid: Cid
    size: int


class File(NamedTuple):
    """``data``, then the parts; ``size`` bytes together."""

    data: bytes | memoryview
    parts: tuple[Part, ...]
    size: int
    executable: bool = False


class Entry(NamedTuple):
    """What has a name in a directory."""

    name: str
    cid: Cid


class Directory(NamedTuple):
    """The entries of a directory in their order."""

    entries: tuple[Entry, ...]


class Shard(NamedTuple):
    """A part of a large directory: some of its entries, and deeper shards, by their places in this one."""

    fanout: int
    entries: dict[int, Entry]
    deeper: dict[int, Cid]


class Symlink(NamedTuple):
    """A symbolic link."""

    target: str


Node: TypeAlias = File | Directory | Shard | Symlink


class _Said(NamedTuple):
    """The fields of the message."""

    type: int | None
    data: bytes | memoryview
    sizes: tuple[int, ...]
    numbers: dict[int, int]


def read(name: Cid, block: bytes | memoryview) -> Node:
    """What a verified block is. Raises BacError ``bad_input``, or ``unsupported`` for what is not UnixFS."""
    if name.codec == RAW:
        return File(block, (), len(block))
    if name.codec != DAG_PB:
        codec = CODECS.get(name.codec, f"codec {name.codec:#x}")
        raise BacError("unsupported", f"the IPFS block {name} holds {codec}, which is no file or directory")
    node = dagpb.decode(block)
    said = _said(node.data)
    match said.type:
        case 0 | 2:
            return _file(name, node, said)
        case 1:
            return Directory(tuple(Entry(_text(link.name), link.cid) for link in node.links))
        case 4:
            return Symlink(_text(bytes(said.data)))
        case 5:
            return _shard(name, node, said)
    raise BacError("unsupported", f"the IPFS block {name} is no UnixFS file, directory or link")


def _said(message: bytes | memoryview) -> _Said:
    data: bytes | memoryview = b""
    sizes: list[int] = []
    numbers: dict[int, int] = {}
    for number, value in dagpb.fields(message):
        match number, value:
            case (2, memoryview()):
                data = value
            case (4, memoryview()):
                sizes += _packed(value)
            case (4, int()):
                sizes.append(value)
            case (_, int()):
                numbers[number] = value
    return _Said(numbers.get(TYPE), data, tuple(sizes), numbers)


def _packed(value: memoryview) -> list[int]:
    found = []
    at = 0
    while at < len(value):
        number, at = varint.read(value, at)
        found.append(number)
    return found


def _file(name: Cid, node: dagpb.Node, said: _Said) -> File:
    if len(node.links) != len(said.sizes):
        raise BacError("bad_input", f"the IPFS block {name} has {len(node.links)} parts and {len(said.sizes)} sizes")
    size = len(said.data) + sum(said.sizes)
    if said.numbers.get(SIZE, size) != size:
        raise BacError("bad_input", f"the IPFS block {name} says another size than its parts")
    parts = tuple(Part(link.cid, part) for link, part in zip(node.links, said.sizes, strict=True))
    return File(said.data, parts, size, bool(said.numbers.get(MODE, 0) & EXECUTABLE))


def _shard(name: Cid, node: dagpb.Node, said: _Said) -> Shard:
    fanout = said.numbers.get(FANOUT, 0)
    if not hamt.MIN_FANOUT <= fanout <= hamt.MAX_FANOUT or fanout & (fanout - 1):
        raise BacError("bad_input", f"the IPFS block {name} is a directory's shard with {fanout} places")
    if said.numbers.get(HASH) != hamt.MURMUR3_X64_64:
        raise BacError("unsupported", f"the IPFS block {name} is a directory sharded by an unknown hash function")
    width = hamt.width(fanout)
    entries: dict[int, Entry] = {}
    deeper: dict[int, Cid] = {}
    for link in node.links:
        text = _text(link.name)
        place = _place(text[:width], fanout)
        if place is None or place in entries or place in deeper:
            raise BacError("bad_input", f"the IPFS block {name} is a directory's shard with a wrong place")
        if len(text) == width:
            deeper[place] = link.cid
        else:
            entries[place] = Entry(text[width:], link.cid)
    return Shard(fanout, entries, deeper)


def _place(digits: str, fanout: int) -> int | None:
    try:
        place = int(digits, 16)
    except ValueError:
        return None
    return place if place < fanout and digits == f"{place:0{hamt.width(fanout)}X}" else None


def _text(name: bytes) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BacError("bad_input", f"a name in an IPFS directory is not UTF-8: {name[:80]!r}") from error


def encode_file(data: bytes | memoryview, sizes: tuple[int, ...] = ()) -> bytes:
    """The message of a file, or of a part of one, that has these bytes and parts of these sizes."""
    message = [dagpb.number_field(TYPE, TYPE_FILE)]
    if len(data):
        message.append(dagpb.field(DATA, data))
    message.append(dagpb.number_field(SIZE, len(data) + sum(sizes)))
    message += [dagpb.number_field(BLOCK_SIZES, size) for size in sizes]
    return b"".join(message)


def encode_directory() -> bytes:
    """The message of a directory."""
    return dagpb.number_field(TYPE, TYPE_DIRECTORY)


def encode_symlink(target: bytes) -> bytes:
    """The message of a symbolic link."""
    return dagpb.number_field(TYPE, TYPE_SYMLINK) + dagpb.field(DATA, target)


def encode_shard(taken: int) -> bytes:
    """The message of a shard whose places that are taken are the bits of a number."""
    bits = taken.to_bytes((taken.bit_length() + 7) // 8, "big")
    message = dagpb.number_field(TYPE, TYPE_SHARD) + dagpb.field(DATA, bits)
    return message + dagpb.number_field(HASH, hamt.MURMUR3_X64_64) + dagpb.number_field(FANOUT, hamt.FANOUT)
