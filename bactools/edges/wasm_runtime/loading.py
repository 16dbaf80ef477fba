"""The modules of a run: read from their files, looked at, linked in thought, and refused where they cannot run.

Nothing is compiled here. The files are read where this is called, which is the guest's own process: the memory of
whoever started it does not grow with a module.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bactools.core import linking, wasm
from bactools.core.errors import BacError
from bactools.core.reference import digest_of
from bactools.edges.wasm_runtime import demands, guest

if TYPE_CHECKING:
    from bactools.core.running import Linked, Run
    from bactools.core.wasm import ModuleFacts

MODULE_LIMIT = 256 * 1024 * 1024


class Loaded(NamedTuple):
    """A module with those that it is linked with, and the facts of all."""

    program: guest.Program
    facts: tuple[ModuleFacts, ...]


def load(module: Linked, digest: str | None, run: Run) -> Loaded:
    """Read a module, which has this digest, and those that ``run`` links it with.

    Raises BacError ``unreadable_file``, ``too_large``, ``digest_mismatch``, ``bad_module``, ``no_entrypoint``, and
    ``unsupported`` for what the engine lacks, an import that nobody gives among it.
    """
    data = _binary(Path(module.host), module.name, digest)
    facts = wasm.read(data, module.name)
    demands.check(facts)
    entry = demands.entry(facts, run)
    places = {linking.path_of(linked.name): Path(linked.host) for linked in run.modules}
    read: dict[str, tuple[bytes, ModuleFacts]] = {}

    def look(path: str) -> ModuleFacts | None:
        place = places.get(path) or _among_inputs(path, run)
        if place is None:
            return None
        binary = _binary(place, path, None)
        read[path] = binary, wasm.read(binary, path)
        demands.check(read[path][1])
        return read[path][1]

    links = linking.order(facts, [linked.name for linked in run.modules], look, demands.given)
    libraries = tuple(guest.Library(link.names, read[link.path][0]) for link in links)
    return Loaded(guest.Program(data, entry, libraries), (facts, *(read[link.path][1] for link in links)))


def _among_inputs(path: str, run: Run) -> Path | None:
    """The file of this host that the guest would see at a path; as for the guest, no link leads out of a mount."""
    found = linking.place(path, [mount for mount in run.mounts if not mount.writable])
    if found is None:
        return None
    mount, rest = found
    root = os.path.realpath(mount.host)
    place = Path(os.path.realpath(Path(root, rest)))
    return place if place.is_relative_to(root) and place.is_file() else None


def _binary(path: Path, name: str, digest: str | None) -> bytes:
    data = _read(path, name)
    if digest is not None and digest_of(data, like=digest) != digest:
        raise BacError(
            "digest_mismatch",
            f"the module {name} is not the one that was inspected: its digest is no longer {digest}",
            hint="Inspect the job again with bac-inspect.",
        )
    return guest.to_binary(data, name) if wasm.is_text(data) else data


def _read(path: Path, name: str) -> bytes:
    try:
        # A pipe or a device could keep its reader waiting for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise BacError("unreadable_file", f"the module {name} is not a file", input=name)
        with path.open("rb") as stream:
            data = stream.read(MODULE_LIMIT + 1)
    except OSError as error:
        raise BacError("unreadable_file", f"cannot read the module {name}: {error.strerror}", input=name) from error
    if len(data) > MODULE_LIMIT:
        raise BacError("too_large", f"the module {name} is larger than {MODULE_LIMIT} bytes", input=name)
    return data
