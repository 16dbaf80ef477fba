"""One container for one run: created from one platform's image, supervised, and always removed.

The engine is asked as little as possible, since each question delays the job: an image is pulled only
when creating says that it is absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core.errors import BacError
from bactools.edges.docker_engine.client import translated
from bactools.edges.docker_engine.images import pull
from bactools.edges.docker_engine.signals import deferred_signals
from bactools.edges.docker_engine.supervision import supervise

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient

    from bactools.core.running import Ending, Mount, Run
    from bactools.edges.docker_engine.supervision import Write

LABEL = "bactools"
"""The label of every container; its value is the job's id."""

NANO = 1_000_000_000


class Launch(NamedTuple):
    """What to run, and for which job: one platform's manifest in a repository, or an image ID without one."""

    repository: str
    digest: str
    platform: str
    job: str

    @property
    def reference(self) -> str:
        """The name by which the engine finds exactly this image."""
        return f"{self.repository}@{self.digest}" if self.repository else self.digest


def run(
    client: DockerClient,
    launch: Launch,
    wanted: Run,
    write: Write,
    progress: Callable[[str | None], None],
) -> Ending:
    """Run a container to its end and hand what it prints to ``write`` as it comes.

    Raises BacError when the job's program never ran: ``not_found``, ``unauthorized``, ``not_started`` or as
    ``translated``. Whatever happens later is in the Ending; the container is removed either way.
    """
    container = None
    try:
        try:
            with deferred_signals():
                container = _create(client, launch, wanted)
        except BacError as error:
            if error.code != "not_found" or not launch.repository:
                raise
            pull(client, launch.repository, launch.digest, launch.platform, progress)
            with deferred_signals():
                container = _create(client, launch, wanted)
        return supervise(client, container, wanted, write)
    finally:
        if container is not None:
            with deferred_signals():
                _remove(client, container)


def configuration(client: DockerClient, launch: Launch, wanted: Run) -> dict[str, Any]:
    """The arguments of the SDK's ``create_container``."""
    host = client.api.create_host_config(
        init=True,  # as process 1 a program would not hear SIGTERM
        network_mode=wanted.network,
        mem_limit=wanted.memory,
        memswap_limit=wanted.memory,
        nano_cpus=None if wanted.cpu is None else int(wanted.cpu * NANO),
        security_opt=["no-new-privileges"],
        mounts=[_bind(mount) for mount in wanted.mounts],
    )
    return {
        "image": launch.reference,
        "platform": launch.platform,
        "command": list(wanted.arguments) or None,
        "entrypoint": list(wanted.entrypoint) or None,
        "environment": [f"{name}={value}" for name, value in wanted.environment.items()],
        "working_dir": wanted.working_directory,
        "labels": {LABEL: launch.job},
        "host_config": host,
    }


def _bind(mount: Mount) -> Any:
    """A mount in the engine's long form: the short one splits a path at its colon and creates a missing source."""
    return {"Type": "bind", "Source": mount.host, "Target": mount.guest, "ReadOnly": not mount.writable}


def _create(client: DockerClient, launch: Launch, wanted: Run) -> str:
    with translated(f"creating a container of {launch.reference}", bad_request="not_started"):
        return str(client.api.create_container(**configuration(client, launch, wanted))["Id"])


def _remove(client: DockerClient, container: str) -> None:
    """Remove a container and its anonymous volumes, running or not, unless it or the engine has gone already."""
    try:
        with translated(f"removing the container {container[:12]}"):
            client.api.remove_container(container, v=True, force=True)
    except BacError as error:
        if error.code not in {"not_found", "no_engine"}:
            raise
