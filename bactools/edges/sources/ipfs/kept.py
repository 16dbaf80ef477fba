"""Inputs that were fetched before, kept by their CID: whole trees in a folder that is this user's alone.

A tree is verified when it is fetched. When it is used again only names, sizes and times are looked at: whoever can
change files without changing those could change this program too. Jobs get hard links, so that what is
removed here stays where it is in use. The oldest go when there is too much.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bactools.core.errors import BacError
from bactools.edges import private, trees

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 10 * 1024**3
"""Bytes on the disk."""
DATA = "data"
SEAL = "seal.json"
LOCK = "lock"
TEMPORARY = ".new-"
MAX_SEAL = 4096
BEGINNING = 60.0
"""Seconds within which a writer has its lock."""


class _Seal(NamedTuple):
    """What a tree looked like when it was complete: bytes, and the digest of its names, sizes and times."""

    size: int
    digest: str


def find(keep: Path, name: str) -> tuple[Path, int] | None:
    """The kept tree of a name and its bytes; None when it is not there or was changed."""
    place = keep / name
    seal = _unbroken(keep, place)
    if seal is None:
        _discard(keep, place)
        return None
    return place / DATA, seal.size


def copy(data: Path, target: Path) -> bool:
    """Put a tree at ``target`` too, unless it has just been removed. Raises BacError ``unwritable_file``."""
    try:
        _link(data, target)
    except FileNotFoundError:
        _remove(target)
        return False
    except OSError as error:
        _remove(target)
        raise _unwritable(target, error) from error
    return True


def prepare(keep: Path) -> bool:
    """Make the folder if need be; whether it can be used: it is this user's alone, and can be written to."""
    with suppress(OSError):
        keep.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _is_private(keep) and os.access(keep, os.W_OK)
    return False


@contextmanager
def adding(keep: Path, name: str) -> Iterator[Path]:
    """A new path to write a tree to; it is kept when the block ends without an error. Raises ``unwritable_file``."""
    place = keep / (TEMPORARY + os.urandom(8).hex())
    with _writing(keep):
        place.mkdir(mode=0o700)
    try:
        with (place / LOCK).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield place / DATA
            with _writing(keep):
                seal = _sealed(place / DATA)
                (place / SEAL).write_text(json.dumps(seal._asdict()), encoding="ascii")
                _move(place, keep / name)
    finally:
        _remove(place)


def _move(place: Path, kept: Path) -> None:
    """Move a complete tree to its name, unless another writer was quicker. Raises OSError."""
    try:
        place.rename(kept)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise


def sweep(keep: Path, limit: int = LIMIT) -> None:
    """Remove the trees that were not used for longest until the rest is no more than ``limit``, and dead writers'."""
    found = []
    places = []
    with suppress(OSError):
        places = list(keep.iterdir())
    for place in places:
        if place.name.startswith(TEMPORARY):
            if not _is_written(place):
                _remove(place)
            continue
        with suppress(OSError, ValueError, KeyError, TypeError):
            size = int(json.loads((place / SEAL).read_bytes()[:MAX_SEAL])["size"])
            found.append(((place / SEAL).stat().st_mtime, size, place))
    room = limit
    for _, size, place in sorted(found, reverse=True):
        room -= size
        if room < 0:
            _discard(keep, place)


def _unbroken(keep: Path, place: Path) -> _Seal | None:
    """The seal of a kept tree, if the tree is as it was; that it is used is written down."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        with (place / SEAL).open("rb") as stream:
            written = json.loads(stream.read(MAX_SEAL))
        seal = _sealed(place / DATA)
        if _is_private(keep) and seal == _Seal(written["size"], written["digest"]):
            os.utime(place / SEAL)
            return seal
    return None


def _is_private(folder: Path) -> bool:
    return private.is_private(folder.stat())


def _is_written(place: Path) -> bool:
    """Whether somebody still writes here, or has only just begun."""
    try:
        if place.stat().st_mtime > time.time() - BEGINNING:
            return True
        with (place / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _sealed(data: Path) -> _Seal:
    """How a tree looks now. Raises OSError."""
    told = hashlib.sha256()
    size = 0
    for path, status in _walk(data):
        inside = os.path.relpath(path, data)
        length, changed = (0, 0) if stat.S_ISDIR(status.st_mode) else (status.st_size, status.st_mtime_ns)
        size += length
        told.update(f"{inside}\0{status.st_mode}\0{length}\0{changed}\0".encode("utf-8", "surrogateescape"))
    return _Seal(size, told.hexdigest())


def _walk(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """A file, or a folder and all in it, in an order that does not change."""
    yield path, path.lstat()
    if path.is_dir() and not path.is_symlink():
        yield from ((Path(entry.path), entry.stat(follow_symlinks=False)) for entry in trees.inside(path))


def _link(source: Path, target: Path) -> None:
    """A copy of a tree that shares its files. Raises OSError."""
    if source.is_symlink():
        target.symlink_to(source.readlink())
    elif source.is_dir():
        target.mkdir()
        target.chmod(stat.S_IMODE(source.stat().st_mode))
        for entry in source.iterdir():
            _link(entry, target / entry.name)
    else:
        try:
            target.hardlink_to(source)
        except OSError:  # another disk, or too many links
            shutil.copy2(source, target)


def _discard(keep: Path, place: Path) -> None:
    """Remove a kept tree, at one stroke for who looks for it."""
    aside = keep / (TEMPORARY + os.urandom(8).hex())
    with suppress(OSError):
        place.rename(aside)
        _remove(aside)


def _remove(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            trees.remove(path)
        else:
            path.unlink()


@contextmanager
def _writing(keep: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(keep, error) from error


def _unwritable(folder: Path, error: OSError) -> BacError:
    return BacError("unwritable_file", f"cannot put an IPFS input into {folder}: {error.strerror}")
