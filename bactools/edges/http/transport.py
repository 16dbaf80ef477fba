"""One exchange with one server: sessions, TLS, and the failures told apart. The only importer of requests.

A request is sent as it is given: no credentials from ``.netrc``, no cookies. Proxies are those of the environment
when a host is first asked, except for this machine itself. Threads may share a Transport: a session is made under a
lock and not changed afterwards, it keeps no cookies, and urllib3 hands each of its connections to one thread at a time.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from bactools import __version__
from bactools.core.errors import BacError
from bactools.core.reference import is_loopback
from bactools.edges.http.endpoints import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from ssl import SSLContext

    from requests import PreparedRequest, Response, Session

    from bactools.core.retries import Trouble

CONNECT_TIMEOUT = 5.0
"""Seconds to reach a server."""
READ_TIMEOUT = 30.0
"""Seconds that a server may stay silent."""
SLOWEST = 300.0
"""Seconds of waiting for a MiB of a body, after which a server is too slow."""
MIB = 1024 * 1024
CHUNK = 64 * 1024
CONNECTIONS = 256
"""Connections kept alive to one server."""

DROPPED = (errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE)


class Trust(NamedTuple):
    """What makes a server the right one: certificate files beside the system's, and who we are to it.

    ``certificate`` is the files of our own certificate and its key; not ``verified``: any certificate will do;
    ``plain``: so will http, where no TLS is spoken.
    """

    authorities: tuple[str, ...] = ()
    certificate: tuple[str, str] | None = None
    verified: bool = True
    plain: bool = False

    def elsewhere(self) -> Trust:
        """The trust in a server that another one named."""
        return Trust(self.authorities)


PUBLIC = Trust()


class ExchangeError(BacError):
    """An exchange that came to no end: its ``trouble``, if asking again may help, and whether TLS is not spoken."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str | None = None,
        trouble: Trouble | None = None,
        speaks_no_tls: bool = False,
    ) -> None:
        super().__init__(code, message, hint=hint)
        self.trouble = trouble
        self.speaks_no_tls = speaks_no_tls


class Call(NamedTuple):
    """One request; a ``form`` or a ``body``, whose own errors pass through, makes a POST of it."""

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str] | None = None
    form: Mapping[str, str] | None = None
    trust: Trust = PUBLIC
    body: Iterable[bytes] | None = None


class Transport:
    """Sends requests over kept-alive connections. Nothing is imported before the first one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sessions: dict[Trust, tuple[Session, str | bool]] = {}
        self._proxies: dict[str, dict[str, str]] = {}

    def send(self, call: Call, seconds: float, silence: float = READ_TIMEOUT) -> Response:
        """The head of the answer; who asks reads the body by ``chunks`` and closes it.

        The server may say nothing for ``silence`` seconds. Raises ExchangeError, or for files of the trust BacError
        ``bad_config``, ``unreadable_file``.
        """
        from requests import Request

        session, verify = self._session(call.trust)
        doing = f"{'fetching' if call.body is None else 'sending to'} {shown(call.url)}"
        with _translated(doing):
            request = Request(
                call.method,
                call.url,
                params=dict(call.query) if call.query else None,
                data=dict(call.form) if call.form else call.body,
                headers=dict(call.headers),
                auth=_as_given,
            )
            prepared = session.prepare_request(request)
            return session.send(
                prepared,
                timeout=(min(CONNECT_TIMEOUT, seconds), min(silence, seconds)),
                allow_redirects=False,
                stream=True,
                verify=verify,
                cert=call.trust.certificate,
                proxies=self._proxies_to(prepared.url or call.url),
            )

    def close(self) -> None:
        """Give the connections up."""
        for session, _ in self._sessions.values():
            session.close()

    def _session(self, trust: Trust) -> tuple[Session, str | bool]:
        """The session for a trust, and what requests is to verify by."""
        trust = trust._replace(plain=False)
        with self._lock:
            if trust not in self._sessions:
                system = _system_authorities()
                self._sessions[trust] = _fresh_session(trust), system if trust.verified else False
            return self._sessions[trust]

    def _proxies_to(self, url: str) -> dict[str, str]:
        """The proxies to a host, by scheme, looked up once: requests would spend a tenth of its time on that."""
        from requests.utils import get_environ_proxies

        parts = urlsplit(url)
        if parts.netloc not in self._proxies:
            local = is_loopback(parts.hostname or "")
            self._proxies[parts.netloc] = {} if local else get_environ_proxies(url)
        return self._proxies[parts.netloc]


def chunks(response: Response, url: str, clock: Callable[[], float] = time.monotonic) -> Iterator[bytes]:
    """The body as it arrives: a server that sends a byte at a time is seen to do so. Raises ExchangeError.

    ``clock`` is in seconds; what the reader does between two chunks is not the server's time.
    """
    waited = 0.0
    arrived = 0
    while True:
        before = clock()
        with _translated(f"fetching {shown(url)}"):
            chunk = response.raw.read1(CHUNK, decode_content=True)
        if not chunk:
            return
        waited += clock() - before
        arrived += len(chunk)
        if arrived >= MIB:
            waited, arrived = 0.0, 0
        elif waited >= SLOWEST:
            message = f"fetching {shown(url)}: the server took {SLOWEST:g} seconds for less than a MiB"
            raise BacError("timed_out", message, hint="Try again later.")
        yield chunk


def _fresh_session(trust: Trust) -> Session:
    from http.cookiejar import DefaultCookiePolicy

    import requests
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # Left to itself, requests reads the body of every redirect, however long, even of one it may not follow.
    session.get_redirect_target = lambda _: None  # type: ignore[assignment,method-assign]
    session.headers.update({"User-Agent": f"bactools/{__version__}", "Accept-Encoding": "identity"})
    adapter = HTTPAdapter(pool_maxsize=CONNECTIONS)
    if not trust.verified:
        from urllib3 import disable_warnings
        from urllib3.exceptions import InsecureRequestWarning

        disable_warnings(InsecureRequestWarning)  # the user has asked for it
    elif trust.authorities:
        # requests takes one bundle or folder, which would replace the system's
        context = _context(trust.authorities)
        adapter.init_poolmanager(CONNECTIONS, CONNECTIONS, ssl_context=context)
        adapter.proxy_manager_for = partial(adapter.proxy_manager_for, ssl_context=context)  # type: ignore[method-assign]
    session.mount("https://", adapter)
    session.mount("http://", HTTPAdapter(pool_maxsize=CONNECTIONS))
    return session


def _context(authorities: tuple[str, ...]) -> SSLContext:
    from ssl import PROTOCOL_TLS_CLIENT, SSLContext, SSLError

    context = SSLContext(PROTOCOL_TLS_CLIENT)
    for file in authorities:
        try:
            context.load_verify_locations(cafile=file)
        except SSLError as error:
            raise BacError("bad_config", f"{file} holds no certificate in PEM form", input=file) from error
        except OSError as error:
            raise BacError("unreadable_file", f"cannot read {file}: {error.strerror}", input=file) from error
    return context


def _system_authorities() -> str | bool:
    """The bundle that the environment names, else the system's folder, which needs no reading; True is certifi's."""
    from ssl import get_default_verify_paths

    paths = get_default_verify_paths()
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", paths.openssl_cafile_env):
        if bundle := os.environ.get(name):
            if not Path(bundle).exists():
                raise BacError("bad_config", f"{name} names {bundle}, which is not there", hint="Correct or unset it.")
            return bundle
    folder = paths.capath
    return folder if folder and any(Path(folder).glob("*.0")) else True


def _as_given(request: PreparedRequest) -> PreparedRequest:
    """An authentication that adds nothing; without any, requests would take a user from the URL."""
    return request


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    """Tell the failures of requests apart by the error that lies at their bottom."""
    from requests.exceptions import InvalidProxyURL, InvalidSchema, InvalidURL, RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (InvalidProxyURL, InvalidSchema) as error:
        message = f"{doing}: the proxy that the environment names cannot be used"
        raise BacError("bad_config", message, hint="Correct HTTPS_PROXY and its kin, or unset them.") from error
    except InvalidURL as error:
        raise ExchangeError("unreachable", f"{doing}: there can be no such host") from error
    except (RequestException, HTTPError, OSError) as error:
        raise _failure(doing, error) from error


def _failure(doing: str, error: BaseException) -> ExchangeError:
    from ssl import SSLCertVerificationError, SSLEOFError, SSLError, SSLZeroReturnError

    from urllib3.exceptions import ProxyError

    causes = _causes(error)
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return ExchangeError("timed_out", f"{doing}: no answer in time", hint="Try again later.", trouble="silent")
    for cause in causes:
        if isinstance(cause, SSLCertVerificationError):
            hint = "Is it the registry of a private authority? --ca-file names the authority's certificate."
            return ExchangeError("unreachable", f"{doing}: {cause.reason}: {cause.verify_message}", hint=hint)
        if isinstance(cause, SSLError) and not isinstance(cause, (SSLEOFError, SSLZeroReturnError)):
            reason = cause.reason or "TLS failed"
            alerted = "_ALERT_" in reason  # OpenSSL's name of an alert, which only who speaks TLS can send
            hint = "Does it want a certificate of ours?" if alerted else "Is that server's port for https?"
            return ExchangeError("unreachable", f"{doing}: {reason}", hint=hint, speaks_no_tls=not alerted)
        if isinstance(cause, OSError) and cause.strerror and cause.errno not in DROPPED:
            hint = "Check the host's name and the network."
            refused = cause.errno == errno.ECONNREFUSED
            return ExchangeError("unreachable", f"{doing}: {cause.strerror}", hint=hint, speaks_no_tls=refused)
    if any(isinstance(cause, ProxyError) for cause in causes):
        hint = "Check the proxy that the environment names."
        return ExchangeError("unreachable", f"{doing}: the proxy does not let it through", hint=hint)
    return ExchangeError("unreachable", f"{doing}: the connection broke off", hint="Try again.", trouble="dropped")


def _causes(error: BaseException) -> list[BaseException]:
    """Each error, what it was raised from and what it was raised after, the outermost first."""
    found = [error]
    for each in found:
        found += [cause for cause in (each.__cause__, each.__context__) if cause and cause not in found]
    return found
