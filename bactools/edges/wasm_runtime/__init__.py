"""The WebAssembly engine of this host: wasmtime, always in a child process of its own.

A busy guest hears no signal and a sleeping one no deadline, so a guest can only be stopped from outside.
``facts`` says what the engine can do without loading it, ``folders`` and ``staging`` turn mounts into what a guest can
open, ``loading`` reads and links modules, ``making`` and ``compiled`` have them compiled once, ``guest`` alone knows
wasmtime, ``child`` forks, watches and ends the process, ``serving`` is its life, and ``work`` what it does.

Nothing may be compiled in this process: that would leave the child with a pool of threads that are not there.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bactools.core.running import Ending, Linked, Printing, Run
    from bactools.core.wasm_facts import WasmFacts

TRIAL_TIMEOUT = 20.0
"""Seconds for all trials of the engine together, which take a quarter of one."""


def describe(timeout: float = TRIAL_TIMEOUT) -> WasmFacts | None:
    """What the engine of this Python environment runs; None when there is none for this machine.

    Raises BacError ``engine_failed`` or ``timed_out`` for an engine that is there and runs nothing; ``timeout`` is in
    seconds.
    """
    from bactools.edges.wasm_runtime import facts

    return facts.describe(timeout)


def to_binary(data: bytes, name: str) -> bytes:
    """WebAssembly text (module or component) as binary; ``name`` is what an error calls it.

    Raises BacError: ``bad_module`` for text that does not parse, ``no_engine`` without wasmtime.
    """
    from bactools.edges.wasm_runtime import guest

    return guest.to_binary(data, name)


def run(
    module: Linked,
    wanted: Run,
    printing: Printing,
    progress: Callable[[str | None], None] = lambda _: None,
) -> Ending:
    """Run a core module (WASI preview 1) or a component (WASI 0.2); what it prints goes to ``printing`` as it comes.

    The module is a file, binary or text, and linked with ``wanted.modules`` and
    what it imports from ``wanted.mounts``. What is compiled is kept for the user. ``progress`` hears of a module that
    takes a second and more to compile; the times of ``wanted`` count from when that is done, and so do CPU seconds.
    Several threads may run modules at once; a thread that hears no signal is ended by ``wanted.stop``.

    The exit code is that of ``proc_exit``, 0 for a plain return, 1 for a trap (as Bacalhau has it); a
    component can only say 0 or 1. A trap's backtrace goes to its standard error. ``oom`` is a module that needs
    more memory at its start than ``wanted.memory``: a refused growth is seen by the guest alone, and what that does
    next is its own ending. How ``wanted.memory`` is shared by several memories is told in ``demands.limits``.
    Peak memory is the sum of the memories that core modules export: None for one that exports none and for a component.
    CPU, network and working directory of ``wanted`` have no meaning for WASI preview 1 and are not looked at.

    Raises BacError where nothing was started: ``bad_module``, ``no_entrypoint``, ``unsupported`` (an import
    that is not there, a mount that cannot be), ``not_started``, ``no_engine``, ``digest_mismatch``, ``too_large``,
    ``unreadable_file``, ``unwritable_file``; and ``engine_failed`` for a fault of the engine itself. A BacError of
    ``printing`` ends the guest and is the Ending's ``interruption``; what else it raises comes through.
    """
    from bactools.edges import scratch

    with closing(Runtime()) as runtime, scratch.folder() as folder:
        return runtime.run(module, wanted, printing, folder / "guest", progress)


class Runtime:
    """The engine for modules that are run one after another, with little to do for each; for one thread, to be closed.

    Its process takes the next module where the last one has completed, and is another one after any other ending.
    """

    def __init__(self) -> None:
        from bactools.edges.wasm_runtime import child, work

        self._guests = child.Guests(work.Worker())

    def prepare(self) -> None:
        """Have the engine loaded while something else is done here. Raises BacError ``engine_failed``."""
        self._guests.prepare()

    def run(
        self,
        module: Linked,
        wanted: Run,
        printing: Printing,
        place: Path,
        progress: Callable[[str | None], None],
    ) -> Ending:
        """Run a module, as the function ``run`` says; ``place`` is where a folder can be made, by its real path.

        What is put there is for the caller to remove.
        """
        from bactools.edges.wasm_runtime import folders, work
        from bactools.edges.wasm_runtime.listening import Watch

        def waiting(seconds: float | None) -> None:
            progress(None if seconds is None else f"compiling the module {module.name}: {seconds:.0f} s")

        order = work.order(module, wanted, folders.opened(wanted.mounts, place))
        try:
            return self._guests.run(order, printing, Watch(wanted.timeout, wanted.deadline, wanted.stop, waiting))
        finally:
            progress(None)

    def close(self) -> None:
        """End its process."""
        self._guests.close()
