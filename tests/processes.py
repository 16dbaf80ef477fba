"""Run the installed commands as a user does: as processes, in a clean environment, and let none survive its test.

The commands are those of the Python that runs the tests. Each gets a session of its own, so that whatever it
started ends with it.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sysconfig
import tempfile
import termios
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SCRIPTS = Path(sysconfig.get_path("scripts"))
TIMEOUT = 60.0
T = TypeVar("T")

# A warning is an error in the commands too, but for what Docker's SDK does: it opens its configuration without
# naming an encoding, and leaves a socket open where no engine listens.
WARNINGS = "error,ignore::ResourceWarning,ignore::EncodingWarning:docker.utils.config"
KEPT = ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "TMPDIR")


@dataclass(frozen=True)
class Completed:
    """A process that has ended. ``status`` is negative where a signal killed it (``-signal.SIGINT``)."""

    status: int
    stdout: bytes
    stderr: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records on standard output, which must hold nothing else."""
        *lines, rest = self.stdout.split(b"\n")
        assert rest == b"", f"standard output ends within a line: {rest!r}"
        records = [json.loads(line) for line in lines]
        assert all(isinstance(record, dict) for record in records), "a line on standard output is no JSON object"
        return records


def environment(home: Path, changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """The environment of a command; a change to None leaves a variable out."""
    variables: dict[str, str | None] = {
        "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "LANG": "C.UTF-8",
        "PYTHONWARNDEFAULTENCODING": "1",
        "PYTHONWARNINGS": WARNINGS,
        **{name: os.environ.get(name) for name in KEPT},
        **(changes or {}),
    }
    return {name: value for name, value in variables.items() if value is not None}


def installed(words: tuple[str | Path, ...]) -> list[str]:
    """The command line, its command being the installed one whatever PATH says."""
    return [str(SCRIPTS / words[0]), *map(str, words[1:])]


def kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def started(words: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that, with its children, is gone at the end of the block."""
    with subprocess.Popen(words, start_new_session=True, **options) as process:
        try:
            yield process
        finally:
            kill(process)


def outcome(process: subprocess.Popen[bytes], input: bytes | None, timeout: float) -> tuple[bytes, bytes]:
    """Standard output and standard error, as far as they are pipes, of a process that must end in time."""
    try:
        stdout, stderr = process.communicate(input, timeout)
    except subprocess.TimeoutExpired:
        kill(process)
        stdout, stderr = process.communicate()
        pytest.fail(f"still running after {timeout} s: {process.args!r}\nstdout: {stdout!r}\nstderr: {stderr!r}")
    return stdout or b"", stderr or b""


def complete(
    words: list[str], input: bytes = b"", *, env: dict[str, str], cwd: Path | str, timeout: float = TIMEOUT
) -> Completed:
    """Run a command line to its end."""
    pipe = subprocess.PIPE
    with started(words, stdin=pipe, stdout=pipe, stderr=pipe, env=env, cwd=cwd) as process:
        stdout, stderr = outcome(process, input, timeout)
    return Completed(process.returncode, stdout, stderr.decode(errors="replace"))


def complete_on_terminal(
    words: list[str],
    input: bytes | None = None,
    *,
    env: dict[str, str],
    cwd: Path | str,
    timeout: float = TIMEOUT,
    columns: int = 80,
    terminal_stderr: bool = False,
) -> Completed:
    """Run a command line with standard output on a terminal, and standard input too unless ``input`` is given.

    With ``terminal_stderr`` standard error is on that terminal as well, and so among ``stdout``.
    """
    pipe = subprocess.PIPE
    with (
        terminal(columns) as (theirs, shown),
        started(
            words,
            stdin=theirs if input is None else pipe,
            stdout=theirs,
            stderr=theirs if terminal_stderr else pipe,
            env={"TERM": "xterm", **env},
            cwd=cwd,
        ) as process,
    ):
        theirs.close()  # the terminal ends when the last process that has it open ends
        _, stderr = outcome(process, input, timeout)
    return Completed(process.returncode, bytes(shown), stderr.decode(errors="replace"))


@contextmanager
def terminal(columns: int = 80) -> Iterator[tuple[IO[bytes], bytearray]]:
    """A terminal's side for processes, all of which must have ended before the block does, and what it has shown."""
    shown = bytearray()
    ours, theirs = (os.fdopen(number, "r+b", buffering=0) for number in pty.openpty())
    with ours, theirs:
        prepare(theirs, columns)
        reader = threading.Thread(target=collect, args=(ours, shown))
        reader.start()
        try:
            yield theirs, shown
        finally:
            theirs.close()
            reader.join()


def prepare(terminal: IO[bytes], columns: int) -> None:
    """Give a terminal its width, and let it pass line ends as they were written."""
    attributes = termios.tcgetattr(terminal)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


def collect(terminal: IO[bytes], shown: bytearray) -> None:
    with suppress(OSError):  # EIO is how a terminal says that nobody has its other side open any more
        while data := terminal.read(65536):
            shown += data


@contextmanager
def background(
    words: list[str], input: bytes | None = None, *, env: dict[str, str], cwd: Path | str, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that a test signals or watches; its streams are pipes unless ``options`` say otherwise."""
    with ExitStack() as stack:
        if input is not None:
            options["stdin"] = stack.enter_context(tempfile.TemporaryFile())  # a pipe might fill up unread
            options["stdin"].write(input)
            options["stdin"].seek(0)
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        yield stack.enter_context(started(words, env=env, cwd=cwd, **options))


def eventually(condition: Callable[[], T], timeout: float = TIMEOUT) -> T:
    """The condition's first true value, which must come within ``timeout`` seconds."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > end:
            pytest.fail(f"not within {timeout} s: {condition}")
        time.sleep(0.02)
    return value
