"""Work that a second process does at the same time: forked, so that it knows what this one knows, and always ended.

The kernel ends it when this process dies, however it dies. What it cannot finish it says nothing about.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from bactools.edges import lifeline, signals
from bactools.edges.signals import STOPPING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from typing_extensions import Self

    from bactools.edges.lifeline import Forked


def is_worthwhile() -> bool:
    """Whether a second process would run beside this one, and not in turn with it."""
    return len(os.sched_getaffinity(0)) > 1


class Beside:
    """Does ``work`` in a process of its own, between entering and leaving; it gives its answers one by one."""

    def __init__(self, work: Callable[[], Iterable[bytes]]) -> None:
        self._work = work
        self._forked: Forked | None = None

    def __enter__(self) -> Self:
        with signals.held(STOPPING):
            with suppress(OSError):  # without a process there is no answer, and whoever asked does the work
                self._forked = lifeline.fork()
            if self._forked and self._forked.process == 0:
                self._become(self._forked)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        if self._forked:
            self._forked.end.close()
            os.kill(self._forked.process, signal.SIGKILL)
            os.waitpid(self._forked.process, 0)

    def answer(self) -> bytes | None:
        """What the work gives next, once it does; None if there is nothing more, or it did not end well."""
        from bactools.edges import messages

        found = messages.receive(self._forked.end) if self._forked else None
        return None if found is None else found.data

    def _become(self, forked: Forked) -> NoReturn:
        from bactools.edges import messages

        try:
            if lifeline.dies_with(forked.parent):
                for number in STOPPING:
                    signal.signal(number, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
                for data in self._work():
                    messages.send(forked.end, data)
        finally:
            os._exit(0)
