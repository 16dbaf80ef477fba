"""The way to the Docker engine: connect, ask what it is, and turn the SDK's failures into ours.

Docker's SDK is imported here and nowhere else, and only once an engine seems to be there. Where that is, is told by
``contexts``. A failure is told by its type, errno or HTTP status, never by its text.
"""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bactools.core import enginefacts
from bactools.core.docker_contexts import NO_ENGINE_HINT, not_an_address
from bactools.core.errors import BacError
from bactools.edges.docker_engine import contexts
from bactools.edges.docker_engine.deadline import within

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker import DockerClient
    from docker.tls import TLSConfig
    from requests import Response

    from bactools.core.docker_contexts import Place, Tls
    from bactools.core.enginefacts import DockerFacts

ANSWER_TIMEOUT = 60
"""Seconds that the engine may take for an answer; pulling, running and waiting have their own limits."""
ANSWER_LIMIT = 8 * 1024 * 1024
"""Bytes of what an engine says of itself."""
CHUNK = 64 * 1024
OK = 200
REFUSALS = {401: "unauthorized", 403: "unauthorized", 404: "not_found"}
API_VERSION = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


def address() -> str:
    """Where the engine is looked for. Raises BacError as ``contexts.find``."""
    return contexts.find().address


def connect(timeout: float = ANSWER_TIMEOUT, place: Place | None = None) -> DockerClient:
    """A client of the engine at ``place``, else at the one found, at the engine's API version (one request).

    ``timeout`` is in seconds: for this and for each answer of ``describe`` as a whole, however slowly it comes; for
    every later answer, between two pieces of it. Raises BacError ``no_engine``, ``timed_out``,
    ``unauthorized``, ``bad_config``, ``unreadable_file``. Where no engine listens on a socket, the SDK is not loaded.
    """
    place = place or contexts.find()
    doing = f"connecting to the Docker engine at {place.shown}"
    _knock(place, doing)
    from docker.constants import DEFAULT_DOCKER_API_VERSION

    with closing(_client(place, timeout, DEFAULT_DOCKER_API_VERSION)) as stranger:
        version = _api_version(stranger, doing)
    return _client(place, timeout, version)


def describe(client: DockerClient, place: Place | None = None) -> DockerFacts:
    """What an engine says of itself, in two requests; ``place`` is where it was connected to, else what is found now.

    An engine that keeps ``GET /info`` to itself, as one behind a filter may, is described by its version alone.
    Raises BacError ``engine_failed``, ``timed_out``, ``no_engine``, ``too_large``.
    """
    place = place or contexts.find()
    version = _told(client, "/version", "asking the Docker engine for its version")
    info = _told(client, f"/v{client.api.api_version}/info", "asking the Docker engine what it has")
    facts = enginefacts.docker(version, info, place.shown, local=place.is_near)
    host = os.uname()
    return enginefacts.on_host(facts, host.release, host.nodename, told=place.socket is None)


@contextmanager
def translated(doing: str, bad_request: str = "engine_failed", conflict: str = "engine_failed") -> Iterator[None]:
    """Raise what the SDK raises inside as BacError; ``doing`` starts its message ("pulling alpine@sha256:…").

    HTTP 404 is ``not_found``, 401 and 403 ``unauthorized``, 400 ``bad_request``, 409 ``conflict``, every other answer
    ``engine_failed``; no answer in time is ``timed_out``, a connection refused or broken off ``no_engine``.
    """
    from http.client import HTTPException

    from docker.errors import APIError, DockerException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except APIError as error:
        codes = {400: bad_request, 409: conflict, **REFUSALS}
        code = codes.get(error.status_code or 0, "engine_failed")
        raise _answered(doing, code, str(error.explanation or error)) from error
    except DockerException as error:
        raise BacError("engine_failed", f"{doing}: {error}") from error
    # requests' own exceptions are OSErrors; a stream that breaks off raises those of the layers below it.
    except (OSError, HTTPError, HTTPException) as error:
        raise _unreachable(doing, error) from error


def bad_config() -> BacError:
    """What to raise where the SDK stumbles over the configuration, which it takes apart without a look at its shape."""
    from docker.utils.config import find_config_file

    where = f"Docker's configuration {find_config_file()!s}, or a credential helper that it names,"
    return BacError("bad_config", f"{where} does not say what the SDK expects")


def _knock(place: Place, doing: str) -> None:
    """Raise what is wrong with the engine's socket, if it has one on this host."""
    trouble = None if place.socket is None else contexts.knock(place.socket)
    if isinstance(trouble, contexts.MISSING):
        raise BacError("no_engine", f"there is no Docker engine at {place.shown}", hint=NO_ENGINE_HINT)
    if trouble is not None:
        raise _unreachable(doing, trouble)


def _client(place: Place, timeout: float, version: str) -> DockerClient:
    """A client that has asked nothing yet. Raises BacError ``no_engine``, ``bad_config``."""
    import docker
    from docker.errors import DockerException, InvalidVersion
    from docker.utils import parse_host

    try:
        parse_host(place.address, tls=place.tls is not None)
    except (DockerException, ValueError) as error:
        raise not_an_address(place.address) from error
    _refuse_pipe()
    tls = _tls(place.tls) if place.tls else False
    try:
        client = docker.DockerClient(place.address, version, timeout, tls)  # type: ignore[arg-type]
    except InvalidVersion as error:
        message = f"connecting to the Docker engine at {place.shown}: its API {version} is too old"
        raise BacError("no_engine", message, hint="Update the engine.") from error
    except (DockerException, OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        # Nothing but the configuration is taken apart here.
        raise bad_config() from error
    if tls:
        _trust_only_its_own(client)
    elif place.socket is not None:
        client.api.trust_env = False  # proxies and ~/.netrc are for hosts, and would be looked up for every request
    return client


def _refuse_pipe() -> None:
    """Raise BacError ``bad_config`` for a configuration that the SDK would wait for, without any limit, to open."""
    from docker.utils.config import find_config_file

    path = find_config_file()
    try:
        is_pipe = path is not None and stat.S_ISFIFO(os.stat(path).st_mode)  # noqa: PTH116 (pathlib is not needed)
    except OSError:
        return
    if is_pipe:
        raise BacError("bad_config", f"Docker's configuration {path!s} is a pipe", hint="Make it a file.")


def _trust_only_its_own(client: DockerClient) -> None:
    """Keep to the engine's certificates, which a bundle for the web that the environment names would displace."""
    from urllib.parse import urlsplit
    from urllib.request import getproxies, proxy_bypass

    client.api.trust_env = False
    if not proxy_bypass(urlsplit(client.api.base_url).hostname or ""):
        client.api.proxies = getproxies()


def _tls(tls: Tls) -> TLSConfig:
    """The certificates as the SDK wants them. Raises BacError ``bad_config``."""
    from docker.tls import TLSConfig

    paths = {name: f"{tls.folder}/{name}.pem" for name in ("ca", "cert", "key")} if tls.folder else {}
    there = {name: path for name, path in paths.items() if os.path.isfile(path)}  # noqa: PTH113 (False for any trouble)
    own = "cert" in there, "key" in there
    if (paths and not there) or any(own) != all(own):
        message = f"the folder {tls.folder} does not hold the certificates for the Docker engine"
        raise BacError("bad_config", message, hint="Put ca.pem, and cert.pem with its key.pem, there.")
    if not tls.verified:
        from urllib3 import disable_warnings
        from urllib3.exceptions import InsecureRequestWarning

        disable_warnings(InsecureRequestWarning)  # the user has asked for it
    pair = (there["cert"], there["key"]) if all(own) else None
    return TLSConfig(pair, there.get("ca"), tls.verified)


def _api_version(client: DockerClient, doing: str) -> str:
    """The newest API version that the engine speaks."""
    answer = _asked(client, "/_ping", doing)
    version = answer.headers.get("Api-Version", "")
    if answer.status == OK and API_VERSION.fullmatch(version):
        return version
    if answer.status in {401, 403}:
        raise BacError(
            "unauthorized",
            f"{doing}: it answers with HTTP status {answer.status}",
            hint="Does it want a certificate of ours?",
        )
    message = f"{doing}: what answers there is no Docker engine (HTTP status {answer.status})"
    raise BacError("no_engine", message, hint="Is this its address? DOCKER_TLS_VERIFY=1 makes it a TLS connection.")


def _told(client: DockerClient, path: str, doing: str) -> object:
    """What the engine answers, parsed; None where it is not told."""
    answer = _asked(client, path, doing)
    if answer.status in REFUSALS:
        return None
    if answer.status != OK:
        raise BacError("engine_failed", f"{doing}: the Docker engine answers with HTTP status {answer.status}")
    try:
        parsed: object = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BacError("engine_failed", f"{doing}: the Docker engine does not answer in JSON") from error
    return parsed


def _asked(client: DockerClient, path: str, doing: str) -> _Answer:
    """GET, with limits to the size and the time of the answer and no redirect followed.

    Raises BacError ``too_large``, or as ``translated``.
    """
    end = time.monotonic() + client.api.timeout

    def exchange() -> _Answer:
        with client.api.get(
            f"{client.api.base_url}{path}", stream=True, timeout=client.api.timeout, allow_redirects=False
        ) as response:
            return _Answer(response.status_code, response.headers, _body(response, end, doing))

    with translated(doing):
        return within(client.api.timeout, exchange)


def _body(response: Response, end: float, doing: str) -> bytes:
    body = bytearray()
    while chunk := response.raw.read1(CHUNK, decode_content=True):
        body += chunk
        if len(body) > ANSWER_LIMIT:
            raise BacError("too_large", f"{doing}: the answer is larger than {ANSWER_LIMIT} bytes")
        if time.monotonic() > end:
            raise TimeoutError
    return bytes(body)


def _answered(doing: str, code: str, explanation: str) -> BacError:
    hint = "Log in with docker login, or check the name." if code == "unauthorized" else None
    return BacError(code, f"{doing}: the Docker engine says: {explanation}", hint=hint)


def _unreachable(doing: str, error: BaseException) -> BacError:
    from http.client import HTTPException

    causes = list(_causes(error))
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return BacError("timed_out", f"{doing}: the Docker engine does not answer in time", hint=NO_ENGINE_HINT)
    for cause in causes:
        if isinstance(cause, PermissionError):
            hint = "Join the docker group, or run this as a user who may use the engine."
            return BacError("no_engine", f"{doing}: permission denied", hint=hint)
    system = next((cause.strerror for cause in reversed(causes) if isinstance(cause, OSError) and cause.strerror), None)
    if system is None and any(isinstance(cause, ConnectionError) for cause in causes):
        system = "the connection broke off"
    elif system is None and any(isinstance(cause, HTTPException) for cause in causes):
        system = "what answers there does not speak HTTP"
    return BacError("no_engine", f"{doing}: {system or error}", hint=NO_ENGINE_HINT)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and everything it was raised from; a socket's own error lies four layers down."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
