"""A process of its own for one piece of work: forked, so that all that is loaded stays loaded, and always collected.

It sends one answer through a pipe and ends. The kernel kills it when the process that started it dies, however that
dies. No thread may be running in the one that forks.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from bactools.core.errors import BacError
from bactools.edges import signals
from bactools.edges.lifeline import dies_with
from bactools.edges.signals import STOPPING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType

    Work = Callable[[], bytes]
    Stop = Callable[[int, FrameType | None], NoReturn]

ANSWER_LIMIT = 16 * 1024 * 1024
"""Bytes."""
PIECE = 65536
FAULT = b"!"
"""The start of what is no answer: no record begins with it."""


class Worker(NamedTuple):
    """A process at work, and where its answer will come from."""

    process: int
    answer: int


def start(work: Work, stop: Stop) -> Worker:
    """Do ``work`` in a process of its own, in which ``stop`` handles the signals that stop it.

    Raises BacError ``engine_failed`` where there can be no process more.
    """
    reading, writing = os.pipe()
    parent = os.getpid()
    with signals.held(STOPPING):
        try:
            process = os.fork()
        except OSError as error:
            os.close(reading)
            os.close(writing)
            raise BacError("engine_failed", f"starting a process for the job: {error.strerror}") from error
        if process == 0:
            _become(work, writing, parent, stop)
    os.close(writing)
    return Worker(process, reading)


def ready(workers: Iterable[Worker], other: int | None = None) -> tuple[list[Worker], bool]:
    """Wait until a worker has answered, or there is something to read from ``other``: who has, and whether there is."""
    by_descriptor = {worker.answer: worker for worker in workers}
    poll = select.poll()
    for descriptor in (*by_descriptor, *(() if other is None else (other,))):
        poll.register(descriptor, select.POLLIN)
    found = [descriptor for descriptor, _ in poll.poll()]
    return [by_descriptor[each] for each in found if each in by_descriptor], other in found


def collect(worker: Worker) -> bytes:
    """The answer of a worker, which is gone then.

    Raises BacError ``engine_failed`` for one that was killed, ``too_large``; RuntimeError for a fault of ``work``.
    """
    answer = b""
    with os.fdopen(worker.answer, "rb", buffering=0) as stream:
        while (data := stream.read(PIECE)) and len(answer) <= ANSWER_LIMIT:
            answer += data
    if len(answer) > ANSWER_LIMIT:
        kill(worker)
    _, status = os.waitpid(worker.process, 0)
    if len(answer) > ANSWER_LIMIT:
        raise BacError("too_large", f"the record of a job is larger than {ANSWER_LIMIT} bytes")
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        what = f"{signal.strsignal(number)}, signal {number}"
        raise BacError("engine_failed", f"the process that ran the job was killed ({what})")
    if answer.startswith(FAULT):
        raise RuntimeError(answer.removeprefix(FAULT).decode("utf-8", "replace"))
    return answer


def kill(worker: Worker, number: int = signal.SIGKILL) -> None:
    """Send a worker a signal; one that has ended hears nothing."""
    with suppress(ProcessLookupError):
        os.kill(worker.process, number)


def _listen(stop: Stop) -> None:
    for number in STOPPING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


def _become(work: Work, writing: int, parent: int, stop: Stop) -> NoReturn:
    """The worker's whole life."""
    answer = FAULT
    try:
        if dies_with(parent):
            _listen(stop)
            answer = work()
    finally:
        fault = sys.exc_info()[1]
        if fault is not None:
            answer = FAULT + f"{type(fault).__name__}: {fault}"[:1000].encode("utf-8", "backslashreplace")
        try:
            view = memoryview(answer)
            while view:
                view = view[os.write(writing, view) :]
        finally:
            os._exit(0)
