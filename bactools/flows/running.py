"""All jobs that come, run one after another here or several at once in workers, and told of in the order they came."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from bactools.core.errors import BacError, Status, signal_of
from bactools.edges import results, scratch
from bactools.flows import orders
from bactools.flows.run import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bactools.core.records import Result
    from bactools.flows.admission import Candidate, Host
    from bactools.flows.execution import Order, Outcome, Setup
    from bactools.flows.executions import Executions


class Voice(Protocol):
    """Where records go."""

    def emit(self, record: Result) -> None:
        """Write a record."""

    def fail(self, error: BacError, input: str | None = None) -> None:
        """Write an error record for one input."""

    def note(self, text: str) -> None:
        """Say something to whoever sits there."""

    def finish(self, status: int) -> int:
        """Write what is left to write, and tell the status of the whole run."""


class Runner(NamedTuple):
    """Where jobs run, and who is told of them; without ``executions``, one after another in this process."""

    voice: Voice
    host: Host
    setup: Setup
    executions: Executions | None

    def in_turn(self, act: Callable[[], None]) -> None:
        """Do this once all is told of the jobs before it."""
        if self.executions:
            self.executions.in_turn(act)
        else:
            act()

    def orders(self, candidate: Candidate) -> Iterator[Order]:
        """The executions of a job. Raises BacError as ``orders.orders``."""
        return orders.orders(candidate, self.host, self.setup)


class Tally:
    """What is told of each execution, and what the whole run comes to."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self.status = Status.OK
        self.trouble: BaseException | None = None

    def tell(self, where: str, found: Outcome | BacError) -> None:
        """Write what became of an execution."""
        if isinstance(found, BacError):
            self._voice.fail(found, where)
            return
        self._voice.emit(found.record)
        if found.unpublished is not None:
            self._voice.fail(found.unpublished, where)
        if found.record.status != "completed":
            self.status = Status.NO
        self.trouble = self.trouble or found.interruption


def run_all(runner: Runner, found: Iterator[Candidate]) -> int:
    """Run jobs and write a record for each execution. Raises what cut the whole run short, once all is told."""
    tally = Tally(runner.voice)
    try:
        for candidate in found:
            _run_each(runner, candidate, tally)
            if tally.trouble is not None:
                break
        if runner.executions:
            runner.executions.finish()
    except KeyboardInterrupt as signalled:
        tally.trouble = signalled
        if runner.executions:
            runner.executions.cancel(signal_of(signalled))
    except BacError:  # the input went wrong, and what came before is as good as ever
        if runner.executions:
            runner.executions.finish()
        raise
    status = runner.voice.finish(tally.status)
    if tally.trouble is not None:
        raise tally.trouble
    return status


def _run_each(runner: Runner, candidate: Candidate, tally: Tally) -> None:
    """Run the executions of one job, or have them run."""
    tell = partial(tally.tell, candidate.where)
    try:
        for order in runner.orders(candidate):
            clear(order, runner.setup, runner.voice)
            if runner.executions:
                runner.executions.submit(order, tell)
            else:
                tell(run(order, runner.setup))
            if tally.trouble is not None:
                return
    except BacError as error:
        runner.in_turn(partial(tell, error))


def clear(order: Order, setup: Setup, voice: Voice) -> None:
    """Before the first run: end the runs of a killed bac-exec, remove their inputs and, for a container, containers.

    What fails there is for the run.
    """
    scratch.clear_left(results.seal_left)
    if order.task.engine != "docker":
        return
    from bactools.flows import run_container

    with suppress(BacError):
        known = run_container.clear_left.cache_info().currsize
        left = run_container.clear_left(setup.engines)
        if left and not known:
            voice.note(f"removed the containers that a killed bac-exec had left of {', '.join(left)}")
