"""Processes for guests: forked, watched, always ended.

Forking instead of starting a fresh interpreter saves the 100 ms that this would cost. The child sends a line when the
guest's time starts, then a report, through a pipe of its own; what the guest prints comes through two more. The end of
all three is the end of the guest. A child holds no other descriptor of ours but its end of a channel, through which it
is given the next order; so several threads may have guests at once, each with ``Guests`` of its own.
"""

from __future__ import annotations

import json
import os
import signal
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, NoReturn

from bactools.core.errors import BacError, signal_of
from bactools.core.running import Ending
from bactools.edges import lifeline, messages, signals
from bactools.edges.wasm_runtime import serving
from bactools.edges.wasm_runtime.listening import STARTED, Copier, Heard, Listener
from bactools.edges.wasm_runtime.serving import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bactools.core.running import Printing
    from bactools.edges.lifeline import Forked
    from bactools.edges.wasm_runtime.listening import Watch
    from bactools.edges.wasm_runtime.serving import Worker


class Pipe(NamedTuple):
    """Both ends; the writing one is to be closed here as soon as the child has its own."""

    reading: BinaryIO
    writing: BinaryIO


Pipes = tuple[Pipe, Pipe, Pipe]


class _Once(NamedTuple):
    """A worker that has all it needs, for one order that says nothing."""

    do: Callable[[Callable[[], None]], Ending]

    def load(self) -> None:
        """It is loaded."""

    def prepare(self) -> None:
        """It is ready."""

    def work(self, _data: bytes, started: Callable[[], None]) -> Ending:
        """Do it."""
        return self.do(started)


class Gone(NamedTuple):
    """How the child's process ended, as waitpid(2) tells it, and the CPU seconds that it used."""

    status: int
    cpu_seconds: float | None


def supervise(work: Callable[[Callable[[], None]], Ending], printing: Printing, watch: Watch) -> Ending:
    """Do ``work`` in a child of its own, as ``Guests.run`` has an order done."""
    with closing(Guests(_Once(work))) as guests:
        return guests.run(b"", printing, watch)


class Guests:
    """Guests one after another, each in a child: one whose guest has completed takes the next, any other is ended.

    ``worker`` does the orders in the child. For one thread, with which its child dies.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._idle: Forked | None = None

    def prepare(self) -> None:
        """Have a child load what it needs while something else is done here. Raises BacError ``engine_failed``."""
        if self._idle is None:
            with signals.held(signals.STOPPING):
                self._idle = self._forked(partial(serving.wait, self._worker))

    def run(self, order: bytes, printing: Printing, watch: Watch) -> Ending:
        """Have an order done for as long as ``watch`` lets it; what its guest prints goes to ``printing`` as it comes.

        SIGINT, SIGTERM and SIGHUP in this process, and a BacError of ``printing``, end the child and come back as the
        ending's ``interruption``. Raises the BacError that the work raised, and ``engine_failed``; whatever else
        ``printing`` raises, once the child is gone.
        """
        if self._idle is None:
            self._worker.load()  # here, so that every child from now on finds it loaded
        with _pipe() as report, _pipe() as stdout, _pipe() as stderr:
            pipes = (report, stdout, stderr)
            copier = Copier({stdout.reading.fileno(): "stdout", stderr.reading.fileno(): "stderr"}, printing)
            child, interruption, heard, told = None, None, Heard(b""), None
            try:
                with signals.held(signals.STOPPING):
                    child = self._called(order, pipes)
                    if child is None:
                        first = serving.Order(order, *_writing(pipes))
                        child = self._forked(partial(serving.serve, self._worker, first))
                _close_writing(pipes)
                heard = Listener(report.reading.fileno(), copier, watch).listen()
                told = _told(heard)
            except (KeyboardInterrupt, BacError) as error:
                if child is None:
                    raise
                interruption = error
            finally:
                gone = self._released(child, told)
            _close_writing(pipes)
            copier.drain()
        if interruption is not None:
            return _interrupted(interruption, gone)
        return _ending(heard, told, gone)

    def close(self) -> None:
        """End the child that waits for an order, if there is one."""
        idle, self._idle = self._idle, None
        _end(idle)

    def _called(self, order: bytes, pipes: Pipes) -> Forked | None:
        """The child that was waiting, at work on an order; None where there is none, or none any more."""
        child, self._idle = self._idle, None
        if child is None:
            return None
        try:
            messages.send(child.end, order, _writing(pipes))
        except OSError:  # somebody has killed it
            _end(child)
            return None
        return child

    def _forked(self, life: Callable[[Forked], NoReturn]) -> Forked:
        """A new child. Raises BacError ``engine_failed``."""
        try:
            forked = lifeline.fork()
        except OSError as error:
            raise _unstarted(error) from error
        if forked.process == 0:
            life(forked)
        return forked

    def _released(self, child: Forked | None, told: Report | None) -> Gone:
        """Let a child wait for another order, or end it."""
        if told is None or not told.leaves_more():
            return _end(child)
        self._idle = child
        return Gone(0, told.cpu_seconds)


@contextmanager
def _pipe() -> Iterator[Pipe]:
    try:
        reader, writer = os.pipe()
    except OSError as error:
        raise _unstarted(error) from error
    with os.fdopen(reader, "rb") as reading, os.fdopen(writer, "wb") as writing:
        yield Pipe(reading, writing)


def _unstarted(error: OSError) -> BacError:
    return BacError("engine_failed", f"starting a process for the module: {error.strerror}")


def _writing(pipes: Pipes) -> tuple[int, int, int]:
    report, stdout, stderr = pipes
    return report.writing.fileno(), stdout.writing.fileno(), stderr.writing.fileno()


def _close_writing(pipes: Pipes) -> None:
    for pipe in pipes:
        pipe.writing.close()


def _end(child: Forked | None) -> Gone:
    """Kill what may still run, and collect it. A child that has closed its pipe keeps its own status."""
    if child is None:
        return Gone(0, None)
    os.kill(child.process, signal.SIGKILL)
    child.end.close()
    _, status, used = os.wait4(child.process, 0)
    return Gone(status, round(used.ru_utime + used.ru_stime, 6))


def _interrupted(interruption: KeyboardInterrupt | BacError, gone: Gone) -> Ending:
    if isinstance(interruption, BacError):
        return Ending("failed", None, interruption.message, interruption, cpu_seconds=gone.cpu_seconds)
    name = signal.Signals(signal_of(interruption)).name
    return Ending("cancelled", None, f"stopped by {name}", interruption, cpu_seconds=gone.cpu_seconds)


def _told(heard: Heard) -> Report | None:
    """The report of a guest that came to its own end, if there is one."""
    told = heard.data.rpartition(STARTED)[2]
    return Report(*json.loads(told)) if told and heard.cut is None else None


def _ending(heard: Heard, report: Report | None, gone: Gone) -> Ending:
    before = heard.data.rpartition(STARTED)[0]
    used = None if gone.cpu_seconds is None else round(max(0.0, gone.cpu_seconds - float(before or 0)), 6)
    if heard.cut is not None:
        return heard.cut._replace(cpu_seconds=used)
    if report is None:
        number = os.WTERMSIG(gone.status)
        why = f"its process was killed by signal {number} ({signal.strsignal(number)})"
        return Ending("failed", None, why, cpu_seconds=used)
    if report.error is not None:
        raise BacError(report.error, report.message or "", hint=report.hint)
    return Ending(report.status, report.exit_code, report.message, cpu_seconds=used, peak_memory=report.peak_memory)
