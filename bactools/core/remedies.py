"""How many nodes fit a need, why the others do not, and which single change would win most of them.

Nodes are counted as they come and never kept: memory grows with the different reasons and changes, which are few,
because amounts are rounded down before they are told apart, and no more than MOST changes are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bactools.core import platforms
from bactools.core.changes import KINDS, UNSURE, Change, changes
from bactools.core.errors import BacError
from bactools.core.reasons import PHRASES, clause, said
from bactools.core.routes import TERMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bactools.core.needs import Need
    from bactools.core.records import Reason
    from bactools.core.routes import Terms

COST = {kind: position for position, kind in enumerate(KINDS)}
MOST = 4096
"""Changes that are counted at all; only a fleet in which nearly every node is of a kind of its own has more."""


class Counts(NamedTuple):
    """What a ledger has counted: all nodes, those that fit, those with a reason, and those that a change wins."""

    nodes: int
    fits: int
    given: list[tuple[str, str, int]]
    wins: list[tuple[Change, int]]


class Ledger:
    """The count of a fleet for one need, under the terms on which it was decided."""

    def __init__(self, need: Need, terms: Terms = TERMS) -> None:
        self.nodes = 0
        self.fits = 0
        self._need = need
        self._terms = terms
        self._given: dict[tuple[str, str], int] = {}
        self._wins: dict[Change, int] = {}

    def add(self, reasons: Sequence[Reason], count: int = 1) -> None:
        """Count ``count`` nodes that do not fit for the same reasons; that they fit, if there are none."""
        self.nodes += count
        if not reasons:
            self.fits += count
            return
        for key in {(each.code, said(each.code, each.want)) for each in reasons}:
            self._given[key] = self._given.get(key, 0) + count
        for change in self._enough(reasons):
            self._win(change, count)

    def counts(self) -> Counts:
        """What was counted, for the ledger of another process."""
        given = [(code, want, count) for (code, want), count in self._given.items()]
        return Counts(self.nodes, self.fits, given, list(self._wins.items()))

    def merge(self, counts: Counts) -> None:
        """Count what another ledger for the same need has counted."""
        self.nodes += counts.nodes
        self.fits += counts.fits
        for code, want, count in counts.given:
            self._given[code, want] = self._given.get((code, want), 0) + count
        for change, count in counts.wins:
            self._win(change, count)

    def sentence(self) -> str:
        """``0 of 12 nodes fit: 8 do not run linux/arm64, 4 have no docker engine``, most frequent first."""
        order = {code: position for position, code in enumerate(PHRASES)}
        ranked = sorted(self._given.items(), key=lambda item: (-item[1], order[item[0][0]], item[0][1]))
        clauses = ", ".join(clause(code, want, count) for (code, want), count in ranked)
        verb = "node fits" if self.nodes == 1 else "nodes fit"
        return f"{self.fits} of {self.nodes} {verb}{': ' if clauses else ''}{clauses}"

    def remedies(self, limit: int = 5) -> list[str]:
        """The changes that each alone win nodes, and how many: ``publish linux/arm64: +3 nodes``, then ``...: +1``.

        Most nodes first; of as many, the cheaper change first (the order of KINDS), then by their text. A change that
        removes only some of a node's reasons does not win it.
        """
        ranked = sorted(self._worthwhile(), key=lambda item: (-item[1], COST[item[0].kind], str(item[0])))
        told = [f"{change}: +{count}" for change, count in ranked[:limit]]
        if told:
            told[0] += " node" if ranked[0][1] == 1 else " nodes"
        return told

    def _win(self, change: Change, count: int) -> None:
        if change in self._wins or len(self._wins) < MOST:
            self._wins[change] = self._wins.get(change, 0) + count

    def _enough(self, reasons: Iterable[Reason]) -> list[Change]:
        """The changes that remove every one of these reasons; of two amounts of one thing the one that suits both."""
        common: dict[tuple[str, str], Change] | None = None
        for each in reasons:
            found = {change[:2]: change for change in self._changes(each)}
            if common is None:
                common = found
            else:
                common = {key: _stricter(common[key], found[key]) for key in common if key in found}
            if not common:
                return []
        return list((common or {}).values())

    def _changes(self, reason: Reason) -> Iterator[Change]:
        made = changes(self._need, reason, self._terms)
        return (change for change in made if change.kind not in UNSURE)

    def _worthwhile(self) -> Iterator[tuple[Change, int]]:
        """Of the changes to one thing those that win more nodes than every cheaper one."""
        things: dict[tuple[str, str], list[tuple[Change, int]]] = {}
        for change, count in self._ranked():
            things.setdefault(_thing(change), []).append((change, count))
        for several in things.values():
            most = 0
            for change, count in sorted(several, key=_cheapest):
                if count > most:
                    yield change, count
                most = max(most, count)

    def _ranked(self) -> Iterator[tuple[Change, int]]:
        """The changes that may be worth telling, and how many nodes each wins."""
        amounts: dict[str, list[Change]] = {}
        published: dict[tuple[str, str], list[Change]] = {}
        for change, count in self._wins.items():
            if change.kind == "lower":
                amounts.setdefault(change.target, []).append(change)
            elif change.kind == "publish":
                published.setdefault(_family(change.target), []).append(change)
            else:
                yield change, count
        for lowered in amounts.values():
            yield from self._lowered(lowered)
        for several in published.values():
            yield max(((each, self._wins[each]) for each in several), key=lambda item: (item[1], item[0].target))

    def _lowered(self, lowered: list[Change]) -> Iterator[tuple[Change, int]]:
        """Of the amounts of one resource the largest that wins a node, and the largest that wins half of them.

        An amount wins every node that has at least that.
        """
        half = sum(self._wins[each] for each in lowered) / 2
        won = 0
        for place, change in enumerate(sorted(lowered, key=lambda each: -(each.amount or 0))):
            before = won
            won += self._wins[change]
            if place == 0 or before < half <= won:
                yield change, won


def _stricter(one: Change, other: Change) -> Change:
    """The change that does what both do."""
    if one.amount is None or other.amount is None:
        return one
    return (min if one.kind == "lower" else max)(one, other, key=lambda each: each.amount or 0)


def _cheapest(counted: tuple[Change, int]) -> tuple[int, float, int]:
    """The order of changes to one thing: what costs less, asks for less to be given up, and wins more."""
    change, count = counted
    return COST[change.kind], -(change.amount or 0), -count


def _thing(change: Change) -> tuple[str, str]:
    """What a change is about: platforms of one system and architecture, GPUs, or nothing that another one is about."""
    if change.kind in ("accept", "publish"):
        return "platform", _family(change.target)[0]
    if change.kind in ("lower", "relax", "omit") and change.target.lower().startswith("gpu"):
        return "gpu", ""
    return change[:2]


def _family(target: str) -> tuple[str, str]:
    """The platforms among which one is enough to publish: those of one system and architecture, as ``target`` says."""
    word, _, rest = target.partition(" ")
    try:
        platform = platforms.parse(word)
    except BacError:
        return target, ""
    return str(platform._replace(variant="")), rest
