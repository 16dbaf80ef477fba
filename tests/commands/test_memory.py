"""What a command holds in memory does not grow with what passes through it."""

import os
import subprocess
import sys

import processes
import pytest
from bench import fleet

JOB = (
    b'{"kind":"job","v":1,"id":"j-1","spec":{},"requires":{"engine":"docker","platforms":["linux/arm64"],'
    b'"resources":{"cpu":4.0}}}\n'
)
# A process between: what a process used before it became the command would count as the command's.
MEASURE = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


def peak(words, home):
    """The status of a command that reads JOB, and its largest resident memory in MiB."""
    completed = processes.complete(
        [sys.executable, "-c", MEASURE, *processes.installed(words)], JOB, env=processes.environment(home), cwd=home
    )
    status, used = map(int, completed.stdout.split())
    return status, used


@pytest.fixture
def nodes(home):
    """100,000 node lines, 54 MB."""
    path = home / "nodes.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        fleet.write(100_000, stream)
    return path


def test_matching_100_000_nodes_in_a_file_stays_under_80_mib(home, nodes):
    status, used = peak(("bac-match", nodes), home)
    assert status == 0
    assert used < 80


def test_matching_100_000_nodes_through_a_pipe_stays_under_80_mib(home, nodes):
    pipe = home / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cp", nodes, pipe]):
        status, used = peak(("bac-match", pipe), home)
    assert status == 0
    assert used < 80
