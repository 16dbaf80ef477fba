"""POST for RPC endpoints: what is asked is in the URL, a body streams up, and the answer streams down.

Nothing is sent twice and no redirect followed: only who calls knows what a second time would do.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from bactools.core.reference import is_loopback
from bactools.edges.http.transport import (
    CONNECT_TIMEOUT,
    PUBLIC,
    Call,
    Transport,
    as_given,
    chunks,
    fresh_session,
    system_authorities,
    translated,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from requests import Response

ANSWER_TIMEOUT = 60.0
"""Seconds that a server may be silent before it begins to answer a call without a body."""
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
        with self._transport.send(Call("POST", url, {}, query), ANSWER_TIMEOUT) as response:
            yield _reply(response, url)

    @contextmanager
    def upload(self, url: str, query: Mapping[str, str], media_type: str, body: Iterable[bytes]) -> Iterator[Reply]:
        """POST a body in pieces, whose own errors pass through. Raises as ``ask``."""
        host = urlsplit(url).hostname or ""
        direct = is_loopback(host) or bool(proxy_bypass(host))
        with fresh_session(PUBLIC) as session:
            with translated(url):
                response = session.post(
                    url,
                    params=dict(query),
                    data=body,
                    headers={"Content-Type": media_type},
                    auth=as_given,
                    timeout=(CONNECT_TIMEOUT, UPLOAD_TIMEOUT),
                    allow_redirects=False,
                    stream=True,
                    verify=system_authorities(),
                    proxies={} if direct else getproxies(),
                )
            with response:
                yield _reply(response, url)

    def close(self) -> None:
        """Give the connections up."""
        self._transport.close()


def _reply(response: Response, url: str) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, chunks(response, url))
