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
    from pathlib import Path

    from bactools.core.running import Ending, Run

__all__ = ["WasmFacts", "describe", "run", "to_binary"]


def to_binary(data: bytes, name: str) -> bytes:
    """WebAssembly text (module or component) as binary; ``name`` is what an error calls it.

    Raises BacError: ``bad_module`` for text that does not parse, ``no_engine`` without wasmtime.
    """
    from bactools.edges.wasm_runtime import guest

    return guest.to_binary(data, name)


def run(module: bytes, run: Run, stdout: Path, stderr: Path) -> Ending:
    """Run a core module (WASI preview 1) or a component (WASI 0.2), its output written to two files.

    The exit code is that of ``proc_exit``, 0 for a plain return, 1 for a trap (as Bacalhau has it); a
    component can only say 0 or 1. A trap's backtrace goes to ``stderr``. The timeout starts once the
    module is compiled. ``oom`` is a module that needs more memory at its start than ``run.memory``: a
    refused growth is seen by the guest alone, and what that does next is its own ending. CPU seconds
    include compiling; peak memory is the guest's linear memory. CPU, network and working directory of
    ``run`` have no meaning for WASI preview 1 and are not looked at.

    Raises BacError where nothing was started: ``bad_module``, ``no_entrypoint``, ``unsupported`` (an import
    that is not there, a mount that cannot be), ``bad_spec`` (text with a NUL), ``not_started``, ``no_engine``,
    ``unreadable_file``, ``unwritable_file``; and ``engine_failed`` for a fault of the engine itself.
    """
    from bactools.core import wasm
    from bactools.edges.wasm_runtime import child, demands, folders, guest

    facts = wasm.read(module, "the module")
    entry = demands.entry(facts, run)
    demands.check(facts, run)
    guest.load()  # here, so that every child of this process finds it loaded
    with folders.opened(run.mounts) as preopens:

        def work(started: Callable[[], None]) -> Ending:
            return demands.too_large(facts, run.memory) or guest.execute(module, entry, run, preopens, started)

        return child.supervise(work, stdout, stderr, run.timeout)
