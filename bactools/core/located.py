"""A document that a person wrote, and on which line each of its values stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Place = tuple[str | int, ...]
"""The way to a value: the keys of mappings and the positions in lists, from the outside."""


class Located(NamedTuple):
    """A document's value, and the line, counted from 1, of each value within it that was written out."""

    value: Any
    lines: Mapping[Place, int]

    def line(self, place: Place) -> int | None:
        """Where a value stands, or the nearest value around it (one that an alias brought in has no place)."""
        while place not in self.lines:
            if not place:
                return None
            place = place[:-1]
        return self.lines[place]
