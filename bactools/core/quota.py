"""How many requests a registry still answers, by the ``RateLimit`` headers that Docker Hub sends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELD = re.compile(r"\s*([0-9]{1,12})\s*(?:;\s*w\s*=\s*([0-9]{1,12}))?")
HOUR = 3600


class Quota(NamedTuple):
    """``remaining`` requests of ``limit`` in ``window`` seconds; None is not told."""

    remaining: int
    limit: int | None
    window: int | None

    def __str__(self) -> str:
        total = "" if self.limit is None else f" of {self.limit}"
        return f"{self.remaining}{total} requests left{self._period()}"

    def _period(self) -> str:
        if not self.window:
            return ""
        return f" in {self.window / HOUR:g} h" if self.window >= HOUR else f" in {self.window} s"


def read(headers: Mapping[str, str]) -> Quota | None:
    """The quota in an answer's headers, which are named in lower case: ``76;w=21600`` is 76 in six hours."""
    remaining = _FIELD.match(headers.get("ratelimit-remaining", ""))
    if remaining is None:
        return None
    limit = _FIELD.match(headers.get("ratelimit-limit", ""))
    window = remaining[2] or (limit[2] if limit else None)
    return Quota(int(remaining[1]), int(limit[1]) if limit else None, int(window) if window else None)
