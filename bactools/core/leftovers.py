"""Whose something in an engine is, as a label says it, and whether its owner has gone and left it behind.

A process that is killed cannot clear up; the next one does it, and must not take what a living one still uses. A number
of a process is used again, so the time at which it was born belongs to its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

LABEL = "bactools.owner"
"""The label of what a run makes in an engine; its value is the Owner as text."""

PROOF = "bactools.proof"
"""The same for what bac-probe makes there to try a platform."""

RESULTS = "bactools.results"
"""The label with the folder of the owner's host where the results of a run are."""

FORSAKEN = 3600.0
"""Seconds after which what has stopped is nobody's, whoever made it: a living owner takes it away at once."""

_FIELDS = 3
_PLACE = 3


class Owner(NamedTuple):
    """A process. ``place`` names those among which ``process`` is one; ``born`` is in clock ticks since boot.

    A place is a machine, a start of it and a namespace of processes, with dots between; or it says less than that.
    """

    place: str
    process: int
    born: int

    def __str__(self) -> str:
        return f"{self.place}:{self.process}:{self.born}"


def parse(label: str) -> Owner | None:
    """The owner that a label names, if it names one."""
    place, *numbers = label.rsplit(":", _FIELDS - 1)
    if len(numbers) != _FIELDS - 1 or not all(number.isdecimal() and number.isascii() for number in numbers):
        return None
    return Owner(place, *map(int, numbers))


def has_gone(owner: Owner, place: str, born: Callable[[int], int | None]) -> bool | None:
    """Whether an owner is dead; None where that cannot be seen from ``place``.

    ``born`` tells when a process of this place was born, None if there is no such process.
    """
    return born(owner.process) != owner.born if owner.place == place else None


def has_restarted(owner: Owner, place: str) -> bool:
    """Whether the machine of ``place`` was the owner's before it was last started, so that the owner is dead.

    The id of a machine may have come with an image and be another's too: no reason to end what still runs.
    """
    then, now = owner.place.split("."), place.split(".")
    return len(then) == len(now) == _PLACE and then[0] == now[0] and then[1] != now[1]


def is_forsaken(stopped: float | None) -> bool:
    """Whether what stopped so many seconds ago (None: it runs) is left behind by an owner who cannot be seen."""
    return stopped is not None and stopped > FORSAKEN
