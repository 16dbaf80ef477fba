"""Who to be at a registry: its challenge is answered with a password or a token (distribution's token specification).

A secret goes to the registry itself, or to the token server that it names, over https; without TLS only
when both are this machine, or where the user has called the host insecure. Tokens are kept for one repository each,
and asked for without a login when there is none. Threads may share a Logins: of those that are refused at one
repository at once, one asks and the others take what it got.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from bactools.core.credentials import Challenge, challenges
from bactools.core.errors import BacError
from bactools.core.reference import is_loopback
from bactools.edges.registry.hosts import Hosts
from bactools.edges.registry.statuses import TELLING, check

if TYPE_CHECKING:
    from collections.abc import Callable

    from bactools.core.credentials import Credential
    from bactools.edges.http import Answer, Client, Trust
    from bactools.edges.registry.hosts import Endpoint

TOKEN_LIMIT = 1024 * 1024
CLIENT_ID = "bactools"
DEFAULTS = Hosts()


class _Token(msgspec.Struct):
    token: str | None = None
    access_token: str | None = None


class Logins:
    """What is known of this user by registry, and the header that each repository accepted last.

    ``find`` gives the login for a repository, by its domain and path.
    """

    def __init__(self, client: Client, find: Callable[[str], Credential | None], hosts: Hosts = DEFAULTS) -> None:
        self._client = client
        self._find = find
        self._hosts = hosts
        self._accepted: dict[str, str] = {}
        self._lock = Lock()
        self._locks: defaultdict[str, Lock] = defaultdict(Lock)

    def known(self, endpoint: Endpoint) -> str | None:
        """The Authorization header that this repository, or all of its registry, accepted before."""
        return self._accepted.get(endpoint.reference.name) or self._accepted.get(endpoint.reference.domain)

    def answer(self, endpoint: Endpoint, header: str, refused: str | None) -> str | None:
        """The Authorization header for a ``WWW-Authenticate``; None when we know no better than what was refused.

        Raises BacError ``unauthorized``, ``bad_config``, or as the token server fails.
        """
        name = endpoint.reference.name
        with self._lock:
            lock = self._locks[name]
        with lock:
            known = self.known(endpoint)
            if known and known != refused:
                return known
            authorization = self._made(endpoint, header)
            if authorization in (None, refused):
                return None
            self._accepted[name] = authorization
            return authorization

    def _made(self, endpoint: Endpoint, header: str) -> str | None:
        for challenge in challenges(header):
            if challenge.scheme == "bearer":
                return f"Bearer {self._token(endpoint, challenge)}"
            if challenge.scheme == "basic":
                return self._password(endpoint)
        return None

    def _password(self, endpoint: Endpoint) -> str | None:
        """The login itself; one for the whole registry is not asked for again at its other repositories."""
        login = self._find(endpoint.reference.name)
        authorization = _basic(login)
        if authorization and login == self._find(endpoint.reference.domain):
            self._accepted[endpoint.reference.domain] = authorization
        return authorization

    def _token(self, endpoint: Endpoint, challenge: Challenge) -> str:
        doing = f"asking for a token for {endpoint.reference}"
        realm = challenge.parameters.get("realm", "")
        trust = self._trust(realm, endpoint)
        if trust is None:
            raise BacError("unauthorized", f"{doing}: the registry names a token server without https")
        query = {"scope": challenge.parameters.get("scope", f"repository:{endpoint.reference.path}:pull")}
        if "service" in challenge.parameters:
            query["service"] = challenge.parameters["service"]
        answer = self._asked(realm, query, self._find(endpoint.reference.name), trust)
        if answer.status not in TELLING:
            raise BacError("unreachable", f"{doing}: the token server answers {answer.status}", hint="Try again later.")
        check(answer, doing)
        try:
            decoded = msgspec.json.decode(answer.body, type=_Token)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            decoded = _Token()
        token = decoded.token or decoded.access_token or ""
        if not token or not token.isascii() or not token.isprintable():
            raise BacError("unauthorized", f"{doing}: the answer holds none")
        return token

    def _asked(self, realm: str, query: dict[str, str], login: Credential | None, trust: Trust) -> Answer:
        """An identity token is exchanged by OAuth 2 (RFC 6749, 6); all others ask as distribution's clients do."""
        if login and login.identity_token:
            form = {"grant_type": "refresh_token", "refresh_token": login.identity_token, "client_id": CLIENT_ID}
            return self._client.post(realm, form={**query, **form}, limit=TOKEN_LIMIT, trust=trust)
        authorization = _basic(login)
        headers = {"Authorization": authorization} if authorization else None
        return self._client.get(realm, limit=TOKEN_LIMIT, query=query, headers=headers, trust=trust)

    def _trust(self, realm: str, endpoint: Endpoint) -> Trust | None:
        """The trust in a token server; None where nothing may be sent to it."""
        registry = endpoint.reference.domain
        try:
            parts = urlsplit(realm)
            if not parts.hostname or parts.scheme not in ("http", "https"):
                return None
            local = is_loopback(parts.hostname) and is_loopback(registry)
        except ValueError:
            return None
        if parts.netloc == registry:
            trust = endpoint.trust
        else:
            own = self._hosts.trust(parts.netloc)
            trust = own._replace(authorities=(*endpoint.trust.authorities, *own.authorities))
        if parts.scheme == "http" and not local and (trust.verified or not trust.plain):
            return None
        return trust


def _basic(login: Credential | None) -> str | None:
    if login is None or not login.password:
        return None
    return "Basic " + base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
