"""Run one job on this host: its inputs fetched, its program run by its engine, its results kept.

Whatever happens once the program runs, the results folder stays and a record tells how it ended. A run that never
started leaves nothing behind, unless a signal ended it: then there are a record and an empty results folder.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, closing
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import UNSET

from bactools.core import ids, jobspec, plan, reference
from bactools.core.errors import BacError, Terminated
from bactools.core.records import Image, Result, Usage
from bactools.core.running import Ending, Mount
from bactools.edges import results

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from docker import DockerClient

    from bactools.core.jobspec import Input, Task
    from bactools.core.records import Job
    from bactools.core.routes import Choice
    from bactools.core.running import Run
    from bactools.edges.docker_engine.containers import Launch
    from bactools.edges.results import Recorder, Stream


DAEMON = "daemon"
"""The source of an image that only the engine of the host has."""


class Order(NamedTuple):
    """What to run and how: the job with its artifact, the platform chosen for it, this host's id.

    ``live`` says on which of our descriptors the job's streams are shown; ``timeout`` (seconds) goes over its own.
    """

    job: Job
    choice: Choice
    node: str
    parent: Path
    timeout: float | None
    live: Mapping[Stream, int]
    progress: Callable[[str | None], None]


class Outcome(NamedTuple):
    """The record of a run, and what has to be raised once it is written: an interruption or a failure around it."""

    record: Result
    interruption: BaseException | None


def run(order: Order, environment: Mapping[str, str]) -> Outcome:
    """Run a job to its end; ``environment`` is what ``env:NAME`` in the spec refers to.

    Raises BacError when the job's program never ran; there is no results folder then.
    """
    task = jobspec.task(order.job.spec)
    plan.check(task)
    execution = plan.Execution(
        order.job.id, ids.format_id("e", os.urandom(ids.SIZE)), order.job.spec.get("Type", "batch")
    )
    variables = plan.environment(task, execution, environment)
    folder = results.create(order.parent, order.job.id)
    started = datetime.now(timezone.utc)
    clock = time.monotonic()
    with closing(results.Recorder(folder, order.live)) as recorder:
        try:
            ending = _execute(order, task, folder, recorder, variables)
        except BacError:
            results.discard(folder)
            raise
        except (KeyboardInterrupt, Terminated) as interruption:
            ending = Ending("cancelled", None, "stopped by a signal before the job had started", interruption)
        except BaseException:
            results.seal(folder, None)
            raise
    seconds = time.monotonic() - clock
    trouble = _sealed(folder, ending)
    record = _record(order, task, ending, folder, recorder)
    record.started = _stamp(started)
    record.finished = _stamp(datetime.now(timezone.utc))
    record.seconds = round(seconds, 3)
    return Outcome(record, ending.interruption or trouble)


def _execute(order: Order, task: Task, folder: Path, recorder: Recorder, variables: dict[str, str]) -> Ending:
    with ExitStack() as scratch:
        mounts = [_input(task, item, scratch) for item in plan.mounted(task)]
        mounts += [_output(folder, item) for item in plan.outputs(task)]
        wanted = plan.run(task, mounts, variables, order.timeout)
        if task.engine == "wasm":
            from bactools.flows.run_wasm import run_module

            return run_module(task, order.choice.digest, wanted, recorder.write)
        return _run_container(order, wanted, recorder)


def _input(task: Task, item: Input, scratch: ExitStack) -> Mount:
    """Make an input ready; what has to be written for it goes when ``scratch`` is left."""
    from bactools.edges.sources import inline, local

    guest = plan.guest_path(task, item.target)
    if item.source_type in plan.LOCAL_SOURCES:
        return local.mount(item.params, guest)
    from tempfile import TemporaryDirectory

    folder = scratch.enter_context(TemporaryDirectory(prefix="bactools-"))
    return inline.mount(item.params, guest, Path(folder, "data"))


def _output(folder: Path, item: plan.Folder) -> Mount:
    return Mount(str(results.output(folder, item.name)), item.guest, writable=True)


def _run_container(order: Order, wanted: Run, recorder: Recorder) -> Ending:
    from bactools.edges.docker_engine import client, containers

    with closing(client.connect()) as engine:
        return containers.run(engine, _launch(engine, order), wanted, recorder.write, order.progress)


def _launch(engine: DockerClient, order: Order) -> Launch:
    """The one image to run: a manifest in a registry's repository, or what the engine holds under an ID."""
    from bactools.edges.docker_engine.containers import Launch

    job, choice, artifact = order.job, order.choice, order.job.artifact
    if not isinstance(artifact, Image) or choice.digest is None:
        raise BacError(
            "not_inspected",
            f"job {job.id} does not say which image to run for {choice.platform}",
            hint="Pipe it through bac-inspect.",
        )
    if artifact.source == DAEMON:
        if _held(engine, artifact.reference) != choice.digest:
            raise BacError(
                "digest_mismatch",
                f"{artifact.reference} in the Docker engine is no longer {choice.digest}",
                hint="Inspect it again with bac-inspect.",
            )
        return Launch("", choice.digest, choice.platform, job.id)
    return Launch(reference.parse(artifact.reference).name, choice.digest, choice.platform, job.id)


def _held(engine: DockerClient, name: str) -> str | None:
    """The ID of the image that the engine has under a name, if any."""
    from bactools.edges.docker_engine.images import inspect

    try:
        return inspect(engine, name).id
    except BacError as error:
        if error.code != "not_found":
            raise
        return None


def _sealed(folder: Path, ending: Ending) -> BacError | None:
    """Write the exit status; what goes wrong with that is told after the record is out."""
    try:
        results.seal(folder, ending.exit_code)
    except BacError as error:
        return error
    return None


def _record(order: Order, task: Task, ending: Ending, folder: Path, recorder: Recorder) -> Result:
    usage = Usage(ending.cpu_seconds, ending.peak_memory)
    return Result(
        job=order.job.id,
        status=ending.status,
        node=order.node,
        engine=task.engine,
        platform=order.choice.platform,
        digest=order.choice.digest,
        exit_code=ending.exit_code,
        message=ending.message or UNSET,
        results=str(folder),
        stdout=results.summary(folder, "stdout", recorder.printed["stdout"]),
        stderr=results.summary(folder, "stderr", recorder.printed["stderr"]),
        usage=usage if usage != Usage() else UNSET,
    )


def _stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
