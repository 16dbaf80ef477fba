"""Hold jobs against nodes and print while they are read: what is kept does not grow with the fleet."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from bactools.flows.match_classes import Classes, Keep
from bactools.flows.match_copies import PIECE
from bactools.flows.match_lines import tail, writer
from bactools.flows.match_nodes import looked_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bactools.core.match import Verdict
    from bactools.flows.match_classes import Alike
    from bactools.flows.match_lines import Form, Writer
    from bactools.flows.match_nodes import Nodes
    from bactools.flows.match_wishes import Subject, Wanted, Wishes


class Quota:
    """What a subject still gets while nodes are printed as they are read: of each platform, and of all.

    One that gets none has that with the first node that fits.
    """

    def __init__(self, subject: Subject, write: Writer, wishes: Wishes) -> None:
        self.write = write
        self._asked = False
        self.left = subject.limit
        self.places: list[int | None] = [wishes.per_platform] * len(subject.questions)

    def take(self, position: int) -> bool:
        """Whether the subject gets one more for its question at this position."""
        self._asked = True
        here = self.places[position]
        if self.left == 0 or here == 0:
            return False
        if self.left is not None:
            self.left -= 1
        if here is not None:
            self.places[position] = here - 1
        return True

    def is_full(self) -> bool:
        """Whether it gets no more."""
        return self._asked and (self.left == 0 or all(here == 0 for here in self.places))


class Line(NamedTuple):
    """How the line of a node is made, and for a fit of which there is a quota, what is asked before."""

    make: Callable[[bytes], bytes]
    quota: Quota | None
    position: int


def stream(nodes: Nodes, wanted: Wanted, form: Form) -> Iterator[list[bytes]]:
    """The lines for all subjects in the order of the nodes, without a rank, some at a time, as they are read.

    Several lines about one node are each taken for themselves. Ends when every subject has what it gets.
    Raises BacError as ``Nodes.batches`` does.
    """
    writers = [writer(form, subject.raw) for subject in wanted.subjects]
    quotas = [Quota(*each, wanted.wishes) for each in zip(wanted.subjects, writers, strict=True)]
    bounded = wanted.wishes.per_platform is not None or any(quota.left is not None for quota in quotas)
    fields = looked_at([question.need for question in wanted.questions])
    classes = Classes(wanted.questions, fields, wanted.wishes.terms, keeping(wanted, quotas, bounded=bounded))
    added = max(write.added for write in writers)
    for batch in nodes.batches(fields):
        made = told(classes.of(batch, nodes), batch.lines)
        together = max(1, PIECE // (added + max(map(len, batch.lines))))
        while some := list(islice(made, together)):
            yield some
        if bounded and all(quota.is_full() for quota in quotas):
            break
    classes.settle()


def told(found: Iterable[Alike | None], nodes: Iterable[bytes]) -> Iterator[bytes]:
    """The lines that tell of these nodes, which are counted."""
    for alike, line in zip(found, nodes, strict=True):
        if alike is None:
            continue
        alike.count += 1
        for entry in alike.entries:
            node = line.strip()
            for make, quota, position in entry:
                if quota is None or quota.take(position):
                    yield make(node)


def keeping(wanted: Wanted, quotas: Sequence[Quota], *, bounded: bool) -> Keep:
    """Keeps of a node the lines that tell of it to each subject."""
    askers: list[list[tuple[Quota, int]]] = [[] for _ in wanted.questions]
    tellers: list[list[Writer]] = [[] for _ in wanted.questions]
    for quota, subject in zip(quotas, wanted.subjects, strict=True):
        for position, number in enumerate(subject.questions):
            askers[number].append((quota, position))
        if subject.whole is not None:
            tellers[subject.whole].append(quota.write)

    def said(number: int, verdict: Verdict) -> list[Line]:
        what = tail(verdict)
        return [
            Line(quota.write.unranked(what), quota if bounded else None, position) for quota, position in askers[number]
        ]

    def misfit(number: int, verdict: Callable[[], Verdict], _alone: bool) -> list[Line] | None:
        if not tellers[number]:
            return None
        what = tail(verdict())
        return [Line(write.unranked(what), None, 0) for write in tellers[number]]

    return Keep(said, lambda _number, _key, told: told, misfit)
