"""A host's kernel, processors, memory and disk, from its files and, of the running one, system calls.

No program is run. Of a captured host there is no disk, and all the rest is what its files say.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from bactools.core import cgroups, platforms, procfs
from bactools.core.errors import BacError
from bactools.core.hostfacts import HostFacts
from bactools.edges.host.tree import Tree

if TYPE_CHECKING:
    from pathlib import Path

MOUNTS_LIMIT = 1024 * 1024
"""Bytes: a host of many containers has many mounts."""
CPUINFO_LIMIT = 8 * 1024 * 1024
"""Bytes, where the processors are to be counted."""


_Number = TypeVar("_Number", int, float)


class _Kernel(NamedTuple):
    os: str
    machine: str
    release: str
    hostname: str


def read(disk: Path, tree: Tree | None = None) -> HostFacts:
    """The facts of a host, this one unless its ``tree`` is given; ``disk`` is a folder on the file system to measure.

    Raises BacError ``unreadable_file`` where a captured tree does not tell the architecture.
    """
    tree = tree or Tree()
    cpuinfo = tree.text("proc/cpuinfo") or ""
    kernel = _captured(tree, cpuinfo) if tree.captured else _running()
    limits = _limits(tree)
    total, free = procfs.memory(tree.text("proc/meminfo") or "")
    size, unused = (None, None) if tree.captured else _disk(disk)
    present = _online(tree) if tree.captured else os.cpu_count()
    cpu = _least(_allowed(tree, limits.cpus, present), limits.cpu)
    load = procfs.load(tree.text("proc/loadavg") or "")
    return HostFacts(
        os=kernel.os,
        machine=kernel.machine,
        hostname=kernel.hostname,
        machine_id=(tree.text("etc/machine-id") or "").strip() or None,
        cpuinfo=cpuinfo,
        cpu=cpu,
        memory=_least(total, limits.memory),
        memory_available=_least(free, limits.memory_available),
        disk=size,
        disk_available=unused,
        kernel=kernel.release,
        page_size=_page_size(tree, kernel),
        cpu_available=None if load is None or not present else _least(cpu, round(max(0.0, present - load), 2)),
    )


def _running() -> _Kernel:
    system = os.uname()
    hostname = os.fsencode(system.nodename).decode("utf-8", "replace")
    return _Kernel(system.sysname.lower(), system.machine, system.release, hostname)


def _captured(tree: Tree, cpuinfo: str) -> _Kernel:
    system, release, machine, hostname = (
        (tree.text(f"proc/sys/kernel/{name}") or "").strip() for name in ("ostype", "osrelease", "arch", "hostname")
    )
    machine = machine or procfs.machine(cpuinfo, tree.text("sys/kernel/cpu_byteorder") or "") or ""
    if not machine:
        raise BacError(
            "unreadable_file",
            f"reading the host captured in {tree.root}: neither proc/sys/kernel/arch nor proc/cpuinfo there tells its "
            "architecture",
            hint="Copy both from the host, or write its uname -m into proc/sys/kernel/arch.",
            input=str(tree.root),
        )
    hostname = hostname or (tree.text("etc/hostname") or "").strip() or tree.root.name
    return _Kernel((system or "linux").lower(), machine, release, hostname)


def _limits(tree: Tree) -> cgroups.Limits:
    found = cgroups.groups(
        tree.text("proc/self/cgroup") or "", tree.text("proc/self/mountinfo", limit=MOUNTS_LIMIT) or ""
    )
    return cgroups.limits(
        {name: text for name in group.files if (text := tree.text(f"{group.folder}/{name}")) is not None}
        for group in found
    )


def _online(tree: Tree) -> int | None:
    """The processors of a captured host."""
    listed = procfs.cpu_list(tree.text("sys/devices/system/cpu/online") or "")
    return len(listed) or procfs.processors(tree.text("proc/cpuinfo", limit=CPUINFO_LIMIT) or "")


def _allowed(tree: Tree, cpus: frozenset[int] | None, present: int | None) -> float | None:
    """The processors that a process may run on: fewer than there are under taskset or in a cpuset."""
    if not tree.captured and hasattr(os, "sched_getaffinity"):
        return float(len(os.sched_getaffinity(0)))
    count = _least(present, None if cpus is None else len(cpus))
    return None if count is None else float(count)


def _page_size(tree: Tree, kernel: _Kernel) -> int | None:
    """Bytes."""
    if not tree.captured:
        return os.sysconf("SC_PAGE_SIZE")
    architecture = platforms.parse(f"{kernel.os}/{kernel.machine}").architecture
    return procfs.page_size(tree.text("proc/self/smaps") or "", architecture)


def _disk(folder: Path) -> tuple[int | None, int | None]:
    """Bytes in all and bytes that an unprivileged user may still write."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return None, None
    return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize


def _least(first: _Number | None, second: _Number | None) -> _Number | None:
    known = [value for value in (first, second) if value is not None]
    return min(known, default=None)
