"""A WebAssembly guest, run in this very process: the one file that knows wasmtime.

Blocks until the guest ends, and only a signal that kills ends it sooner: see ``child``.
"""

from __future__ import annotations

import ctypes
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from bactools.core.digests import digest_of
from bactools.core.errors import BacError
from bactools.core.wasi import PREVIEW1_MODULE
from bactools.core.wasm_binary import PREAMBLE
from bactools.core.wasm_component import COMPONENT_PREAMBLE
from bactools.edges.wasm_runtime.endings import exited, flattened, lines, trapped, unlinked, wants_arguments
from bactools.edges.wasm_runtime.making import Binary, Maker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

    from wasmtime import Engine, Func, FuncType, Instance, Linker, Module, Store, WasiConfig

    from bactools.core.running import Ending, Mount, Run
    from bactools.edges.wasm_runtime.demands import Limits
    from bactools.edges.wasm_runtime.making import Keeping

START = "_start"
INITIALIZE = "_initialize"
CONFIGURATION = "wide-arithmetic"
"""What ``_engine`` sets, in words: code compiled with other settings is other code."""


class Library(NamedTuple):
    """A module that others import from, and the names by which they do."""

    names: tuple[str, ...]
    binary: Binary


class Program(NamedTuple):
    """A module, the export to call, for a component ``interface#function``, and what is instantiated before it."""

    binary: Binary
    entry: str
    libraries: tuple[Library, ...] = ()


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


def folder() -> Path:
    """Where the wasmtime package is."""
    return Path(str(load().__file__)).parent


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
            f"reading {name} as WebAssembly text{at}: {lines(error)[0]}",
            hint="Mend the text, or give the binary module.",
            input=name,
        ) from error


class Bench:
    """An engine, with what is made for it once for all the guests that come one after another.

    ``keeping`` None: nothing that is compiled is kept.
    """

    def __init__(self, keeping: Keeping | None) -> None:
        import wasmtime

        self.engine = _engine(on_all_processors=False)
        several = partial(_engine, on_all_processors=True)
        self.maker = Maker(self.engine, several, CONFIGURATION, wasmtime.WasmtimeError, keeping)
        self._linker = _linker(self.engine)

    def linker(self, program: Program) -> Linker:
        """The functions of WASI preview 1; a linker of its own for what is linked with other modules."""
        return _linker(self.engine) if program.libraries else self._linker


def execute(module: bytes, entry: str, run: Run, limits: Limits | None, started: Callable[[], None]) -> Ending:
    """``perform`` a module that is linked with no other; nothing that is compiled is kept."""
    return perform(Program(Binary(module, digest_of(module)), entry), run, limits, started, Bench(None))


def perform(program: Program, run: Run, limits: Limits | None, started: Callable[[], None], bench: Bench) -> Ending:
    """Compile, link and run; ``started`` is called when only the guest's own instructions are left.

    ``run`` mounts folders only. Raises BacError ``bad_module``, ``no_entrypoint``, ``not_started`` and
    ``unreadable_file``.
    """
    import wasmtime

    with wasmtime.Store(bench.engine) as store:
        if limits is not None:
            store.set_limits(**limits._asdict())
        store.set_wasi(_wasi(run))
        if program.binary.data[:PREAMBLE] == COMPONENT_PREAMBLE:
            return _component(store, bench.maker, program, started)
        return _core(store, bench, program, started, run.memory)


def _engine(*, on_all_processors: bool) -> Engine:
    import wasmtime

    config = wasmtime.Config()
    config.wasm_wide_arithmetic = True  # wasmtime 48 has it off
    config.parallel_compilation = on_all_processors
    return wasmtime.Engine(config)


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


def _core(store: Store, bench: Bench, program: Program, started: Callable[[], None], limit: int | None) -> Ending:
    """Run a WASI preview 1 module: a command, or a reactor, whose ``_initialize`` comes before all else."""
    import wasmtime

    linker = bench.linker(program)
    module = bench.maker.made(wasmtime.Module, program.binary)
    libraries = [(bench.maker.made(wasmtime.Module, library.binary), library.names) for library in program.libraries]
    instances: list[Instance] = []
    _check(linker, module, program)
    started()
    try:
        for library, names in libraries:
            instances.append(_instantiated(store, linker, library))
            _initialize(store, instances[-1], library)
            for name in names:
                linker.define_instance(store, name, instances[-1])
        instances.append(_instantiated(store, linker, module))
        if program.entry not in {START, INITIALIZE}:
            _initialize(store, instances[-1], module)
        _call(store, instances[-1], program.entry)
    except ProcessExit as end:
        return exited(end.code, _memory(store, instances), limit)
    except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
        return trapped(error, _memory(store, instances), limit)
    return exited(0, _memory(store, instances), limit)


def _linker(engine: Engine) -> Linker:
    """The functions of WASI preview 1."""
    import wasmtime

    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    linker.allow_shadowing = True
    # wasmtime's own proc_exit traps for the codes from 126 up.
    linker.define_func(PREVIEW1_MODULE, "proc_exit", wasmtime.FuncType([wasmtime.ValType.i32()], []), _exit)
    return linker


def _exit(code: int) -> None:
    raise ProcessExit(code & 0xFFFFFFFF)


def _check(linker: Linker, module: Module, program: Program) -> None:
    """Refuse what can be refused before the guest's time starts: with libraries, imports cannot be held yet."""
    import wasmtime

    types = {item.name: item.type for item in module.exports}
    if cast("FuncType", types[program.entry]).params:
        raise wants_arguments(program.entry)
    if program.libraries:
        return
    try:
        linker.instantiate_pre(module)
    except wasmtime.WasmtimeError as error:
        raise unlinked(error) from error


def _instantiated(store: Store, linker: Linker, module: Module) -> Instance:
    """A trap of the module's start function passes; what keeps it from starting becomes ``not_started``."""
    import wasmtime

    try:
        return linker.instantiate(store, module)
    except wasmtime.WasmtimeError as error:
        raise unlinked(error) from error


def _initialize(store: Store, instance: Instance, module: Module) -> None:
    if any(item.name == INITIALIZE for item in module.exports):
        _call(store, instance, INITIALIZE)


def _call(store: Store, instance: Instance, name: str) -> None:
    cast("Mapping[str, Func]", instance.exports(store))[name](store)


def _memory(store: Store, instances: Sequence[Instance]) -> int | None:
    """The size of the memories that the guest exports: the most that they had, since a memory never shrinks."""
    import wasmtime

    exported = [item for instance in instances for item in instance.exports(store).values()]
    memories = [item for item in exported if isinstance(item, wasmtime.Memory)]
    # by their places, since one memory may be exported under several names
    sizes = {ctypes.addressof(memory.data_ptr(store).contents): memory.data_len(store) for memory in memories}
    return sum(sizes.values()) if memories else None


def _component(store: Store, maker: Maker, program: Program, started: Callable[[], None]) -> Ending:
    """Run a WASI 0.2 component. It ends well or badly: the engine tells no exit code."""
    import wasmtime
    from wasmtime import component

    linker = component.Linker(store.engine)
    linker.add_wasip2()
    compiled = maker.made(component.Component, program.binary)
    started()
    try:
        instance = linker.instantiate(store, compiled)
    except wasmtime.WasmtimeError as error:
        raise unlinked(error) from error
    function = _function(store, instance, program.entry)
    try:
        answer = function(store)
    except wasmtime.ExitTrap as end:
        return flattened(failed=end.code != 0)
    except wasmtime.WasmtimeError as error:
        return trapped(error, None, None)
    return flattened(failed=isinstance(answer, component.Variant) and answer.tag == "err")


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
        raise wants_arguments(entry)
    return function  # type: ignore[no-any-return]
