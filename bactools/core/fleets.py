"""Node lists of others as node records: Bacalhau's ``node list --output json`` and its API, v1.2 to v1.9.

Bacalhau says which engines a node has and the platform of its own binary, nothing about what Docker runs
there; so that platform is offered as ``assumed``. A Mac's binary is darwin while its Docker runs linux.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from bactools.core import lines, platforms
from bactools.core.errors import BacError
from bactools.core.records import Engine, Gpu, Node, Offer, Resources

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1024**2
# Docker runs Linux containers in a virtual machine on these.
LINUX_IN_A_MACHINE = ("darwin",)
HINT = "It may be node lines, an array of nodes, or what `bacalhau node list --output json` prints."


def node_lines(data: bytes, name: str) -> Iterator[bytes]:
    """Each node of a JSON document as a node line; a node record keeps its bytes.

    Raises BacError ``bad_nodes`` for a document of another shape, and ``bad_line`` when it is not JSON.
    """
    try:
        document = data.strip()
        is_list = document.startswith(b"[")
        elements = msgspec.json.decode(document, type=list[msgspec.Raw]) if is_list else [validated(document)]
    except (msgspec.DecodeError, RecursionError) as error:
        raise BacError("bad_line", f"{name} is not JSON: {error}: {lines.quote(data.strip())}", input=name) from error
    for number, element in enumerate(elements, 1):
        yield from converted(bytes(element), f"node {number} of {name}")


def validated(document: bytes) -> bytes:
    """The document, if it is JSON. Raises msgspec.DecodeError."""
    msgspec.json.decode(document)
    return document


def converted(raw: bytes, where: str) -> Iterator[bytes]:
    """The nodes in one JSON value: a record, a NodeState, a NodeInfo, or a page or an envelope of those."""
    value = msgspec.json.decode(raw)
    if not isinstance(value, dict):
        raise BacError("bad_nodes", f"{where} is not an object: {lines.quote(raw)}", hint=HINT)
    if "kind" in value and "v" in value:
        yield compact(raw)
    elif isinstance(value.get("Nodes"), list):
        for state in value["Nodes"]:
            yield lines.encode(from_state(state, where))
    elif "Node" in value or "Info" in value or "NodeID" in value:
        yield lines.encode(from_state(value.get("Node", value), where))
    else:
        raise BacError("bad_nodes", f"{where} is no node that is known here: {lines.quote(raw)}", hint=HINT)


def compact(raw: bytes) -> bytes:
    """A record on one line; only a record that is spread over several changes its white space."""
    return msgspec.json.format(raw, indent=-1) if b"\n" in raw else raw


class Gpus(msgspec.Struct):
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
    GPUs: list[Gpus] | None = None


class ComputeInfo(msgspec.Struct):
    """What Bacalhau says of a compute node; a requester has nulls."""

    ExecutionEngines: list[str] | None = None
    Publishers: list[str] | None = None
    StorageSources: list[str] | None = None
    MaxCapacity: Capacity | None = None
    AvailableCapacity: Capacity | None = None


class BuildVersion(msgspec.Struct):
    """The platform of the Bacalhau binary."""

    GOOS: str = ""
    GOARCH: str = ""


class Info(msgspec.Struct):
    """Bacalhau's NodeInfo."""

    NodeID: str
    NodeType: str | int = "Compute"
    Labels: dict[str, str] | None = None
    ComputeNodeInfo: ComputeInfo | None = None
    BacalhauVersion: BuildVersion | None = None


class Heartbeat(msgspec.Struct):
    """Whether the requester hears from the node."""

    Status: str = "CONNECTED"


class State(msgspec.Struct):
    """Bacalhau's NodeState."""

    Info: Info
    Membership: str = ""
    Connection: str = ""
    ConnectionState: Heartbeat | None = None


def from_state(value: Any, where: str) -> Node:
    """A NodeState, or a bare NodeInfo, as a node record. Raises BacError ``bad_nodes``."""
    wrapped = value if isinstance(value, dict) and "Info" in value else {"Info": value}
    try:
        state = msgspec.convert(wrapped, State)
    except msgspec.ValidationError as error:
        raise BacError("bad_nodes", f"{where} is not a Bacalhau node: {error}", hint=HINT) from error
    info = state.Info
    compute = info.ComputeNodeInfo or ComputeInfo()
    labels = info.Labels or {}
    os, architecture = own_platform(info, labels)
    return Node(
        id=info.NodeID,
        name=labels.get("name", info.NodeID),
        os=os,
        architecture=architecture,
        engines=list(engines(compute.ExecutionEngines or [], os, architecture)),
        resources=resources(compute.MaxCapacity),
        available=resources(compute.AvailableCapacity),
        labels=labels,
        sources=compute.StorageSources or [],
        publishers=compute.Publishers or [],
        schedulable=is_schedulable(state),
    )


def own_platform(info: Info, labels: dict[str, str]) -> tuple[str | None, str | None]:
    """The binary's os and architecture: from its version, or the labels of before or since v1.8."""
    version = info.BacalhauVersion or BuildVersion()
    os = version.GOOS or labels.get("os_type") or labels.get("Operating-System")
    architecture = version.GOARCH or labels.get("os_arch") or labels.get("Architecture")
    return os, architecture


def engines(names: list[str], os: str | None, architecture: str | None) -> Iterator[Engine]:
    """Bacalhau's engines; its WebAssembly runtime (wazero) knows WASI preview 1 only."""
    for name in names:
        if name.lower() == "docker":
            system = "linux" if os in LINUX_IN_A_MACHINE else os
            known = [Offer(f"{system}/{architecture}", "assumed")] if system and architecture else []
            yield Engine("docker", known)
        elif name.lower() == "wasm":
            yield Engine("wasm", [Offer("wasm32/wasi", "native")], runtime="wazero")
        else:
            yield Engine(name.lower(), [])


def resources(capacity: Capacity | None) -> Resources | UnsetType:
    """Bacalhau's resources in ours; a zero is left out there, so what is not listed is none."""
    if capacity is None:
        return UNSET
    gpus = [
        Gpu(vendor=gpu.Vendor or None, name=gpu.Name or None, memory=gpu.Memory * MIB) for gpu in capacity.GPUs or []
    ] or [Gpu() for _ in range(capacity.GPU)]
    return Resources(cpu=capacity.CPU, memory=capacity.Memory, disk=capacity.Disk, gpus=gpus)


def is_schedulable(state: State) -> bool:
    """Whether the requester gives it jobs: a compute node, approved and connected as far as that is said."""
    if str(state.Info.NodeType).lower() == "requester" or state.Info.ComputeNodeInfo is None:
        return False
    connection = state.ConnectionState.Status if state.ConnectionState else state.Connection
    return state.Membership in ("", "APPROVED") and connection in ("", "CONNECTED")


def platform_line(text: str) -> bytes:
    """A host of which only its platform is known, as a node line: the operand ``platform:TEXT``.

    Raises BacError ``bad_platform``.
    """
    platform = platforms.parse(text)
    node = Node(
        id=f"platform:{platform}",
        name=f"platform:{platform}",
        os=platform.os if platform.engine == "docker" else UNSET,
        architecture=platform.architecture if platform.engine == "docker" else UNSET,
        engines=[Engine(platform.engine, [Offer(str(platform), "assumed")])],
    )
    return lines.encode(node)
