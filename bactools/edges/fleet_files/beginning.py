"""How a node list starts: with node lines, among which a few may be damaged, or as a document of another system."""

from __future__ import annotations

import re
from typing import IO, NamedTuple

from bactools import MAX_LINE
from bactools.core import fleets, lines
from bactools.core.errors import BacError

DOCUMENT_LIMIT = 256 * 1024 * 1024
FIRST = 16
"""Lines among which there has to be a node line: what a shell says at login may come before it."""

START = re.compile(rb'\s*\{\s*"kind"\s*:\s*"?([A-Za-z]*)')
KINDS = (b"node", b"error")
GOES_ON = (b"[", b",", b"---")
"""What a line ends with after which a line that is a node by itself is an item of a JSON array, or a YAML document."""


class Opening(NamedTuple):
    """The first lines: how many blank ones, those that were read after them, and whether all are lines of nodes."""

    blank: int
    lines: list[bytes]
    in_lines: bool


def opening(stream: IO[bytes]) -> Opening:
    """Read as far as it takes to tell what a list is; what has a byte order mark is no line. Raises OSError."""
    first, blank = first_line(stream)
    taken = [first]
    if is_record(first) or begins_a_record(first):
        return Opening(blank, taken, in_lines=True)
    marked = first.startswith(fleets.BYTE_ORDER_MARK)
    if marked or (first.rstrip().endswith(GOES_ON) and not starts_as_record(first)):
        return Opening(blank, taken, in_lines=False)
    is_node_line = is_record if tells_of_nodes(first) else tells_of_nodes
    while taken[-1].endswith(b"\n") and len(taken) < FIRST and sum(map(len, taken)) <= MAX_LINE:
        taken.append(stream.readline(MAX_LINE + 2))
        if is_node_line(taken[-1]) or begins_a_record(taken[-1]):
            return Opening(blank, taken, in_lines=True)
    return Opening(blank, taken, in_lines=False)


def first_line(stream: IO[bytes]) -> tuple[bytes, int]:
    """The first line that is not blank, and how many were."""
    blank = 0
    while raw := stream.readline(MAX_LINE + 2):
        if raw.strip():
            break
        blank += 1
    return raw, blank


def is_record(line: bytes) -> bool:
    """Whether a line, with its newline, is a record of whatever version."""
    return lines.is_record(line.rstrip(b"\r\n"))


def begins_a_record(line: bytes) -> bool:
    """Whether a line without an end is the start of a node or error record: somebody is writing it."""
    return not line.endswith(b"\n") and starts_as_record(line)


def starts_as_record(line: bytes) -> bool:
    """Whether a line starts, as far as it goes, as a node or error record does."""
    found = START.match(line)
    return found is not None and any(kind.startswith(found[1]) for kind in KINDS)


def tells_of_nodes(line: bytes) -> bool:
    """Whether a line is by itself a record, or nodes as another system tells them."""
    try:
        return is_record(line) or any(fleets.node_lines(line, ""))
    except BacError:
        return False


def document(start: bytes, stream: IO[bytes], size: int, name: str) -> bytes:
    """A whole list that is not node lines. Raises BacError ``too_large``, or ``unreadable_file``."""
    try:
        data = start if size > DOCUMENT_LIMIT else start + stream.read(DOCUMENT_LIMIT + 1 - len(start))
    except OSError as error:
        raise BacError("unreadable_file", f"cannot read the node list {name}: {error.strerror}", input=name) from error
    if max(size, len(data)) > DOCUMENT_LIMIT:
        raise BacError(
            "too_large",
            f"{name} is no node line at its start, and as one document larger than {DOCUMENT_LIMIT} bytes",
            hint="Make it node lines, one a line.",
            input=name,
        )
    return data
