"""Hold a job against every node of a fleet: the fits best first, and the reasons of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Raw

from bactools.core import lines, match
from bactools.core.errors import BacError
from bactools.core.reasons import Tally
from bactools.core.records import Match, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bactools.core.needs import Need
    from bactools.edges.fleet_files import Fleet, Place


class Fit(NamedTuple):
    """A node that fits, ordered best first: how, preferences met, what is free, and where it stood."""

    how: int
    favours: int
    cpu: float
    memory: float
    place: Place
    choice: match.Choice


class Survey(NamedTuple):
    """What came of one job: the fits in order, the misfits by place (when asked for), and the count."""

    fits: list[Fit]
    misfits: list[Place]
    tally: Tally


def survey(need: Need, fleet: Fleet, *, keep_misfits: bool) -> Survey:
    """Decide on every node; only places are kept, so memory grows by the nodes, not by their size.

    Of several lines with one id the one with the latest ``probed`` counts, or the last. A line that is no valid
    node is left out and remembered by the fleet.

    The order is total: native, compatible, assumed, emulated; then more of the job's ``favour_`` preferences; then
    more free CPU; then more free memory; then the order in which the nodes came.
    """
    found, older = surveyed(need, fleet, keep_misfits=keep_misfits)
    if older:
        fleet.supersede(older)
        found, _ = surveyed(need, fleet, keep_misfits=keep_misfits)
    found.fits.sort()
    return found


def surveyed(need: Need, fleet: Fleet, *, keep_misfits: bool) -> tuple[Survey, list[Place]]:
    """One pass over the nodes, and the places of those that another line supersedes."""
    found = Survey([], [], Tally())
    latest: dict[str, Place] = {}
    older: list[Place] = []
    for place, line in fleet.nodes():
        try:
            node = lines.decode(line, Node)
            verdict = match.decide(need, node)
        except BacError as error:
            error.message = f"{line.where}: {error.message}"
            fleet.fail(place, error)
            continue
        if node.id in latest:
            older.append(outdated(latest, node, place, fleet))
        latest.setdefault(node.id, place)
        found.tally.add(verdict.reasons)
        if verdict.ok and verdict.choice:
            found.fits.append(fit(need, node, place, verdict.choice))
        elif keep_misfits:
            found.misfits.append(place)
    return found, older


def outdated(latest: dict[str, Place], node: Node, place: Place, fleet: Fleet) -> Place:
    """Which of two lines about one node is to be left out; ``latest`` keeps the other."""
    known = latest[node.id]
    before = lines.decode(lines.read(fleet.read(known), "a node"), Node).probed or ""
    if (node.probed or "") < before:
        return place
    latest[node.id] = place
    return known


def fit(need: Need, node: Node, place: Place, choice: match.Choice) -> Fit:
    """The sort key of a node that fits: smaller is better."""
    cpu, memory = match.free(node, "cpu"), match.free(node, "memory")
    preferred = match.favours(need, node) if need.preferences else 0
    return Fit(match.HOW_ORDER.index(choice.how), -preferred, -(cpu or 0), -(memory or 0), place, choice)


def records(job: bytes, need: Need, fleet: Fleet, found: Survey) -> Iterator[Match]:
    """The match records of a survey: job and node in their own bytes."""
    for rank, item in enumerate(found.fits, 1):
        yield Match(
            ok=True,
            job=Raw(job),
            node=Raw(fleet.read(item.place)),
            platform=item.choice.platform,
            digest=item.choice.digest,
            how=item.choice.how,
            rank=rank,
        )
    for place in found.misfits:
        raw = fleet.read(place)
        verdict = match.decide(need, lines.decode(lines.read(raw, "a node"), Node))
        yield Match(ok=False, job=Raw(job), node=Raw(raw), reasons=list(verdict.reasons))
