"""HTTP for everyone: limits on time, size and redirects, and asking again where that may help.

Credentials travel only to the origin that they were given for: a redirect to another one goes without, and so does
our own certificate. An answer is any status; only its absence is an error. Threads may share a Client.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from itertools import count
from math import inf
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urljoin, urlsplit

from bactools.core import quota, retries
from bactools.core.errors import BacError
from bactools.core.reference import is_loopback
from bactools.edges.http.endpoints import endpoint, is_address, shown
from bactools.edges.http.posts import Poster, Reply
from bactools.edges.http.transport import PUBLIC, Call, ExchangeError, Transport, Trust, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from requests import Response

    from bactools.core.quota import Quota
    from bactools.core.retries import Trouble

__all__ = [
    "MAX_REDIRECTS",
    "REQUEST_TIMEOUT",
    "Answer",
    "Client",
    "Poster",
    "RedirectError",
    "Reply",
    "Stream",
    "Timing",
    "Trust",
    "endpoint",
    "is_address",
    "shown",
]

REQUEST_TIMEOUT = 60.0
"""Seconds for one request with its redirects and its body, however busily the body arrives."""
MAX_REDIRECTS = 5

REDIRECTS = (301, 302, 303, 307, 308)
DEFAULT_PORTS = {"http": 80, "https": 443}


class RedirectError(BacError):
    """A redirect that is not followed."""


class Answer(NamedTuple):
    """A complete answer; ``headers`` are looked up by lower-case name, ``moved``: another origin gave it."""

    status: int
    headers: dict[str, str]
    body: bytes
    moved: bool


class Stream(NamedTuple):
    """An answer whose body is still arriving: ``chunks`` raises BacError as ``Client.get``.

    ``url`` is the one that gave it, ``redirected``: after it was asked for at another.
    """

    status: int
    headers: dict[str, str]
    chunks: Iterator[bytes]
    moved: bool
    url: str = ""
    redirected: bool = False


def _chance() -> float:
    import random

    return random.random()  # noqa: S311 (it spreads waits)


class Timing(NamedTuple):
    """Clocks and chance: seconds of any origin that only grow, seconds since 1970, sleep, a number from 0 up to 1."""

    elapsed: Callable[[], float] = time.monotonic
    today: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = _chance


REAL = Timing()


class _Opened(NamedTuple):
    """The head of an answer; its body must have arrived when the clock ``ends``."""

    status: int
    headers: dict[str, str]
    response: Response
    url: str
    moved: bool
    redirected: bool
    ends: float

    def close(self) -> None:
        self.response.close()


Got = TypeVar("Got", Answer, _Opened)


class Client:
    """Sends requests over kept-alive connections; nothing is imported before the first one.

    ``timeout`` is in seconds from now and for all requests together. ``quotas`` is the last word of each host on how
    many requests it still answers.
    """

    def __init__(self, timeout: float | None = None, timing: Timing = REAL) -> None:
        self._transport = Transport()
        self._timing = timing
        self._ends = inf if timeout is None else timing.elapsed() + timeout
        self._plain: set[str] = set()
        self.quotas: dict[str, Quota] = {}

    def get(
        self,
        url: str,
        *,
        limit: int,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        trust: Trust = PUBLIC,
    ) -> Answer:
        """GET ``url`` and what it redirects to; ``limit`` bounds the body in bytes.

        An ``Authorization`` among the headers is for that origin only.

        Raises BacError ``unreachable``, ``timed_out``, ``too_large``, or for files of the trust ``bad_config``,
        ``unreadable_file``.
        """
        return self._answer(Call("GET", url, headers or {}, query, trust=trust), limit)

    def head(self, url: str, *, headers: Mapping[str, str] | None = None, trust: Trust = PUBLIC) -> Answer:
        """As ``get``, without a body."""
        return self._answer(Call("HEAD", url, headers or {}, trust=trust), 0)

    def post(self, url: str, *, form: Mapping[str, str], limit: int, trust: Trust = PUBLIC) -> Answer:
        """POST a form; what it holds is for that server alone, so a redirect is an answer. Raises as ``get``."""
        return self._answer(Call("POST", url, {}, form=form, trust=trust), limit)

    @contextmanager
    def stream(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        trust: Trust = PUBLIC,
    ) -> Iterator[Stream]:
        """As ``get``, for a body that is large: who reads it bounds it, and may leave before its end.

        Only the beginning is asked for again; the body may take until the end of the client's ``timeout``.
        """
        call = Call("GET", url, headers or {}, trust=trust)
        opened = self._insist(lambda: self._open(call), _Opened.close)
        with opened.response:
            body = self._body(opened, self._ends)
            yield Stream(opened.status, opened.headers, body, opened.moved, opened.url, opened.redirected)

    def close(self) -> None:
        """Give the connections up."""
        self._transport.close()

    def _answer(self, call: Call, limit: int) -> Answer:
        def ask() -> Answer:
            opened = self._open(call)
            with opened.response:
                body = b"" if call.method == "HEAD" else self._whole(opened, limit)
            return Answer(opened.status, opened.headers, body, opened.moved)

        return self._insist(ask, lambda _: None)

    def _insist(self, ask: Callable[[], Got], drop: Callable[[Got], None]) -> Got:
        """Ask until there is an answer that stays, or until it is enough. Raises as ``ask``."""
        for attempt in count(1):
            try:
                got = ask()
            except ExchangeError as error:
                pause = self._pause(error.trouble, attempt, None)
                if pause is None:
                    raise
            else:
                pause = self._pause(retries.of_status(got.status), attempt, got.headers.get("retry-after"))
                if pause is None:
                    return got
                drop(got)
            self._timing.sleep(pause)
        raise AssertionError("counting has no end")

    def _pause(self, trouble: Trouble | None, attempt: int, retry_after: str | None) -> float | None:
        if trouble is None:
            return None
        pause = retries.wait(trouble, attempt, retry_after, self._timing.today(), self._timing.chance())
        late = pause is not None and self._timing.elapsed() + pause > self._ends
        return None if late else pause

    def _open(self, call: Call) -> _Opened:
        ends = min(self._ends, self._timing.elapsed() + REQUEST_TIMEOUT)
        first = None
        for redirects in range(MAX_REDIRECTS + 1):
            response, url = self._send(call, ends)
            first = first or _origin(url)
            headers = {name.lower(): value for name, value in response.headers.items()}
            if told := quota.read(headers):
                self.quotas[_host(url)] = told
            target = headers.get("location")
            if call.form or response.status_code not in REDIRECTS or target is None:
                moved = _origin(url) != first
                return _Opened(response.status_code, headers, response, url, moved, redirects > 0, ends)
            response.close()
            call = _redirected(call, url, target)
        raise RedirectError("unreachable", f"{shown(call.url)} redirects more than {MAX_REDIRECTS} times")

    def _send(self, call: Call, ends: float) -> tuple[Response, str]:
        """Send, without TLS if that will do and the server speaks none; the answer with the URL that gave it."""
        seconds = ends - self._timing.elapsed()
        if seconds <= 0:
            raise _too_late(call.url)
        if call.trust.plain and _host(call.url) in self._plain:
            call = _without_tls(call)
        try:
            return self._transport.send(call, seconds), call.url
        except ExchangeError as error:
            if not (error.speaks_no_tls and call.trust.plain and call.url.startswith("https:")):
                raise
        self._plain.add(_host(call.url))
        return self._transport.send(_without_tls(call), seconds), _without_tls(call).url

    def _whole(self, opened: _Opened, limit: int) -> bytes:
        parts = []
        received = 0
        for chunk in self._body(opened, opened.ends):
            received += len(chunk)
            if received > limit:
                raise BacError("too_large", f"the answer from {shown(opened.url)} is larger than {limit} bytes")
            parts.append(chunk)
        return b"".join(parts)

    def _body(self, opened: _Opened, ends: float) -> Iterator[bytes]:
        for chunk in chunks(opened.response, opened.url):
            if self._timing.elapsed() > ends:
                raise _too_late(opened.url)
            yield chunk


def _too_late(url: str) -> BacError:
    return BacError("timed_out", f"fetching {shown(url)}: its time is over", hint="Try again later.")


def _without_tls(call: Call) -> Call:
    return call._replace(url="http:" + call.url.removeprefix("https:").removeprefix("http:"))


def _redirected(call: Call, url: str, target: str) -> Call:
    """The call that a redirect asks for: to https, within this machine, or to where we are already."""
    try:
        following = urljoin(url, target)
        parts = urlsplit(following)
        stays = _origin(following) == _origin(url)
    except ValueError as error:
        raise RedirectError("unreachable", f"{shown(url)} redirects to what is no URL: {error}") from error
    local = is_loopback(parts.hostname or "") and urlsplit(url).scheme == "http"
    if parts.scheme != "https" and not (parts.scheme == "http" and (local or stays)):
        wrong = "not https" if parts.scheme == "http" else "neither https nor http"
        raise RedirectError("unreachable", f"{shown(url)} redirects to {shown(following)}, which is {wrong}")
    call = call._replace(url=following, query=None)
    if stays:
        return call
    headers = {name: value for name, value in call.headers.items() if name != "Authorization"}
    return call._replace(headers=headers, trust=call.trust.elsewhere())


def _host(url: str) -> str:
    """The host of a URL, with its port if it names one."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)
