"""Processes of our own that do one order after another: forked, so that all that is loaded stays loaded, and collected.

Each gives one answer to each order, and ends when there are no more to come. The kernel kills it when the process that
started it dies, however that dies. No thread may be running in the one that forks.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from contextlib import closing, suppress
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from bactools.core.errors import BacError
from bactools.edges import lifeline, messages, signals
from bactools.edges.signals import STOPPING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable, Iterator
    from types import FrameType

    from bactools.edges.lifeline import Forked

    Work = Callable[[Iterator[bytes]], Generator[bytes, None, None]]
    Stop = Callable[[int, FrameType | None], NoReturn]

FAULT = b"!"
"""The start of what is no answer: no record begins with it."""


class Worker(NamedTuple):
    """A process, and our end of the socket on which it gets orders and answers them."""

    process: int
    end: socket.socket


def start(work: Work, stop: Stop) -> Worker:
    """A process in which ``work`` gets orders and gives an answer to each, and ``stop`` handles what signals stop it.

    Raises BacError ``engine_failed`` where there can be no process more.
    """
    with signals.held(STOPPING):
        try:
            forked = lifeline.fork()
        except OSError as error:
            raise BacError("engine_failed", f"starting a process for the job: {error.strerror}") from error
        if forked.process == 0:
            _become(work, forked, stop)
    return Worker(forked.process, forked.end)


def give(worker: Worker, order: bytes) -> bool:
    """Whether a worker that waits for its next order could be given it: it may have been killed meanwhile."""
    try:
        messages.send(worker.end, order)
    except OSError:
        return False
    return True


def ready(workers: Iterable[Worker], other: int | None = None) -> tuple[list[Worker], bool]:
    """Wait until a worker has answered, or there is something to read from ``other``: who has, and whether there is."""
    by_descriptor = {worker.end.fileno(): worker for worker in workers}
    poll = select.poll()
    for descriptor in (*by_descriptor, *(() if other is None else (other,))):
        poll.register(descriptor, select.POLLIN)
    found = [descriptor for descriptor, _ in poll.poll()]
    return [by_descriptor[each] for each in found if each in by_descriptor], other in found


def collect(worker: Worker) -> bytes:
    """What a worker has answered; nothing where a signal stopped it before it could.

    Raises BacError ``engine_failed`` for one that was killed, RuntimeError for a fault of ``work``. One that has not
    answered is gone then.
    """
    message = messages.receive(worker.end)
    if message and not message.data.startswith(FAULT):
        return message.data
    status = _gone(worker)
    if message:
        raise RuntimeError(message.data.removeprefix(FAULT).decode("utf-8", "replace"))
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        what = f"{signal.strsignal(number)}, signal {number}"
        raise BacError("engine_failed", f"the process that ran the job was killed ({what})")
    return b""


def end(workers: Collection[Worker]) -> None:
    """Let workers go that wait for an order, and wait until they have gone."""
    for worker in workers:
        with suppress(OSError):
            worker.end.shutdown(socket.SHUT_WR)  # to close it would not be heard: workers that came later have it, too
    for worker in workers:
        _gone(worker)


def kill(worker: Worker, number: int = signal.SIGKILL) -> None:
    """Send a worker a signal; one that has ended hears nothing."""
    with suppress(ProcessLookupError):
        os.kill(worker.process, number)


def _listen(stop: Stop) -> None:
    for number in STOPPING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


def _gone(worker: Worker) -> int:
    """Wait for the end of a worker, and tell its status as waitpid(2) has it."""
    worker.end.close()
    return os.waitpid(worker.process, 0)[1]


def _become(work: Work, forked: Forked, stop: Stop) -> NoReturn:
    """The worker's whole life."""
    try:
        if lifeline.dies_with(forked.parent):
            _listen(stop)
            _serve(work, forked.end)
    except KeyboardInterrupt:
        pass  # that there is no answer tells it
    finally:
        fault = sys.exc_info()[1]
        try:
            if fault is not None:
                what = f"{type(fault).__name__}: {fault}"[:1000]
                messages.send(forked.end, FAULT + what.encode("utf-8", "backslashreplace"))
        finally:
            os._exit(0)


def _serve(work: Work, end: socket.socket) -> None:
    orders = (message.data for message in iter(lambda: messages.receive(end), None))
    with closing(work(orders)) as answers:
        for answer in answers:
            with signals.held(STOPPING):
                messages.send(end, answer)
