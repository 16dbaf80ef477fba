"""Run a job's container: which image exactly, with which login and devices, on which ports."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from bactools.core import container_options, plan, ports, reference
from bactools.core.errors import BacError
from bactools.core.records import Image
from bactools.core.running import Mount
from bactools.flows import inputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient

    from bactools.core.container_options import Gpus
    from bactools.core.credentials import Credential
    from bactools.core.jobspec import Task
    from bactools.core.records import Job
    from bactools.core.running import Deadline, Ending, Printing, Run
    from bactools.edges.docker_engine.containers import Launch
    from bactools.flows.engines import Engines
    from bactools.flows.execution import Order, Setup
    from bactools.flows.inputs import Sources

DAEMON = "daemon"
"""The source of an image that only the engine of the host has."""


class Prepared(NamedTuple):
    """What is ready for a container: its mounts, its variables, when all has to be over, where inputs were fetched."""

    mounts: list[Mount]
    variables: dict[str, str]
    deadline: Deadline | None = None
    fetched: str | None = None


def run(order: Order, setup: Setup, prepared: Prepared, printing: Printing) -> Ending:
    """Run the container to its end. Raises BacError when its program never ran."""
    from bactools.edges.docker_engine import containers, mount_places

    with _ports(order) as chosen:
        run = _wanted(order, setup, prepared, chosen)
        engine = setup.engines.docker()
        check_held(engine, order)
        mount_places.prepare(prepared.mounts, prepared.fetched)
        kept = next((os.path.dirname(each.host) for each in prepared.mounts if each.output), None)  # noqa: PTH120 (text)
        return containers.run(engine, launch(order)._replace(results=kept), run, printing, setup.progress)


def check(task: Task, engines: Engines, sources: Sources) -> None:
    """Refuse what the engine would, before anything is made.

    Raises BacError ``unsupported``, as ``inputs.check``, or as asking the engine fails, which only a job with cores
    needs.
    """
    from bactools.edges.docker_engine import containers, mount_places

    mount_places.prepare(_planned(task, sources))
    cores = containers.cores(engines.docker()) if task.cpu is not None and task.cpu > 1 else 0
    container_options.check(task.cpu, task.memory, cores)


def _planned(task: Task, sources: Sources) -> list[Mount]:
    """The mounts to be, those of files of this host as they are and others without a host."""
    found = []
    for item in plan.mounted(task):
        guest = plan.guest_path(task, item.target)
        here = item.source_type in plan.LOCAL_SOURCES
        found.append(inputs.here(item, guest, sources) if here else Mount("", guest, writable=False))
    return found + [Mount("", item.guest, writable=True, output=True) for item in plan.outputs(task)]


def wanted(order: Order, setup: Setup, prepared: Prepared) -> Run:
    """What a container would get, its ports free at this moment. Raises BacError as ``run`` does before it."""
    with _ports(order) as chosen:
        return _wanted(order, setup, prepared, chosen)


@contextmanager
def _ports(order: Order) -> Iterator[tuple[ports.Port, ...]]:
    """The ports of a container, those that are not static held for it. Raises BacError as ``ports.assigned``."""
    asked = ports.wanted(order.job.spec)
    if not asked:
        yield ()
        return
    from bactools.edges.docker_engine import free_ports

    with free_ports.held(ports.dynamic(asked), ports.static(asked)) as free:
        yield ports.assigned(asked, free)


def _wanted(order: Order, setup: Setup, prepared: Prepared, chosen: tuple[ports.Port, ...]) -> Run:
    return plan.run(order.task, prepared.mounts, prepared.variables, setup.timeout, chosen)._replace(
        deadline=prepared.deadline,
        capabilities=setup.capabilities,
        privileges=setup.privileges,
        pids=setup.pids,
    )


def launch(order: Order) -> Launch:
    """The one image to run: a manifest in a registry's repository, or what the engine holds under an ID.

    Raises BacError ``not_inspected``, ``engine_failed`` or ``timed_out``.
    """
    from bactools.edges.docker_engine.containers import Launch

    artifact, digest, platform = _image(order.job, order.choice.platform), order.choice.digest, order.choice.platform
    if digest is None:
        raise _not_inspected(order.job, platform)
    repository = "" if artifact.source == DAEMON else reference.parse(artifact.reference).name
    return Launch(repository, digest, platform, order.job.id, _login, _gpus() if order.task.gpu else None)


def check_held(engine: DockerClient, order: Order) -> None:
    """Refuse an image that only the engine has when it is another by now. Raises BacError ``digest_mismatch``."""
    artifact = _image(order.job, order.choice.platform)
    if artifact.source == DAEMON and _held(engine, artifact.reference) != order.choice.digest:
        raise BacError(
            "digest_mismatch",
            f"{artifact.reference} in the Docker engine is no longer {order.choice.digest}",
            hint="Inspect it again with bac-inspect.",
        )


@lru_cache(maxsize=1)
def clear_left(engines: Engines) -> tuple[str, ...]:
    """Remove, once in this process, the containers of every bac-exec that was killed; the ids of their jobs.

    What they wrote is kept, in results that are ended as those of any run.
    Raises BacError where the engine does not answer.
    """
    from bactools.edges import results
    from bactools.edges.docker_engine import leftovers

    return leftovers.clear_left(engines.docker(), results.seal_left)


def _image(job: Job, platform: str) -> Image:
    if not isinstance(job.artifact, Image):
        raise _not_inspected(job, platform)
    return job.artifact


def _not_inspected(job: Job, platform: str) -> BacError:
    message = f"job {job.id} does not say which image to run for {platform}"
    return BacError("not_inspected", message, hint="Pipe it through bac-inspect.")


def _login(repository: str) -> Credential | None:
    """The login of this user for a repository. Raises BacError as ``Keyring.find``."""
    from bactools.edges.credentials import Keyring

    return Keyring().find(repository)


def _gpus() -> Gpus | None:
    """The GPUs of this host for its engine, if their vendor is known."""
    from bactools.edges import documents
    from bactools.edges.docker_engine import device_files
    from bactools.edges.host import gpus
    from bactools.edges.host.tree import Tree

    found, _ = gpus.read(Tree(), decode=documents.load)
    vendor = container_options.preferred([each.vendor for each in found or () if each.vendor])
    return device_files.gpus(vendor) if vendor else None


def _held(engine: DockerClient, name: str) -> str | None:
    """The ID of the image that the engine has under a name, if any."""
    from bactools.edges.docker_engine.images import inspect

    try:
        return inspect(engine, name).id
    except BacError as error:
        if error.code != "not_found":
            raise
        return None
