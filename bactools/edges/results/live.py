"""What a job prints, shown while it runs: bytes as they come, or whole lines that say whose they are.

Nobody is waited for here who reads slowly or not at all (but for a moment, at the end), or that would hold up what
ends the job: a reader takes what it can at once, and whoever has the time to wait asks again.
"""

from __future__ import annotations

import os
import select
import stat
import time
from contextlib import nullcontext, suppress

from bactools.edges import signals

LONGEST_LINE = 64 * 1024
"""Bytes of a line that are kept until its end is known; a longer one is shown in pieces."""

BEHIND = 128 * 1024
"""Bytes that a job may print beyond what its reader takes: twice what an executor reads before it waits for that."""

LAST = 2.0
"""Seconds that a reader who has kept up may take for a line that never came to its end."""


class Reader:
    """Whoever reads along at a descriptor of ours. With ``lines``, what others show there comes between lines.

    One who stays too far behind is shown nothing more, rather than something with a gap in it.
    """

    def __init__(self, descriptor: int, *, lines: bool = False) -> None:
        self._ours = _reopened(descriptor)
        self.descriptor = descriptor if self._ours is None else self._ours
        self._lines = lines
        # A pipe takes so many bytes whole or not at all, and has room for them where it can be written to.
        self._whole = select.PIPE_BUF if lines or (self._ours is None and not _is_file(descriptor)) else None
        self._left = bytearray()
        self._owed = 0
        self._gone = False

    def take(self, shown: bytes, printed: int) -> None:
        """What is to be shown for so many bytes that the job has printed."""
        if self._owed > BEHIND:
            self._gone = True
            self._left.clear()
        if not self._gone:
            self._left += shown
            self._owed += printed

    def offer(self) -> bool:
        """Show what the reader takes now; whether that was all. Raises OSError."""
        # What waits in spite of all, with others writing to the same place, must hear signals.
        with nullcontext() if self._ours is None else signals.held():
            while self._left:
                if self._ours is None and not _takes(self.descriptor, 0):
                    return False
                try:
                    written = os.write(self.descriptor, self._next())
                except BlockingIOError:
                    return False
                del self._left[:written]
        self._owed = 0
        return True

    def _next(self) -> bytearray:
        if self._whole is None or len(self._left) <= self._whole:
            return self._left
        end = self._left.rfind(b"\n", 0, self._whole) + 1 if self._lines else 0
        return self._left[: end or self._whole]

    def end(self) -> None:
        """Show the rest, and wait a little for one who has taken all that came before it."""
        until = time.monotonic() + (0 if self._owed else LAST)
        with suppress(OSError):
            while not self.offer() and time.monotonic() < until:
                _takes(self.descriptor, until - time.monotonic())
        self.close()

    def close(self) -> None:
        """Let go of what was opened for this reader."""
        if self._ours is not None:
            os.close(self._ours)
            self._ours = None


class Shown:
    """One stream of a job for its reader; with a ``prefix`` in whole lines, each behind it."""

    def __init__(self, reader: Reader, prefix: bytes = b"") -> None:
        self.reader = reader
        self._prefix = prefix
        self._begun = b""

    def take(self, data: bytes) -> None:
        """Have a piece shown."""
        if not self._prefix:
            self.reader.take(data, len(data))
            return
        *lines, self._begun = (self._begun + data).split(b"\n")
        while len(self._begun) > LONGEST_LINE:
            lines.append(self._begun[:LONGEST_LINE])
            self._begun = self._begun[LONGEST_LINE:]
        self.reader.take(b"".join(map(self._line, lines)), len(data))

    def finish(self) -> None:
        """Have the line shown that never came to its end."""
        if self._begun:
            self.reader.take(self._line(self._begun), 0)
            self._begun = b""

    def _line(self, line: bytes) -> bytes:
        return self._prefix + line + b"\n"


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it to a file. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _reopened(descriptor: int) -> int | None:
    """The same pipe or terminal without waiting for room; None for anything else, and where it cannot be had.

    A flag on the descriptor that we were given would be one for everybody who has it.
    """
    try:
        if not stat.S_ISFIFO(os.fstat(descriptor).st_mode) and not os.isatty(descriptor):
            return None
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        return os.open(f"/proc/self/fd/{descriptor}", flags)
    except OSError:
        return None


def _is_file(descriptor: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def _takes(descriptor: int, seconds: float) -> bool:
    """Whether a descriptor takes bytes, or fails at once, within so many seconds."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(max(0.0, seconds) * 1000))
