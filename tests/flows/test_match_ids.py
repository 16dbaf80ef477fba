"""Which ids came more than once, among many and in whatever order."""

import random
from typing import NamedTuple

import pytest

from bactools.flows.match_ids import Seen


class Named(NamedTuple):
    id: str


class Some(NamedTuple):
    nodes: list


def seen(ids, together=100):
    found = Seen()
    for start in range(0, len(ids), together):
        found.add(Some([Named(name) for name in ids[start : start + together]]))
    return found


MANY = [f"n-{number:05d}" for number in range(5000)]
MIXED = random.Random(1).sample(MANY, len(MANY))


@pytest.mark.parametrize(
    ("ids", "repeated"),
    [
        (MANY, set()),
        (MIXED, set()),
        ([*MANY, MANY[-1]], {MANY[-1]}),
        ([*MANY, MANY[0]], {MANY[0]}),
        ([*MANY[:100], MANY[99], *MANY[100:]], {MANY[99]}),
        ([MANY[0], *MANY], {MANY[0]}),
        ([*MIXED, *MIXED[10:13], *MIXED[10:13]], set(MIXED[10:13])),
        (["a", "a"], {"a"}),
        (["b", "a"], set()),
        (["a"], set()),
    ],
)
@pytest.mark.parametrize("together", [1, 100])
def test_what_came_more_than_once(ids, repeated, together):
    assert seen(ids, together).repeated() == set(map(hash, repeated))


@pytest.mark.parametrize("cut", [0, 1, 2500, 5000])
def test_what_came_in_two_processes(cut):
    for ids, repeated in ((MANY, set()), (MIXED, set()), ([*MANY, MANY[3]], {MANY[3]})):
        first = seen(ids[:cut])
        first.merge(seen(ids[cut:]))
        assert first.repeated() == set(map(hash, repeated))
