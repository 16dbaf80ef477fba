"""Stopping in two steps: the first signal lets jobs be stopped and told of, a second Ctrl-C ends everything at once."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from bactools.cli.boundary import STOPPING, stop

if TYPE_CHECKING:
    from types import FrameType

APART = 0.25
"""Seconds: two signals nearer to each other are one, for timeout(1) and others send it to us and to our group."""


def in_two_steps() -> None:
    """Hear a second SIGINT too, where signals are handled by ``boundary.stop``."""
    for number in STOPPING:
        if signal.getsignal(number) is stop:
            signal.signal(number, first)


def first(number: int, frame: FrameType | None) -> None:
    """Unwind, with an open ear for SIGINT only."""
    heard = time.monotonic()
    wanted = signal.getsignal(signal.SIGINT) is first

    def second(_number: int, _frame: FrameType | None) -> None:
        if time.monotonic() - heard >= APART:
            # What we started dies with us: the kernel sees to it. A container is removed by the next run.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            os.kill(os.getpid(), signal.SIGINT)
            os._exit(128 + signal.SIGINT)  # the first process of a container is not killed by its own signals

    try:
        stop(number, frame)
    finally:
        if wanted:
            signal.signal(signal.SIGINT, second)
