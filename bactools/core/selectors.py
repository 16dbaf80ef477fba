"""Label constraints as Bacalhau and Kubernetes write them: eight operators over string labels.

``!=`` and ``notin`` hold for an absent label too; ``gt`` and ``lt`` compare integers and hold for nothing
else (k8s.io/apimachinery, labels.Requirement). A key that starts with ``favour_`` is a preference.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bactools.core.records import Constraint

FAVOUR = "favour_"
INTEGER = re.compile(r"[+-]?[0-9]{1,19}")


def satisfied(constraint: Constraint, labels: Mapping[str, str]) -> bool:
    """Whether a node with these labels meets the constraint."""
    value = labels.get(constraint.Key.removeprefix(FAVOUR))
    operator = constraint.Operator
    if operator in ("=", "==", "in"):
        return value in constraint.Values
    if operator in ("!=", "notin"):
        return value not in constraint.Values
    if operator == "exists":
        return value is not None
    if operator == "!":
        return value is None
    return compared(operator, value, constraint.Values)


def compared(operator: str, value: str | None, values: list[str]) -> bool:
    """``gt`` and ``lt``: both sides must be integers."""
    if not INTEGER.fullmatch(value or "") or not values or not INTEGER.fullmatch(values[0]):
        return False
    have, want = int(value or ""), int(values[0])
    return have > want if operator == "gt" else have < want


def is_preference(constraint: Constraint) -> bool:
    """Whether the constraint only says which nodes are liked better."""
    return constraint.Key.startswith(FAVOUR)


def text(constraint: Constraint) -> str:
    """The constraint as it is written on a command line."""
    key, operator, values = constraint.Key, constraint.Operator, constraint.Values
    if operator == "exists":
        return key
    if operator == "!":
        return f"!{key}"
    if operator in ("in", "notin"):
        return f"{key} {operator} ({','.join(values)})"
    sign = {"gt": ">", "lt": "<"}.get(operator, operator)
    return f"{key}{sign}{','.join(values)}"
