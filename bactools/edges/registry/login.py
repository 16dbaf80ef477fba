"""Who to be at a registry: its challenge is answered with a password or a token (distribution's token specification).

A password goes to the registry itself, or to the token server that it names, over https; without TLS only
when both are this machine. Tokens are kept for one repository each, and asked for without a login when there is none.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from bactools.core.credentials import Challenge, challenges
from bactools.core.errors import BacError
from bactools.core.reference import is_loopback
from bactools.edges.registry.statuses import check

if TYPE_CHECKING:
    from collections.abc import Callable

    from bactools.core.credentials import Credential
    from bactools.core.reference import Reference
    from bactools.edges.http import Client

TOKEN_LIMIT = 1024 * 1024


class _Token(msgspec.Struct):
    token: str | None = None
    access_token: str | None = None


class Logins:
    """What is known of this user by registry, and the header that each repository accepted last."""

    def __init__(self, client: Client, find: Callable[[str], Credential | None]) -> None:
        self._client = client
        self._find = find
        self._found: dict[str, Credential | None] = {}
        self._accepted: dict[str, str] = {}

    def known(self, reference: Reference) -> str | None:
        """The Authorization header from before, if this repository was asked before."""
        return self._accepted.get(reference.name)

    def answer(self, reference: Reference, header: str) -> str | None:
        """The Authorization header for a ``WWW-Authenticate``; None when we know no answer to it.

        Raises BacError ``unauthorized``, ``bad_config``, or as the token server fails.
        """
        authorization = None
        for challenge in challenges(header):
            if challenge.scheme == "bearer":
                authorization = f"Bearer {self._token(reference, challenge)}"
                break
            if challenge.scheme == "basic":
                authorization = self._basic(reference.domain)
                break
        if authorization:
            self._accepted[reference.name] = authorization
        return authorization

    def _basic(self, domain: str) -> str | None:
        if domain not in self._found:
            self._found[domain] = self._find(domain)
        login = self._found[domain]
        if login is None:
            return None
        return "Basic " + base64.b64encode(f"{login.username}:{login.password}".encode()).decode()

    def _token(self, reference: Reference, challenge: Challenge) -> str:
        doing = f"asking for a token for {reference}"
        realm = challenge.parameters.get("realm", "")
        if not _is_safe(realm, reference.domain):
            raise BacError("unauthorized", f"{doing}: the registry names a token server without https")
        query = {"scope": challenge.parameters.get("scope", f"repository:{reference.path}:pull")}
        if "service" in challenge.parameters:
            query["service"] = challenge.parameters["service"]
        answer = self._client.get(realm, limit=TOKEN_LIMIT, query=query, authorization=self._basic(reference.domain))
        check(answer, doing)
        try:
            decoded = msgspec.json.decode(answer.body, type=_Token)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            decoded = _Token()
        token = decoded.token or decoded.access_token or ""
        if not token or not token.isascii() or not token.isprintable():
            raise BacError("unauthorized", f"{doing}: the answer holds none")
        return token


def _is_safe(realm: str, domain: str) -> bool:
    """Whether a login may be sent to a token server: https, or on this machine for a registry on this machine."""
    try:
        parts = urlsplit(realm)
        local = is_loopback(parts.hostname or "") and is_loopback(domain)
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and local))
