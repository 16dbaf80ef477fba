"""WebAssembly files on this host: their bytes, read where they are looked at, and nothing about what is in them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import overload

from bactools.core.errors import BacError
from bactools.core.linking import path_of

MODULE_LIMIT = 256 * 1024 * 1024
BLOCK = 64 * 1024
SUFFIX = ".wasm"


class Fetched:
    """Modules of a job that were fetched to be looked at, kept to be run, by their paths in the job.

    Each is an open file that need be in no folder any more, so that nothing of it is left however this process ends.
    """

    def __init__(self) -> None:
        self._process = os.getpid()
        self._numbers: dict[str, int] = {}

    def keep(self, target: str, path: Path) -> None:
        """Keep a file, which may be taken away now. Raises BacError ``unreadable_file``."""
        try:
            self._numbers[path_of(target)] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _unreadable(str(path), error) from error

    def path(self, target: str) -> Path | None:
        """Where the other processes of this user find it too, for as long as the one that began this keeps it."""
        number = self._numbers.get(path_of(target))
        return None if number is None else Path(f"/proc/{self._process}/fd/{number}")

    def copy(self) -> Fetched:
        """The same files, to be forgotten apart from these. Raises BacError ``engine_failed``."""
        made = Fetched()
        try:
            for target, number in self._numbers.items():
                made._numbers[target] = os.dup(number)
        except OSError as error:
            made.forget()
            raise BacError("engine_failed", f"keeping a module for its job: {error.strerror}") from error
        return made

    def forget(self) -> None:
        """Keep them no longer; a process that was forked meanwhile has its own."""
        while self._numbers:
            os.close(self._numbers.popitem()[1])


class File:
    """The bytes of an open file, of which a BLOCK is in memory: a module may be larger than all else that is.

    Closed when nobody holds it any more. Raises BacError ``unreadable_file`` when it has become shorter.
    """

    def __init__(self, number: int, size: int, name: str) -> None:
        self._number = number
        self._size = size
        self._name = name
        self._block = b""
        self._start = 0

    def __del__(self) -> None:
        os.close(self._number)

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, key: int) -> int: ...

    @overload
    def __getitem__(self, key: slice) -> bytes: ...

    def __getitem__(self, key: int | slice) -> int | bytes:
        if isinstance(key, slice):
            start, stop, _ = key.indices(self._size)
            return self._read(start, max(stop - start, 0))
        if not 0 <= key - self._start < len(self._block):
            self._start = key
            self._block = self._read(key, min(BLOCK, self._size - key))
        return self._block[key - self._start]

    def _read(self, start: int, size: int) -> bytes:
        try:
            data = os.pread(self._number, size, start)
        except OSError as error:
            raise _unreadable(self._name, error) from error
        if len(data) < size:
            raise BacError("unreadable_file", f"{self._name} became shorter while it was read", input=self._name)
        return data


def read(path: Path, name: str | None = None) -> File:
    """A file, and what to call it if not by its path. Raises BacError ``unreadable_file`` or ``too_large``."""
    name = name or str(path)
    try:
        # A pipe or a device could keep its reader waiting for ever.
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from error
    status = os.fstat(number)
    found = File(number, status.st_size, name)
    if not stat.S_ISREG(status.st_mode):
        raise BacError("unreadable_file", f"{name} is not a file", input=name)
    if status.st_size > MODULE_LIMIT:
        raise BacError("too_large", f"{name} is larger than {MODULE_LIMIT} bytes", input=name)
    return found


def in_folder(path: Path) -> Path:
    """The path itself, or for a folder the one ``.wasm`` file in it. Raises BacError ``unreadable_file``."""
    if not path.is_dir():
        return path
    try:
        names = sorted(child for child in path.iterdir() if child.suffix == SUFFIX)
    except OSError as error:
        raise _unreadable(str(path), error) from error
    if len(names) != 1:
        raise BacError("unreadable_file", f"{path} holds {len(names)} {SUFFIX} files, not one", input=str(path))
    return names[0]


def _unreadable(name: str, error: OSError | ValueError) -> BacError:
    reason = error.strerror if isinstance(error, OSError) else "a path has no NUL in it"
    return BacError("unreadable_file", f"cannot read {name}: {reason}", input=name)
