"""Times of records and durations of options."""

import pytest

from bactools.core.ages import moment, seconds


@pytest.mark.parametrize(
    ("text", "found"),
    [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200), ("7d", 604800), ("", None), ("-1s", None), ("2 h", None)],
)
def test_a_duration_in_seconds(text, found):
    assert seconds(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1970-01-01T00:01:00Z", 60),
        ("1970-01-01T01:01:00+01:00", 60),
        ("1970-01-01T00:01:00.25Z", 60.25),
        ("1970-01-01T00:01:00.123456789Z", 60.123456),
        ("1970-13-01T00:01:00Z", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_a_moment_in_seconds_since_1970(text, found):
    assert moment(text) == found
