"""bac-exec and a reader of what jobs print who stops reading: the job's time, and signals, count all the same."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest
from processes import Completed, eventually

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from docker import DockerClient

    Run = Callable[..., Completed]
    Spawn = Callable[..., subprocess.Popen[bytes]]

# What it prints in lines of 65536 bytes: for ever, or so many of them.
PRINT = """(module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2) (data (i32.const 0) "\\10\\00\\00\\00\\00\\00\\01\\00")
  (global $left (mut i32) (i32.const {}))
  (func (export "_start")
    (memory.fill (i32.const 16) (i32.const 121) (i32.const 65536))
    (i32.store8 (i32.const 65551) (i32.const 10))
    (loop $again
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (global.set $left (i32.sub (global.get $left) (i32.const 1)))
      (br_if $again (global.get $left)))))"""
PIPE = 65536
"""Bytes that a pipe holds, and what a reader who has stalled for good takes."""


@pytest.fixture(params=["docker", "wasm"])
def flood(request: pytest.FixtureRequest, run: Run, home: Path) -> bytes:
    """A job that prints without end."""
    if request.param == "wasm":
        (home / "flood.wat").write_text(PRINT.format(0), encoding="ascii")
        return run("bac-job", "wasm", home / "flood.wat").stdout
    image = f"{request.getfixturevalue('registry')}/busybox:multi"
    assert request.getfixturevalue("docker").ping()
    return run("bac-job", "docker", image, "--", "yes").stdout


@pytest.fixture
def unread() -> Iterator[tuple[int, int]]:
    """A pipe that is read when all is over."""
    ends = os.pipe()
    yield ends
    for each in ends:
        os.close(each)


def shown(unread: tuple[int, int]) -> bytes:
    os.set_blocking(unread[0], False)
    return os.read(unread[0], 1 << 20)


def printed(home: Path) -> bytes:
    (folder,) = home.glob("job-*")
    return (folder / "stdout").read_bytes()


def test_a_stalled_watcher_does_not_outlast_the_timeout(
    spawn: Spawn, home: Path, flood: bytes, unread: tuple[int, int]
):
    process = spawn("bac-exec", "--follow", "--timeout", "1", input=flood, stderr=unread[1])
    record = json.loads(process.communicate(timeout=60)[0])
    kept = printed(home)
    assert record["status"] == "timeout"
    assert record["stdout"]["bytes"] == len(kept) > PIPE
    assert kept.startswith(shown(unread))


def test_a_stalled_reader_does_not_outlast_the_timeout(spawn: Spawn, home: Path, flood: bytes, unread: tuple[int, int]):
    process = spawn("bac-exec", "--passthrough", "--timeout", "1", input=flood, stdout=unread[1])
    process.communicate(timeout=60)
    assert process.returncode == 124
    assert printed(home).startswith(shown(unread))


def test_a_signal_is_heard_although_nobody_reads(
    spawn: Spawn, docker: DockerClient, home: Path, flood: bytes, unread: tuple[int, int]
):
    process = spawn("bac-exec", "--passthrough", input=flood, stdout=unread[1])
    eventually(lambda: any(path.stat().st_size > PIPE for path in home.glob("job-*/stdout")))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    assert printed(home).startswith(shown(unread))
    label = f"bactools={json.loads(flood)['id']}"
    assert docker.api.containers(all=True, filters={"label": label}) == []


def test_a_slow_reader_gets_all_that_is_printed(spawn: Spawn, run: Run, home: Path):
    (home / "much.wat").write_text(PRINT.format(64), encoding="ascii")
    job = run("bac-job", "wasm", home / "much.wat").stdout
    process = spawn("bac-exec", "--passthrough", input=job)
    eventually(lambda: any(path.stat().st_size > PIPE for path in home.glob("job-*/stdout")))
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert output == (b"y" * 65535 + b"\n") * 64 == printed(home)
