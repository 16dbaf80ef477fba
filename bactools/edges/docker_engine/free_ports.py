"""Ports of this host that nobody listens at."""

from __future__ import annotations

import socket

from bactools.core.errors import BacError
from bactools.core.ports import DYNAMIC, EVERYWHERE


def find(count: int, taken: frozenset[int] = frozenset()) -> list[int]:
    """So many TCP ports of Bacalhau's dynamic range, none of them in ``taken``. Raises BacError ``engine_failed``."""
    found: list[int] = []
    for port in DYNAMIC:
        if len(found) == count:
            break
        if port not in taken and _is_free(port):
            found.append(port)
    if len(found) < count:
        raise BacError("engine_failed", f"no port of {DYNAMIC.start} to {DYNAMIC.stop - 1} is free on this host")
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the engine will
        try:
            attempt.bind((EVERYWHERE, port))
        except OSError:
            return False
    return True
