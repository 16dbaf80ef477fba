"""Which system a JSON value is from, by the keys that it has, and the node lines that it makes.

Lists are taken apart as slices of their bytes and their nodes converted one by one, so that the values of only one
node are in memory at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bactools.core import lines
from bactools.core.errors import BacError
from bactools.core.fleets import bacalhau, kubernetes, nomad, slurm, swarm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bactools.core.records import Node

# A page in an array in an array: what `jq -s` makes of several `docker node inspect`.
DEPTH = 3
# How much of what a server says is repeated.
SHOWN = 200
HINT = (
    "It may be node lines, or the JSON or YAML of `bacalhau node list`, `kubectl get nodes`, `docker node inspect`, "
    "`nomad node status` or `scontrol show nodes`."
)
ABSENT = msgspec.Raw()
NULL = b"null"
LIST = "List"


class Keys(msgspec.Struct):
    """The keys by which shapes are told apart; their values are looked at only where they count."""

    kind: msgspec.Raw = ABSENT
    v: msgspec.Raw = ABSENT
    apiVersion: msgspec.Raw = ABSENT  # noqa: N815 (Kubernetes' name)
    items: msgspec.Raw = ABSENT
    message: msgspec.Raw = ABSENT
    metadata: msgspec.Raw = ABSENT
    Nodes: msgspec.Raw = ABSENT
    Node: msgspec.Raw = ABSENT
    Info: msgspec.Raw = ABSENT
    NodeID: msgspec.Raw = ABSENT
    JobID: msgspec.Raw = ABSENT
    PeerInfo: msgspec.Raw = ABSENT
    NodeType: msgspec.Raw = ABSENT
    ID: msgspec.Raw = ABSENT
    Name: msgspec.Raw = ABSENT
    Description: msgspec.Raw = ABSENT
    Datacenter: msgspec.Raw = ABSENT
    SchedulingEligibility: msgspec.Raw = ABSENT
    nodes: msgspec.Raw = ABSENT
    errors: msgspec.Raw = ABSENT
    sinfo: msgspec.Raw = ABSENT
    name: msgspec.Raw = ABSENT
    real_memory: msgspec.Raw = ABSENT
    partitions: msgspec.Raw = ABSENT


class System(NamedTuple):
    """A system that lists nodes: its name, and what makes a record of one node's JSON."""

    name: str
    convert: Callable[[msgspec.Raw], Node]


class Reading(NamedTuple):
    """In whose name errors are, whether somebody wrote these bytes, and of what kind the items of a list are."""

    by: str
    written: bool = True
    depth: int = 0
    items: msgspec.Raw = ABSENT


def converted(raw: msgspec.Raw, where: str, reading: Reading) -> Iterator[bytes]:
    """The node lines of one JSON value: a node or a list, page or envelope of nodes, or a record as it is.

    Raises BacError ``bad_nodes`` for anything else, and says what it is.
    """
    elements, keys = None, Keys()
    if first_byte(raw) == b"[":
        elements = msgspec.json.decode(raw, type=list[msgspec.Raw])
    elif first_byte(raw) == b"{":
        keys = msgspec.json.decode(raw, type=Keys)
        keys.kind, keys.apiVersion = keys.kind or reading.items, keys.apiVersion or reading.items
        elements = enveloped(keys, where)
    if elements is not None:
        if reading.depth == DEPTH:
            raise BacError("bad_nodes", f"{where} is a list within lists, not a node", hint=HINT)
        inner = reading._replace(depth=reading.depth + 1, items=kind_of_items(keys))
        for number, element in enumerate(elements, 1):
            yield from converted(element, f"node {number} of {where}", inner)
    elif keys.kind and keys.v:
        yield compact(raw)
    else:
        yield from described(raw, keys, where, reading)


def kind_of_items(keys: Keys) -> msgspec.Raw:
    """The kind that the items of a Kubernetes NodeList leave out; those of a List state their own."""
    kind = text(keys.kind) or ""
    named = keys.apiVersion and kind.endswith(LIST) and kind != LIST
    return msgspec.Raw(msgspec.json.encode(kind.removesuffix(LIST))) if named else ABSENT


def described(raw: msgspec.Raw, keys: Keys, where: str, reading: Reading) -> Iterator[bytes]:
    """One node of another system as a node line, or as an error line if its values cannot be."""
    system = recognised(keys)
    if system is None:
        raise unknown(raw if reading.written else None, keys, where)
    try:
        yield lines.encode(system.convert(keys.Node or raw if system is BACALHAU else raw))
    except (msgspec.DecodeError, RecursionError, ValueError, OverflowError, BacError) as error:
        known = identity(keys)
        label = f"{where} ({known})" if known else where
        refusal = BacError("bad_nodes", f"{label} is not a valid {system.name} node: {error}", input=known)
        yield lines.encode(lines.error_record(refusal, reading.by))


BACALHAU = System("Bacalhau", bacalhau.node)
KUBERNETES = System("Kubernetes", kubernetes.node)
SWARM = System("Docker Swarm", swarm.node)
NOMAD = System("Nomad", nomad.node)
SLURM = System("Slurm", slurm.node)


def recognised(keys: Keys) -> System | None:
    """Whose node has these keys. Allocations and executions have a NodeID too, beside that of their job."""
    if text(keys.kind) == "Node" and keys.apiVersion:
        return KUBERNETES
    if keys.Node or keys.Info or (keys.NodeID and not keys.JobID) or (keys.PeerInfo and keys.NodeType):
        return BACALHAU
    if keys.ID and keys.Description:
        return SWARM
    if keys.ID and (keys.SchedulingEligibility or keys.Datacenter):
        return NOMAD
    if keys.name and (keys.real_memory or keys.partitions):
        return SLURM
    return None


def enveloped(keys: Keys, where: str) -> list[msgspec.Raw] | None:
    """The nodes in a Kubernetes List, a page of Bacalhau's API or Slurm's answer; None for anything else."""
    if keys.kind and keys.v:
        return None
    kind = text(keys.kind) or ""
    if keys.apiVersion and kind.endswith(LIST) and kind not in (LIST, "NodeList"):
        return None
    found = keys.items or keys.Nodes or keys.nodes
    if not found or first_byte(found) not in (b"[", b"n"):
        return None
    elements = msgspec.json.decode(found, type=list[msgspec.Raw] | None) or []
    failures = msgspec.json.decode(keys.errors, type=list[msgspec.Raw]) if first_byte(keys.errors) == b"[" else []
    if failures and not elements:
        raise BacError("bad_nodes", f"{where} is an answer of Slurm without nodes: {shown(failures[0])}")
    return elements


def unknown(raw: msgspec.Raw | None, keys: Keys, where: str) -> BacError:
    """Say what a value is that is no node, and show it if anybody wrote it so."""
    kind = text(keys.kind)
    if kind == "Status" and keys.apiVersion:
        return BacError("bad_nodes", f"{where} is an error of Kubernetes, not a node list: {shown(keys.message)}")
    if kind and keys.apiVersion:
        return BacError("bad_nodes", f"{where} is a Kubernetes {kind}, not a Node", hint="Ask for `kubectl get nodes`.")
    if keys.sinfo:
        hint = "Ask `scontrol show nodes --json`."
        return BacError("bad_nodes", f"{where} is of sinfo, which groups nodes and names no architecture", hint=hint)
    if raw is None:
        return BacError("bad_nodes", f"{where}, read as YAML, is no node that is known here", hint=HINT)
    what = {b"{": "no node that is known here", b'"': "text, not a node"}.get(first_byte(raw), "not an object")
    return BacError("bad_nodes", f"{where} is {what}: {lines.quote(bytes(raw))}", hint=HINT)


def identity(keys: Keys) -> str | None:
    """What a node calls itself, for a message."""
    state = keys.Node or keys.metadata or keys.Info
    inner = msgspec.json.decode(state, type=Keys) if first_byte(state) == b"{" else Keys()
    if inner.Info:
        return identity(inner)
    found = (inner.name, inner.NodeID, keys.NodeID, keys.name, keys.Name, keys.ID)
    return next(filter(None, map(text, found)), None)


def text(raw: msgspec.Raw) -> str | None:
    """The JSON text in ``raw``, if it is one."""
    if first_byte(raw) != b'"':
        return None
    return msgspec.json.decode(bytes(raw).decode("utf-8", "replace"), type=str)


def shown(raw: msgspec.Raw) -> str:
    """The start of what a server said."""
    said = text(raw) or bytes(raw).decode("utf-8", "replace")
    return said[:SHOWN] + ("…" if len(said) > SHOWN else "")


def first_byte(raw: msgspec.Raw) -> bytes:
    """What kind of JSON value it is, by its first byte; nothing for an absent one."""
    return bytes(memoryview(raw)[:1])


def compact(raw: msgspec.Raw) -> bytes:
    """A record on one line; only a record that is spread over several changes its white space."""
    line = bytes(raw)
    return msgspec.json.format(line, indent=-1) if b"\n" in line else line
