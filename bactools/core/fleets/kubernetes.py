"""A Node of ``kubectl get nodes --output json``: the API's v1 Node, as far as it says where a job can run.

What a node has is its capacity; what is available is what it lets pods have (allocatable), whether or not pods have
it. No job tolerates a taint, but for those that keep other platforms away: bac-match looks at the platform itself.
Sources: kubernetes.io, Node v1, Well-Known Labels, Taints and Tolerations; GPU and node feature discovery's labels.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from bactools.core import obstacles
from bactools.core.fleets import quantity, stated
from bactools.core.records import Engine, Gpu, Node, Resources

if TYPE_CHECKING:
    from collections.abc import Iterator

GPUS = {
    "nvidia.com/gpu": "NVIDIA",
    "amd.com/gpu": "AMD/ATI",
    "gpu.intel.com/i915": "Intel",
    "gpu.intel.com/xe": "Intel",
}
PLATFORM_TAINTS = ("kubernetes.io/arch", "kubernetes.io/os", "os", "node.kubernetes.io/os")
REPELLING = ("NoSchedule", "NoExecute")
# What node feature discovery calls a CPU's features. Those that it leaves out by default are older than these.
CPUID = "feature.node.kubernetes.io/cpu-cpuid."
LEVELS = {
    "v4": ("AVX512F", "AVX512BW", "AVX512CD", "AVX512DQ", "AVX512VL"),
    "v3": ("AVX2", "FMA3"),
    "v2": ("AVX",),
}
NO = ("", "false", "no", "0")
_MEBIBYTES = re.compile("[1-9][0-9]{0,11}")


class Metadata(msgspec.Struct):
    """Who the node is; the name is unique in its cluster, the uid everywhere."""

    name: str
    uid: str = ""
    labels: dict[str, Any] | None = None


class Taint(msgspec.Struct):
    """What keeps pods away that do not tolerate it."""

    key: str
    value: str | None = None
    effect: str = ""

    def __str__(self) -> str:
        value = f"={self.value}" if self.value else ""
        return f"{self.key}{value}:{self.effect}"


class Spec(msgspec.Struct):
    """Whether pods may be put there."""

    unschedulable: bool | None = None
    taints: list[Taint] | None = None


class Condition(msgspec.Struct):
    """A thing that the node said of itself, and when."""

    type: str
    status: str = ""
    reason: str | None = None
    lastHeartbeatTime: str | None = None  # noqa: N815 (Kubernetes' name)


class SystemInfo(msgspec.Struct, rename="camel"):
    """The kernel and what runs containers."""

    operating_system: str = ""
    architecture: str = ""
    kernel_version: str = ""
    container_runtime_version: str = ""


class Handler(msgspec.Struct):
    """A runtime of pods; the one without a name is the default."""

    name: str = ""


class Status(msgspec.Struct, rename="camel"):
    """What the node has and is."""

    capacity: dict[str, str | int | float] | None = None
    allocatable: dict[str, str | int | float] | None = None
    conditions: list[Condition] | None = None
    node_info: SystemInfo | None = None
    runtime_handlers: list[Handler] | None = None


class KubernetesNode(msgspec.Struct):
    """The object."""

    metadata: Metadata
    spec: Spec | None = None
    status: Status | None = None


def node(raw: msgspec.Raw) -> Node:
    """A Kubernetes Node as a node record. Raises msgspec.DecodeError, BacError ``bad_nodes``."""
    found = msgspec.json.decode(raw, type=KubernetesNode, strict=False)
    metadata, status = found.metadata, found.status or Status()
    labels = stated.labels(metadata.labels)
    here = host(status.node_info or SystemInfo(), labels)
    ready = next((item for item in status.conditions or () if item.type == "Ready"), None)
    warnings = list(hindrances(found.spec or Spec(), ready))
    return Node(
        id=metadata.uid or metadata.name,
        name=metadata.name,
        probed=stated.moment(ready.lastHeartbeatTime) if ready else UNSET,
        os=here.os or UNSET,
        architecture=here.architecture or UNSET,
        engines=list(engines(status, here, labels)) if here.stated else UNSET,
        resources=resources(status.capacity, labels),
        available=resources(status.allocatable, labels),
        labels=labels,
        schedulable=not warnings,
        warnings=warnings or UNSET,
    )


def host(system: SystemInfo, labels: dict[str, str]) -> stated.Host:
    """The node's platform; an x86-64 level and the version of Windows are in its labels."""
    os = system.operating_system or labels.get("kubernetes.io/os")
    architecture = system.architecture or labels.get("kubernetes.io/arch")
    windows = system.kernel_version or labels.get("node.kubernetes.io/windows-build")
    return stated.host(os, architecture, variant=level(labels) if architecture == "amd64" else "", version=windows)


def level(labels: dict[str, str]) -> str:
    """The highest x86-64 level whose telling features are labelled; nothing where none is."""

    def has(flag: str) -> bool:
        return labels.get(f"{CPUID}{flag}", "").lower() not in NO

    return next((name for name, flags in LEVELS.items() if all(has(flag) for flag in flags)), "")


def engines(status: Status, here: stated.Host, labels: dict[str, str]) -> Iterator[Engine]:
    """Containers, and WebAssembly where a runtime handler says so, or else a label of those who install shims."""
    handlers = [handler.name for handler in status.runtime_handlers or () if handler.name]
    wasm = [name for name in handlers if stated.is_wasm(name)]
    others = [name for name in handlers if name not in wasm]
    running = status.node_info.container_runtime_version if status.node_info else ""
    runtime, _, version = running.partition("://")
    yield stated.containers(here, runtime=runtime, version=version, features=others or UNSET)
    for name in wasm:
        yield stated.modules(name)
    if not wasm and any(stated.is_wasm(key) and value.lower() not in NO for key, value in labels.items()):
        yield stated.modules()


def resources(amounts: dict[str, str | int | float] | None, labels: dict[str, str]) -> Resources | UnsetType:
    """Capacity or allocatable in ours. What is not in it, pods cannot have."""
    if amounts is None:
        return UNSET
    gpus = [gpu for name in GPUS for gpu in graphics(amounts, name, labels)]
    return stated.resources(
        cpu=quantity.cores(amounts, "cpu"),
        memory=quantity.whole(amounts, "memory"),
        disk=quantity.whole(amounts, "ephemeral-storage"),
        gpus=gpus,
    )


def graphics(amounts: dict[str, str | int | float], name: str, labels: dict[str, str]) -> list[Gpu]:
    """The GPUs of a kind; NVIDIA's GPU feature discovery labels what they are, their memory in MiB."""
    memory = labels.get(f"{name}.memory", "")
    gpu = Gpu(
        vendor=GPUS[name],
        name=labels.get(f"{name}.product"),
        memory=int(memory) * stated.MIB if _MEBIBYTES.fullmatch(memory) else None,
    )
    return stated.repeated(gpu, quantity.whole(amounts, name) or 0)


def hindrances(spec: Spec, ready: Condition | None) -> Iterator[str]:
    """Why no pod is put there that does not insist."""
    if spec.unschedulable:
        yield obstacles.CORDONED
    if ready and ready.status != "True":
        yield obstacles.caused(obstacles.NOT_READY, ready.reason or ready.status)
    for taint in spec.taints or ():
        cordon = spec.unschedulable and taint.key == "node.kubernetes.io/unschedulable"
        if taint.effect in REPELLING and taint.key not in PLATFORM_TAINTS and not cordon:
            yield obstacles.caused(obstacles.TAINTED, str(taint))
