"""WebAssembly bytes -> what they need to run: WASI generation, imports, proposals, memory.

``features`` come from sections, types and what LLVM records (``target_features``). Instructions in
function bodies are not scanned, so a module whose compiler records nothing and which uses, say, tail
calls or SIMD only inside its functions shows no feature; the engine then says so when it compiles.
LLVM records what the compiler was allowed to use, which may be more than the module uses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from bactools.core.errors import BacError
from bactools.core.wasm_binary import DAMAGED, MAGIC, PREAMBLE, Cursor
from bactools.core.wasm_component import COMPONENT_PREAMBLE, MODULE_PREAMBLE, read_component
from bactools.core.wasm_module import Contents, read_module

if TYPE_CHECKING:
    from bactools.core.content import Content
    from bactools.core.records import Import, Memory

Format = Literal["core", "component", "precompiled"]


class ModuleFacts(NamedTuple):
    """What a file needs of an engine.

    ``platform`` is ``wasm32/wasi``, ``wasm64/wasi``, or with the generation behind it for a component
    (``wasm32/wasi/p2``, ``/p3``). ``functions`` are those of the exports that are functions; ``memory`` is the
    module's first, imported or its own; ``own_memories`` and ``own_tables`` are all that it defines, or any module
    of a component. A component's imports have their interface as ``module`` and no ``name``. For ``precompiled``,
    which is native code for one version of Wasmtime on one kind of host, ``platform`` is empty and nothing else is
    known; it is trusted code, so do not run it unasked.
    """

    format: Format
    platform: str
    features: tuple[str, ...] = ()
    imports: tuple[Import, ...] = ()
    exports: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    memory: Memory | None = None
    own_memories: tuple[Memory, ...] = ()
    own_tables: int = 0


def read(data: Content, name: str) -> ModuleFacts:
    """The facts of a binary module or component; ``name`` is for messages.

    Raises BacError ``bad_module``, which says what the file is instead.
    """
    cursor = Cursor(data, name, min(PREAMBLE, len(data)), len(data))
    preamble = data[:PREAMBLE]
    if preamble == MODULE_PREAMBLE:
        return _facts("core", read_module(cursor), generation="")
    if preamble == COMPONENT_PREAMBLE:
        contents = read_component(cursor)
        return _facts("component", contents, generation=_generation(contents))
    if _is_precompiled(data):
        return ModuleFacts("precompiled", "")
    what, hint = _identify(data)
    raise BacError("bad_module", f"cannot read {name} as WebAssembly: it is {what}", hint=hint, input=name)


def _facts(form: Format, contents: Contents, *, generation: str) -> ModuleFacts:
    bits = 64 if contents.memory and contents.memory.index == "i64" else 32
    return ModuleFacts(
        format=form,
        platform=f"wasm{bits}/wasi{generation}",
        features=tuple(sorted(contents.features)),
        imports=contents.imports,
        exports=contents.exports,
        functions=contents.functions,
        memory=contents.memory,
        own_memories=contents.own_memories,
        own_tables=contents.own_tables,
    )


_WASI_VERSION = re.compile(r"wasi:[^@]*@0\.(\d+)\b")


def _generation(contents: Contents) -> str:
    """WASI 0.2 and 0.3 are previews 2 and 3; a component that uses neither runs wherever components do."""
    interfaces = (*(entry.module for entry in contents.imports), *contents.exports)
    versions = {found[1] for text in interfaces if (found := _WASI_VERSION.match(text))}
    return "/p3" if "3" in versions else "/p2"


_BLOCK_COMMENT = re.compile(rb"\(;|;\)")
_SPACE = re.compile(rb"(?:[ \t\r\n]+|;;[^\n]*)*")
_OPENING = re.compile(rb"\([ \t\r\n]*[a-z@;(]")


def is_text(content: Content) -> bool:
    """Whether this may be the text format (core specification 6.3): a ``(`` and a word, past spaces and comments."""
    if content[: len(MAGIC)] == MAGIC:
        return False
    data = content[:]
    at = _past_space(data, 0)
    while data.startswith(b"(;", at):
        depth = 0
        for mark in _BLOCK_COMMENT.finditer(data, at):
            depth += 1 if mark[0] == b"(;" else -1
            if not depth:
                at = _past_space(data, mark.end())
                break
        else:
            return False
    return bool(_OPENING.match(data, at))


def _past_space(data: bytes, at: int) -> int:
    found = _SPACE.match(data, at)
    return found.end() if found else at


_ELF = b"\x7fELF"
_OSABI, _OSABI_WASMTIME = 7, 200


def _is_precompiled(data: Content) -> bool:
    start = data[: _OSABI + 1]
    return start.startswith(_ELF) and start.endswith(bytes([_OSABI_WASMTIME])) and b".wasmtime." in data[:]


class _Kind(NamedTuple):
    start: bytes
    what: str
    hint: str


_UNPACK = "Unpack it first and give the .wasm file."
_BUILD = "Build it for a WebAssembly target such as wasm32-wasip1."
_FETCH = "Fetch it again: the address may want a login, or not exist."
_KINDS: tuple[_Kind, ...] = (
    _Kind(b"version https://git-lfs.github.com/spec/", "a Git LFS pointer", "Fetch the file itself: git lfs pull."),
    _Kind(_ELF, "a native program (ELF)", _BUILD),
    _Kind(b"MZ", "a native Windows program", _BUILD),
    _Kind(b"\xcf\xfa\xed\xfe", "a native macOS program", _BUILD),
    _Kind(b"\xca\xfe\xba\xbe", "a native macOS program or Java class", _BUILD),
    _Kind(b"BC\xc0\xde", "LLVM bitcode", _BUILD),
    _Kind(b"!<arch>\n", "a library archive", "Link a program from it, for a target such as wasm32-wasip1."),
    _Kind(b"#!", "a script", _BUILD),
    _Kind(b"\x1f\x8b", "compressed with gzip", _UNPACK),
    _Kind(b"\x28\xb5\x2f\xfd", "compressed with Zstandard", _UNPACK),
    _Kind(b"\xfd7zXZ\0", "compressed with xz", _UNPACK),
    _Kind(b"BZh", "compressed with bzip2", _UNPACK),
    _Kind(b"PK\x03\x04", "a zip archive", _UNPACK),
    _Kind(b"<", "an HTML or XML page", _FETCH),
    _Kind(b"{", "a JSON document", "Give the .wasm file that it speaks of, or a job specification to bac-job."),
)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SHOWN = 4
_START = 1024


def _identify(data: Content) -> tuple[str, str]:
    """What a file that is neither a module nor a component is, and what to do about it."""
    start = data[:_START]
    if not start:
        return "empty", _FETCH
    if MAGIC.startswith(start[: len(MAGIC)]):
        return _other_version(start)
    for kind in _KINDS:
        if start.startswith(kind.start):
            return kind.what, kind.hint
    start = start.removeprefix(_BYTE_ORDER_MARK).lstrip()
    for kind in _KINDS:
        if kind.start in (b"<", b"{") and start.startswith(kind.start):
            return kind.what, kind.hint
    if is_text(data):
        return "in WebAssembly's text format", "Convert it to the binary format, for instance with wat2wasm."
    return f"something else, which begins with the bytes {data[:_SHOWN].hex(' ')}", _BUILD


def _other_version(data: bytes) -> tuple[str, str]:
    if len(data) < PREAMBLE:
        return f"cut off after {len(data)} bytes", DAMAGED
    version, layer = (int.from_bytes(data[at : at + 2], "little") for at in (4, 6))
    if layer == 1:
        return f"a component of the binary version {version}, not 13", "Build it again with current component tools."
    return f"WebAssembly of the unknown binary version {version}", "Build it again with current tools."
