"""Answer a Bacalhau compute node that asks whether this host should take a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from bactools.core import bidding, jobspec, lines, plan, requirements, wazero
from bactools.core.errors import BacError
from bactools.core.records import Node
from bactools.edges import documents
from bactools.flows import probe
from bactools.flows.registries import registries
from bactools.flows.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from bactools.core.lines import Line
    from bactools.core.records import Job
    from bactools.core.routes import Terms

UNRUNNABLE = frozenset({"not_found", "platforms_disjoint"})
"""What finding a job's artifact can end in that no other try will change: no host can run it."""


NEAR = plan.LOCAL_SOURCES | {"inline"}
"""Sources of a module that need no fetching."""


class Answer(NamedTuple):
    """Whether to bid, and for people why not."""

    bids: bool
    reason: str = ""


def answer(data: bytes, node_file: str | None, now: datetime, terms: Terms) -> Answer:
    """The answer for what a compute node writes to its probe: ``{"Job": …}``, whatever else its version knows.

    ``node_file`` holds what is known of this host; without one it is probed. Raises BacError ``bad_spec``,
    ``bad_document``, ``empty_input``, and as probing the host and finding the artifact fail: that is no answer.
    """
    found = documents.load(data, "standard input")
    if len(found) != 1:
        raise BacError("empty_input", f"standard input holds {len(found)} jobs; a probe is asked of one")
    job = jobspec.job(jobspec.canonical(found[0], lenient=True))
    node = _this_host(now) if node_file is None else _known(node_file)
    try:
        need = bidding.wanted(_inspected(job))
    except BacError as error:
        if error.code in UNRUNNABLE:
            return Answer(False, bidding.printable(error.message))
        raise
    verdict = bidding.bid(need, node, terms)
    return Answer(verdict.ok, "" if verdict.ok else bidding.declined(job.name or job.id, verdict.reasons))


def _inspected(job: Job) -> Job:
    """The job with what it runs. A module that is fetched from afar is taken for what Bacalhau can run.

    Its compute node has credentials and endpoints of its own for that, and time after it has bid.
    """
    task = jobspec.task(job.spec)
    if all(item.source_type in NEAR for item in task.inputs if plan.is_module(task, item)):
        with registries() as places:
            return structs.replace(job, **resolve(job, places))
    requires = structs.replace(requirements.of(job.spec), platforms=[wazero.PLATFORM])
    return structs.replace(job, requires=requires)


def _this_host(now: datetime) -> Node:
    return probe.probe(probe.Request(probe.settings()), {}, now)


def _known(path: str) -> Node:
    """The newest record of the one host that a file tells of. Raises BacError ``bad_nodes`` or ``empty_input``."""
    raw = documents.contents(path, documents.LIMIT)
    told = [lines.decode(line, Node) for line in _records(raw, path) if line.kind == "node"]
    if not told:
        raise BacError("empty_input", f"no node in {path}", hint="bac-probe --output writes one.", input=path)
    if len({node.id for node in told}) > 1:
        hint = "Give a file that tells of this host alone."
        raise BacError("bad_nodes", f"{path} tells of several hosts", hint=hint, input=path)
    return max(told, key=lambda node: node.probed or "")


def _records(raw: bytes, path: str) -> Iterator[Line]:
    """The lines of a file but a last one that is still being written; or the one record that the file is, indented."""
    whole = raw.strip()
    if whole and not lines.is_record(whole.partition(b"\n")[0].strip()):
        yield lines.read(whole, path)
        return
    *before, last = raw.split(b"\n")
    for number, text in enumerate([*before, last] if lines.is_json(last) else before, 1):
        if text.strip():
            yield lines.read(text.strip(), f"line {number} of {path}")
