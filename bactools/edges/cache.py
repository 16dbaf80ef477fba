"""What registries said, kept for this user on the disk: content by its digest, and notes of what is where.

Content is hashed again whenever it is read: what is damaged is removed and counts as not there. A file is written
beside its place and moved there whole, so that any number of processes may read and write at once. The folder is the
user's alone, and not used when it is somebody else's or open to others. Nothing secret is kept. Old things go
when there is too much, which is looked at after some writes only.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from bactools.core import freshness
from bactools.core.digests import digest_of
from bactools.core.errors import BacError
from bactools.core.freshness import Note, Stored
from bactools.edges import private

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 256 * 1024 * 1024
"""Bytes on the disk."""
ENTRY_LIMIT = 16 * 1024 * 1024
"""Bytes of one file; larger content is not kept."""
BLOCK = 4096
"""Bytes that the smallest file takes."""

CONTENT = "content"
NOTES = "notes"
ROOMS = (CONTENT, NOTES)


class Cache(NamedTuple):
    """A cache in a folder, which is made when it is first written to; ``limit`` is in bytes."""

    folder: str
    limit: int = LIMIT

    def content(self, digest: str) -> bytes | None:
        """The bytes with a digest, if they are there and whole."""
        name = _content_name(digest)
        body = self._read(CONTENT, name)
        if body is not None and digest_of(body, digest) != digest:
            self._remove(CONTENT, name)
            return None
        return body

    def keep_content(self, digest: str, body: bytes) -> None:
        """Keep bytes, which have this digest. Raises BacError ``unwritable_file``."""
        if len(body) <= ENTRY_LIMIT:
            self._write(CONTENT, _content_name(digest), body)

    def note(self, reference: str) -> Note | None:
        """What was last known of a reference, if that is there and whole."""
        name = _note_name(reference)
        data = self._read(NOTES, name)
        if data is None:
            return None
        note = freshness.read(data, reference)
        if note is None:
            self._remove(NOTES, name)
        return note

    def keep_note(self, note: Note) -> None:
        """Keep what is known of a reference. Raises BacError ``unwritable_file``."""
        self._write(NOTES, _note_name(note.reference), freshness.written(note))

    def sweep(self) -> None:
        """Remove what is too much, and what writers left behind that were killed."""
        stored = [item for room in ROOMS for item in self._stored(room)]
        dead = time.time() - private.TEMPORARY_AGE
        abandoned = [item for item in stored if item.name.endswith(private.TEMPORARY) and item.used < dead]
        for item in (*abandoned, *freshness.expendable(stored, self.limit)):
            room, _, name = item.name.partition("/")
            self._remove(room, name)

    def _read(self, room: str, name: str) -> bytes | None:
        """A file; None when it is not there or cannot be read, whatever the reason: it can be fetched again."""
        with suppress(OSError), self._opened(room) as folder:
            number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
            with open(number, "rb", buffering=0) as stream:  # noqa: PTH123 (a descriptor)
                now = time.time()
                found = os.fstat(number)
                if found.st_size > ENTRY_LIMIT:
                    return None
                if now - found.st_mtime > private.USE_INTERVAL:
                    with suppress(OSError):  # a disk that is read only can be read all the same
                        os.utime(number, (now, now))
                return stream.read()
        return None

    def _write(self, room: str, name: str, data: bytes) -> None:
        try:
            with self._opened(room, make=True) as folder:
                private.put(folder, name, data)
        except OSError as error:
            message = f"cannot write to the cache in {self.folder}: {error.strerror}"
            raise BacError("unwritable_file", message) from error
        if freshness.is_sweep_due(int.from_bytes(os.urandom(4), "big"), max(len(data), BLOCK), self.limit):
            self.sweep()

    def _remove(self, room: str, name: str) -> None:
        with suppress(OSError), self._opened(room) as folder:
            os.unlink(name, dir_fd=folder)

    def _stored(self, room: str) -> list[Stored]:
        found = []
        with suppress(OSError), self._opened(room) as folder, os.scandir(folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    found.append(Stored(f"{room}/{entry.name}", max(status.st_size, BLOCK), status.st_mtime))
        return found

    @contextmanager
    def _opened(self, room: str, *, make: bool = False) -> Iterator[int]:
        """A room's descriptor. Raises OSError, among others when the room is not this user's alone."""
        number = self._descriptor(room, make=make)
        try:
            status = os.fstat(number)
            if not private.is_private(status):
                raise PermissionError(0, "it belongs to somebody else, or others may write to it")
            yield number
        finally:
            os.close(number)

    def _descriptor(self, room: str, *, make: bool) -> int:
        path = f"{self.folder}/{room}"
        flags = os.O_RDONLY | os.O_DIRECTORY
        try:
            return os.open(path, flags)
        except FileNotFoundError:
            if not make:
                raise
        from pathlib import Path

        Path(self.folder).parent.mkdir(parents=True, exist_ok=True)
        for folder in (self.folder, path):
            Path(folder).mkdir(mode=0o700, exist_ok=True)
        return os.open(path, flags)


def find() -> Cache | None:
    """The cache of this user; None for a user without a home."""
    found = private.folder()
    return Cache(found) if found else None


def _content_name(digest: str) -> str:
    return digest.replace(":", "-")


def _note_name(reference: str) -> str:
    return digest_of(reference.encode()).replace(":", "-")
