"""A process that does not outlive the one that forked it."""

from __future__ import annotations

import os
import signal

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def dies_with(parent: int) -> bool:
    """Have the kernel kill this process when ``parent`` dies, however it dies; whether that one still lives."""
    import ctypes  # here: the parent need not wait for it

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    return os.getppid() == parent
