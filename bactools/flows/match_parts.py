"""What is said of a node for each question, field by field: alike bytes are decided on once, amounts as numbers.

How much a node has is its own, so it is compared and not remembered, and put into words only for what is printed.
"""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from bactools.core import lines, match
from bactools.core.amounts import offered, shortages
from bactools.core.choosing import order_key
from bactools.core.errors import BacError
from bactools.core.records import Engine, Reason, Resources

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bactools.core.amounts import Short
    from bactools.core.needs import Need
    from bactools.core.routes import Terms
    from bactools.flows.match_wishes import Question

PARTS = 8192
PLACES = 1024 * 1024
VALUES = 4096
SIZES = ("resources", "available", "limits")

TYPES: dict[str, Any] = {
    "engines": list[Engine] | None,
    **dict.fromkeys(SIZES, Resources | None),
    "schedulable": bool | None,
    "warnings": list[str] | None,
    "labels": dict[str, str] | None,
    "sources": list[str] | None,
    "publishers": list[str] | None,
}

BETWEEN = b"\n"
"""Stands between the fields of a key; in a field of a line there is none."""


class Amounts(NamedTuple):
    """What a node has, what of it is free, and what one job may have of it."""

    resources: Resources | UnsetType | None
    available: Resources | UnsetType | None
    limits: Resources | UnsetType | None


NO_AMOUNTS = Amounts(UNSET, UNSET, UNSET)


class Part:
    """All that is said of a node for one question but what its amounts say: reasons before those, and after them.

    ``able``: it fits if its amounts do. ``lowers``: asking for less may be enough.
    """

    __slots__ = ("able", "after", "before", "choice", "favoured", "lowers")

    def __init__(
        self, platform: match.Verdict, labels: tuple[tuple[Reason, ...], int], rest: tuple[Reason, ...]
    ) -> None:
        self.choice = platform.choice
        self.before = platform.reasons
        self.after = (*labels[0], *rest)
        self.favoured = labels[1]
        self.able = self.choice is not None and not self.before and not self.after
        self.lowers = all(each.code == "engine_memory" for each in (*self.before, *self.after))


class Parts:
    """Decides for each question on nodes of which the given fields are looked at."""

    def __init__(self, questions: Sequence[Question], fields: Sequence[str], terms: Terms) -> None:
        self._questions = questions
        self._terms = terms
        self._others = tuple(name for name in fields if name not in SIZES)
        self.other_fields = attrgetter(*self._others)
        self.all_fields = attrgetter(*self._others, *SIZES)
        needs = [question.need for question in questions]
        self._first_alike = first_alike(map(but_amounts, needs))
        self._first_with_memory = first_alike(map(with_memory, needs))
        self._known: dict[bytes, list[Part]] = {}
        self._most = min(PARTS, max(64, PLACES // max(1, len(questions))))
        self._value = lru_cache(VALUES)(value)
        self._platform = lru_cache(PARTS)(self._platform_verdict)
        self._label = lru_cache(PARTS)(self._label_reasons)
        self._rest = lru_cache(PARTS)(self._rest_reasons)
        self.known_short = lru_cache(PARTS)(self._known_short)

    def split(self, key: bytes) -> tuple[list[Part], tuple[bytes, ...]]:
        """The parts of a node whose ``all_fields`` are joined, and the bytes of its SIZES. Raises BacError."""
        *others, resources, available, limits = key.split(BETWEEN)
        return self.of(BETWEEN.join(others)), (resources, available, limits)

    def amounts(self, sizes: tuple[bytes, ...]) -> Amounts:
        """The amounts in these bytes. Raises BacError ``bad_record``."""
        return Amounts(*map(self._value, SIZES, sizes))

    def several(self, nodes: Sequence[Any]) -> tuple[list[list[Part]], list[Sequence[Resources | None]]]:
        """The parts of each node, and all amounts, by SIZES.

        Raises BacError when one is no valid node, or msgspec's DecodeError when its amounts are not valid.
        """
        keys = list(map(BETWEEN.join, map(self.other_fields, nodes)))
        found = [self._known.get(key) or self.of(key) for key in keys]
        return found, [decoded([getattr(node, name) for node in nodes]) for name in SIZES]

    def of(self, key: bytes) -> list[Part]:
        """For each question what ``other_fields`` say, which are joined. Raises BacError for what is no valid node."""
        parts = self._known.get(key)
        if parts is None:
            raw = dict(zip(self._others, key.split(BETWEEN), strict=True))
            firsts = self._first_with_memory if self._limits_memory(raw["engines"]) else self._first_alike
            made = {number: self._part(number, raw) for number in set(firsts)}
            parts = [made[number] for number in firsts]
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[key] = parts
        return parts

    def short(self, number: int, amounts: Amounts) -> tuple[Short, ...]:
        """What the amounts fall short of."""
        need = self._questions[number].need
        if not need.amounts and not need.gpus:
            return ()
        available = None if self._terms.capacity else amounts.available
        return tuple(shortages(need, amounts.resources, available, amounts.limits))

    def order(self, part: Part, amounts: Amounts) -> int:
        """The key that orders a node which fits."""
        available = None if self._terms.capacity else amounts.available
        cpu, memory = (offered(amounts.resources, available, name) for name in ("cpu", "memory"))
        return order_key(part.choice.how, part.favoured, cpu, memory) if part.choice else 0

    def verdict(self, number: int, part: Part, amounts: Amounts) -> match.Verdict:
        """All of it, in words."""
        short = match.resource_reasons(self._questions[number].need, *amounts, self._terms)
        reasons = (*part.before, *short, *part.after)
        return match.Verdict(None if reasons else part.choice, reasons)

    def _known_short(self, number: int, sizes: tuple[bytes, ...]) -> tuple[Short, ...]:
        return self.short(number, self.amounts(sizes))

    def _limits_memory(self, engines: bytes) -> bool:
        """Whether what is said of engines depends on the memory that a job asks for."""
        return any(engine.memory is not UNSET for engine in self._value("engines", engines) or ())

    def _part(self, number: int, raw: dict[str, bytes]) -> Part:
        why = raw["warnings"] if raw["schedulable"] == b"false" else b""
        rest = self._rest(number, raw.get("sources", b""), raw.get("publishers", b""), raw["schedulable"], why)
        return Part(self._platform(number, raw["engines"]), self._label(number, raw.get("labels", b"")), rest)

    def _platform_verdict(self, number: int, engines: bytes) -> match.Verdict:
        return match.platform_verdict(self._questions[number].need, self._value("engines", engines), self._terms)

    def _label_reasons(self, number: int, raw: bytes) -> tuple[tuple[Reason, ...], int]:
        need, labels = self._questions[number].need, self._value("labels", raw)
        return match.label_reasons(need, labels), match.favours(need, labels)

    def _rest_reasons(
        self, number: int, sources: bytes, publishers: bytes, schedulable: bytes, warnings: bytes
    ) -> tuple[Reason, ...]:
        need = self._questions[number].need
        reach = match.reach_reasons(need, self._value("sources", sources), self._value("publishers", publishers))
        causes = self._value("warnings", warnings)
        return (*reach, *match.schedulable_reasons(self._value("schedulable", schedulable), causes))


def with_memory(need: Need) -> Need:
    """What the parts of a node are made for whose engine has a memory of its own: amounts are asked of the others."""
    return need._replace(amounts=tuple(each for each in need.amounts if each[0] == "memory"), gpus=())


def but_amounts(need: Need) -> Need:
    """The same for all other nodes; what a job states as memory is held against what its module starts with."""
    return need._replace(amounts=(), gpus=(), memory=need.memory if need.module_memory else None)


def first_alike(needs: Iterable[Need]) -> list[int]:
    """For each need the number of the first that is equal to it."""
    numbers: dict[bytes, int] = {}
    return [numbers.setdefault(lines.encode_value(need), number) for number, need in enumerate(needs)]


def value(name: str, raw: bytes) -> Any:
    """A field of a node. Raises BacError ``bad_record``."""
    if not raw:
        return UNSET
    try:
        return msgspec.json.decode(raw, type=TYPES[name])
    except (msgspec.DecodeError, RecursionError) as error:
        raise BacError("bad_record", f"not a valid node record: {name}: {error}") from error


SEVERAL = msgspec.json.Decoder(list[Resources | None])


def decoded(raws: Sequence[bytes]) -> Sequence[Resources | None]:
    """Amounts of many nodes at once, None where there are none. Raises msgspec's DecodeError."""
    if not any(raws):
        return [None] * len(raws)
    return SEVERAL.decode(b"[%b]" % b",".join([raw or b"null" for raw in raws]))
