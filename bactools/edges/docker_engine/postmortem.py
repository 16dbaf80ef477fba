"""Why a container exited as it did: its memory limit, a program that is not in the image, or the program itself."""

from __future__ import annotations

import posixpath
import signal
from typing import TYPE_CHECKING, Any

from bactools.core.errors import BacError
from bactools.core.running import Ending
from bactools.edges.docker_engine.client import ANSWER_TIMEOUT, translated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker import DockerClient

    from bactools.core.running import Run

COMMAND_NOT_FOUND = 127
"""What an init process exits with when there is no such program; a shell that ran may exit with it too."""

USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HTTP_NOT_FOUND = 404
GOING = {"removing", "dead"}
"""What the engine calls the state of a container that is being removed."""
SIGNALLED = 128
"""What an engine adds to the number of the signal that ended a container's process; a shell does so too."""
MIB = 1024 * 1024


def ended(client: DockerClient, container: str, code: int, wanted: Run) -> Ending:
    """The ending of a container that exited with ``code``, which counts also where the engine tells no more.

    Raises BacError ``not_started``.
    """
    if code == 0:
        return Ending("completed", 0)
    try:
        with translated("asking how the container ended"):
            details = client.api.inspect_container(container)
        missing = code == COMMAND_NOT_FOUND and _is_missing(client, container, details)
    except BacError as error:
        if error.code == "not_found":
            return removed(code)
        return Ending("failed", code, f"{_status(code)}; {error.message}", error)
    if _is_going(details["State"]):
        return removed(code)
    if missing:
        raise BacError(
            "not_started",
            f"the image has no program {details['Path']!r}",
            hint="Check the job's entrypoint and parameters against the programs and the PATH of the image.",
        )
    if details["State"].get("OOMKilled"):
        return _out_of_memory(code, wanted)
    return Ending("failed", code, _status(code))


def _out_of_memory(code: int, wanted: Run) -> Ending:
    """The ending of a container one of whose processes was killed, be it the program itself or one of its children."""
    limit = "the memory of this host" if wanted.memory is None else f"its memory limit of {_size(wanted.memory)}"
    if code == SIGNALLED + signal.SIGKILL:
        return Ending("oom", code, f"killed at {limit}")
    return Ending("failed", code, f"{_status(code)}; a process of it had been killed at {limit}")


def removed(code: int | None) -> Ending:
    """The ending of a container that is no more, which nobody but its bac-exec has any business to remove.

    What the engine calls its exit status is that of being killed for it, and so none of the program's.
    """
    told = "" if code is None else f" ({_status(code)})"
    return Ending("failed", None, f"somebody else removed its container while it ran{told}")


def _is_going(state: Mapping[str, Any]) -> bool:
    """Whether a container is being removed, or was and could not be."""
    return bool(state.get("Dead")) or state.get("Status") in GOING


def _status(code: int) -> str:
    try:
        name = signal.Signals(code - SIGNALLED).name
    except ValueError:
        return f"exit status {code}"
    return f"exit status {code} ({SIGNALLED} + {name})"


def _size(count: int) -> str:
    return f"{count // MIB} MiB" if count % MIB == 0 else f"{count} bytes"


def _is_missing(client: DockerClient, container: str, details: dict[str, Any]) -> bool:
    """Whether the program's file is nowhere where the container would have looked for it."""
    address = f"{client.api.base_url}/v{client.api.api_version}/containers/{container}/archive"
    for path in _places(details):
        with translated(f"looking for {path} in the container"):
            answer = client.api.head(address, params={"path": path}, timeout=ANSWER_TIMEOUT)
        if answer.status_code != HTTP_NOT_FOUND:
            return False
    return True


def _places(details: dict[str, Any]) -> Iterator[str]:
    program = details["Path"]
    config = details["Config"]
    home = config.get("WorkingDir") or "/"
    if "/" in program:
        yield posixpath.join(home, program)
        return
    variables = dict(item.partition("=")[::2] for item in config.get("Env") or ())
    for folder in variables.get("PATH", USUAL_PATH).split(":"):
        yield posixpath.join(home, folder, program)
