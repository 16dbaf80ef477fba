"""Lines of the protocol: read one, extend one, write one, without losing what is not understood.

A line is kept as the bytes it came in. ``extend`` replaces or adds top-level fields and copies every
other field's bytes as they were, so that a newer producer in front of an older filter loses nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from bactools import MAX_LINE, PROTOCOL
from bactools.core.errors import BacError, encodable
from bactools.core.records import Error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bactools.core.records import Record

QUOTED = 80

T = TypeVar("T", bound=msgspec.Struct)

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODERS: dict[type[msgspec.Struct], msgspec.json.Decoder[msgspec.Struct]] = {}


class Head(msgspec.Struct):
    """The two fields that every record has."""

    kind: str
    v: int


_HEAD = msgspec.json.Decoder(Head)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Line(NamedTuple):
    """One record as it was read: its bytes without the newline, its kind, and where it stood."""

    raw: bytes
    kind: str
    where: str


def read(raw: bytes, where: str) -> Line:
    """Check that ``raw`` (without its newline) is a record of a version that we read.

    Raises BacError ``line_too_long``, ``bad_line`` (not UTF-8, not JSON, no ``kind`` or ``v``) or ``unknown_version``.
    """
    if len(raw) > MAX_LINE:
        raise BacError("line_too_long", f"{where} is longer than {MAX_LINE} bytes", hint="Is it one record a line?")
    try:
        raw.decode("utf-8")
        head = _HEAD.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BacError("bad_line", f"{where} is not a record: {error}: {quote(raw)}") from error
    except RecursionError as error:
        raise BacError("bad_line", f"{where} is not a record: it is nested too deep: {quote(raw)}") from error
    if head.v != PROTOCOL:
        raise BacError(
            "unknown_version",
            f"{where} is a {head.kind} record of version {head.v}; this bactools reads version {PROTOCOL}",
            hint="Upgrade bactools on this host.",
        )
    return Line(raw, head.kind, where)


def is_record(raw: bytes) -> bool:
    """Whether ``raw`` is a record, of whatever version."""
    try:
        read(raw, "")
    except BacError as error:
        return error.code == "unknown_version"
    return True


def decode(line: Line, kind: type[T]) -> T:
    """The line's fields that we know, typed. Raises BacError ``bad_record``."""
    decoder = _DECODERS.get(kind)
    if decoder is None:
        decoder = _DECODERS[kind] = msgspec.json.Decoder(kind)
    try:
        return decoder.decode(line.raw)  # type: ignore[return-value]
    except (msgspec.DecodeError, RecursionError) as error:
        raise BacError("bad_record", f"{line.where} is not a valid {line.kind} record: {error}") from error


def extend(line: Line, changes: Mapping[str, object]) -> bytes:
    """The line with some top-level fields replaced, added or (UNSET) removed; every other field keeps its bytes."""
    fields = _FIELDS.decode(line.raw)
    for name, value in changes.items():
        if value is msgspec.UNSET:
            fields.pop(name, None)
        else:
            fields[name] = msgspec.Raw(encode_value(value))
    return _ENCODER.encode(fields)


def encode(record: Record) -> bytes:
    """A record as one line, without the newline."""
    return encode_value(record)


def encode_value(value: object) -> bytes:
    """Any value of a record as compact JSON in UTF-8."""
    return _ENCODER.encode(value)


def error_record(error: BacError, by: str) -> Error:
    """The record that stands where ``error`` left a gap."""
    return Error(
        code=error.code,
        message=encodable(error.message),
        input=error.input and encodable(error.input),
        by=by,
        hint=error.hint and encodable(error.hint),
        retryable=error.retryable,
    )


def text(value: bytes) -> str | None:
    """The text that a field of a record is; None for anything else, and for nothing."""
    try:
        return msgspec.json.decode(value, type=str)
    except msgspec.DecodeError:
        return None


def is_json(text: bytes) -> bool:
    """Whether a line is whole, whatever it holds."""
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def quote(raw: bytes) -> str:
    """The start of a line, for a message."""
    text = raw[: QUOTED * 4].decode("utf-8", "backslashreplace")
    return repr(text[:QUOTED] + ("…" if len(text) > QUOTED else ""))
