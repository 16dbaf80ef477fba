"""What control groups allow and use, from the kernel's texts: cgroups(7), version 1 and 2, also both at once.

A limit counts wherever it is set from a process's own group up to the root of what can be seen: the smallest wins.
``groups`` says which files to read, ``limits`` what they mean.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from bactools.core.procfs import cpu_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

UNIFIED = ""
"""The controller that /proc/PID/cgroup names for the hierarchy of version 2."""
VERSION_2 = ("cpu.max", "memory.max", "memory.current", "memory.stat", "cpuset.cpus.effective")
# controller -> its files in version 1
VERSION_1: dict[str, tuple[str, ...]] = {
    "cpu": ("cpu.cfs_quota_us", "cpu.cfs_period_us"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat"),
    "cpuset": ("cpuset.effective_cpus",),
}
MAX_DEPTH = 32
NO_LIMIT = 1 << 60
"""Bytes: version 1 prints the largest number of pages where nothing is limited, and that depends on their size."""

_NUMBER = re.compile(r"[0-9]{1,19}")
_CPU_MAX = re.compile(r"([0-9]{1,19}) ([1-9][0-9]{0,18})")
_INACTIVE = re.compile(r"^(?:total_)?inactive_file ([0-9]{1,19})$", re.MULTILINE)
_MOUNT = re.compile(
    r"\S+ \S+ \S+ (?P<root>\S+) (?P<point>\S+) \S+ (?:\S+ )*- (?P<type>cgroup2?) \S+ (?P<options>\S+)", re.ASCII
)
_OCTAL = re.compile(r"\\([0-7]{3})")


class Group(NamedTuple):
    """A control group: its folder, from the root of the host, and the files in it that are wanted."""

    folder: str
    files: tuple[str, ...]


class Limits(NamedTuple):
    """Cores, bytes, bytes still to be had, and the numbers of the processors that may be used; None: not limited."""

    cpu: float | None = None
    memory: int | None = None
    memory_available: int | None = None
    cpus: frozenset[int] | None = None


def groups(membership: str, mountinfo: str) -> list[Group]:
    """The groups that hold a process, from /proc/PID/cgroup and /proc/PID/mountinfo: its own first, then those above.

    Where a namespace hides the place of a group, it is what is mounted.
    """
    paths: dict[str, str] = {}
    for line in membership.splitlines():
        controllers, _, path = line.partition(":")[2].partition(":")
        paths.update(dict.fromkeys(controllers.split(","), path))
    found = [
        Group(folder, files)
        for mount in filter(None, map(_MOUNT.fullmatch, mountinfo.splitlines()))
        for controller, files in _controllers(mount)
        if controller in paths
        for folder in _upwards(_decoded(mount["root"]), _decoded(mount["point"]), paths[controller])
    ]
    return list(dict.fromkeys(found))


def limits(texts: Iterable[Mapping[str, str]]) -> Limits:
    """What groups allow together; ``texts`` are the files of each by their names, its own first."""
    seen = list(texts)
    memory = [(size, _used(files)) for files in seen if (size := _memory(files)) is not None]
    return Limits(
        cpu=min((cores for files in seen if (cores := _cpu(files)) is not None), default=None),
        memory=min((size for size, _ in memory), default=None),
        memory_available=min((max(0, size - used) for size, used in memory if used is not None), default=None),
        cpus=next((cpus for files in seen if (cpus := _cpus(files))), None),
    )


def _controllers(mount: re.Match[str]) -> list[tuple[str, tuple[str, ...]]]:
    if mount["type"] == "cgroup2":
        return [(UNIFIED, VERSION_2)]
    return [(name, files) for name, files in VERSION_1.items() if name in mount["options"].split(",")]


def _upwards(root: str, point: str, path: str) -> Iterator[str]:
    """The folders of a group at ``path`` and of those above it, where ``root`` is mounted at ``point``."""
    base = root.rstrip("/")
    inside = path[len(base) :].strip("/").split("/") if path == root or path.startswith(f"{base}/") else []
    parts = [] if ".." in inside else [part for part in inside if part][:MAX_DEPTH]
    for depth in range(len(parts), -1, -1):
        yield "/".join((point.rstrip("/"), *parts[:depth]))


def _decoded(field: str) -> str:
    """A field of mountinfo, in which blanks and backslashes are octal escapes: proc_pid_mountinfo(5)."""
    return _OCTAL.sub(lambda code: chr(int(code[1], 8)), field)


def _cpu(files: Mapping[str, str]) -> float | None:
    quota = f"{files.get('cpu.cfs_quota_us', '').strip()} {files.get('cpu.cfs_period_us', '').strip()}"
    found = _CPU_MAX.fullmatch(files.get("cpu.max", "").strip()) or _CPU_MAX.fullmatch(quota)
    return int(found[1]) / int(found[2]) if found else None


def _memory(files: Mapping[str, str]) -> int | None:
    size = _number(files, "memory.max", "memory.limit_in_bytes")
    return None if size is None or size >= NO_LIMIT else size


def _used(files: Mapping[str, str]) -> int | None:
    """Bytes in use, without what the kernel gives back when it is asked to: its cache of files not used of late."""
    usage = _number(files, "memory.current", "memory.usage_in_bytes")
    if usage is None:
        return None
    inactive = [int(size) for size in _INACTIVE.findall(files.get("memory.stat", ""))]
    return max(0, usage - max(inactive, default=0))


def _cpus(files: Mapping[str, str]) -> frozenset[int] | None:
    lists = (files[name] for name in ("cpuset.cpus.effective", "cpuset.effective_cpus") if name in files)
    return next(filter(None, map(cpu_list, lists)), None)


def _number(files: Mapping[str, str], *names: str) -> int | None:
    texts = (files[name].strip() for name in names if name in files)
    return next((int(text) for text in texts if _NUMBER.fullmatch(text)), None)
