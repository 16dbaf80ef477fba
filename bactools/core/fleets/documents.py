"""JSON documents in one file: one, or several one after another, as a loop over nodes or ``jq -c`` writes them.

Documents are told apart by their brackets, without building their values: a list may be of a hundred thousand nodes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from bactools.core import lines
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterator

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# A whole string, so that brackets in it do not count, or a bracket. The text may end within a string.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)
_BLANK = re.compile(rb"\s*")
_WHOLE = msgspec.json.Decoder(msgspec.Raw)
HALF = msgspec.Raw(b"{")
"""Stands for a last document after others that has neither its end nor a newline after it."""


def parted(data: bytes, name: str) -> Iterator[tuple[msgspec.Raw, str]]:
    """Each document, and what to call it in a message; HALF for a last one that somebody is still writing.

    Raises BacError ``bad_nodes`` (HTML) or ``bad_line``.
    """
    data = data.removeprefix(BYTE_ORDER_MARK)
    start = blank(data, 0)
    if start == len(data):
        return
    if data[start : start + 1] == b"<":
        hint = "Look at it: it may be a page to log in, or the message of a proxy."
        raise BacError("bad_nodes", f"{name} is an HTML or XML document, not a node list", hint=hint, input=name)
    try:
        documents = [(_WHOLE.decode(data), name)]
    except (msgspec.DecodeError, RecursionError) as error:
        pieces = [(piece, f"document {number} of {name}") for number, piece in enumerate(split(data), 1)]
        if len(pieces) == 1:
            raise refused(data, name, error, name) from error
        *before, (last, where) = pieces
        documents = [(whole(piece, its, name), its) for piece, its in before]
        try:
            documents.append((whole(last, where, name), where))
        except BacError:
            if data.endswith(b"\n"):
                raise
            documents.append((HALF, where))
    yield from documents


def whole(document: bytes, where: str, name: str) -> msgspec.Raw:
    """A document that is JSON to its end. Raises BacError ``bad_line``."""
    try:
        return _WHOLE.decode(document)
    except (msgspec.DecodeError, RecursionError) as error:
        raise refused(document, where, error, name) from error


def split(data: bytes) -> Iterator[bytes]:
    """The text up to each bracket that closes the outermost one, and what is left at the end."""
    depth = start = 0
    for token in _TOKEN.finditer(data):
        mark = token.group()
        if mark in (b"{", b"["):
            depth += 1
        elif mark in (b"}", b"]"):
            depth -= 1
            if depth <= 0:
                yield data[start : token.end()]
                depth, start = 0, token.end()
    if blank(data, start) < len(data):
        yield data[start:]


def blank(data: bytes, start: int) -> int:
    """Where the white space from ``start`` on ends."""
    found = _BLANK.match(data, start)
    return found.end() if found else start


def refused(document: bytes, where: str, error: Exception, name: str) -> BacError:
    """Say what is not JSON."""
    return BacError("bad_line", f"{where} is not JSON: {error}: {lines.quote(document.lstrip())}", input=name)
