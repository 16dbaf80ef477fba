"""A process of its own for one guest: forked, watched, always ended.

Forking instead of starting a fresh interpreter saves the 100 ms that this would cost. The child sends
one byte when the guest's time starts, then a report, through a pipe of its own; what the guest prints comes
through two more. The end of all three is the end of the child.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple, NoReturn

import msgspec

from bactools.core.errors import BacError, Terminated
from bactools.core.running import Ended, Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Work = Callable[[Callable[[], None]], Ending]
    Write = Callable[["Stream", bytes], None]

Stream = Literal["stdout", "stderr"]

STARTED = b"\n"  # no report begins with it
REPORT_LIMIT = 65536
PIECE = 65536  # bytes read at once: all that a pipe of Linux holds
LONGEST_POLL = 3600.0  # seconds; poll(2) counts milliseconds in 31 bits
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Report(msgspec.Struct, omit_defaults=True):
    """What the child sends: an ending, or a BacError whose code is ``error``."""

    status: Ended = "failed"
    exit_code: int | None = None
    message: str | None = None
    peak_memory: int | None = None
    error: str | None = None
    hint: str | None = None


class Heard(NamedTuple):
    """What came through the pipe of the report, and whether the deadline passed before its end."""

    data: bytes
    late: bool


class Pipe(NamedTuple):
    """Both ends; the writing one is to be closed here as soon as the child has its own."""

    reading: BinaryIO
    writing: BinaryIO


class Copier:
    """Hands on what comes through the pipes of the guest's streams, by the descriptors of their reading ends."""

    def __init__(self, streams: Mapping[int, Stream], write: Write) -> None:
        self.streams = streams
        self._write = write
        self._in_hand = False

    def copy(self, descriptor: int) -> bytes:
        """One piece, handed on; empty at the end of the stream. Raises as ``write``."""
        self._in_hand = True
        data = os.read(descriptor, PIECE)
        if data:
            self._write(self.streams[descriptor], data)
        self._in_hand = False
        return data

    def drain(self) -> None:
        """What a child that is no more has left in its pipes; that it cannot be kept is no news of a run cut short.

        A piece that an exception took out of our hands would be missing in the middle: then nothing follows it.
        """
        with suppress(BacError, BrokenPipeError):
            for descriptor in self.streams:
                while not self._in_hand and self.copy(descriptor):
                    pass


class Gone(NamedTuple):
    """How the child's process ended, as waitpid(2) tells it, and the CPU seconds that it used."""

    status: int
    cpu_seconds: float | None


def supervise(work: Work, write: Write, timeout: float | None) -> Ending:
    """Do ``work`` in a child for ``timeout`` seconds, and hand what it prints to ``write`` as it comes.

    ``work`` is given a function to call when the time starts to count. SIGINT, SIGTERM and SIGHUP in this
    process, and a BacError of ``write``, end the child and come back as the ending's ``interruption``. Raises
    the BacError that ``work`` raised, and ``engine_failed``; whatever else ``write`` raises, once the child is gone.
    """
    with _pipe() as report, _pipe() as stdout, _pipe() as stderr:
        pipes = (report, stdout, stderr)
        copier = Copier({stdout.reading.fileno(): "stdout", stderr.reading.fileno(): "stderr"}, write)
        parent = os.getpid()
        child, interruption, heard = None, None, Heard(b"", late=False)
        try:
            with _signals_held():
                child = _fork()
                if child == 0:
                    _become(work, parent, pipes)
            _close_writing(pipes)
            heard = _listen(report.reading.fileno(), copier, timeout)
        except (KeyboardInterrupt, Terminated, BacError) as error:
            if child is None:
                raise
            interruption = error
        finally:
            gone = _end(child)
        _close_writing(pipes)
        copier.drain()
    if interruption is not None:
        return _interrupted(interruption, gone)
    return _ending(heard, gone, timeout)


@contextmanager
def _pipe() -> Iterator[Pipe]:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as reading, os.fdopen(writer, "wb") as writing:
        yield Pipe(reading, writing)


def _close_writing(pipes: tuple[Pipe, ...]) -> None:
    for pipe in pipes:
        pipe.writing.close()


@contextmanager
def _signals_held() -> Iterator[None]:
    """No signal between a fork and knowing the child's number; one that comes is raised on leaving."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _fork() -> int:
    try:
        return os.fork()
    except OSError as error:
        raise BacError("engine_failed", f"starting a process for the module: {error.strerror}") from error


def _become(work: Work, parent: int, pipes: tuple[Pipe, Pipe, Pipe]) -> NoReturn:
    """The child's whole life. The signals held by the parent stay held: it hears SIGKILL alone.

    So a signal to the whole group ends a run in one way only, by the parent.
    """
    report = Report(error="engine_failed", message="the module's process did not say why it ended")
    sending = pipes[0].writing.fileno()
    try:
        _detach(parent, pipes)
        report = _report(work, sending)
    finally:
        fault = sys.exc_info()[1]
        if fault is not None:
            report.message = f"running the module: {type(fault).__name__}: {fault}"[:1000]
        try:
            os.write(sending, msgspec.json.encode(report))
        finally:
            os._exit(0)


def _detach(parent: int, pipes: tuple[Pipe, Pipe, Pipe]) -> None:
    """Standard streams of its own, and SIGKILL from the kernel when the parent dies, however it dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for target, pipe in enumerate(pipes):
        pipe.reading.close()
        if target:
            os.dup2(pipe.writing.fileno(), target)


def _report(work: Work, pipe: int) -> Report:
    def started() -> None:
        os.write(pipe, STARTED)

    try:
        ending = work(started)
    except BacError as error:
        return Report(error=error.code, message=error.message, hint=error.hint)
    return Report(ending.status, ending.exit_code, ending.message, ending.peak_memory)


def _listen(report: int, copier: Copier, timeout: float | None) -> Heard:
    """Read to the end of all pipes, or until ``timeout`` seconds after the first byte of the report's."""
    poll = select.poll()
    unfinished = {report, *copier.streams}
    for descriptor in unfinished:
        poll.register(descriptor, select.POLLIN)
    data, deadline = b"", None
    while unfinished and len(data) <= REPORT_LIMIT:
        left = LONGEST_POLL if deadline is None else min(deadline - time.monotonic(), LONGEST_POLL)
        if left <= 0:
            return Heard(data, late=True)
        for descriptor, _ in poll.poll(left * 1000):
            received = os.read(report, REPORT_LIMIT) if descriptor == report else copier.copy(descriptor)
            if not received:
                poll.unregister(descriptor)
                unfinished.remove(descriptor)
            elif descriptor == report:
                data += received
        if data and timeout is not None and deadline is None:
            deadline = time.monotonic() + timeout
    return Heard(data, late=False)


def _end(child: int | None) -> Gone:
    """Kill what may still run, and collect it. A child that has closed its pipe keeps its own status."""
    if child is None:
        return Gone(0, None)
    os.kill(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    return Gone(status, round(used.ru_utime + used.ru_stime, 6))


def _interrupted(interruption: KeyboardInterrupt | Terminated | BacError, gone: Gone) -> Ending:
    if isinstance(interruption, BacError):
        return Ending("failed", None, interruption.message, interruption, cpu_seconds=gone.cpu_seconds)
    number = interruption.signal_number if isinstance(interruption, Terminated) else signal.SIGINT
    name = signal.Signals(number).name
    return Ending("cancelled", None, f"stopped by {name}", interruption, cpu_seconds=gone.cpu_seconds)


def _ending(heard: Heard, gone: Gone, timeout: float | None) -> Ending:
    if heard.late:
        return Ending(
            "timeout", None, f"stopped after its timeout of {timeout:g} seconds", cpu_seconds=gone.cpu_seconds
        )
    if not heard.data.strip():
        number = os.WTERMSIG(gone.status)
        why = f"its process was killed by signal {number} ({signal.strsignal(number)})"
        return Ending("failed", None, why, cpu_seconds=gone.cpu_seconds)
    report = msgspec.json.decode(heard.data, type=Report)
    if report.error is not None:
        raise BacError(report.error, report.message or "", hint=report.hint)
    return Ending(
        report.status,
        report.exit_code,
        report.message,
        cpu_seconds=gone.cpu_seconds,
        peak_memory=report.peak_memory,
    )
