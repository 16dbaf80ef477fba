"""Names and resumption of downloads."""

import pytest

from bactools.core import download
from bactools.core.errors import BacError

NAMED = {"content-disposition": 'attachment; filename="report.csv"'}


@pytest.mark.parametrize(
    ("url", "headers", "redirected", "expected"),
    [
        ("https://files.example.org/a/data.csv", {}, False, "data.csv"),
        ("https://files.example.org/a/data.csv?sig=1#top", {}, False, "data.csv"),
        ("https://files.example.org/a%20b.csv", {}, False, "a b.csv"),
        ("https://files.example.org/a/data.csv", NAMED, False, "data.csv"),
        ("https://files.example.org/a/data.csv", NAMED, True, "report.csv"),
        ("https://x.org/d", {"content-disposition": "attachment; filename*=UTF-8''na%C3%AFve.txt"}, True, "naïve.txt"),
        ("https://x.org/d", {"content-disposition": 'attachment; filename="../../etc/passwd"'}, True, "passwd"),
        ("https://files.example.org/a/", {}, False, "fallback"),
    ],
)
def test_the_name_follows_bacalhaus_rule(url, headers, redirected, expected):
    assert download.name(url, headers, redirected=redirected, fallback="fallback") == expected


@pytest.mark.parametrize("last", ["..", "%2e%2e", "a%00b"])
def test_a_name_that_leads_elsewhere_is_refused(last):
    with pytest.raises(BacError) as caught:
        download.name(f"https://x.org/{last}", {}, redirected=False, fallback="f")
    assert caught.value.code == "bad_input"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"etag": '"a"', "last-modified": "Sun, 22 Nov 2026 07:00:00 GMT"}, '"a"'),
        ({"etag": 'W/"a"', "last-modified": "Sun, 22 Nov 2026 07:00:00 GMT"}, "Sun, 22 Nov 2026 07:00:00 GMT"),
        ({"etag": 'W/"a"'}, None),
        ({}, None),
    ],
)
def test_a_weak_tag_does_not_vouch_for_the_bytes(headers, expected):
    assert download.validator(headers) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("bytes 5-9/10", 5), ("bytes 0-0/*", 0), ("bytes */10", None), ("5-9/10", None), ("", None)],
)
def test_where_a_partial_answer_starts(text, expected):
    assert download.starts_at({"content-range": text}) == expected


HEX = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("text", [HEX, f"sha256:{HEX}", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="])
def test_a_digest_in_hex_or_base64(text):
    assert download.sha256(text).hex() == HEX


@pytest.mark.parametrize("text", ["", "abc", HEX[:-1], "é" * 32, "x" * 64])
def test_what_is_no_digest_is_refused(text):
    with pytest.raises(BacError) as caught:
        download.sha256(text)
    assert caught.value.code == "bad_spec"
