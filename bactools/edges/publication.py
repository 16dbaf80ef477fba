"""A file that others read while it is written: replaced as a whole, or longer by a whole line.

Writers take turns by flock(2) on the file. A writer that fails or is told to stop leaves the file as it was,
and nothing beside it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOCK_INTERVAL = 0.01
"""Seconds between two tries to have the lock, which another writer holds for as long as a write takes."""

FOLDERS = ("", ".", "..")
"""The last words of a path that can only be a folder, also where there is none yet."""

LARGEST_KNOWN = 32 * 1024 * 1024
"""Bytes of a file that is compared with what would replace it; a larger one is no record of ours."""

# A file system without locks, or one that only lets a writer lock: a file is replaced in one step there as well.
_NO_LOCKS = frozenset({errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})

READ_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
APPEND_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
NEW_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class _Known(NamedTuple):
    """A file as it is: its descriptor (None: it may not be read), what fstat(2) says, and whether we made it."""

    descriptor: int | None
    status: os.stat_result
    made: bool = False


def replace(path: str, data: bytes, *, wait: float, unchanged: Callable[[bytes], bool] | None = None) -> bool:
    """Put ``data`` in the place of a file, which keeps its mode and, where that is permitted, its owner.

    A symbolic link stays, and what it points to is replaced. With ``unchanged`` the file is left alone, and the answer
    is False, where that holds of its content. ``wait`` is how many seconds another writer is waited for.

    Raises BacError ``unwritable_file`` or ``timed_out``.
    """
    target = os.path.realpath(path)
    with _translated("replace", path), _locked(target, READ_FLAGS, wait, path) as known:
        if os.path.basename(path) in FOLDERS:  # noqa: PTH119 (a Path has lost the slash)
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if unchanged and known and known.descriptor is not None and unchanged(_content(known.descriptor)):
            return False
        _put(target, data, known.status if known else None)
    return True


def append(path: str, line: bytes, *, wait: float) -> None:
    """Add a line, given with its newline, at the end of a file: all of it or nothing, in one write.

    Part of a line that somebody else left at the end is ended first. ``wait`` is how many seconds another writer is
    waited for. Raises BacError ``unwritable_file`` or ``timed_out``.
    """
    with _translated("append to", path), _locked(path, APPEND_FLAGS, wait, path) as known:
        if known and known.descriptor is not None:
            _add(path, line, known.descriptor, known)


def _add(path: str, line: bytes, descriptor: int, known: _Known) -> None:
    size = known.status.st_size
    ended = not size or os.pread(descriptor, 1, size - 1) == b"\n"
    data = line if ended else b"\n" + line
    try:
        if os.write(descriptor, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    except BaseException:
        os.ftruncate(descriptor, size)
        if known.made and not size:
            os.unlink(path)  # noqa: PTH108 (pathlib is not needed)
        raise


@contextmanager
def _translated(doing: str, path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BacError("unwritable_file", f"cannot {doing} {path}: {error.strerror}", input=path) from error


@contextmanager
def _locked(path: str, flags: int, wait: float, name: str) -> Iterator[_Known | None]:
    """The file under an exclusive lock; None where there is none and none is to be made."""
    end = time.monotonic() + wait
    while True:
        known = _opened(path, flags)
        if known is None or known.descriptor is None:
            yield known
            return
        try:
            _lock(known.descriptor, flags, end, name)
            if _is_still(path, known):
                yield known._replace(status=os.fstat(known.descriptor))
                return
        finally:
            os.close(known.descriptor)


def _opened(path: str, flags: int) -> _Known | None:
    """The file as it is. Raises OSError, also for what is not a regular file."""
    made = False
    descriptor = None
    try:
        if flags & os.O_CREAT:
            descriptor, made = _made(path, flags)
        else:
            descriptor = os.open(path, flags)
    except FileNotFoundError:
        if flags & os.O_CREAT:
            raise
        return None
    except PermissionError:
        # Whoever may write to the folder may replace a file that he may not read.
        if flags & os.O_CREAT:
            raise
    status = os.stat(path) if descriptor is None else os.fstat(descriptor)  # noqa: PTH116 (pathlib is not needed)
    if not stat.S_ISREG(status.st_mode):
        if descriptor is not None:
            os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return _Known(descriptor, status, made)


def _made(path: str, flags: int) -> tuple[int, bool]:
    """The file's descriptor, and whether it is a new file."""
    try:
        return os.open(path, flags | os.O_EXCL, 0o666), True
    except FileExistsError:
        return os.open(path, flags, 0o666), False


def _lock(descriptor: int, flags: int, end: float, name: str) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                hint = "Find out what holds the file open, for instance with fuser, or try again."
                raise BacError(
                    "timed_out", f"writing {name}: another writer keeps it locked", hint=hint, input=name
                ) from None
            time.sleep(LOCK_INTERVAL)
        except OSError as error:
            if error.errno in _NO_LOCKS and not flags & os.O_APPEND:
                return
            raise
        else:
            return


def _is_still(path: str, known: _Known) -> bool:
    """Whether the file that is locked is the one of that name: another writer may have replaced it meanwhile."""
    try:
        status = os.stat(path)  # noqa: PTH116 (pathlib is not needed)
    except FileNotFoundError:
        return False
    return os.path.samestat(status, known.status)


def _content(descriptor: int) -> bytes:
    """The whole file, or nothing of one that is too large to be a record."""
    if os.fstat(descriptor).st_size > LARGEST_KNOWN:
        return b""
    return os.pread(descriptor, LARGEST_KNOWN, 0)


def _put(target: str, data: bytes, before: os.stat_result | None) -> None:
    """Write a file beside the target and move it there."""
    folder, name = os.path.split(target)
    beside = os.path.join(folder, f".{name[:200]}.{os.urandom(8).hex()}")  # noqa: PTH118 (pathlib is not needed)
    try:
        descriptor = os.open(beside, NEW_FLAGS, 0o666 if before is None else 0o600)
        try:
            _write_all(descriptor, data)
            if before:
                _own(descriptor, before)
                os.fchmod(descriptor, stat.S_IMODE(before.st_mode))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(beside, target)  # noqa: PTH104 (pathlib is not needed)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(beside)  # noqa: PTH108 (pathlib is not needed)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _own(descriptor: int, before: os.stat_result) -> None:
    """Give the file the owner and group of the one before it, or what of that this user may."""
    for owner, group in ((before.st_uid, before.st_gid), (-1, before.st_gid)):
        with suppress(PermissionError):
            os.fchown(descriptor, owner, group)
            return
