"""An execution whose process is no more and has not told how it ended: what it has left is ended, and told for it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from bactools.core import plan
from bactools.core.errors import BacError
from bactools.edges import results
from bactools.flows.execution import PARTIAL, Outcome, record

if TYPE_CHECKING:
    from pathlib import Path

    from bactools.core.running import Ending
    from bactools.flows.engines import Engines
    from bactools.flows.execution import Begun, Order


def outcome(order: Order, folder: Path, begun: Begun, ending: Ending, engines: Engines) -> Outcome:
    """What is told of an execution that came to ``ending``; no container of it is left, where the engine answers."""
    if order.task.engine == "docker":
        from bactools.edges.docker_engine import leftovers

        with suppress(BacError):  # what fails here is for the next bac-exec
            leftovers.clear_left(engines.docker(), results.seal_left)
    results.seal_left(folder)  # one without outputs is not known to the engine
    words = [ending.message, PARTIAL if plan.cut_short(ending) else None]
    told = ending._replace(message="; ".join(filter(None, words)))
    return Outcome(record(order, folder, told, {}, begun), None, None)
