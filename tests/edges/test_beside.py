"""A second process: what it gives comes back whole or not at all, and it never outlives the first."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import eventually

# Scripts, for a test process with threads must not fork.
SCRIPT = """
import os, signal, sys, time
from bactools.edges.beside import Beside

def large():
    return [b"x" * 1_000_000]

def several():
    yield b""
    yield b"x" * 100_000
    yield b"xy"

def failing():
    yield b"x"
    raise ValueError

def killed():
    yield b"x"
    os.kill(os.getpid(), signal.SIGKILL)

def endless():
    print(os.getpid(), flush=True)
    time.sleep(600)

with Beside(globals()[sys.argv[1]]) as other:
    if sys.argv[2] == "leave":
        sys.stdin.readline()
    else:
        for _ in range(4):
            answer = other.answer()
            print(None if answer is None else len(answer))
print("left")
"""


def script(work, then):
    words = [sys.executable, "-c", SCRIPT, work, then]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def is_gone(process_id):
    """Whether a process has ended."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(") ")[2].startswith("Z")
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize(
    ("work", "printed"),
    [
        ("large", "1000000 None None None"),
        ("several", "0 100000 2 None"),
        ("failing", "1 None None None"),
        ("killed", "1 None None None"),
    ],
)
def test_what_the_work_gives_comes_whole_and_then_nothing(work, printed):
    out, err = script(work, "answer").communicate(timeout=60)
    assert (out.decode().split(), err) == ([*printed.split(), "left"], b"")


def test_leaving_ends_it():
    with script("endless", "leave") as process:
        child = int(process.stdout.readline())
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"left\n"
        assert not Path(f"/proc/{child}").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_the_first_process(number):
    with script("endless", "answer") as process:
        child = int(process.stdout.readline())
        process.send_signal(number)
        process.wait(60)
        assert eventually(lambda: is_gone(child))
