"""A component's outer sections: the interfaces that it imports and exports, and its modules' proposals.

Source: component-model/design/mvp/Binary.md (pre-standard binary version 0x0d, layer 1) and, for import
names with options, what wasm-tools writes. Types, instances, aliases and canonical functions are passed
over by their size; nested components and modules are read for their proposals and memory only.
"""

from __future__ import annotations

from bactools.core.records import Import, Memory
from bactools.core.wasm_binary import CUSTOM, MAGIC, PREAMBLE, Cursor
from bactools.core.wasm_module import Contents, read_module

MODULE_PREAMBLE = MAGIC + b"\x01\0\0\0"
COMPONENT_PREAMBLE = MAGIC + b"\x0d\0\x01\0"

_MODULE, _COMPONENT, _IMPORTS, _EXPORTS, _LAST = 1, 4, 10, 11, 12
_SORTS = ("module", "func", "value", "type", "component", "instance")
_CORE, _FUNC, _VALUE, _TYPE = range(4)
_CORE_MODULE = 0x11
_PLAIN_NAMES, _NAME_WITH_OPTIONS = (0, 1), 2
_EQUAL, _RESOURCE = 0, 1


def read_component(cursor: Cursor) -> Contents:
    """The contents of a component whose preamble the cursor has passed. Raises ``bad_module``.

    A component imports by one name, which stands in ``Import.module``; ``memory`` is the first one that a
    module in it defines.
    """
    found: set[str] = set()
    imports: list[Import] = []
    exports: list[str] = []
    functions: list[str] = []
    memories: list[Memory] = []
    tables = 0
    pending = [cursor]  # a list and not recursion: components may nest as deep as the file is long
    while pending:
        component = pending.pop()
        while component.left:
            number, section = component.section()
            if number == _IMPORTS and component is cursor:
                imports += _imports(section)
            elif number == _EXPORTS and component is cursor:
                _exports(section, exports, functions)
            elif number == _COMPONENT:
                _preamble(section, COMPONENT_PREAMBLE)
                pending.append(section)
            elif number == _MODULE:
                _preamble(section, MODULE_PREAMBLE)
                module = read_module(section)
                found |= module.features
                memories += module.own_memories
                tables += module.own_tables
            elif number == CUSTOM:
                section.text()
            elif number > _LAST:
                raise component.damaged(f"has a section of an unknown kind {number}")
    return Contents(
        features=frozenset(found),
        imports=tuple(imports),
        exports=tuple(exports),
        functions=tuple(functions),
        memory=memories[0] if memories else None,
        own_memories=tuple(memories),
        own_tables=tables,
    )


def _preamble(section: Cursor, wanted: bytes) -> None:
    start = section.at
    section.skip(PREAMBLE)
    if section.data[start : section.at] != wanted:
        raise section.damaged("holds a module or a component of an unknown binary version")


def _imports(section: Cursor) -> list[Import]:
    imports = []
    for _ in range(section.count()):
        name = _extern_name(section)
        kind = _extern_type(section)
        if kind:
            imports.append(Import(name, "", kind))
    section.finish()
    return imports


def _exports(section: Cursor, exports: list[str], functions: list[str]) -> None:
    for _ in range(section.count()):
        name = _extern_name(section)
        exports.append(name)
        sort = section.byte()
        if sort == _CORE:
            section.skip(1)
        elif sort == _FUNC:
            functions.append(name)
        elif sort >= len(_SORTS):
            raise section.damaged(f"exports something of an unknown kind 0x{sort:02x}")
        section.unsigned()
        if section.byte():
            _extern_type(section)
    section.finish()


def _extern_name(section: Cursor) -> str:
    form = section.byte()
    if form not in (*_PLAIN_NAMES, _NAME_WITH_OPTIONS):
        raise section.damaged(f"has a name of an unknown form 0x{form:02x}")
    name = section.text()
    if form == _NAME_WITH_OPTIONS:
        for _ in range(section.count()):
            section.skip(1)
            section.text()
    return name


def _extern_type(section: Cursor) -> str | None:
    """The kind of thing; None for a type that is only another name, which asks nothing of the host."""
    sort = section.byte()
    if sort >= len(_SORTS):
        raise section.damaged(f"names something of an unknown kind 0x{sort:02x}")
    if sort == _VALUE:
        section.signed(33)
        return _SORTS[sort]
    if sort == _TYPE:
        bound = section.byte()
        if bound == _EQUAL:
            section.unsigned()
            return None
        if bound != _RESOURCE:
            raise section.damaged(f"has a type bound of an unknown kind 0x{bound:02x}")
        return _SORTS[sort]
    if sort == _CORE and section.byte() != _CORE_MODULE:
        raise section.damaged("names a core item that is no module")
    section.unsigned()
    return _SORTS[sort]
