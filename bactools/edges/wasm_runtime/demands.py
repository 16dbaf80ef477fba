"""What a module and its run demand of this engine, held against what there is, before anything starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bactools.core import wasi
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


def check(facts: ModuleFacts, run: Run) -> None:
    """Raises BacError ``unsupported`` for a module that the engine lacks something for, ``bad_spec`` for a run.

    WASI's strings are UTF-8 and end at a NUL, where the engine would cut them without a word.
    """
    _check_imports(facts)
    paths = [path for mount in run.mounts for path in (mount.host, mount.guest)]
    for text in (*run.arguments, *run.environment, *run.environment.values(), *paths):
        if "\0" in text or not _is_unicode(text):
            raise BacError("bad_spec", "an argument, variable or path of the job holds a NUL or is not Unicode")


def too_large(facts: ModuleFacts, limit: int | None) -> Ending | None:
    """The ending of a module whose memory, as it stands in the module, is over the limit in bytes."""
    needed = facts.memory.min * PAGE if facts.memory else 0
    if limit is None or needed <= limit:
        return None
    return Ending("oom", None, f"the module needs {needed} bytes of memory to start; its limit is {limit}")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_imports(facts: ModuleFacts) -> None:
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
