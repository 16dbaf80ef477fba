"""Processes that do one order after another: what they answer, and how their ends are told."""

from __future__ import annotations

import os
import signal

import pytest
from processes import eventually

from bactools.core.errors import BacError, Terminated
from bactools.edges import workers

LARGE = 5_000_000
"""Bytes: more than a socket holds."""


def stop(number, _frame):
    raise Terminated(number)


def echo(orders):
    for order in orders:
        yield f"{os.getpid()} ".encode() + order


def fail(orders):
    for order in orders:
        raise ValueError(order.decode())
        yield


def wait(orders):
    for _ in orders:
        signal.pause()
        yield b""


def clear_up(orders, path):
    try:
        yield from echo(orders)
    finally:
        path.touch()


@pytest.fixture
def started():
    """``started(work)``: a worker that the test has to end."""
    mine = []

    def start(work):
        mine.append(workers.start(work, stop))
        return mine[-1]

    yield start
    for worker in mine:
        with pytest.raises(ChildProcessError):  # each has been waited for
            os.waitpid(worker.process, os.WNOHANG)


def test_one_process_does_order_after_order(started):
    worker = started(echo)
    for order in (b"one", b"", b"x" * LARGE):
        assert workers.give(worker, order)
        assert workers.ready([worker]) == ([worker], False)
        assert workers.collect(worker) == f"{worker.process} ".encode() + order
    workers.end([worker])


def test_the_first_of_several_ends_although_the_later_ones_hold_its_socket(started):
    first, second = started(echo), started(echo)
    workers.end([first])
    assert workers.give(second, b"still here")
    assert workers.collect(second).endswith(b"still here")
    workers.end([second])


def test_one_that_is_let_go_clears_up(started, tmp_path):
    worker = started(lambda orders: clear_up(orders, tmp_path / "cleared"))
    workers.end([worker])
    assert (tmp_path / "cleared").exists()


def test_one_that_is_killed_is_told_by_its_signal(started):
    worker = started(wait)
    workers.give(worker, b"")
    workers.kill(worker)
    with pytest.raises(BacError) as caught:
        workers.collect(worker)
    assert caught.value.code == "engine_failed"
    assert caught.value.message == "the process that ran the job was killed (Killed, signal 9)"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_that_is_stopped_answers_nothing(started, tmp_path, number):
    def work(orders):
        for _ in orders:
            (tmp_path / "at-work").touch()
            signal.pause()
            yield b"never"

    worker = started(work)
    workers.give(worker, b"")
    eventually((tmp_path / "at-work").exists)
    workers.kill(worker, number)
    assert workers.collect(worker) == b""


def test_one_that_was_killed_while_it_waited_takes_no_order(started):
    worker = started(echo)
    workers.kill(worker)
    eventually(lambda: os.waitid(os.P_PID, worker.process, os.WEXITED | os.WNOHANG | os.WNOWAIT))
    assert not workers.give(worker, b"order")
    workers.end([worker])


def test_a_fault_of_the_work_is_raised_here(started):
    worker = started(fail)
    workers.give(worker, b"on purpose")
    with pytest.raises(RuntimeError, match="ValueError: on purpose"):
        workers.collect(worker)
