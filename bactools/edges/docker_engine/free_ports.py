"""Ports of this host that nobody listens at, each for one run at a time.

A port is tested long before its container listens at it, so it is held meanwhile, against every other bac-exec in the
same network namespace, by a name in the kernel (unix(7), "abstract"): it goes with its process, however that ends.
"""

from __future__ import annotations

import secrets
import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from bactools.core.errors import BacError
from bactools.core.ports import DYNAMIC, EVERYWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "\0bactools-port-{}"


@contextmanager
def held(count: int, taken: frozenset[int] = frozenset()) -> Iterator[list[int]]:
    """So many TCP ports of Bacalhau's dynamic range, none of them in ``taken``, for as long as the block lasts.

    Raises BacError ``engine_failed``.
    """
    first = secrets.randbelow(len(DYNAMIC))  # others who look for a port start at the lowest
    found: list[int] = []
    with ExitStack() as stack:
        for port in (*DYNAMIC[first:], *DYNAMIC[:first]):
            if len(found) == count:
                break
            holder = None if port in taken else _holder(port)
            if holder is not None:
                stack.enter_context(holder)
                found.append(port)
        if len(found) < count:
            raise BacError("engine_failed", f"no port of {DYNAMIC.start} to {DYNAMIC.stop - 1} is free on this host")
        yield found


def _holder(port: int) -> socket.socket | None:
    """What holds a port as long as it is open; None where another bac-exec does, or somebody listens there."""
    holder = socket.socket(socket.AF_UNIX)
    try:
        holder.bind(NAME.format(port))
        with socket.socket() as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the engine will
            attempt.bind((EVERYWHERE, port))
    except OSError:
        holder.close()
        return None
    return holder
