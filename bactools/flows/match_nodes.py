"""The nodes of a fleet as far as they are looked at: the fields that decide, in their own bytes.

A field that no job's need looks at is not validated. Lines are decoded many at a time, and one by one only where
something among them is not a node of this version.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import compress
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from bactools.core import ages, fleets, lines
from bactools.core.errors import BacError
from bactools.edges.fleet_files import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bactools.core.needs import Need
    from bactools.edges.fleet_files import Chunk, Fleet, Span
    from bactools.flows.match_ids import Counting

ALWAYS = ("engines", "resources", "available", "limits", "schedulable", "warnings")
AGES = 65536


class UnevenError(Exception):
    """Among these lines is one that is more than a valid node: whoever knows its number must deal with it."""


class ForeignError(Exception):
    """Among these lines is one of another system's list: lists that can be read again are to be rewritten first."""


class Batch(NamedTuple):
    """Nodes as they came: their numbers and offsets, their lines, and their Structs of raw fields."""

    name: str
    numbers: Sequence[int]
    starts: Sequence[int]
    lines: Sequence[bytes]
    nodes: Sequence[Any]

    def where(self, position: int) -> str:
        """Where a node stood, for a message."""
        return f"line {self.numbers[position]} of {self.name}"


def looked_at(found: Sequence[Need]) -> tuple[str, ...]:
    """The fields of a node that these needs look at."""
    labels = any(need.constraints or need.preferences for need in found)
    return (
        *ALWAYS,
        *(["labels"] if labels else []),
        *(["sources"] if any(need.sources for need in found) else []),
        *(["publishers"] if any(need.publisher for need in found) else []),
    )


class Nodes:
    """Reads nodes and remembers, by list and offset, what else was met: each is told once however often they are read.

    ``errors`` are error records, ``failures`` why a line was left out, ``cut`` the lists that end within a line;
    ``stale`` counts the lines of the last reading that tell of a probe before
    ``oldest``, ``count`` all lines of nodes, ``passed``
    all lines, up to the offset ``end``. Once ``counting`` is known, lines that do not count are left out.
    With ``even``, nothing else may be met: UnevenError is raised before a batch in which it is. With ``once``, lines
    are not read again; else ForeignError is raised before a batch with nodes in another form.
    """

    def __init__(self, fleet: Fleet, oldest: float | None, *, even: bool = False, once: bool = False) -> None:
        self._even = even
        self._once = once
        self._fleet = fleet
        self._oldest = oldest
        self._is_stale = lru_cache(AGES)(self._older)
        self.renew()

    def met(self) -> list[bytes | BacError]:
        """The error records, and why lines were left out, in the order of the lines."""
        found: list[tuple[tuple[int, int], bytes | BacError]] = [*self.errors.items(), *self.failures.items()]
        return [what for _, what in sorted(found, key=itemgetter(0))]

    def renew(self) -> None:
        """Forget all that was met."""
        self.errors: dict[tuple[int, int], bytes] = {}
        self.failures: dict[tuple[int, int], BacError] = {}
        self.cut: set[str] = set()
        self.stale = 0
        self.count = 0
        self.passed = 0
        self.end = 0
        self.counting: Counting | None = None

    def batches(self, fields: Sequence[str], span: Span = EVERYTHING, *, probed: bool = False) -> Iterator[Batch]:
        """Every node of every list with these fields, each raw, beside ``id`` and, if it is wanted, ``probed``.

        Of a single list also a part; the first part starts the counts anew.
        Raises BacError ``line_too_long`` and its kin, and ``empty_input`` when there is not one node.
        """
        decoder = lean(tuple(fields), probed=probed or self._oldest is not None)
        if span.begin == 0:
            self.count = self.stale = self.passed = 0
        for chunk in self._fleet.chunks(span):
            batch = self._decoded(chunk, decoder)
            stale = self._stale(batch)
            kept = self._kept(batch, stale)
            if kept.nodes:
                yield kept
            # only here, for whoever takes a batch may raise
            self.count += len(batch.nodes)
            self.stale += sum(stale)
            self.passed += len(chunk.lines)
            self.end = chunk.starts[-1] + len(chunk.lines[-1])
        if span.end is None and not self.count and not self.failures:
            names = ", ".join(self._fleet.operands)
            hints = [f"{name} ends within a line: something is writing to it." for name in sorted(self.cut)]
            hint = " ".join(hints) or "bac-probe writes one for this host."
            raise BacError("empty_input", f"no node in {names}", hint=hint)

    def evenly(self, begin: int) -> Nodes:
        """A reader of the same from an offset on, that stops at anything else."""
        other = Nodes(self._fleet, self._oldest, even=True)
        other.counting, other.end = self.counting, begin
        return other

    def fail(self, name: str, start: int, error: BacError) -> None:
        """Remember why the node of this list at this offset was left out."""
        if self._even:
            raise UnevenError
        self.failures.setdefault(self._at(name, start), error)

    def _at(self, name: str, start: int) -> tuple[int, int]:
        """Where something was met; the offsets of lists that are read only once are their own."""
        return self._fleet.operands.index(name), start

    def _decoded(self, chunk: Chunk, decoder: msgspec.json.Decoder[Any]) -> Batch:
        try:
            if not all(map(bytes.isascii, chunk.lines)):
                b"".join(chunk.lines).decode()
            nodes = list(map(decoder.decode, chunk.lines))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if self._even:
                raise UnevenError from None
            rows = list(self._one_by_one(chunk, decoder))
            columns = list(zip(*rows, strict=True)) or [()] * 4
            return Batch(chunk.name, *columns)
        return Batch(chunk.name, chunk.numbers, chunk.starts, chunk.lines, nodes)

    def _one_by_one(
        self, chunk: Chunk, decoder: msgspec.json.Decoder[Any]
    ) -> Iterator[tuple[int, int, bytes, msgspec.Struct]]:
        for number, start, raw in zip(chunk.numbers, chunk.starts, chunk.lines, strict=True):
            where = f"line {number} of {chunk.name}"
            try:
                records = self._records(raw, where, chunk.name)
            except BacError as error:
                self.fail(chunk.name, start, error)
                continue
            for line in records:
                if line.kind == "error":
                    self.errors[self._at(chunk.name, start)] = line.raw
                elif line.kind == "node":
                    try:
                        own = raw if line.raw == raw.strip() else line.raw
                        yield number, start, own, decoder.decode(line.raw)
                    except (msgspec.DecodeError, RecursionError) as error:
                        self.fail(chunk.name, start, invalid(where, error))

    def _records(self, raw: bytes, where: str, name: str) -> list[lines.Line]:
        """The record that a line is; none if it is blank or not all there. Raises BacError, and ForeignError."""
        text = raw.strip()
        if not text:
            return []
        try:
            return [lines.read(text, where)]
        except BacError as error:
            if error.code != "bad_line":
                raise
            if not lines.is_json(text):
                if raw.endswith(b"\n"):
                    raise
                self.cut.add(name)
                return []
            if self._once:
                return [lines.read(each, where) for each in fleets.node_lines(text, where)]
            if self._fleet.rewritten:
                raise
            raise ForeignError from error

    def _stale(self, batch: Batch) -> list[bool]:
        return [] if self._oldest is None else [self._is_stale(bytes(node.probed)) for node in batch.nodes]

    def _kept(self, batch: Batch, stale: list[bool]) -> Batch:
        """The batch without what is outdated or stale."""
        batch = without(batch, stale)
        if self.counting and self.counting.repeated:
            batch = without(batch, self.counting.outdated(batch))
        return batch

    def _older(self, probed: bytes) -> bool:
        moment = ages.moment(lines.text(probed))
        return self._oldest is not None and moment is not None and moment < self._oldest


def without(batch: Batch, gone: list[bool]) -> Batch:
    """The batch without the marked nodes."""
    if True not in gone:
        return batch
    kept = [not each for each in gone]
    return Batch(batch.name, *(list(compress(column, kept)) for column in batch[1:]))


def invalid(where: str, error: Exception) -> BacError:
    """Why what stands there is no node."""
    return BacError("bad_record", f"{where} is not a valid node record: {error}")


@lru_cache(maxsize=64)
def lean(fields: tuple[str, ...], *, probed: bool = False) -> msgspec.json.Decoder[Any]:
    """A decoder for the given fields of nodes, each in its own bytes, empty where it is absent."""
    struct = msgspec.defstruct(
        "Lean",
        [
            ("kind", Literal["node"]),
            ("v", Literal[1]),
            ("id", str),
            *([("probed", msgspec.Raw, msgspec.Raw(b""))] if probed else []),
            *((name, msgspec.Raw, msgspec.Raw(b"")) for name in fields),
        ],
        gc=False,
    )
    return msgspec.json.Decoder(struct)
