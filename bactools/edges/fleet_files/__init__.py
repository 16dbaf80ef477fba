"""Node lists as files that can be read more than once: to decide on every node, and to copy the chosen ones.

A regular file of node lines is read where it is. A pipe, or a list in another form, is first copied as
node lines to a temporary file that has no name, so nothing is left behind however the process ends. With
``stream`` a pipe of node lines is not copied, and can be read once.
"""

from __future__ import annotations

import os
import stat
import tempfile
from array import array
from bisect import bisect_left, bisect_right
from contextlib import ExitStack
from itertools import accumulate, chain, repeat
from operator import methodcaller
from typing import IO, TYPE_CHECKING, NamedTuple

from bactools import MAX_LINE
from bactools.core import fleets
from bactools.core.errors import BacError
from bactools.edges.fleet_files.beginning import document, opening
from bactools.edges.fleet_files.chunks import arriving, together
from bactools.edges.fleet_files.odd import ended, rewritten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType

    from typing_extensions import Self

PLATFORM = "platform:"
BUFFER = 128 * 1024
LENGTH_BITS = 25
"""A place is an offset in all the lists together, and a length: 39 and 25 bits of 64."""
LENGTH = (1 << LENGTH_BITS) - 1
MOST = 1 << 64 - LENGTH_BITS
WORTH_HALVING = 16 * 1024 * 1024
"""Bytes of node lines that take longer to read than a second process takes to start."""

STARTS, ENDS = methodcaller("startswith", b"{"), methodcaller("endswith", b"}")


class Chunk(NamedTuple):
    """Some lines with their newlines: of which list, the number of each there, the offset of each."""

    name: str
    numbers: Sequence[int]
    starts: list[int]
    lines: list[bytes]


class Source(NamedTuple):
    """A list that is open: ``base`` is its offset among all, ``number`` its descriptor.

    ``waiting`` are its lines if it can be read only once, ``numbers`` those that its lines had in the list that it is
    a copy of, if they are not the same. Of a file that grows meanwhile, what lies beyond ``end`` is for the next run.
    """

    name: str
    base: int
    end: int
    stream: IO[bytes]
    number: int
    waiting: Iterator[list[bytes]] | None
    numbers: Sequence[int] | None = None


class Span(NamedTuple):
    """From one offset to another, None for the end of what there is; ``passed``: how many lines come before it."""

    begin: int = 0
    end: int | None = None
    passed: int = 0


EVERYTHING = Span()


class Fleet:
    """Node lists by operand: a path, or ``platform:os/architecture[/variant]``. A context manager.

    ``parse`` reads the documents in a YAML file; ``size`` is the bytes of what can be read again.
    """

    def __init__(
        self, operands: Sequence[str], parse: Callable[[bytes, str], list[object]], *, stream: bool = False
    ) -> None:
        self.operands = operands
        self.size = 0
        self.rewritten = False
        self._parse = parse
        self._stream = stream
        self._stack = ExitStack()
        self._sources: list[Source] = []
        self._bases: list[int] = []

    def __enter__(self) -> Self:
        for operand in self.operands:
            if operand.startswith(PLATFORM):
                self._spool([fleets.platform_line(operand.removeprefix(PLATFORM)) + b"\n"], operand)
            else:
                self._open(operand)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._stack.close()

    def chunks(self, span: Span = EVERYTHING) -> Iterator[Chunk]:
        """Every line of every list, in order; of a single list that can be read again also a part.

        Raises BacError ``line_too_long`` or ``unreadable_file``.
        """
        for source in self._sources:
            if source.waiting is not None:
                yield from _counted(source, Span(source.base), source.waiting)
                continue
            begin, end = max(source.base, span.begin), source.end if span.end is None else span.end
            source.stream.seek(begin - source.base)
            yield from _counted(source, Span(begin, end, span.passed), together(source.stream, source.name))

    def middle(self) -> int | None:
        """Where the list can be cut into two of about the same size; None if it is not one, or not worth it."""
        if len(self._sources) != 1 or self.size < WORTH_HALVING or self._sources[0].waiting is not None:
            return None
        source = self._sources[0]
        source.stream.seek(self.size // 2)
        offset = self.size // 2 + len(source.stream.readline(MAX_LINE + 2))
        return offset if offset < self.size else None

    def reopen(self) -> None:
        """Read from an offset of its own from now on: a forked process would share that of the other.

        Raises BacError ``unreadable_file``.
        """
        for position, source in enumerate(self._sources):
            try:
                again = open(f"/proc/self/fd/{source.number}", "rb", BUFFER)  # noqa: PTH123, SIM115 (closed by the stack)
            except OSError as error:
                raise BacError("unreadable_file", f"cannot read {source.name}: {error.strerror}") from error
            self._sources[position] = source._replace(stream=self._stack.enter_context(again))

    def rewrite(self) -> None:
        """Make node lines of the nodes of other systems that stand among the lines, in copies of the lists.

        ``rewritten`` says that it was done. Raises BacError as ``chunks`` does, and ``unwritable_file``.
        """
        before, self.size, self.rewritten = self._sources, 0, True
        self._sources, self._bases = [], []
        for source in before:
            source.stream.seek(0)
            found = _counted(source, Span(0, source.end - source.base), together(source.stream, source.name))
            numbers = array("L")
            copied = rewritten(chain.from_iterable(chunk.lines for chunk in found), source.name)
            self._spool(_noted(copied, numbers), source.name)
            self._sources[-1] = self._sources[-1]._replace(numbers=numbers)

    def read_several(self, places: Sequence[int]) -> list[bytes]:
        """Some lines again, as ``read`` does."""
        if len(self._sources) == 1:
            lengths = [place & LENGTH for place in places]
            starts = [place >> LENGTH_BITS for place in places]
            found = list(map(os.pread, repeat(self._sources[0].number), lengths, starts))
            *again, rest = b"".join(found).split(b"\n")
            whole = not rest and [len(line) + 1 for line in again] == lengths == list(map(len, found))
            if whole and all(map(STARTS, again)) and all(map(ENDS, again)):
                return again
        return list(map(self.read, places))

    def read(self, place: int) -> bytes:
        """A line again, without white space around it. Raises BacError ``file_changed`` when it is no line any more."""
        length, offset = place & LENGTH, place >> LENGTH_BITS
        source = self._sources[bisect_right(self._bases, offset) - 1]
        raw = os.pread(source.number, length, offset - source.base)
        if raw[:1] == b"{" and raw[-2:] == b"}\n" and raw.find(b"\n") == length - 1:
            return raw[:-1]
        line = raw.strip()
        if raw.find(b"\n") not in (-1, length - 1) or len(raw) != length or line[:1] != b"{" or line[-1:] != b"}":
            name = source.name
            raise BacError("file_changed", f"{name} was rewritten while it was read", hint="Run it again.", input=name)
        return line

    def _open(self, path: str) -> None:
        try:
            stream = self._stack.enter_context(open(path, "rb", BUFFER))  # noqa: PTH123, SIM115 (closed by the stack)
            facts = os.fstat(stream.fileno())
            start = opening(stream)
        except OSError as error:
            raise BacError(
                "unreadable_file", f"cannot read the node list {path}: {error.strerror}", input=path
            ) from error
        before = chain(repeat(b"\n", start.blank), start.lines)
        if not start.in_lines:
            found = self._converted(document(b"".join(start.lines), stream, facts.st_size, path), path)
            self._spool(ended(found), path)
        elif stat.S_ISREG(facts.st_mode):
            self._add(path, stream, facts.st_size)
        elif self._stream:
            incoming = chain([list(before)], arriving(stream, path))
            self._sources.append(Source(path, self.size, self.size, stream, stream.fileno(), incoming))
        else:
            self._spool(chain(before, chain.from_iterable(arriving(stream, path))), path)

    def _converted(self, data: bytes, name: str) -> Iterator[bytes]:
        if not data.strip():
            return iter(())
        if fleets.looks_like_yaml(data):
            return fleets.from_values(self._parsed(data, name), name)
        return fleets.node_lines(data, name)

    def _parsed(self, data: bytes, name: str) -> list[object]:
        try:
            return self._parse(data, name)
        except BacError as error:
            if error.code == "too_large":
                error.hint = "Ask for JSON (-o json)."
            raise

    def _spool(self, records: Iterable[bytes], name: str) -> None:
        spool = self._stack.enter_context(tempfile.TemporaryFile(buffering=BUFFER))  # noqa: SIM115 (closed by the stack)
        size = 0
        try:
            for raw in records:
                size += spool.write(raw)
            spool.flush()
        except OSError as error:
            raise BacError(
                "unwritable_file", f"cannot keep {name} in {tempfile.gettempdir()}: {error.strerror}"
            ) from error
        self._add(name, spool, size)

    def _add(self, name: str, stream: IO[bytes], size: int) -> None:
        if self.size + size >= MOST:
            raise BacError("too_large", f"{name} makes the node lists larger than {MOST} bytes", input=name)
        self._sources.append(Source(name, self.size, self.size + size, stream, stream.fileno(), None))
        self._bases.append(self.size)
        self.size += size


def _noted(copied: Iterable[tuple[int, bytes]], numbers: array[int]) -> Iterator[bytes]:
    """The lines, with their numbers added to ``numbers``."""
    for number, line in copied:
        numbers.append(number)
        yield line


def _counted(source: Source, span: Span, incoming: Iterator[list[bytes]]) -> Iterator[Chunk]:
    """Lines with their numbers and offsets, up to the end of the span."""
    passed, offset = span.passed, span.begin
    for found in incoming:
        starts = list(accumulate(map(len, found), initial=offset))
        offset = starts.pop()
        if span.end is not None and offset >= span.end:
            starts = starts[: bisect_left(starts, span.end)]
            if starts:
                yield Chunk(source.name, _numbers(source, passed, len(starts)), starts, found[: len(starts)])
            return
        yield Chunk(source.name, _numbers(source, passed, len(found)), starts, found)
        passed += len(found)


def _numbers(source: Source, passed: int, count: int) -> Sequence[int]:
    """Those of so many lines after so many others."""
    return range(passed + 1, passed + 1 + count) if source.numbers is None else source.numbers[passed : passed + count]
