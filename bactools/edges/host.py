"""A host, as the kernel and the file system describe it; no program is run.

Files are read under ``root``, so that a captured tree of /proc and /etc can stand in for a host; uname,
the processors and the disk are always those of the running one.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from bactools.core.node import HostFacts

FILE_LIMIT = 64 * 1024
"""Bytes: the first processor of a cpuinfo of thousands is enough."""


def read(disk: Path, root: Path = Path("/")) -> HostFacts:
    """The facts of this host; ``disk`` is a folder on the file system that is measured."""
    system = os.uname()
    total, available = _memory(_text(root / "proc/meminfo") or "")
    size, free = _disk(disk)
    return HostFacts(
        os=system.sysname.lower(),
        machine=system.machine,
        hostname=os.fsencode(system.nodename).decode("utf-8", "replace"),
        machine_id=(_text(root / "etc/machine-id") or "").strip() or None,
        cpuinfo=_text(root / "proc/cpuinfo") or "",
        cpu=_processors(),
        memory=total,
        memory_available=available,
        disk=size,
        disk_available=free,
    )


def _text(path: Path) -> str | None:
    try:
        with path.open("rb") as stream:
            return stream.read(FILE_LIMIT).decode("utf-8", "replace")
    except OSError:
        return None


def _memory(meminfo: str) -> tuple[int | None, int | None]:
    """Bytes in all and bytes that could be had without swapping (proc_meminfo(5), whose kB are 1024 bytes)."""
    lines = re.findall(r"^(\w+):\s+(\d+) kB$", meminfo, re.MULTILINE)
    sizes = {name: int(kilobytes) * 1024 for name, kilobytes in lines}
    return sizes.get("MemTotal"), sizes.get("MemAvailable")


def _disk(folder: Path) -> tuple[int | None, int | None]:
    """Bytes in all and bytes that an unprivileged user may still write."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return None, None
    return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize


def _processors() -> float | None:
    """Processors that this process may run on: fewer than there are under taskset or in a cpuset."""
    if hasattr(os, "sched_getaffinity"):
        return float(len(os.sched_getaffinity(0)))
    count = os.cpu_count()
    return float(count) if count else None
