"""Why a node does not fit: one sentence for one node, one clause for many, from one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bactools.core.records import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

# code: (said of one node, said of several); {want} is filled in
PHRASES: dict[str, tuple[str, str]] = {
    "unschedulable": ("takes no jobs", "take no jobs"),
    "engine": ("has no {want} engine", "have no {want} engine"),
    "unknown_engines": ("does not say which engines it has", "do not say which engines they have"),
    "no_platform": ("has nothing to run: no platform is offered", "have nothing to run: no platform is offered"),
    "platform": ("does not run {want}", "do not run {want}"),
    "feature": ("lacks the WebAssembly feature {want}", "lack the WebAssembly feature {want}"),
    "import": ("does not provide the import {want}", "do not provide the import {want}"),
    "cpu": ("has fewer than {want} cores free", "have fewer than {want} cores free"),
    "memory": ("has less than {want} bytes of memory free", "have less than {want} bytes of memory free"),
    "disk": ("has less than {want} bytes of disk free", "have less than {want} bytes of disk free"),
    "gpu": ("has fewer than {want} GPUs free", "have fewer than {want} GPUs free"),
    "constraint": ("does not satisfy {want}", "do not satisfy {want}"),
    "source": ("has no {want} source", "have no {want} source"),
    "publisher": ("has no {want} publisher", "have no {want} publisher"),
}


def reason(code: str, want: Any = None, have: Any = None, remedy: str | None = None) -> Reason:
    """A reason whose message is made from the table."""
    return Reason(code=code, message=PHRASES[code][0].format(want=said(want)), want=want, have=have, remedy=remedy)


def said(value: Any) -> str:
    """A wanted value in a sentence: alternatives are joined by ``or``."""
    if isinstance(value, float):
        return f"{value:g}"
    return " or ".join(value) if isinstance(value, list) else str(value)


class Tally:
    """How many nodes were looked at, how many fit, and how often each reason was given."""

    def __init__(self) -> None:
        self.nodes = 0
        self.fits = 0
        self.counts: dict[tuple[str, str], int] = {}

    def add(self, reasons: Iterable[Reason]) -> None:
        """Count one node; no reasons means that it fits."""
        self.nodes += 1
        given = {(reason.code, said(reason.want)) for reason in reasons}
        self.fits += not given
        for key in given:
            self.counts[key] = self.counts.get(key, 0) + 1

    def sentence(self) -> str:
        """``0 of 12 nodes fit: 8 do not run linux/arm64, 4 have no docker engine``, most frequent first."""
        noun = "node fits" if self.nodes == 1 else "nodes fit"
        order = {code: position for position, code in enumerate(PHRASES)}
        ranked = sorted(self.counts.items(), key=lambda item: (-item[1], order[item[0][0]], item[0][1]))
        clauses = [f"{count} {PHRASES[code][count != 1].format(want=want)}" for (code, want), count in ranked]
        return f"{self.fits} of {self.nodes} {noun}: {', '.join(clauses)}"
