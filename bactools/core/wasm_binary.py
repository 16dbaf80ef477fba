"""A cursor over the WebAssembly binary format: numbers, names, vectors and sections, within bounds.

Source: WebAssembly core specification 3.0, chapter 5 (Binary Format). Nothing is copied but names.
The limits are those that the engines agreed on (WebAssembly JavaScript Interface, "Implementation-defined
Limits"), so a file that passes them by would run nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from bactools.core.content import Content

MAGIC = b"\0asm"
PREAMBLE = 8
MAX_ITEMS = 1_000_000
MAX_NAME = 100_000
CUSTOM = 0
DAMAGED = "The file is cut off or damaged; get it or build it again."

_MORE = 0x80
_SIGN = 0x40
_PAYLOAD = 0x7F


class Cursor:
    """A place in the bytes of the file ``name``, which never leaves ``data[at:end]``."""

    __slots__ = ("at", "data", "end", "name")

    def __init__(self, data: Content, name: str, at: int, end: int) -> None:
        self.data = data
        self.name = name
        self.at = at
        self.end = end

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return self.end - self.at

    def damaged(self, why: str) -> BacError:
        """The error for a file that stops following the format here; ``why`` completes "it ..."."""
        return BacError(
            "bad_module",
            f"cannot read {self.name} as WebAssembly: it {why} (byte {self.at})",
            hint=DAMAGED,
            input=self.name,
        )

    def peek(self) -> int:
        """The next byte, which stays."""
        if self.at >= self.end:
            raise self.damaged("ends too early")
        return self.data[self.at]

    def byte(self) -> int:
        """The next byte."""
        value = self.peek()
        self.at += 1
        return value

    def skip(self, size: int) -> None:
        """Pass over ``size`` bytes."""
        if size > self.left:
            raise self.damaged("ends too early")
        self.at += size

    def unsigned(self, bits: int = 32) -> int:
        """An unsigned LEB128 number of at most ``bits`` bits (5.2.2)."""
        value = 0
        for shift in range(0, bits, 7):
            byte = self.byte()
            value |= (byte & _PAYLOAD) << shift
            if byte < _MORE:
                if value >> bits:
                    break
                return value
        raise self.damaged(f"has a number of more than {bits} bits")

    def signed(self, bits: int) -> int:
        """A signed LEB128 number of at most ``bits`` bits (5.2.2)."""
        value = 0
        for shift in range(0, bits, 7):
            byte = self.byte()
            value |= (byte & _PAYLOAD) << shift
            if byte < _MORE:
                if byte & _SIGN:
                    value -= 1 << (shift + 7)
                if not -(1 << bits - 1) <= value < 1 << bits - 1:
                    break
                return value
        raise self.damaged(f"has a number of more than {bits} bits")

    def count(self) -> int:
        """The length of a vector; each of its items takes a byte at least."""
        count = self.unsigned()
        if count > self.left:
            raise self.damaged(f"announces {count} items where {self.left} bytes are left")
        if count > MAX_ITEMS:
            raise self.damaged(f"announces {count} items where engines take {MAX_ITEMS}")
        return count

    def text(self) -> str:
        """A name (5.2.4)."""
        size = self.unsigned()
        if size > MAX_NAME:
            raise self.damaged(f"has a name of {size} bytes where engines take {MAX_NAME}")
        start = self.at
        self.skip(size)
        try:
            return self.data[start : self.at].decode()
        except UnicodeDecodeError:
            raise self.damaged("has a name that is not UTF-8") from None

    def section(self) -> tuple[int, Cursor]:
        """The next section's number and contents; the cursor moves behind it (5.5.2)."""
        number = self.byte()
        size = self.unsigned()
        start = self.at
        if size > self.left:
            raise self.damaged(f"has a section of {size} bytes where {self.left} are left")
        self.at += size
        return number, Cursor(self.data, self.name, start, self.at)

    def finish(self) -> None:
        """Refuse bytes that are left over."""
        if self.left:
            raise self.damaged(f"has a section with {self.left} bytes too many")
