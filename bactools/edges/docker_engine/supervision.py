"""From a created container to its ending: attach, start, read, wait, stop, and tell how it ended.

Attaching comes before starting, so that the first byte is not missed. One thread does it all but asking to stop,
and sleeps in a read that signals, the deadline and a wish to stop interrupt. A program may close its streams long
before it exits, so the end of the streams is followed by a wait.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from bactools.core.errors import BacError
from bactools.core.running import Ending
from bactools.edges import signals
from bactools.edges.docker_engine.attached import Attached
from bactools.edges.docker_engine.client import translated
from bactools.edges.docker_engine.patience import LONGEST_POLL, Expired, Patience, Stopped
from bactools.edges.docker_engine.postmortem import ended, removed

if TYPE_CHECKING:
    from docker import DockerClient

    from bactools.core.running import Printing, Run

GRACE = 2
"""Seconds between SIGTERM and SIGKILL for a job that is stopped."""

CLOSING = 10.0
"""Seconds that a stopped container may take to close its streams and to be reported as ended."""

GLANCE = 0.5
"""Seconds between two looks at whether a container that has closed its streams shall be stopped."""


def supervise(client: DockerClient, container: str, wanted: Run, printing: Printing) -> Ending:
    """Start a container and stay with it to its end.

    Raises BacError ``not_started`` and as ``translated`` when its program never ran. After that, an interruption,
    a BrokenPipeError of ``printing`` and a BacError, the engine's or that of ``printing``, stop it and come back as the
    Ending's ``interruption``.
    """
    with translated("attaching to the container"):
        attached = Attached(client.api.attach_socket(container))
    try:
        return _watch(client, container, attached, wanted, printing)
    finally:
        attached.close()


def limits(wanted: Run) -> tuple[Patience, str]:
    """How long a run that starts now may take, and what to say when that has passed."""
    now = time.monotonic()
    if wanted.deadline and (wanted.timeout is None or wanted.deadline.at < now + wanted.timeout):
        return Patience(wanted.deadline.at, wanted.stop), out_of_time(wanted)
    if wanted.timeout is not None:
        return Patience(now + wanted.timeout, wanted.stop), f"stopped after its timeout of {wanted.timeout:g} s"
    return Patience(None, wanted.stop), ""


def out_of_time(wanted: Run) -> str:
    """What to say when the time for the whole run, pulling included, is over."""
    return f"stopped after its total timeout of {wanted.deadline.seconds:g} s" if wanted.deadline else ""


def _watch(client: DockerClient, container: str, attached: Attached, wanted: Run, printing: Printing) -> Ending:
    started, late = False, ""
    try:
        with signals.held(), translated("starting the container", bad_request="not_started"):
            client.api.start(container)
            started = True
        patience, late = limits(wanted)
        _copy(attached, patience, printing)
        return ended(client, container, _wait(client, container, patience), wanted)
    except Expired:
        ending = Ending("timeout", None, late)
    except Stopped:
        ending = Ending("cancelled", None, "stopped by a signal to bac-exec")
    except BrokenPipeError as gone:
        ending = Ending("cancelled", None, "stopped because nobody reads what it prints any more", gone)
    except KeyboardInterrupt as interruption:
        ending = Ending("cancelled", None, "stopped by a signal to bac-exec", interruption)
    except BacError as error:
        if not started or error.code == "not_started":
            raise
        if error.code == "not_found":  # what has started can only be removed
            return removed(None)
        return Ending("failed", None, error.message, error)  # removing it stops it
    try:
        code = _stop(client, container, attached, printing, GRACE)
    except (KeyboardInterrupt, BrokenPipeError) as interruption:
        ending = ending._replace(interruption=ending.interruption or interruption)
        code = _stop(client, container, attached, printing, grace=0)
    return ending._replace(exit_code=code)


def _copy(attached: Attached, patience: Patience, printing: Printing, *, for_readers: bool = True) -> None:
    """Keep all that a container prints; wait ``for_readers`` of it, or leave them what they take at once."""
    while True:
        attached.wait(patience)
        with signals.held():  # a piece that is not kept would be missing in the middle
            printed = attached.read()
            for stream, data in printed or ():
                printing.write(stream, data)
        if printed is None:
            return
        while (behind := printing.show()) is not None and for_readers:
            patience.await_writable(behind)


def _wait(client: DockerClient, container: str, patience: Patience) -> int:
    """The exit status, once there is one. Raises Expired and Stopped, or BacError as ``translated``."""
    endless = patience == Patience()
    longest = LONGEST_POLL if patience.stop is None else GLANCE
    while True:
        limit = None if endless else max(0.001, patience.left(longest))
        try:
            with translated("waiting for the container"):
                return int(client.api.wait(container, timeout=limit)["StatusCode"])  # type: ignore[arg-type]
        except BacError as error:
            if error.code != "timed_out" or endless:
                raise
            patience.check()


def _stop(client: DockerClient, container: str, attached: Attached, printing: Printing, grace: int) -> int | None:
    """Stop a container, keep what it still prints, and tell its exit status if the engine can.

    What it prints is read meanwhile: an engine may not notice the end of a container whose output nobody takes.
    """

    def stop() -> None:
        with suppress(BacError), translated("stopping the container"):
            client.api.stop(container, timeout=grace)

    thread = threading.Thread(target=stop, name="stop", daemon=True)
    with signals.held():  # the thread takes over that they wait, or it would take them from the main one
        thread.start()
    try:
        patience = Patience(time.monotonic() + grace + CLOSING)
        _copy(attached, patience, printing, for_readers=False)
        code = _wait(client, container, patience)
    except (BacError, Expired):
        return None
    thread.join(CLOSING)
    return code
