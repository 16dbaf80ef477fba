"""What a module and its run demand of this engine, held against what there is, before anything starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bactools.core import wasi, wasm_features
from bactools.core.errors import BacError
from bactools.core.running import Ending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bactools.core.records import Import, Memory
    from bactools.core.running import Run
    from bactools.core.wasm import ModuleFacts

GENERATIONS = ("", "p2")  # of WASI; the first is preview 1
START = "_start"
COMMAND = "wasi:cli/run@0.2."
PAGE = 65536
NAMED = 5  # names that a message lists
HEAP = {wasm_features.GC, wasm_features.EXCEPTIONS}  # what makes the engine keep a heap beside the memories
TABLES_PART = 16  # of the memory, for all tables together
ELEMENT = 8  # bytes of a table's element


class Limits(NamedTuple):
    """What the engine may give a guest, by the names of its own limits: sizes are of each memory and table."""

    memory_size: int
    memories: int
    table_elements: int
    tables: int


def entry(facts: ModuleFacts, run: Run) -> str:
    """The export to run: of a component, an interface and its function as ``interface#function``.

    ``_start`` is the entry of any command: for a component, ``run`` of its ``wasi:cli/run``. Raises BacError
    ``no_entrypoint``.
    """
    wanted = run.entrypoint[0] if run.entrypoint else START
    if facts.format == "core":
        if wanted in facts.functions:
            return wanted
        raise _no_entry(wanted, facts.functions)
    if wanted == START:
        commands = [export for export in facts.exports if export.startswith(COMMAND)]
        if commands:
            return f"{commands[0]}#run"
    elif wanted.partition("#")[0] in facts.exports:
        return wanted
    raise _no_entry(wanted if wanted != START else "wasi:cli/run@0.2", facts.exports)


def _no_entry(wanted: str, exports: tuple[str, ...]) -> BacError:
    offered = ", ".join(exports[:NAMED]) or "nothing"
    return BacError(
        "no_entrypoint",
        f"the module does not export the function {wanted}; it exports {offered}",
        hint="Build it as a command, or name another function as the job's entry point.",
    )


def limits(modules: Sequence[ModuleFacts], memory: int | None) -> Limits | None:
    """How a job's memory in bytes is given out among the modules that are linked; None without such a limit.

    The engine limits each memory and not their sum, so each has an equal share, and so has the heap for
    garbage-collected values. Tables may have a sixteenth of the memory beside it.
    """
    if memory is None:
        return None
    tables = sum(facts.own_tables for facts in modules)
    elements = memory // TABLES_PART // ELEMENT // max(1, tables)
    return Limits(memory // _shares(modules), len(_memories(modules)), elements, tables)


def too_large(modules: Sequence[ModuleFacts], limit: int | None) -> Ending | None:
    """The ending of modules one of whose memories, as it stands in the module, is over its share of the limit."""
    needed = max((memory.min * PAGE for memory in _memories(modules)), default=0)
    shares = _shares(modules)
    if limit is None or needed <= limit // shares:
        return None
    shared = f", shared by {shares}" if shares > 1 else ""
    return Ending("oom", None, f"the module needs {needed} bytes of memory to start; its limit is {limit}{shared}")


def _memories(modules: Sequence[ModuleFacts]) -> list[Memory]:
    return [memory for facts in modules for memory in facts.own_memories]


def _shares(modules: Sequence[ModuleFacts]) -> int:
    heap = any(HEAP.intersection(facts.features) for facts in modules)
    return max(1, len(_memories(modules)) + heap)


def check(facts: ModuleFacts) -> None:
    """Refuse what the engine lacks, whatever a module imports. Raises BacError ``unsupported``."""
    if facts.format == "precompiled":
        raise BacError(
            "unsupported",
            "the module is precompiled: native code that the engine would have to trust",
            hint="Give the WebAssembly module that it was made from.",
        )
    if facts.platform.endswith("/p3"):
        interfaces = (*(item.module for item in facts.imports), *facts.exports)
        named = ", ".join([name for name in interfaces if "@0.3" in name][:NAMED])
        raise BacError(
            "unsupported",
            f"the component is built for WASI 0.3 ({named}), which this engine does not have",
            hint="Build it for WASI 0.2.",
        )
    if any(memory.shared for memory in facts.own_memories):
        raise BacError(
            "unsupported",
            "the module has a shared memory, which belongs to threads; this engine has none, and no limit for it",
            hint="Build it without threads.",
        )


def given(item: Import) -> bool:
    """Whether the engine gives what a module imports."""
    return wasi.provided(item, GENERATIONS)
