"""Dates as Go's layouts describe them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core.errors import BacError
from bactools.core.go_time import Layout


@pytest.mark.parametrize(
    ("layout", "text", "canonical"),
    [
        ("2006-01-02", "2024-02-29", "2024-02-29"),
        ("2006-01-02", "2023-02-29", None),
        ("2006-01-02", "2024-13-01", None),
        ("2006-01-02", "2024-1-01", None),
        ("20060102", "20240115", "20240115"),
        ("2006/01/02/15", "2024/01/15/23", "2024/01/15/23"),
        ("2006/01/02/15", "2024/01/15/24", None),
        ("2006-1-2", "2024-01-05", "2024-1-5"),
        ("02 Jan 06", "05 MAR 24", "05 Mar 24"),
        ("2 January 2006", "5 march 2024", "5 March 2024"),
        ("06", "69", "69"),
        ("Mon 2006-01-02", "Tue 2024-01-15", "Mon 2024-01-15"),
        ("Monday 02.01.2006", "monday 15.01.2024", "Monday 15.01.2024"),
        ("_2 Jan", " 5 Feb", " 5 Feb"),
        ("02 Jan", "29 Feb", "29 Feb"),
        ("3:04:05PM", "7:05:09PM", "7:05:09PM"),
        ("03:04pm", "00:30am", "12:30am"),
        ("Januaryish", "Mayish", "Mayish"),
        ("2006", "0000", "0000"),
        ("year 2006", "year 2024", "year 2024"),
        ("2006.01.02", "2024.01.02", "2024.01.02"),
        ("", "", ""),
    ],
)
def test_a_date_is_written_as_its_layout_has_it(layout, text, canonical):
    assert Layout(layout).canonical(text) == canonical


@pytest.mark.parametrize("layout", ["2006 MST", "2006-01-02T15:04:05Z07:00", "15:04:05.000", "2006-002", "15:04 -0700"])
def test_what_is_not_understood_is_named(layout):
    with pytest.raises(BacError) as caught:
        Layout(layout)
    assert caught.value.code == "unsupported"
    assert layout in caught.value.message


@given(st.dates())
def test_every_date_of_the_calendar_is_itself(day):
    assert Layout("2006-01-02").canonical(f"{day.year:04}-{day:%m-%d}") == f"{day.year:04}-{day:%m-%d}"


@given(st.text(alphabet="0123456789 JanMoPp_-:.", max_size=20), st.text(alphabet="0123456789 JanMoPp_-:.", max_size=20))
def test_any_layout_reads_any_text_or_is_refused(layout, text):
    try:
        found = Layout(layout).canonical(text)
    except BacError as error:
        assert error.code == "unsupported"  # noqa: PT017 (either outcome will do)
    else:
        assert found is None or isinstance(found, str)
