"""What a command reads: records from standard input, operands from the command line and from ``@file``."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from itertools import chain
from typing import IO, TYPE_CHECKING

import click

from bactools import MAX_LINE
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bactools.core.lines import Line

STDIN = 0
OPERAND_FILE_LIMIT = 64 * 1024 * 1024


def standard_input() -> IO[bytes]:
    """Standard input as bytes. Raises a usage error when it is a terminal or closed: nobody should wait unawares."""
    if sys.stdin is None or os.isatty(STDIN):
        raise click.UsageError("Nothing to read: pipe records into standard input or name an operand.")
    return sys.stdin.buffer


@contextmanager
def readable(name: str) -> Iterator[None]:
    """Name the stream that fails. Raises BacError ``unreadable_file``."""
    try:
        yield
    except OSError as error:
        raise BacError("unreadable_file", f"cannot read {name}: {error.strerror}", input=name) from error


def record_lines(stream: IO[bytes] | None = None, name: str = "standard input") -> Iterator[Line]:
    """Each line of a stream as a record; blank lines are skipped.

    Raises BacError ``line_too_long``, ``bad_line``, ``unknown_version`` or, for a stream that fails,
    ``unreadable_file``. What was yielded before stays valid.
    """
    source = standard_input() if stream is None else stream
    number = 0
    while True:
        with readable(name):
            raw = source.readline(MAX_LINE + 2)
        if not raw:
            return
        number += 1
        raw = raw.rstrip(b"\r\n")
        if raw.strip():
            # here and not above, so that a command with nothing to do does not pay for it
            from bactools.core.lines import read

            yield read(raw, f"line {number} of {name}")


def required_lines(expected: str) -> Iterator[Line]:
    """The records on standard input, of which there must be one; the first is read before this returns.

    Raises BacError ``empty_input``, and later as ``record_lines``.
    """
    incoming = record_lines()
    first = next(incoming, None)
    if first is None:
        raise BacError("empty_input", f"standard input held no {expected}", hint="Is the command before it well?")
    return chain([first], incoming)


class Peeked:
    """A stream of which the first line that is not blank has been looked at, and is still to be read.

    All but ``readline`` raise BacError ``unreadable_file`` for a stream that fails.
    """

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._stream = stream
        self._name = name
        self._blank = 0
        with readable(name):
            self._first = stream.readline(MAX_LINE + 2)
            while self._first and not self._first.strip():
                self._blank += 1
                self._first = stream.readline(MAX_LINE + 2)

    def is_empty(self) -> bool:
        """Whether there is nothing in it but blank lines."""
        return not self._first

    def mentions(self, words: bytes) -> bool:
        """Whether these bytes are in that line."""
        return words in self._first

    def holds_records(self) -> bool:
        """Whether that line is a record, of whatever version, rather than the start of a document."""
        from bactools.core.lines import is_record

        return is_record(self._first.rstrip(b"\r\n"))

    def readline(self, limit: int) -> bytes:
        """The next line. Raises OSError."""
        if self._blank:
            self._blank -= 1
            return b"\n"
        first, self._first = self._first, b""
        return first or self._stream.readline(limit)

    def rest(self, limit: int) -> bytes:
        """All that is left, up to a byte more than ``limit``."""
        # blank lines count: messages name a line by its number
        start = b"\n" * min(self._blank, limit + 1) + self._first
        with readable(self._name):
            return start + self._stream.read(max(0, limit + 1 - len(start)))


def operands(words: Iterable[str]) -> Iterator[str]:
    """Operands in order, with ``@file`` (or ``@-``) replaced by the lines of that file.

    Blank lines and lines that start with ``#`` are skipped. Raises BacError ``unreadable_file``.
    """
    for word in words:
        if word.startswith("@") and len(word) > 1:
            yield from operand_file(word[1:])
        else:
            yield word


def operand_file(path: str) -> Iterator[str]:
    """The operands in a file, one a line."""
    try:
        with standard_input() if path == "-" else open(path, "rb") as stream:  # noqa: PTH123 (a stream either way)
            text = stream.read(OPERAND_FILE_LIMIT).decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BacError("unreadable_file", f"cannot read operands from {path}: {reason}", input=path) from error
    for line in text.split("\n"):
        word = line.strip()
        if word and not word.startswith("#"):
            yield word
