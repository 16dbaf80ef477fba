"""Which modules a WebAssembly module is linked with, in which order, and what is missing: decided before anything runs.

The rules are Bacalhau's (pkg/executor/wasm, since v1.7). The import modules of a job come first, in their order, each
under its path as its name. Any other import that the host does not give is looked for by its module name as
a path among the job's inputs, and what is found there is treated alike. A leading slash makes no difference.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bactools.core.records import Import
    from bactools.core.running import Mount
    from bactools.core.wasm import ModuleFacts

MODULES = 64
"""How many modules may be linked."""
NAMED = 5
"""Names that a message lists."""
COMPONENT_HINT = "Compose the components into one, for instance with wac plug."


class Link(NamedTuple):
    """A module to instantiate: its path in the job, and the names by which the others import from it."""

    path: str
    names: tuple[str, ...]


class _Search(NamedTuple):
    """What has been found so far; a path of ``open`` is being looked at, so that a circle is seen."""

    load: Callable[[str], ModuleFacts | None]
    given: Callable[[Import], bool]
    found: dict[str, ModuleFacts]
    open: list[str]
    names: dict[str, dict[str, None]]


def path_of(name: str) -> str:
    """The path in the job that a module name stands for: absolute, without dots."""
    return posixpath.normpath("/" + name.lstrip("/"))


def order(
    entry: ModuleFacts,
    named: Sequence[str],
    load: Callable[[str], ModuleFacts | None],
    given: Callable[[Import], bool],
) -> tuple[Link, ...]:
    """The modules to instantiate before ``entry``, each after those that it imports from.

    ``named`` are the paths of the job's import modules; ``load`` reads the module at a path of the job, or tells
    with None that there is none; ``given`` says whether the host gives an import. Raises BacError ``unsupported``
    for an import that nobody gives, for modules that import from each other, and for components among them.
    """
    search = _Search(load, given, {}, [], {})
    if named and entry.format != "core":
        raise BacError("unsupported", "the job links import modules with a component", hint=COMPONENT_HINT)
    for name in named:
        if not _visit(search, path_of(name)):
            raise BacError("unsupported", f"the import module {name} is not among the job's inputs")
    _resolve(search, entry, "the module")
    return tuple(Link(path, tuple(search.names.get(path, ()))) for path in search.found)


def place(name: str, mounts: Iterable[Mount]) -> tuple[Mount, str] | None:
    """The mount that holds the path of a module name, and the rest of the path in it; the innermost one counts."""
    wanted = path_of(name)
    holding = [mount for mount in mounts if f"{wanted}/".startswith(f"{path_of(mount.guest).rstrip('/')}/")]
    if not holding:
        return None
    mount = max(holding, key=lambda mount: len(path_of(mount.guest)))
    return mount, posixpath.relpath(wanted, path_of(mount.guest))


def within_inputs(name: str, targets: Iterable[str]) -> bool:
    """Whether a module name may stand for something among inputs at these targets."""
    wanted = path_of(name)
    return any(f"{wanted}/".startswith(f"{path_of(target).rstrip('/')}/") for target in targets)


def _visit(search: _Search, path: str) -> bool:
    """Whether there is a module at a path; it is found then, and before it all that it imports from."""
    if path in search.found:
        return True
    if path in search.open:
        circle = " and ".join((*search.open[search.open.index(path) :], path)[:NAMED])
        raise BacError("unsupported", f"the modules {circle} import from each other, which cannot be linked")
    facts = search.load(path)
    if facts is None:
        return False
    if facts.format != "core":
        message = f"the module {path} is {facts.format}; a core module can only be linked with core modules"
        raise BacError("unsupported", message, hint=COMPONENT_HINT)
    if len(search.open) + len(search.found) >= MODULES:
        raise BacError("unsupported", f"the module is linked with more than {MODULES} others")
    search.open.append(path)
    _resolve(search, facts, f"the module {path}")
    search.open.pop()
    search.found[path] = facts
    return True


def _resolve(search: _Search, facts: ModuleFacts, what: str) -> None:
    """Find what a module imports from. Raises BacError ``unsupported`` with all that is missing."""
    missing = [item for item in facts.imports if not search.given(item) and not _found(search, item, facts)]
    if missing:
        raise _missing(missing, what)


def _found(search: _Search, item: Import, importer: ModuleFacts) -> bool:
    path = path_of(item.module)
    if importer.format != "core" or path == "/" or not _visit(search, path):
        return False
    search.names.setdefault(path, {})[item.module] = None
    return item.name in search.found[path].exports


def _missing(missing: Sequence[Import], what: str) -> BacError:
    names = ", ".join(".".join(filter(None, (item.module, item.name))) for item in missing[:NAMED])
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    return BacError(
        "unsupported",
        f"{what} imports {names}{more}, which neither this engine nor another module of the job has",
        hint=hint(missing[0]),
    )


def hint(item: Import) -> str:
    """What to do about an import that nobody gives."""
    name = f"{item.module}{item.name}"
    if (item.module, item.name) == ("wasi", "thread-spawn"):
        return "Build it without threads."
    if item.module.startswith("wasi:http"):
        return "Build it without HTTP, and let the job have what it needs as inputs."
    if name.startswith("wasi:") and "@0.3" in name:
        return "Build it for WASI preview 1 or 0.2."
    if name.startswith("wasi"):
        return "Build it for WASI preview 1 or 0.2, without proposals beyond them."
    return f"Give the module {item.module} as an input at that path, and name it as an import module."
