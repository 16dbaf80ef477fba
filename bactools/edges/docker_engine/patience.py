"""How long to wait for a container or a pull: until a deadline, or until somebody asks to stop."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        self._check_time()
        if self.stop is not None and _ready({self.stop: select.POLLIN}, 0):
            raise Stopped

    def _check_time(self) -> None:
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise Expired

    def await_readable(self, descriptor: int) -> None:
        """Return once something can be read there. Raises Expired and Stopped."""
        self._await(descriptor, select.POLLIN)

    def await_writable(self, descriptor: int) -> None:
        """Return once something can be written there, or that fails. Raises Expired and Stopped."""
        self._await(descriptor, select.POLLOUT)

    def _await(self, descriptor: int, event: int) -> None:
        watched = {descriptor: event} if self.stop is None else {descriptor: event, self.stop: select.POLLIN}
        while True:
            found = _ready(watched, self.left())
            if self.stop in found:
                raise Stopped
            self._check_time()  # also where there is always something to do
            if found:
                return


def _ready(watched: Mapping[int, int], seconds: float) -> set[int]:
    poll = select.poll()
    for descriptor, event in watched.items():
        poll.register(descriptor, event)
    return {descriptor for descriptor, _ in poll.poll(seconds * 1000)}
