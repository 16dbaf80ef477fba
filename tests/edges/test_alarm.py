"""The clock that ends what does not end by itself."""

from __future__ import annotations

import os
import signal

import pytest

from bactools.core.errors import BacError
from bactools.edges import alarm

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
