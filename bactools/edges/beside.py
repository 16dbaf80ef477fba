"""Work that a second process does at the same time: forked, so that it knows what this one knows, and always ended.

The kernel ends it when this process dies, however it dies. What it cannot finish it says nothing about.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, NoReturn

from bactools.edges.signals import STOPPING

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from typing_extensions import Self


def is_worthwhile() -> bool:
    """Whether a second process would run beside this one, and not in turn with it."""
    return len(os.sched_getaffinity(0)) > 1


class Beside:
    """Does ``work`` in a process of its own, between entering and leaving; it gives its answers one by one."""

    def __init__(self, work: Callable[[], Iterable[bytes]]) -> None:
        self._work = work
        self._child = 0
        self._end: socket.socket

    def __enter__(self) -> Self:
        import socket

        self._end, theirs = socket.socketpair()
        parent = os.getpid()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            self._child = os.fork()
            if self._child == 0:
                self._become(parent, theirs, before)
        except OSError:
            # without a process there is no answer, and whoever asked does the work
            self._child = 0
        finally:
            theirs.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._end.close()
        if self._child:
            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)

    def answer(self) -> bytes | None:
        """What the work gives next, once it does; None if there is nothing more, or it did not end well."""
        from bactools.edges import messages

        found = messages.receive(self._end)
        return None if found is None else found.data

    def _become(self, parent: int, end: socket.socket, mask: set[int | signal.Signals]) -> NoReturn:
        from bactools.edges import messages
        from bactools.edges.lifeline import dies_with

        try:
            if dies_with(parent):
                self._end.close()
                for number in STOPPING:
                    signal.signal(number, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
                for data in self._work():
                    messages.send(end, data)
        finally:
            os._exit(0)
