"""When something was, by a record: RFC 3339 in seconds, and durations as people write them. Asks no clock."""

from __future__ import annotations

import re
from datetime import datetime, timezone

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd]?)")
# datetime reads at most six digits of a second, and before Python 3.11 no Z
_MOMENT = re.compile(r"([0-9-]{10})[Tt ]([0-9:]{8})(\.[0-9]{1,6})?[0-9]*([Zz]|[+-][0-9]{2}:[0-9]{2})")


def seconds(text: str) -> float | None:
    """A duration, ``90``, ``90s``, ``15m``, ``2h`` or ``7d``, in seconds; None for anything else."""
    found = _DURATION.fullmatch(text)
    return float(found[1]) * UNITS[found[2]] if found else None


def moment(text: str | None) -> float | None:
    """A time by RFC 3339 in seconds since 1970; None for anything else, which is no time that is known."""
    found = _MOMENT.fullmatch(text or "")
    if found is None:
        return None
    offset = "+00:00" if found[4] in "Zz" else found[4]
    fraction = (found[3] or ".0").ljust(7, "0")
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}{fraction}{offset}").astimezone(timezone.utc).timestamp()
    except (ValueError, OverflowError):
        return None
