"""Logins as Docker's ``config.json`` keeps them, and the challenges that registries answer with.

``auths`` holds base64 of ``user:password`` by registry; ``credHelpers`` and ``credsStore`` name programs
(``docker-credential-NAME``) that know it instead. The file writes a registry as a host, a URL, or for Docker Hub
as ``https://index.docker.io/v1/``. A challenge is a ``WWW-Authenticate`` header (RFC 9110, 11.6.1).
No password is ever part of a message or of a value's ``repr``.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from bactools.core.errors import BacError
from bactools.core.reference import DOCKER_HUB

DOCKER_HUB_SERVER = "https://index.docker.io/v1/"
DOCKER_HUB_HOSTS = ("index.docker.io", "registry-1.docker.io")
TOKEN_USER = "<token>"  # noqa: S105 (how a helper marks an identity token, which is no password)

_HELPER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 (RFC 9110's word for a name)
_PARAMETER = re.compile(rf'\s*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|$)')
_SCHEME = re.compile(rf"\s*,?\s*({_TOKEN})(?:\s+|\s*,|\s*$)")


@dataclass(frozen=True)
class Credential:
    """A user and a password for one registry."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Helper:
    """A program to ask: ``docker-credential-NAME``, and the server's name as it is known there."""

    name: str
    server: str


@dataclass(frozen=True)
class Challenge:
    """What a registry wants: ``scheme`` in lower case (``basic``, ``bearer``) and its parameters."""

    scheme: str
    parameters: dict[str, str]


class _Auth(Struct):
    auth: str | None = None
    username: str | None = None
    password: str | None = None


class Logins(Struct, rename="camel"):
    """The part of a ``config.json`` that is about logging in."""

    auths: dict[str, _Auth] | None = None
    cred_helpers: dict[str, str] | None = None
    creds_store: str | None = None


class _Answer(Struct, rename="pascal"):
    username: str
    secret: str


def parse(data: bytes, name: str) -> Logins:
    """Read a ``config.json``. Raises BacError ``bad_config``, whose message quotes nothing from it but field names."""
    try:
        return msgspec.json.decode(data, type=Logins)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BacError("bad_config", f"{name} is not Docker's config.json: {error}", input=name) from error


def find(logins: Logins, domain: str) -> Credential | Helper | None:
    """The login for a registry, or the helper that has it, in Docker's order: its own helper, the store, ``auths``.

    Raises BacError ``bad_config``.
    """
    helpers = {_domain(server): helper for server, helper in (logins.cred_helpers or {}).items()}
    name = helpers.get(domain) or logins.creds_store
    if name:
        if not _HELPER_NAME.fullmatch(name):
            raise BacError("bad_config", f"Docker's config.json names a credential helper that is none: {name!r}")
        return Helper(name, DOCKER_HUB_SERVER if domain == DOCKER_HUB else domain)
    for server, auth in (logins.auths or {}).items():
        if _domain(server) == domain:
            return _credential(auth, server)
    return None


def answered(data: bytes, helper: Helper) -> Credential | None:
    """What a credential helper printed for ``get``; None when it holds no password. Raises BacError ``bad_config``."""
    try:
        answer = msgspec.json.decode(data, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BacError(
            "bad_config", f"docker-credential-{helper.name} did not answer with Username and Secret"
        ) from error
    if not answer.username or answer.username == TOKEN_USER:
        return None
    return Credential(answer.username, answer.secret)


def challenges(header: str) -> list[Challenge]:
    """The challenges in a ``WWW-Authenticate`` header; what does not follow the grammar ends the list."""
    found = []
    position = 0
    while scheme := _SCHEME.match(header, position):
        position = scheme.end()
        parameters = {}
        while parameter := _PARAMETER.match(header, position):
            position = parameter.end()
            quoted = parameter[2]
            parameters[parameter[1].lower()] = (
                parameter[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
            )
        found.append(Challenge(scheme[1].lower(), parameters))
    return found


def _domain(server: str) -> str:
    """A registry's domain as references write it, from a key of ``config.json``."""
    host = server.partition("://")[2] or server
    host = host.partition("/")[0]
    return DOCKER_HUB if host in DOCKER_HUB_HOSTS else host


def _credential(auth: _Auth, server: str) -> Credential | None:
    username, password = auth.username, auth.password
    if auth.auth:
        try:
            text = base64.b64decode(auth.auth, validate=True).decode()
        except (binascii.Error, ValueError) as error:
            raise BacError("bad_config", f"the login for {server!r} in Docker's config.json is not base64") from error
        username, _, password = text.partition(":")
    if not username or not password:
        return None
    return Credential(username, password.rstrip("\0"))
