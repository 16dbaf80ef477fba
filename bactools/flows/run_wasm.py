"""Run a job's WebAssembly module: find its bytes, make sure they are those that were inspected, and run them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bactools.core import wasm
from bactools.core.errors import BacError
from bactools.core.reference import digest_of
from bactools.edges import wasm_runtime
from bactools.flows import modules

if TYPE_CHECKING:
    from bactools.core.jobspec import Task
    from bactools.core.running import Ending, Run
    from bactools.edges.wasm_runtime.child import Write


def run_module(task: Task, digest: str | None, wanted: Run, write: Write) -> Ending:
    """Run the module of a task, whose bytes have this digest, and hand what it prints to ``write`` as it comes.

    Raises BacError ``digest_mismatch``, or as reading and starting the module do.
    """
    loaded = modules.from_job(task, task.entry_module or "")
    if digest is not None and digest_of(loaded.data, like=digest) != digest:
        raise BacError(
            "digest_mismatch",
            f"the module {loaded.name} is not the one that was inspected: its digest is no longer {digest}",
            hint="Inspect the job again with bac-inspect.",
        )
    module = loaded.data
    if wasm.is_text(module):
        module = wasm_runtime.to_binary(module, loaded.name)
    return wasm_runtime.run(module, wanted, write)
