"""The lines that tell of chosen nodes: read again where they stand, and copied with what is said of them around.

Copying takes longer than deciding, so of many lines a second process makes every other piece.
"""

from __future__ import annotations

from functools import partial
from itertools import islice, zip_longest
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from bactools.edges import beside
from bactools.edges.fleet_files import LENGTH
from bactools.flows.match_lines import writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeVar

    from bactools.core.choosing import Candidates
    from bactools.edges.fleet_files import Fleet
    from bactools.flows.match_lines import Form, Tail, Writer
    from bactools.flows.match_wishes import Question, Subject

    Made = TypeVar("Made")
    Each = TypeVar("Each")

NEWLINE = b"\n"
TOGETHER = 128
PIECE = 1024 * 1024
"""Lines that are read again and written at once, and the bytes that are not exceeded by more than one of them."""
WORTH_SHARING = 16384
"""Lines that take longer to copy than a second process takes to start."""
UNSAID = (1 << 16) - 1
"""The pick of a node of which nothing was kept to be said: it is made when it is written."""


class Piece(NamedTuple):
    """Nodes that are copied together, each by place and pick; ``rank`` is that of the first."""

    rank: int
    nodes: list[tuple[int, int]]


class Chosen(NamedTuple):
    """The first ``most`` of the candidates of a question, or all; ``ranked`` if they fit.

    ``added``: how much longer than a node's line the one is that is made of it.
    """

    number: int
    candidates: Candidates
    most: int | None
    ranked: bool
    added: int

    def are_many(self) -> bool:
        """Whether a second process helps to copy them."""
        return len(self.candidates) >= WORTH_SHARING and (self.most is None or self.most >= WORTH_SHARING)

    def pieces(self) -> Iterator[Piece]:
        """All of them, as many at a time as can be copied together."""
        rank = 1
        for some in together(islice(self.candidates.ordered(), self.most), PLACE, self.added):
            yield Piece(rank, some)
            rank += len(some)


def together(found: Iterable[Each], place: Callable[[Each], int], added: int) -> Iterator[list[Each]]:
    """What was found in lists of at most TOGETHER, whose lines have about PIECE bytes, or of one with more."""
    remaining = iter(found)
    while some := list(islice(remaining, TOGETHER)):
        lengths = [added + (place(each) & LENGTH) for each in some]
        if sum(lengths) <= PIECE:
            yield some
            continue
        first = 0
        for last in range(1, len(some) + 1):
            if last == len(some) or sum(lengths[first : last + 1]) > PIECE:
                yield some[first:last]
                first = last


PLACE = itemgetter(0)


class Copies(NamedTuple):
    """Copies nodes of ``fleet`` for the questions, which hold the candidates.

    ``said`` is what is said of them, by their picks; ``unsaid`` makes it of a question's number and a node's line.
    """

    fleet: Fleet
    questions: Sequence[Question]
    said: Sequence[Tail]
    unsaid: Callable[[int, bytes], Tail]

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
            fits = self.questions[number].fits
            yield from self._shared(Chosen(number, fits, subject.most, ranked=True, added=write.added), write)
        if subject.whole is not None:
            misfits = self.questions[subject.whole].misfits
            yield from self._shared(Chosen(subject.whole, misfits, None, ranked=False, added=write.added), write)

    def _in_turn(self, subject: Subject, write: Writer) -> Iterator[list[bytes]]:
        """The fits of several questions, so many of each and so many in all as the subject gets."""
        each = [islice(self.questions[number].fits.ordered(), subject.most) for number in subject.questions]
        rounds = enumerate(zip_longest(*each), 1)
        turns = (
            (number, rank, *found)
            for rank, several in rounds
            for number, found in zip(subject.questions, several, strict=True)
            if found
        )
        for some in together(islice(turns, subject.limit), itemgetter(2), write.added):
            numbers, ranks, places, picks = zip(*some, strict=True)
            nodes = self.fleet.read_several(places)
            tails = map(self._tail, numbers, nodes, picks)
            yield [write.ranked(said)(pair) for said, pair in zip(tails, zip(nodes, ranks, strict=True), strict=True)]

    def _shared(self, chosen: Chosen, write: Writer) -> Iterator[list[bytes]]:
        """The lines of what was chosen, every other piece of them made in a second process if they are many."""
        make = partial(self._made, chosen, write)
        if not (chosen.are_many() and beside.is_worthwhile()):
            yield from map(make, chosen.pieces())
            return
        with beside.Beside(lambda: map(NEWLINE.join, map(make, islice(chosen.pieces(), 1, None, 2)))) as other:
            for position, piece in enumerate(chosen.pieces()):
                answer = other.answer() if position % 2 else None
                yield make(piece) if answer is None else answer.split(NEWLINE)

    def _made(self, chosen: Chosen, write: Writer, piece: Piece) -> list[bytes]:
        places, picks = zip(*piece.nodes, strict=True)
        nodes = self.fleet.read_several(places)
        if chosen.ranked:
            ranked = zip(nodes, range(piece.rank, piece.rank + len(nodes)), strict=True)
            fits = self._makers(chosen.number, nodes, picks, write.ranked)
            return [make(pair) for make, pair in zip(fits, ranked, strict=True)]
        misfits = self._makers(chosen.number, nodes, picks, write.unranked)
        return [make(node) for make, node in zip(misfits, nodes, strict=True)]

    def _makers(
        self, number: int, nodes: list[bytes], picks: tuple[int, ...], make: Callable[[Tail], Made]
    ) -> Iterator[Made]:
        """What makes each line."""
        if UNSAID in picks:
            return (make(self._tail(number, line, pick)) for line, pick in zip(nodes, picks, strict=True))
        made = {pick: make(self.said[pick]) for pick in set(picks)}
        return map(made.__getitem__, picks)

    def _tail(self, number: int, line: bytes, pick: int) -> Tail:
        return self.unsaid(number, line) if pick == UNSAID else self.said[pick]
