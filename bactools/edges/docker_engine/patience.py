"""How long to wait for a container or a pull: until a deadline, or until somebody asks to stop."""

from __future__ import annotations

import select
import time
from typing import NamedTuple

LONGEST_POLL = 3600.0
"""Seconds; poll(2) counts milliseconds in 31 bits."""


class Expired(Exception):  # noqa: N818 (a deadline is not an error)
    """The deadline passed."""


class Stopped(Exception):  # noqa: N818 (a wish is not an error)
    """Somebody asked to stop."""


class Patience(NamedTuple):
    """``deadline`` is a reading of ``time.monotonic``; ``stop`` a descriptor that becomes readable to ask for the end.

    Without either, waiting has no end.
    """

    deadline: float | None = None
    stop: int | None = None

    def left(self, most: float = LONGEST_POLL) -> float:
        """Seconds to the deadline, at most ``most``; 0 where it has passed."""
        return most if self.deadline is None else min(max(0.0, self.deadline - time.monotonic()), most)

    def check(self) -> None:
        """Raise Expired or Stopped if it is time to."""
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise Expired
        if self.stop is not None and _ready((self.stop,), 0):
            raise Stopped

    def await_readable(self, descriptor: int) -> None:
        """Return once something can be read there. Raises Expired and Stopped."""
        watched = (descriptor,) if self.stop is None else (descriptor, self.stop)
        while True:
            found = _ready(watched, self.left())
            if self.stop in found:
                raise Stopped
            if found:
                return
            self.check()


def _ready(descriptors: tuple[int, ...], seconds: float) -> set[int]:
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(seconds * 1000)}
