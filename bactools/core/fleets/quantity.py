"""Kubernetes' quantities (k8s.io/apimachinery, resource.Quantity): ``3920m``, ``15Gi``, ``1e3``, ``-2``.

Case counts: ``m`` is a thousandth and ``M`` a million. They are not Bacalhau's sizes; those are in core.quantities.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 40
SHOWN = 60

_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:[eE](?P<exponent>[+-]?[0-9]{1,2})|(?P<suffix>[numkKMGTPE]?i?))"
)
_FACTORS: dict[str, Fraction | int] = {
    "": 1,
    **{name: Fraction(1, 1000**power) for power, name in enumerate("mun", 1)},
    **{name: 1000**power for power, name in enumerate("kMGTPE", 1)},
    **{f"{name}i": 1024**power for power, name in enumerate("KMGTPE", 1)},
}


@lru_cache(maxsize=4096)
def exact(name: str, text: str) -> Fraction:
    """The number that a quantity is; ``name`` says of what, for the message. Raises BacError ``bad_nodes``."""
    found = _QUANTITY.fullmatch(text) if len(text) <= LONGEST else None
    factor = _FACTORS.get(found["suffix"] or "") if found else None
    if not found or factor is None:
        shown = text[:SHOWN] + ("…" if len(text) > SHOWN else "")
        raise BacError("bad_nodes", f"{name} is {shown!r}, which is no quantity such as 3920m or 15Gi")
    return Fraction(found["number"]) * factor * Fraction(10) ** int(found["exponent"] or 0)


def cores(amounts: Mapping[str, str | float], name: str) -> float | None:
    """An amount of CPU in cores; None where it is not stated."""
    return float(exact(name, str(amounts[name]))) if name in amounts else None


def whole(amounts: Mapping[str, str | float], name: str) -> int | None:
    """Bytes, or a count, without what is less than one; None where it is not stated."""
    return int(exact(name, str(amounts[name]))) if name in amounts else None
