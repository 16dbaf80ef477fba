"""WebAssembly's types, read for the proposals that they show.

Source: WebAssembly core specification 3.0, 5.3, with the binary formats of the proposals threads,
custom-page-sizes, stack-switching, custom-descriptors and shared-everything-threads. Each function
moves the cursor behind what it reads and adds to ``found``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bactools.core import wasm_features as names
from bactools.core.records import Memory

if TYPE_CHECKING:
    from bactools.core.wasm_binary import Cursor

FUNCREF = 0x70
_PAGE = 64 * 1024
_LARGEST_PAGE = 16  # a power of two: 64 KiB

_NULLABLE, _NOT_NULL, _SHARED, _EXACT = 0x63, 0x64, 0x65, 0x62
_I8, _I16 = 0x78, 0x77
_FUNCTION, _STRUCT, _ARRAY, _CONTINUATION = 0x60, 0x5F, 0x5E, 0x5D
_SUB, _SUB_FINAL, _RECURSIVE = 0x50, 0x4F, 0x4E
_DESCRIPTOR, _DESCRIBES = 0x4D, 0x4C

_NUMBERS: dict[int, str | None] = {0x7F: None, 0x7E: None, 0x7D: None, 0x7C: None, 0x7B: names.SIMD}
_HEAP: dict[int, str] = {
    FUNCREF: names.REFERENCE_TYPES,
    0x6F: names.REFERENCE_TYPES,  # extern
    0x6E: names.GC,  # any
    0x6D: names.GC,  # eq
    0x6C: names.GC,  # i31
    0x6B: names.GC,  # struct
    0x6A: names.GC,  # array
    0x71: names.GC,  # none
    0x72: names.GC,  # noextern
    0x73: names.GC,  # nofunc
    0x69: names.EXCEPTIONS,  # exn
    0x74: names.EXCEPTIONS,  # noexn
    0x68: names.STACK_SWITCHING,  # cont
    0x75: names.STACK_SWITCHING,  # nocont
}


def value_type(cursor: Cursor, found: set[str]) -> None:
    """A value type (5.3.5)."""
    code = cursor.byte()
    if code in (_NULLABLE, _NOT_NULL):
        found.add(names.FUNCTION_REFERENCES)
        _heap_type(cursor, found)
    elif code == _SHARED:
        found.add(names.SHARED_EVERYTHING_THREADS)
        _named_heap(cursor.byte(), cursor, found)
    elif code in _NUMBERS:
        if feature := _NUMBERS[code]:
            found.add(feature)
    else:
        _named_heap(code, cursor, found)


def _named_heap(code: int, cursor: Cursor, found: set[str]) -> None:
    if code not in _HEAP:
        raise cursor.damaged(f"uses an unknown type 0x{code:02x}")
    found.add(_HEAP[code])


def _heap_type(cursor: Cursor, found: set[str]) -> None:
    if cursor.peek() == _EXACT:
        found.add(names.CUSTOM_DESCRIPTORS)
        cursor.skip(1)
        cursor.unsigned()
    elif cursor.peek() == _SHARED:
        found.add(names.SHARED_EVERYTHING_THREADS)
        cursor.skip(1)
        _named_heap(cursor.byte(), cursor, found)
    elif (index := cursor.signed(33)) < 0:
        _named_heap(index + 0x80, cursor, found)


def recursive_type(cursor: Cursor, found: set[str]) -> None:
    """An entry of the type section: a type, or a group of types that refer to each other (5.3.10)."""
    if cursor.peek() != _RECURSIVE:
        _sub_type(cursor, found)
        return
    cursor.skip(1)
    found.add(names.GC)
    for _ in range(cursor.count()):
        _sub_type(cursor, found)


def _sub_type(cursor: Cursor, found: set[str]) -> None:
    if cursor.peek() in (_SUB, _SUB_FINAL):
        cursor.skip(1)
        found.add(names.GC)
        for _ in range(cursor.count()):
            cursor.unsigned()
    if cursor.peek() == _SHARED:
        cursor.skip(1)
        found.add(names.SHARED_EVERYTHING_THREADS)
    for prefix in (_DESCRIBES, _DESCRIPTOR):
        if cursor.peek() == prefix:
            cursor.skip(1)
            found.add(names.CUSTOM_DESCRIPTORS)
            cursor.unsigned()
    _composite_type(cursor, found)


def _composite_type(cursor: Cursor, found: set[str]) -> None:
    code = cursor.byte()
    if code == _FUNCTION:
        _function_type(cursor, found)
    elif code == _STRUCT:
        found.add(names.GC)
        for _ in range(cursor.count()):
            _field(cursor, found)
    elif code == _ARRAY:
        found.add(names.GC)
        _field(cursor, found)
    elif code == _CONTINUATION:
        found.add(names.STACK_SWITCHING)
        cursor.signed(33)
    else:
        raise cursor.damaged(f"defines an unknown kind of type 0x{code:02x}")


def _function_type(cursor: Cursor, found: set[str]) -> None:
    for _ in range(cursor.count()):
        value_type(cursor, found)
    results = cursor.count()
    if results > 1:
        found.add(names.MULTI_VALUE)
    for _ in range(results):
        value_type(cursor, found)


def _field(cursor: Cursor, found: set[str]) -> None:
    if cursor.peek() in (_I8, _I16):
        cursor.skip(1)
    else:
        value_type(cursor, found)
    cursor.skip(1)


class Limits(NamedTuple):
    """How large a memory or a table is, in pages or items, and the flags that go with it."""

    minimum: int
    maximum: int | None
    shared: bool
    wide: bool
    page: int


def _limits(cursor: Cursor, found: set[str]) -> Limits:
    flags = cursor.byte()
    if flags >> 4:
        raise cursor.damaged(f"has limits with unknown flags 0x{flags:02x}")
    bounded, shared, wide, paged = (bool(flags >> bit & 1) for bit in range(4))
    bits = 64 if wide else 32
    minimum = cursor.unsigned(bits)
    maximum = cursor.unsigned(bits) if bounded else None
    power = cursor.unsigned() if paged else _LARGEST_PAGE
    if power > _LARGEST_PAGE:
        raise cursor.damaged(f"has memory pages of 2^{power} bytes")
    for present, feature in ((shared, names.THREADS), (wide, names.MEMORY64), (paged, names.CUSTOM_PAGE_SIZES)):
        if present:
            found.add(feature)
    return Limits(minimum, maximum, shared, wide, 1 << power)


def memory_type(cursor: Cursor, found: set[str]) -> Memory:
    """A memory type (5.3.14), its pages turned into 64 KiB ones where the module uses others."""
    limits = _limits(cursor, found)
    maximum = None if limits.maximum is None else -(-limits.maximum * limits.page // _PAGE)
    minimum = -(-limits.minimum * limits.page // _PAGE)
    return Memory(min=minimum, max=maximum, shared=limits.shared, index="i64" if limits.wide else "i32")


def table_type(cursor: Cursor, found: set[str]) -> None:
    """A table type (5.3.15); a table of functions is as old as WebAssembly itself."""
    if cursor.peek() == FUNCREF:
        cursor.skip(1)
    else:
        found.add(names.REFERENCE_TYPES)
        value_type(cursor, found)
    _limits(cursor, found)


def global_type(cursor: Cursor, found: set[str]) -> bool:
    """A global type (5.3.13); true when the global can change."""
    value_type(cursor, found)
    flags = cursor.byte()
    if flags >> 2:
        raise cursor.damaged(f"has a global with unknown flags 0x{flags:02x}")
    if flags & 2:
        found.add(names.SHARED_EVERYTHING_THREADS)
    return bool(flags & 1)


def tag_type(cursor: Cursor, found: set[str]) -> None:
    """A tag type (5.3.16)."""
    cursor.skip(1)
    cursor.unsigned()
    found.add(names.EXCEPTIONS)
