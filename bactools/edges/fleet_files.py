"""Node lists as files that can be read twice: once to decide, once to copy the chosen lines.

A regular file of node lines is read where it is. A pipe, or a list in another form, is first copied as
node lines to a temporary file that has no name, so nothing is left behind however the process ends.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, NamedTuple

from bactools import MAX_LINE
from bactools.core import fleets, lines
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import TracebackType

    from typing_extensions import Self

DOCUMENT_LIMIT = 512 * 1024 * 1024
PLATFORM = "platform:"


class Place(NamedTuple):
    """Where a line can be read again: which file, the offset in bytes, the length without its newline."""

    source: int
    offset: int
    length: int


class Fleet:
    """Node lists by operand: a path, or ``platform:os/architecture[/variant]``. A context manager."""

    def __init__(self, operands: Sequence[str]) -> None:
        self._operands = operands
        self._stack = ExitStack()
        self._sources: list[tuple[str, IO[bytes]]] = []
        self._errors: dict[Place, bytes] = {}
        self._failures: dict[Place, BacError] = {}
        self._superseded: set[Place] = set()

    def __enter__(self) -> Self:
        for operand in self._operands:
            if operand.startswith(PLATFORM):
                self._spool([fleets.platform_line(operand.removeprefix(PLATFORM))], operand)
            else:
                self._open(operand)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._stack.close()

    def nodes(self) -> Iterator[tuple[Place, lines.Line]]:
        """Every node line of every list, in order.

        Raises BacError ``bad_line`` and its kin, and ``empty_input`` when there is not one node.
        """
        count = 0
        for place, line in self._lines():
            if line.kind == "node":
                count += 1
                if place not in self._superseded and place not in self._failures:
                    yield place, line
            elif line.kind == "error":
                self._errors[place] = line.raw
        if not count:
            names = ", ".join(self._operands)
            raise BacError("empty_input", f"no node in {names}", hint="bac-probe writes one for this host.")

    def supersede(self, places: Iterable[Place]) -> None:
        """Leave these lines out from now on: a later one tells of the same node."""
        self._superseded.update(places)

    def fail(self, place: Place, error: BacError) -> None:
        """Leave a line out from now on, for this reason."""
        self._failures[place] = error

    def failures(self) -> Iterable[BacError]:
        """Why lines were left out."""
        return self._failures.values()

    def errors(self) -> Iterable[bytes]:
        """The error records met among the lines so far: what a probe could not tell."""
        return self._errors.values()

    def _lines(self) -> Iterator[tuple[Place, lines.Line]]:
        for number, (name, stream) in enumerate(self._sources):
            offset = 0
            stream.seek(0)
            for count, raw in enumerate(bounded(stream, name), 1):
                line = raw.rstrip(b"\r\n")
                if line.strip():
                    yield Place(number, offset, len(line)), lines.read(line, f"line {count} of {name}")
                offset += len(raw)

    def read(self, place: Place) -> bytes:
        """A line again. Raises BacError ``file_changed`` when it is not a line any more."""
        name, stream = self._sources[place.source]
        raw = os.pread(stream.fileno(), place.length, place.offset)
        if len(raw) != place.length or not lines.is_record(raw):
            raise BacError("file_changed", f"{name} was rewritten while it was read", hint="Run it again.", input=name)
        return raw

    def _open(self, path: str) -> None:
        try:
            stream = self._stack.enter_context(open(path, "rb"))  # noqa: PTH123, SIM115 (closed by the stack)
            regular = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
            first = first_line(stream)
        except OSError as error:
            raise BacError(
                "unreadable_file", f"cannot read the node list {path}: {error.strerror}", input=path
            ) from error
        if not lines.is_record(first.rstrip(b"\r\n")):
            data = first + stream.read(DOCUMENT_LIMIT - len(first))
            if len(data) >= DOCUMENT_LIMIT:
                raise BacError("too_large", f"{path} is one document of more than {DOCUMENT_LIMIT} bytes", input=path)
            if data.strip():
                self._spool(fleets.node_lines(data, path), path)
        elif regular:
            self._sources.append((path, stream))
        else:
            self._spool(chain(first, stream, path), path)

    def _spool(self, records: Iterable[bytes], name: str) -> None:
        spool = self._stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (closed by the stack)
        try:
            for raw in records:
                spool.write(raw.rstrip(b"\r\n") + b"\n")
            spool.flush()
        except OSError as error:
            raise BacError(
                "unwritable_file", f"cannot keep {name} in {tempfile.gettempdir()}: {error.strerror}"
            ) from error
        self._sources.append((name, spool))


def first_line(stream: IO[bytes]) -> bytes:
    """The first line that is not blank."""
    while raw := stream.readline(MAX_LINE + 1):
        if raw.strip():
            break
    return raw


def chain(first: bytes, stream: IO[bytes], name: str) -> Iterator[bytes]:
    """A stream whose first line has already been read."""
    yield first
    yield from bounded(stream, name)


def bounded(stream: IO[bytes], name: str) -> Iterator[bytes]:
    """The lines of a stream with their newlines, none longer than the protocol allows."""
    while raw := stream.readline(MAX_LINE + 2):
        if len(raw) > MAX_LINE + 1:
            raise BacError("line_too_long", f"a line of {name} is longer than {MAX_LINE} bytes", input=name)
        yield raw
