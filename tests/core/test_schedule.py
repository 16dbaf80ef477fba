"""When a job may start beside those that run."""

from __future__ import annotations

import pytest

from bactools.core.schedule import Demand, Room, may_start

GIB = 1024**3
HOST = Room(jobs=4, cpu=2.0, memory=4 * GIB)


@pytest.mark.parametrize(
    ("job", "running", "expected"),
    [
        (Demand(), [], True),
        (Demand(), [Demand()] * 3, True),
        (Demand(), [Demand()] * 4, False),
        (Demand(cpu=1), [Demand(cpu=1)], True),
        (Demand(cpu=1.1), [Demand(cpu=1)], False),
        (Demand(cpu=0.1), [Demand(cpu=0.1)] * 3, True),
        (Demand(memory=2 * GIB), [Demand(memory=2 * GIB)], True),
        (Demand(memory=2 * GIB + 1), [Demand(memory=2 * GIB)], False),
        (Demand(cpu=1, memory=4 * GIB), [Demand(cpu=1)], True),
        (Demand(memory=GIB), [Demand(cpu=64)], True),
        (Demand(cpu=0.1), [Demand(cpu=64)], False),
        (Demand(ports=frozenset([8080])), [Demand(), Demand(ports=frozenset([8080, 9000]))], False),
        (Demand(ports=frozenset([8080])), [Demand(ports=frozenset([9000]))], True),
        (Demand(gpus=1), [Demand(), Demand(gpus=1)], False),
        (Demand(gpus=1), [Demand(), Demand()], True),
    ],
)
def test_jobs_run_together_as_far_as_the_host_reaches(job: Demand, running: list[Demand], expected: bool):
    assert may_start(job, running, HOST) is expected


def test_a_job_larger_than_the_host_runs_alone():
    huge = Demand(cpu=64, memory=999 * GIB)
    assert may_start(huge, [], HOST)
    assert not may_start(huge, [Demand(cpu=0.1)], HOST)


def test_tenths_of_a_core_add_up_to_the_whole():
    assert may_start(Demand(cpu=0.7), [Demand(cpu=0.1), Demand(cpu=0.2)], Room(jobs=9, cpu=1.0))


def test_what_the_host_does_not_tell_limits_nothing():
    assert may_start(Demand(cpu=64, memory=999 * GIB), [Demand(cpu=64, memory=999 * GIB)], Room(jobs=2))


def test_one_at_a_time_is_one_at_a_time():
    assert not may_start(Demand(), [Demand()], Room(jobs=1))
