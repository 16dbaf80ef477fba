"""The graphics processors of this host, as their vendor's own tool lists them (NVIDIA's nvidia-smi)."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import time
from typing import TYPE_CHECKING

from bactools.core.errors import BacError
from bactools.core.records import Gpu

if TYPE_CHECKING:
    import subprocess
    from typing import IO

TOOL = "nvidia-smi"
QUERY = ("--query-gpu=name,memory.total", "--format=csv,noheader,nounits")
TIMEOUT = 5
"""Seconds; a driver that hangs takes the tool with it."""
OUTPUT_LIMIT = 64 * 1024
MIB = 1024 * 1024
_MEMORY = re.compile(r"[0-9]{1,12}")
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
    return Gpu("NVIDIA", name or None, int(memory) * MIB if _MEMORY.fullmatch(memory) else None)


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
        try:
            output, status = _collect(process)
        except (TimeoutError, subprocess.TimeoutExpired) as error:
            message = f"listing GPUs: {path} takes more than {TIMEOUT} s or {OUTPUT_LIMIT} bytes"
            raise BacError("timed_out", message) from error
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    if status:
        raise BacError("engine_failed", f"listing GPUs: {path} ended with status {status}", hint=_HINT)
    return output.decode("utf-8", "replace")


def _collect(process: subprocess.Popen[bytes]) -> tuple[bytes, int]:
    """What a process prints, and its status. Raises TimeoutError or TimeoutExpired over a limit."""
    deadline = time.monotonic() + TIMEOUT
    output = _read(process.stdout, deadline) if process.stdout else b""
    return output, process.wait(max(0, deadline - time.monotonic()))


def _read(stream: IO[bytes], deadline: float) -> bytes:
    """All that comes before the end, which is not there while any process has the other end open."""
    poll = select.poll()
    poll.register(stream.fileno(), select.POLLIN)
    output = b""
    while poll.poll(max(0, deadline - time.monotonic()) * 1000):
        piece = os.read(stream.fileno(), OUTPUT_LIMIT)
        if not piece:
            return output
        output += piece
        if len(output) > OUTPUT_LIMIT:
            break
    raise TimeoutError
