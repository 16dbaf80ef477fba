"""HTTP for everyone: one session, with limits on time, size and redirects. The only importer of requests.

A request is sent as it is given: no credentials from ``.netrc``, no cookies. Proxies are those of the environment,
except for this machine itself. Credentials travel only to the origin that they were given for: a redirect to
another one goes without. An answer is any status; only its absence is an error.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from bactools import __version__
from bactools.core.errors import BacError
from bactools.core.reference import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from ssl import SSLError

    from requests import PreparedRequest, Response, Session

CONNECT_TIMEOUT = 5.0
"""Seconds to reach a server."""
READ_TIMEOUT = 30.0
"""Seconds that a server may stay silent."""
MAX_REDIRECTS = 5
CHUNK = 64 * 1024

REDIRECTS = (301, 302, 303, 307, 308)
DEFAULT_PORTS = {"http": 80, "https": 443}
DIRECT = {"http": "", "https": ""}


class Answer(NamedTuple):
    """A complete answer; ``headers`` are looked up by lower-case name, ``moved``: another origin gave it."""

    status: int
    headers: dict[str, str]
    body: bytes
    moved: bool


class Client:
    """Sends requests over kept-alive connections. Nothing is imported before the first one."""

    def __init__(self) -> None:
        self._session: Session | None = None

    def get(
        self,
        url: str,
        *,
        limit: int,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        authorization: str | None = None,
    ) -> Answer:
        """GET ``url`` and what it redirects to; ``limit`` bounds the body in bytes.

        Raises BacError ``unreachable``, ``timed_out`` or ``too_large``.
        """
        asked = url
        parameters = dict(query) if query else None
        for _ in range(MAX_REDIRECTS + 1):
            sent = {**(headers or {}), **({"Authorization": authorization} if authorization else {})}
            with _translated(url), self._send(url, sent, parameters) as response:
                target = response.headers.get("Location")
                if response.status_code not in REDIRECTS or target is None:
                    body = b"".join(_bounded(response, limit, url))
                    lowered = {name.lower(): value for name, value in response.headers.items()}
                    return Answer(response.status_code, lowered, body, _origin(url) != _origin(asked))
            following = _redirected(url, target)
            if _origin(following) != _origin(url):
                authorization = None
            url, parameters = following, None
        raise BacError("unreachable", f"fetching {shown(url)}: more than {MAX_REDIRECTS} redirects")

    def close(self) -> None:
        """Give the connections up."""
        if self._session is not None:
            self._session.close()

    def _send(self, url: str, headers: Mapping[str, str], query: dict[str, str] | None) -> Response:
        if self._session is None:
            self._session = _session()
        return self._session.get(
            url,
            params=query,
            headers=dict(headers),
            auth=_as_given,
            timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
            allow_redirects=False,
            stream=True,
            proxies=DIRECT if is_loopback(urlsplit(url).hostname or "") else None,
        )


def shown(url: str) -> str:
    """A URL for a message: without user and query, which may hold secrets."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _session() -> Session:
    from http.cookiejar import DefaultCookiePolicy

    import requests

    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # Left to itself, requests reads the body of every redirect, however long, even of one it may not follow.
    session.get_redirect_target = lambda _: None  # type: ignore[assignment,method-assign]
    session.headers.update({"User-Agent": f"bactools/{__version__}", "Accept-Encoding": "identity"})
    return session


def _as_given(request: PreparedRequest) -> PreparedRequest:
    """An authentication that adds nothing; without any, requests would look into ``.netrc``."""
    return request


def _bounded(response: Response, limit: int, url: str) -> Iterator[bytes]:
    received = 0
    for chunk in response.iter_content(CHUNK):
        received += len(chunk)
        if received > limit:
            raise BacError("too_large", f"the answer from {shown(url)} is larger than {limit} bytes")
        yield chunk


def _redirected(url: str, target: str) -> str:
    """Where a redirect leads: to https, or within this machine."""
    try:
        following = urljoin(url, target)
        parts = urlsplit(following)
        _origin(following)
    except ValueError as error:
        raise BacError("unreachable", f"{shown(url)} redirects to what is no URL: {error}") from error
    local = is_loopback(parts.hostname or "") and urlsplit(url).scheme == "http"
    if parts.scheme == "https" or (parts.scheme == "http" and local):
        return following
    raise BacError("unreachable", f"{shown(url)} redirects to {shown(following)}, which is not https")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Tell the failures of requests apart by the error that lies at their bottom."""
    from requests.exceptions import InvalidURL, RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except InvalidURL as error:
        raise BacError("unreachable", f"fetching {shown(url)}: there can be no such host") from error
    except (RequestException, HTTPError) as error:
        raise _failure(url, error) from error


def _failure(url: str, error: BaseException) -> BacError:
    from ssl import SSLError

    doing = f"fetching {shown(url)}"
    causes = list(_causes(error))
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return BacError("timed_out", f"{doing}: no answer in time", hint="Try again later.")
    for cause in causes:
        if isinstance(cause, SSLError):
            return BacError("unreachable", f"{doing}: {cause.reason or 'TLS failed'}: {_verification(cause)}")
        if isinstance(cause, OSError) and cause.strerror:
            return BacError("unreachable", f"{doing}: {cause.strerror}", hint="Check the host's name and the network.")
    return BacError("unreachable", f"{doing}: the connection broke off", hint="Try again.")


def _verification(error: SSLError) -> str:
    return getattr(error, "verify_message", None) or "is that server's port for https?"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Each error and what it was raised from, the outermost first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
