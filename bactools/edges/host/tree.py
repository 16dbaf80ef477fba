"""The files of a host: those of the running one, or a copy of some other's /proc, /sys and /etc under a folder."""

from __future__ import annotations

import errno
import os
import stat
from itertools import islice
from pathlib import Path

from bactools.core.errors import BacError

FILE_LIMIT = 64 * 1024
"""Bytes: the first processor of a cpuinfo of thousands is enough."""
NAMES_LIMIT = 1024
HERE = Path("/")


class Tree:
    """A folder that holds a host's files by their usual names; ``captured`` unless it is this host's own root.

    Nothing is read through a symbolic link that leaves a captured tree: what is outside is another host's.
    """

    def __init__(self, root: Path = HERE) -> None:
        self.root = root if root == HERE else _folder(root)
        self.captured = self.root != HERE

    def path(self, name: str) -> Path:
        """Where the file of that name, from the root of the host, is."""
        return self.root / name.lstrip("/")

    def text(self, name: str, limit: int = FILE_LIMIT) -> str | None:
        """At most ``limit`` bytes of a file as text; None where it is not there or cannot be read."""
        path = self._inside(name)
        if path is None:
            return None
        try:
            with open(path, "rb", opener=_unblocked) as stream:
                found: bytes | None = stream.read(limit)  # None: a pipe whose writer has written nothing
        except (OSError, ValueError):  # a name with a null character
            return None
        return None if found is None else found.decode("utf-8", "replace")

    def names(self, folder: str, limit: int = NAMES_LIMIT) -> list[str]:
        """The names in a folder, at most ``limit``, in the kernel's order; none where there is no such folder."""
        path = self._inside(folder)
        if path is None:
            return []
        try:
            with os.scandir(path) as entries:
                return [entry.name for entry in islice(entries, limit)]
        except (OSError, ValueError):
            return []

    def _inside(self, name: str) -> Path | None:
        path = self.path(name)
        if not self.captured:
            return path
        try:
            return path if path.resolve().is_relative_to(self.root) else None
        except (OSError, RuntimeError, ValueError):  # a loop of links
            return None


def _folder(root: Path) -> Path:
    """The folder itself, without links. Raises BacError ``unreadable_file`` for what is no folder."""
    try:
        found = os.path.realpath(root, strict=True)
        if not stat.S_ISDIR(os.stat(found).st_mode):  # noqa: PTH116 (pathlib tells no reason)
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    except OSError as error:
        message = f"cannot read the host captured in {root}: {error.strerror}"
        hint = "Name the folder that the host's files were copied to."
        raise BacError("unreadable_file", message, hint=hint, input=str(root)) from error
    return Path(found)


def _unblocked(path: str, flags: int) -> int:
    """Open a file without waiting for the other end of a pipe that a captured tree may hold."""
    return os.open(path, flags | os.O_NONBLOCK)
