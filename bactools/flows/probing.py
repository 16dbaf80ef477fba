"""What the probe of an engine is given, and what it finds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from bactools.core.hostfacts import HostFacts
    from bactools.core.hostfile import Settings
    from bactools.core.records import Engine
    from bactools.edges.host.tree import Tree


class Clock(NamedTuple):
    """The end of a probe, in seconds of the monotonic clock."""

    end: float

    def left(self, most: float) -> float:
        """The seconds that are left, but at most so many; never none, for nothing waits that long for ever."""
        return max(0.001, min(most, self.end - time.monotonic()))


class Probing(NamedTuple):
    """The host whose engines are asked, its owner's wishes, and the time for it."""

    tree: Tree
    facts: HostFacts
    settings: Settings
    clock: Clock
    deep: bool
    progress: Callable[[str | None], None]


Found = tuple["Engine", list[str]]
"""An engine, and warnings."""
