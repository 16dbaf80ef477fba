"""What a second process found in its half of a fleet, packed for the one that prints.

It deals with valid nodes only. Where it meets anything else it stops, and tells how far it got: the first process,
which alone knows the numbers of the lines, goes on from there.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import msgspec

from bactools.core.remedies import Counts  # noqa: TC001 (msgspec looks at it)
from bactools.flows.match_ids import Seen
from bactools.flows.match_lines import Tail  # noqa: TC001 (as above)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bactools.core.choosing import Candidates
    from bactools.flows.match_nodes import Nodes
    from bactools.flows.match_wishes import Question


class Nodewise(msgspec.Struct, array_like=True):
    """A drawer of candidates, whose arrays are not copied to be packed; ``key`` is one that belongs into it."""

    key: int
    keys: memoryview
    places: memoryview
    picks: memoryview


class Answer(msgspec.Struct, array_like=True):
    """What came of one question."""

    counts: Counts
    fits: list[Nodewise]
    misfits: list[Nodewise]


class Half(msgspec.Struct, array_like=True):
    """All of it: the nodes up to ``end``, which were ``passed`` lines, and the ids among them if they are asked for."""

    end: int
    passed: int
    count: int
    stale: int
    ids: tuple[str | None, str | None, bool, bytes] | None
    said: list[Tail]
    answers: list[Answer]


def pack(nodes: Nodes, seen: Seen | None, said: list[Tail], questions: Sequence[Question]) -> bytes:
    """What was found, as bytes."""
    ids = None if seen is None else (seen.first, seen.last, seen.ascending, seen.hashes.tobytes())
    answers = [Answer(each.ledger.counts(), packed(each.fits), packed(each.misfits)) for each in questions]
    return msgspec.msgpack.encode(Half(nodes.end, nodes.passed, nodes.count, nodes.stale, ids, said, answers))


def packed(candidates: Candidates) -> list[Nodewise]:
    """The drawers as bytes; those of nodes that were forgotten are empty."""
    return [
        Nodewise(drawer.keys[0], memoryview(drawer.keys), memoryview(drawer.places), memoryview(drawer.picks))
        for _, drawer in candidates.drawers()
        if drawer.keys
    ]


def unpack(data: bytes) -> Half:
    """What ``pack`` packed."""
    return msgspec.msgpack.decode(data, type=Half)


def merge(
    half: Half, nodes: Nodes, seen: Seen | None, questions: Sequence[Question], pick: Callable[[Tail], int]
) -> None:
    """Add what comes after all that was found here; ``pick`` gives the number of what is said here."""
    nodes.end = half.end
    nodes.passed += half.passed
    nodes.count += half.count
    nodes.stale += half.stale
    if seen is not None and half.ids is not None:
        later = Seen()
        later.first, later.last, later.ascending, hashes = half.ids
        later.hashes.frombytes(hashes)
        seen.merge(later)
    picks = dict(enumerate(map(pick, half.said)))
    for question, answer in zip(questions, half.answers, strict=True):
        question.ledger.merge(answer.counts)
        for mine, theirs in ((question.fits, answer.fits), (question.misfits, answer.misfits)):
            append(mine, theirs, picks)


def append(candidates: Candidates, later: Sequence[Nodewise], picks: dict[int, int]) -> None:
    """Put nodes into their drawers. What had no number there has none here."""
    for each in later:
        drawer = candidates.drawer(each.key)
        drawer.keys.frombytes(each.keys)
        drawer.places.frombytes(each.places)
        drawer.picks.extend(array("H", [picks.get(number, number) for number in each.picks.cast("H")]))
