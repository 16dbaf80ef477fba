"""A process that is forked, with a socket between it and the one that forked it, which it does not outlive."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import socket

PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Forked(NamedTuple):
    """One side of a fork: the new process (0 in itself), this side's end of the socket, the process that forked."""

    process: int
    end: socket.socket
    parent: int


def fork() -> Forked:
    """Fork this process. Raises OSError where there can be no process more."""
    import socket

    ours, theirs = socket.socketpair()
    parent = os.getpid()
    try:
        process = os.fork()
    except OSError:
        ours.close()
        theirs.close()
        raise
    mine, other = (ours, theirs) if process else (theirs, ours)
    other.close()
    return Forked(process, mine, parent)


def dies_with(parent: int) -> bool:
    """Have the kernel kill this process when ``parent`` dies, however it dies; whether that one still lives."""
    import ctypes  # here: the parent need not wait for it

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    return os.getppid() == parent
