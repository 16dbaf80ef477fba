r"""Words as a shell reads them, and without what a terminal would obey: a newline is written as ``\n``.

What is not printable stands in ``$'…'`` (POSIX.1-2024, "Dollar-Single-Quotes"), which bash, zsh and ksh know.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def quote(word: str) -> str:
    """One word for a shell, in printable characters."""
    return shlex.quote(word) if word.isprintable() else f"$'{''.join(map(_escaped, word))}'"


def join(words: Iterable[str]) -> str:
    """Words with spaces between."""
    return " ".join(map(quote, words))


def _escaped(letter: str) -> str:
    """Octal has three digits wherever it is read, and hexadecimal in some shells as many as there are."""
    if letter in ESCAPES or letter.isprintable():
        return ESCAPES.get(letter, letter)
    return "".join(f"\\{byte:03o}" for byte in letter.encode("utf-8", "surrogateescape"))
