"""Where the Docker engine of this user is: the files of docker's contexts, and the sockets that are there.

What they mean is told by ``core.docker_contexts``. A socket is looked at by a connection that says nothing, without
the SDK, which takes long to load.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from bactools.core import docker_contexts
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bactools.core.docker_contexts import Place, State

FILE_LIMIT = 1024 * 1024
KNOCK_TIMEOUT = 2.0
"""Seconds to reach a socket of this host."""
MISSING = (FileNotFoundError, NotADirectoryError)


def find() -> Place:
    """Where ``DOCKER_HOST`` says, else the context in use, else the usual socket where somebody listens.

    Raises BacError ``no_engine`` for an address that cannot be used, ``bad_config``, ``unreadable_file``.
    """
    environment = os.environ
    home = _home()
    named = docker_contexts.from_environment(environment, home)
    if named is not None:
        return named
    folder = docker_contexts.folder(environment, home)
    config = f"{folder}/config.json"
    context = docker_contexts.selected(environment, _config(config), config)
    if context is not None:
        return _of_context(context, f"{folder}/contexts")
    return docker_contexts.chosen(_states(docker_contexts.usual(environment, home)))


def knock(path: str) -> OSError | None:
    """Why nobody is to be had at a socket of this host; None if somebody listens."""
    try:
        os.stat(path)  # noqa: PTH116 (where nothing is, nothing need be loaded)
        import socket

        with socket.socket(socket.AF_UNIX) as attempt:
            attempt.settimeout(KNOCK_TIMEOUT)
            attempt.connect(path)
    except OSError as error:
        return error
    return None


def _home() -> str:
    """The home of this user; empty, for the root, as in a container, for one that no HOME and no passwd gives any."""
    found = os.path.expanduser("~")  # noqa: PTH111 (Path.home raises where there is none)
    return found if found.startswith("/") else ""


def _of_context(name: str, store: str) -> Place:
    directory = docker_contexts.directory(name)
    meta = f"{store}/meta/{directory}/meta.json"
    certificates = f"{store}/tls/{directory}/docker"
    found = certificates if os.path.isdir(certificates) else None  # noqa: PTH112 (False for any trouble)
    try:
        data = _read(meta)
    except MISSING:
        data = None
    except OSError as error:
        raise BacError("unreadable_file", f"cannot read {meta}: {error.strerror}", input=meta) from error
    return docker_contexts.endpoint(name, data, meta, found)


def _config(path: str) -> bytes | None:
    """What a configuration holds; one that this user may not read counts as none, as it does for docker."""
    try:
        return _read(path)
    except OSError:
        return None


def _read(path: str) -> bytes:
    """A file's content; a pipe would be waited for, and is refused with an OSError, as a folder is."""
    with open(path, "rb", opener=_unblocked) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        data = stream.read(FILE_LIMIT + 1)
    if len(data) > FILE_LIMIT:
        raise BacError("bad_config", f"{path} is larger than {FILE_LIMIT} bytes", input=path)
    return data


def _unblocked(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _states(paths: tuple[str, ...]) -> Iterator[tuple[str, State]]:
    for path in paths:
        trouble = knock(path)
        if trouble is None:
            yield path, "listening"
        else:
            yield path, "absent" if isinstance(trouble, MISSING) else "silent"
