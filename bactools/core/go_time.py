"""Dates as Go's layouts describe them (https://pkg.go.dev/time#Layout): read one, and write it in the layout's own way.

A layout shows how the moment ``Mon Jan 2 15:04:05 2006`` would be written. Time zones, fractions of seconds and days
of the year are not understood.
"""

from __future__ import annotations

import re
from calendar import isleap, monthrange
from datetime import date
from typing import TYPE_CHECKING

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Mapping

MONTHS = "January February March April May June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
SHORT = 3
CYCLE = 400
"""Years after which the Gregorian calendar repeats itself, days of the week too."""
CENTURY_BREAK = 69
"""Two-digit years from here on are of the twentieth century."""
NOON = 12

_ELEMENT = re.compile(
    r"""(?P<unknown>MST | Z07(?::?00){0,2} | -07(?::?00){0,2} | [.,](?:0+|9+)(?![0-9]) | 002 | __2)
    | (?P<January>January) | (?P<Jan>Jan(?![a-z])) | (?P<Monday>Monday) | (?P<Mon>Mon(?![a-z]))
    | (?P<y4>2006) | (?P<y2>06) | (?P<m2>01) | (?P<d2>02) | (?P<h2>03) | (?P<n2>04) | (?P<s2>05)
    | (?P<H>15) | (?P<m>1) | (?P<ds>_2(?!006)) | (?P<d>2) | (?P<h>3) | (?P<n>4) | (?P<s>5) | (?P<PM>PM) | (?P<pm>pm)
    | (?P<spaces>[ ]+) | (?P<literal>.)""",
    re.VERBOSE | re.DOTALL,
)
_TWO, _ONE_OR_TWO = "[0-9]{2}", "[0-9]{1,2}"
_READ = {
    "y4": "[0-9]{4}",
    **dict.fromkeys(("y2", "m2", "d2", "h2", "n2", "s2"), _TWO),
    **dict.fromkeys(("H", "m", "d", "h", "n", "s"), _ONE_OR_TWO),
    "ds": " ?" + _ONE_OR_TWO,
    "January": f"(?i:{'|'.join(MONTHS)})",
    "Jan": f"(?i:{'|'.join(name[:SHORT] for name in MONTHS)})",
    "Monday": f"(?i:{'|'.join(DAYS)})",
    "Mon": f"(?i:{'|'.join(name[:SHORT] for name in DAYS)})",
    "PM": "AM|PM",
    "pm": "am|pm",
}
_FIELDS = {"y4": "year", "y2": "year", "H": "hour", "h2": "half", "h": "half", "PM": "noon", "pm": "noon"}
_FIELDS |= {"m2": "month", "m": "month", "January": "month", "Jan": "month", "Monday": "weekday", "Mon": "weekday"}
_FIELDS |= {"d2": "day", "d": "day", "ds": "day", "n2": "minute", "n": "minute", "s2": "second", "s": "second"}
_PADDED = frozenset({"y2", "m2", "d2", "h2", "n2", "s2", "H"})
_LIMITS = {"month": (1, 12), "hour": (0, 23), "half": (0, 12), "minute": (0, 59), "second": (0, 59)}


class Layout:
    """A layout that was understood. Raises BacError ``unsupported`` for one that was not."""

    def __init__(self, text: str) -> None:
        self.length = len(text.encode())
        self._elements = [(found.lastgroup or "", found[0]) for found in _ELEMENT.finditer(text)]
        for kind, element in self._elements:
            if kind == "unknown":
                message = f"the date format {text!r} has {element}, which is not understood here"
                raise BacError("unsupported", message, hint="Write years, months, days, hours, minutes and seconds.")
        self._pattern = re.compile("".join(_pattern(kind, element) for kind, element in self._elements), re.ASCII)

    def canonical(self, text: str) -> str | None:
        """A date written in this layout, as the layout itself would write it; None if it is none."""
        found = self._pattern.fullmatch(text)
        if found is None:
            return None
        kinds = [kind for kind, _ in self._elements if kind in _READ]
        values: dict[str, int] = {"year": 0, "month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0}
        for kind, word in zip(kinds, found.groups(), strict=True):
            values[_FIELDS[kind]] = _number(kind, word)
        if not _is_real(values):
            return None
        _settle(values)
        return "".join(_written(kind, element, values) for kind, element in self._elements)


def _pattern(kind: str, element: str) -> str:
    if kind == "spaces":
        return " +"
    return f"({_READ[kind]})" if kind in _READ else re.escape(element)


def _number(kind: str, word: str) -> int:
    match kind:
        case "January" | "Jan":
            return [name[:SHORT].lower() for name in MONTHS].index(word[:SHORT].lower()) + 1
        case "Monday" | "Mon":
            return [name[:SHORT].lower() for name in DAYS].index(word[:SHORT].lower())
        case "PM" | "pm":
            return int(word in {"PM", "pm"})
        case "y2":
            return int(word) + (1900 if int(word) >= CENTURY_BREAK else 2000)
        case _:
            return int(word)


def _is_real(values: Mapping[str, int]) -> bool:
    if not all(least <= values.get(name, least) <= most for name, (least, most) in _LIMITS.items()):
        return False
    days = 29 if values["month"] == 2 and isleap(values["year"]) else monthrange(2001, values["month"])[1]  # noqa: PLR2004
    return 1 <= values["day"] <= days


def _settle(values: dict[str, int]) -> None:
    """Bring the hour to the 24-hour clock, and the day of the week to that of the date."""
    if "half" in values:
        values["hour"] = values["half"]
        if "noon" in values:
            values["hour"] = values["half"] % NOON + NOON * values["noon"]
    elif values.get("noon") and values["hour"] < NOON:
        values["hour"] += NOON
    elif values.get("noon") == 0 and values["hour"] == NOON:
        values["hour"] = 0
    values["weekday"] = date(values["year"] % CYCLE + CYCLE, values["month"], values["day"]).weekday()


def _written(kind: str, element: str, values: Mapping[str, int]) -> str:
    month, weekday, hour = MONTHS[values["month"] - 1], DAYS[values["weekday"]], values["hour"]
    noon = "pm" if hour >= NOON else "am"
    names = {"January": month, "Jan": month[:SHORT], "Monday": weekday, "Mon": weekday[:SHORT]}
    names |= {"PM": noon.upper(), "pm": noon, "y4": f"{values['year']:04}", "ds": f"{values['day']:2}"}
    if kind not in _READ or kind in names:
        return names.get(kind, element)
    number = hour % NOON or NOON if kind in {"h2", "h"} else values[_FIELDS[kind]] % 100
    return f"{number:02}" if kind in _PADDED else str(number)
