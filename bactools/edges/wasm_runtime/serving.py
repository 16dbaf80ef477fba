"""The life of a child: one order after another, each with streams of its own, until one does not end well.

It hears SIGKILL alone: the signals that its parent held when it forked stay held, so that a signal to the whole group
ends a run in one way only, by the parent; and the kernel kills it when the parent dies.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Protocol

from bactools.core.errors import BacError
from bactools.edges import lifeline, messages
from bactools.edges.wasm_runtime.listening import STARTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from bactools.core.running import Ended, Ending
    from bactools.edges.lifeline import Forked


STDIN, STDOUT, STDERR = range(3)
PRINTING = 3
"""Descriptors that come with an order: to report and print to."""


class Worker(Protocol):
    """What does the orders of a child; everything may raise BacError."""

    def load(self) -> None:
        """Load what is needed, in any process."""

    def prepare(self) -> None:
        """Have ready what is needed, in the child."""

    def work(self, data: bytes, started: Callable[[], None], /) -> Ending:
        """Do an order; ``started`` is to be called when the time starts to count, CPU time too."""


class Report(NamedTuple):
    """What a child sends: an ending, or a BacError whose code is ``error``, and all the CPU seconds of its life."""

    status: Ended = "failed"
    exit_code: int | None = None
    message: str | None = None
    peak_memory: int | None = None
    cpu_seconds: float | None = None
    error: str | None = None
    hint: str | None = None

    def leaves_more(self) -> bool:
        """Whether the child takes another order after this one."""
        return self.status == "completed" and self.error is None


class Order(NamedTuple):
    """What to do, and the descriptors to report and print to."""

    data: bytes
    report: int
    stdout: int
    stderr: int


def serve(worker: Worker, first: Order, forked: Forked) -> NoReturn:
    """The whole life of a child that has an order when it begins."""

    def detached(data: bytes, started: Callable[[], None]) -> Ending:
        _detach(forked, {first.report})
        return worker.work(data, started)

    def life() -> None:
        if _served(detached, first):
            _go_on(worker, forked)

    _live(life)


def wait(worker: Worker, forked: Forked) -> NoReturn:
    """The whole life of a child that is given its orders later."""

    def life() -> None:
        _detach(forked, set())
        with suppress(BacError):  # the work comes upon it again, and is asked
            worker.prepare()
        _go_on(worker, forked)

    _live(life)


def _live(life: Callable[[], None]) -> NoReturn:
    gc.freeze()  # an object of another thread, collected here, would close a descriptor that has become ours
    try:
        life()
    finally:
        os._exit(0)


def _go_on(worker: Worker, forked: Forked) -> None:
    while (order := _received(forked)) and _served(worker.work, order):
        pass


def _received(forked: Forked) -> Order | None:
    """The next order; None when nobody is there any more to give one."""
    found = messages.receive(forked.end, PRINTING)
    return None if found is None else Order(found.data, *found.descriptors)


def _served(work: Callable[[bytes, Callable[[], None]], Ending], order: Order) -> bool:
    """Do an order, report, and tell whether there may be another."""
    report = Report(error="engine_failed", message="the module's process did not say why it ended")
    try:
        for target, descriptor in ((STDOUT, order.stdout), (STDERR, order.stderr)):
            os.dup2(descriptor, target)
            os.close(descriptor)
        report = _reported(work, order)
    finally:
        fault = sys.exc_info()[1]
        if fault is not None:
            report = report._replace(message=f"running the module: {type(fault).__name__}: {fault}"[:1000])
        os.dup2(STDIN, STDOUT)  # that the guest is over can be told by the end of its streams
        os.dup2(STDIN, STDERR)
        os.write(order.report, json.dumps(report).encode("ascii"))
        os.close(order.report)
    return report.leaves_more()


def _detach(forked: Forked, kept: set[int]) -> None:
    """An empty standard input, no descriptor of the parent's, and SIGKILL from the kernel when it dies, however."""
    if not lifeline.dies_with(forked.parent):
        os._exit(0)
    os.dup2(os.open(os.devnull, os.O_RDWR), STDIN)
    needed = {STDIN, STDOUT, STDERR, forked.end.fileno(), *kept}
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 (each run pays for it)
        if int(name) not in needed:
            with suppress(OSError):  # that of the list itself
                os.close(int(name))


def _reported(work: Callable[[bytes, Callable[[], None]], Ending], order: Order) -> Report:
    def started() -> None:
        os.write(order.report, b"%f" % _used() + STARTED)

    try:
        ending = work(order.data, started)
    except BacError as error:
        return Report(error=error.code, message=error.message, hint=error.hint)
    return Report(ending.status, ending.exit_code, ending.message, ending.peak_memory, _used())


def _used() -> float:
    """All the CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
