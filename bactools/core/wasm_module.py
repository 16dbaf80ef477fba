"""A core module's sections: what it imports and exports, its memory, and the proposals that these show.

Source: WebAssembly core specification 3.0, 5.5 (modules); the proposal compact-import-section; for the
custom section ``target_features``, the WebAssembly tool conventions (Linking.md). Function bodies, element
and data segments are passed over by their size.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from bactools.core import wasm_features as names
from bactools.core.errors import BacError
from bactools.core.records import Import, Memory
from bactools.core.wasm_binary import CUSTOM, Cursor
from bactools.core.wasm_constants import constant
from bactools.core.wasm_types import global_type, memory_type, recursive_type, table_type, tag_type

if TYPE_CHECKING:
    from collections.abc import Callable


class _Section(IntEnum):
    """The sections' numbers, in the order in which a module has them."""

    TYPE = 1
    IMPORT = 2
    FUNCTION = 3
    TABLE = 4
    MEMORY = 5
    TAG = 13
    GLOBAL = 6
    EXPORT = 7
    START = 8
    ELEMENT = 9
    DATA_COUNT = 12
    CODE = 10
    DATA = 11


_PLACES: dict[int, int] = {section: place for place, section in enumerate(_Section)}
_KINDS = ("func", "table", "memory", "global", "tag")
_FUNC, _GLOBAL_KIND = 0, 3
_ONE_BY_ONE, _ALL_ALIKE = 0x7F, 0x7E
_USED, _REQUIRED = ord("+"), ord("=")
_TABLE_WITH_START = 0x40


class Contents(NamedTuple):
    """What the sections of a module or a component say; ``memory`` is the one with index 0.

    ``own_memories`` and ``own_tables`` are those that it, or any module in it, defines itself.
    """

    features: frozenset[str]
    imports: tuple[Import, ...]
    exports: tuple[str, ...]
    functions: tuple[str, ...]
    memory: Memory | None
    own_memories: tuple[Memory, ...]
    own_tables: int


def read_module(cursor: Cursor) -> Contents:
    """The contents of a core module whose preamble the cursor has passed. Raises ``bad_module``."""
    module = _Module()
    previous = -1
    while cursor.left:
        number, section = cursor.section()
        if number == CUSTOM:
            module.custom(section)
            continue
        if number not in _PLACES:
            raise cursor.damaged(f"has a section of an unknown kind {number}")
        if _PLACES[number] <= previous:
            raise cursor.damaged(f"has a section of kind {number} where it does not belong")
        previous = _PLACES[number]
        if reader := _READERS.get(number):
            reader(module, section)
            section.finish()
    if module.declared != module.defined:
        raise cursor.damaged(f"has {module.defined} of the {module.declared} functions that it announces")
    return module.contents()


class _Extern(NamedTuple):
    """What an import is, beside its names."""

    kind: str
    memory: Memory | None = None
    mutable: bool = False


class _Module:
    """What has been read of a module so far."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self.imports: list[Import] = []
        self.exports: list[str] = []
        self.functions: list[str] = []
        self.memories: list[Memory] = []
        self.own: list[Memory] = []
        self.mutable: list[bool] = []
        self.tables = 0
        self.tables_imported = 0
        self.declared = 0
        self.defined = 0

    def contents(self) -> Contents:
        """Everything, when the last section has been read."""
        if len(self.memories) > 1:
            self.found.add(names.MULTI_MEMORY)
        if self.tables > 1:
            self.found.add(names.REFERENCE_TYPES)
        return Contents(
            features=frozenset(self.found),
            imports=tuple(self.imports),
            exports=tuple(self.exports),
            functions=tuple(self.functions),
            memory=self.memories[0] if self.memories else None,
            own_memories=tuple(self.own),
            own_tables=self.tables - self.tables_imported,
        )

    def custom(self, section: Cursor) -> None:
        """A custom section: only LLVM's list of features is of interest."""
        if section.text() != "target_features":
            return
        try:
            for _ in range(section.count()):
                prefix = section.byte()
                feature = names.TARGET_FEATURES.get(section.text())
                if feature and prefix in (_USED, _REQUIRED):
                    self.found.add(feature)
        except BacError:
            # Core specification 5.5.3: a custom section that is malformed does not make the module invalid.
            return

    def types(self, section: Cursor) -> None:
        for _ in range(section.count()):
            recursive_type(section, self.found)

    def import_groups(self, section: Cursor) -> None:
        for _ in range(section.count()):
            module, name = section.text(), section.text()
            if name or section.peek() not in (_ONE_BY_ONE, _ALL_ALIKE):
                self.add_import(module, name, self.extern(section))
                continue
            self.found.add(names.COMPACT_IMPORTS)
            if section.byte() == _ALL_ALIKE:
                extern = self.extern(section)
                for _ in range(section.count()):
                    self.add_import(module, section.text(), extern)
            else:
                for _ in range(section.count()):
                    self.add_import(module, section.text(), self.extern(section))

    def extern(self, section: Cursor) -> _Extern:
        number = section.byte()
        if number >= len(_KINDS):
            raise section.damaged(f"imports something of an unknown kind 0x{number:02x}")
        kind = _KINDS[number]
        if kind == "func":
            section.unsigned()
        elif kind == "table":
            table_type(section, self.found)
        elif kind == "memory":
            return _Extern(kind, memory=memory_type(section, self.found))
        elif kind == "global":
            return _Extern(kind, mutable=global_type(section, self.found))
        else:
            tag_type(section, self.found)
        return _Extern(kind)

    def add_import(self, module: str, name: str, extern: _Extern) -> None:
        self.imports.append(Import(module, name, extern.kind))
        if (module, name) == ("wasi", "thread-spawn"):
            self.found.add(names.WASI_THREADS)
        if extern.memory:
            self.memories.append(extern.memory)
        elif extern.kind == "table":
            self.tables += 1
            self.tables_imported += 1
        elif extern.kind == "global":
            self.mutable.append(extern.mutable)
            if extern.mutable:
                self.found.add(names.MUTABLE_GLOBALS)

    def function_declarations(self, section: Cursor) -> None:
        self.declared = section.count()
        section.skip(section.left)

    def function_bodies(self, section: Cursor) -> None:
        self.defined = section.count()
        section.skip(section.left)

    def own_tables(self, section: Cursor) -> None:
        for _ in range(section.count()):
            self.tables += 1
            if section.peek() == _TABLE_WITH_START:
                section.skip(2)
                self.found.add(names.FUNCTION_REFERENCES)
                table_type(section, self.found)
                constant(section, self.found)
            else:
                table_type(section, self.found)

    def own_memories(self, section: Cursor) -> None:
        self.own = [memory_type(section, self.found) for _ in range(section.count())]
        self.memories += self.own

    def own_globals(self, section: Cursor) -> None:
        for _ in range(section.count()):
            self.mutable.append(global_type(section, self.found))
            constant(section, self.found)

    def tags(self, section: Cursor) -> None:
        for _ in range(section.count()):
            tag_type(section, self.found)

    def own_exports(self, section: Cursor) -> None:
        for _ in range(section.count()):
            name, kind, index = section.text(), section.byte(), section.unsigned()
            if kind >= len(_KINDS):
                raise section.damaged(f"exports something of an unknown kind 0x{kind:02x}")
            self.exports.append(name)
            if kind == _FUNC:
                self.functions.append(name)
            elif kind == _GLOBAL_KIND and index < len(self.mutable) and self.mutable[index]:
                self.found.add(names.MUTABLE_GLOBALS)

    def data_count(self, section: Cursor) -> None:
        section.unsigned()
        self.found.add(names.BULK_MEMORY)


_READERS: dict[int, Callable[[_Module, Cursor], None]] = {
    _Section.TYPE: _Module.types,
    _Section.IMPORT: _Module.import_groups,
    _Section.FUNCTION: _Module.function_declarations,
    _Section.TABLE: _Module.own_tables,
    _Section.MEMORY: _Module.own_memories,
    _Section.TAG: _Module.tags,
    _Section.GLOBAL: _Module.own_globals,
    _Section.EXPORT: _Module.own_exports,
    _Section.CODE: _Module.function_bodies,
    _Section.DATA_COUNT: _Module.data_count,
}
