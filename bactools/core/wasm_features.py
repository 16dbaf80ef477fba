"""The names of the WebAssembly proposals that a module may need and an engine may offer.

The spelling is that of the features page of webassembly.org in lower case with dashes; where LLVM
writes a shorter name into modules (``sign-ext``, ``nontrapping-fptoint``), LLVM's. Both sides of a
match, the reader of modules and the description of an engine, take their names from here.
"""

from __future__ import annotations

BULK_MEMORY = "bulk-memory"
COMPACT_IMPORTS = "compact-import-section"
CUSTOM_DESCRIPTORS = "custom-descriptors"
CUSTOM_PAGE_SIZES = "custom-page-sizes"
EXCEPTIONS = "exceptions"
EXTENDED_CONST = "extended-const"
FUNCTION_REFERENCES = "function-references"
GC = "gc"
HALF_PRECISION = "half-precision"
MEMORY64 = "memory64"
MULTI_MEMORY = "multi-memory"
MULTI_VALUE = "multi-value"
MUTABLE_GLOBALS = "mutable-globals"
NONTRAPPING_FPTOINT = "nontrapping-fptoint"
REFERENCE_TYPES = "reference-types"
RELAXED_SIMD = "relaxed-simd"
SHARED_EVERYTHING_THREADS = "shared-everything-threads"
SIGN_EXT = "sign-ext"
SIMD = "simd"
STACK_SWITCHING = "stack-switching"
TAIL_CALL = "tail-call"
THREADS = "threads"
WASI_THREADS = "wasi-threads"
WIDE_ARITHMETIC = "wide-arithmetic"

FEATURES: tuple[str, ...] = (
    BULK_MEMORY,
    COMPACT_IMPORTS,
    CUSTOM_DESCRIPTORS,
    CUSTOM_PAGE_SIZES,
    EXCEPTIONS,
    EXTENDED_CONST,
    FUNCTION_REFERENCES,
    GC,
    HALF_PRECISION,
    MEMORY64,
    MULTI_MEMORY,
    MULTI_VALUE,
    MUTABLE_GLOBALS,
    NONTRAPPING_FPTOINT,
    REFERENCE_TYPES,
    RELAXED_SIMD,
    SHARED_EVERYTHING_THREADS,
    SIGN_EXT,
    SIMD,
    STACK_SWITCHING,
    TAIL_CALL,
    THREADS,
    WASI_THREADS,
    WIDE_ARITHMETIC,
)

# LLVM's names in the custom section `target_features` (tool-conventions, Linking.md; llvm WebAssembly.td).
# A name that is not here is passed over: LLVM invents some for encodings that every engine of the
# proposal reads, and a name that no engine lists would have every module refused everywhere.
TARGET_FEATURES: dict[str, str] = {
    "atomics": THREADS,
    "bulk-memory": BULK_MEMORY,
    "bulk-memory-opt": BULK_MEMORY,
    "call-indirect-overlong": REFERENCE_TYPES,
    "exception-handling": EXCEPTIONS,
    "extended-const": EXTENDED_CONST,
    "fp16": HALF_PRECISION,
    "gc": GC,
    "memory64": MEMORY64,
    "multimemory": MULTI_MEMORY,
    "multivalue": MULTI_VALUE,
    "mutable-globals": MUTABLE_GLOBALS,
    "nontrapping-fptoint": NONTRAPPING_FPTOINT,
    "reference-types": REFERENCE_TYPES,
    "relaxed-simd": RELAXED_SIMD,
    "shared-mem": THREADS,
    "sign-ext": SIGN_EXT,
    "simd128": SIMD,
    "tail-call": TAIL_CALL,
    "wide-arithmetic": WIDE_ARITHMETIC,
}
