"""Run a job's WebAssembly module: have it and its import modules fetched, and hand them to the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bactools.core import plan
from bactools.core.running import Linked
from bactools.edges import modules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bactools.core.jobspec import Input, Task
    from bactools.core.running import Ending, Printing, Run
    from bactools.edges.wasm_runtime import Runtime

    Fetch = Callable[[Input], Path]
    Progress = Callable[[str | None], None]


class Means(NamedTuple):
    """What running a module needs: what runs it, how an input gets here, a place for a folder, who is told of it."""

    engine: Runtime
    fetch: Fetch
    place: Path
    progress: Progress


def run_module(task: Task, digest: str | None, wanted: Run, printing: Printing, means: Means) -> Ending:
    """Run the module of a task, whose bytes have this digest, and hand what it prints to ``printing`` as it comes.

    An input is fetched as a file, or a folder with the one module in it. Raises BacError ``bad_spec``, or as fetching,
    reading and starting modules do.
    """
    entry = _linked(task, task.entry_module or "", means.fetch)._replace(digest=digest)
    libraries = tuple(_linked(task, target, means.fetch) for target in task.import_modules)
    return means.engine.run(entry, wanted._replace(modules=libraries), printing, means.place, means.progress)


def _linked(task: Task, target: str, fetch: Fetch) -> Linked:
    return Linked(target, str(modules.in_folder(fetch(plan.module_input(task, target)))))
