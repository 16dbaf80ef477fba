"""The results folder of one run: ``stdout``, ``stderr``, ``exitCode`` and one folder for each output.

The layout is Bacalhau's. Each run has a folder of its own, made exclusively, so that two runs at once
never share one. What a job prints is on the disk as soon as it arrives: no ending loses it.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING

from bactools.core.errors import BacError
from bactools.core.records import Output
from bactools.edges import signals, trees
from bactools.edges.results.live import Reader, Shown, write_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import FileIO
    from pathlib import Path

    from bactools.core.running import Stream

STREAMS: tuple[Stream, ...] = ("stdout", "stderr")

MAX_STREAM = 1024**3
"""Bytes of one stream that are kept, Bacalhau's own limit; the rest is counted and dropped."""

TAIL = 2048
"""Bytes of a stream's end that its summary shows."""

STDOUT = 1

EXIT_CODE = "exitCode"
UNKNOWN = -1
"""What ``exitCode`` holds where there was none to be had, as Bacalhau has it."""

_RESERVED = f".{EXIT_CODE}"


def create(parent: Path, job: str) -> Path:
    """A new folder for a run of ``job``: ``job-`` and the start of its id, then ``-2``, ``-3``… where that is taken.

    Room for the exit status is taken at once, so that it can be told on a disk that the job has filled.
    Raises BacError ``unwritable_file``.
    """
    folder = None
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = _new_folder(parent.absolute(), _name(job))
        (folder / _RESERVED).write_bytes(b"%d" % UNKNOWN)
        for stream in STREAMS:
            (folder / stream).touch()
    except OSError as error:
        if folder:
            discard(folder)
        raise _unwritable(f"make a results folder in {parent}", error) from error
    return folder


def free(parent: Path, job: str) -> Path:
    """The folder that ``create`` would make now."""
    name = _name(job)
    return _numbered(parent.absolute(), name, _first_free(parent, name))


def _name(job: str) -> str:
    return "job-" + (re.sub(r"[^A-Za-z0-9]", "", job.removeprefix("j-"))[:8] or "unnamed")


def _new_folder(parent: Path, name: str) -> Path:
    for number in count(_first_free(parent, name)):
        folder = _numbered(parent, name, number)
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise AssertionError


def _numbered(parent: Path, name: str, number: int) -> Path:
    return parent / (name if number == 1 else f"{name}-{number}")


def _first_free(parent: Path, name: str) -> int:
    """A number that nothing has yet, found in few steps however many runs there were."""
    taken, free = 0, 1
    while _numbered(parent, name, free).exists():
        taken, free = free, 2 * free
    while free - taken > 1:
        middle = (taken + free) // 2
        if _numbered(parent, name, middle).exists():
            taken = middle
        else:
            free = middle
    return free


def output(folder: Path, name: str) -> Path:
    """A new folder for one output, which the job's own user may write whoever that is.

    Raises BacError ``unwritable_file``.
    """
    path = folder / name
    try:
        path.mkdir()
        path.chmod(0o777)
    except OSError as error:
        raise _unwritable(f"make the output folder {path}", error) from error
    return path


def seal(folder: Path, exit_code: int | None) -> None:
    """End a run: write ``exitCode``, whole or not at all, and close the outputs to other users again.

    Raises BacError ``unwritable_file``.
    """
    reserved = folder / _RESERVED
    try:
        _close_outputs(folder)
        with reserved.open("r+b") as file:
            file.write(b"%d" % (UNKNOWN if exit_code is None else exit_code))
            file.truncate()
        reserved.replace(folder / EXIT_CODE)
    except OSError as error:
        raise _unwritable(f"write {folder / EXIT_CODE}", error) from error


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """While the block lasts, the results are those of a living run. Raises BacError ``unwritable_file``."""
    try:
        number = os.open(folder / _RESERVED, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise _unwritable(f"open {folder / _RESERVED}", error) from error
    try:
        with suppress(OSError):  # where a file system has no locks, nothing that is left there is taken for ended
            fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def seal_left(folder: Path) -> None:
    """End the run of a bac-exec that was killed, if this is the folder of one, of ours, that nobody has ended.

    What was left of a run names its folder, which may have been removed since, and be that of a living run now.
    """
    with suppress(OSError, BacError):
        found = [path.lstat() for path in (folder, folder / _RESERVED)]
        if all(each.st_uid == os.geteuid() for each in found) and stat.S_ISREG(found[1].st_mode):
            number = os.open(folder / _RESERVED, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                seal(folder, None)
            finally:
                os.close(number)


def _close_outputs(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            with suppress(PermissionError):  # the job may have given the folder to a user of its own
                path.chmod(0o755)


def is_full(folder: Path) -> bool:
    """Whether the disk of a results folder takes no more from us; not where it does not say how large it is."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return False
    return disk.f_blocks > 0 and disk.f_bavail == 0


def discard(folder: Path) -> None:
    """Take away the folder of a run that never started."""
    trees.remove(folder)


def summary(folder: Path, stream: Stream, printed: int | None = None) -> Output:
    """What a stream's file holds; ``printed`` bytes is what the job wrote, if that may be more.

    Raises BacError ``unreadable_file``.
    """
    path = folder / stream
    try:
        with path.open("rb") as file:
            kept = file.seek(0, os.SEEK_END)
            file.seek(max(0, kept - TAIL))
            tail = file.read(TAIL).decode("utf-8", "replace")
    except OSError as error:
        raise BacError("unreadable_file", f"cannot read {path}: {error.strerror}") from error
    total = kept if printed is None else printed
    return Output(bytes=total, tail=tail, truncated=total > kept)


class Recorder:
    """Writes what a job prints to its results folder, and on to descriptors of ours where somebody is watching.

    Where ``name`` is given, what is shown comes in lines that begin with it and the name of the stream.
    To make one raises BacError ``unwritable_file``.
    """

    def __init__(
        self, folder: Path, live: Mapping[Stream, int], limit: int = MAX_STREAM, name: str | None = None
    ) -> None:
        self._folder = folder
        self._readers = {each: Reader(each, lines=name is not None) for each in live.values()}
        self._live = {
            stream: Shown(self._readers[descriptor], b"" if name is None else f"{name} {stream}: ".encode())
            for stream, descriptor in live.items()
        }
        self._limit = limit
        self._files = {stream: _opened(folder / stream) for stream in STREAMS}
        self.printed: dict[Stream, int] = dict.fromkeys(STREAMS, 0)

    def close(self) -> None:
        """Close the files, and show what is left to show; whatever was written is on the disk already."""
        for file in self._files.values():
            file.close()
        for shown in self._live.values():
            shown.finish()
        with signals.held():  # a record of the run is still to be written
            for reader in self._readers.values():
                reader.end()

    def write(self, stream: Stream, data: bytes) -> None:
        """Keep a piece of output. Raises BacError ``unwritable_file`` when the disk is full."""
        room = max(0, self._limit - self.printed[stream])
        self.printed[stream] += len(data)
        try:
            write_all(self._files[stream].fileno(), data[:room])
        except OSError as error:
            raise _unwritable(f"keep what the job prints in {self._folder / stream}", error) from error
        if stream in self._live:
            self._live[stream].take(data)

    def show(self) -> int | None:
        """Show what is kept, as far as who watches takes it.

        Returns the descriptor of one who has not taken all yet: what comes before that has is soon not shown any more.
        Raises BacError ``unwritable_file`` when our standard output fails, and BrokenPipeError when whoever reads it
        has gone; one who only read along on standard error is not missed.
        """
        behind = None
        for descriptor, reader in list(self._readers.items()):
            try:
                if not reader.offer():
                    behind = reader.descriptor
            except OSError as error:
                self._forget(descriptor)
                if descriptor != STDOUT:
                    continue
                if isinstance(error, BrokenPipeError):
                    raise
                raise BacError("unwritable_file", f"cannot write to standard output: {error.strerror}") from error
        return behind

    def _forget(self, descriptor: int) -> None:
        reader = self._readers.pop(descriptor)
        reader.close()
        self._live = {stream: shown for stream, shown in self._live.items() if shown.reader is not reader}


def _opened(path: Path) -> FileIO:
    try:
        return path.open("ab", buffering=0)
    except OSError as error:
        raise _unwritable(f"open {path}", error) from error


def _unwritable(doing: str, error: OSError) -> BacError:
    return BacError("unwritable_file", f"cannot {doing}: {error.strerror}", hint="--results names another folder.")
