"""What a canonical job specification says that the job needs of a node, before its artifact is looked at.

It leaves ``platforms``, ``features`` and ``imports`` absent: those are facts of the artifact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from bactools.core import quantities
from bactools.core.jobrules import PLATFORMS_KEY
from bactools.core.records import Constraint, Gpu, Requires, Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

# Off unless the job asks: upstream's own default differs by engine and by node.
NETWORKS = {"Default": "none", "None": "none", "Host": "host", "Full": "host", "HTTP": "http", "Bridge": "bridge"}


def of(spec: Mapping[str, Any]) -> Requires:
    """The requirements of a canonical specification."""
    task = spec["Tasks"][0]
    sources = [each["Source"]["Type"] for each in task.get("InputSources", [])]
    return Requires(
        engine=task["Engine"]["Type"],
        declared=declared(spec),
        resources=resources(task),
        constraints=[
            Constraint(each["Key"], each["Operator"], each.get("Values", [])) for each in spec.get("Constraints", [])
        ],
        sources=list(dict.fromkeys(sources)),
        publisher=task.get("Publisher", {}).get("Type"),
        network=network(task),
    )


def declared(spec: Mapping[str, Any]) -> list[str]:
    """The platforms that the job accepts, in its own order; empty: any."""
    text: str = spec.get("Meta", {}).get(PLATFORMS_KEY, "")
    return text.split(",") if text else []


def resources(task: Mapping[str, Any]) -> Resources:
    """Cores, bytes and GPUs; what the task does not say, or says as zero, is absent."""
    wanted = task.get("Resources", {})
    count = quantities.gpu(wanted.get("GPU", "0"))
    return Resources(
        cpu=quantities.cpu(wanted.get("CPU", "0")) or UNSET,
        memory=quantities.size(wanted.get("Memory", "0")) or UNSET,
        disk=quantities.size(wanted.get("Disk", "0")) or UNSET,
        gpus=[Gpu() for _ in range(count)] or UNSET,
    )


def network(task: Mapping[str, Any]) -> str:
    """``none``, ``bridge``, ``host`` or ``http``."""
    return NETWORKS[task.get("Network", {}).get("Type", "Default")]
