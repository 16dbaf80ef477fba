"""Whether to ask again, and how long to wait before: values in, seconds out.

A server that says how long to wait (``Retry-After``: seconds or a date, RFC 9110, 10.2.3) is obeyed, unless it asks
for more than anybody would sit through. Otherwise waits double. Chance spreads those who failed together.
"""

from __future__ import annotations

from typing import Literal

Trouble = Literal["busy", "dropped", "silent"]
"""A status that may pass, a connection that broke off, no answer in time."""

ATTEMPTS: dict[Trouble, int] = {"busy": 4, "dropped": 4, "silent": 2}
FIRST_WAIT = 1.0
"""Seconds."""
LONGEST_WAIT = 60.0
"""Seconds; who asks for more is not waited for."""
EXTRA = 0.1
"""The largest part of what was asked for that chance adds to it."""
MAX_DIGITS = 9

REQUEST_TIMEOUT = 408
TOO_MANY = 429
SERVER_ERRORS = 500
BEYOND = 600
FOR_EVER = (501, 505)
"""Not implemented, HTTP version not supported: server errors that stay."""


def of_status(status: int) -> Trouble | None:
    """The trouble that a status tells of, if asking again may help."""
    passing = SERVER_ERRORS <= status < BEYOND and status not in FOR_EVER
    return "busy" if passing or status in (REQUEST_TIMEOUT, TOO_MANY) else None


def wait(trouble: Trouble, attempt: int, retry_after: str | None, now: float, chance: float) -> float | None:
    """Seconds to wait after the attempt with this number (from 1), or None to give up.

    ``now`` is in seconds since 1970, ``chance`` a random number from 0 up to 1.
    """
    if attempt >= ATTEMPTS[trouble]:
        return None
    wanted = asked(retry_after, now)
    if wanted is None:
        longest = FIRST_WAIT * 2.0 ** (attempt - 1)
        return longest * (1 + chance) / 2
    return None if wanted > LONGEST_WAIT else wanted + chance * max(FIRST_WAIT, wanted * EXTRA)


def asked(retry_after: str | None, now: float) -> float | None:
    """The seconds that a ``Retry-After`` asks for, 0 for a date gone by; None where it says nothing."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:MAX_DIGITS])
    moment = date(text)
    return None if moment is None else max(0.0, moment - now)


def date(text: str) -> float | None:
    """An HTTP date, in any of its three forms, as seconds since 1970."""
    from email.utils import mktime_tz, parsedate_tz

    try:
        fields = parsedate_tz(text)
        return None if fields is None else float(mktime_tz((*fields[:9], fields[9] or 0)))
    except (ValueError, OverflowError, IndexError):
        return None
