from __future__ import annotations

import pytest

from bactools.core import quota


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        (
            {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600"},
            "76 of 100 requests left in 6 h",
        ),
        ({"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76"}, "76 of 100 requests left in 6 h"),
        ({"ratelimit-remaining": "0;w=60"}, "0 requests left in 60 s"),
        ({"ratelimit-remaining": "5"}, "5 requests left"),
    ],
)
def test_a_quota_is_read_from_the_headers(headers, text):
    assert str(quota.read(headers)) == text


@pytest.mark.parametrize("value", ["", "many", "-1", ";w=3"])
def test_without_a_number_there_is_no_quota(value):
    assert quota.read({"ratelimit-remaining": value, "ratelimit-limit": "100"}) is None
