from __future__ import annotations

from pathlib import Path

import one_thread
import pytest
import wasmtime
import wasmtime.component

from bactools.core import wasm
from bactools.core.records import Import, Memory
from bactools.core.wasm_features import FEATURES, TARGET_FEATURES

EXAMPLES = Path(__file__).parents[2] / "examples"
PREAMBLE = b"\0asm\x01\0\0\0"


def binary(text: str) -> bytes:
    return bytes(wasmtime.wat2wasm(text))


def facts(text: str) -> wasm.ModuleFacts:
    return wasm.read(binary(text), "test.wasm")


def section(number: int, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return bytes([number, len(body)]) + body


def test_core_module_lists_imports_exports_and_memory():
    assert facts("""
      (module
        (import "env" "log" (func (param i32)))
        (import "env" "limit" (global i32))
        (import "env" "t" (table 1 funcref))
        (memory (export "memory") 2 10)
        (global (export "version") i32 (i32.const 7))
        (func (export "_start")) (func (export "add")))
    """) == wasm.ModuleFacts(
        format="core",
        platform="wasm32/wasi",
        features=(),
        imports=(Import("env", "log", "func"), Import("env", "limit", "global"), Import("env", "t", "table")),
        exports=("memory", "version", "_start", "add"),
        functions=("_start", "add"),
        memory=Memory(min=2, max=10, shared=False, index="i32"),
        own_memories=(Memory(min=2, max=10),),
    )


def test_what_a_module_imports_is_not_its_own():
    found = facts("""
      (module (import "a" "m" (memory 1)) (import "a" "t" (table 1 funcref)) (memory 2) (table 1 funcref))
    """)
    assert (found.memory, found.own_memories, found.own_tables) == (Memory(min=1), (Memory(min=2),), 1)


def test_the_memories_and_tables_of_all_modules_of_a_component_are_its_own():
    found = facts("(component (core module (memory 1) (table 1 funcref)) (core module (memory 2) (table 1 funcref)))")
    assert (found.own_memories, found.own_tables) == ((Memory(min=1), Memory(min=2)), 2)


def test_empty_module_needs_nothing():
    assert wasm.read(PREAMBLE, "x") == wasm.ModuleFacts("core", "wasm32/wasi")


@pytest.mark.parametrize(
    ("text", "features"),
    [
        ("(func (param v128))", ("simd",)),
        ("(global v128 (v128.const i64x2 1 2))", ("simd",)),
        ("(memory 1 2 shared)", ("threads",)),
        ('(import "wasi" "thread-spawn" (func (param i32) (result i32)))', ("wasi-threads",)),
        ("(memory i64 1)", ("memory64",)),
        ("(table i64 1 funcref)", ("memory64",)),
        ("(memory 1) (memory 1)", ("multi-memory",)),
        ('(import "env" "m" (memory 1)) (memory 1)', ("multi-memory",)),
        ("(memory 5 (pagesize 1))", ("custom-page-sizes",)),
        ("(tag (param i32))", ("exceptions",)),
        ('(import "env" "t" (tag))', ("exceptions",)),
        ("(global exnref (ref.null exn))", ("exceptions", "reference-types")),
        ("(type (struct (field i8) (field (mut i32))))", ("gc",)),
        ("(type (array (mut i16)))", ("gc",)),
        ("(rec (type (func)) (type (func)))", ("gc",)),
        ("(type (sub (func)))", ("gc",)),
        ("(func (param anyref))", ("gc",)),
        ("(type $t (func)) (func (param (ref $t)))", ("function-references",)),
        ("(func (param externref))", ("reference-types",)),
        ("(table 1 externref)", ("reference-types",)),
        ("(table 1 funcref) (table 1 funcref)", ("reference-types",)),
        ("(table 1 funcref)", ()),
        ("(func (result i32 i64) unreachable)", ("multi-value",)),
        ("(func (param i32 i64) (result i32) unreachable)", ()),
        ('(memory 1) (data "x") (func (data.drop 0))', ("bulk-memory",)),
        ("(global i32 (i32.add (i32.const -1) (i32.const 2)))", ("extended-const",)),
        ('(import "env" "g" (global (mut i32)))', ("mutable-globals",)),
        ('(global (export "g") (mut i32) (i32.const 0))', ("mutable-globals",)),
        ("(global (mut i32) (i32.const 0))", ()),
        ("(type $f (func)) (type (cont $f))", ("stack-switching",)),
        ("(type (shared (func)))", ("shared-everything-threads",)),
        (
            "(func (result (ref null any) (ref (exact 0))))",
            ("custom-descriptors", "function-references", "gc", "multi-value"),
        ),
        ('(import "m" (item "x" (func)) (item "y" (func)))', ("compact-import-section",)),
    ],
)
def test_types_and_sections_show_their_proposals(text, features):
    assert facts(f"(module {text})").features == features


def test_instructions_in_bodies_are_not_scanned():
    assert facts("(module (func (drop (i32.extend8_s (i32.const 1)))))").features == ()


def test_every_kind_of_constant_is_passed_over():
    text = """
      (module
        (type $s (struct (field i32))) (type $a (array i32)) (func $f)
        (global i64 (i64.const -9223372036854775808)) (global f32 (f32.const 1.5)) (global f64 (f64.const 1.5))
        (global funcref (ref.func $f))
        (global (ref $s) (struct.new $s (i32.const 1))) (global (ref $s) (struct.new_default $s))
        (global (ref $a) (array.new $a (i32.const 1) (i32.const 2)))
        (global (ref $a) (array.new_default $a (i32.const 2)))
        (global (ref $a) (array.new_fixed $a 2 (i32.const 1) (i32.const 2)))
        (global (ref i31) (ref.i31 (i32.const 1)))
        (global externref (extern.convert_any (ref.i31 (i32.const 1))))
        (table 2 (ref func) (ref.func $f))
        (elem declare func $f)
        (export "last" (global 10)))
    """
    assert facts(text).exports == ("last",)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('(import "m" (item "x" (func)) (item "y" (memory 1)))', [("x", "func"), ("y", "memory")]),
        ('(import "m" (item "x") (item "y") (func))', [("x", "func"), ("y", "func")]),
    ],
)
def test_compact_imports_are_listed_one_by_one(text, names):
    assert facts(f"(module {text})").imports == tuple(Import("m", name, kind) for name, kind in names)


@pytest.mark.parametrize(
    ("text", "platform", "memory"),
    [
        ("(memory i64 1 4294967296)", "wasm64/wasi", Memory(min=1, max=1 << 32, index="i64")),
        ('(import "env" "memory" (memory 3 7 shared))', "wasm32/wasi", Memory(min=3, max=7, shared=True)),
        ("(memory 1) (memory i64 2)", "wasm32/wasi", Memory(min=1)),
        ("(memory 65537 (pagesize 1))", "wasm32/wasi", Memory(min=2)),
    ],
)
def test_first_memory_is_reported_in_pages_of_64_kib(text, platform, memory):
    found = facts(f"(module {text})")
    assert (found.platform, found.memory) == (platform, memory)


def target_features(*entries: tuple[bytes, bytes]) -> bytes:
    listed = b"".join(prefix + bytes([len(name)]) + name for prefix, name in entries)
    return section(0, b"\x0ftarget_features", bytes([len(entries)]), listed)


def test_llvm_features_are_translated_and_unknown_ones_passed_over():
    listed = target_features((b"+", b"simd128"), (b"=", b"atomics"), (b"-", b"tail-call"), (b"+", b"not-yet-invented"))
    assert wasm.read(PREAMBLE + listed, "x").features == ("simd", "threads")


def test_damaged_custom_section_leaves_the_module_valid():
    assert wasm.read(PREAMBLE + section(0, b"\x0ftarget_features", b"\x7f"), "x").features == ()


def test_all_translated_names_are_listed():
    assert set(TARGET_FEATURES.values()) <= set(FEATURES)
    assert list(FEATURES) == sorted(set(FEATURES))


COMPONENT = """
  (component
    (import "wasi:cli/stdout@0.2.3" (instance))
    (import "log" (func))
    (import "thing" (type (sub resource)))
    (type $point (record (field "x" u8)))
    (import "point" (type (eq $point)))
    (import "plugin" (core module))
    (import "suffixed" (versionsuffix ".1") (instance))
    (component $inner (import "hidden" (func)) (core module (tag)))
    (core module $m
      (import "host" "f" (func)) (memory (export "memory") 17) (type (struct)))
    (core module $adapter (import "env" "memory" (memory 99)))
    (export "run" (func 0))
    (export "shape" (type $point))
    (export "wasi:cli/run@0.2.3" (instance 0)))
"""


def test_component_lists_its_own_interfaces_and_its_modules_proposals():
    assert facts(COMPONENT) == wasm.ModuleFacts(
        format="component",
        platform="wasm32/wasi/p2",
        features=("exceptions", "gc"),
        imports=(
            Import("wasi:cli/stdout@0.2.3", "", "instance"),
            Import("log", "", "func"),
            Import("thing", "", "type"),
            Import("plugin", "", "module"),
            Import("suffixed", "", "instance"),
        ),
        exports=("run", "shape", "wasi:cli/run@0.2.3"),
        functions=("run",),
        memory=Memory(min=17),
        own_memories=(Memory(min=17),),
    )


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("", "wasm32/wasi/p2"),
        ('(import "wasi:cli/stdout@0.2.0" (instance))', "wasm32/wasi/p2"),
        ('(import "wasi:cli/stdout@0.3.0" (instance))', "wasm32/wasi/p3"),
        (
            '(import "wasi:cli/stdout@0.2.0" (instance)) (export "wasi:cli/run@0.3.0-rc-2025-09-16" (instance 0))',
            "wasm32/wasi/p3",
        ),
        ('(import "acme:cli/stdout@0.3.0" (instance))', "wasm32/wasi/p2"),
        ("(core module (memory i64 1))", "wasm64/wasi/p2"),
    ],
)
def test_wasi_generation_of_a_component_is_that_of_its_interfaces(text, platform):
    assert facts(f"(component {text})").platform == platform


def test_precompiled_module_makes_no_claims():
    compiled = wasmtime.Module(one_thread.engine(), "(module)").serialize()
    assert wasm.read(bytes(compiled), "x.cwasm") == wasm.ModuleFacts("precompiled", "")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"(module)", True),
        (b"( component)", True),
        (b" \n\t;; a comment (\n(module)", True),
        (b"(; outer (; inner ;) ;) (module)", True),
        (b'(@custom "x") (module)', True),
        (b"(; never closed (module)", False),
        (b"\x28\xb5\x2f\xfd", False),
        (b"<html>", False),
        (b";; only a comment", False),
        (b"", False),
    ],
)
def test_text_is_told_from_other_files(data, text):
    assert wasm.is_text(data) is text


def run_hello(folder: Path, arguments: list[str]) -> bytes:
    engine = one_thread.engine()
    linker, store, config = wasmtime.Linker(engine), wasmtime.Store(engine), wasmtime.WasiConfig()
    linker.define_wasi()
    config.argv = arguments
    config.stdout_file = str(folder / "stdout")
    store.set_wasi(config)
    instance = linker.instantiate(store, wasmtime.Module.from_file(engine, str(EXAMPLES / "hello.wat")))
    instance.exports(store)["_start"](store)
    return (folder / "stdout").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        ([], b"hello\n"),
        (["hello"], b"hello\n"),
        (["", "world"], b"hello, world\n"),
        (["hello", "brave", "new wörld"], "hello, brave new wörld\n".encode()),
        (["hello", *["x" * 1000] * 200], b"hello, " + b" ".join([b"x" * 1000] * 200) + b"\n"),
    ],
)
def test_hello_greets_its_arguments(tmp_path, arguments, printed):
    assert run_hello(tmp_path, arguments) == printed


def test_greet_is_a_preview_2_command(tmp_path):
    found = facts((EXAMPLES / "greet.wat").read_text())
    assert (found.platform, found.exports) == ("wasm32/wasi/p2", ("wasi:cli/run@0.2.0",))
    engine = one_thread.engine()
    linker, store, config = wasmtime.component.Linker(engine), wasmtime.Store(engine), wasmtime.WasiConfig()
    linker.add_wasip2()
    config.stdout_file = str(tmp_path / "stdout")
    store.set_wasi(config)
    component = wasmtime.component.Component.from_file(engine, str(EXAMPLES / "greet.wat"))
    command = component.get_export_index("wasi:cli/run@0.2.0")
    run = linker.instantiate(store, component).get_func(store, component.get_export_index("run", command))
    run(store)
    assert (tmp_path / "stdout").read_bytes() == b"hello from a component\n"
