"""What stands in a node list beside whole node lines: nodes as another system tells them, and half of a document."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from bactools.core import fleets, lines
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def rewritten(incoming: Iterable[bytes], name: str) -> Iterator[tuple[int, bytes]]:
    """Lines as they are, and those that tell of nodes in another form as node lines, as many as they tell of.

    Each with the number of the line that it was made of.
    """
    for number, raw in enumerate(incoming, 1):
        text = raw.strip()
        found = [raw]
        if text and not lines.is_record(text):
            with suppress(BacError):
                found = list(ended(fleets.node_lines(raw, f"line {number} of {name}")))
        yield from ((number, each) for each in found)


def ended(found: Iterable[bytes]) -> Iterator[bytes]:
    """Lines with their newlines; half a document becomes half a line, so that whoever reads the lines tells of it."""
    return (line if line == fleets.HALF else line + b"\n" for line in found)
