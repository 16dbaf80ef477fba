"""What the WebAssembly engine runs, tried: a tiny program for each WASI generation and for each proposal.

``main`` is run in a process of its own, for the engine ends the whole process where it meets a fault of its own. A
program counts once it has run to its end as a job would.
"""

from __future__ import annotations

from bactools.core import wasm_features as names
from bactools.core.errors import BacError
from bactools.core.running import Run

START = "_start"

PROGRAMS: dict[str, tuple[str, str]] = {
    "wasm32/wasi": (
        START,
        '(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))) (func (export "_start")))',
    ),
    "wasm32/wasi/p2": (
        "wasi:cli/run@0.2.0#run",
        """(component
          (core module $m (func (export "run") (result i32) (i32.const 0)))
          (core instance $i (instantiate $m))
          (func $run (result (result)) (canon lift (core func $i "run")))
          (instance $r (export "run" (func $run)))
          (export "wasi:cli/run@0.2.0" (instance $r)))""",
    ),
}
"""By platform, best first: the function to run, and the program as text."""

MODULES: dict[str, str] = {
    names.BULK_MEMORY: "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 1)))",
    names.CUSTOM_PAGE_SIZES: "(memory 1 (pagesize 1))",
    names.EXCEPTIONS: "(tag $t) (func (block $h (try_table (catch $t $h) (throw $t))))",
    names.EXTENDED_CONST: "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
    names.FUNCTION_REFERENCES: "(type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0)))",
    names.GC: "(type $s (struct (field i32))) (func (drop (struct.new $s (i32.const 1))))",
    names.MEMORY64: "(memory i64 1)",
    names.MULTI_MEMORY: "(memory 1) (memory 1)",
    names.MULTI_VALUE: "(func (result i32 i32) (i32.const 1) (i32.const 2))",
    names.MUTABLE_GLOBALS: '(global (export "g") (mut i32) (i32.const 0))',
    names.NONTRAPPING_FPTOINT: "(func (drop (i32.trunc_sat_f32_s (f32.const 1))))",
    names.REFERENCE_TYPES: "(table 1 externref) (func (drop (table.get (i32.const 0))))",
    names.RELAXED_SIMD: "(func (drop (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0))))",
    names.SHARED_EVERYTHING_THREADS: "(global (shared i32) (i32.const 0))",
    names.SIGN_EXT: "(func (drop (i32.extend8_s (i32.const 1))))",
    names.SIMD: "(func (drop (v128.const i64x2 0 0)))",
    names.STACK_SWITCHING: "(type $f (func)) (type (cont $f))",
    names.TAIL_CALL: "(func $f (return_call $f))",
    names.THREADS: "(memory 1 1 shared)",
    names.WASI_THREADS: '(import "wasi" "thread-spawn" (func (param i32) (result i32)))',
    names.WIDE_ARITHMETIC: "(func (result i64 i64) (i64.mul_wide_u (i64.const 1) (i64.const 1)))",
}
"""By proposal: what a module that needs it holds beside an empty ``_start``."""

BINARIES: dict[str, str] = {
    names.COMPACT_IMPORTS: (
        "0061736d01000000 01080260000060017f00 0227011677617369"
        "5f736e617073686f745f7072657669657731007f010970726f635f657869740001"
        "03020100 070a01065f73746172740001 0a040102000b"
    ),
    names.CUSTOM_DESCRIPTORS: (
        "0061736d01000000 010e024e024d015f004c005f00600000 03020102 070a01065f73746172740000 0a040102000b"
    ),
    names.HALF_PRECISION: (
        "0061736d01000000 010401600000 03020100 070a01065f73746172740000 0a0d010b00430000803ffda0021a0b"
    ),
}
"""By proposal: a whole module in hexadecimal digits, where the engine has no text for it."""


def main() -> None:
    """Print, as one JSON object, the ``platforms`` and ``features`` that run. Raises BacError ``no_engine``."""
    import json

    from bactools.edges.wasm_runtime import guest

    guest.load()
    platforms = [name for name in PROGRAMS if _runs(name)]
    features = [name for name in sorted({**MODULES, **BINARIES}) if _runs(name)]
    print(json.dumps({"platforms": platforms, "features": features}))  # noqa: T201 (what this process is for)


def program(name: str) -> tuple[str, bytes]:
    """The function to run and the program for a platform or a proposal.

    Raises BacError ``bad_module`` where the engine cannot read its text.
    """
    from bactools.edges.wasm_runtime import guest

    if name in BINARIES:
        return START, bytes.fromhex(BINARIES[name])
    entry, text = PROGRAMS.get(name) or (START, f'(module {MODULES[name]} (func (export "{START}")))')
    return entry, guest.to_binary(text.encode(), name)


def _runs(name: str) -> bool:
    """Whether the engine reads, compiles, links and runs a program."""
    from bactools.edges.wasm_runtime import guest

    try:
        entry, data = program(name)
        return guest.execute(data, entry, Run((), {}, ()), None, lambda: None).status == "completed"
    except BacError:
        return False
