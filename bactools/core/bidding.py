"""Bacalhau's question whether this host should take a job, decided: the job-selection probe of its compute nodes.

The node has held the job against its labels, storage sources, publishers, queue and what is in use before it asks.
So only what it does not know is decided here: the platform and how it runs, a module's imports and proposals,
and whether the whole host could ever hold the job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, structs

from bactools.core import match, needs, wazero
from bactools.core.routes import TERMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bactools.core.needs import Need
    from bactools.core.records import Job, Node, Reason
    from bactools.core.routes import Terms


def wanted(job: Job) -> Need:
    """What a job with a specification needs of a host, beyond what Bacalhau gives to every module with a network.

    Raises BacError as ``needs.need``. A network that the job does not name is Bacalhau's own choice, which is one.
    """
    found = needs.need(job)
    network = job.spec["Tasks"][0].get("Network", {}) if isinstance(job.spec, dict) else {}
    if network.get("Type") == "None":
        return found
    return found._replace(imports=tuple(item for item in found.imports if not wazero.is_http(item)))


def bid(need: Need, node: Node, terms: Terms = TERMS) -> match.Verdict:
    """Whether the host can run what is needed, as far as Bacalhau has not decided it.

    Modules are Bacalhau's own to run, whatever other runtimes the host has.
    """
    whole = structs.replace(node, labels=UNSET, sources=UNSET, publishers=UNSET, schedulable=UNSET)
    if need.engine == "wasm":
        whole.engines = [wazero.engine()]
    return match.decide(need, whole, terms._replace(capacity=True))


def declined(name: str, reasons: Sequence[Reason]) -> str:
    """Why a job is declined, on one line: the node hands it on to whoever submitted the job."""
    said = "; ".join(f"it {reason.message}" for reason in reasons)
    remedies = dict.fromkeys(reason.remedy for reason in reasons if reason.remedy)
    hint = f" ({'; or '.join(remedies)})" if remedies else ""
    return printable(f"this host cannot run {name}: {said}{hint}")


def printable(text: str) -> str:
    """Text that survives one printf as its format: Bacalhau puts what a probe says through one."""
    return text.replace("%", "%%")
