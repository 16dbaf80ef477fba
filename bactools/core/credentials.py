"""Logins as Docker's ``config.json`` and podman's ``auth.json`` keep them, and the challenges of registries.

``auths`` holds base64 of ``user:password``, or an identity token, by registry; ``credHelpers`` and ``credsStore``
name programs (``docker-credential-NAME``) that know it instead. The file writes a registry as a host, a URL, or for
Docker Hub as ``https://index.docker.io/v1/``; podman also writes a part of a registry, as ``quay.io/team``, and
the longest that fits counts (containers-auth.json(5)). A challenge is a ``WWW-Authenticate`` header (RFC 9110, 11.6.1).
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

_API = re.compile(r"/v[12]/?$")
_HELPER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 (RFC 9110's word for a name)
_PARAMETER = re.compile(rf'\s*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|$)')
_SCHEME = re.compile(rf"\s*,?\s*({_TOKEN})(?:\s+|\s*,|\s*$)")


@dataclass(frozen=True)
class Credential:
    """A user and a password for one registry, or an identity token to get tokens by."""

    username: str
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


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
    identitytoken: str | None = None


class Logins(Struct, rename="camel"):
    """The part of such a file that is about logging in."""

    auths: dict[str, _Auth] | None = None
    cred_helpers: dict[str, str] | None = None
    creds_store: str | None = None


class _Answer(Struct, rename="pascal"):
    username: str
    secret: str


def parse(data: bytes, name: str) -> Logins:
    """Read such a file. Raises BacError ``bad_config``, whose message quotes nothing from it but field names."""
    try:
        return msgspec.json.decode(data, type=Logins)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BacError(
            "bad_config", f"{name} is neither Docker's config.json nor podman's auth.json: {error}", input=name
        ) from error


def candidates(logins: Logins, name: str) -> list[Credential | Helper]:
    """Who may know the login for a repository (``domain/path``), in Docker's order: its helper, the store, ``auths``.

    Raises BacError ``bad_config``.
    """
    domain = name.partition("/")[0]
    helpers = {_domain(server): helper for server, helper in (logins.cred_helpers or {}).items()}
    found: list[Credential | Helper] = []
    for helper in filter(None, (helpers.get(domain), logins.creds_store)):
        if not _HELPER_NAME.fullmatch(helper):
            raise BacError("bad_config", f"the logins name a credential helper that is none: {helper!r}")
        found.append(Helper(helper, DOCKER_HUB_SERVER if domain == DOCKER_HUB else domain))
    login = _kept(logins.auths or {}, name)
    return [*found, login] if login else found


def answered(data: bytes, helper: Helper) -> Credential | None:
    """What a credential helper printed for ``get``; None when it is nobody's. Raises BacError ``bad_config``."""
    try:
        answer = msgspec.json.decode(data, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BacError(
            "bad_config", f"docker-credential-{helper.name} did not answer with Username and Secret"
        ) from error
    if answer.username == TOKEN_USER:
        return Credential("", identity_token=answer.secret)
    return Credential(answer.username, answer.secret) if answer.username else None


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


def _kept(auths: dict[str, _Auth], name: str) -> Credential | None:
    """The login in ``auths`` for a repository: its own, else that of the smallest part of the registry around it."""
    by_scope = {_scope(key): key for key in auths}
    scope = name
    while scope:
        key = by_scope.get(scope)
        if key is not None:
            return _credential(auths[key], key)
        scope = scope.rpartition("/")[0]
    return None


def _scope(key: str) -> str:
    """What a key of ``auths`` is for: a domain, or a part of it; a URL, or a path of the API, is its domain's."""
    if "://" in key or _API.search(key):
        return _domain(key)
    domain, slash, path = key.partition("/")
    return _domain(domain) + slash + path


def _domain(server: str) -> str:
    """A registry's domain as references write it, from a host or a URL."""
    host = server.partition("://")[2] or server
    host = host.partition("/")[0]
    return DOCKER_HUB if host in DOCKER_HUB_HOSTS else host


def _credential(auth: _Auth, server: str) -> Credential | None:
    username, password = auth.username or "", auth.password or ""
    if auth.auth:
        try:
            text = base64.b64decode(auth.auth, validate=True).decode()
        except (binascii.Error, ValueError) as error:
            raise BacError("bad_config", f"the login for {server!r} is not base64") from error
        username, _, password = text.partition(":")
    if auth.identitytoken:
        return Credential(username, identity_token=auth.identitytoken)
    return Credential(username, password.rstrip("\0")) if username and password else None
