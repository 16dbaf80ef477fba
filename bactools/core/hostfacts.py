"""What the kernel and the file system say of a host, as a value; None is what could not be told."""

from __future__ import annotations

from typing import NamedTuple

from bactools.core import cpu, platforms, procfs
from bactools.core.platform_tables import ARCHITECTURES

ALIKE = {"386": "amd64", "arm": "arm64", "ppc64le": "ppc64"}
"""Architectures whose kernels write one kind of cpuinfo."""


class HostFacts(NamedTuple):
    """One host, this or a captured one. Sizes are bytes, CPU is cores.

    ``os`` is Go's name, ``machine`` what uname calls it, ``kernel`` uname's release. ``cpu`` and ``memory`` are what
    the host has, or less where control groups allow less; the ``_available`` ones what of that is not in use.
    """

    os: str
    machine: str
    hostname: str
    machine_id: str | None
    cpuinfo: str
    cpu: float | None
    memory: int | None
    memory_available: int | None
    disk: int | None
    disk_available: int | None
    kernel: str = ""
    page_size: int | None = None
    cpu_available: float | None = None


def doubts(host: HostFacts) -> list[str]:
    """Why not to believe what the files of a captured host tell of its architecture, if anything speaks against it."""
    own = platforms.parse(f"{host.os}/{host.machine}").architecture
    if own not in ARCHITECTURES:
        return [f"the captured host calls its machine {host.machine}, which is no known architecture"]
    shape = procfs.machine(host.cpuinfo, "")
    seen = platforms.parse(f"{host.os}/{shape}").architecture if shape else own
    if ALIKE.get(seen, seen) != ALIKE.get(own, own):
        return [f"the captured host calls its machine {host.machine}, but its proc/cpuinfo is of {shape}"]
    if cpu.variant(own, host.machine, host.cpuinfo) is None:
        return ["the level of the captured host's processors is unknown: its proc/cpuinfo does not tell it"]
    return []
