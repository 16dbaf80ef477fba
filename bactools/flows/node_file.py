"""A node record on its way to a file that others read."""

from __future__ import annotations

import operator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bactools.core import lines, node
from bactools.edges import publication

if TYPE_CHECKING:
    from bactools.core.records import Node


class Place(NamedTuple):
    """A file, and how it is written: as another line at its end, or as a whole, as the node's labels if asked for."""

    path: str
    append: bool
    if_changed: bool
    labels: bool


def place(target: str | None, fleet: str | None, *, if_changed: bool, labels: bool) -> Place | None:
    """The file to replace, or the one to add to; None if there is neither."""
    path = target or fleet
    return None if path is None else Place(path, target is None, if_changed, labels)


def publish(record: Node, where: Place, wait: float) -> bool:
    """Write the node; False where nothing but the time and what is free has changed and nothing was written.

    ``wait`` is how many seconds another writer is waited for. Raises BacError ``unwritable_file`` or ``timed_out``.
    """
    data = _labels(record) if where.labels else lines.encode(record) + b"\n"
    if where.append:
        publication.append(where.path, data, wait=wait)
        return True
    same = operator.eq if where.labels else node.unchanged
    unchanged = partial(same, data) if where.if_changed else None
    return publication.replace(where.path, data, wait=wait, unchanged=unchanged)


def _labels(record: Node) -> bytes:
    from bactools.core import node_labels

    return node_labels.text(record).encode()
