"""A node of ``nomad node status -json``, in the form of one node or of the list, and of Nomad's /v1/node and /v1/nodes.

The list says neither the architecture nor, unless asked for, the resources; its nodes then say so in a warning. What
is available is what the owner did not reserve: what allocations use is nowhere in it.
Source: developer.hashicorp.com, Nomad, HTTP API, Nodes. Nomad's MB are of 1024 * 1024 bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from bactools.core import obstacles
from bactools.core.fleets import stated
from bactools.core.records import Engine, Gpu, Node, Resources

if TYPE_CHECKING:
    from collections.abc import Iterator

# Drivers that run container images.
CONTAINERS = ("docker", "podman", "containerd-driver")
VENDORS = {"nvidia": "NVIDIA", "amd": "AMD/ATI", "intel": "Intel"}
UNITS = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3}
LIST_ONLY = "a list of Nomad's names no architecture: ask `nomad node status -json` for each node"


class Driver(msgspec.Struct):
    """What a driver found on the node."""

    Detected: bool = False
    Healthy: bool = False
    Attributes: dict[str, Any] | None = None


class Processors(msgspec.Struct):
    """CPU: MHz in all, and cores."""

    CpuShares: int = 0
    TotalCpuCores: int = 0


class Memory(msgspec.Struct):
    """Memory in MiB."""

    MemoryMB: int = 0


class Disk(msgspec.Struct):
    """Disk in MiB."""

    DiskMB: int = 0


class Measure(msgspec.Struct):
    """A number with a unit."""

    Int: int | None = None
    Unit: str = ""


class Instance(msgspec.Struct):
    """One device."""

    Healthy: bool = True


class Devices(msgspec.Struct):
    """Devices of one kind."""

    Vendor: str = ""
    Type: str = ""
    Name: str = ""
    Instances: list[Instance] | None = None
    Attributes: dict[str, Measure] | None = None


class Amounts(msgspec.Struct):
    """What a node has, or what of it is reserved."""

    Cpu: Processors | None = None
    Memory: Memory | None = None
    Disk: Disk | None = None
    Devices: list[Devices] | None = None


class NomadNode(msgspec.Struct):
    """The object, or its stub in a list."""

    ID: str
    Name: str = ""
    Datacenter: str = ""
    NodeClass: str = ""
    NodePool: str = ""
    Attributes: dict[str, Any] | None = None
    Meta: dict[str, Any] | None = None
    Drivers: dict[str, Driver | None] | None = None
    NodeResources: Amounts | None = None
    ReservedResources: Amounts | None = None
    Status: str = ""
    SchedulingEligibility: str = ""
    Drain: bool | None = None


def node(raw: msgspec.Raw) -> Node:
    """A Nomad node as a node record. Raises msgspec.DecodeError, BacError ``bad_nodes``.

    Labels are the node's metadata, and its class, pool and datacenter as constraints in Nomad name them.
    """
    found = msgspec.json.decode(raw, type=NomadNode, strict=False)
    attributes = stated.labels(found.Attributes)
    here = stated.host(
        attributes.get("kernel.name"), attributes.get("cpu.arch"), version=attributes.get("kernel.version")
    )
    names = {"node.class": found.NodeClass, "node.pool": found.NodePool, "node.datacenter": found.Datacenter}
    offered = None if found.Drivers is None else list(engines(found.Drivers, here))
    unknown = not here.stated and offered != []
    hindered = list(hindrances(found))
    return Node(
        id=found.ID,
        name=found.Name or found.ID,
        os=here.os or UNSET,
        architecture=here.architecture or UNSET,
        engines=UNSET if unknown or offered is None else offered,
        resources=resources(found.NodeResources, attributes),
        available=available(found, attributes),
        labels={**{key: value for key, value in names.items() if value}, **stated.labels(found.Meta)},
        schedulable=not hindered,
        warnings=hindered + [LIST_ONLY] * unknown or UNSET,
    )


def hindrances(found: NomadNode) -> Iterator[str]:
    """Why the scheduler leaves it out. A node that is drained is not eligible either."""
    if found.Status not in ("", "ready"):
        yield obstacles.caused(obstacles.NOT_READY, found.Status)
    if found.Drain:
        yield obstacles.DRAINED
    elif found.SchedulingEligibility not in ("", "eligible"):
        yield obstacles.NOT_ELIGIBLE


def engines(drivers: dict[str, Driver | None], here: stated.Host) -> Iterator[Engine]:
    """The drivers that are found and healthy, as engines."""
    for name, driver in drivers.items():
        if driver is None or not (driver.Detected and driver.Healthy):
            continue
        if name in CONTAINERS:
            version = stated.labels(driver.Attributes).get(f"driver.{name}.version")
            yield stated.containers(here, runtime=None if name == "docker" else name, version=version)
        elif stated.is_wasm(name):
            yield stated.modules(name)


def resources(amounts: Amounts | None, attributes: dict[str, str]) -> Resources | UnsetType:
    """What the node has; the cores of before Nomad 1.0 are among its attributes."""
    if amounts is None:
        return UNSET
    cores = amounts.Cpu.TotalCpuCores if amounts.Cpu else 0
    counted = attributes.get("cpu.numcores", "")
    return stated.resources(
        cpu=cores or (int(counted) if counted.isdecimal() else None),
        memory=None if amounts.Memory is None else amounts.Memory.MemoryMB * stated.MIB,
        disk=None if amounts.Disk is None else amounts.Disk.DiskMB * stated.MIB,
        gpus=[gpu for devices in amounts.Devices or () for gpu in graphics(devices)],
    )


def available(found: NomadNode, attributes: dict[str, str]) -> Resources | UnsetType:
    """What the node has less what is reserved on it: of CPU the same share of the cores as of the MHz."""
    total = resources(found.NodeResources, attributes)
    reserved, speed = found.ReservedResources, found.NodeResources and found.NodeResources.Cpu
    if total is UNSET or reserved is None:
        return UNSET
    if reserved.Cpu and speed and speed.CpuShares > 0 and isinstance(total.cpu, (int, float)):
        total.cpu = max(total.cpu * (1 - reserved.Cpu.CpuShares / speed.CpuShares), 0)
    if reserved.Memory and isinstance(total.memory, int):
        total.memory = max(total.memory - reserved.Memory.MemoryMB * stated.MIB, 0)
    if reserved.Disk and isinstance(total.disk, int):
        total.disk = max(total.disk - reserved.Disk.DiskMB * stated.MIB, 0)
    return total


def graphics(devices: Devices) -> list[Gpu]:
    """The healthy GPUs of one kind."""
    if devices.Type != "gpu":
        return []
    memory = (devices.Attributes or {}).get("memory", Measure())
    unit = UNITS.get(memory.Unit)
    gpu = Gpu(
        vendor=VENDORS.get(devices.Vendor.lower(), devices.Vendor) or None,
        name=devices.Name or None,
        memory=memory.Int * unit if memory.Int and unit else None,
    )
    return stated.repeated(gpu, sum(instance.Healthy for instance in devices.Instances or ()))
