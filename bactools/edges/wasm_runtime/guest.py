"""A WebAssembly guest, run in this very process: the one file that knows wasmtime.

Blocks until the guest ends, and only a signal that kills ends it sooner: see ``child``.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
from typing import TYPE_CHECKING, Any, cast

from bactools.core.errors import BacError
from bactools.core.running import Ending
from bactools.core.wasi import PREVIEW1_MODULE
from bactools.core.wasm_component import COMPONENT_PREAMBLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from wasmtime import Config, Engine, Func, FuncType, Instance, InstancePre, Store, WasiConfig, WasmtimeError

    from bactools.core.running import Mount, Run
    from bactools.edges.wasm_runtime.demands import Limits

START = "_start"
INITIALIZE = "_initialize"
TRAPPED = 1  # Bacalhau's exit code for a trap
WORDS_LIMIT = 1000  # characters of the engine's words that a message repeats
STDERR = 2


class ProcessExit(Exception):  # noqa: N818 (no error: it carries proc_exit out of the guest)
    """The guest called ``proc_exit``."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def load() -> ModuleType:
    """The wasmtime package. Raises BacError ``no_engine``."""
    try:
        import wasmtime
    # RuntimeError: wasmtime has no library for this machine.
    except (ImportError, OSError, RuntimeError) as error:
        raise BacError(
            "no_engine",
            f"loading the WebAssembly engine wasmtime: {error}",
            hint="Install it with python -m pip install wasmtime.",
        ) from error
    return wasmtime


def to_binary(data: bytes, name: str) -> bytes:
    """Text format as binary. Raises BacError ``bad_module``, ``no_engine``."""
    wasmtime = load()
    try:
        return bytes(wasmtime.wat2wasm(data))
    except wasmtime.WasmtimeError as error:
        place = re.search(r"<anon>:(\d+):(\d+)", str(error))
        at = f" at line {place[1]}, column {place[2]}" if place else ""
        raise BacError(
            "bad_module",
            f"reading {name} as WebAssembly text{at}: {_lines(error)[0]}",
            hint="Mend the text, or give the binary module.",
            input=name,
        ) from error


def execute(module: bytes, entry: str, run: Run, limits: Limits | None, started: Callable[[], None]) -> Ending:
    """Compile, link and run; ``started`` is called between linking and the guest's first instruction.

    ``entry`` is the export to call, for a component ``interface#function``; ``run`` mounts folders only. Raises
    BacError ``bad_module``, ``no_entrypoint``, ``not_started``, ``unreadable_file``.
    """
    import wasmtime

    store = wasmtime.Store(wasmtime.Engine(_config()))
    if limits is not None:
        store.set_limits(**limits._asdict())
    store.set_wasi(_wasi(run))
    if module.startswith(COMPONENT_PREAMBLE):
        return _component(store, module, entry, started)
    return _core(store, module, entry, started, run.memory)


def _config() -> Config:
    import wasmtime

    config = wasmtime.Config()
    config.wasm_wide_arithmetic = True  # wasmtime 48 has it off
    return config


def _wasi(run: Run) -> WasiConfig:
    import wasmtime

    config = wasmtime.WasiConfig()
    config.argv = ["", *run.arguments]  # Bacalhau gives a module no name
    config.env = list(run.environment.items())
    config.inherit_stdout()
    config.inherit_stderr()
    for folder in run.mounts:
        _open(config, folder)
    return config


def _open(config: WasiConfig, folder: Mount) -> None:
    import wasmtime

    try:
        config.preopen_dir(folder.host, folder.guest, folder.writable)
    except wasmtime.WasmtimeError as error:
        raise BacError("unreadable_file", f"mounting {folder.host} for the module: it cannot be opened") from error


def _core(store: Store, data: bytes, entry: str, started: Callable[[], None], limit: int | None) -> Ending:
    """Run a WASI preview 1 module: a command, or a reactor, whose ``_initialize`` comes before all else."""
    import wasmtime

    prepared = _prepared(store.engine, data, entry)
    names = {item.name for item in prepared.module.exports}
    first = [INITIALIZE] if INITIALIZE in names and entry not in {START, INITIALIZE} else []
    instance = None
    started()
    try:
        instance = _instantiated(lambda: prepared.instantiate(store))
        exports = cast("Mapping[str, Func]", instance.exports(store))
        for name in (*first, entry):
            exports[name](store)
    except ProcessExit as end:
        return _exited(end.code, _memory(store, instance))
    except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
        return _trapped(error, _memory(store, instance), limit)
    return _exited(0, _memory(store, instance))


def _prepared(engine: Engine, data: bytes, entry: str) -> InstancePre:
    """The module compiled, and linked with the functions of WASI preview 1."""
    import wasmtime

    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    linker.allow_shadowing = True
    # wasmtime's own proc_exit traps for the codes from 126 up.
    linker.define_func(PREVIEW1_MODULE, "proc_exit", wasmtime.FuncType([wasmtime.ValType.i32()], []), _exit)
    try:
        module = wasmtime.Module(engine, data)
    except wasmtime.WasmtimeError as error:
        raise _uncompiled(error) from error
    types = {item.name: item.type for item in module.exports}
    if cast("FuncType", types[entry]).params:
        raise _wants_arguments(entry)
    try:
        return linker.instantiate_pre(module)
    except wasmtime.WasmtimeError as error:
        raise _unlinked(error) from error


def _exit(code: int) -> None:
    raise ProcessExit(code & 0xFFFFFFFF)


def _instantiated(instantiate: Callable[[], Instance]) -> Instance:
    """A trap of the module's start function passes; what keeps it from starting becomes ``not_started``."""
    import wasmtime

    try:
        return instantiate()
    except wasmtime.WasmtimeError as error:
        raise _unlinked(error) from error


def _memory(store: Store, instance: Instance | None) -> int | None:
    """The size of the memories that the guest exports: the most that they had, since a memory never shrinks."""
    import wasmtime

    exported = instance.exports(store).values() if instance else ()
    memories = [item for item in exported if isinstance(item, wasmtime.Memory)]
    # by their places, since one memory may be exported under several names
    sizes = {ctypes.addressof(memory.data_ptr(store).contents): memory.data_len(store) for memory in memories}
    return sum(sizes.values()) if memories else None


def _component(store: Store, data: bytes, entry: str, started: Callable[[], None]) -> Ending:
    """Run a WASI 0.2 component. It ends well or badly: the engine tells no exit code."""
    import wasmtime
    from wasmtime import component

    linker = component.Linker(store.engine)
    linker.add_wasip2()
    try:
        compiled = component.Component(store.engine, data)
    except wasmtime.WasmtimeError as error:
        raise _uncompiled(error) from error
    started()
    try:
        instance = linker.instantiate(store, compiled)
    except wasmtime.WasmtimeError as error:
        raise _unlinked(error) from error
    function = _function(store, instance, entry)
    try:
        answer = function(store)
    except wasmtime.ExitTrap as end:
        return _flattened(failed=end.code != 0)
    except wasmtime.WasmtimeError as error:
        return _trapped(error, None, None)
    return _flattened(failed=isinstance(answer, component.Variant) and answer.tag == "err")


def _function(store: Store, instance: Any, entry: str) -> Callable[[Store], object]:
    index = None
    for name in entry.split("#"):
        index = instance.get_export_index(store, name, index)
        if index is None:
            break
    function = instance.get_func(store, index) if index else None
    if function is None:
        raise BacError(
            "no_entrypoint",
            f"the component has no function {entry}",
            hint="Name the job's entry point as interface#function.",
        )
    if function.type(store).params:
        raise _wants_arguments(entry)
    return function  # type: ignore[no-any-return]


def _exited(code: int, memory: int | None) -> Ending:
    if code == 0:
        return Ending("completed", 0, peak_memory=memory)
    return Ending("failed", code, f"exit status {code}", peak_memory=memory)


def _flattened(*, failed: bool) -> Ending:
    if failed:
        return Ending("failed", 1, "exit status 1, which is all that WASI 0.2 tells of a failure")
    return Ending("completed", 0)


def _trapped(error: Exception, memory: int | None, limit: int | None) -> Ending:
    """The engine's last line is the cause; the backtrace before it goes to the job's standard error."""
    with contextlib.suppress(OSError):
        os.write(STDERR, f"{str(error).strip()}\n".encode())
    had = f"; its memory was {memory} bytes of at most {limit}" if memory is not None and limit is not None else ""
    return Ending("failed", TRAPPED, f"{_lines(error)[-1]}{had}", peak_memory=memory)


def _uncompiled(error: WasmtimeError) -> BacError:
    return BacError("bad_module", f"compiling the module: {_lines(error)[-1]}", hint="Look at it with bac-inspect.")


def _unlinked(error: WasmtimeError) -> BacError:
    return BacError(
        "not_started",
        f"starting the module: {': '.join(dict.fromkeys((_lines(error)[0], _lines(error)[-1])))}",
        hint="Look at what it imports and needs with bac-inspect.",
    )


def _wants_arguments(entry: str) -> BacError:
    return BacError(
        "no_entrypoint",
        f"the module's function {entry} takes parameters, which a job cannot give",
        hint="Name a function without parameters as the job's entry point.",
    )


def _lines(error: Exception) -> list[str]:
    """The engine's words: what happened comes first, why it happened last."""
    lines = [line.strip()[:WORDS_LIMIT] for line in str(error).splitlines() if line.strip()]
    return lines or [type(error).__name__]
