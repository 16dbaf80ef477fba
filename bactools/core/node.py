"""A node record from the facts of a host: what it is called, what its engines run, what it has.

Only what was found is offered: an engine runs its own platform, which need not be the host's (a Mac's
engine is Linux, and a remote one is another machine). What the owner withholds is not offered.
"""

from __future__ import annotations

import hashlib
import re
from datetime import timezone
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, structs

from bactools.core import cpu, hostfile, ids, plan, platforms
from bactools.core.records import Engine, Gpu, Node, Offer, Resources

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from bactools.core.enginefacts import DockerFacts
    from bactools.core.hostfacts import HostFacts
    from bactools.core.hostfile import Limits, Settings
    from bactools.core.platforms import Platform
    from bactools.core.records import Program
    from bactools.core.wasm_facts import WasmFacts

APPLICATION = b"bactools node 1\n"
"""machine-id(5): a machine id is confidential; publish a hash of it that is of one application's own."""

PASSING = ("probed", "available")
"""What two probes of one host may differ in."""


def identity(host: HostFacts) -> str:
    """A stable id for this host: ``n-`` and a UUID of its machine id, else of its name."""
    machine = host.machine_id or ""
    known = machine if re.fullmatch(r"[0-9a-f]{32}", machine) else f"hostname {host.hostname}"
    digest = hashlib.sha256(APPLICATION + known.encode("utf-8", "surrogateescape")).digest()
    return ids.format_id("n", digest)


def architecture(host: HostFacts) -> str:
    """Go's name of the kernel's architecture. Raises BacError ``bad_platform``."""
    return platforms.parse(f"{host.os}/{host.machine}").architecture


def is_here(docker: DockerFacts, host: HostFacts) -> bool:
    """Whether an engine runs containers on this host's own kernel, and so with its processors and emulators."""
    return docker.local and docker.os == host.os == "linux"


def native(docker: DockerFacts, host: HostFacts) -> Platform:
    """The platform of an engine itself, with the level of the processors where they are this host's."""
    own = architecture(host)
    variant = docker.variant
    if is_here(docker, host) and docker.architecture == own:
        variant = cpu.variant(own, host.machine, host.cpuinfo) or variant
    return platforms.normalise(platforms.Platform(docker.os, docker.architecture, variant))


def docker_engine(docker: DockerFacts, offers: Iterable[Offer], settings: Settings) -> Engine:
    """What an engine of containers offers."""
    return Engine(
        "docker",
        permitted(offers, settings),
        runtime=docker.runtime,
        version=docker.version,
        features=list(docker.runtimes),
        address=docker.address or UNSET,
        rootless=UNSET if docker.rootless is None else docker.rootless,
        memory=docker.memory or UNSET,
    )


def wasm_engine(wasm: WasmFacts, settings: Settings) -> Engine:
    """What the WebAssembly engine offers: its platforms, best first, and the proposals it accepts."""
    offers = permitted((Offer(platform, "native") for platform in wasm.platforms), settings)
    return Engine(
        "wasm", offers, runtime="wasmtime", version=wasm.version, features=list(wasm.features), memory=wasm.memory
    )


def permitted(offers: Iterable[Offer], settings: Settings) -> list[Offer]:
    """The offers that the owner of the host lets be made."""
    return [
        offer
        for offer in offers
        if (settings.emulation or offer.how != "emulated")
        and not hostfile.withholds(settings, platforms.parse(offer.platform))
    ]


def identified(host: HostFacts, settings: Settings, engines: Sequence[Engine] | None, warnings: Sequence[str]) -> Node:
    """The node with what needs no measuring; ``engines`` is None where nobody could tell."""
    own = architecture(host)
    return Node(
        id=identity(host),
        name=settings.name or host.hostname,
        os=host.os,
        architecture=own,
        variant=cpu.variant(own, host.machine, host.cpuinfo),
        engines=None if engines is None else list(engines),
        warnings=list(warnings),
    )


def measured(node: Node, host: HostFacts, gpus: Sequence[Gpu] | None, runtimes: Sequence[Program] | None) -> Node:
    """The node with what it has; ``runtimes`` is None where they were not looked for."""
    node.resources = Resources(cpu=host.cpu, memory=host.memory, disk=host.disk, gpus=None if gpus is None else [*gpus])
    node.available = Resources(cpu=host.cpu_available, memory=host.memory_available, disk=host.disk_available)
    node.page_size = host.page_size
    node.runtimes = UNSET if runtimes is None else list(runtimes)
    return node


def published(
    node: Node, settings: Settings, labels: Mapping[str, str], equipment: plan.Equipment, probed: datetime
) -> Node:
    """The node with the rest: what its owner says of it, its labels in the order of their keys, and the time."""
    local = settings.local_paths is None or len(settings.local_paths) > 0
    node.probed = timestamp(probed)
    node.limits = UNSET if settings.limits is None else _resources(settings.limits)
    node.labels = {key: labels[key] for key in sorted(labels)}
    node.sources = [name for name in equipment.sources if local or name not in plan.LOCAL_SOURCES]
    node.publishers = list(equipment.publishers)
    node.schedulable = True
    return node


def _resources(limits: Limits) -> Resources:
    """The limits that there are; of GPUs no more is said than how many."""
    found: dict[str, Any] = {name: UNSET if value is None else value for name, value in limits._asdict().items()}
    if limits.gpus is not None:
        found["gpus"] = [Gpu() for _ in range(limits.gpus)]
    return structs.replace(Resources(), **found)


def unchanged(before: bytes, after: bytes) -> bool:
    """Whether two node lines say the same of a host, but for PASSING. What is no line is another one."""
    try:
        told, tells = (msgspec.json.decode(line, type=dict[str, Any]) for line in (before, after))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    for name in PASSING:
        told.pop(name, None)
        tells.pop(name, None)
    return told == tells


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
