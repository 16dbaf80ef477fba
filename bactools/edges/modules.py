"""WebAssembly files on this host: their bytes, and nothing about what is in them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bactools.core.errors import BacError
from bactools.core.linking import path_of

MODULE_LIMIT = 256 * 1024 * 1024
SUFFIX = ".wasm"


class Fetched:
    """Modules of a job that were fetched to be looked at, kept to be run, by their paths in the job.

    Each is an open file that need be in no folder any more, so that nothing of it is left however this process ends.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def keep(self, target: str, path: Path) -> None:
        """Keep a file, which may be taken away now. Raises BacError ``unreadable_file``."""
        try:
            self._numbers[path_of(target)] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _unreadable(path, error) from error

    def path(self, target: str) -> Path | None:
        """Where the other processes of this user find it too, for as long as the one that asks lives and keeps it."""
        number = self._numbers.get(path_of(target))
        return None if number is None else Path(f"/proc/{os.getpid()}/fd/{number}")

    def forget(self) -> None:
        """Keep them no longer; a process that was forked meanwhile has its own."""
        while self._numbers:
            os.close(self._numbers.popitem()[1])


def read(path: Path) -> bytes:
    """The bytes of a file. Raises BacError ``unreadable_file`` or ``too_large``."""
    try:
        # A pipe or a device could keep its reader waiting for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise BacError("unreadable_file", f"{path} is not a file", input=str(path))
        with path.open("rb") as stream:
            data = stream.read(MODULE_LIMIT + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if len(data) > MODULE_LIMIT:
        raise BacError("too_large", f"{path} is larger than {MODULE_LIMIT} bytes", input=str(path))
    return data


def in_folder(path: Path) -> Path:
    """The path itself, or for a folder the one ``.wasm`` file in it. Raises BacError ``unreadable_file``."""
    if not path.is_dir():
        return path
    try:
        names = sorted(child for child in path.iterdir() if child.suffix == SUFFIX)
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(names) != 1:
        raise BacError("unreadable_file", f"{path} holds {len(names)} {SUFFIX} files, not one", input=str(path))
    return names[0]


def _unreadable(path: Path, error: OSError | ValueError) -> BacError:
    reason = error.strerror if isinstance(error, OSError) else "a path has no NUL in it"
    return BacError("unreadable_file", f"cannot read {path}: {reason}", input=str(path))
