"""What really runs on this host: a tiny program of every architecture, executed.

The programs stand in a private folder, or in memory where the temporary folder forbids to execute. All are started at
once, get no environment and no streams, and are gone at the end, however that comes: so are the files.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bactools.core import executables
from bactools.core.emulation import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    Placed = Callable[[Mapping[str, bytes]], AbstractContextManager[Mapping[str, str]]]

USUAL_FOLDER = "/tmp"  # noqa: S108 (POSIX's; what is made in it has a random name and one owner)
STOPPING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM}
FIRST_PAUSE = 0.001
LONGEST_PAUSE = 0.02
REAPING = 1.0
"""Seconds that what was killed may take to be gone."""
FORBIDDEN = {errno.EACCES, errno.EPERM}
BUSY = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY}
"""Why a program is not started that tells nothing of the program."""
MFD_EXEC = 0x10
"""memfd_create(2), since Linux 6.3: to be executed, also where vm.memfd_noexec is 1."""
NO_STREAMS = (
    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0),
    (os.POSIX_SPAWN_DUP2, 0, 1),
    (os.POSIX_SPAWN_DUP2, 0, 2),
)


def prove(architectures: Iterable[str], timeout: float) -> dict[str, Outcome] | None:
    """What became of the program of each of these architectures within ``timeout`` seconds in all.

    One of which nothing can be told is left out. None where this host lets nothing be executed; with its own
    architecture among them, an emulator that may not be executed is told from that.
    """
    programs = {name: executables.program(name) for name in architectures}
    end = time.monotonic() + timeout
    for placed in (_in_folder, _in_memory):
        found = _tried(placed, programs, end)
        if any(outcome.ran or outcome.errno not in FORBIDDEN for outcome in found.values()):
            return found
    return None


def _tried(placed: Placed, programs: Mapping[str, bytes], end: float) -> dict[str, Outcome]:
    """The outcomes from one place; none where the programs cannot be put there."""
    children: dict[str, int] = {}
    with ExitStack() as stack:
        try:
            paths = stack.enter_context(placed(programs))
        except OSError:
            return {}
        stack.callback(_kill, children)
        outcomes = _started(paths, children)
        outcomes.update(_ended(children, end))
        return {**outcomes, **dict.fromkeys(children, Outcome(False, errno.ETIMEDOUT))}


@contextmanager
def _in_folder(programs: Mapping[str, bytes]) -> Iterator[Mapping[str, str]]:
    """The paths of the programs as files of this user only."""
    folder = Path(os.environ.get("TMPDIR") or USUAL_FOLDER, f"bactools-{os.urandom(8).hex()}").absolute()
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


def _started(paths: Mapping[str, str], children: dict[str, int]) -> dict[str, Outcome]:
    """Start the programs into ``children``, and tell of those that cannot be."""
    outcomes: dict[str, Outcome] = {}
    with _undisturbed():
        for name, path in paths.items():
            try:
                # A group of its own, so that what an emulator starts can be killed with it.
                children[name] = os.posix_spawn(path, [name], {}, file_actions=NO_STREAMS, setpgroup=0, setsigmask=())
            except OSError as error:
                if error.errno not in BUSY:
                    outcomes[name] = Outcome(False, error.errno)
    return outcomes


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold back signals, so that no child is started and forgotten, and core files of emulators that crash."""
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, limits[1]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, limits)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ended(children: dict[str, int], end: float) -> dict[str, Outcome]:
    """Wait until ``end``, and take those that have ended out of ``children``."""
    outcomes: dict[str, Outcome] = {}
    pause = FIRST_PAUSE
    while True:
        for name, number in tuple(children.items()):
            try:
                gone, status = os.waitpid(number, os.WNOHANG)
            except ChildProcessError:  # whoever started this process ignores SIGCHLD: nobody knows the status
                del children[name]
                continue
            if gone:
                del children[name]
                outcomes[name] = _outcome(os.waitstatus_to_exitcode(status))
        left = end - time.monotonic()
        if not children or left <= 0:
            return outcomes
        time.sleep(min(pause, left))
        pause = min(2 * pause, LONGEST_PAUSE)


def _outcome(code: int) -> Outcome:
    return Outcome(code == 0, signal=-code if code < 0 else None)


def _kill(children: dict[str, int]) -> None:
    for number in children.values():
        with suppress(OSError):
            os.killpg(number, signal.SIGKILL)
    _ended(children, time.monotonic() + REAPING)
