"""Amounts as a Bacalhau job spec writes them: CPU in cores or millicores, sizes with units, a count of GPUs.

Sizes follow go-humanize's ParseBytes: a unit is a letter, with ``i`` for powers of 1024, with or without
``b``; case does not matter, so ``512Mb`` is 512,000,000 bytes. The arithmetic is exact where Go's is
floating point, and a fraction of a byte or of a millicore is cut off, as there.
"""

from __future__ import annotations

import re

from bactools.core.errors import BacError

PREFIXES = "kmgtpe"
LARGEST_SIZE = 2**64 - 1
LARGEST_CPU = 1_000_000
LARGEST_GPU = 1_000_000
LONGEST = 40

_NUMBER = r"(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_CPU = re.compile(rf"(?P<milli>[0-9]+)m|{_NUMBER}")
_SIZE = re.compile(rf"{_NUMBER}(?P<prefix>[{PREFIXES}]?)(?P<binary>i?)b?")


def cpu(text: str) -> float:
    """Cores from ``500m`` (whole millicores) or ``0.5``. Raises BacError ``bad_spec``."""
    found = _CPU.fullmatch(_squeezed(text))
    if not found:
        raise BacError("bad_spec", f"{text!r} is not an amount of CPU, such as 500m or 0.5")
    millicores = int(found["milli"]) if found["milli"] else _times(found["number"], 1000)
    if millicores > LARGEST_CPU * 1000:
        raise BacError("bad_spec", f"{text!r} is more than {LARGEST_CPU} cores")
    return millicores / 1000


def size(text: str) -> int:
    """Bytes from ``512Mb`` (powers of 1000), ``512MiB`` or ``512Mi`` (of 1024), or a number.

    Raises BacError ``bad_spec``.
    """
    found = _SIZE.fullmatch(_squeezed(text).replace(",", ""))
    if not found or (found["binary"] and not found["prefix"]):
        raise BacError("bad_spec", f"{text!r} is not a size, such as 512Mb, 512MiB or 512000000")
    power = PREFIXES.index(found["prefix"]) + 1 if found["prefix"] else 0
    bytes_ = _times(found["number"], (1024 if found["binary"] else 1000) ** power)
    if bytes_ > LARGEST_SIZE:
        raise BacError("bad_spec", f"{text!r} is more than {LARGEST_SIZE} bytes")
    return bytes_


def gpu(text: str) -> int:
    """A count of GPUs. Raises BacError ``bad_spec``."""
    squeezed = _squeezed(text)
    if not re.fullmatch("[0-9]+", squeezed) or int(squeezed) > LARGEST_GPU:
        raise BacError("bad_spec", f"{text!r} is not a count of GPUs, such as 1")
    return int(squeezed)


def _times(number: str, factor: int) -> int:
    """So many times a decimal number, cut off."""
    whole, _, decimals = number.partition(".")
    scaled: int = 10 ** len(decimals)
    return int(whole + decimals) * factor // scaled


def _squeezed(text: str) -> str:
    """Lower case and without white space, as upstream reads it; too long a text is no amount at all."""
    squeezed = "".join(text.split()).lower()
    return squeezed if len(squeezed) <= LONGEST else ""
