"""Which platforms a host offers to containers, from what ran there, what binfmt_misc says, and where the two disagree.

What ran is the truth, and binfmt_misc the explanation. A container has a root of its own, so that an emulator works
there only if the kernel holds it open (flag F of its entry) and it needs no other file (it is linked statically).
Nothing is run here: the outcomes of the programs of core/executables are given.
"""

from __future__ import annotations

from errno import EACCES, ENOENT, ENOEXEC, EPERM, ETIMEDOUT, errorcode
from typing import TYPE_CHECKING, NamedTuple

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from bactools.core import binfmt, executables, platforms
from bactools.core.records import Offer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bactools.core.binfmt import Entry
    from bactools.core.platforms import Platform
    from bactools.core.records import How


class Outcome(NamedTuple):
    """What became of a program that should exit with status 0.

    Of one that did not: ``errno`` why it could not be started (ETIMEDOUT: it did not end), or the ``signal`` that
    ended it; neither where it exited with another status, or where the engine does not tell. ``untried`` is why it
    did not come as far as that, which says nothing of its platform.
    """

    ran: bool
    errno: int | None = None
    signal: int | None = None
    untried: str = ""


class Refusal(NamedTuple):
    """Why a platform is not offered; ``via`` is the entry that takes it. ``open``: only a container can tell."""

    platform: str
    why: str
    via: str | UnsetType = UNSET
    open: bool = False

    def __str__(self) -> str:
        return f"{self.why}; {DEEP_HINT}" if self.open else self.why


class Emulation(NamedTuple):
    """What containers get, best known first, what keeps them from getting more, and what could not be proved."""

    offers: tuple[Offer, ...]
    refusals: tuple[Refusal, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """All that there is to say beside the offers."""
        return (*self.doubts, *map(str, self.refusals))

    def doubted(self, doubt: str) -> Emulation:
        """The same, with one more doubt."""
        return self._replace(doubts=(*self.doubts, doubt))


# What a kernel may run without an emulator beside its own architecture: its 32-bit half, or the 64-bit one of an engine
# that is a 32-bit program itself. containerd assumes the first two.
RELATIVES = {"amd64": "386", "arm64": "arm", "386": "amd64", "arm": "arm64"}

# qemu-arm's default CPU is the newest it knows: it runs v7 and, as every v7 does, what is older.
EMULATED_VARIANTS = {"arm": "v7"}
# The 32-bit state of arm64's CPUs is that of v8 (Arm ARM, AArch32).
NATIVE_VARIANTS = {"arm": "v8"}

DEEP_HINT = "bac-probe --deep finds out what containers run"
NO_TIME = "the time was up"
STATIC_HINT = "register a static one with flag F, for instance with package qemu-user-static"
WHY = {
    ENOENT: "its emulator, or a library that it needs, is not there",
    ENOEXEC: "the kernel has nothing that executes it",
    EACCES: "its emulator may not be executed",
    EPERM: "its emulator may not be executed",
    ETIMEDOUT: "it did not end in time",
}


def decide(
    own: Platform,
    entries: Iterable[Entry],
    outcomes: Mapping[str, Outcome] | None,
    interpreters: Mapping[str, bool | None],
) -> Emulation:
    """What a host of platform ``own`` offers: itself first, as native, then the others sorted.

    ``entries`` are the enabled ones of its binfmt_misc, newest first, and ``outcomes`` tell by architecture what became
    of the programs that were run; None where none could be. ``interpreters`` tells by its path whether an interpreter
    needs other files of the host, where that is known. Without an outcome an entry is believed, and not called proved.
    """
    seen, doubts = _credible(own, outcomes or {})
    offers = [_offer(str(own), "native", seen.get(own.architecture))]
    refusals: list[Refusal] = []
    taken = binfmt.takers(entries)
    for architecture in sorted({*taken, *seen} - {own.architecture}):
        entry, outcome = taken.get(architecture), seen.get(architecture)
        if entry is None:
            found = _unexplained(own, architecture, outcome)
        else:
            found = _emulated(architecture, entry, outcome, interpreters)
        if isinstance(found, Offer):
            offers.append(found)
        elif found:
            refusals.append(found)
    return Emulation(tuple(offers), tuple(refusals), tuple(doubts))


def _credible(own: Platform, outcomes: Mapping[str, Outcome]) -> tuple[Mapping[str, Outcome], list[str]]:
    """The outcomes that tell something, and doubts about the others.

    None tells anything if not even a program of the host's own platform ran: then something else is in the way.
    """
    seen = {architecture: outcome for architecture, outcome in outcomes.items() if not outcome.untried}
    mine = seen.get(own.architecture)
    if mine is not None and not mine.ran:
        trouble = f"a program for {own}, this host's own platform, did not run here: {reason(mine)}"
        return {}, [f"nothing is proved: {trouble}"]
    left: dict[str, list[str]] = {}
    for architecture, outcome in sorted(outcomes.items()):
        if outcome.untried:
            left.setdefault(outcome.untried, []).append(_found(own, architecture).platform)
    if left and not seen:
        return {}, [f"nothing is proved: no program could be run on this host: {'; '.join(left)}"]
    return seen, [f"not tried on this host: {', '.join(names)}: {why}" for why, names in left.items()]


def _unexplained(own: Platform, architecture: str, outcome: Outcome | None) -> Offer | Refusal | None:
    """What to make of an architecture without an entry."""
    if outcome is None or not outcome.ran:
        return None
    offer = _found(own, architecture)
    if offer.how == "compatible":
        return replace(offer, proved="host")
    why = f"programs for {offer.platform} run on this host, and binfmt_misc as seen from here has no entry for them"
    return Refusal(offer.platform, why, open=True)


def _emulated(
    architecture: str, entry: Entry, outcome: Outcome | None, interpreters: Mapping[str, bool | None]
) -> Offer | Refusal:
    """What to make of an architecture that an entry takes."""
    platform = _named(architecture, EMULATED_VARIANTS)
    if outcome is not None and not outcome.ran:
        why = (
            f"binfmt_misc entry {entry.name} takes {platform}, and a program for it does not run on this host: "
            f"{reason(outcome)} ({entry.interpreter}); install that emulator again, or remove the entry"
        )
        return Refusal(platform, why, entry.name)
    trouble = f"containers cannot use the emulator of {platform}"
    if binfmt.FIX_BINARY not in entry.flags:
        why = f"{trouble}: binfmt_misc entry {entry.name} lacks flag F; register it again with flag F"
        return Refusal(platform, why, entry.name)
    if interpreters.get(entry.interpreter):
        # Flag F holds the file that was there at the registration, which may have been another one.
        now = f"that one is dynamically linked (binfmt_misc entry {entry.name}); {STATIC_HINT}"
        why = f"{trouble} if it is the file that is now at {entry.interpreter}: {now}"
        return Refusal(platform, why, entry.name, open=True)
    return _offer(platform, "emulated", outcome, entry.name)


def candidates(own: Platform, found: Emulation) -> tuple[str, ...]:
    """The platforms to try in an engine of platform ``own``: those offered, those refused, then every other one."""
    named = dict.fromkeys([*(it.platform for it in found.offers), *(it.platform for it in found.refusals)])
    known = {platforms.parse(platform).architecture for platform in named}
    others = (name for name in executables.ARCHITECTURES if name not in known)
    return (*named, *(_found(own, architecture).platform for architecture in others))


def confirm(own: Platform, found: Emulation, outcomes: Mapping[str, Outcome]) -> Emulation:
    """What an engine of platform ``own`` offers, after a program of each platform was run in a container.

    What ran is offered, also where the host alone did not tell, or spoke against it; what did not is taken out. An
    offer without an outcome, or that could not be tried, stays as it was.
    """
    if outcomes and not any(outcome.ran for outcome in outcomes.values()):
        why = "; ".join(sorted({reason(outcome) for outcome in outcomes.values()}))
        return found.doubted(f"nothing is proved: no program ran in a container of the engine: {why}")
    kept: list[Offer] = []
    refusals: list[Refusal] = []
    # A container tells more than the host did, unless some platform could not be tried in one.
    doubts = [*found.doubts] if any(outcome.untried for outcome in outcomes.values()) or not outcomes else []
    for offer in found.offers:
        outcome = outcomes.get(offer.platform)
        if outcome is None or outcome.untried:
            kept.append(offer)
            why = reason(outcome) if outcome else NO_TIME
            doubts.append(f"{offer.platform} was not tried in a container of the engine: {why}")
        elif outcome.ran:
            kept.append(replace(offer, proved="container"))
        else:
            refusals.append(Refusal(offer.platform, _refuted(offer, outcome), offer.via))
    offers = (*kept, *_discovered(own, found, outcomes))
    return Emulation(offers, (*_standing(found.refusals, outcomes), *refusals), tuple(doubts))


def _standing(refusals: Iterable[Refusal], outcomes: Mapping[str, Outcome]) -> list[Refusal]:
    """The refusals that no container has disproved, without a doubt where one has confirmed them."""
    told = {platform: outcome for platform, outcome in outcomes.items() if not outcome.untried}
    left = (it for it in refusals if it.platform not in told or not told[it.platform].ran)
    return [it._replace(open=it.open and it.platform not in told) for it in left]


def _discovered(own: Platform, found: Emulation, outcomes: Mapping[str, Outcome]) -> list[Offer]:
    """What ran in a container and was not offered, sorted; by the entry that takes it, if one is known."""
    offered = {offer.platform for offer in found.offers}
    entries = {refusal.platform: refusal.via for refusal in found.refusals if refusal.via}
    ran = sorted(platform for platform, outcome in outcomes.items() if outcome.ran and platform not in offered)
    bare = ((platform, _found(own, platforms.parse(platform).architecture)) for platform in ran)
    return [
        Offer(platform, "emulated", entries[platform], "container")
        if platform in entries
        else replace(offer, platform=platform, proved="container")
        for platform, offer in bare
    ]


def _refuted(offer: Offer, outcome: Outcome) -> str:
    who = f"binfmt_misc entry {offer.via} takes" if offer.via else "this host runs"
    return (
        f"{who} {offer.platform}, and a program for it does not run in a container of the engine: {reason(outcome)}; "
        "it is not offered"
    )


def reason(outcome: Outcome) -> str:
    """Why a program did not run, for people."""
    if outcome.untried:
        return outcome.untried
    if outcome.signal is not None:
        return f"signal {outcome.signal} ended it"
    if outcome.errno is not None:
        return WHY.get(outcome.errno, f"error {errorcode.get(outcome.errno, outcome.errno)}")
    return "it did not start, or did not exit with status 0"


def _found(own: Platform, architecture: str) -> Offer:
    """The offer of an architecture of which nothing is known but that it ran."""
    if architecture == own.architecture:
        return Offer(str(own), "native")
    if RELATIVES.get(own.architecture) == architecture:
        return Offer(_named(architecture, NATIVE_VARIANTS), "compatible")
    return Offer(_named(architecture, EMULATED_VARIANTS), "emulated")


def _named(architecture: str, variants: Mapping[str, str]) -> str:
    return str(platforms.Platform("linux", architecture, variants.get(architecture, "")))


def _offer(platform: str, how: How, outcome: Outcome | None, via: str | UnsetType = UNSET) -> Offer:
    return Offer(platform, how, via, UNSET if outcome is None else "host")
