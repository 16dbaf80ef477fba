"""Whose a container is, and when its owner counts as dead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core.leftovers import Owner, has_gone, has_restarted, is_forsaken, parse

HERE = "8c6f.4026531836"


@given(st.text(min_size=1), st.integers(0, 2**31), st.integers(0, 2**63))
def test_a_label_names_its_owner(place: str, process: int, born: int):
    owner = Owner(place, process, born)
    assert parse(str(owner)) == owner


@pytest.mark.parametrize("label", ["", "here", "here:1", "here:1:x", "here:-1:2", "here:1:²"])
def test_a_label_of_another_shape_names_nobody(label: str):
    assert parse(label) is None


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        (Owner(HERE, 7, 100), False),
        (Owner(HERE, 7, 99), True),
        (Owner(HERE, 8, 100), True),
        (Owner("elsewhere", 8, 100), None),
    ],
)
def test_an_owner_lives_while_the_process_born_then_does(owner: Owner, expected: bool | None):
    assert has_gone(owner, HERE, {7: 100}.get) is expected


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ("machine.one.4026531836", True),
        ("machine.one.4026532", True),
        ("machine.two.4026532", False),
        ("other.one.4026531836", False),
        ("one.4026531836", False),
        ("", False),
    ],
)
def test_no_process_outlives_a_restart_of_its_machine(then: str, expected: bool):
    assert has_restarted(Owner(then, 7, 100), "machine.two.4026531836") is expected


def test_of_a_machine_without_an_id_a_restart_is_not_seen():
    assert not has_restarted(Owner("one.4026531836", 7, 100), "two.4026531836")


@pytest.mark.parametrize(("stopped", "expected"), [(None, False), (0.0, False), (3600.0, False), (3601.0, True)])
def test_what_runs_or_has_just_stopped_elsewhere_is_not_ours_to_take(stopped: float | None, expected: bool):
    assert is_forsaken(stopped) is expected
