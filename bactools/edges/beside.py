"""Work that a second process does at the same time: forked, so that it knows what this one knows, and always ended.

The kernel ends it when this process dies, however it dies. What it cannot finish it says nothing about.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, NoReturn

from bactools.edges.signals import STOPPING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from io import BufferedReader
    from types import TracebackType

    from typing_extensions import Self

LENGTH = 8
"""Bytes of the length before an answer: one that is cut short is none."""


def is_worthwhile() -> bool:
    """Whether a second process would run beside this one, and not in turn with it."""
    return len(os.sched_getaffinity(0)) > 1


class Beside:
    """Does ``work`` in a process of its own, between entering and leaving; it gives its answers one by one."""

    def __init__(self, work: Callable[[], Iterable[bytes]]) -> None:
        self._work = work
        self._child = 0
        self._answers: BufferedReader

    def __enter__(self) -> Self:
        reading, writing = os.pipe()
        self._answers = open(reading, "rb")  # noqa: PTH123 (closed on leaving)
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
        self._answers.close()
        if self._child:
            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)

    def answer(self) -> bytes | None:
        """What the work gives next, once it does; None if there is nothing more, or it did not end well."""
        header = self._answers.read(LENGTH)
        length = int.from_bytes(header, "little")
        data = self._answers.read(length)
        return data if len(header) == LENGTH and len(data) == length else None

    def _become(self, parent: int, writing: int, mask: set[int | signal.Signals]) -> NoReturn:
        from bactools.edges.lifeline import dies_with

        try:
            if dies_with(parent):
                self._answers.close()
                for number in STOPPING:
                    signal.signal(number, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
                with open(writing, "wb", closefd=False) as stream:
                    for data in self._work():
                        stream.write(len(data).to_bytes(LENGTH, "little") + data)
                        stream.flush()
        finally:
            os._exit(0)
