"""Folders with all that is in them, however deep: a job may leave more levels than there are calls or open files."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def make(folder: str) -> None:
    """Make a folder with all above it, as far as they are not there. Raises OSError."""
    missing = []
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)  # noqa: PTH120 (text)
    for each in reversed(missing):
        os.mkdir(each)  # noqa: PTH102 (text)


def inside(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Everything below a folder in the order of names, a folder before what is in it. Raises OSError.

    No link is followed.
    """
    levels = [_entries(folder)]
    while levels:
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
            continue
        yield entry
        if entry.is_dir(follow_symlinks=False):
            levels.append(_entries(entry.path))


def _entries(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        return iter(sorted(found, key=lambda entry: os.fsencode(entry.name)))


def readable(folder: str, passed_over: type[OSError]) -> Iterator[os.DirEntry[str]]:
    """Everything below a folder, in no order, but what is in folders that cannot be read for such a reason.

    No link is followed. Raises OSError for other reasons.
    """
    waiting = [folder]
    while waiting:
        with suppress(passed_over), os.scandir(waiting.pop()) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                yield entry


def opened(folder: Path) -> Iterator[tuple[int, list[str]]]:
    """Each folder of a tree: its descriptor while it is looked at, and the names of what is in it. Raises OSError.

    No link is followed, whatever is put there meanwhile.
    """
    for descriptor, entries, left in _steps(folder):
        if left is None:
            yield descriptor, [entry.name for entry in entries]


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it; what cannot be removed stays. No link is followed."""
    with suppress(OSError):
        for descriptor, entries, left in _steps(folder):
            if left is not None:
                with suppress(OSError):
                    os.rmdir(left, dir_fd=descriptor)
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    with suppress(OSError):
                        os.unlink(entry.name, dir_fd=descriptor)
        folder.rmdir()


class _Above(NamedTuple):
    """A folder on the way to where we are: which it is, by which name it was left, and what else is to be gone into."""

    identity: tuple[int, int]
    left: str
    waiting: list[str]


def _steps(folder: Path) -> Iterator[tuple[int, list[os.DirEntry[str]], str | None]]:
    """Into each folder of a tree, where its descriptor and what is in it come, and out again, by a name, to that above.

    One file is open at a time: the way up is "..", which has to lead to where we were (as in fts(3)). A folder that
    cannot be opened is left out. Raises OSError.
    """
    above: list[_Above] = []
    here = os.open(folder, FOLDER)
    try:
        entries = _listed(here)
        yield here, entries, None
        waiting = _folders(entries)
        while waiting or above:
            if waiting:
                name = waiting.pop()
                below = _below(here, name)
                if below is None:
                    continue
                above.append(_Above(_identity(here), name, waiting))
                here = _moved(here, below)
                entries = _listed(here)
                yield here, entries, None
                waiting = _folders(entries)
            else:
                here = _moved(here, os.open("..", FOLDER, dir_fd=here))
                identity, name, waiting = above.pop()
                if _identity(here) != identity:
                    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(folder))
                yield here, [], name
    finally:
        os.close(here)


def _below(here: int, name: str) -> int | None:
    try:
        return os.open(name, FOLDER, dir_fd=here)
    except OSError:
        return None


def _moved(here: int, there: int) -> int:
    os.close(here)
    return there


def _listed(descriptor: int) -> list[os.DirEntry[str]]:
    with os.scandir(descriptor) as found:
        return list(found)


def _folders(entries: list[os.DirEntry[str]]) -> list[str]:
    return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]


def _identity(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino
