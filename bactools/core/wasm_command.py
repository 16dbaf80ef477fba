"""The command line of wasmtime that does by hand what bac-exec does with a WebAssembly module, as words.

The flags are those of ``wasmtime run`` (version 49). Where it cannot do the same, ``differences`` says so.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from bactools.core.linking import path_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from bactools.core.running import Linked, Mount, Run

START = "_start"


def wasmtime_run(module: Linked, run: Run, hidden: Collection[str] = (), files: Collection[str] = ()) -> list[str]:
    """The words of the ``wasmtime run`` that runs a module as ``run`` says.

    Variables in ``hidden`` are named without their value, which wasmtime then takes from its own environment. ``files``
    are the mounts' paths of this host that are files: each is mounted with the folder that holds it.
    """
    entry = run.entrypoint[0] if run.entrypoint else START
    operands = [module.host, *run.arguments] if entry == START else [module.host]
    return ["wasmtime", "run", *_flags(run, hidden, files), *_invoked(entry), *operands]


def differences(run: Run, files: Collection[str] = ()) -> list[str]:
    """What that command line does otherwise than bac-exec, in sentences."""
    found = []
    if any(not mount.writable for mount in run.mounts):
        found.append("wasmtime lets a module write to its inputs.")
    if any(mount.host in files for mount in run.mounts):
        found.append("wasmtime mounts folders only: an input that is a file comes with its neighbours.")
    if any(mount.host in files and not _keeps_its_name(mount) for mount in run.mounts):
        found.append("An input that is a file keeps the name that it has on this host.")
    if run.entrypoint and run.entrypoint[0] != START and run.arguments:
        found.append("wasmtime gives no arguments to a module that starts at another function.")
    return found


def _keeps_its_name(mount: Mount) -> bool:
    return posixpath.basename(mount.host) == posixpath.basename(mount.guest)


def _flags(run: Run, hidden: Collection[str], files: Collection[str]) -> Iterator[str]:
    yield from ("--argv0", "", "-W", ",".join(("wide-arithmetic=y", *_limits(run))))
    for folder in dict.fromkeys(_folder(mount, files) for mount in run.mounts):
        yield from ("--dir", folder)
    for name, text in run.environment.items():
        yield from ("--env", name if name in hidden else f"{name}={text}")
    for library in run.modules:
        plain = path_of(library.name).lstrip("/")
        for name in (plain, f"/{plain}"):
            yield from ("--preload", f"{name}={library.host}")


def _limits(run: Run) -> Iterator[str]:
    if run.memory is not None:
        yield f"max-memory-size={run.memory}"
    if run.timeout is not None:
        yield f"timeout={max(1, round(run.timeout * 1000))}ms"


def _folder(mount: Mount, files: Collection[str]) -> str:
    if mount.host in files:
        return f"{posixpath.dirname(mount.host)}::{posixpath.dirname(mount.guest)}"
    return f"{mount.host}::{mount.guest}"


def _invoked(entry: str) -> tuple[str, ...]:
    """A component's function is called, with brackets, by its name alone."""
    if entry == START:
        return ()
    _, interface, function = entry.rpartition("#")
    return ("--invoke", f"{function}()" if interface else function)
