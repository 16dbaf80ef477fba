"""A container's standard output and error as the engine sends them: frames on one connection.

A frame is a header of eight bytes (1: stdout, 2: stderr; three zeros; length, big-endian) and that many
bytes (Engine API, "Attach to a container"). Pieces of a frame are passed on as they arrive.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from bactools.edges.docker_engine.client import translated

if TYPE_CHECKING:
    from bactools.core.running import Stream
    from bactools.edges.docker_engine.patience import Patience

    Printed = tuple[Stream, bytes]

STREAMS: dict[int, Stream] = {1: "stdout", 2: "stderr"}
HEADER = struct.Struct(">BxxxL")
PIECE = 64 * 1024


class Demultiplexer:
    """Bytes of the connection in, pieces of the two streams out, wherever the bytes are cut."""

    def __init__(self) -> None:
        self._header = b""
        self._stream: Stream = "stdout"
        self._left = 0

    def feed(self, data: bytes) -> list[Printed]:
        """The pieces that ``data`` completes or continues; empty pieces are left out."""
        printed: list[Printed] = []
        start = 0
        while start < len(data):
            if self._left:
                piece = data[start : start + self._left]
                self._left -= len(piece)
                printed.append((self._stream, piece))
            else:
                piece = data[start : start + HEADER.size - len(self._header)]
                self._take(piece)
            start += len(piece)
        return printed

    def _take(self, part: bytes) -> None:
        self._header += part
        if len(self._header) == HEADER.size:
            number, self._left = HEADER.unpack(self._header)
            self._stream = STREAMS.get(number, "stdout")
            self._header = b""


class Attached:
    """The reading end of an attached container."""

    def __init__(self, connection: Any) -> None:
        # The SDK hands out a raw file for a plain connection, and a socket for one with TLS.
        self._connection = connection
        self._receive = connection.recv if hasattr(connection, "recv") else connection.read
        self._frames = Demultiplexer()

    def read(self) -> list[Printed] | None:
        """What has come of what the container prints, if only a part of a frame; None when it has closed both streams.

        An interruption meanwhile would lose what has come. A connection that breaks raises BacError as
        ``translated``; one that just ends looks like closed streams.
        """
        with translated("reading what the container prints"):
            data = self._receive(PIECE)
        return self._frames.feed(data) if data else None

    def close(self) -> None:
        """End the connection; the container does not notice."""
        # The SDK hangs the response that owns the connection on it, and has no other way to close that.
        getattr(self._connection, "_response", self._connection).close()

    def wait(self, patience: Patience) -> None:
        """Return once there is something to read. Raises Expired and Stopped."""
        # What TLS has already decrypted does not make the descriptor readable again.
        if hasattr(self._connection, "pending") and self._connection.pending():
            patience.check()
        else:
            patience.await_readable(self._connection.fileno())
