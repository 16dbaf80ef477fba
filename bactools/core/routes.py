"""How a platform runs on an engine: on which of its offers, natively or not, as far as the terms allow it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from msgspec import UNSET

from bactools.core import platforms
from bactools.core.needs import UNKNOWN

if TYPE_CHECKING:
    from bactools.core.needs import Wanted
    from bactools.core.records import How, Offer

HOW_ORDER: tuple[How, ...] = ("native", "compatible", "assumed", "emulated")
"""Best first: what is proved before what is assumed, and an emulator last for it is many times slower."""


class Terms(NamedTuple):
    """What is asked beside the job: ``capacity`` holds it against what a node has instead of what is free.

    Not ``emulated``: only what runs without an emulator. Not ``compatible``: nothing that an architecture or an
    ARM version runs for another one. Native alone is neither.
    """

    capacity: bool = False
    emulated: bool = True
    compatible: bool = True


TERMS = Terms()


class Choice(NamedTuple):
    """The platform that a node runs the job on; ``via`` names the emulator."""

    platform: str
    how: How
    via: str | None
    digest: str | None


class Route(NamedTuple):
    """How an engine runs a platform, ordered best first: the place in HOW_ORDER, and how far below the offer."""

    how: int
    place: int
    via: str | None


@lru_cache(maxsize=4096)
def choose(wanted: tuple[Wanted, ...], offers: tuple[Offer, ...], terms: Terms) -> Choice | None:
    """The best wanted platform that one of the offers runs; ties go to what the artifact lists first."""
    best: tuple[int, int] | None = None
    choice = None
    for item in wanted:
        way = route(item, offers, terms)
        if way and (best is None or way[:2] < best):
            best = way[:2]
            choice = Choice(str(item.platform), HOW_ORDER[way.how], way.via, item.digest)
    return choice


def route(item: Wanted, offers: tuple[Offer, ...], terms: Terms) -> Route | None:
    """How an engine runs a wanted platform: it must take it for what the label says, and run the program in it."""
    labelled = nearest(item.platform, offers, terms)
    if labelled is None or item.program is None:
        return labelled
    program = nearest(item.program, offers, terms)
    return program and max(labelled, program, key=lambda way: way[:2])


def nearest(platform: platforms.Platform, offers: tuple[Offer, ...], terms: Terms) -> Route | None:
    """The best of the offers that run a platform."""
    if UNKNOWN in platform[:2]:
        return None
    best: Route | None = None
    for offer in offers:
        host = platforms.parse(offer.platform)
        place = platforms.rank(host, platform, assume=offer.how == "assumed")
        if place is None:
            continue
        how = compatible(offer.how, platform, place)
        other = how == "assumed" and place > 0 and platform.architecture in ("386", "arm")
        if (how == "emulated" and not terms.emulated) or ((how == "compatible" or other) and not terms.compatible):
            continue
        way = Route(HOW_ORDER.index(how), place, None if offer.via is UNSET else offer.via)
        if best is None or way[:2] < best[:2]:
            best = way
    return best


def compatible(how: How, platform: platforms.Platform, place: int) -> How:
    """How an offer runs a platform that is ``place`` steps below it: an older 32-bit ARM is run compatibly."""
    return "compatible" if how == "native" and place and platform.architecture == "arm" else how
