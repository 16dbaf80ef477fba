"""The WebAssembly engine of this Python environment, as part of a host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bactools.core import node
from bactools.core.errors import BacError
from bactools.edges import wasm_runtime

if TYPE_CHECKING:
    from bactools.flows.probing import Found, Probing

TIMEOUT = 20.0


def wasm(probing: Probing) -> Found:
    """What it runs. Raises BacError ``no_engine`` or as trying it fails."""
    facts = wasm_runtime.describe(probing.clock.left(TIMEOUT))
    if facts is None:
        raise BacError(
            "no_engine", "there is no WebAssembly engine: the Python package wasmtime is not installed for this machine"
        )
    return node.wasm_engine(facts, probing.settings), []
