"""Why a container exited as it did: its memory limit, a program that is not in the image, or the program itself."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from bactools.core.errors import BacError
from bactools.core.running import Ending
from bactools.edges.docker_engine.client import ANSWER_TIMEOUT, translated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient

    from bactools.core.running import Run

COMMAND_NOT_FOUND = 127
"""What an init process exits with when there is no such program; a shell that ran may exit with it too."""

USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HTTP_NOT_FOUND = 404
MIB = 1024 * 1024


def ended(client: DockerClient, container: str, code: int, wanted: Run) -> Ending:
    """The ending of a container that exited with ``code``. Raises BacError ``not_started``, or as ``translated``."""
    if code == 0:
        return Ending("completed", 0)
    with translated("asking how the container ended"):
        details = client.api.inspect_container(container)
    if details["State"].get("OOMKilled"):
        limit = "the memory of this host" if wanted.memory is None else f"its memory limit of {_size(wanted.memory)}"
        return Ending("oom", code, f"killed at {limit}")
    if code == COMMAND_NOT_FOUND and _is_missing(client, container, details):
        raise BacError(
            "not_started",
            f"the image has no program {details['Path']!r}",
            hint="Check the job's entrypoint and parameters against the programs and the PATH of the image.",
        )
    return Ending("failed", code, f"exit status {code}")


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
