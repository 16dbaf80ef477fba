"""Where IPFS blocks are had from: a trustless gateway, or the RPC endpoint of a Kubo node. Neither is believed.

What comes from here is bytes that nobody has looked at yet, bounded in size and time.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from bactools.core.car import MAX_BLOCK
from bactools.core.errors import BacError
from bactools.edges.http import Client, Poster, endpoint, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bactools.core.cid import Cid
    from bactools.edges.http import Reply

RAW = "application/vnd.ipld.raw"
CAR = "application/vnd.ipld.car"
ORDERED = f"{CAR}; version=1; order=dfs; dups=y"
"""A CAR whose blocks come as a walk down needs them (IPIP-412)."""
MAX_TOLD = 4096
"""Bytes of an error message that are read."""
SEARCH_TIME = "20s"
"""How long a node may look for one block; less than it may be silent."""
OK = 200


class Place(Protocol):
    """Gives blocks by their CIDs, unverified."""

    def block(self, name: Cid) -> bytes:
        """One block. Raises BacError ``not_found``, ``unreachable``, ``timed_out``, or ``unauthorized``."""

    def dag(self, name: Cid) -> AbstractContextManager[Iterator[bytes] | None]:
        """A CAR file with a block and all below it, in chunks; None where only single blocks are to be had."""

    def close(self) -> None:
        """Give the connections up."""


class Gateway:
    """A trustless gateway, by the URL that ``/ipfs/CID`` is put behind (Trustless Gateway specification).

    Raises BacError ``bad_config`` for one that is no such URL.
    """

    def __init__(self, url: str) -> None:
        self._url = endpoint(url, "IPFS gateway")
        self._client = Client()

    def block(self, name: Cid) -> bytes:
        """As in Place."""
        url = f"{self._url}/ipfs/{name}?format=raw"
        answer = self._client.get(url, headers={"Accept": RAW}, limit=MAX_BLOCK)
        if answer.status != OK:
            raise _failure(answer.status, name, url, "")
        return answer.body

    @contextmanager
    def dag(self, name: Cid) -> Iterator[Iterator[bytes] | None]:
        """As in Place."""
        url = f"{self._url}/ipfs/{name}?format=car&dag-scope=all"
        with self._client.stream(url, headers={"Accept": ORDERED}) as stream:
            is_car = stream.headers.get("content-type", "").lower().startswith(CAR)
            yield stream.chunks if stream.status == OK and is_car else None

    def close(self) -> None:
        """As in Place."""
        self._client.close()


class Node:
    """A Kubo node, by the URL of its RPC endpoint (``/api/v0``). Raises as Gateway."""

    def __init__(self, url: str) -> None:
        self._url = f"{endpoint(url, 'IPFS node').removesuffix('/api/v0')}/api/v0"
        self._poster = Poster()

    def block(self, name: Cid) -> bytes:
        """As in Place."""
        url = f"{self._url}/block/get"
        with self._poster.ask(url, {"arg": str(name), "timeout": SEARCH_TIME}) as stream:
            if stream.status != OK:
                raise _failure(stream.status, name, url, told(stream))
            return _bounded(stream, url)

    @contextmanager
    def dag(self, name: Cid) -> Iterator[Iterator[bytes] | None]:
        """As in Place."""
        self.block(name)  # an export can be given no time to find its first block in
        with self._poster.ask(f"{self._url}/dag/export", {"arg": str(name), "progress": "false"}) as stream:
            yield stream.chunks if stream.status == OK else None

    def close(self) -> None:
        """As in Place."""
        self._poster.close()


def told(stream: Reply) -> str:
    """What a Kubo node says in an answer that is an error, for people."""
    text = b""
    for chunk in stream.chunks:
        text += chunk
        if len(text) > MAX_TOLD:
            break
    try:
        found = json.loads(text[:MAX_TOLD])
    except ValueError:
        return ""
    message = found.get("Message") if isinstance(found, dict) else None
    return message if isinstance(message, str) else ""


def _bounded(stream: Reply, url: str) -> bytes:
    parts = []
    received = 0
    for chunk in stream.chunks:
        received += len(chunk)
        if received > MAX_BLOCK:
            raise BacError("too_large", f"the answer from {shown(url)} is larger than {MAX_BLOCK} bytes")
        parts.append(chunk)
    return b"".join(parts)


def _failure(status: int, name: Cid, url: str, message: str) -> BacError:
    said = f" ({message})" if message else ""
    doing = f"fetching the IPFS block {name} from {shown(url)}: HTTP status {status}{said}"
    match status:
        case 401 | 403:
            return BacError("unauthorized", doing)
        case 404 | 410:
            return BacError("not_found", doing, hint="Is it still provided? Another gateway may have it.")
        case 429:
            return BacError("rate_limited", doing, hint="Try again later, or use another gateway.")
        case 400 | 405 | 406 | 415:
            return BacError("unsupported", doing, hint="Is it a trustless gateway, one that serves raw blocks?")
    return BacError("unreachable", doing, hint="It may not have the block now; try again later.")
