"""Where a Docker engine is: what ``DOCKER_HOST`` and docker's contexts say, and the sockets that engines usually have.

The order is that of docker/cli (cmd/docker, ``resolveContextName``): ``DOCKER_HOST``, ``DOCKER_CONTEXT``, the
``currentContext`` of ``config.json``. A context is ``contexts/meta/<sha256 of its name>/meta.json``, its certificates
are in ``contexts/tls/<the same>/docker``. Only where none of these says anything are sockets looked for.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

import msgspec

from bactools.core.errors import BacError, encodable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNIX = "unix://"
SYSTEM_SOCKET = "/var/run/docker.sock"
DEFAULT = "default"
"""docker's name of the context that is none."""
NO_ENGINE_HINT = "Start the Docker engine, or set DOCKER_HOST to where one listens."
NETWORK = ("tcp", "http", "https")
LOOPBACK = r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]*)?"
"""A host, and its port if it is named, that is this one (RFC 1122, 3.2.1.3; RFC 4291, 2.5.3; RFC 6761, 6.3)."""
UNCERTAIN = "..."
"""What is shown of an address of which nobody can tell where its secret ends."""

_T = TypeVar("_T")
State = Literal["absent", "silent", "listening"]
"""Of a socket: not there, there but not to be had, or somebody listens."""


class Tls(NamedTuple):
    """The folder of ``ca.pem``, ``cert.pem`` and ``key.pem``, empty for none; and whether the engine's counts."""

    folder: str
    verified: bool


class Place(NamedTuple):
    """Where an engine is: an address that Docker's SDK takes (``unix:///…``, ``tcp://host:port``), and its TLS."""

    address: str
    tls: Tls | None = None

    @property
    def socket(self) -> str | None:
        """The path of its socket on this host, if it has one."""
        return self.address[len(UNIX) :] if self.address.startswith(UNIX) else None

    @property
    def shown(self) -> str:
        """The address without what in it may be a secret."""
        return shown(self.address)

    @property
    def is_near(self) -> bool:
        """Whether it names this host, though what answers there may still be elsewhere: a tunnel, a virtual machine."""
        return self.socket is not None or re.fullmatch(LOOPBACK, self.shown.rpartition("://")[2]) is not None


class _Config(msgspec.Struct):
    currentContext: str | None = None  # noqa: N815 (Docker's name)


class _Endpoint(msgspec.Struct):
    Host: str = ""
    SkipTLSVerify: bool = False


class _Endpoints(msgspec.Struct):
    docker: _Endpoint | None = None


class _Meta(msgspec.Struct):
    Endpoints: _Endpoints


def folder(environment: Mapping[str, str], home: str) -> str:
    """The folder of Docker's configuration."""
    return environment.get("DOCKER_CONFIG") or f"{home}/.docker"


def from_environment(environment: Mapping[str, str], home: str) -> Place | None:
    """What ``DOCKER_HOST``, ``DOCKER_TLS_VERIFY`` and ``DOCKER_CERT_PATH`` say. Raises BacError ``no_engine``."""
    host = environment.get("DOCKER_HOST")
    if not host:
        return None
    verified = bool(environment.get("DOCKER_TLS_VERIFY"))
    certificates = environment.get("DOCKER_CERT_PATH")
    tls = Tls(certificates or folder(environment, home), verified) if verified or certificates else None
    return _place(host, tls)


def selected(environment: Mapping[str, str], config: bytes | None, path: str) -> str | None:
    """The name of the context to use, None for none; ``config`` is what ``config.json`` at ``path`` holds, if anything.

    Raises BacError ``bad_config``.
    """
    name = environment.get("DOCKER_CONTEXT")
    if not name and config is not None:
        name = _decoded(config, _Config, path).currentContext
    return None if not name or name == DEFAULT else name


def directory(name: str) -> str:
    """The name of a context's folders in the context store."""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()


def endpoint(name: str, meta: bytes | None, path: str, certificates: str | None) -> Place:
    """Where a context's engine is: ``meta`` is what the file at ``path`` holds, ``certificates`` their folder, if any.

    As in docker/cli (cli/context/docker, ``tlsConfig``), TLS is spoken where there are certificates, or where those
    of the engine are not to be verified. Raises BacError ``bad_config``, ``no_engine``.
    """
    if meta is None:
        hint = "docker context ls lists those that there are; DOCKER_CONTEXT and docker context use choose one."
        raise BacError("bad_config", f"there is no Docker context {name}: {path} is missing", hint=hint)
    found = _decoded(meta, _Meta, path).Endpoints.docker
    if found is None:
        hint = "Choose another with DOCKER_CONTEXT or docker context use."
        raise BacError("bad_config", f"the Docker context {name} is of no Docker engine", hint=hint)
    tls = Tls(certificates or "", not found.SkipTLSVerify) if certificates or found.SkipTLSVerify else None
    return _place(found.Host or UNIX + SYSTEM_SOCKET, tls)


def usual(environment: Mapping[str, str], home: str) -> tuple[str, ...]:
    """The paths of the sockets to look at where nothing says where the engine is, the likeliest first.

    Docker's own, its rootless one, Docker Desktop's on macOS and Linux, then podman's of this user and of root.
    """
    session = environment.get("XDG_RUNTIME_DIR", "")
    session = session if session.startswith("/") else ""
    return (
        SYSTEM_SOCKET,
        *([f"{session}/docker.sock"] if session else []),
        f"{home}/.docker/run/docker.sock",
        f"{home}/.docker/desktop/docker.sock",
        *([f"{session}/podman/podman.sock"] if session else []),
        "/run/podman/podman.sock",
    )


def chosen(sockets: Iterable[tuple[str, State]]) -> Place:
    """The first socket where somebody listens, else the first that is there, else Docker's own.

    ``sockets`` is read no further than it has to be: to look at one may start an engine.
    """
    there = None
    for path, state in sockets:
        if state == "listening":
            return Place(UNIX + path)
        if state == "silent":
            there = there or path
    return Place(UNIX + (there or SYSTEM_SOCKET))


def shown(address: str) -> str:
    """An address, or what was meant as one, as far as it says where: no user, password, path or query.

    A secret may hold what ends it, as in ``tcp://user:a/b@host``; then nothing of the rest is shown.
    """
    if address.startswith(UNIX):
        return encodable(address)
    scheme, mark, rest = address.rpartition("://") if address.count("://") == 1 else ("", "", address)
    authority, *beyond = re.split(r"[/?#]", rest, maxsplit=1)
    told = UNCERTAIN if any("@" in text for text in beyond) else authority.rpartition("@")[2]
    return encodable(f"{scheme}{mark}{told}")


def _place(address: str, tls: Tls | None) -> Place:
    scheme, mark, rest = address.partition("://")
    if "\0" in address:
        raise not_an_address(address.partition("\0")[0])
    if mark and scheme == "unix":
        return Place(f"{UNIX}/{rest.lstrip('/')}" if rest else UNIX + SYSTEM_SOCKET)
    if scheme == "ssh":
        hint = (
            "Forward its socket, as with ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST, "
            "and set DOCKER_HOST=unix:///tmp/docker.sock."
        )
        raise BacError("no_engine", f"cannot reach the Docker engine at {shown(address)} through ssh", hint=hint)
    if mark and scheme not in NETWORK:
        raise not_an_address(address)
    return Place(address, tls)


def not_an_address(address: str) -> BacError:
    """What to raise for an address that cannot be one."""
    message = f"connecting to the Docker engine at {shown(address)}: that is not an address"
    return BacError("no_engine", message, hint="Write it as unix:///path or tcp://host:port.")


def _decoded(data: bytes, kind: type[_T], path: str) -> _T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"Docker's configuration {path} does not say what docker writes: {error}"
        raise BacError("bad_config", message, hint="Mend it, or set DOCKER_HOST.", input=path) from error
