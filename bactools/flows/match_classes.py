"""Alike nodes are decided on once: what is said of a node depends on the bytes of the fields that are looked at.

All that is remembered is bounded. Where nearly every node has amounts of its own, the rest of it is decided on once,
and the amounts are compared one by one.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from bactools.core.errors import BacError
from bactools.core.match import Verdict
from bactools.flows.match_parts import BETWEEN, NO_AMOUNTS, Amounts, Parts
from bactools.flows.match_tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bactools.core.amounts import Short
    from bactools.core.records import Resources
    from bactools.core.routes import Choice, Terms
    from bactools.flows.match_nodes import Batch, Nodes
    from bactools.flows.match_parts import Part
    from bactools.flows.match_wishes import Question

OUTCOMES = 1024 * 1024
CLASSES = 4096
SAID = 8192
WORTH = 4
"""Classes that hold fewer nodes than that on average are not worth remembering."""


class Keep(NamedTuple):
    """How nodes are kept.

    ``said`` makes of a question's number and a verdict what is said of nodes that fit alike; ``fit`` makes of number,
    key and that what ``Alike.entries`` holds. ``misfit`` makes it of number, a maker of the verdict, and whether it is
    for one node alone. None: nothing is kept.
    """

    said: Callable[[int, Verdict], object]
    fit: Callable[[int, int, Any], object]
    misfit: Callable[[int, Callable[[], Verdict], bool], object]


class Alike:
    """Nodes that differ in nothing that is looked at: how many, what is kept of each, and what is said of them.

    ``parts`` and ``shorts`` have for each question the part and what falls short; they are empty where nodes were
    counted already.
    """

    __slots__ = ("amounts", "count", "entries", "parts", "shorts")

    def __init__(
        self, entries: list[Any], parts: Sequence[Part], shorts: Sequence[tuple[Short, ...]], amounts: Amounts
    ) -> None:
        self.entries = entries
        self.parts = parts
        self.shorts = shorts
        self.amounts = amounts
        self.count = 0


class Classes:
    """Sorts nodes into classes and decides on each class once."""

    def __init__(self, questions: Sequence[Question], fields: Sequence[str], terms: Terms, keep: Keep) -> None:
        self._questions = questions
        self._keep = keep
        self._said = lru_cache(SAID)(self._told)
        self._parts = Parts(questions, fields, terms)
        self._tallies = [Tally(number, each, self._parts) for number, each in enumerate(questions)]
        self._most = min(CLASSES, max(64, OUTCOMES // max(1, len(questions))))
        self._known: dict[bytes, Alike] = {}
        self._diverse = False
        self._nothing = Alike([], (), (), NO_AMOUNTS)

    def of(self, batch: Batch, nodes: Nodes) -> list[Alike | None]:
        """The class of each node; None for one that is not valid, which ``nodes`` is told."""
        if len(self._known) >= self._most:
            self._diverse |= sum(alike.count for alike in self._known.values()) < WORTH * self._most
            self.settle()
        if self._diverse:
            found = self._several(batch.nodes)
            keys = self._keys(batch.nodes) if None in found else []
        else:
            keys = self._keys(batch.nodes)
            found = list(map(self._known.get, keys))
        if None in found:
            for position, key in enumerate(keys):
                if found[position] is None:
                    try:
                        found[position] = self._class(key)
                    except BacError as error:
                        where = batch.where(position)
                        nodes.fail(
                            batch.name, batch.starts[position], BacError(error.code, f"{where}: {error.message}")
                        )
        return found

    def verdict(self, number: int, node: object) -> Verdict:
        """What is said of one node for one question. Raises BacError for what is no valid node."""
        parts, sizes = self._parts.split(*self._keys([node]))
        return self._parts.verdict(number, parts[number], self._parts.amounts(sizes))

    def settle(self) -> None:
        """Count what was decided in the ledgers, and forget it."""
        met = [alike for alike in self._known.values() if alike.count]
        for number, tally in enumerate(self._tallies):
            tally.add_all([(alike.parts[number], alike.shorts[number], alike.amounts, alike.count) for alike in met])
            tally.settle()
        self._known.clear()

    def forget(self) -> None:
        """Forget what was decided without counting it."""
        self._known.clear()
        for tally in self._tallies:
            tally.forget()

    def _keys(self, nodes: Sequence[Any]) -> list[bytes]:
        """What makes each node alike to others."""
        return list(map(BETWEEN.join, map(self._parts.all_fields, nodes)))

    def _class(self, key: bytes) -> Alike:
        alike = self._known.get(key)
        if alike is None:
            parts, sizes = self._parts.split(key)
            amounts = self._parts.amounts(sizes)
            shorts = [self._parts.known_short(number, sizes) for number in range(len(parts))]
            found = enumerate(zip(parts, shorts, strict=True))
            entries = [self._entry(number, *each, amounts, alone=False) for number, each in found]
            alike = self._known[key] = Alike([each for each in entries if each is not None], parts, shorts, amounts)
        return alike

    def _several(self, nodes: Sequence[Any]) -> list[Alike | None]:
        """A class for each node, which is counted; None for all, and none counted, if one of them is not valid."""
        try:
            parts, sizes = self._parts.several(nodes)
        except (BacError, msgspec.DecodeError, RecursionError):
            return [None] * len(nodes)
        return [self._once(each, own) for each, *own in zip(parts, *sizes, strict=True)]

    def _once(self, parts: list[Part], sizes: Sequence[Resources | None]) -> Alike:
        entries = []
        amounts = None
        for number, part in enumerate(parts):
            if part.able or self._questions[number].counts_reasons:
                amounts = amounts or Amounts(*sizes)
                short = self._parts.short(number, amounts)
                self._tallies[number].add(part, short, amounts)
                entry = self._entry(number, part, short, amounts, alone=True)
                if entry is not None:
                    entries.append(entry)
        return Alike(entries, (), (), NO_AMOUNTS) if entries else self._nothing

    def _entry(self, number: int, part: Part, short: tuple[Short, ...], amounts: Amounts, *, alone: bool) -> object:
        if part.able and not short:
            return self._keep.fit(number, self._parts.order(part, amounts), self._said(number, part.choice))
        if not self._questions[number].keeps_misfits:
            return None
        return self._keep.misfit(number, partial(self._parts.verdict, number, part, amounts), alone)

    def _told(self, number: int, choice: Choice | None) -> object:
        return self._keep.said(number, Verdict(choice, ()))
