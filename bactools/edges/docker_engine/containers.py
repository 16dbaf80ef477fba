"""One container for one run: created from one platform's image, supervised, and always removed.

The engine is asked as little as possible, since each question delays the job: an image is pulled only
when creating says that it is absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core.errors import BacError, Terminated
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
    ``translated``. Whatever happens later is in the Ending, and so is a container that cannot be removed.
    """
    container = None
    ending: Ending | None = None
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
        ending = supervise(client, container, wanted, write)
    finally:
        trouble = _removed(client, container)
        if ending is None and isinstance(trouble, KeyboardInterrupt | Terminated):
            raise trouble
    return ending if ending.interruption or not trouble else ending._replace(interruption=trouble)


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
        # What is printed comes by the attached connection; the engine need not keep it too.
        log_config={"Type": "none"},  # type: ignore[arg-type]
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


def _removed(client: DockerClient, container: str | None) -> BaseException | None:
    """Remove a container and its anonymous volumes, running or not; what went wrong or came in between is returned.

    Nothing goes wrong where the container or the engine has gone already.
    """
    if container is None:
        return None
    try:
        with deferred_signals(), translated(f"removing the container {container[:12]}"):
            client.api.remove_container(container, v=True, force=True)
    except BacError as error:
        return None if error.code in {"not_found", "no_engine"} else error
    except (KeyboardInterrupt, Terminated) as interruption:
        return interruption
    return None
