"""The clock that ends what does not end by itself, such as a look at a file server that is gone."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


LONGEST = 1e8
"""Seconds, three years: the kernel's clock cannot be set to any time, and nobody waits for a later one."""


SHORTEST = 0.01
"""Seconds: a clock that rang while it is still being wound would be heard by nobody who knows what it means."""


class Rung(KeyboardInterrupt):
    """The time is up. As ``Terminated``, a KeyboardInterrupt: nothing that loads a module meanwhile drops it."""

    signal_number = signal.SIGALRM


@contextmanager
def limited(seconds: float, doing: str, hint: str) -> Iterator[None]:
    """Do what stands inside for no longer than that. Raises BacError ``timed_out``; for the main thread only."""
    try:
        with ringing(seconds):
            yield
    except Rung as error:
        raise BacError("timed_out", f"{doing} did not end within {seconds:g} seconds", hint=hint) from error


@contextmanager
def ringing(seconds: float | None) -> Iterator[None]:
    """Do what stands inside for no longer than that, None for as long as it takes; one such clock at a time.

    Raises Rung; for the main thread only.
    """
    if seconds is None:
        yield
        return
    if seconds <= 0:
        raise Rung
    armed = True

    def ring(_number: int, _frame: FrameType | None) -> None:
        # A process that has been told to stop hears no more signals (cli/boundary), and must clear up undisturbed.
        if armed and signal.getsignal(signal.SIGTERM) != signal.SIG_IGN:
            raise Rung

    before = signal.signal(signal.SIGALRM, ring)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, min(max(seconds, SHORTEST), LONGEST))
            yield
        finally:
            armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, before)
