"""Hold jobs against every node of a fleet, read once for as many jobs as there are: the fits, best first.

What is kept of a node is where it can be read again, so memory grows by the nodes, not by their size.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from itertools import islice, zip_longest
from typing import TYPE_CHECKING

from bactools.edges import beside
from bactools.edges.fleet_files import EVERYTHING, LENGTH_BITS, Span
from bactools.flows import match_halves
from bactools.flows.match_classes import Classes, Keep
from bactools.flows.match_ids import Seen, counting
from bactools.flows.match_lines import Tail, tail, writer
from bactools.flows.match_nodes import ForeignError, UnevenError, lean, looked_at

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from bactools.core.match import Verdict
    from bactools.edges.fleet_files import Fleet
    from bactools.flows.match_lines import Form, Writer
    from bactools.flows.match_nodes import Nodes
    from bactools.flows.match_wishes import Subject, Wanted

    Made = TypeVar("Made")

TOGETHER = 128
"""Lines that are read again and written at once."""
SAID = 8192
UNSAID = (1 << 16) - 1
"""What is said of alike nodes is kept for SAID kinds of them; of others it is made again when it is written."""


class Survey:
    """One reading of the nodes for the subjects of ``wanted``; ``nodes`` remembers what else was met."""

    def __init__(self, fleet: Fleet, nodes: Nodes, wanted: Wanted) -> None:
        self.nodes = nodes
        self._fleet = fleet
        self._questions = wanted.questions
        self._wishes = wanted.wishes
        self._fields = looked_at([question.need for question in wanted.questions])
        self._said: list[Tail] = []
        self._picks: dict[Tail, int] = {}
        keep = Keep(lambda _number, verdict: self._pick(tail(verdict)), self._fit, self._misfit)
        self._classes = Classes(self._questions, self._fields, wanted.wishes.terms, keep)

    def read(self) -> None:
        """Decide on every node. Raises BacError as ``Nodes.batches`` does."""
        try:
            self._read()
        except ForeignError:
            self._fleet.rewrite()
            self.nodes.renew()
            self._forget()
            self._read()

    def _read(self) -> None:
        seen = Seen() if self.nodes.counting is None else None
        self._pass(seen)
        if seen is not None:
            self.nodes.counting = counting(self.nodes, seen.repeated())
            if self.nodes.counting.repeated:
                self._forget()
                self._pass(None)
        self._classes.settle()

    def _forget(self) -> None:
        self._classes.forget()
        for question in self._questions:
            question.clear()

    def lines(self, subject: Subject, form: Form) -> Iterator[list[bytes]]:
        """The lines of a subject, some at a time: its fits, best first, by platform if that was asked for; its misfits.

        Of several platforms the best node of each comes first, then the second of each.
        Raises BacError ``file_changed``.
        """
        write = writer(form, subject.raw)
        if len(subject.questions) > 1:
            yield from self._in_turn(subject, write)
        else:
            (number,) = subject.questions
            rank = 1
            found = self._questions[number].fits.ordered()
            for nodes, picks in self._again(islice(found, least(self._wishes.per_platform, subject.limit))):
                ranked = zip(nodes, range(rank, rank + len(nodes)), strict=True)
                made = self._made(number, nodes, picks, write.ranked)
                yield [make(pair) for make, pair in zip(made, ranked, strict=True)]
                rank += len(nodes)
        if subject.whole is not None:
            for nodes, picks in self._again(self._questions[subject.whole].misfits.ordered()):
                makers = self._made(subject.whole, nodes, picks, write.unranked)
                yield [make(node) for make, node in zip(makers, nodes, strict=True)]

    def _in_turn(self, subject: Subject, write: Writer) -> Iterator[list[bytes]]:
        """The fits of several questions, as many of each as the wishes allow, in all as many as the subject gets."""
        each = [
            islice(self._questions[number].fits.ordered(), self._wishes.per_platform) for number in subject.questions
        ]
        rounds = enumerate(zip_longest(*each), 1)
        turns = (
            (number, rank, *found)
            for rank, several in rounds
            for number, found in zip(subject.questions, several, strict=True)
            if found
        )
        chosen = islice(turns, subject.limit)
        while some := list(islice(chosen, TOGETHER)):
            numbers, ranks, places, picks = zip(*some, strict=True)
            nodes = self._fleet.read_several(places)
            tails = map(self._tail, numbers, nodes, picks)
            yield [write.ranked(said)(pair) for said, pair in zip(tails, zip(nodes, ranks, strict=True), strict=True)]

    def _pass(self, seen: Seen | None) -> None:
        middle = self._fleet.middle() if beside.is_worthwhile() else None
        if middle is None:
            self._advance(seen, EVERYTHING)
            return
        with beside.Beside(partial(self._second_half, seen, Span(middle))) as other:
            self._advance(seen, Span(0, middle))
            answer = other.answer()
        if answer:
            match_halves.merge(match_halves.unpack(answer), self.nodes, seen, self._questions, self._pick)
        if self.nodes.end < self._fleet.size:
            self._advance(seen, Span(self.nodes.end, None, self.nodes.passed))

    def _second_half(self, seen: Seen | None, span: Span) -> bytes:
        """What another process finds, up to where something is not even; see ``match_halves``."""
        self._fleet.reopen()
        self.nodes = self.nodes.evenly(span.begin)
        with suppress(UnevenError):
            self._advance(seen, span)
        self._classes.settle()
        return match_halves.pack(self.nodes, seen, self._said, self._questions)

    def _advance(self, seen: Seen | None, span: Span) -> None:
        for batch in self.nodes.batches(self._fields, span):
            found = self._classes.of(batch, self.nodes)
            if seen:
                seen.add(batch)
            for alike, start, line in zip(found, batch.starts, batch.lines, strict=True):
                if alike is None:
                    continue
                alike.count += 1
                for keys, places, picks, key, pick in alike.entries:
                    keys.append(key)
                    places.append(start << LENGTH_BITS | len(line))
                    picks.append(pick)

    def _fit(self, number: int, key: int, pick: int) -> tuple[array[int], array[int], array[int], int, int]:
        return (*self._questions[number].fits.drawer(key), key, pick)

    def _misfit(
        self, number: int, verdict: Callable[[], Verdict], alone: bool
    ) -> tuple[array[int], array[int], array[int], int, int] | None:
        question = self._questions[number]
        if not question.keeps_misfits:
            return None
        return (*question.misfits.drawer(0), 0, UNSAID if alone else self._pick(tail(verdict())))

    def _pick(self, said: Tail) -> int:
        if said not in self._picks and len(self._said) < SAID:
            self._picks[said] = len(self._said)
            self._said.append(said)
        return self._picks.get(said, UNSAID)

    def _again(self, found: Iterator[tuple[int, int]]) -> Iterator[tuple[list[bytes], tuple[int, ...]]]:
        """The lines of nodes and their picks, TOGETHER at a time."""
        while some := list(islice(found, TOGETHER)):
            places, picks = zip(*some, strict=True)
            yield self._fleet.read_several(places), picks

    def _made(
        self, number: int, nodes: list[bytes], picks: tuple[int, ...], make: Callable[[Tail], Made]
    ) -> Iterator[Made]:
        """What makes each line."""
        if UNSAID in picks:
            return (make(self._tail(number, line, pick)) for line, pick in zip(nodes, picks, strict=True))
        made = {pick: make(self._said[pick]) for pick in set(picks)}
        return map(made.__getitem__, picks)

    def _tail(self, number: int, line: bytes, pick: int) -> Tail:
        if pick != UNSAID:
            return self._said[pick]
        return tail(self._classes.verdict(number, lean(self._fields).decode(line)))


def least(*limits: int | None) -> int | None:
    """The smallest of the limits that there are."""
    return min((limit for limit in limits if limit is not None), default=None)
