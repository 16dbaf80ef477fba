"""The order of nodes that fit is total, and what is kept of them gives it back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core.choosing import Candidates, order_key

FIT = {"how": "native", "favoured": 0, "cpu": 4.0, "memory": 8 * 1024**3}


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"how": "native", "cpu": 1.0}, {"how": "compatible", "favoured": 9}),
        ({"how": "compatible"}, {"how": "assumed"}),
        ({"how": "assumed"}, {"how": "emulated", "cpu": 64.0}),
        ({"favoured": 2, "cpu": 1.0}, {"favoured": 1, "cpu": 64.0}),
        ({"cpu": 4.01}, {"cpu": 4.0, "memory": 1 << 50}),
        ({"memory": 1025 * 1024**2}, {"memory": 1024 * 1024**2}),
        ({"cpu": 0.01}, {"cpu": None}),
    ],
)
def test_the_better_node_has_the_smaller_key(better, worse):
    assert order_key(**{**FIT, **better}) < order_key(**{**FIT, **worse})


@pytest.mark.parametrize("absurd", [1e300, float("inf"), -1.0, 10**30])
def test_absurd_amounts_still_have_a_key_of_64_bits(absurd):
    assert 0 <= order_key("emulated", 10**6, absurd, absurd) < 1 << 64


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=50))
def test_candidates_come_by_key_and_then_as_they_came(amounts):
    kept = Candidates()
    expected = []
    for place, (cpu, memory) in enumerate(amounts):
        key = order_key("native", 0, float(cpu), memory * 1024**2)
        keys, places, picks = kept.drawer(key)
        keys.append(key)
        places.append(place)
        picks.append(7)
        expected.append((key, place))
    assert list(kept.ordered()) == [(place, 7) for _, place in sorted(expected)]
    assert len(kept) == len(amounts)


def test_many_candidates_that_differ_little_come_by_key_and_then_as_they_came():
    kept = Candidates()
    amounts = [(place * 7919) % 50_000 for place in range(100_000)]
    for place, memory in enumerate(amounts):
        key = order_key("native", 0, 1.0, memory * 1024**2)
        keys, places, picks = kept.drawer(key)
        keys.append(key)
        places.append(place)
        picks.append(0)
    expected = sorted(range(100_000), key=lambda place: -amounts[place])
    assert [place for place, _ in kept.ordered()] == expected


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=50), st.integers(0, 60), st.integers(0, 50))
def test_the_best_of_the_best_are_the_best_of_all(amounts, most, middle):
    kept, pruned = Candidates(), Candidates()
    for place, (cpu, memory) in enumerate(amounts):
        if place == middle:
            pruned.forget_all_but(most)
            assert len(pruned) == min(most, middle)
        key = order_key("native", 0, float(cpu), memory * 1024**2)
        for candidates in (kept, pruned):
            for column, value in zip(candidates.drawer(key), (key, place, 7), strict=True):
                column.append(value)
    assert list(pruned.ordered())[:most] == list(kept.ordered())[:most]


def test_where_some_are_forgotten_others_can_still_be_put_into_the_same_arrays():
    kept = Candidates()
    drawer = kept.drawer(5)
    for place, key in enumerate((5, 7, 3)):
        for column, value in zip(drawer, (key, place, 0), strict=True):
            column.append(value)
    kept.forget_all_but(1)
    drawer.keys.append(4)
    drawer.places.append(3)
    drawer.picks.append(0)
    assert list(kept.ordered()) == [(2, 0), (3, 0)]
