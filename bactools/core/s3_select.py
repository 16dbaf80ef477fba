"""Which objects of a bucket an ``s3`` input means, and where below its target each is put (Bacalhau's rules).

A key that ends in ``*`` or ``/``, and an empty one, is a prefix; any other is one object. Of several executions of a
job each gets the objects of its partition: those whose part of the key has its FNV-1a hash, modulo their number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core import download, go_regex, safe_paths
from bactools.core.errors import BacError
from bactools.core.go_time import Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

MAX_OBJECTS = 100_000
"""Objects of one input."""
UNMATCHED = 0
"""The partition of every object whose key does not have what the partition goes by."""
SEPARATOR = "\x1f"
"""Between the groups of a regular expression, before they are hashed."""
FNV_OFFSET, FNV_PRIME, FNV_MASK = 0x811C9DC5, 0x01000193, 0xFFFFFFFF
_COMPOSITE = re.compile(r"[A-Za-z0-9+/]{43}=-[0-9]{1,5}")


class Object(NamedTuple):
    """An object of a bucket; ``size`` in bytes, ``etag`` as S3 has it, with its quotation marks."""

    key: str
    size: int
    etag: str


class Placed(NamedTuple):
    """An object and its path below the target of the input."""

    object: Object
    path: str


class Checksum(NamedTuple):
    """A ``ChecksumSHA256``: the digest of the object, None where it was uploaded in parts and ``text`` is of those."""

    text: str
    digest: bytes | None


class Wanted(NamedTuple):
    """An ``s3`` input, checked. ``part`` tells what a key's partition goes by: None for none, "" for no match."""

    bucket: str
    key: str
    region: str | None
    endpoint: str | None
    version: str | None
    checksum: Checksum | None
    filter: re.Pattern[str] | None
    part: Callable[[str], str] | None

    @property
    def is_prefix(self) -> bool:
        """Whether every object is meant whose key starts so."""
        return not self.key or self.key.endswith(("*", "/"))

    @property
    def prefix(self) -> str:
        """How the keys that are meant start."""
        return self.key.strip().removesuffix("*")

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def wanted(params: Mapping[str, Any]) -> Wanted:
    """What the parameters of an ``s3`` input say.

    Raises BacError ``bad_spec`` for what cannot be, ``unsupported`` for what is not understood.
    """
    bucket, key = _text(params, "Bucket"), _text(params, "Key")
    if not bucket:
        raise BacError("bad_spec", "an s3 input has no Bucket")
    checksum, pattern = _text(params, "ChecksumSHA256"), _text(params, "Filter")
    found = Wanted(
        bucket,
        key,
        _text(params, "Region") or None,
        _text(params, "Endpoint") or None,
        _text(params, "VersionID") or None,
        _checksum(checksum) if checksum else None,
        go_regex.compiled(pattern, "the Filter of an s3 input") if pattern else None,
        _part(params.get("Partition") or {}),
    )
    if found.is_prefix and (found.version or found.checksum):
        hint = "Name the whole key, or leave out VersionID and ChecksumSHA256."
        raise BacError("bad_spec", f"{found} means many objects, but a version or checksum is of one", hint=hint)
    return found


def chosen(what: Wanted, objects: Iterable[Object], partition: tuple[int, int]) -> Iterator[Object]:
    """The objects of a listing that are meant, for the execution ``partition``: its number from 0, and their count.

    An object whose key ends in ``/`` only stands for a folder, and is none of them.
    """
    index, count = partition
    for item in objects:
        if item.key.endswith("/"):
            continue
        if what.filter and not what.filter.search(item.key.removeprefix(what.prefix)):
            continue
        if count == 1 or what.part is None or _index(what, what.part, item.key, count) == index:
            yield item


def placed(what: Wanted, objects: Iterable[Object]) -> Iterator[Placed]:
    """Each object with its path: its key from the last ``/`` of the prefix on.

    Raises BacError ``bad_input`` for a key that cannot be a path or that another one is in the way of, ``too_large``.
    """
    clash = safe_paths.CaseClash()
    files: set[str] = set()
    folders: set[str] = set()
    start = what.prefix.rfind("/") + 1
    for item in objects:
        path = safe_paths.member(item.key[start:].lstrip("/"))
        clash.check(path)
        above = {path[: found.start()] for found in re.finditer("/", path)}
        if path in files or path in folders or not above.isdisjoint(files):
            raise BacError("bad_input", f"{what} has two objects of which only one can be at {path!r}")
        files.add(path)
        folders |= above
        if len(files) > MAX_OBJECTS:
            raise BacError("too_large", f"{what} means more than {MAX_OBJECTS} objects", hint="Set a Filter.")
        yield Placed(item, path)


def fnv1a(text: str) -> int:
    """The 32-bit FNV-1a hash of a text in UTF-8 (draft-eastlake-fnv)."""
    value = FNV_OFFSET
    for byte in text.encode("utf-8", "surrogatepass"):
        value = (value ^ byte) * FNV_PRIME & FNV_MASK
    return value


def _index(what: Wanted, part: Callable[[str], str], key: str, count: int) -> int:
    text = key if part is _whole else part(key.removeprefix(what.prefix).removeprefix("/"))
    return fnv1a(text) % count if text else UNMATCHED


def _whole(key: str) -> str:
    return key


def _part(params: Mapping[str, Any]) -> Callable[[str], str] | None:
    """What the partition goes by."""
    kind = _text(params, "Type").lower()
    match kind:
        case "" | "none":
            return None
        case "object":
            return _whole
        case "regex":
            return _by_regex(_needed(params, "Pattern"))
        case "substring":
            return _by_substring(params.get("StartIndex") or 0, params.get("EndIndex") or 0)
        case "date":
            return _by_date(_needed(params, "DateFormat"))
        case _:
            raise BacError("bad_spec", f"an s3 input has a Partition of the unknown type {kind!r}")


def _by_regex(text: str) -> Callable[[str], str]:
    pattern = go_regex.compiled(text, "the Pattern of an s3 partition")

    def part(key: str) -> str:
        found = pattern.search(key)
        if not found or not found[0]:
            return ""
        return SEPARATOR.join(filter(None, found.groups())) or found[0]

    return part


def _by_substring(start: Any, end: Any) -> Callable[[str], str]:
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end:
        raise BacError("bad_spec", f"an s3 partition goes from StartIndex {start} to EndIndex {end}")
    return lambda key: key[start:end] if len(key) >= end else ""


def _by_date(text: str) -> Callable[[str], str]:
    layout = Layout(text)
    return lambda key: layout.canonical(key.encode()[: layout.length].decode("utf-8", "replace")) or ""


def _needed(params: Mapping[str, Any], name: str) -> str:
    text = _text(params, name)
    if not text:
        raise BacError("bad_spec", f"the Partition of an s3 input has no {name}")
    return text


def _text(params: Mapping[str, Any], name: str) -> str:
    value = params.get(name)
    if value is not None and not isinstance(value, str):
        raise BacError("bad_spec", f"the {name} of an s3 input is no text")
    return value or ""


def _checksum(text: str) -> Checksum:
    return Checksum(text, None if _COMPOSITE.fullmatch(text) else download.sha256(text))
