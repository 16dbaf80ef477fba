"""Work that a second process does at the same time: forked, so that it knows what this one knows, and always ended.

The kernel ends it when this process dies, however it dies. What it cannot finish it says nothing about.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, NoReturn

from bactools.edges.signals import STOPPING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

LENGTH = 8
"""Bytes of the length before an answer: one that is cut short is none."""


def is_worthwhile() -> bool:
    """Whether a second process would run beside this one, and not in turn with it."""
    return len(os.sched_getaffinity(0)) > 1


class Beside:
    """Does ``work`` in a process of its own, between entering and leaving."""

    def __init__(self, work: Callable[[], bytes]) -> None:
        self._work = work
        self._child = 0
        self._reading = -1

    def __enter__(self) -> Self:
        self._reading, writing = os.pipe()
        parent = os.getpid()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            self._child = os.fork()
            if self._child == 0:
                self._become(parent, writing, before)
        except OSError:
            # without a process there is no answer, and whoever asked does the work
            self._child = 0
        finally:
            os.close(writing)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        os.close(self._reading)
        if self._child:
            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)

    def answer(self) -> bytes | None:
        """What the work returned, once it has; None if it did not end well."""
        with open(self._reading, "rb", closefd=False) as stream:
            length = stream.read(LENGTH)
            data = stream.read()
        return data if length and len(data) == int.from_bytes(length, "little") else None

    def _become(self, parent: int, writing: int, mask: set[int | signal.Signals]) -> NoReturn:
        from bactools.edges.lifeline import dies_with

        try:
            if dies_with(parent):
                os.close(self._reading)
                for number in STOPPING:
                    signal.signal(number, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
                data = self._work()
                with open(writing, "wb", closefd=False) as stream:
                    stream.write(len(data).to_bytes(LENGTH, "little") + data)
        finally:
            os._exit(0)
