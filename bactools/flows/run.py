"""Run one execution of a job on this host: its inputs fetched, its program run by its engine, its results kept.

Whatever happens once the program runs, the results folder stays and a record tells how it ended. A run that never
started leaves nothing behind, unless a signal or its own time ended it: then there are a record and a results folder.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, closing
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bactools.core import ids, plan
from bactools.core.budget import Budget
from bactools.core.errors import BacError
from bactools.core.linking import path_of
from bactools.core.placeholders import Placeholders
from bactools.core.running import Deadline, Ending, Mount, Printing
from bactools.edges import alarm, results, signals
from bactools.edges import scratch as scratches
from bactools.flows import inputs, publish
from bactools.flows.execution import PARTIAL, Outcome, begun, record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bactools.core.jobspec import Input
    from bactools.core.records import Result
    from bactools.edges.results import Recorder
    from bactools.flows.execution import Begun, Order, Setup
    from bactools.flows.publish import Published

FULL = "the disk of its results is full"
GIVEN = "--timeout set that limit"
GUEST = "guest"
"""Where a module's own folders are put together."""


class _Running(NamedTuple):
    """An execution under way."""

    order: Order
    setup: Setup
    execution: plan.Execution
    deadline: Deadline | None
    folder: Path
    recorder: Recorder
    stack: ExitStack


def run(order: Order, setup: Setup, folder: Path | None = None) -> Outcome:
    """Run an execution to its end, its results in ``folder``, which is new, or in one that is made for them.

    Raises BacError when the job's program never ran; there is no results folder then.
    """
    spec = order.job.spec
    execution = plan.Execution(
        order.job.id,
        ids.format_id("e", os.urandom(ids.SIZE)),
        spec.get("Type", "batch"),
        order.partition,
        order.partitions,
    )
    variables = plan.environment(order.task, execution, setup.environment)
    total = setup.timeout or plan.total_timeout(spec)
    deadline = None if total is None else Deadline(time.monotonic() + total, total)
    folder = folder or results.create(setup.parent, order.job.id)
    started = begun()
    name = _label(order, folder) if setup.labelled else None
    # What a kill leaves tells of the results until they are sealed.
    with ExitStack() as stack:
        try:
            stack.enter_context(results.held(folder))
            with closing(results.Recorder(folder, setup.live, name=name)) as recorder:
                running = _Running(order, setup, execution, deadline, folder, recorder, stack)
                ending = _executed(running, variables)
        except BacError:
            results.discard(folder)
            raise
        except BaseException:
            results.seal(folder, None)
            raise
        told, interruption = _ended(running, ending, started)
    return _concluded(running, ending, told, interruption)


def _label(order: Order, folder: Path) -> str:
    """What the lines of an execution are told by: the job's name, else that of the results folder."""
    if not order.job.name:
        return folder.name
    name = "".join(letter if letter.isprintable() else "?" for letter in order.job.name)
    return name if order.partitions == 1 else f"{name}[{order.partition}]"


def _executed(running: _Running, variables: dict[str, str]) -> Ending:
    """How it ended; what was cut short says that its outputs may be half written."""
    given = GIVEN if running.setup.timeout else None
    try:
        ending = _execute(running, variables)
    except alarm.Rung:
        seconds = running.deadline.seconds if running.deadline else 0
        why = f"stopped after its total timeout of {seconds:g} s, before the job had started"
        return Ending("timeout", None, _joined(why, given))
    except KeyboardInterrupt as interruption:
        return Ending("cancelled", None, "stopped by a signal before the job had started", interruption)
    by_itself = ending.status == "failed" and ending.interruption is None
    full = FULL if by_itself and results.is_full(running.folder) else None
    limit = given if ending.status == "timeout" else None
    cut = PARTIAL if plan.cut_short(ending) else None
    return ending._replace(message=_joined(ending.message, limit, full, cut, *ending.warnings))


def _joined(*words: str | None) -> str | None:
    return "; ".join(filter(None, words)) or None


def _execute(running: _Running, variables: dict[str, str]) -> Ending:
    order, setup = running.order, running.setup
    scratch = running.stack.enter_context(scratches.folder(running.folder))
    place = inputs.Place(
        setup.sources, (order.partition, order.partitions), Budget(order.input_limit), scratch, setup.progress
    )
    with _in_time(running):
        mounts = inputs.mounts(order.task, place)
    setup.progress(None)
    mounts += [output(running.folder, item) for item in plan.outputs(order.task)]
    printing = Printing(running.recorder.write, running.recorder.show)
    if order.task.engine == "wasm":
        from bactools.flows.run_wasm import Means, run_module

        wanted = plan.run(order.task, mounts, variables, setup.timeout)._replace(deadline=running.deadline)
        means = Means(setup.engines.wasm(), partial(_module, running, place), scratch / GUEST, setup.progress)
        return run_module(order.task, order.choice.digest, wanted, printing, means)
    from bactools.flows import run_container

    prepared = run_container.Prepared(mounts, variables, running.deadline, str(scratch))
    return run_container.run(order, setup, prepared, printing)


def _in_time(running: _Running) -> AbstractContextManager[None]:
    """The clock of the total timeout, which a silent server hears too. Raises alarm.Rung."""
    return alarm.ringing(running.deadline and running.deadline.at - time.monotonic())


def _module(running: _Running, place: inputs.Place, item: Input) -> Path:
    here = running.order.modules.path(item.target)
    if here:
        return here
    inspected = {path_of(running.order.task.entry_module or ""): running.order.choice.digest}
    with _in_time(running):
        return inputs.module(item, place, inspected)


def output(folder: Path, item: plan.Folder) -> Mount:
    """The mount of a new output folder. Raises BacError ``unwritable_file``."""
    return Mount(str(results.output(folder, item.name)), item.guest, writable=True, output=True)


def _ended(running: _Running, ending: Ending, since: Begun) -> tuple[Result, BaseException | None]:
    """The record, once the folder is sealed, and what is to be raised when it is written: a signal waits until then."""
    told: Result | None = None
    interruption: BaseException | None = None
    while told is None:  # a signal may come before it could be held; no second one is heard
        try:
            with signals.held():
                told = record(running.order, running.folder, ending, running.recorder.printed, since)
                interruption = _sealed(running, ending, told) or interruption
        except KeyboardInterrupt as signalled:
            interruption = interruption or signalled
    return told, interruption


def _sealed(running: _Running, ending: Ending, record: Result) -> BaseException | None:
    """Seal the folder. What has to be raised once the record is written."""
    try:
        results.seal(running.folder, ending.exit_code)
    except BacError as error:
        _say(record, f"its results are not whole: {error.message}")
        return ending.interruption or error
    return ending.interruption


def _concluded(running: _Running, ending: Ending, record: Result, interruption: BaseException | None) -> Outcome:
    """Publish the folder; what goes wrong with that is told beside the record."""
    publisher = running.order.task.publisher
    whole = ending.status in plan.PUBLISHED and not plan.cut_short(ending)
    if publisher is None or interruption is not None or not whole:
        return Outcome(record, interruption, None)
    record.published = None
    try:
        left_out = publish.left_out(publisher, running.folder, running.setup.publishers)
        record.published = _published(running, publisher)
        if left_out:
            _say(record, left_out)
    except BacError as error:
        unpublished = _unpublished(record, running.folder, error)
    except KeyboardInterrupt as signalled:
        interruption = signalled
        unpublished = None
        _say(record, "a signal stopped its publishing")
    else:
        unpublished = None
    return Outcome(record, interruption, unpublished)


def _published(running: _Running, publisher: Mapping[str, object]) -> Published | None:
    order, setup = running.order, running.setup
    names = Placeholders(order.job.id, running.execution.execution, order.node, datetime.now().astimezone())
    total = running.deadline and running.deadline.seconds
    try:
        with publish.in_time(total):
            return publish.publish(publisher, running.folder, names, setup.publishers, setup.progress)
    finally:
        setup.progress(None)


def _unpublished(record: Result, folder: Path, error: BacError) -> BacError:
    _say(record, f"its results are not published: {error.message}")
    message = f"publishing the results of job {record.job}: {error.message}; they stay in {folder}"
    return BacError(error.code, message, hint=error.hint)


def _say(record: Result, words: str) -> None:
    record.message = f"{record.message}; {words}" if record.message else words
