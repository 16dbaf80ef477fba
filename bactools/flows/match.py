"""Hold jobs against every node of a fleet, read once for as many jobs as there are: the fits, best first.

What is kept of a node is where it can be read again, so memory grows by the nodes, not by their size.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from bactools.edges import beside
from bactools.edges.fleet_files import EVERYTHING, LENGTH_BITS, Span
from bactools.flows import match_halves
from bactools.flows.match_classes import Classes, Keep
from bactools.flows.match_copies import UNSAID, Copies
from bactools.flows.match_ids import Seen, counting
from bactools.flows.match_lines import Tail, tail
from bactools.flows.match_nodes import ForeignError, UnevenError, lean, looked_at

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterator, Sequence

    from bactools.core.match import Verdict
    from bactools.edges.fleet_files import Fleet
    from bactools.flows.match_lines import Form
    from bactools.flows.match_nodes import Nodes
    from bactools.flows.match_wishes import Subject, Wanted

UNPRUNED = 1024 * 1024
"""So many fits may be kept that nobody asks for: 18 bytes each."""
SAID = 8192
"""What is said of alike nodes is kept for so many kinds of them; of others it is made again when it is written."""


class Survey:
    """One reading of the nodes for the subjects of ``wanted``; ``nodes`` remembers what else was met."""

    def __init__(self, fleet: Fleet, nodes: Nodes, wanted: Wanted) -> None:
        self.nodes = nodes
        self._fleet = fleet
        self._questions = wanted.questions
        self._bounded = [question for question in wanted.questions if question.most is not None]
        self._unpruned = 0
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

    def lines(self, subjects: Sequence[Subject], form: Form) -> Iterator[Iterator[list[bytes]]]:
        """The lines of each subject, as ``Copies`` makes them. Raises BacError ``file_changed``."""
        return Copies(self._fleet, self._questions, self._said, self._unsaid).lines(subjects, form)

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

    def _second_half(self, seen: Seen | None, span: Span) -> Iterator[bytes]:
        """What another process finds, up to where something is not even; see ``match_halves``."""
        self._fleet.reopen()
        self.nodes = self.nodes.evenly(span.begin)
        with suppress(UnevenError):
            self._advance(seen, span)
        self._classes.settle()
        yield match_halves.pack(self.nodes, seen, self._said, self._questions)

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
            self._prune(len(batch.lines))

    def _prune(self, added: int) -> None:
        self._unpruned += added * len(self._bounded)
        if self._unpruned >= UNPRUNED:
            self._unpruned = 0
            for question in self._bounded:
                question.prune()

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

    def _unsaid(self, number: int, line: bytes) -> Tail:
        return tail(self._classes.verdict(number, lean(self._fields).decode(line)))
