from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core.proof_owner import Owner, is_left

MINE = Owner("boot.4026531836", 100, 1_800_000_000)


@pytest.mark.parametrize(
    ("label", "left"),
    [
        ("boot.4026531836:7:1800000000", False),
        ("boot.4026531836:8:1800000000", True),
        ("other.4026531836:8:1800000000", False),
        ("other.4026531836:8:1799990000", True),
        ("boot.4026531836:7:1799990000", True),
        ("boot.4026531836:8", False),
        ("boot.4026531836:8:x", False),
        ("", False),
    ],
    ids=["alive", "dead", "elsewhere", "elsewhere and old", "a reused number", "cut", "no number", "empty"],
)
def test_what_a_dead_process_or_an_old_one_made_is_left(label, left):
    assert is_left(label, MINE, lambda process: process == 7) is left


def test_the_own_is_never_left():
    assert not is_left(str(MINE), MINE, lambda process: process == 100)


@given(st.text())
def test_no_label_is_an_error(label):
    assert is_left(label, MINE, lambda _: True) in (True, False)
