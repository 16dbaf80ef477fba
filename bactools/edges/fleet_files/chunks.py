"""Lines of a stream, many at a time: quickly from a file, as soon as they come from a pipe, never without bound."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import IO, TYPE_CHECKING, cast

from bactools import MAX_LINE
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

TOGETHER = 128
"""Lines that are worked on at once, few enough for a CPU's cache; with PIECE, what bounds the memory for them."""
PIECE = 32 * 1024
ARRIVING = 64 * 1024


def together(stream: IO[bytes], name: str) -> Iterator[list[bytes]]:
    """All lines with their newlines, TOGETHER at a time. Raises BacError ``line_too_long``, ``unreadable_file``."""
    pieces = iter(partial(stream.readline, PIECE), b"")
    while lines := _taken(pieces, name):
        if max(map(len, lines)) == PIECE:
            lines = list(_joined(lines, stream, name))
        yield lines


def arriving(stream: IO[bytes], name: str) -> Iterator[list[bytes]]:
    """All lines with their newlines, each as soon as it is complete. Raises as ``together``."""
    rest = b""
    while data := _arrived(stream, name):
        *whole, rest = (rest + data).split(b"\n")
        if whole:
            yield [line + b"\n" for line in whole]
        if len(rest) > MAX_LINE:
            raise too_long(name)
    if rest:
        yield [rest]


def too_long(name: str) -> BacError:
    """The refusal of a line that is longer than the protocol allows."""
    return BacError("line_too_long", f"a line of {name} is longer than {MAX_LINE} bytes", input=name)


def _taken(pieces: Iterator[bytes], name: str) -> list[bytes]:
    try:
        return list(islice(pieces, TOGETHER))
    except OSError as error:
        raise _unreadable(name, error) from error


def _arrived(stream: IO[bytes], name: str) -> bytes:
    try:
        return cast("BufferedReader", stream).read1(ARRIVING)
    except OSError as error:
        raise _unreadable(name, error) from error


def _joined(pieces: list[bytes], stream: IO[bytes], name: str) -> Iterator[bytes]:
    """Lines out of pieces of lines; the last one may end in what is still to be read."""
    parts: list[bytes] = []
    for piece in pieces:
        parts.append(piece)
        if piece.endswith(b"\n"):
            yield _whole(parts, name)
            parts = []
    if parts:
        try:
            parts.append(stream.readline(MAX_LINE + 2))
        except OSError as error:
            raise _unreadable(name, error) from error
        yield _whole(parts, name)


def _whole(parts: list[bytes], name: str) -> bytes:
    line = b"".join(parts)
    if len(line) > MAX_LINE + 1:
        raise too_long(name)
    return line


def _unreadable(name: str, error: OSError) -> BacError:
    return BacError("unreadable_file", f"cannot read the node list {name}: {error.strerror}", input=name)
