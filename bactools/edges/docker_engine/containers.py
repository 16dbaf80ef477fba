"""One container for one run: created from one platform's image, supervised, and always removed.

The engine is asked as little as possible, since each question delays the job: an image is pulled only
when creating says that it is absent. What a container gets is decided by ``core.container_options``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core import container_options, leftovers
from bactools.core.errors import BacError
from bactools.core.running import Ending
from bactools.edges import signals
from bactools.edges.docker_engine import images, ownership
from bactools.edges.docker_engine.client import translated
from bactools.edges.docker_engine.leftovers import this_process
from bactools.edges.docker_engine.patience import Expired, Patience, Stopped
from bactools.edges.docker_engine.supervision import out_of_time, supervise

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient

    from bactools.core.container_options import GpuRequest, Gpus, Options
    from bactools.core.credentials import Credential
    from bactools.core.running import Mount, Printing, Run

LABEL = "bactools"
"""The label of every container; its value is the job's id."""

ALL = "ALL"
"""What stands for every capability, and has no prefix."""

NANO = 1_000_000_000


def _no_login(_repository: str) -> None:
    return None


class Launch(NamedTuple):
    """What to run, and for which job: one platform's manifest in a repository, or an image ID without one.

    ``login`` finds the login for a repository and is asked only before a pull; ``gpus`` are those of this host;
    ``results`` is the folder of this host that the next bac-exec ends if this one is killed.
    """

    repository: str
    digest: str
    platform: str
    job: str
    login: Callable[[str], Credential | None] = _no_login
    gpus: Gpus | None = None
    results: str | None = None

    @property
    def reference(self) -> str:
        """The name by which the engine finds exactly this image."""
        return f"{self.repository}@{self.digest}" if self.repository else self.digest

    def options(self, wanted: Run) -> Options:
        """What its container gets. Raises BacError ``unsupported``."""
        return container_options.options(wanted, self.reference, self.platform, {LABEL: self.job}, self.gpus)


def run(
    client: DockerClient,
    launch: Launch,
    wanted: Run,
    printing: Printing,
    progress: Callable[[str | None], None],
) -> Ending:
    """Run a container to its end and hand what it prints to ``printing`` as it comes.

    Raises BacError when the job's program never ran: ``unsupported``, ``not_found``, ``unauthorized``, ``not_started``
    or as ``translated`` and ``launch.login``. Whatever happens later is in the Ending, and so is a container that
    cannot be removed, and an end that its deadline or its ``stop`` brings while the image is pulled.
    """
    options = launch.options(wanted)
    container = None
    ending: Ending | None = None
    try:
        try:
            with signals.held():
                container = _create(client, options, launch.results)
        except BacError as error:
            if error.code != "not_found" or not launch.repository:
                raise
            _pull(client, launch, wanted, progress)
            with signals.held():
                container = _create(client, options, launch.results)
        ending = _owned(client, container, supervise(client, container, wanted, printing), wanted)
    except Expired:
        return Ending("timeout", None, f"{out_of_time(wanted)}, while its image was pulled")
    except Stopped:
        return Ending("cancelled", None, "stopped by a signal before the job had started")
    finally:
        trouble = _removed(client, container)
        if ending is None and isinstance(trouble, KeyboardInterrupt):
            raise trouble
    return ending if ending.interruption or not trouble else ending._replace(interruption=trouble)


def configuration(client: DockerClient, options: Options) -> dict[str, Any]:
    """The arguments of the SDK's ``create_container``."""
    request = options.gpus
    host = client.api.create_host_config(
        init=options.init,
        mounts=[_bind(mount) for mount in options.mounts],
        network_mode=options.network,
        extra_hosts=dict(options.extra_hosts),
        port_bindings={f"{port.target}/tcp": (port.address, port.host) for port in options.ports},
        mem_limit=options.memory,
        memswap_limit=options.memory,
        nano_cpus=None if options.cpu is None else round(options.cpu * NANO),
        pids_limit=options.pids,
        ulimits=[_limit(*each) for each in options.ulimits],
        security_opt=list(options.security),
        cap_drop=list(options.cap_drop),
        cap_add=[name if name == ALL else f"CAP_{name}" for name in options.cap_add],
        devices=[f"{path}:{path}:rwm" for path in options.devices],
        device_requests=[_gpu_request(request)] if request else None,
        restart_policy={"Name": "no"},
        log_config={"Type": options.log_driver},  # type: ignore[arg-type]
    )
    return {
        "image": options.image,
        "platform": options.platform,
        "command": list(options.command) or None,
        "entrypoint": None if options.entrypoint is None else [options.entrypoint],
        "environment": [f"{name}={value}" for name, value in options.environment.items()],
        "working_dir": options.workdir,
        "labels": dict(options.labels),
        "ports": [(port.target, "tcp") for port in options.ports],
        "host_config": host,
    }


def _bind(mount: Mount) -> Any:
    """A mount in the engine's long form: the short one splits a path at its colon and creates a missing source."""
    return {"Type": "bind", "Source": mount.host, "Target": mount.guest, "ReadOnly": not mount.writable}


def _limit(name: str, soft: int, hard: int) -> Any:
    return {"Name": name, "Soft": soft, "Hard": hard}


def _gpu_request(request: GpuRequest) -> Any:
    return {"count": request.number, "device_ids": list(request.ids) or None, "capabilities": [["gpu"]]}


def cores(client: DockerClient) -> int:
    """How many cores the engine's host has; 0 where it does not say. Raises BacError as ``translated``."""
    with translated("asking the Docker engine how many cores it has"):
        return int(client.api.info().get("NCPU") or 0)


def _create(client: DockerClient, options: Options, results: str | None) -> str:
    kept = {} if results is None else {leftovers.RESULTS: results}
    mine = options._replace(labels={**options.labels, **kept, leftovers.LABEL: str(this_process())})
    with translated(f"creating a container of {options.image}", bad_request="not_started"):
        return str(client.api.create_container(**configuration(client, mine))["Id"])


def _pull(client: DockerClient, launch: Launch, wanted: Run, progress: Callable[[str | None], None]) -> None:
    image = images.Wanted(launch.repository, launch.digest, launch.platform, launch.login(launch.repository))
    images.pull(client, image, progress, Patience(wanted.deadline and wanted.deadline.at, wanted.stop))


def _owned(client: DockerClient, container: str, ending: Ending, wanted: Run) -> Ending:
    """The ending, once the outputs are the caller's; an interruption meanwhile leaves them as they are."""
    try:
        left = ownership.claim(client, container, [mount for mount in wanted.mounts if mount.output])
    except KeyboardInterrupt as interruption:
        return ending._replace(interruption=ending.interruption or interruption)
    return ending._replace(warnings=(*ending.warnings, *left))


def _removed(client: DockerClient, container: str | None) -> BaseException | None:
    """Remove a container and its anonymous volumes, running or not; what went wrong or came in between is returned.

    Nothing goes wrong where the container or the engine has gone already, nor where somebody else is removing it.
    """
    if container is None:
        return None
    try:
        with signals.held(), translated(f"removing the container {container[:12]}", conflict="not_found"):
            client.api.remove_container(container, v=True, force=True)
    except BacError as error:
        return None if error.code in {"not_found", "no_engine"} else error
    except KeyboardInterrupt as interruption:
        return interruption
    return None
