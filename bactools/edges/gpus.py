"""The graphics processors of this host, as their vendor's own tool lists them (NVIDIA's nvidia-smi)."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from typing import TYPE_CHECKING

from bactools.core.errors import BacError
from bactools.core.records import Gpu

if TYPE_CHECKING:
    import subprocess

TOOL = "nvidia-smi"
QUERY = ("--query-gpu=name,memory.total", "--format=csv,noheader,nounits")
TIMEOUT = 5
"""Seconds; a driver that hangs takes the tool with it."""
OUTPUT_LIMIT = 64 * 1024
MIB = 1024 * 1024
_HINT = "Is the driver loaded?"


def read() -> list[Gpu]:
    """The GPUs in the tool's order, none when the tool is not installed.

    Raises BacError ``timed_out`` or ``engine_failed`` (the tool is there, its driver is not).
    """
    path = shutil.which(TOOL)
    if path is None:
        return []
    return [_gpu(line) for line in _ask(path).splitlines() if line.strip()]


def _gpu(line: str) -> Gpu:
    """One row, ``NVIDIA A100-SXM4-40GB, 40960``: memory in MiB, or ``[N/A]`` where it is the host's own."""
    name, _, memory = (field.strip() for field in line.rpartition(","))
    return Gpu("NVIDIA", name or None, int(memory) * MIB if memory.isdecimal() else None)


def _ask(path: str) -> str:
    import subprocess

    try:
        process = subprocess.Popen(
            [path, *QUERY],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise BacError("engine_failed", f"listing GPUs: cannot run {path}: {error.strerror}") from error
    with process:
        output, status = _collect(process)
    if status == -signal.SIGKILL:
        raise BacError("timed_out", f"listing GPUs: {path} takes more than {TIMEOUT} s or {OUTPUT_LIMIT} bytes")
    if status:
        raise BacError("engine_failed", f"listing GPUs: {path} ended with status {status}", hint=_HINT)
    return output.decode("utf-8", "replace")


def _collect(process: subprocess.Popen[bytes]) -> tuple[bytes, int]:
    """What a process of its own session prints, and its status: that of SIGKILL if it went over a limit."""
    from threading import Timer

    def kill() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    late = Timer(TIMEOUT, kill)
    late.start()
    finished = False
    try:
        output = process.stdout.read(OUTPUT_LIMIT + 1) if process.stdout else b""
        if len(output) > OUTPUT_LIMIT:
            kill()
        status = process.wait()
        finished = True
    finally:
        late.cancel()
        if not finished:
            kill()
    return output, status
