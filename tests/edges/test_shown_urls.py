"""URLs in messages: nothing that may be secret, also of what only looks like one."""

from __future__ import annotations

import pytest

from bactools.edges.http import shown


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://ann:secret@h.example:5001/x?signature=secret", "https://h.example:5001/x"),
        ("ann:secret@h.example:5001", "h.example:5001"),
        ("http://ann:secret@[::1", "[::1"),
        ("nonsense", "nonsense"),
        ("file:///etc/passwd", "file:///etc/passwd"),
    ],
)
def test_a_url_is_shown_without_user_and_query(url: str, told: str):
    assert shown(url) == told
