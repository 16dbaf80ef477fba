"""The clock that ends what does not end by itself."""

from __future__ import annotations

import os
import signal

import pytest

from bactools.core.errors import BacError, Terminated
from bactools.edges import alarm, signals

SHORT, LONG = 0.01, 1000.0


def limited(seconds):
    return alarm.limited(seconds, "looking at a disk", "Try again.")


def test_what_does_not_end_is_ended():
    reader, writer = os.pipe()
    with pytest.raises(BacError) as caught, limited(SHORT):
        os.read(reader, 1)
    os.close(reader)
    os.close(writer)
    assert caught.value.code == "timed_out"
    assert caught.value.message == "looking at a disk did not end within 0.01 seconds"
    assert caught.value.hint == "Try again."


def test_what_ends_is_not_disturbed():
    with limited(LONG):
        done = True
    assert done
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.parametrize("seconds", [1e-6, 1e-5, 5e-5, 1e-4])
def test_a_clock_that_rings_at_once_is_told_as_every_other(seconds):
    codes = set()
    for _ in range(200):
        try:
            with limited(seconds):
                codes.add("in time")
        except BacError as error:
            codes.add(error.code)
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert codes <= {"in time", "timed_out"}


def test_another_failure_passes():
    with pytest.raises(ZeroDivisionError), limited(LONG):
        raise ZeroDivisionError


def test_a_process_that_is_told_to_stop_clears_up_undisturbed():
    before = signal.getsignal(signal.SIGTERM)
    rung = signal.getsignal(signal.SIGALRM)
    with limited(LONG):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        try:
            signal.raise_signal(signal.SIGALRM)
        finally:
            signal.signal(signal.SIGTERM, before)
    assert signal.getsignal(signal.SIGALRM) == rung


@pytest.mark.parametrize("raised", [alarm.Rung(), Terminated(signal.SIGTERM)])
def test_what_a_signal_raises_is_heard_where_python_compiles_a_module(raised):
    def ring(_number, _frame):
        raise raised

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, SHORT)
        with pytest.raises(type(raised)):
            compile("X = 123456789123 * 987654321987\n" * 100_000, "constants", "exec")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def hold_for_ever():
    signal.setitimer(signal.ITIMER_REAL, 0.0002)
    while True:
        with signals.held():
            pass


def test_a_signal_that_comes_just_before_it_would_be_held_leaves_none_held():
    def ring(_number, _frame):
        raise alarm.Rung

    before = signal.signal(signal.SIGALRM, ring)
    held = set()
    try:
        for _ in range(3000):
            with pytest.raises(alarm.Rung):
                hold_for_ever()
            held |= signal.pthread_sigmask(signal.SIG_SETMASK, ())
    finally:
        signal.signal(signal.SIGALRM, before)
    assert held == set()
