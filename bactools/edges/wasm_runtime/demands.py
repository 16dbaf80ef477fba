"""What a module and its run demand of this engine, held against what there is, before anything starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bactools.core import wasi, wasm_features
from bactools.core.errors import BacError
from bactools.core.running import Ending
from bactools.edges.wasm_runtime.facts import GENERATIONS

if TYPE_CHECKING:
    from bactools.core.running import Run
    from bactools.core.wasm import ModuleFacts

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
    ``no_entrypoint``, and ``unsupported`` for a precompiled module.
    """
    if facts.format == "precompiled":
        raise BacError(
            "unsupported",
            "the module is precompiled: native code that the engine would have to trust",
            hint="Give the WebAssembly module that it was made from.",
        )
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


def limits(facts: ModuleFacts, memory: int | None) -> Limits | None:
    """How a job's memory in bytes is given out; None without such a limit.

    The engine limits each memory and not their sum, so each has an equal share, and so has the heap of a module
    with garbage-collected values. Tables may have a sixteenth of the memory beside it.
    """
    if memory is None:
        return None
    elements = memory // TABLES_PART // ELEMENT // max(1, facts.own_tables)
    return Limits(memory // _shares(facts), len(facts.own_memories), elements, facts.own_tables)


def too_large(facts: ModuleFacts, limit: int | None) -> Ending | None:
    """The ending of a module one of whose memories, as it stands in the module, is over its share of the limit."""
    needed = max((memory.min * PAGE for memory in facts.own_memories), default=0)
    shares = _shares(facts)
    if limit is None or needed <= limit // shares:
        return None
    shared = f", shared by {shares}" if shares > 1 else ""
    return Ending("oom", None, f"the module needs {needed} bytes of memory to start; its limit is {limit}{shared}")


def _shares(facts: ModuleFacts) -> int:
    return max(1, len(facts.own_memories) + bool(HEAP.intersection(facts.features)))


def check(facts: ModuleFacts) -> None:
    """Raises BacError ``unsupported`` for a module with imports that the engine does not have."""
    missing = [item for item in facts.imports if not wasi.provided(item, GENERATIONS)]
    if not missing:
        return
    names = ", ".join(".".join(filter(None, (item.module, item.name))) for item in missing[:NAMED])
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    raise BacError(
        "unsupported",
        f"the module imports {names}{more}, which this engine does not have",
        hint="Build it for WASI preview 1 or 0.2 without threads or HTTP.",
    )
