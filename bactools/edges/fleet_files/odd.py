"""Lines of a node list that are no node lines: half a record, or a node as another system tells it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bactools.core import fleets, lines
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

START = re.compile(rb'\s*\{\s*"kind"\s*:\s*"?([a-z]*)')
KINDS = (b"node", b"error")


def begins_a_record(line: bytes) -> bool:
    """Whether a line without an end is the start of a node or error record: somebody is writing it."""
    found = START.match(line)
    return not line.endswith(b"\n") and bool(found) and any(kind.startswith(found[1]) for kind in KINDS if found)


def rewritten(incoming: Iterable[bytes]) -> Iterator[bytes]:
    """Lines as they are; those that tell of nodes in another form as node lines, as many as they tell of."""
    for raw in incoming:
        text = raw.strip()
        if not text or lines.is_record(text):
            yield raw
            continue
        try:
            found = list(fleets.node_lines(text, "the line"))
        except BacError:
            yield raw
        else:
            yield from (each + b"\n" for each in found)
