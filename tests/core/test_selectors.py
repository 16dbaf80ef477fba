"""Bacalhau's eight operators, against a present, another and an absent label."""

import pytest

from bactools.core.records import Constraint
from bactools.core.selectors import satisfied, text

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
