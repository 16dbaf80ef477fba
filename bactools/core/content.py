"""What a file holds, which need not be in memory to be looked at."""

from __future__ import annotations

from typing import Protocol, overload


class Content(Protocol):
    """The bytes of a file: ``bytes``, or what reads them where they are looked at. A whole slice is all of them."""

    def __len__(self) -> int:
        """How many there are."""

    @overload
    def __getitem__(self, key: int) -> int: ...

    @overload
    def __getitem__(self, key: slice) -> bytes: ...
