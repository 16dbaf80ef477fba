"""The ports that a job publishes: from its specification to what an engine binds and the variables that tell it.

The rules are Bacalhau's (pkg/models/network.go): ``Static`` is the port of the host, else one from its range of dynamic
ports; ``Target`` is the port of the guest, else the same; ``HostNetwork`` is the address to listen at, else all.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

DYNAMIC = range(20000, 32001)
"""The ports that Bacalhau gives to jobs which do not ask for a certain one."""

EVERYWHERE = "0.0.0.0"  # noqa: S104 (what a job means by naming no address)


class Port(NamedTuple):
    """A TCP port: the job's name for it, ``address:host`` on this side, ``target`` in the guest."""

    name: str
    address: str
    host: int
    target: int


def wanted(spec: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """What a canonical specification says of its ports."""
    found: Sequence[Mapping[str, Any]] = spec["Tasks"][0].get("Network", {}).get("Ports", ())
    return found


def dynamic(ports: Iterable[Mapping[str, Any]]) -> int:
    """How many of the ports have to be chosen on this host."""
    return sum(not port.get("Static") for port in ports)


def static(ports: Iterable[Mapping[str, Any]]) -> frozenset[int]:
    """The ports of the host that the job names itself."""
    return frozenset(port["Static"] for port in ports if port.get("Static"))


def assigned(ports: Iterable[Mapping[str, Any]], free: Iterable[int]) -> tuple[Port, ...]:
    """The ports with their numbers, those that are not static from ``free``.

    Raises BacError ``bad_spec`` for an address that is none, and for one port of the host twice.
    """
    numbers = iter(free)
    found = tuple(_port(each, numbers) for each in ports)
    hosts = [port.host for port in found]
    for port in found:
        if hosts.count(port.host) > 1:
            raise BacError("bad_spec", f"the job publishes port {port.host} of this host twice")
    return found


def variables(ports: Iterable[Port]) -> dict[str, str]:
    """The variables in which a job finds its ports."""
    found: dict[str, str] = {}
    for port in ports:
        found[f"BACALHAU_HOST_PORT_{port.name}"] = str(port.host)
        found[f"BACALHAU_PORT_{port.name}"] = str(port.target)
    return found


def _port(wanted: Mapping[str, Any], free: Iterable[int]) -> Port:
    host = wanted.get("Static") or next(iter(free))
    address = wanted.get("HostNetwork") or EVERYWHERE
    try:
        ip_address(address)
    except ValueError:
        name = wanted["Name"]
        raise BacError(
            "bad_spec", f"the job's port {name} has the HostNetwork {address!r}, which is no IP address"
        ) from None
    return Port(wanted["Name"], address, host, wanted.get("Target") or host)
