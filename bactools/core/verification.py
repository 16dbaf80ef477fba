"""What the file that an image executes says it is for, and whether the image's label promises that."""

from __future__ import annotations

from typing import NamedTuple

from bactools.core import elf, wasm
from bactools.core.errors import BacError
from bactools.core.platforms import Platform, parse, rank
from bactools.core.wasm_binary import MAGIC as WASM_MAGIC

OSABI = 7
OSABI_WASMTIME = 200
"""What Wasmtime writes for its own precompiled code, which is no program of any system."""


class Told(NamedTuple):
    """The lowest platform that a file says it runs on, its CPU level if it says one, and its loader if it wants one."""

    platform: Platform
    level: str | None = None
    interpreter: str | None = None


def told(data: bytes, label: Platform) -> Told | None:
    """What the bytes of an executable tell; its operating system they do not, so that is the label's.

    None for what is neither ELF nor WebAssembly, and for a machine that has no name.
    """
    if data.startswith(WASM_MAGIC):
        try:
            return Told(parse(wasm.read(data, "the module").platform))
        except BacError:
            return None
    program = elf.read(data)
    if program is None or not program.architecture or data[OSABI] == OSABI_WASMTIME:
        return None
    system = label.os if label.engine == "docker" else "linux"
    platform = Platform(system, program.architecture, program.variant, label.os_version, label.os_features)
    return Told(platform, program.level, program.interpreter or None)


def agrees(label: Platform, found: Platform) -> bool:
    """Whether every host of the label's platform runs the other one, without assumptions.

    A label for WebAssembly without a generation (``wasi/wasm``) promises none.
    """
    if label.engine == found.engine == "wasm":
        return label.architecture == found.architecture and label.variant in ("", found.variant)
    return rank(label, found, assume=False) is not None
