"""Label constraints as Bacalhau and Kubernetes write them: eight operators over string labels.

``!=`` and ``notin`` hold for an absent label too; ``gt`` and ``lt`` compare integers and hold for nothing
else (k8s.io/apimachinery, labels.Requirement). A key that starts with ``favour_`` is a preference.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bactools.core.records import Constraint

FAVOUR = "favour_"
INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
LARGEST = 2**63 - 1
"""Go compares as int64; what is larger is no integer to it."""

ONE = frozenset({"=", "==", "!=", "gt", "lt"})
SOME = frozenset({"in", "notin"})
NONE = frozenset({"exists", "!"})


def check(constraint: Constraint) -> None:
    """Refuse a constraint that does not say what it wants: it would hold for no node, or for every one.

    A job specification is checked as it is read; this is for job lines of others. Raises BacError ``bad_record``.
    """
    operator, values = constraint.Operator, constraint.Values
    wrong = ""
    if not constraint.Key.removeprefix(FAVOUR):
        wrong = "has no key"
    elif operator not in ONE | SOME | NONE:
        wrong = f"has an unknown operator {operator!r}"
    elif (operator in ONE and len(values) != 1) or (operator in SOME and not values) or (operator in NONE and values):
        wrong = f"has {len(values)} values, which {operator} does not take"
    elif operator in ("gt", "lt") and number(values[0]) is None:
        wrong = f"compares with {values[0]!r}, which is no whole number"
    if wrong:
        hint = f"Operators: {', '.join(sorted(ONE | SOME | NONE))}."
        raise BacError("bad_record", f"the constraint on {constraint.Key!r} {wrong}", hint=hint)


def satisfied(constraint: Constraint, labels: Mapping[str, str]) -> bool:
    """Whether a node with these labels meets the constraint, which ``check`` let pass."""
    value = labels.get(key(constraint))
    operator = constraint.Operator
    if operator in ("=", "==", "in"):
        return value in constraint.Values
    if operator in ("!=", "notin"):
        return value not in constraint.Values
    if operator == "exists":
        return value is not None
    if operator == "!":
        return value is None
    return compared(operator, value, constraint.Values[0])


def compared(operator: str, value: str | None, bound: str) -> bool:
    """``gt`` and ``lt``: both sides must be integers."""
    have, want = number(value or ""), number(bound)
    if have is None or want is None:
        return False
    return have > want if operator == "gt" else have < want


def number(text: str) -> int | None:
    """The integer that a text is, as Go reads an int64; None for anything else."""
    found = int(text) if INTEGER.fullmatch(text) else None
    return found if found is not None and -LARGEST - 1 <= found <= LARGEST else None


def key(constraint: Constraint) -> str:
    """The label that a constraint or a preference looks at."""
    return constraint.Key.removeprefix(FAVOUR)


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
