"""What really runs on this host: a tiny program of every architecture, executed.

The programs stand in a private folder, or in memory where the temporary folder forbids to execute. All are started at
once, and get no environment and no streams. At the end, also by a signal that this process handles, their process
groups are killed and the files removed; what an emulator puts into a group of its own (setsid) is not looked for.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from bactools.core import executables
from bactools.core.emulation import Outcome
from bactools.edges import scratch, signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    Placed = Callable[[Mapping[str, bytes]], AbstractContextManager[Mapping[str, str]]]

FIRST_PAUSE = 0.001
LONGEST_PAUSE = 0.02
REAPING = 1.0
"""Seconds that what was killed may take to be gone."""
PATIENCE = 1.0
"""Seconds to wait for processes to be had while none of ours is running that would make room."""
FORBIDDEN = {errno.EACCES, errno.EPERM}
BUSY = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY}
"""Why a program is not started that tells nothing of the program."""
NOWHERE = "neither files in the temporary folder nor files in memory may be executed"
CROWDED = "there is no room for another process"
UNHEARD = "whoever started this process ignores how its children end"
MFD_EXEC = 0x10
"""memfd_create(2), since Linux 6.3: to be executed, also where vm.memfd_noexec is 1."""
NO_STREAMS = (
    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0),
    (os.POSIX_SPAWN_DUP2, 0, 1),
    (os.POSIX_SPAWN_DUP2, 0, 2),
)


def prove(architectures: Iterable[str], timeout: float) -> dict[str, Outcome]:
    """What became of the program of each of these architectures within ``timeout`` seconds in all.

    All are untried where this host lets nothing be executed; with its own architecture among them, an emulator that
    may not be executed is told from that.
    """
    programs = {name: executables.program(name) for name in architectures}
    end = time.monotonic() + timeout
    with _told_of_children():
        for placed in (_in_folder, _in_memory):
            found = _tried(placed, programs, end)
            if any(outcome.ran or outcome.errno not in FORBIDDEN for outcome in found.values()):
                return found
    return dict.fromkeys(programs, Outcome(False, untried=NOWHERE))


@contextmanager
def _told_of_children() -> Iterator[None]:
    """Be told how children end, also where whoever started this process ignores SIGCHLD, which is inherited."""
    ignored = signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN
    if not ignored or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def _tried(placed: Placed, programs: Mapping[str, bytes], end: float) -> dict[str, Outcome]:
    """The outcomes from one place; none where the programs cannot be put there."""
    children: dict[str, int] = {}
    with ExitStack() as stack:
        try:
            paths = stack.enter_context(placed(programs))
        except OSError:
            return {}
        stack.callback(_kill, children)
        return _settled(paths, children, end)


def _settled(paths: Mapping[str, str], children: dict[str, int], end: float) -> dict[str, Outcome]:
    """The outcomes, of those that failed when they were alone: an emulator has threads, which need room as well."""
    outcomes, is_crowded = _outcomes(paths, children, end)
    for name, outcome in tuple(outcomes.items()):
        if not (outcome.ran or outcome.errno or outcome.untried) and time.monotonic() < end:
            alone, _ = _outcomes({name: paths[name]}, children, end)
            is_vain = is_crowded and not alone[name].ran
            outcomes[name] = Outcome(False, untried=CROWDED) if is_vain else alone[name]
    return outcomes


def _outcomes(paths: Mapping[str, str], children: dict[str, int], end: float) -> tuple[dict[str, Outcome], bool]:
    """Start all, those for which there is no room as soon as others have ended, and wait for them until ``end``.

    Also whether there ever was no room.
    """
    outcomes: dict[str, Outcome] = {}
    waiting = dict(paths)
    is_crowded = False
    pause, patient = FIRST_PAUSE, time.monotonic() + PATIENCE
    while True:
        before = len(waiting)
        outcomes.update(_started(waiting, children))
        is_crowded = is_crowded or bool(waiting)
        gone = _ended(children)
        outcomes.update(gone)
        now = time.monotonic()
        if gone or len(waiting) < before:
            pause, patient = FIRST_PAUSE, now + PATIENCE
        if not (waiting or children) or now >= (end if children else min(end, patient)):
            break
        time.sleep(min(pause, max(0.0, end - now)))
        pause = min(2 * pause, LONGEST_PAUSE)
    late = dict.fromkeys(children, Outcome(False, errno.ETIMEDOUT))
    return {**outcomes, **late, **dict.fromkeys(waiting, Outcome(False, untried=CROWDED))}, is_crowded


@contextmanager
def _in_folder(programs: Mapping[str, bytes]) -> Iterator[Mapping[str, str]]:
    """The paths of the programs as files of this user only."""
    folder = (scratch.parent() / f"bactools-{os.urandom(8).hex()}").absolute()
    files = {name: folder / name for name in programs}
    try:
        folder.mkdir(mode=0o700)
        for name, program in programs.items():
            files[name].write_bytes(program)
            files[name].chmod(0o700)
        yield {name: str(file) for name, file in files.items()}
    finally:
        try:
            _remove(folder, files.values())
        except BaseException:
            # A signal came in between; cli/boundary lets no second one be heard.
            _remove(folder, files.values())
            raise


def _remove(folder: Path, files: Iterable[Path]) -> None:
    with suppress(OSError):
        for file in files:
            file.unlink(missing_ok=True)
        folder.rmdir()


@contextmanager
def _in_memory(programs: Mapping[str, bytes]) -> Iterator[Mapping[str, str]]:
    """The paths of the programs as files without a folder."""
    with ExitStack() as stack:
        paths: dict[str, str] = {}
        for name, program in programs.items():
            number = _memory(name)
            stack.callback(os.close, number)
            os.write(number, program)
            # Not closed on execution: an emulator opens the path again.
            paths[name] = f"/proc/self/fd/{number}"
        yield paths


def _memory(name: str) -> int:
    try:
        return os.memfd_create(name, MFD_EXEC)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return os.memfd_create(name, 0)


def _started(waiting: dict[str, str], children: dict[str, int]) -> dict[str, Outcome]:
    """Move the programs from ``waiting`` to ``children``, as far as there is room, and tell of those that cannot be."""
    outcomes: dict[str, Outcome] = {}
    with _undisturbed():
        for name, path in tuple(waiting.items()):
            try:
                # A group of its own, so that what an emulator starts can be killed with it.
                children[name] = os.posix_spawn(path, [name], {}, file_actions=NO_STREAMS, setpgroup=0, setsigmask=())
            except OSError as error:
                if error.errno in BUSY:
                    continue
                outcomes[name] = Outcome(False, error.errno)
            del waiting[name]
    return outcomes


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold back signals, so that no child is started and forgotten, and core files of emulators that crash."""
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    with signals.held():
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (0, limits[1]))
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_CORE, limits)


def _ended(children: dict[str, int]) -> dict[str, Outcome]:
    """Take those that have ended out of ``children``, without waiting."""
    outcomes: dict[str, Outcome] = {}
    for name, number in tuple(children.items()):
        try:
            gone, status = os.waitpid(number, os.WNOHANG)
        except ChildProcessError:
            del children[name]
            outcomes[name] = Outcome(False, untried=UNHEARD)
            continue
        if gone:
            del children[name]
            outcomes[name] = _outcome(os.waitstatus_to_exitcode(status))
    return outcomes


def _outcome(code: int) -> Outcome:
    return Outcome(code == 0, signal=-code if code < 0 else None)


def _kill(children: dict[str, int]) -> None:
    for number in children.values():
        with suppress(OSError):
            os.killpg(number, signal.SIGKILL)
    end = time.monotonic() + REAPING
    while True:
        _ended(children)
        if not children or time.monotonic() >= end:
            return
        time.sleep(FIRST_PAUSE)
