"""Files by name, in a folder or in a tar archive, plain or compressed with gzip. Nothing is ever unpacked to a disk.

An archive is untrusted: its names are only looked up, never opened; entries other than files and links within it do
not exist; of two entries with one name the last counts, as it does for tar. Headers, entries and sizes have limits.
"""

from __future__ import annotations

import gzip
import posixpath
import stat
import tarfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, NamedTuple, Protocol

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_ENTRIES = 65536
MAX_NAME = 255
HEADER_LIMIT = 64 * 1024
"""Bytes of one header of an archive, long names and extended attributes included."""
ARCHIVE_LIMIT = 32 * 1024**3
"""Bytes of an archive, uncompressed."""
SMALL = 64 * 1024
KEPT = 16 * 1024 * 1024
"""Bytes of a file that is kept when it is passed, and of all of these: manifests come after what they speak of."""
CHUNK = 256 * 1024
GZIP = b"\x1f\x8b"
BROKEN = (tarfile.TarError, zlib.error, EOFError, ValueError, OverflowError, RecursionError)


class Store(Protocol):
    """Files by relative name, with slashes."""

    @property
    def path(self) -> Path:
        """Where they are, for messages."""

    def read(self, name: str, limit: int) -> bytes:
        """A whole file. Raises BacError ``bad_manifest`` when it is not there, ``too_large``, ``unreadable_file``."""

    def chunks(self, name: str) -> Iterator[bytes]:
        """A file of any size, in parts. Raises BacError as ``read``."""


class Folder(NamedTuple):
    """The files of a folder."""

    path: Path

    def read(self, name: str, limit: int) -> bytes:
        """A whole file."""
        with _opened(self.path / name) as stream:
            body = stream.read(limit + 1)
        return _within(body, limit, f"{name} in {self.path}")

    def chunks(self, name: str) -> Iterator[bytes]:
        """A file in parts."""
        with _opened(self.path / name) as stream:
            yield from iter(lambda: stream.read(CHUNK), b"")


class Entry(NamedTuple):
    """Where a file stands in an archive; ``body`` is kept when it is small."""

    start: int
    size: int
    body: bytes | None


class Tarball(NamedTuple):
    """The files of an archive, and the links in it by the name that they lead to."""

    path: Path
    entries: dict[str, Entry]
    links: dict[str, str]

    def read(self, name: str, limit: int) -> bytes:
        """A whole file."""
        entry = self._entry(name)
        if entry.size > limit:
            raise _too_large(f"{name} in {self.path}", limit)
        return entry.body if entry.body is not None else b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """A file in parts."""
        entry = self._entry(name)
        left = entry.size
        with _opened(self.path) as stream, _uncompressed(stream) as source, _understood(self.path):
            source.seek(entry.start)
            while left:
                chunk = source.read(min(CHUNK, left))
                if not chunk:
                    raise BacError("bad_manifest", f"{self.path} ends in the middle of {name}")
                left -= len(chunk)
                yield chunk

    def _entry(self, name: str) -> Entry:
        found = self.entries.get(name) or self.entries.get(self.links.get(name, ""))
        if found is None:
            raise BacError("bad_manifest", f"{self.path} holds no {name}")
        return found


def tarball(path: Path) -> Tarball:
    """The archive at a path, with its entries listed.

    Raises BacError ``unreadable_file``, ``bad_manifest`` or ``too_large``.
    """
    entries: dict[str, Entry] = {}
    links: dict[str, str] = {}
    with _opened(path) as stream, _uncompressed(stream) as source, _understood(path):
        kept = 0
        for member in _members(source, path):
            name = _plain(member.name)
            if member.issym() or member.islnk():
                base = posixpath.dirname(name) if member.issym() else ""
                links[name] = _plain(posixpath.normpath(posixpath.join(base, member.linkname)))
            elif member.isreg() and name:
                body = None
                if member.size <= SMALL and kept + member.size <= KEPT:
                    body = _body(source, member)
                    kept += member.size
                entries[name] = Entry(member.offset_data, member.size, body)
    return Tarball(path, entries, links)


class _Bounded:
    """A stream that refuses what only a hostile archive asks tarfile to do: read a huge header, go on for ever."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream = stream
        self._path = path

    def read(self, size: int) -> bytes:
        """So many bytes, of a header."""
        if not 0 <= size <= HEADER_LIMIT:
            raise BacError("bad_manifest", f"{self._path} has a header of more than {HEADER_LIMIT} bytes")
        return self._stream.read(size)

    def seek(self, place: int) -> None:
        """Go to a place from the start."""
        if place > ARCHIVE_LIMIT:
            raise _too_large(str(self._path), ARCHIVE_LIMIT)
        self._stream.seek(place)

    def tell(self) -> int:
        """Where it is."""
        return self._stream.tell()


def _members(source: IO[bytes], path: Path) -> Iterator[tarfile.TarInfo]:
    archive = tarfile.TarFile(fileobj=_Bounded(source, path))  # type: ignore[arg-type]
    count = 0
    while (member := archive.next()) is not None:
        count += 1
        if count > MAX_ENTRIES:
            raise BacError("too_large", f"{path} has more than {MAX_ENTRIES} entries")
        if member.size < 0:
            raise BacError("bad_manifest", f"{path} has an entry of a negative size")
        yield member
        archive.members = []  # type: ignore[attr-defined] # it would keep every one


def _body(source: IO[bytes], member: tarfile.TarInfo) -> bytes:
    source.seek(member.offset_data)
    body = source.read(member.size)
    if len(body) < member.size:
        raise EOFError
    return body


def _plain(name: str) -> str:
    """A name as a layout has it, without ``./``; empty for one that no layout has."""
    found = name.removeprefix("./")
    outside = found.startswith("/") or ".." in found.split("/")
    return "" if outside or len(found) > MAX_NAME else found


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """A regular file: a pipe or a device could keep its reader waiting for ever."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BacError("unreadable_file", f"{path} is not a file")
        with path.open("rb") as stream:
            yield stream
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is damaged"
        raise BacError("unreadable_file", f"cannot read {path}: {reason}") from error


@contextmanager
def _uncompressed(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    packed = stream.read(len(GZIP)) == GZIP
    stream.seek(0)
    if not packed:
        yield stream
        return
    with gzip.GzipFile(fileobj=stream) as source:
        yield source  # type: ignore[misc]


@contextmanager
def _understood(path: Path) -> Iterator[None]:
    try:
        yield
    except gzip.BadGzipFile as error:
        raise BacError("bad_manifest", f"{path} is not all of a gzip file") from error
    except BROKEN as error:
        raise BacError("bad_manifest", f"{path} is no tar archive, or a damaged one") from error


def _within(body: bytes, limit: int, what: str) -> bytes:
    if len(body) > limit:
        raise _too_large(what, limit)
    return body


def _too_large(what: str, limit: int) -> BacError:
    return BacError("too_large", f"{what} is larger than {limit} bytes")
