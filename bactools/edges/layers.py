"""A layer of an image, read once from a stream of its compressed bytes. The only importer of zstandard.

The bytes are hashed to their end and checked against the layer's digest, so that nothing is believed that the manifest
did not promise. Of its entries only the headers are kept, and the content of those that are asked for. How a layer
is compressed is told by its first bytes: media types have been wrong. Nothing is ever written to disk.
"""

from __future__ import annotations

import sys
import tarfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from bactools.core import layers
from bactools.core.errors import BacError
from bactools.edges.unpacking import CHUNK, Unpacking

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from bactools.core.layers import Entry, Kind, Layer

MAX_PACKED = 16 * 1024 * 1024 * 1024
"""Bytes of one layer as it is sent."""
MAX_UNPACKED = 16 * 1024 * 1024 * 1024
"""Bytes of one layer, unpacked."""
MAX_FILE = 64 * 1024 * 1024
"""Bytes that are kept of one file, from its start."""
MAX_HEADER = 8 * 1024 * 1024
"""Bytes of one entry's headers."""
MAX_WINDOW = 128 * 1024 * 1024
"""Bytes that a Zstandard frame may make its reader remember (RFC 8878 asks for 8 MiB; ``--long`` writes 128)."""

GZIP = b"\x1f\x8b"
ZSTANDARD = b"\x28\xb5\x2f\xfd"
SKIPPABLE = b"\x2a\x4d\x18"
"""The last three bytes of a Zstandard frame's magic that holds no data."""

KINDS: dict[bytes, Kind] = {
    **dict.fromkeys((tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.GNUTYPE_SPARSE), "file"),
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
}


class Contents(NamedTuple):
    """A layer, the start of each file that was asked for and is there, and how many bytes it unpacked to."""

    layer: Layer
    files: dict[str, bytes]
    unpacked: int


def read(chunks: Iterable[bytes], digest: str, wanted: Collection[str], limit: int = MAX_UNPACKED) -> Contents:
    """The layer with a digest, from its compressed bytes; ``wanted`` are paths without a leading slash.

    Raises BacError ``bad_layer``, ``digest_mismatch``, ``too_large``, or as ``chunks`` fail.
    """
    packed = _Packed(chunks, digest)
    with _translated(packed):
        unpacked = Unpacking(_decompressed(packed), limit, MAX_HEADER, "a layer", f"{limit} bytes")
        files: dict[str, bytes] = {}
        found = layers.layer(_entries(unpacked, wanted, files))
        unpacked.drain()
    packed.check()
    return Contents(found, files, unpacked.tell())


def _entries(unpacked: Unpacking, wanted: Collection[str], files: dict[str, bytes]) -> Iterator[Entry]:
    archive: Any = tarfile.TarFile(fileobj=cast("IO[bytes]", unpacked), encoding="utf-8", errors="surrogateescape")
    for member in archive:
        archive.members.clear()  # or it would keep them all
        yield layers.Entry(
            member.name, KINDS.get(member.type, "special"), member.linkname, member.mode, max(member.size, 0)
        )
        name = layers.clean(member.name) or ""
        files.pop(name, None)  # of an earlier entry with this name
        if name and name in wanted and member.isreg():
            unpacked.allow(MAX_FILE + CHUNK)
            files[name] = archive.extractfile(member).read(MAX_FILE)
        unpacked.allow()


class _Packed:
    """The compressed bytes as a file to read from, hashed on the way."""

    def __init__(self, chunks: Iterable[bytes], digest: str) -> None:
        import hashlib

        self.digest = digest
        self._chunks = iter(chunks)
        self._hash = hashlib.new(digest.partition(":")[0])
        self._received = 0
        self._rest = b""

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, none at the end only."""
        found = self.peek()[:size]
        self._rest = self._rest[len(found) :]
        return found

    def peek(self) -> bytes:
        """The bytes that come next, at least four unless there are no more; they stay."""
        while len(self._rest) < len(ZSTANDARD):
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._hash.update(chunk)
            self._rest += chunk
            self._received += len(chunk)
            if self._received > MAX_PACKED:
                raise BacError("too_large", f"the layer {self.digest} is larger than {MAX_PACKED} bytes")
        return self._rest

    def check(self) -> None:
        """Read to the end and raise ``digest_mismatch`` when it is not what was promised."""
        while self.peek():
            self._rest = b""
        found = f"{self._hash.name}:{self._hash.hexdigest()}"
        if found != self.digest:
            hint = "Try again; if it stays so, tell the owner of the registry."
            raise BacError("digest_mismatch", f"the layer {self.digest} has the digest {found}", hint=hint)


def _decompressed(packed: _Packed) -> Any:
    start = packed.peek()
    if start.startswith(GZIP):
        import gzip

        return gzip.GzipFile(fileobj=cast("IO[bytes]", packed))
    if start.startswith(ZSTANDARD) or start[1:4] == SKIPPABLE:
        return _zstandard(packed)
    return packed


def _zstandard(packed: Any) -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd

        window = {zstd.DecompressionParameter.window_log_max: MAX_WINDOW.bit_length() - 1}
        return zstd.ZstdFile(packed, options=window)
    import zstandard

    reader = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
    return reader.stream_reader(packed, read_across_frames=True)


@contextmanager
def _translated(packed: _Packed) -> Iterator[None]:
    """What broken archives and broken compression raise, as one error, unless the bytes are the wrong ones anyway."""
    try:
        yield
    except _damage() as error:
        packed.check()
        raise BacError("bad_layer", f"the layer {packed.digest} cannot be read: {error}") from error


def _damage() -> tuple[type[Exception], ...]:
    """The errors of tarfile, of what it trusts in, and of the compression that was used."""
    used = (sys.modules.get(name) for name in ("compression.zstd", "zstandard"))
    zstandard = (module.ZstdError for module in used if module)
    own = (tarfile.TarError, EOFError, OSError, zlib.error, ValueError, LookupError, OverflowError, RecursionError)
    return (*own, *zstandard)
