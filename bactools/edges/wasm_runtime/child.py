"""A process of its own for one guest: forked, watched, always ended.

Forking instead of starting a fresh interpreter saves the 100 ms that this would cost. The child sends
one byte when the guest's time starts, then a report, through a pipe whose end is the end of the child.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, NoReturn

import msgspec

from bactools.core.errors import BacError, Terminated
from bactools.core.running import Ended, Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Work = Callable[[Callable[[], None]], Ending]

STARTED = b"\n"  # no report begins with it
REPORT_LIMIT = 65536
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
    """What came through the pipe, and whether the deadline passed before its end."""

    data: bytes
    late: bool


class Gone(NamedTuple):
    """How the child's process ended, as waitpid(2) tells it, and the CPU seconds that it used."""

    status: int
    cpu_seconds: float | None


def supervise(work: Work, stdout: Path, stderr: Path, timeout: float | None) -> Ending:
    """Do ``work`` in a child whose standard output and error are these files, for ``timeout`` seconds.

    ``work`` is given a function to call when the time starts to count. SIGINT, SIGTERM and SIGHUP in this
    process end the child and come back as the ending's ``interruption``. Raises the BacError that
    ``work`` raised, ``unwritable_file`` for the two files, and ``engine_failed``.
    """
    with _pipe() as (receiving, sending), _output(stdout) as out, _output(stderr) as err:
        parent = os.getpid()
        child, interruption, heard = None, None, Heard(b"", late=False)
        try:
            with _signals_held():
                child = _fork()
                if child == 0:
                    _become(work, parent, (out, err), sending.fileno())
            sending.close()
            heard = _listen(receiving.fileno(), timeout)
        except (KeyboardInterrupt, Terminated) as error:
            interruption = error
        finally:
            gone = _end(child)
    if interruption is not None:
        return _cancelled(interruption, gone)
    return _ending(heard, gone, timeout)


@contextmanager
def _pipe() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Both ends; the writing one is to be closed here as soon as the child has its own."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as receiving, os.fdopen(writer, "wb") as sending:
        yield receiving, sending


@contextmanager
def _output(path: Path) -> Iterator[int]:
    # Appending, so that what the engine adds at a trap stands after what the guest wrote.
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise BacError("unwritable_file", f"writing the job's output to {path}: {error.strerror}") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


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


def _become(work: Work, parent: int, streams: tuple[int, int], pipe: int) -> NoReturn:
    """The child's whole life. The signals held by the parent stay held: it hears SIGKILL alone.

    So a signal to the whole group ends a run in one way only, by the parent.
    """
    report = Report(error="engine_failed", message="the module's process did not say why it ended")
    try:
        _detach(parent, streams)
        report = _report(work, pipe)
    finally:
        fault = sys.exc_info()[1]
        if fault is not None:
            report.message = f"running the module: {type(fault).__name__}: {fault}"[:1000]
        try:
            os.write(pipe, msgspec.json.encode(report))
        finally:
            os._exit(0)


def _detach(parent: int, streams: tuple[int, int]) -> None:
    """Standard streams of its own, and SIGKILL from the kernel when the parent dies, however it dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for target, stream in enumerate(streams, start=1):
        os.dup2(stream, target)


def _report(work: Work, pipe: int) -> Report:
    def started() -> None:
        os.write(pipe, STARTED)

    try:
        ending = work(started)
    except BacError as error:
        return Report(error=error.code, message=error.message, hint=error.hint)
    return Report(ending.status, ending.exit_code, ending.message, ending.peak_memory)


def _listen(pipe: int, timeout: float | None) -> Heard:
    """Read to the end of the pipe, or until ``timeout`` seconds after the first byte."""
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    data, deadline = b"", None
    while len(data) <= REPORT_LIMIT:
        left = LONGEST_POLL if deadline is None else min(deadline - time.monotonic(), LONGEST_POLL)
        if left <= 0:
            return Heard(data, late=True)
        if not poll.poll(left * 1000):
            continue
        received = os.read(pipe, REPORT_LIMIT)
        if not received:
            break
        if timeout is not None and deadline is None:
            deadline = time.monotonic() + timeout
        data += received
    return Heard(data, late=False)


def _end(child: int | None) -> Gone:
    """Kill what may still run, and collect it. A child that has closed its pipe keeps its own status."""
    if child is None:
        return Gone(0, None)
    os.kill(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    return Gone(status, round(used.ru_utime + used.ru_stime, 6))


def _cancelled(interruption: KeyboardInterrupt | Terminated, gone: Gone) -> Ending:
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
