"""What an execution of a job is given, and what is told of it when it has ended, well or not."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

from msgspec import UNSET

from bactools.core.errors import BacError
from bactools.core.records import Output, Result, Usage
from bactools.edges import results

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from bactools.core.hostfile import Limits
    from bactools.core.jobspec import Task
    from bactools.core.records import Job
    from bactools.core.routes import Choice
    from bactools.core.running import Ending, Stream
    from bactools.edges.modules import Fetched
    from bactools.flows.engines import Engines
    from bactools.flows.inputs import Sources
    from bactools.flows.publish import Publishers

PARTIAL = "its outputs are partial"


class Setup(NamedTuple):
    """How every job of this process is run.

    ``timeout`` (seconds) is for all of a run, in place of the job's own limits; ``live`` says on which of our
    descriptors its streams are shown, with ``labelled`` in lines that name them; ``environment`` is what ``env:NAME``
    in a specification refers to; ``capabilities``, ``privileges`` and ``pids`` loosen what holds a container.
    """

    parent: Path
    timeout: float | None
    live: Mapping[Stream, int]
    labelled: bool
    environment: Mapping[str, str]
    limits: Limits | None
    sources: Sources
    publishers: Publishers
    progress: Callable[[str | None], None]
    engines: Engines
    capabilities: tuple[str, ...] = ()
    privileges: bool = False
    pids: int | None = None


class Order(NamedTuple):
    """What to run: the job with its artifact and its task within this host's limits, which of its executions.

    ``input_limit`` is in bytes; ``node`` is this host's id; ``modules`` need not be fetched again.
    """

    job: Job
    task: Task
    choice: Choice
    node: str
    input_limit: int
    modules: Fetched
    partition: int = 0
    partitions: int = 1


class Outcome(NamedTuple):
    """The record of a run, and what is to be told beside it.

    ``interruption`` has to be raised once the record is written: a signal, or a failure around the run;
    ``unpublished`` is why its results are not where they should be.
    """

    record: Result
    interruption: BaseException | None
    unpublished: BacError | None


class Begun(NamedTuple):
    """When an execution began: the date, and the seconds of a clock that nobody sets."""

    moment: datetime
    clock: float


def begun() -> Begun:
    """Now."""
    return Begun(datetime.now(timezone.utc), time.monotonic())


def record(order: Order, folder: Path, ending: Ending, printed: Mapping[Stream, int], since: Begun) -> Result:
    """The record of an execution that ends now; ``printed`` is how many bytes of each stream there were, if known."""
    usage = Usage(ending.cpu_seconds, ending.peak_memory)
    return Result(
        job=order.job.id,
        status=ending.status,
        node=order.node,
        engine=order.task.engine,
        platform=order.choice.platform,
        digest=order.choice.digest,
        exit_code=ending.exit_code,
        message=ending.message or UNSET,
        results=str(folder),
        stdout=_summary(folder, "stdout", printed.get("stdout")),
        stderr=_summary(folder, "stderr", printed.get("stderr")),
        started=_stamp(since.moment),
        finished=_stamp(datetime.now(timezone.utc)),
        seconds=round(time.monotonic() - since.clock, 3),
        usage=usage if usage != Usage() else UNSET,
    )


def _summary(folder: Path, stream: Stream, printed: int | None) -> Output:
    """What a stream's file holds; of one that somebody has taken away, how much the job printed, as far as known."""
    try:
        return results.summary(folder, stream, printed)
    except BacError:
        return Output(bytes=printed or 0, tail="", truncated=bool(printed))


def _stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
