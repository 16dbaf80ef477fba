"""What a command holds in memory does not grow with what passes through it."""

import os
import subprocess

import processes
import pytest
from bench import fleet

JOB = (
    b'{"kind":"job","v":1,"id":"j-1","spec":{},"requires":{"engine":"docker","platforms":["linux/arm64"],'
    b'"resources":{"cpu":4.0}}}\n'
)
MIB = 1024


def peak(words, home, input):
    """The largest resident memory of a process in MiB, and its status."""
    with processes.background(
        processes.installed(words), input, env=processes.environment(home), cwd=home, stdout=subprocess.DEVNULL
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_maxrss / MIB, process.returncode


@pytest.fixture
def nodes(home):
    """100,000 node lines, 54 MB."""
    path = home / "nodes.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        fleet.write(100_000, stream)
    return path


def test_matching_100_000_nodes_in_a_file_stays_under_80_mib(home, nodes):
    used, status = peak(("bac-match", nodes), home, JOB)
    assert status == 0
    assert used < 80


def test_matching_100_000_nodes_through_a_pipe_stays_under_80_mib(home, nodes):
    pipe = home / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cp", nodes, pipe]):
        used, status = peak(("bac-match", pipe), home, JOB)
    assert status == 0
    assert used < 80
