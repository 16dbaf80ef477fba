"""Many executions at once, in processes that do one after another, and what comes of them in the order they came in.

A process keeps its engines for the next execution. One thread does it all: whoever waits for more to do calls
``attend``, in which results are taken in. A result that is there before its turn is kept, as long as there are not too
many.
"""

from __future__ import annotations

import pickle
import signal
from collections import deque
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bactools.core import schedule
from bactools.core.errors import BacError
from bactools.core.records import Result  # noqa: TC001 (msgspec reads the annotations)
from bactools.core.running import Ending
from bactools.edges import results, signals, workers
from bactools.flows import lost, orders
from bactools.flows.engines import Engines
from bactools.flows.execution import Outcome, begun
from bactools.flows.run import run

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from bactools.core.schedule import Room
    from bactools.edges.modules import Fetched
    from bactools.edges.workers import Stop, Worker
    from bactools.flows.execution import Begun, Order, Setup

    Done = Callable[[Outcome | BacError], None]

KEPT = 1000
"""Results that may wait for one before them."""


class Answer(msgspec.Struct):
    """What a worker sends: the record of a run, or why there is none; with what went wrong beside it.

    ``last`` is the answer of one that a signal has stopped: it takes no more orders.
    """

    record: Result | None = None
    refused: Fault | None = None
    trouble: Fault | None = None
    unpublished: Fault | None = None
    last: bool = False


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
    """An execution under way, and the folder of its results, which outlives whoever runs it."""

    order: Order
    folder: Path
    begun: Begun
    turn: _Turn
    done: Done


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
        self._idle: list[Worker] = []
        self._turns: deque[_Turn] = deque()

    def in_turn(self, act: Callable[[], None]) -> None:
        """Do this once all is written of what came before it."""
        self._turns.append(_Turn(act))
        self._write()

    def submit(self, order: Order, done: Done) -> None:
        """Begin an execution as soon as there is room; ``done`` is told in its turn what became of it.

        Raises BacError ``unwritable_file``, or ``engine_failed`` where no process is to be had.
        """
        demand = orders.demand(order)
        while len(self._turns) >= KEPT or not schedule.may_start(
            demand, [orders.demand(job.order) for job in self._running.values()], self._room
        ):
            self._take()
        if order.task.engine == "wasm":
            from bactools.edges.wasm_runtime import guest

            guest.load()  # once, for every worker
        with signals.held(signals.STOPPING):
            self._begin(order, done)

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
        """Stop what runs although nobody is left to hear of it, and let the workers go."""
        self._turns.clear()
        self.cancel(signal.SIGTERM)
        workers.end(self._idle)
        self._idle.clear()

    def _begin(self, order: Order, done: Done) -> None:
        with ExitStack() as undoing:
            modules = order.modules.copy()  # the next job may be admitted before the worker has read them
            undoing.callback(modules.forget)
            folder = results.create(self._setup.parent, order.job.id)
            undoing.callback(results.discard, folder)
            job = _Job(order._replace(modules=modules), folder, begun(), _Turn(), done)
            worker = self._at_work(pickle.dumps((job.order, folder)), order.modules, modules)
            undoing.pop_all()
        self._turns.append(job.turn)
        self._running[worker] = job

    def _at_work(self, data: bytes, *kept: Fetched) -> Worker:
        """A worker that has this order. Raises BacError ``engine_failed``."""
        while self._idle:
            worker = self._idle.pop()
            if workers.give(worker, data):
                return worker
            workers.end([worker])
        inherited = (*kept, *(job.order.modules for job in self._running.values()))
        worker = workers.start(partial(_work, self._setup, inherited), self._stop)
        workers.give(worker, data)  # one that is gone already is found to be so when its answer is collected
        return worker

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
                job.turn.act = partial(job.done, self._collected(worker, job))
        self._write()
        return readable

    def _collected(self, worker: Worker, job: _Job) -> Outcome | BacError:
        """What became of an execution; its worker takes the next one, if it still can."""
        job.order.modules.forget()
        try:
            data = workers.collect(worker)
        except BacError as error:
            return self._lost(job, Ending("failed", None, error.message))
        except RuntimeError as fault:  # a bug, to be told when all others have ended
            return self._lost(job, Ending("failed", None, str(fault)))._replace(interruption=fault)
        if not data:
            return self._lost(job, Ending("cancelled", None, "stopped by a signal"))
        answer = msgspec.json.decode(data, type=Answer)
        if answer.last:
            workers.end([worker])
        else:
            self._idle.append(worker)
        if answer.refused:
            return answer.refused.error()
        assert answer.record  # noqa: S101 (one of both)
        return Outcome(answer.record, _error(answer.trouble), _error(answer.unpublished))

    def _lost(self, job: _Job, ending: Ending) -> Outcome:
        return lost.outcome(job.order, job.folder, job.begun, ending, self._setup.engines)

    def _write(self) -> None:
        while self._turns and (act := self._turns[0].act):
            act()
            self._turns.popleft()


def _silent(_text: str | None) -> None:
    """No progress."""


def _work(setup: Setup, inherited: tuple[Fetched, ...], orders: Iterator[bytes]) -> Generator[bytes, None, None]:
    """The worker's part."""
    for modules in inherited:  # which would be kept for as long as the worker lives
        modules.forget()
    with closing(Engines()) as engines:
        for data in orders:
            order, folder = pickle.loads(data)  # noqa: S301 (our own process has made it)
            answer = _answer(order, setup._replace(engines=engines), folder)
            yield msgspec.json.encode(answer)
            if answer.last:
                return


def _answer(order: Order, setup: Setup, folder: Path) -> Answer:
    try:
        outcome = run(order, setup, folder)
    except BacError as error:
        results.discard(folder)
        return Answer(refused=_fault(error))
    answer = Answer(outcome.record, unpublished=_fault(outcome.unpublished))
    if isinstance(outcome.interruption, BacError):
        answer.trouble = _fault(outcome.interruption)
    else:
        answer.last = outcome.interruption is not None
    return answer


def _error(fault: Fault | None) -> BacError | None:
    return None if fault is None else fault.error()


def _fault(error: BacError | None) -> Fault | None:
    return None if error is None else Fault(error.code, error.message, error.hint)
