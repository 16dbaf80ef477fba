"""The WebAssembly engine of this host: wasmtime, always in a child process of its own.

A busy guest hears no signal and a sleeping one no deadline, so a guest can only be stopped from outside.
``facts`` says what the engine can do without loading it, ``folders`` turns mounts into what a guest can
open, ``guest`` alone knows wasmtime, ``child`` forks, watches and ends the process.

No thread may be started before ``run``: compiling in this process would leave the child with a pool of
threads that are not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bactools.edges.wasm_runtime.facts import WasmFacts, describe

if TYPE_CHECKING:
    from collections.abc import Callable

    from bactools.core.running import Ending, Run
    from bactools.edges.wasm_runtime.child import Write

__all__ = ["WasmFacts", "describe", "run", "to_binary"]


def to_binary(data: bytes, name: str) -> bytes:
    """WebAssembly text (module or component) as binary; ``name`` is what an error calls it.

    Raises BacError: ``bad_module`` for text that does not parse, ``no_engine`` without wasmtime.
    """
    from bactools.edges.wasm_runtime import guest

    return guest.to_binary(data, name)


def run(module: bytes, run: Run, write: Write) -> Ending:
    """Run a core module (WASI preview 1) or a component (WASI 0.2); what it prints goes to ``write`` as it comes.

    The exit code is that of ``proc_exit``, 0 for a plain return, 1 for a trap (as Bacalhau has it); a
    component can only say 0 or 1. A trap's backtrace goes to its standard error. The timeout starts once the
    module is compiled. ``oom`` is a module that needs more memory at its start than ``run.memory``: a
    refused growth is seen by the guest alone, and what that does next is its own ending. How ``run.memory`` is
    shared by several memories is told in ``demands.limits``. CPU seconds include compiling; peak memory is the sum
    of the memories that a core module exports: None for one that exports none and for a component. CPU, network
    and working directory of ``run`` have no meaning for WASI preview 1 and are not looked at.

    Raises BacError where nothing was started: ``bad_module``, ``no_entrypoint``, ``unsupported`` (an import
    that is not there, a mount that cannot be), ``not_started``, ``no_engine``,
    ``unreadable_file``, ``unwritable_file``; and ``engine_failed`` for a fault of the engine itself. A BacError of
    ``write`` ends the guest and is the Ending's ``interruption``; what else it raises comes through.
    """
    from bactools.core import wasm
    from bactools.edges.wasm_runtime import child, demands, folders, guest

    facts = wasm.read(module, "the module")
    entry = demands.entry(facts, run)
    demands.check(facts)
    guest.load()  # here, so that every child of this process finds it loaded
    with folders.opened(run.mounts) as preopens:

        def work(started: Callable[[], None]) -> Ending:
            limits = demands.limits(facts, run.memory)
            too_large = demands.too_large(facts, run.memory)
            return too_large or guest.execute(module, entry, run._replace(mounts=preopens), limits, started)

        return child.supervise(work, write, run.timeout)
