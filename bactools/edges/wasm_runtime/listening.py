"""What a guest prints and what becomes of it, read as it comes: to the end, or until its time is over.

Knows pipes and clocks, and nothing of processes or of WebAssembly.
"""

from __future__ import annotations

import os
import select
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from bactools.core.errors import BacError
from bactools.core.running import Ending
from bactools.edges import signals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bactools.core.running import Deadline, Printing, Stream

STARTED = b"\n"  # ends the line that tells the CPU seconds until then; there is none in a report
REPORT_LIMIT = 65536
TICK = 1.0  # seconds between two words about a guest that has not started
PIECE = 65536  # bytes read at once: all that a pipe of Linux holds
LONGEST_POLL = 3600.0  # seconds; poll(2) counts milliseconds in 31 bits


class Watch(NamedTuple):
    """When to end a guest: ``timeout`` seconds after its start, at the deadline, or once ``stop`` is readable.

    What comes before the start counts for neither. Meanwhile ``waiting`` is called with the seconds it has taken, and
    with None when it is over.
    """

    timeout: float | None = None
    deadline: Deadline | None = None
    stop: int | None = None
    waiting: Callable[[float | None], None] = lambda _: None


class Heard(NamedTuple):
    """What came through the pipe of the report, and the ending of a guest that was not let come to its own."""

    data: bytes
    cut: Ending | None = None


class Copier:
    """Hands on what comes through the pipes of the guest's streams, by the descriptors of their reading ends."""

    def __init__(self, streams: Mapping[int, Stream], printing: Printing) -> None:
        self.streams = streams
        self._printing = printing
        self._in_hand = False
        self._unshown = False

    def copy(self, descriptor: int) -> bytes:
        """One piece, handed on to be kept; empty at the end of the stream. Raises as ``printing``."""
        with signals.held():
            self._in_hand = True
            data = os.read(descriptor, PIECE)
            if data:
                self._printing.write(self.streams[descriptor], data)
                self._unshown = True
            self._in_hand = False
        return data

    def show(self) -> int | None:
        """As ``Printing.show``, where something has been kept since."""
        behind = self._printing.show() if self._unshown else None
        self._unshown = behind is not None
        return behind

    def drain(self) -> None:
        """What a child that is no more has left in its pipes; that it cannot be kept is no news of a run cut short.

        A piece that an exception took out of our hands would be missing in the middle: then nothing follows it.
        """
        with suppress(BacError, BrokenPipeError):
            for descriptor in self.streams:
                while not self._in_hand and self.copy(descriptor):
                    pass


class Listener:
    """Reads what comes from a child, to the end of all its pipes or until its time is over."""

    def __init__(self, report: int, copier: Copier, watch: Watch) -> None:
        self._report = report
        self._copier = copier
        self._watch = watch
        self._unfinished = {report, *copier.streams}
        self._data = b""
        self._begun = time.monotonic()
        self._told = False
        self._late: tuple[float, Ending] | None = None

    def listen(self) -> Heard:
        """Everything, each piece of output handed on as it came."""
        started = False
        while self._unfinished and len(self._data) <= REPORT_LIMIT:
            behind = self._copier.show()
            left = self._left(started=started)
            if self._late and left <= 0:
                return Heard(self._data, self._late[1])
            for descriptor in self._ready(behind, left):
                if descriptor == self._watch.stop:
                    return Heard(self._data, Ending("cancelled", None, "stopped by a signal to bac-exec"))
                if descriptor != behind:
                    self._receive(descriptor)
            if not started:
                started = STARTED in self._data
                self._wait(started=started)
        return Heard(self._data)

    def _ready(self, behind: int | None, seconds: float) -> list[int]:
        """Where there is something to do: nothing is read of what a guest prints while a reader of it is behind."""
        poll = select.poll()
        for descriptor in self._unfinished if behind is None else self._unfinished & {self._report}:
            poll.register(descriptor, select.POLLIN)
        if self._watch.stop is not None:
            poll.register(self._watch.stop, select.POLLIN)
        if behind is not None:
            poll.register(behind, select.POLLOUT)
        return [descriptor for descriptor, _ in poll.poll(seconds * 1000)]

    def _left(self, *, started: bool) -> float:
        """How long to wait for the next piece, in seconds."""
        most = LONGEST_POLL if started else TICK
        return min(self._late[0] - time.monotonic(), most) if self._late else most

    def _wait(self, *, started: bool) -> None:
        """Tell how long a guest takes to start, and once it has started, when it has to end."""
        now = time.monotonic()
        if started:
            self._late = _late(self._watch, self._begun, now)
        elif now - self._begun < TICK:
            return
        if self._told or not started:
            self._watch.waiting(None if started else now - self._begun)
        self._told = True

    def _receive(self, descriptor: int) -> None:
        if descriptor == self._report:
            received = os.read(descriptor, REPORT_LIMIT)
            self._data += received
        else:
            received = self._copier.copy(descriptor)
        if not received:
            self._unfinished.remove(descriptor)


def _late(watch: Watch, begun: float, started: float) -> tuple[float, Ending] | None:
    """When a guest has to end that has been made ready from ``begun`` on, and its ending then."""
    ends = []
    if watch.timeout is not None:
        ends.append((started + watch.timeout, f"stopped after its timeout of {watch.timeout:g} seconds"))
    if watch.deadline is not None:
        at = watch.deadline.at + started - begun
        ends.append((at, f"stopped after its total timeout of {watch.deadline.seconds:g} seconds"))
    if not ends:
        return None
    at, why = min(ends)
    return at, Ending("timeout", None, why)
