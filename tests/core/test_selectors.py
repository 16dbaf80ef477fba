"""Bacalhau's eight operators, against a present, another and an absent label."""

import pytest

from bactools.core.errors import BacError
from bactools.core.records import Constraint
from bactools.core.selectors import check, satisfied, text

LABELS = {"zone": "eu", "cores": "8", "empty": ""}


@pytest.mark.parametrize(
    ("key", "operator", "values", "holds"),
    [
        ("zone", "=", ["eu"], True),
        ("zone", "==", ["us"], False),
        ("missing", "=", ["eu"], False),
        ("zone", "!=", ["us"], True),
        ("zone", "!=", ["eu"], False),
        ("missing", "!=", ["eu"], True),
        ("zone", "in", ["us", "eu"], True),
        ("zone", "in", ["us"], False),
        ("zone", "notin", ["us"], True),
        ("missing", "notin", ["us"], True),
        ("zone", "notin", ["eu"], False),
        ("empty", "exists", [], True),
        ("missing", "exists", [], False),
        ("missing", "!", [], True),
        ("zone", "!", [], False),
        ("cores", "gt", ["4"], True),
        ("cores", "gt", ["8"], False),
        ("cores", "lt", ["9"], True),
        ("zone", "gt", ["4"], False),
        ("missing", "lt", ["4"], False),
        ("cores", "gt", ["1_0"], False),
        ("favour_zone", "=", ["eu"], True),
    ],
)
def test_operator(key, operator, values, holds):
    assert satisfied(Constraint(key, operator, values), LABELS) is holds


@pytest.mark.parametrize(
    ("constraint", "written"),
    [
        (Constraint("zone", "=", ["eu"]), "zone=eu"),
        (Constraint("zone", "in", ["eu", "us"]), "zone in (eu,us)"),
        (Constraint("gpu", "exists"), "gpu"),
        (Constraint("gpu", "!"), "!gpu"),
        (Constraint("cores", "gt", ["4"]), "cores>4"),
    ],
)
def test_text_is_what_one_types(constraint, written):
    assert text(constraint) == written


@pytest.mark.parametrize(
    ("key", "operator", "values"),
    [
        ("", "exists", []),
        ("favour_", "exists", []),
        ("zone", "like", ["e"]),
        ("zone", "=", []),
        ("zone", "=", ["a", "b"]),
        ("zone", "in", []),
        ("zone", "exists", ["eu"]),
        ("cores", "gt", ["four"]),
        ("cores", "lt", ["9223372036854775808"]),
    ],
)
def test_a_constraint_that_says_nothing_is_refused(key, operator, values):
    with pytest.raises(BacError) as caught:
        check(Constraint(key, operator, values))
    assert caught.value.code == "bad_record"


def test_an_integer_is_what_fits_in_64_bits():
    assert not satisfied(Constraint("n", "gt", ["1"]), {"n": "9223372036854775808"})
    assert satisfied(Constraint("n", "gt", ["1"]), {"n": "9223372036854775807"})
