r"""A regular expression as Go writes it (RE2 syntax, https://github.com/google/re2/wiki/Syntax) -> one of Python.

The two languages mean the same by most of what they share. What only Python has is refused, for Bacalhau refuses it
too; what only Go has is translated, or refused by name. ``\d``, ``\w``, ``\s`` and ``\b`` are about ASCII in Go.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from bactools.core.errors import BacError

_TOKEN = re.compile(
    r"""(?P<quoted>\\Q.*?(?:\\E|\Z)) | (?P<wide>\\x\{[0-9A-Fa-f]{1,6}\}) | (?P<property>\\[pPCX]) | (?P<escape>\\.)
    | (?P<group>\(\?(?:P?<[A-Za-z_0-9]+>|[imsU-]*[:)])) | (?P<special>\(\?)
    | (?P<set>\[\^?\]?(?:\[:\^?[a-z]+:\]|\\.|[^\]\\])*\])
    | (?P<possessive>(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\+) | (?P<upto>\{,) | (?P<end>\$) | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_IN_SET = re.compile(r"(?P<named>\[:\^?[a-z]+:\])|(?P<property>\\[pPC])|(?P<escape>\\.)|(?P<nested>[\[&~|])", re.DOTALL)
_NAMED = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": r"0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_ESCAPES = frozenset("AbBdDwWsSafnrtvx0")
_REFUSED = frozenset({"special", "possessive"})
_MAX_CHARACTER = 0x10FFFF


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def compiled(pattern: str, name: str) -> re.Pattern[str]:
    r"""The pattern, to be searched for anywhere in a text; ``name`` says in messages what it is.

    Raises BacError ``bad_spec`` for what is no regular expression of Go, ``unsupported`` for what cannot be told in
    Python: classes of Unicode (``\pL``), some uses of flags.
    """
    flags = re.match(r"\(\?([a-zA-Z-]*)\)", pattern)
    many_lines = bool(flags and "m" in flags[1].partition("-")[0])
    parts = []
    for found in _TOKEN.finditer(pattern):
        token = _Token(found.lastgroup or "", found[0], found.start())
        parts.append(_translated(token, name, many_lines=many_lines))
    try:
        return re.compile("".join(parts), re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise BacError("bad_spec", f"{name} {pattern!r} is no regular expression: {error}") from error


def _translated(token: _Token, name: str, *, many_lines: bool) -> str:
    kind, text, _ = token
    if kind in _REFUSED:
        raise BacError("bad_spec", f"{name} has {text}, which regular expressions of Go have not")
    match kind:
        case "quoted":
            return re.escape(text[2:].removesuffix(r"\E"))
        case "group":
            return _group(token, name)
        case "set":
            return "[" + _IN_SET.sub(lambda found: _member(found, name), text[1:])
        case "end":
            return "$" if many_lines else r"\Z"
        case _:
            return _escape(token, name)


def _character(number: int, text: str, name: str) -> str:
    if number > _MAX_CHARACTER:
        raise BacError("bad_spec", f"{name} has {text}, which is no character")
    return re.escape(chr(number))


def _escape(token: _Token, name: str) -> str:
    kind, text, _ = token
    if kind == "wide":
        return _character(int(text[3:-1], 16), text, name)
    if kind == "property":
        raise _unsupported(name, text)
    if kind != "escape":
        return r"\{," if kind == "upto" else text
    if text == r"\z":
        return r"\Z"
    if text[1].isalnum() and text[1] not in _ESCAPES:
        raise BacError("bad_spec", f"{name} has {text}, which regular expressions of Go have not")
    return text


def _group(token: _Token, name: str) -> str:
    text = token.text
    if text.startswith("(?<"):
        return "(?P" + text[2:]
    if text.startswith("(?P"):
        return text
    inside = text.endswith(":")
    if "U" in text or (inside and "m" in text) or (not inside and (token.at or "-" in text)):
        raise _unsupported(name, text)
    return "" if text == "(?)" else text


def _member(found: re.Match[str], name: str) -> str:
    """A piece of a set of characters that Python would read otherwise."""
    text = found[0]
    match found.lastgroup:
        case "named":
            word = text[2:-2]
            if word not in _NAMED:
                raise _unsupported(name, text)
            return _NAMED[word]
        case "property":
            raise _unsupported(name, text)
        case "nested":
            return "\\" + text
        case _:
            return text


def _unsupported(name: str, text: str) -> BacError:
    return BacError("unsupported", f"{name} has {text}, which is not understood here", hint="Write it another way.")
