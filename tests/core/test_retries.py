from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import retries

NOW = 784111717.0  # Sun, 06 Nov 1994 08:48:37 GMT, a minute before RFC 9110's example of a date


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (200, None),
        (401, None),
        (404, None),
        (408, "busy"),
        (429, "busy"),
        (500, "busy"),
        (501, None),
        (502, "busy"),
        (503, "busy"),
        (504, "busy"),
        (505, None),
        (522, "busy"),
    ],
)
def test_a_status_that_may_pass(status, trouble):
    assert retries.of_status(status) == trouble


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("17", 17),
        (" 0 ", 0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 60),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 60),
        ("Sun Nov  6 08:49:37 1994", 60),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("1.5", None),
        ("Sun, 06 Nov", None),
    ],
)
def test_what_a_server_asks_for(text, seconds):
    assert retries.asked(text, NOW) == seconds


def test_a_number_without_end_is_a_long_time():
    assert retries.asked("9" * 5000, NOW) == 999999999


@pytest.mark.parametrize(
    ("trouble", "attempt", "retry_after", "chance", "seconds"),
    [
        ("busy", 1, None, 0.0, 0.5),
        ("busy", 1, None, 0.5, 0.75),
        ("busy", 2, None, 0.0, 1.0),
        ("busy", 3, None, 0.0, 2.0),
        ("busy", 4, None, 0.0, None),
        ("dropped", 3, None, 0.0, 2.0),
        ("dropped", 4, None, 0.0, None),
        ("silent", 1, None, 0.0, 0.5),
        ("silent", 2, None, 0.0, None),
        ("busy", 1, "17", 0.0, 17.0),
        ("busy", 3, "17", 0.0, 17.0),
        ("busy", 1, "20", 0.5, 21.0),
        ("busy", 1, "0", 0.5, 0.5),
        ("busy", 1, "Sun, 06 Nov 1994 08:49:37 GMT", 0.0, 60.0),
        ("busy", 1, "61", 0.0, None),
        ("busy", 4, "1", 0.0, None),
    ],
)
def test_how_long_to_wait(trouble, attempt, retry_after, chance, seconds):
    assert retries.wait(trouble, attempt, retry_after, NOW, chance) == seconds


@given(
    st.sampled_from(["busy", "dropped", "silent"]),
    st.integers(1, 10),
    st.none() | st.text() | st.integers().map(str),
    st.floats(0, 1, exclude_max=True),
)
def test_a_wait_is_bounded_whatever_the_server_says(trouble, attempt, retry_after, chance):
    seconds = retries.wait(trouble, attempt, retry_after, NOW, chance)
    assert seconds is None or 0 <= seconds <= 66
