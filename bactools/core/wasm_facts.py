"""What is known of a WebAssembly engine: what it was seen to run."""

from __future__ import annotations

from typing import NamedTuple


class WasmFacts(NamedTuple):
    """A WebAssembly engine: WASI platforms, best first, and proposals, all of them tried.

    ``version`` is None if it could not be told; ``memory`` is the most bytes that a memory of wasm32 can have.
    """

    version: str | None
    platforms: tuple[str, ...]
    features: tuple[str, ...]
    memory: int
