"""What the engine made of modules, kept for this user on the disk: native code that is trusted when it is loaded.

What guards it is the folder: made with mode 0700, and not used when it is anybody else's or open to anybody else. An
entry has to be a file of this user that nobody else may write to. Its name holds the key (what was compiled, by
which engine, how, for which processor) and the SHA-256 of the code, which is checked before each use: that
finds what is damaged or cut off, though not what a program of this very user has forged, which
could change bactools itself just as well. An entry is written beside its place, moved there whole, and never changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from bactools.edges import private

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bactools.core.freshness import Stored

LIMIT = 1024**3
"""Bytes on the disk; one entry may take half of it."""
ROOM = "compiled"
SUFFIX = ".native"
LOCK = "lock"
"""The one file whose bytes are locked, each for some keys: so nothing is left behind by whom a signal kills."""
LOCK_DIGITS = 15
"""Hexadecimal digits of a key that make an offset: fewer than the 63 bits that it may have."""
BLOCK = 1024**2
"""Bytes that are hashed at once."""
ANYBODY_ELSE = 0o077
CPUINFO = "/proc/cpuinfo"
CPUINFO_LIMIT = 16384
"""Bytes; the first processor's lines are at most a quarter of it."""
CPU_LINES = ("vendor_id", "model name", "flags", "Features", "CPU implementer", "CPU part", "isa")
"""What the lines of /proc/cpuinfo begin with that say what code a processor runs (proc(5))."""


class Store(NamedTuple):
    """Compiled modules in a folder, which is made when it is first written to; ``limit`` is in bytes."""

    folder: str
    limit: int = LIMIT

    def opened(self, key: str) -> int | None:
        """A descriptor, for the caller to close, of whole and trusted code; None where there is none."""
        with suppress(OSError), self._folder() as folder:
            for name in _names(folder):
                if name.startswith(f"{key}-") and name.endswith(SUFFIX):
                    number = self._checked(folder, name)
                    if number is not None:
                        return number
                    with suppress(OSError):
                        os.unlink(name, dir_fd=folder)
        return None

    def keep(self, key: str, code: bytes | bytearray) -> None:
        """Keep the code made for a key; where it cannot be kept it is made again the next time."""
        if len(code) > self.limit // 2:
            return
        name = f"{key}-{hashlib.sha256(code).hexdigest()}{SUFFIX}"
        with suppress(OSError), self._folder(make=True) as folder:
            private.put(folder, name, code)
            self._sweep(folder)

    @contextmanager
    def locked(self, key: str) -> Iterator[None]:
        """One process at a time makes the code for a key; without a folder to lock in, each for itself.

        A process that is killed lets go of it, however it is killed.
        """
        number = None
        with suppress(OSError), self._folder(make=True) as folder:
            number = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
            fcntl.lockf(number, fcntl.LOCK_EX, 1, int(key[:LOCK_DIGITS], 16))
        try:
            yield
        finally:
            if number is not None:
                os.close(number)

    def _checked(self, folder: int, name: str) -> int | None:
        number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        found = os.fstat(number)
        whole = stat.S_ISREG(found.st_mode) and 0 < found.st_size <= self.limit // 2
        if private.is_private(found) and whole and name.endswith(f"-{_digest(number)}{SUFFIX}"):
            now = time.time()
            if now - found.st_mtime > private.USE_INTERVAL:
                with suppress(OSError):
                    os.utime(number, (now, now))
            return number
        os.close(number)
        return None

    def _sweep(self, folder: int) -> None:
        """Remove the least recently used beyond the limit, and what killed processes left behind."""
        from bactools.core import freshness

        dead = time.time() - private.TEMPORARY_AGE
        stored: list[Stored] = []
        going: list[Stored] = []
        for name in _names(folder):
            with suppress(OSError):
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                item = freshness.Stored(name, found.st_size, found.st_mtime)
                (stored if name.endswith(SUFFIX) else going).append(item)
        abandoned = [item for item in going if item.used < dead and item.name != LOCK]
        for item in (*abandoned, *freshness.expendable(stored, self.limit)):
            with suppress(OSError):
                os.unlink(item.name, dir_fd=folder)

    @contextmanager
    def _folder(self, *, make: bool = False) -> Iterator[int]:
        """The folder's descriptor. Raises OSError, among others where it is not this user's alone."""
        if make:
            os.makedirs(os.path.dirname(self.folder), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
            with suppress(FileExistsError):
                os.mkdir(self.folder, 0o700)  # noqa: PTH102
        number = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            found = os.fstat(number)
            if found.st_uid != os.geteuid() or found.st_mode & ANYBODY_ELSE:
                raise PermissionError(0, "it belongs to somebody else, or is open to others")
            yield number
        finally:
            os.close(number)


def find() -> Store | None:
    """The user's store, beside the cache of registries; None for a user without a home."""
    found = private.folder()
    return Store(f"{found}/{ROOM}") if found else None


def key(digest: str, engine: str) -> str:
    """What code made of a module with this digest is known by: ``engine`` is its version and configuration in words."""
    parts = (digest, engine, *_processor())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _processor() -> list[str]:
    """The machine and, of the first processor, what says which instructions it has."""
    lines = [os.uname().machine]
    with suppress(OSError), open(CPUINFO, "rb", buffering=0) as stream:  # noqa: PTH123 (no file of a disk)
        first = stream.read(CPUINFO_LIMIT).decode("ascii", "replace").partition("\n\n")[0]
        lines += [line for line in first.splitlines() if line.startswith(CPU_LINES)]
    return lines


def _names(folder: int) -> list[str]:
    return os.listdir(folder)


def _digest(number: int) -> str:
    digest = hashlib.sha256()
    while block := os.read(number, BLOCK):
        digest.update(block)
    return digest.hexdigest()
