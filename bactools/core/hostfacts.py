"""What the kernel and the file system say of a host, as a value; None is what could not be told."""

from __future__ import annotations

from typing import NamedTuple


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
