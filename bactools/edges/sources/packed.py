"""Unpacks a tar.gz from outside into a new folder, and writes nothing anywhere else.

Every folder on the way to an entry is made here, and every entry anew: so nothing is written through a link or over
another entry. Owners, times and most of the modes are not taken over.
"""

from __future__ import annotations

import gzip
import os
import tarfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from bactools.core import safe_paths
from bactools.core.errors import BacError
from bactools.edges import trees
from bactools.edges.unpacking import Unpacking

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bactools.core.budget import Budget

MAX_ENTRIES = 100_000
MAX_HEADER = 1024 * 1024
"""Bytes of one entry's headers."""
MAX_HEADERS = 128 * 1024 * 1024
"""Bytes of all that is not content."""
CHUNK = 1024 * 1024
EXECUTABLE = 0o100
FOLDER = 0o755
"""Whatever our umask: a container's user need not be ours."""

_DAMAGE = (tarfile.TarError, EOFError, OSError, zlib.error, ValueError, LookupError, OverflowError, RecursionError)


def unpack(file: IO[bytes], folder: Path, budget: Budget, name: str) -> None:
    """Unpack an archive into ``folder``, which must not be there; on an error it is not there afterwards.

    Files, folders, and links that stay inside are unpacked; ``name`` says in messages what the archive is.

    Raises BacError ``bad_input`` for anything else and for a damaged archive, ``too_large``, ``unwritable_file``.
    """
    try:
        with _writing(name):
            folder.mkdir()
            folder.chmod(FOLDER)
        _unpack(file, _Tree(folder, budget, name), name)
    except BaseException:
        trees.remove(folder)
        raise


def _unpack(file: IO[bytes], tree: _Tree, name: str) -> None:
    try:
        source, most = gzip.GzipFile(fileobj=file), tree.budget.left + MAX_HEADERS
        unpacked = Unpacking(source, most, MAX_HEADER, name, "may be")
        archive: Any = tarfile.TarFile(fileobj=cast("IO[bytes]", unpacked), encoding="utf-8", errors="surrogateescape")
        for count, member in enumerate(archive):
            archive.members.clear()  # or it would keep them all
            if count == MAX_ENTRIES:
                raise BacError("too_large", f"{name} has more than {MAX_ENTRIES} entries")
            unpacked.seek(member.offset_data)
            tree.add(member, unpacked)
            unpacked.allow()
        if not unpacked.at_end:
            raise tarfile.ReadError("a header is broken")
        unpacked.drain()  # to where the checksum is
    except _DAMAGE as error:
        raise BacError("bad_input", f"{name} is no tar.gz, or is damaged: {error}") from error


class _Tree:
    """The folder and what was made in it so far."""

    def __init__(self, folder: Path, budget: Budget, name: str) -> None:
        self.budget = budget
        self._folder = folder
        self._name = name
        self._files: set[str] = set()
        self._folders = {""}
        self._clash = safe_paths.CaseClash()

    def add(self, member: tarfile.TarInfo, unpacked: Unpacking) -> None:
        """Make one entry; its content is what comes next. Raises BacError."""
        if member.isdir() and {"", "."}.issuperset(member.name.split("/")):
            return  # the folder itself
        path = safe_paths.member(member.name)
        self._clash.check(path)
        if member.isdir():
            self._make(path)
            return
        self._make(path.rpartition("/")[0])
        if member.issym():
            with _writing(self._name, path):
                (self._folder / path).symlink_to(safe_paths.link_target(path, member.linkname))
        elif member.islnk():
            self._link(path, safe_paths.member(member.linkname))
        elif member.isreg() and not member.issparse() and member.size >= 0:
            self._write(path, member, unpacked)
        else:
            raise BacError("bad_input", f"{self._name} has {path!r}, which is no file, folder or link")

    def _make(self, path: str) -> None:
        """Make a folder with those above it, as far as they were not made before."""
        missing = []
        while path not in self._folders:
            missing.append(path)
            path = path.rpartition("/")[0]
        for each in reversed(missing):
            with _writing(self._name, each):
                (self._folder / each).mkdir()
                (self._folder / each).chmod(FOLDER)
            self._folders.add(each)

    def _link(self, path: str, target: str) -> None:
        if target not in self._files:
            raise BacError("bad_input", f"{self._name} has {path!r}, a link to what is no file before it")
        with _writing(self._name, path):
            os.link(self._folder / target, self._folder / path, follow_symlinks=False)

    def _write(self, path: str, member: tarfile.TarInfo, unpacked: Unpacking) -> None:
        self.budget.take(member.size)
        mode = 0o755 if member.mode & EXECUTABLE else 0o644
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with _writing(self._name, path):
            number = os.open(self._folder / path, flags, mode)
            os.fchmod(number, mode)
        self._files.add(path)
        left = member.size
        try:
            while left:
                data = memoryview(unpacked.take(min(CHUNK, left)))
                if not data:
                    raise tarfile.ReadError("it ends inside a file")
                left -= len(data)
                with _writing(self._name, path):
                    while data:
                        data = data[os.write(number, data) :]
        finally:
            os.close(number)


@contextmanager
def _writing(name: str, path: str = "") -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise BacError("bad_input", f"{name} has two entries of which only one can be at {path!r}") from error
    except OSError as error:
        raise BacError("unwritable_file", f"cannot unpack {name}: {path}: {error.strerror}") from error
