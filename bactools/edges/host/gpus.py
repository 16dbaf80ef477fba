"""The graphics processors of a host: its vendors' tools, else the NVIDIA driver's files, else its CDI files.

A tool that hangs is killed with all that it started. Of a captured host only files are read.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from bactools.core import gpus as core
from bactools.core.errors import BacError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from typing import IO

    from bactools.core.records import Gpu
    from bactools.edges.host.tree import Tree

TIMEOUT = 5.0
"""Seconds for all tools together; a driver that hangs takes its tool with it."""
OUTPUT_LIMIT = 64 * 1024
CDI_LIMIT = 1024 * 1024
"""Bytes of one CDI file."""
ALSO = ("/usr/lib/wsl/lib", "/opt/rocm/bin", "/usr/local/bin")
"""Folders where drivers put their tools, and that are not on the PATH of cron."""
CDI_FOLDERS = ("etc/cdi", "var/run/cdi", "run/cdi")
DRIVER_FOLDER = "proc/driver/nvidia/gpus"


def read(
    tree: Tree, timeout: float = TIMEOUT, *, decode: Callable[[bytes, str], list[object]]
) -> tuple[list[Gpu] | None, list[str]]:
    """The GPUs in the order of their tools, and warnings; None where a tool is there and nothing could be told.

    ``decode`` reads the YAML or JSON of a CDI file of that name, and raises BacError.
    """
    found, warnings = ([], []) if tree.captured else _asked(timeout)
    found = found or _driver(tree)
    if not found:
        found, trouble = _cdi(tree, decode)
        warnings += trouble
    return (None if warnings and not found else found), warnings


def _asked(timeout: float) -> tuple[list[Gpu], list[str]]:
    """What the tools that are installed say. They run at the same time."""
    deadline = time.monotonic() + timeout
    places = os.pathsep.join((os.environ.get("PATH", os.defpath), *ALSO))
    paths = {tool: path for tool in core.TOOLS if (path := shutil.which(tool.name, path=places))}
    found: list[Gpu] = []
    warnings: list[str] = []
    with ExitStack() as running:
        started: list[tuple[core.Tool, str, subprocess.Popen[bytes]]] = []
        for tool, path in paths.items():
            try:
                started.append((tool, path, running.enter_context(_started(path, tool.arguments))))
            except OSError as error:
                warnings.append(f"listing GPUs: cannot run {path}: {error.strerror}")
        for tool, path, process in started:
            try:
                found += tool.parse(_answer(path, process, timeout, deadline))
            except BacError as error:
                warnings.append(error.message)
    return found, warnings


@contextmanager
def _started(path: str, arguments: tuple[str, ...]) -> Iterator[subprocess.Popen[bytes]]:
    import subprocess

    process = subprocess.Popen(
        [path, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _answer(path: str, process: subprocess.Popen[bytes], timeout: float, deadline: float) -> str:
    """What a tool prints. Raises BacError ``timed_out`` or ``engine_failed``."""
    import subprocess

    try:
        output = _all(process.stdout, deadline) if process.stdout else b""
        status = process.wait(max(0, deadline - time.monotonic()))
    except (TimeoutError, subprocess.TimeoutExpired) as error:
        message = f"listing GPUs: {path} takes more than {timeout:g} s or {OUTPUT_LIMIT} bytes"
        raise BacError("timed_out", message) from error
    if status:
        raise BacError("engine_failed", f"listing GPUs: {path} ended with status {status}; is its driver loaded?")
    return output.decode("utf-8", "replace")


def _all(stream: IO[bytes], deadline: float) -> bytes:
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


def _driver(tree: Tree) -> list[Gpu]:
    texts = (tree.text(f"{DRIVER_FOLDER}/{bus}/information") for bus in sorted(tree.names(DRIVER_FOLDER)))
    return [core.nvidia_driver(text) for text in texts if text is not None]


def _cdi(tree: Tree, decode: Callable[[bytes, str], list[object]]) -> tuple[list[Gpu], list[str]]:
    found: dict[tuple[str, ...], Gpu] = {}
    warnings: list[str] = []
    for folder in CDI_FOLDERS:
        for name in sorted(tree.names(folder)):
            text = tree.text(f"{folder}/{name}", limit=CDI_LIMIT) if name.endswith((".json", ".yaml")) else None
            try:
                documents = decode(text.encode(), str(tree.path(f"{folder}/{name}"))) if text is not None else []
            except BacError as error:
                warnings.append(f"listing GPUs: {error.message}")
            else:
                for document in documents:
                    found.update(core.cdi(document))
    return list(found.values()), warnings
