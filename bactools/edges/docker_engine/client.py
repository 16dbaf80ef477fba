"""The way to the Docker engine: connect, ask what it is, and turn the SDK's failures into ours.

Docker's SDK is imported here and nowhere else, and only once an engine seems to be there. The
engine is where ``DOCKER_HOST`` says (with the SDK's ``DOCKER_TLS_VERIFY`` and ``DOCKER_CERT_PATH``),
else behind the usual socket. A failure is told by its type, errno or HTTP status, never by its text.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker import DockerClient

ANSWER_TIMEOUT = 60
"""Seconds that the engine may take for an answer; pulling, running and waiting have their own limits."""

USUAL_SOCKET = "unix:///var/run/docker.sock"
_UNIX = "unix://"
_NO_ENGINE_HINT = "Start the Docker engine, or set DOCKER_HOST to where one listens."


class EngineFacts(NamedTuple):
    """What the engine says of itself, ``os`` and ``architecture`` in Go's names (``linux``, ``arm64``)."""

    version: str
    os: str
    architecture: str


def address(environment: Mapping[str, str] | None = None) -> str:
    """Where the engine is looked for: ``DOCKER_HOST``, else the usual socket."""
    return (os.environ if environment is None else environment).get("DOCKER_HOST") or USUAL_SOCKET


def connect(timeout: int = ANSWER_TIMEOUT) -> DockerClient:
    """A client of this host's engine, at the newest API version that both speak (one request).

    Raises BacError ``no_engine``, ``timed_out`` or ``bad_config``. Without a socket, nothing is imported.
    """
    where = address()
    if where.startswith(_UNIX) and not os.path.exists(where[len(_UNIX) :]):  # noqa: PTH110 (pathlib is not needed)
        raise BacError("no_engine", f"there is no Docker engine at {where}", hint=_NO_ENGINE_HINT)
    import docker
    from docker.errors import DockerException, InvalidConfigFile
    from docker.utils import parse_host

    doing = f"connecting to the Docker engine at {_without_user(where)}"
    try:
        parse_host(where)
    except (DockerException, ValueError) as error:
        raise BacError("no_engine", f"{doing}: that is not an address", hint=_NO_ENGINE_HINT) from error
    try:
        return docker.from_env(timeout=timeout)
    except (DockerException, OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        # Nothing but the configuration is taken apart before the engine is asked, whose answers it wraps.
        if isinstance(error, InvalidConfigFile) or not isinstance(error, DockerException | OSError):
            raise bad_config() from error
        raise _unreachable(doing, error) from error


def describe(client: DockerClient) -> EngineFacts:
    """The engine's version and its own platform, from ``GET /version``. Raises BacError as ``translated``."""
    with translated("asking the Docker engine for its version"):
        answer = client.version()
    named = [answer.get(name) for name in ("Version", "Os", "Arch")] if isinstance(answer, dict) else []
    told = [text for text in named if isinstance(text, str) and text]
    if len(told) != len(EngineFacts._fields):
        raise BacError("engine_failed", "the Docker engine does not tell its platform", hint="Is it a Docker engine?")
    return EngineFacts(*told)


@contextmanager
def translated(doing: str, bad_request: str = "engine_failed") -> Iterator[None]:
    """Raise what the SDK raises inside as BacError; ``doing`` starts its message ("pulling alpine@sha256:…").

    HTTP 404 is ``not_found``, 401 and 403 ``unauthorized``, 400 ``bad_request``, every other answer
    ``engine_failed``; no answer in time is ``timed_out``, a connection refused or broken off ``no_engine``.
    """
    from http.client import HTTPException

    from docker.errors import APIError, DockerException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except APIError as error:
        codes = {400: bad_request, 401: "unauthorized", 403: "unauthorized", 404: "not_found"}
        code = codes.get(error.status_code or 0, "engine_failed")
        raise _answered(doing, code, str(error.explanation or error)) from error
    except DockerException as error:
        raise BacError("engine_failed", f"{doing}: {error}") from error
    # requests' own exceptions are OSErrors; a stream that breaks off raises those of the layers below it.
    except (OSError, HTTPError, HTTPException) as error:
        raise _unreachable(doing, error) from error


def _without_user(where: str) -> str:
    """An address without the user and password that it may name."""
    scheme, mark, rest = where.rpartition("://")
    if scheme == "unix":
        return where
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"


def bad_config() -> BacError:
    """What to raise where the SDK stumbles over the configuration, which it takes apart without a look at its shape."""
    from docker.utils.config import find_config_file

    where = f"Docker's configuration {find_config_file()!s}, or a credential helper that it names,"
    return BacError("bad_config", f"{where} does not say what the SDK expects")


def _answered(doing: str, code: str, explanation: str) -> BacError:
    hint = "Log in with docker login, or check the name." if code == "unauthorized" else None
    return BacError(code, f"{doing}: the Docker engine says: {explanation}", hint=hint)


def _unreachable(doing: str, error: BaseException) -> BacError:
    causes = list(_causes(error))
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return BacError("timed_out", f"{doing}: the Docker engine does not answer in time")
    for cause in causes:
        if isinstance(cause, PermissionError):
            hint = "Join the docker group, or run this as a user who may use the engine."
            return BacError("no_engine", f"{doing}: permission denied", hint=hint)
    system = next((cause.strerror for cause in reversed(causes) if isinstance(cause, OSError) and cause.strerror), None)
    return BacError("no_engine", f"{doing}: {system or error}", hint=_NO_ENGINE_HINT)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and everything it was raised from; a socket's own error lies four layers down."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
