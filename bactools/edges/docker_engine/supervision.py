"""From a created container to its ending: attach, start, read, wait, stop, and tell how it ended.

Attaching comes before starting, so that the first byte is not missed. One thread does it all and sleeps
in a read that signals and the deadline interrupt. A program may close its streams long before it exits,
so the end of the streams is followed by a wait.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bactools.core.errors import BacError, Terminated
from bactools.core.running import Ending
from bactools.edges.docker_engine.attached import LONGEST_POLL, Attached, Expired
from bactools.edges.docker_engine.client import translated
from bactools.edges.docker_engine.postmortem import ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient

    from bactools.core.running import Run
    from bactools.edges.docker_engine.attached import Stream

    Write = Callable[[Stream, bytes], None]

GRACE = 2
"""Seconds between SIGTERM and SIGKILL for a job that is stopped."""

CLOSING = 10.0
"""Seconds that a stopped container may take to close its streams and to be reported as ended."""


def supervise(client: DockerClient, container: str, wanted: Run, write: Write) -> Ending:
    """Start a container and stay with it to its end.

    Raises BacError ``not_started`` and as ``translated`` when its program never ran. After that, an interruption
    and a BacError, the engine's or that of ``write``, stop it and come back as the Ending's ``interruption``.
    """
    with translated("attaching to the container"):
        attached = Attached(client.api.attach_socket(container))
    try:
        with translated("starting the container", bad_request="not_started"):
            client.api.start(container)
        return _watch(client, container, attached, wanted, write)
    finally:
        attached.close()


def _watch(client: DockerClient, container: str, attached: Attached, wanted: Run, write: Write) -> Ending:
    deadline = None if wanted.timeout is None else time.monotonic() + wanted.timeout
    try:
        _copy(attached, deadline, write)
        return ended(client, container, _wait(client, container, deadline), wanted)
    except Expired:
        ending = Ending("timeout", None, f"stopped after its timeout of {wanted.timeout:g} s")
    except (KeyboardInterrupt, Terminated) as interruption:
        ending = Ending("cancelled", None, "stopped by a signal to bac-exec", interruption)
    except BacError as error:
        if error.code == "not_started":
            raise
        return Ending("failed", None, error.message, error)
    try:
        code = _stop(client, container, attached, write)
    except (KeyboardInterrupt, Terminated) as interruption:
        ending = ending._replace(interruption=interruption)
        code = _stop(client, container, attached, write)
    return ending._replace(exit_code=code)


def _copy(attached: Attached, deadline: float | None, write: Write) -> None:
    while printed := attached.read(deadline):
        for stream, data in printed:
            write(stream, data)


def _wait(client: DockerClient, container: str, deadline: float | None) -> int:
    """The exit status, once there is one. Raises Expired, or BacError as ``translated``."""
    while True:
        patience = None if deadline is None else min(max(0.001, deadline - time.monotonic()), LONGEST_POLL)
        try:
            with translated("waiting for the container"):
                return int(client.api.wait(container, timeout=patience)["StatusCode"])  # type: ignore[arg-type]
        except BacError as error:
            if error.code != "timed_out" or deadline is None:
                raise
            if time.monotonic() >= deadline:
                raise Expired from error


def _stop(client: DockerClient, container: str, attached: Attached, write: Write) -> int | None:
    """Stop a container, keep what it still printed, and tell its exit status if the engine can."""
    try:
        with translated("stopping the container"):
            client.api.stop(container, timeout=GRACE)
        deadline = time.monotonic() + CLOSING
        _copy(attached, deadline, write)
        return _wait(client, container, deadline)
    except (BacError, Expired):
        return None
