"""A folder for what is fetched or put together for one run; those of runs that were killed are taken away by the next.

Each is locked for as long as its process lives, whatever ends it: one that nobody has locked is nobody's. The lock is
on the folder itself, so that there is none without it. It may tell of which run it is, for that to be ended, too.
"""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from bactools.core.errors import BacError
from bactools.edges import trees
from bactools.edges.trees import FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PREFIX = "bactools-run-"
RUN = "run"
"""A link to the results of the run that a folder belongs to."""
USUAL = "/tmp"  # noqa: S108 (POSIX's; what is made in it has a random name and one owner)


@contextmanager
def folder(run: Path | None = None) -> Iterator[Path]:
    """A new folder below ``TMPDIR`` for as long as the block lasts. Raises BacError ``unwritable_file``.

    ``run`` is where the results are of the run that it belongs to, by a full path.
    """
    try:
        place = parent().resolve()
        path, number = _locked(place)
        if run is not None:
            (path / RUN).symlink_to(run)
    except OSError as error:
        where = f" as {error.filename}" if error.filename else ""
        doing = f"cannot make a folder for a run{where}"
        raise BacError("unwritable_file", f"{doing}: {error.strerror}", hint="Set TMPDIR to another folder.") from error
    try:
        yield path
    finally:
        trees.remove(path)
        os.close(number)


def clear_left(end: Callable[[Path], None] | None = None) -> None:
    """Take away, once in this process, what killed ones have left, and ``end`` runs by their results.

    Without ``end``, what belongs to runs stays.
    """
    with suppress(OSError):  # without a place for temporary files nothing is left in one
        _sweep(parent().resolve(), end)


def parent() -> Path:
    """Where temporary files are (POSIX.1-2017, 8.3)."""
    return Path(os.environ.get("TMPDIR") or USUAL)


@lru_cache
def _sweep(place: Path, end: Callable[[Path], None] | None) -> None:
    """Take away this user's folders whose processes are gone; those of runs only with an ``end`` for them."""
    found: list[Path] = []
    with suppress(OSError):
        found = [Path(each) for each in os.scandir(place) if each.name.startswith(PREFIX)]
    for path in found:
        with suppress(OSError):
            number = os.open(path, FOLDER)
            try:
                if _is_ours(os.fstat(number)):
                    fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _clear(path, end)
            finally:
                os.close(number)


def _clear(path: Path, end: Callable[[Path], None] | None) -> None:
    with suppress(FileNotFoundError):
        run = (path / RUN).readlink()
        if end is None:
            return
        end(run)
    trees.remove(path)


def _locked(place: Path) -> tuple[Path, int]:
    """A new folder and the descriptor that locks it. Raises OSError."""
    while True:
        path = place / f"{PREFIX}{os.urandom(8).hex()}"
        path.mkdir(mode=0o700)
        with suppress(FileNotFoundError):  # a sweep was here before the lock was
            number = os.open(path, FOLDER)
            fcntl.flock(number, fcntl.LOCK_EX)
            if path.exists():
                return path, number
            os.close(number)


def _is_ours(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and stat.S_ISDIR(status.st_mode)
