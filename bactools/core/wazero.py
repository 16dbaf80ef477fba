"""Bacalhau's own WebAssembly engine: wazero is part of its binary, so every node that has the engine has this one.

Sources: Bacalhau's pkg/executor/wasm, which leaves wazero (1.12) at its default features, api.CoreFeaturesV2;
preview 1 of WASI only, no components, no more memory than a 32-bit module can address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bactools.core import wasm_features
from bactools.core.records import Engine, Offer

if TYPE_CHECKING:
    from bactools.core.records import Import

PLATFORM = "wasm32/wasi"
FEATURES = (
    wasm_features.BULK_MEMORY,
    wasm_features.MULTI_VALUE,
    wasm_features.MUTABLE_GLOBALS,
    wasm_features.NONTRAPPING_FPTOINT,
    wasm_features.REFERENCE_TYPES,
    wasm_features.SIGN_EXT,
    wasm_features.SIMD,
)
MEMORY = 4 * 1024**3
"""Bytes: 65,536 pages; Bacalhau refuses to start a job that asks for more."""


def engine() -> Engine:
    """The engine, as a node record has it."""
    return Engine("wasm", [Offer(PLATFORM, "native")], runtime="wazero", features=list(FEATURES), memory=MEMORY)


def is_http(item: Import) -> bool:
    """Whether an import is the function that Bacalhau gives to modules of jobs with a network; it is not WASI's."""
    return (item.module, item.name) == ("wasi:http/requests", "http_request")
