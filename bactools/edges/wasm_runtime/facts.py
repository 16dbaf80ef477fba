"""What the installed wasmtime can run, found without loading it: that alone costs 50 ms and more.

``FEATURES`` is held against the engine by a test that compiles a module for each.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

GENERATIONS = ("", "p2")  # of WASI; the first is preview 1
PLATFORMS = ("wasm32/wasi", "wasm32/wasi/p2")

# Shared memories, and so `threads`, are left out: no limit holds for them, and wasi-threads is not there.
FEATURES = (
    "bulk-memory",
    "exceptions",
    "extended-const",
    "function-references",
    "gc",
    "memory64",
    "multi-memory",
    "multi-value",
    "mutable-globals",
    "nontrapping-fptoint",
    "reference-types",
    "relaxed-simd",
    "sign-ext",
    "simd",
    "tail-call",
    "wide-arithmetic",
)

# The names of the machines that wasmtime's wheels carry a library for.
MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


class WasmFacts(NamedTuple):
    """The engine's version (None: it could not be told), WASI platforms and proposals."""

    version: str | None
    platforms: tuple[str, ...]
    features: tuple[str, ...]


def describe() -> WasmFacts | None:
    """What the engine of this Python environment runs; None when there is none for this machine."""
    spec = find_spec("wasmtime")
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).parent
    machine = MACHINES.get(os.uname().machine.lower())
    if machine is None or not (package / f"{sys.platform}-{machine}").is_dir():
        return None
    return WasmFacts(_version(package), PLATFORMS, FEATURES)


def _version(package: Path) -> str | None:
    """The version in the name of the installed distribution's folder, as PEP 376 puts it beside the package."""
    for folder in package.parent.glob("wasmtime-*.dist-info"):
        return folder.name.removeprefix("wasmtime-").removesuffix(".dist-info")
    return None
