"""The lines that tell of chosen nodes: read again where they stand, and copied with what is said of them around.

Copying takes longer than deciding, so of many lines, for one subject or for all, a second process makes every other
piece.
"""

from __future__ import annotations

from functools import partial
from itertools import chain, count, islice, zip_longest
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from bactools.edges import beside
from bactools.edges.fleet_files import LENGTH
from bactools.flows.match_lines import writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeAlias, TypeVar

    from bactools.core.choosing import Candidates
    from bactools.edges.beside import Beside
    from bactools.edges.fleet_files import Fleet
    from bactools.flows.match_lines import Form, Tail, Writer
    from bactools.flows.match_wishes import Question, Subject

    Made = TypeVar("Made")
    Each = TypeVar("Each")
    Make: TypeAlias = Callable[[], list[bytes]]

NEWLINE = b"\n"
PLACE = itemgetter(0)
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


def alternately(pieces: Iterable[Make], numbers: Iterator[int], other: Beside) -> Iterator[list[bytes]]:
    """The lines of all pieces: those with even numbers are made here, and others where the other process has not."""
    for make, number in zip(pieces, numbers, strict=False):
        answer = other.answer() if number % 2 else None
        yield make() if answer is None else answer.split(NEWLINE)


def least(found: int, most: int | None) -> int:
    """So many, or at most so many."""
    return found if most is None else min(found, most)


class Copies(NamedTuple):
    """Copies nodes of ``fleet`` for the questions, which hold the candidates.

    ``said`` is what is said of them, by their picks; ``unsaid`` makes it of a question's number and a node's line.
    """

    fleet: Fleet
    questions: Sequence[Question]
    said: Sequence[Tail]
    unsaid: Callable[[int, bytes], Tail]

    def lines(self, subjects: Sequence[Subject], form: Form) -> Iterator[Iterator[list[bytes]]]:
        """For each subject its lines, some at a time: its fits, best first, by platform if so asked for; its misfits.

        Those of one are to be taken before those of the next: of many, a second process makes every other piece.
        Of several platforms the best node of each comes first, then the second of each.
        Raises BacError ``file_changed``.
        """
        pieces = [partial(self._pieces, subject, form) for subject in subjects]
        if not (self._are_many(subjects) and beside.is_worthwhile()):
            yield from ((make() for make in each()) for each in pieces)
            return
        every = chain.from_iterable(each() for each in pieces)
        with beside.Beside(lambda: (NEWLINE.join(make()) for make in islice(every, 1, None, 2))) as other:
            numbers = count()
            yield from (alternately(each(), numbers, other) for each in pieces)

    def _are_many(self, subjects: Sequence[Subject]) -> bool:
        """Whether a second process helps to copy them."""
        found = 0
        for subject in subjects:
            found += sum(least(len(self.questions[number].fits), subject.most) for number in subject.questions)
            found += 0 if subject.whole is None else len(self.questions[subject.whole].misfits)
            if found >= WORTH_SHARING:
                return True
        return False

    def _pieces(self, subject: Subject, form: Form) -> Iterator[Make]:
        """What makes the lines of a subject, those that are made together."""
        write = writer(form, subject.raw)
        if len(subject.questions) > 1:
            yield from self._in_turn(subject, write)
        else:
            (number,) = subject.questions
            fits = self.questions[number].fits
            yield from self._of(Chosen(number, fits, subject.most, ranked=True, added=write.added), write)
        if subject.whole is not None:
            misfits = self.questions[subject.whole].misfits
            yield from self._of(Chosen(subject.whole, misfits, None, ranked=False, added=write.added), write)

    def _of(self, chosen: Chosen, write: Writer) -> Iterator[Make]:
        return (partial(self._made, chosen, write, piece) for piece in chosen.pieces())

    def _in_turn(self, subject: Subject, write: Writer) -> Iterator[Make]:
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
            yield partial(self._turned, some, write)

    def _turned(self, some: Sequence[tuple[int, int, int, int]], write: Writer) -> list[bytes]:
        numbers, ranks, places, picks = zip(*some, strict=True)
        nodes = self.fleet.read_several(places)
        tails = map(self._tail, numbers, nodes, picks)
        return [write.ranked(said)(pair) for said, pair in zip(tails, zip(nodes, ranks, strict=True), strict=True)]

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
