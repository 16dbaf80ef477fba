"""Many executions at once, each in a process of its own, and what comes of them in the order in which they came.

One thread does it all: whoever waits for more to do calls ``attend``, in which results are taken in. A result that is
there before its turn is kept, as long as there are not too many.
"""

from __future__ import annotations

import signal
from collections import deque
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bactools.core import schedule
from bactools.core.errors import BacError, Terminated
from bactools.core.records import Result  # noqa: TC001 (msgspec reads the annotations)
from bactools.edges import signals, workers
from bactools.flows import orders
from bactools.flows.engines import Engines
from bactools.flows.run import Outcome, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from bactools.core.schedule import Demand, Room
    from bactools.edges.workers import Stop, Worker
    from bactools.flows.run import Order, Setup

KEPT = 1000
"""Results that may wait for one before them."""


class Answer(msgspec.Struct):
    """What a worker sends: the record of a run, or why there is none; with what went wrong beside it."""

    record: Result | None = None
    refused: Fault | None = None
    trouble: Fault | None = None
    unpublished: Fault | None = None


class Fault(msgspec.Struct):
    """A BacError."""

    code: str
    message: str
    hint: str | None

    def error(self) -> BacError:
        """As it was raised."""
        return BacError(self.code, self.message, hint=self.hint)


class _Turn:
    """A place in the order of what is written: ``act`` writes it, once it is known."""

    def __init__(self, act: Callable[[], None] | None = None) -> None:
        self.act = act


class _Job(NamedTuple):
    """An execution under way."""

    demand: Demand
    turn: _Turn
    done: Callable[[Outcome | BacError | None], None]


class Executions:
    """Executions under way and what is to be written of them.

    ``stop`` handles the signals that stop a worker. How many are done and how many run is told to the progress of
    ``setup``, of which a worker knows nothing: several would write over one another. For one thread.
    """

    def __init__(self, setup: Setup, room: Room, stop: Stop) -> None:
        self._progress = _silent if setup.live else setup.progress  # what jobs print would come in the middle of it
        self._setup = setup._replace(progress=_silent)
        self._done = 0
        self._room = room
        self._stop = stop
        self._running: dict[Worker, _Job] = {}
        self._turns: deque[_Turn] = deque()

    def in_turn(self, act: Callable[[], None]) -> None:
        """Do this once all is written of what came before it."""
        self._turns.append(_Turn(act))
        self._write()

    def submit(self, order: Order, done: Callable[[Outcome | BacError | None], None]) -> None:
        """Begin an execution as soon as there is room; ``done`` is told in its turn what became of it.

        That is nothing where it was stopped before it began. Raises BacError ``engine_failed`` where no process is to
        be had.
        """
        demand = orders.demand(order)
        while len(self._turns) >= KEPT or not schedule.may_start(
            demand, [job.demand for job in self._running.values()], self._room
        ):
            self._take()
        if order.task.engine == "wasm":
            from bactools.edges.wasm_runtime import guest

            guest.load()  # once, for every worker
        with signals.held(signals.STOPPING):
            worker = workers.start(partial(_work, order, self._setup), self._stop)
            turn = _Turn()
            self._turns.append(turn)
            self._running[worker] = _Job(demand, turn, done)

    def attend(self, descriptor: int) -> None:
        """Take in results until there is something to read from ``descriptor``."""
        while self._running and not self._take(descriptor):
            pass

    def finish(self) -> None:
        """Wait for what still runs."""
        while self._running:
            self._take()
        self._write()

    def cancel(self, number: int) -> None:
        """Stop what runs by a signal, and wait for what is still to be said of it."""
        for worker in self._running:
            workers.kill(worker, number)
        self.finish()

    def close(self) -> None:
        """Stop what runs although nobody is left to hear of it."""
        self._turns.clear()
        self.cancel(signal.SIGTERM)

    def _take(self, descriptor: int | None = None) -> bool:
        """Wait, take in what has come, and tell whether ``descriptor`` can be read."""
        self._progress(f"{self._done} done, {len(self._running)} running")
        try:
            found, readable = workers.ready(self._running, descriptor)
        finally:
            self._progress(None)
        self._done += len(found)
        with signals.held(signals.STOPPING):
            for worker in found:
                job = self._running.pop(worker)
                job.turn.act = partial(job.done, _collected(worker))
        self._write()
        return readable

    def _write(self) -> None:
        while self._turns and (act := self._turns[0].act):
            act()
            self._turns.popleft()


def _silent(_text: str | None) -> None:
    """No progress."""


def _work(order: Order, setup: Setup) -> bytes:
    """The worker's part."""
    answer = Answer()
    try:
        with closing(Engines()) as engines:
            outcome = run(order, setup._replace(engines=engines))
    except BacError as error:
        answer.refused = _fault(error)
    except (KeyboardInterrupt, Terminated):
        return b""
    else:
        answer.record = outcome.record
        answer.unpublished = _fault(outcome.unpublished)
        if isinstance(outcome.interruption, BacError):
            answer.trouble = _fault(outcome.interruption)
    return msgspec.json.encode(answer)


def _collected(worker: Worker) -> Outcome | BacError | None:
    try:
        data = workers.collect(worker)
    except BacError as error:
        return error
    if not data:
        return None
    answer = msgspec.json.decode(data, type=Answer)
    if answer.refused:
        return answer.refused.error()
    assert answer.record  # noqa: S101 (one of both)
    return Outcome(answer.record, _error(answer.trouble), _error(answer.unpublished))


def _error(fault: Fault | None) -> BacError | None:
    return None if fault is None else fault.error()


def _fault(error: BacError | None) -> Fault | None:
    return None if error is None else Fault(error.code, error.message, error.hint)
