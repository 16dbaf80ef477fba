"""Whose a proof in an engine is, as a label says it, and whether its owner has gone and left it behind.

A process that is killed cannot clear up; the next one does it, and must not take what a living one still uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

LABEL = "bactools.proof"
LONGEST = 3600
"""Seconds after which no proof is still going on, whoever made it."""
_FIELDS = 3


class Owner(NamedTuple):
    """The process that proves. ``place`` names the processes among which ``process`` is one; Unix time."""

    place: str
    process: int
    started: int

    def __str__(self) -> str:
        return f"{self.place}:{self.process}:{self.started}"


def is_left(label: str, mine: Owner, is_alive: Callable[[int], bool]) -> bool:
    """Whether what has this value of LABEL is nobody's any more; ``is_alive`` tells of processes of ``mine.place``."""
    place, *numbers = label.rsplit(":", _FIELDS - 1)
    if len(numbers) != _FIELDS - 1 or not all(number.isdecimal() and number.isascii() for number in numbers):
        return False
    process, started = map(int, numbers)
    return abs(mine.started - started) > LONGEST or (place == mine.place and not is_alive(process))
