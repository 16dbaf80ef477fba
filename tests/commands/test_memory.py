"""What a command holds in memory does not grow with what passes through it."""

import os
import subprocess
import sys
from itertools import islice

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


def peak(words, home, job=JOB):
    """The status of a command that reads ``job``, and its largest resident memory in MiB."""
    completed = processes.complete(
        [sys.executable, "-c", MEASURE, *processes.installed(words)], job, env=processes.environment(home), cwd=home
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


@pytest.mark.parametrize("options", [(), ("--stream",), ("--explain",)], ids=" ".join)
def test_matching_100_000_nodes_in_a_file_stays_under_48_mib(home, nodes, options):
    status, used = peak(("bac-match", "-q", *options, nodes), home)
    assert status == 0
    assert used < 48


@pytest.fixture
def unlike_nodes(home):
    """100,000 node lines, each with amounts of its own."""
    path = home / "own.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        fleet.write(100_000, stream, own=True)
    return path


TOO_LARGE = JOB.replace(b'"cpu":4.0', b'"memory":1099511627776')


@pytest.mark.parametrize("options", [(), ("--stream",), ("--explain", "--limit", "1")], ids=" ".join)
@pytest.mark.parametrize(("job", "status"), [(JOB, 0), (TOO_LARGE, 1)], ids=["some fit", "none fits"])
def test_100_000_nodes_with_amounts_of_their_own_stay_under_48_mib(home, unlike_nodes, options, job, status):
    found, used = peak(("bac-match", "-q", *options, unlike_nodes), home, job)
    assert found == status
    assert used < 48


def test_matching_100_000_nodes_through_a_pipe_stays_under_48_mib(home, nodes):
    pipe = home / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cp", nodes, pipe]):
        status, used = peak(("bac-match", pipe), home)
    assert status == 0
    assert used < 48


def test_a_line_without_an_end_among_nodes_is_refused_before_it_fills_the_memory(home, nodes):
    with nodes.open("ab") as stream:
        stream.write(b'{"kind":"node","v":1,"id":"')
        stream.truncate(stream.tell() + (1 << 30))
    status, used = peak(("bac-match", nodes), home)
    assert status == 3
    assert used < 128


def test_a_first_line_without_an_end_is_refused_before_it_fills_the_memory(home):
    path = home / "nodes.jsonl"
    with path.open("wb") as stream:
        stream.write(b'{"kind":"node","v":1,"id":"')
        stream.truncate(1 << 30)
    status, used = peak(("bac-match", path), home)
    assert status == 3
    assert used < 128


@pytest.mark.parametrize("options", [(), ("--explain",)], ids=" ".join)
def test_1000_nodes_that_were_probed_200_times_each_stay_under_48_mib(home, nodes, options):
    path = home / "appended.jsonl"
    with nodes.open("rb") as stream, path.open("wb") as appended:
        lines = b"".join(islice(stream, 1000))
        for number in range(200):
            appended.write(lines.replace(b"2026-11-22T07:00", b"2026-11-22T%02d:%02d" % divmod(number, 60)))
    status, used = peak(("bac-match", "-q", *options, path), home)
    assert status == 0
    assert used < 48


LARGE = 200 * 1024 * 1024
# (module (func (export "_start")))
COMMAND = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x0a\x01\x06_start\0\0\x0a\x04\x01\x02\0\x0b"


@pytest.fixture
def large_module(home):
    """A job line of a module with a custom section of 200 MiB, which takes no room on the disk."""
    path = home / "large.wasm"
    size = bytes(LARGE >> shift & 0x7F | 0x80 * (shift < 28) for shift in range(0, 35, 7))
    with path.open("wb") as stream:
        stream.write(COMMAND + b"\0" + size + b"\x01x")
        stream.truncate(stream.tell() - len(b"\x01x") + LARGE)
    words = processes.installed(("bac-job", "wasm", path))
    return processes.complete(words, b"", env=processes.environment(home), cwd=home).stdout


def test_a_module_of_200_mib_is_inspected_under_48_mib(home, large_module):
    status, used = peak(("bac-inspect",), home, large_module)
    assert status == 0
    assert used < 48


def test_a_module_of_200_mib_that_is_compiled_already_runs_under_64_mib(home, large_module):
    assert peak(("bac-exec",), home, large_module)[0] == 0
    status, used = peak(("bac-exec",), home, large_module)
    assert status == 0
    assert used < 64
