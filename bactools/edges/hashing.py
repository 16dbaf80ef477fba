"""The SHA-256 of what is on its way to a file, worked out beside it: hashing takes as long as fetching from nearby."""

from __future__ import annotations

import hashlib
from queue import SimpleQueue
from threading import Thread

from bactools.edges import signals

AHEAD = 16
"""Pieces that may wait to be hashed."""


class Sha256:
    """The digest of pieces as they come. For one thread, to be closed; its own ends then."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._pieces: SimpleQueue[bytes | None] = SimpleQueue()
        self._room: SimpleQueue[None] = SimpleQueue()
        self._thread: Thread | None = None

    def add(self, piece: bytes) -> None:
        """Hash this too, soon; waits where too much is waiting."""
        if self._thread is None:
            self._start()
        self._room.get()
        self._pieces.put(piece)

    def digest(self) -> bytes:
        """That of all that was added; nothing more can be."""
        self.close()
        return self._hash.digest()

    def close(self) -> None:
        """Wait for what is still to be hashed, which is little."""
        if self._thread is not None:
            self._pieces.put(None)
            self._thread.join()

    def _start(self) -> None:
        for _ in range(AHEAD):
            self._room.put(None)
        with signals.held():  # the thread takes over that they wait, or it would take them from the main one
            self._thread = Thread(target=self._work, name="hashing", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while (piece := self._pieces.get()) is not None:
            self._hash.update(piece)
            self._room.put(None)
