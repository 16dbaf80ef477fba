"""POST for RPC endpoints: what is asked is in the URL, a body streams up, and the answer streams down.

Nothing is sent twice and no redirect followed: only who calls knows what a second time would do.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from bactools.edges.http.transport import READ_TIMEOUT, Call, Transport, chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from requests import Response

UPLOAD_TIMEOUT = 600.0
"""Seconds that a server may be silent after an upload, which it has to store."""


class Reply(NamedTuple):
    """An answer whose body is still arriving; ``chunks`` raises BacError as ``Poster.ask``."""

    status: int
    headers: dict[str, str]
    chunks: Iterator[bytes]


class Poster:
    """Sends over kept-alive connections; nothing is imported before the first call."""

    def __init__(self) -> None:
        self._transport = Transport()

    @contextmanager
    def ask(self, url: str, query: Mapping[str, str]) -> Iterator[Reply]:
        """POST without a body. Raises BacError ``unreachable``, ``timed_out``, ``bad_config``."""
        with self._transport.send(Call("POST", url, {}, query), READ_TIMEOUT) as response:
            yield _reply(response, url)

    @contextmanager
    def upload(self, url: str, query: Mapping[str, str], media_type: str, body: Iterable[bytes]) -> Iterator[Reply]:
        """POST a body in pieces, whose own errors pass through. Raises as ``ask``."""
        call = Call("POST", url, {"Content-Type": media_type}, query, body=body)
        with self._transport.send(call, UPLOAD_TIMEOUT, silence=UPLOAD_TIMEOUT) as response:
            yield _reply(response, url)

    def close(self) -> None:
        """Give the connections up."""
        self._transport.close()


def _reply(response: Response, url: str) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, chunks(response, url))
