"""Does one thing to many objects, several at once, under the eyes of a thread that a signal or a clock can still end.

The threads that talk to the server are not waited for once their work is in vain: nothing wakes one that a server
keeps waiting. So whoever works here touches the disk only while ``Going.stopped`` is not set.
"""

from __future__ import annotations

import time
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, TypeVar

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WORKERS = 8
GRACE = 3.0
"""Seconds for threads whose work is in vain to end what they do to the disk."""
PATIENCE = 300.0
"""Seconds within which a MiB has to come or go, or a request has to be answered."""
MIB = 1024 * 1024
LOOK = 0.2
"""Seconds between two looks at how far it has come, and whether one has failed."""

T = TypeVar("T")


class Going:
    """How far the threads of one ``each`` have come; ``stopped`` is set once what they do is in vain."""

    def __init__(self) -> None:
        self.stopped = Event()
        self._lock = Lock()
        self._moved = 0

    def moved(self, size: int = MIB) -> None:
        """Tell of bytes that came or went; an answer counts as a MiB."""
        with self._lock:
            self._moved += size

    @property
    def so_far(self) -> int:
        """Bytes that have come or gone."""
        return self._moved


def each(doing: str, items: Sequence[T], work: Callable[[T, Going], None]) -> None:
    """Do ``work`` to every item; ``doing`` says what that is.

    Raises what the first that failed has raised, and BacError ``timed_out`` where nothing moves any more.
    """
    going, source, lock = Going(), iter([(item,) for item in items]), Lock()
    failures: list[BaseException] = []

    def go_on() -> None:
        try:
            while not going.stopped.is_set():
                with lock:
                    found = next(source, None)
                if found is None:
                    return
                work(found[0], going)
                going.moved()
        except BaseException as error:  # noqa: BLE001 (raised again where it is waited for)
            failures.append(error)
            going.stopped.set()

    threads = [Thread(target=go_on, daemon=True) for _ in range(min(WORKERS, len(items)))]
    try:
        for thread in threads:
            thread.start()
        _watch(doing, going, threads)
    finally:
        going.stopped.set()
        _wind_up(threads)
    if failures:
        raise failures[0]


def alone(doing: str, work: Callable[[Going], T]) -> T:
    """As ``each``, for one piece of work that has a result."""
    found: list[T] = []
    each(doing, [None], lambda _, going: found.append(work(going)))
    return found[0]


def _watch(doing: str, going: Going, threads: Sequence[Thread]) -> None:
    """Wait until all is done or one has failed. Raises BacError ``timed_out``."""
    seen, since = 0, time.monotonic()
    for thread in threads:
        while thread.is_alive() and not going.stopped.is_set():
            thread.join(LOOK)
            if going.so_far - seen >= MIB:
                seen, since = going.so_far, time.monotonic()
            elif time.monotonic() - since >= PATIENCE:
                message = f"{doing}: the server let {PATIENCE:g} seconds pass without a MiB"
                raise BacError("timed_out", message, hint="Try again later.")


def _wind_up(threads: Sequence[Thread]) -> None:
    """Wait for those that are not waiting for the server themselves."""
    ends = time.monotonic() + GRACE
    for thread in threads:
        if thread.ident is not None:
            thread.join(max(0.0, ends - time.monotonic()))
