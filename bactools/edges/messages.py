"""Messages between a process and one that it has forked: how long each is, then what it says, on a socket between them.

Descriptors of the one that sends may come with a message; the other has its own of them then.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

LENGTH = 8
"""Bytes that say how long a message is."""
PIECE = 65536


class Message(NamedTuple):
    """What was said, and the descriptors that came with it."""

    data: bytes
    descriptors: Sequence[int]


def send(end: socket.socket, data: bytes, descriptors: Sequence[int] = ()) -> None:
    """Give a process that waits its next message. Raises OSError where it is no more."""
    socket.send_fds(end, [len(data).to_bytes(LENGTH, "big")], descriptors)
    end.sendall(data)


def receive(end: socket.socket, descriptors: int = 0) -> Message | None:
    """The next message, with at most so many descriptors; None when nobody is there any more to send a whole one."""
    try:
        head, numbers, _, _ = socket.recv_fds(end, LENGTH, descriptors)
        if len(head) < LENGTH:
            return None
        left, pieces = int.from_bytes(head, "big"), []
        while left and (piece := end.recv(min(left, PIECE))):
            pieces.append(piece)
            left -= len(piece)
    except ConnectionResetError:  # it has gone without reading what it was sent
        return None
    return None if left else Message(b"".join(pieces), numbers)
