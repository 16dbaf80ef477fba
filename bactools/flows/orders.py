"""From a job to its executions on this host: whether its owner lets it have what it asks for, where it runs, how often.

Nothing is fetched, pulled or made here but what says which platforms an artifact has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bactools.core import allowance, jobspec, placeholders, plan, ports, requirements
from bactools.core.schedule import Demand, Room
from bactools.edges import host
from bactools.flows import inputs, probe, publish
from bactools.flows.execution import Order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bactools.flows.admission import Candidate, Host
    from bactools.flows.execution import Setup


def orders(candidate: Candidate, here: Host, setup: Setup) -> Iterator[Order]:
    """The executions of a job, each in its turn.

    Raises BacError before the first: ``unsupported``, ``bad_spec``, ``not_allowed``, ``bad_config``, or as
    ``Host.admit``.
    """
    spec = candidate.job.spec
    task = jobspec.task(spec)
    plan.check(task)
    count = plan.count(spec)
    disk = requirements.resources(spec["Tasks"][0]).disk
    input_limit = allowance.for_inputs(disk or None, setup.limits)
    task = allowance.limited(task, setup.limits)
    inputs.check(task, setup.sources)
    publish.check(task.publisher, setup.publishers)
    placeholders.check_apart(task.publisher, count)
    setup.progress(f"preparing job {candidate.job.id}")
    try:
        admitted = here.admit(candidate)
    finally:
        setup.progress(None)
    if task.engine == "docker":
        from bactools.flows import run_container

        run_container.check(task, setup.engines, setup.sources)
    first = Order(admitted.job, task, admitted.choice, admitted.node, input_limit, admitted.modules, 0, count)
    return (first._replace(partition=at) for at in range(count))


def demand(order: Order) -> Demand:
    """What an execution takes while it runs, as far as it says."""
    published = ports.static(ports.wanted(order.job.spec))
    return Demand(order.task.cpu or 0.0, order.task.memory or 0, published, order.task.gpu)


def room(jobs: int) -> Room:
    """What this host has for so many jobs at once."""
    facts = host.read(disk=probe.HERE)
    return Room(jobs, facts.cpu, facts.memory)
