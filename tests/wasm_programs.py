"""Real WebAssembly programs: the C sources of tests/data, as clang and wasi-libc make them for WASI preview 1."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path

import components

DATA = Path(__file__).parent / "data"
LIBC = Path("/usr/lib/wasm32-wasi/libc.a")
REACTORS = {"library"}


def compiled(name: str) -> bytes:
    """The module of ``tests/data/NAME.c``; a test that needs it ends where the compiler is missing."""
    clang, _ = components.program("clang"), components.program("wasm-ld")
    if not LIBC.exists():
        components.missing("wasi-libc is not installed")
    return _compiled(clang, name)


@cache
def _compiled(clang: str, name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        module = Path(folder, name)
        words = [clang, "--target=wasm32-wasi", "-O1", "-o", str(module), str(DATA / f"{name}.c")]
        if name in REACTORS:
            words.append("-mexec-model=reactor")
        subprocess.run(words, check=True, timeout=60)
        return module.read_bytes()
