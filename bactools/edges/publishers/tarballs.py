"""Packs a results folder into a tar.gz: the same bytes for the same files, whoever owns them and whenever they came."""

from __future__ import annotations

import gzip
import os
import stat
import tarfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from bactools.core.errors import BacError
from bactools.edges import trees
from bactools.edges.publishers.special import is_special

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LEVEL = 6
"""What gzip(1) and Go compress with."""
MIB = 1024 * 1024


def pack(folder: Path, file: IO[bytes], progress: Callable[[str | None], None]) -> None:
    """Write all that is in a folder to a file, by its path in the folder; symbolic links stay links.

    A device, pipe or socket is left out. Raises BacError ``unreadable_file``, ``file_changed``, ``unwritable_file``.
    """
    try:
        with gzip.GzipFile("", "wb", LEVEL, file, mtime=0) as packed:
            _write(folder, packed, progress)
    except OSError as error:
        raise BacError("unwritable_file", f"cannot pack {folder}: {error.strerror or error}") from error
    finally:
        progress(None)


def _write(folder: Path, packed: gzip.GzipFile, progress: Callable[[str | None], None]) -> None:
    done = 0
    archive: Any
    with tarfile.TarFile(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8") as archive:
        for path in _inside(folder):
            found = _Entry(path, path.relative_to(folder).as_posix())
            with found:
                archive.addfile(found.header, found)
            archive.members.clear()  # or it would keep them all
            done += found.header.size
            progress(f"packing {folder.name}: {done // MIB} MiB")


def _inside(folder: Path) -> Iterator[Path]:
    """Every folder, file and link below a folder in the order of names, a folder before what is in it."""
    try:
        yield from (Path(entry.path) for entry in trees.inside(folder) if not is_special(entry))
    except OSError as error:
        raise _unreadable(Path(error.filename or folder), error) from error


class _Entry:
    """One entry with its header, and its bytes as tarfile reads them: all that the header promised."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._number = -1
        self.header = _header(path, name)

    def __enter__(self) -> None:
        if not self.header.isreg():
            return
        try:
            self._number = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _unreadable(self._path, error) from error

    def __exit__(self, *_: object) -> None:
        if self._number >= 0:
            os.close(self._number)

    def read(self, size: int) -> bytes:
        try:
            data = os.read(self._number, size)
        except OSError as error:
            raise _unreadable(self._path, error) from error
        if len(data) < size:
            raise BacError("file_changed", f"cannot pack {self._path}: it became shorter meanwhile", hint="Try again.")
        return data


def _header(path: Path, name: str) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            header.type, header.linkname, header.mode = tarfile.SYMTYPE, os.readlink(path), 0o777  # noqa: PTH115
    except OSError as error:
        raise _unreadable(path, error) from error
    if stat.S_ISDIR(status.st_mode):
        header.type, header.mode = tarfile.DIRTYPE, 0o755
    elif stat.S_ISREG(status.st_mode):
        header.size, header.mode = status.st_size, 0o755 if status.st_mode & stat.S_IXUSR else 0o644
    elif not header.issym():
        raise BacError("file_changed", f"cannot pack {path}: it became another thing meanwhile", hint="Try again.")
    return header


def _unreadable(path: Path, error: OSError) -> BacError:
    return BacError("unreadable_file", f"cannot pack {path}: {error.strerror}")
