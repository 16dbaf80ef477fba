"""A node record from the facts of a host: what it is called, what its engines run, what it has.

Only what was found is offered: an engine runs its own platform, which need not be the host's (a Mac's
engine is Linux, and a remote one is another machine), and what binfmt_misc emulates for it.
"""

from __future__ import annotations

import hashlib
import re
from datetime import timezone
from typing import TYPE_CHECKING, NamedTuple

from msgspec import UNSET

from bactools.core import binfmt, cpu, ids, plan, platforms
from bactools.core.records import Engine, Gpu, Node, Offer, Resources

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from bactools.core.hostfile import Settings

APPLICATION = b"bactools node 1\n"
"""machine-id(5): a machine id is confidential; publish a hash of it that is of one application's own."""


class HostFacts(NamedTuple):
    """What the kernel and the file system say. Bytes and cores; None could not be told."""

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


class DockerFacts(NamedTuple):
    """What an engine says of itself, in Go's names; ``local`` if it was reached within this host."""

    version: str
    os: str
    architecture: str
    local: bool


def identity(host: HostFacts) -> str:
    """A stable id for this host: ``n-`` and a UUID of its machine id, else of its name."""
    machine = host.machine_id or ""
    known = machine if re.fullmatch(r"[0-9a-f]{32}", machine) else f"hostname {host.hostname}"
    digest = hashlib.sha256(APPLICATION + known.encode("utf-8", "surrogateescape")).digest()
    return ids.format_id("n", digest)


def architecture(host: HostFacts) -> str:
    """Go's name of the kernel's architecture. Raises BacError ``bad_platform``."""
    return platforms.parse(f"{host.os}/{host.machine}").architecture


def docker_engine(docker: DockerFacts, host: HostFacts, entries: Iterable[binfmt.Entry]) -> tuple[Engine, list[str]]:
    """What a Docker engine offers, and warnings. ``entries`` are those of this host's binfmt_misc."""
    here = docker.local and docker.os == host.os == "linux"
    own = architecture(host)
    variant = cpu.variant(own, host.machine, host.cpuinfo) if here and docker.architecture == own else None
    native = platforms.normalise(platforms.Platform(docker.os, docker.architecture, variant or ""))
    emulation = binfmt.offers(entries if here else (), {own, docker.architecture})
    offered = [Offer(str(native), "native"), *emulation.offers]
    return Engine("docker", offered, version=docker.version), list(emulation.warnings)


def wasm_engine(version: str | None, native: Iterable[str], features: Iterable[str]) -> Engine:
    """What the WebAssembly engine offers: its platforms, best first, and the proposals it accepts."""
    offered = [Offer(platform, "native") for platform in native]
    return Engine("wasm", offered, runtime="wasmtime", version=version, features=list(features))


def identified(host: HostFacts, settings: Settings, engines: Sequence[Engine], warnings: Sequence[str]) -> Node:
    """The node with what needs no measuring."""
    own = architecture(host)
    return Node(
        id=identity(host),
        name=settings.name or host.hostname,
        os=host.os,
        architecture=own,
        variant=cpu.variant(own, host.machine, host.cpuinfo),
        engines=list(engines),
        warnings=list(warnings),
    )


def measured(
    node: Node, host: HostFacts, gpus: Sequence[Gpu] | None, labels: Mapping[str, str], probed: datetime
) -> Node:
    """The node with all the rest: its resources, labels (in the order of their keys) and the time."""
    node.probed = timestamp(probed)
    node.resources = Resources(cpu=host.cpu, memory=host.memory, disk=host.disk, gpus=None if gpus is None else [*gpus])
    node.available = Resources(cpu=UNSET, memory=host.memory_available, disk=host.disk_available)
    node.labels = {key: labels[key] for key in sorted(labels)}
    node.sources = list(plan.SOURCES)
    node.publishers = list(plan.PUBLISHERS)
    node.schedulable = True
    return node


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
