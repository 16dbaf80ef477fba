"""The modules of a run: looked at in their files, linked in thought, and refused where they cannot run.

Nothing is compiled here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bactools.core import linking, wasm
from bactools.core.digests import digest_of
from bactools.core.errors import BacError
from bactools.core.running import Linked
from bactools.edges import modules
from bactools.edges.wasm_runtime import demands, guest
from bactools.edges.wasm_runtime.making import Binary

if TYPE_CHECKING:
    from bactools.core.running import Run
    from bactools.core.wasm import ModuleFacts


class Loaded(NamedTuple):
    """A module with those that it is linked with, and the facts of all."""

    program: guest.Program
    facts: tuple[ModuleFacts, ...]


def load(module: Linked, run: Run) -> Loaded:
    """Read a module, and those that ``run`` links it with.

    Raises BacError ``unreadable_file``, ``too_large``, ``digest_mismatch``, ``bad_module``, ``no_entrypoint``, and
    ``unsupported`` for what the engine lacks, an import that nobody gives among it.
    """
    binary = _binary(module)
    facts = wasm.read(binary.data, module.name)
    demands.check(facts)
    entry = demands.entry(facts, run)
    places = {linking.path_of(linked.name): Path(linked.host) for linked in run.modules}
    read: dict[str, tuple[Binary, ModuleFacts]] = {}

    def look(path: str) -> ModuleFacts | None:
        place = places.get(path) or _among_inputs(path, run)
        if place is None:
            return None
        found = _binary(Linked(path, str(place)))
        read[path] = found, wasm.read(found.data, path)
        demands.check(read[path][1])
        return read[path][1]

    links = linking.order(facts, [linked.name for linked in run.modules], look, demands.given)
    libraries = tuple(guest.Library(link.names, read[link.path][0]) for link in links)
    return Loaded(guest.Program(binary, entry, libraries), (facts, *(read[link.path][1] for link in links)))


def _among_inputs(path: str, run: Run) -> Path | None:
    """The file of this host that the guest would see at a path; as for the guest, no link leads out of a mount."""
    found = linking.place(path, [mount for mount in run.mounts if not mount.writable])
    if found is None:
        return None
    mount, rest = found
    root = os.path.realpath(mount.host)
    place = Path(os.path.realpath(Path(root, rest)))
    return place if place.is_relative_to(root) and place.is_file() else None


def _binary(module: Linked) -> Binary:
    name, digest = module.name, module.digest
    data = modules.read(Path(module.host), f"the module {name}")
    found = digest_of(data, like=digest)
    if digest is not None and found != digest:
        raise BacError(
            "digest_mismatch",
            f"the module {name} is not the one that was inspected: its digest is no longer {digest}",
            hint="Inspect the job again with bac-inspect.",
        )
    if wasm.is_text(data):
        binary = guest.to_binary(data[:], name)
        return Binary(binary, digest_of(binary))
    return Binary(data, found)
