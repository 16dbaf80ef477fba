"""A node of Bacalhau's ``node list --output json`` or of its API, v1.2 to v1.9.

Bacalhau says which engines a node has and the platform of its own binary, nothing about what Docker runs
there; so that platform is offered as ``assumed``. A Mac's binary is darwin while its Docker runs linux.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from bactools.core import node_labels, obstacles, wazero
from bactools.core.errors import BacError
from bactools.core.fleets import stated
from bactools.core.records import Engine, Gpu, Node, Resources

if TYPE_CHECKING:
    from collections.abc import Iterator


class Graphics(msgspec.Struct):
    """A GPU in Bacalhau's resources; memory in MiB."""

    Name: str = ""
    Vendor: str = ""
    Memory: int = 0


class Capacity(msgspec.Struct):
    """Bacalhau's resources; a zero is left out."""

    CPU: float = 0
    Memory: int = 0
    Disk: int = 0
    GPU: int = 0
    GPUs: list[Graphics] | None = None


class ComputeInfo(msgspec.Struct):
    """What Bacalhau says of a compute node; a requester has nulls."""

    ExecutionEngines: list[str] | None = None
    Publishers: list[str] | None = None
    StorageSources: list[str] | None = None
    MaxCapacity: Capacity | None = None
    AvailableCapacity: Capacity | None = None
    MaxJobRequirements: Capacity | None = None


class BuildVersion(msgspec.Struct):
    """The platform of the Bacalhau binary."""

    GOOS: str = ""
    GOARCH: str = ""


class Peer(msgspec.Struct):
    """Who a node was among its peers, before v1.3."""

    ID: str = ""


class NodeInfo(msgspec.Struct):
    """What a node says of itself."""

    NodeID: str = ""
    PeerInfo: Peer | None = None
    NodeType: str | int = "Compute"
    Labels: dict[str, Any] | None = None
    ComputeNodeInfo: ComputeInfo | None = None
    BacalhauVersion: BuildVersion | None = None


class Heartbeat(msgspec.Struct):
    """Whether the requester hears from the node, and since when."""

    Status: str = ""
    LastHeartbeat: str | None = None


class NodeState(msgspec.Struct):
    """What the requester says of a node; v1.3 has other names for whether it may and can work."""

    Info: NodeInfo
    Membership: str = ""
    Approval: str = ""
    Connection: str = ""
    Liveness: str = ""
    ConnectionState: Heartbeat | None = None


class Shape(msgspec.Struct):
    """What tells a NodeState from a bare NodeInfo."""

    Info: msgspec.Raw = msgspec.Raw()


def node(raw: msgspec.Raw) -> Node:
    """A NodeState or a bare NodeInfo as a node record. Raises msgspec.DecodeError, BacError ``bad_nodes``."""
    if msgspec.json.decode(raw, type=Shape).Info:
        return record(msgspec.json.decode(raw, type=NodeState, strict=False))
    return record(NodeState(msgspec.json.decode(raw, type=NodeInfo, strict=False)))


def record(state: NodeState) -> Node:
    """The node record of a NodeState. Raises BacError ``bad_nodes``."""
    info = state.Info
    compute = info.ComputeNodeInfo or ComputeInfo()
    labels = stated.labels(info.Labels)
    here = binary(info, labels)
    known = info.NodeID or (info.PeerInfo.ID if info.PeerInfo else "")
    if not known:
        raise BacError("bad_nodes", "it has no NodeID")
    warnings = list(hindrances(state))
    return Node(
        id=known,
        name=labels.get("name", known),
        probed=stated.moment(state.ConnectionState.LastHeartbeat) if state.ConnectionState else UNSET,
        os=here.os,
        architecture=here.architecture,
        engines=list(engines(compute.ExecutionEngines or [], here, labels)),
        resources=resources(compute.MaxCapacity),
        available=resources(compute.AvailableCapacity),
        limits=resources(compute.MaxJobRequirements),
        labels=labels,
        sources=compute.StorageSources or [],
        publishers=compute.Publishers or [],
        schedulable=not warnings,
        warnings=warnings or UNSET,
    )


def binary(info: NodeInfo, labels: dict[str, str]) -> stated.Host:
    """The binary's platform: from its version, or the labels of before or since v1.8."""
    version = info.BacalhauVersion or BuildVersion()
    os = version.GOOS or labels.get("os_type") or labels.get("Operating-System")
    return stated.host(os, version.GOARCH or labels.get("os_arch") or labels.get("Architecture"))


def engines(names: list[str], here: stated.Host, labels: dict[str, str]) -> Iterator[Engine]:
    """Bacalhau's engines; its WebAssembly runtime (wazero) knows WASI preview 1 only.

    What Docker runs is what labels of ``bac-probe --format labels`` say, where a node has them. Those about
    WebAssembly are of another runtime than Bacalhau's.
    """
    told = {engine.engine: engine for engine in node_labels.engines(labels)}
    for name in map(str.lower, names):
        if name == "docker":
            yield told.get(name) or stated.containers(here)
        elif name == "wasm":
            yield wazero.engine()
        else:
            yield Engine(name, [])


def resources(capacity: Capacity | None) -> Resources | UnsetType:
    """Bacalhau's resources in ours; a zero is left out there, so what is not listed is none."""
    if capacity is None:
        return UNSET
    gpus = [
        Gpu(vendor=gpu.Vendor or None, name=gpu.Name or None, memory=gpu.Memory * stated.MIB or None)
        for gpu in capacity.GPUs or []
    ]
    if capacity.GPU < 0:
        raise BacError("bad_nodes", f"it states {capacity.GPU} GPUs")
    unnamed = stated.repeated(Gpu(), max(capacity.GPU - len(gpus), 0))
    return stated.resources(capacity.CPU, capacity.Memory, capacity.Disk, gpus + unnamed)


def hindrances(state: NodeState) -> Iterator[str]:
    """Why the requester gives it no jobs: no compute node, not approved or not connected, as far as that is said."""
    if str(state.Info.NodeType).lower() == "requester" or state.Info.ComputeNodeInfo is None:
        yield obstacles.REQUESTER
    approval = state.Membership or state.Approval
    connection = (state.ConnectionState and state.ConnectionState.Status) or state.Connection or state.Liveness
    if approval.upper() not in ("", "APPROVED"):
        yield obstacles.caused(obstacles.NOT_APPROVED, approval)
    if connection.upper() not in ("", "CONNECTED", "HEALTHY"):
        yield obstacles.caused(obstacles.NOT_CONNECTED, connection)
