"""Moments in which the signals that stop a process have to wait."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

STOPPING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
"""What a process is told to stop by."""
INTERRUPTING = STOPPING | {signal.SIGALRM}
"""What raises in the middle of whatever is being done; see ``alarm`` for the last."""


@contextmanager
def held(numbers: frozenset[signal.Signals] = INTERRUPTING) -> Iterator[None]:
    """None of these signals in between; one that comes meanwhile is heard on leaving.

    That holds for this thread: any other one must hold them back, too, or is handed them instead. A thread or process
    that is started inside goes on holding them.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        # One that came just before is raised here, with all of them blocked.
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
