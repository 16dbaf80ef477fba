"""What a job prints, shown while it runs: bytes as they come, or whole lines that say whose they are."""

from __future__ import annotations

import os
import select

LONGEST_LINE = 64 * 1024
"""Bytes of a line that are kept until its end is known; a longer one is shown in pieces."""


class Shown:
    """One stream of a job on a descriptor of ours; with a ``prefix`` in whole lines, each behind it.

    Of several jobs that show their lines in one place, each line comes in one piece.
    """

    def __init__(self, descriptor: int, prefix: bytes = b"") -> None:
        self._descriptor = descriptor
        self._prefix = prefix
        self._begun = b""

    def show(self, data: bytes) -> None:
        """Show a piece. Raises OSError."""
        if not self._prefix:
            write_all(self._descriptor, data)
            return
        *lines, self._begun = (self._begun + data).split(b"\n")
        while len(self._begun) > LONGEST_LINE:
            lines.append(self._begun[:LONGEST_LINE])
            self._begun = self._begun[LONGEST_LINE:]
        self._lines(lines)

    def finish(self) -> None:
        """Show the line that never came to its end. Raises OSError."""
        if self._begun:
            self._lines([self._begun])
            self._begun = b""

    def _lines(self, lines: list[bytes]) -> None:
        if lines:
            write_all(self._descriptor, b"".join(self._prefix + line + b"\n" for line in lines))


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it, also where somebody has made the descriptor non-blocking. Raises OSError."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
