"""Counts nodes for a question by what is said of them: the parts that are alike, and rounded amounts.

Only so many kinds are told apart before they are counted in the ledger and forgotten.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bactools.core import rounding
from bactools.core.reasons import LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bactools.core.amounts import Short
    from bactools.flows.match_parts import Amounts, Part, Parts
    from bactools.flows.match_wishes import Question

KINDS = 4096
VALUES = 4096


class Kind:
    """Nodes for which a ledger has the same reasons and remedies: one of them stands for all."""

    __slots__ = ("amounts", "count", "part")

    def __init__(self, part: Part, amounts: Amounts) -> None:
        self.part = part
        self.amounts = amounts
        self.count = 0


class Tally:
    """The kinds of nodes that were met for one question."""

    def __init__(self, number: int, question: Question, parts: Parts) -> None:
        self._number = number
        self._question = question
        self._parts = parts
        self._kinds: dict[tuple[Any, ...], Kind] = {}

    def add(self, part: Part, short: tuple[Short, ...], amounts: Amounts, count: int = 1) -> None:
        """Count nodes: those that fit, and while it matters why the others do not, those."""
        if part.able and not short:
            self._question.fit(count)
        elif self._question.counts_reasons:
            key = (None if part.able else id(part), *kind(part, short, self._question.need.module_memory))
            found = self._kinds.get(key)
            if found is None:
                if len(self._kinds) >= KINDS:
                    self.settle()
                found = self._kinds[key] = Kind(part, amounts)
            found.count += count

    def add_all(self, met: Sequence[tuple[Part, tuple[Short, ...], Amounts, int]]) -> None:
        """Count them all; those that fit first, for these may settle that nothing else matters."""
        fits = sum(count for part, short, _, count in met if part.able and not short)
        if fits:
            self._question.fit(fits)
        if self._question.counts_reasons:
            for part, short, amounts, count in met:
                if short or not part.able:
                    self.add(part, short, amounts, count)

    def settle(self) -> None:
        """Count what was met in the ledger, and forget it."""
        if self._question.counts_reasons:
            for each in self._kinds.values():
                verdict = self._parts.verdict(self._number, each.part, each.amounts)
                self._question.ledger.add(verdict.reasons, each.count)
        self._kinds.clear()

    def forget(self) -> None:
        """Forget what was met without counting it."""
        self._kinds.clear()


def kind(part: Part, short: tuple[Short, ...], least: int) -> tuple[Any, ...]:
    """What of shortages matters to a ledger: amounts only where asking for less of one may be enough.

    ``least`` is an amount of memory on the two sides of which remedies differ.
    """
    if not part.lowers or len({each.code.removesuffix(LIMIT) for each in short}) > 1:
        return tuple((each.code, each.want, each.free) for each in short)
    return tuple((each.code, each.want, each.free, *about(each, least)) for each in short)


def about(short: Short, least: int) -> tuple[Any, ...]:
    """An amount as far as remedies tell it apart."""
    if isinstance(short.have, dict):
        return (short.have["gpus"], size(short.have.get("memory", 0)), "all" in short.have)
    if short.code.startswith("cpu"):
        return (cores(short.have),)
    return (short.have,) if short.code.startswith("gpu") else (size(short.have), short.have >= least)


size, cores = lru_cache(VALUES)(rounding.size), lru_cache(VALUES)(rounding.cores)
