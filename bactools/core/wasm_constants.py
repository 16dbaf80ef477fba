"""Constant expressions: what a global or a table begins with.

Source: WebAssembly core specification 3.0, 5.4 (the instructions of 3.4.13, "Constant Expressions").
They are read because nothing else tells where they end, and for the proposals that they show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bactools.core import wasm_features as names

if TYPE_CHECKING:
    from collections.abc import Callable

    from bactools.core.wasm_binary import Cursor

_END = 0x0B
_GC, _SIMD = 0xFB, 0xFD
_PREFIX_BITS = 8


class _Instruction(NamedTuple):
    operands: tuple[Callable[[Cursor], object], ...] = ()
    feature: str | None = None


def _index(cursor: Cursor) -> int:
    return cursor.unsigned()


_INSTRUCTIONS: dict[int, _Instruction] = {
    0x23: _Instruction((_index,)),  # global.get
    0x41: _Instruction((lambda cursor: cursor.signed(32),)),  # i32.const
    0x42: _Instruction((lambda cursor: cursor.signed(64),)),  # i64.const
    0x43: _Instruction((lambda cursor: cursor.skip(4),)),  # f32.const
    0x44: _Instruction((lambda cursor: cursor.skip(8),)),  # f64.const
    0x6A: _Instruction(feature=names.EXTENDED_CONST),  # i32.add
    0x6B: _Instruction(feature=names.EXTENDED_CONST),  # i32.sub
    0x6C: _Instruction(feature=names.EXTENDED_CONST),  # i32.mul
    0x7C: _Instruction(feature=names.EXTENDED_CONST),  # i64.add
    0x7D: _Instruction(feature=names.EXTENDED_CONST),  # i64.sub
    0x7E: _Instruction(feature=names.EXTENDED_CONST),  # i64.mul
    0xD0: _Instruction((lambda cursor: cursor.signed(33),), names.REFERENCE_TYPES),  # ref.null
    0xD2: _Instruction((_index,), names.REFERENCE_TYPES),  # ref.func
    0xFB00: _Instruction((_index,), names.GC),  # struct.new
    0xFB01: _Instruction((_index,), names.GC),  # struct.new_default
    0xFB06: _Instruction((_index,), names.GC),  # array.new
    0xFB07: _Instruction((_index,), names.GC),  # array.new_default
    0xFB08: _Instruction((_index, _index), names.GC),  # array.new_fixed
    0xFB1A: _Instruction(feature=names.GC),  # any.convert_extern
    0xFB1B: _Instruction(feature=names.GC),  # extern.convert_any
    0xFB1C: _Instruction(feature=names.GC),  # ref.i31
    0xFD0C: _Instruction((lambda cursor: cursor.skip(16),), names.SIMD),  # v128.const
}


def constant(cursor: Cursor, found: set[str]) -> None:
    """A constant expression with its ``end``; its proposals are added to ``found``."""
    while (opcode := cursor.byte()) != _END:
        if opcode in (_GC, _SIMD):
            opcode = opcode << _PREFIX_BITS | cursor.unsigned()
        if opcode not in _INSTRUCTIONS:
            raise cursor.damaged(f"begins a global or a table with an unknown instruction 0x{opcode:02x}")
        instruction = _INSTRUCTIONS[opcode]
        for operand in instruction.operands:
            operand(cursor)
        if instruction.feature:
            found.add(instruction.feature)
