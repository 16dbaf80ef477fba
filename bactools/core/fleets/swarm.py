"""A node of ``docker node inspect``: the Docker Engine API's Node object.

A swarm says what its nodes have, not what is free. Source: docs.docker.com, Engine API, Node and GenericResources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from bactools.core import obstacles
from bactools.core.fleets import stated
from bactools.core.records import Gpu, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

NANO = 1_000_000_000
# Who made it, by a word in the name that its owner gave the resource.
VENDORS = {"nvidia": "NVIDIA", "amd": "AMD/ATI", "intel": "Intel"}


class Platform(msgspec.Struct):
    """The machine, in uname's words."""

    Architecture: str = ""
    OS: str = ""


class Countable(msgspec.Struct):
    """So many of a kind."""

    Kind: str
    Value: int = 0


class Named(msgspec.Struct):
    """One of a kind, by its name."""

    Kind: str


class Generic(msgspec.Struct):
    """A resource that the owner declares, counted or named."""

    DiscreteResourceSpec: Countable | None = None
    NamedResourceSpec: Named | None = None


class Amounts(msgspec.Struct):
    """What the machine has: billionths of a core, bytes."""

    NanoCPUs: int | None = None
    MemoryBytes: int | None = None
    GenericResources: list[Generic] | None = None


class DockerEngine(msgspec.Struct):
    """The engine."""

    EngineVersion: str = ""
    Labels: dict[str, Any] | None = None


class Described(msgspec.Struct):
    """What the engine says of its machine."""

    Hostname: str = ""
    Platform: Platform | None = None
    Resources: Amounts | None = None
    Engine: DockerEngine | None = None


class Spec(msgspec.Struct):
    """What the owner says of the node."""

    Labels: dict[str, Any] | None = None
    Availability: str = ""
    Role: str = ""


class Status(msgspec.Struct):
    """What the managers say of it."""

    State: str = ""


class SwarmNode(msgspec.Struct):
    """The object."""

    ID: str
    Description: Described
    Spec: Spec | None = None
    Status: Status | None = None


def node(raw: msgspec.Raw) -> Node:
    """A node of a swarm as a node record. Raises msgspec.DecodeError, BacError ``bad_nodes``.

    A label of the node counts before one of its engine.
    """
    found = msgspec.json.decode(raw, type=SwarmNode, strict=False)
    description, spec = found.Description, found.Spec or Spec()
    engine, amounts = description.Engine or DockerEngine(), description.Resources or Amounts()
    machine = description.Platform or Platform()
    here = stated.host(machine.OS, machine.Architecture)
    warnings = list(hindrances(spec.Availability, found.Status.State if found.Status else ""))
    return Node(
        id=found.ID,
        name=description.Hostname or found.ID,
        os=here.os or UNSET,
        architecture=here.architecture or UNSET,
        engines=[stated.containers(here, version=engine.EngineVersion)] if here.stated else UNSET,
        resources=stated.resources(
            cpu=None if amounts.NanoCPUs is None else amounts.NanoCPUs / NANO,
            memory=amounts.MemoryBytes,
            gpus=graphics(amounts.GenericResources),
        ),
        labels=stated.labels({**(engine.Labels or {}), **(spec.Labels or {})}),
        schedulable=not warnings,
        warnings=warnings or UNSET,
    )


def hindrances(availability: str, state: str) -> Iterator[str]:
    """Why the swarm gives it no tasks."""
    if availability == "drain":
        yield obstacles.DRAINED
    elif availability not in ("", "active"):
        yield obstacles.caused(obstacles.NOT_ACTIVE, availability)
    if state not in ("", "ready"):
        yield obstacles.caused(obstacles.NOT_READY, state)


def graphics(declared: list[Generic] | None) -> list[Gpu] | UnsetType:
    """The GPUs among the declared resources; a node that declares nothing may have some."""
    if not declared:
        return UNSET
    found: list[Gpu] = []
    for item in declared:
        kind = item.DiscreteResourceSpec or item.NamedResourceSpec
        if kind and "gpu" in kind.Kind.lower():
            vendor = next((name for word, name in VENDORS.items() if word in kind.Kind.lower()), None)
            found += stated.repeated(Gpu(vendor=vendor), kind.Value if isinstance(kind, Countable) else 1)
    return found
