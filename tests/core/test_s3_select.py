"""Which objects an s3 input means, and where each is put."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import s3_select
from bactools.core.errors import BacError
from bactools.core.s3_select import Object

HEX = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
BASE64 = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="


def wanted(key="", **params):
    return s3_select.wanted({"Bucket": "b", "Key": key, **params})


def listing(*keys):
    return [Object(key, 1, '"e"') for key in keys]


def chosen(what, *keys, partition=(0, 1)):
    return [item.key for item in s3_select.chosen(what, listing(*keys), partition)]


def paths(key, *keys):
    return [item.path for item in s3_select.placed(wanted(key), listing(*keys))]


@pytest.mark.parametrize(
    ("key", "is_prefix", "prefix"),
    [
        ("a/b.txt", False, "a/b.txt"),
        ("a/b*", True, "a/b"),
        ("a/", True, "a/"),
        ("", True, ""),
        ("*", True, ""),
        ("a*b", False, "a*b"),
        ("a**", True, "a*"),
    ],
)
def test_a_star_or_a_slash_at_the_end_makes_a_prefix(key, is_prefix, prefix):
    assert (wanted(key).is_prefix, wanted(key).prefix) == (is_prefix, prefix)


@pytest.mark.parametrize(
    ("key", "found", "expected"),
    [
        ("dir/a.txt", "dir/a.txt", "a.txt"),
        ("dir/a*", "dir/ab/c", "ab/c"),
        ("dir/", "dir/ab/c", "ab/c"),
        ("x/y/z*", "x/y/z1/2", "z1/2"),
        ("", "x/y", "x/y"),
        ("dir/", "dir//c", "c"),
        ("dir/", "dir/a//c", "a/c"),
    ],
)
def test_a_path_begins_after_the_last_slash_of_the_prefix(key, found, expected):
    assert paths(key, found) == [expected]


@pytest.mark.parametrize("key", ["dir/../../etc/passwd", "dir/..", "dir/a\0b", f"dir/{'n' * 256}"])
def test_a_key_that_cannot_be_a_path_is_refused(key):
    with pytest.raises(BacError) as caught:
        paths("dir/", key)
    assert caught.value.code == "bad_input"


@pytest.mark.parametrize(
    "keys", [("d/a", "d/a/b"), ("d/a/b", "d/a"), ("d/a/b", "d/a//b"), ("d/A", "d/a"), ("d/e\u0301", "d/é")]
)
def test_objects_that_cannot_both_be_files_are_refused(keys):
    with pytest.raises(BacError) as caught:
        paths("d/", *keys)
    assert caught.value.code == "bad_input"


def test_a_filter_is_searched_for_in_the_rest_of_the_key():
    assert chosen(wanted("logs/*", Filter="^2024"), "logs/2024-a", "logs/x2024") == ["logs/2024-a"]
    assert chosen(wanted("logs/*", Filter="logs"), "logs/a", "logs/logs") == ["logs/logs"]


def test_markers_of_folders_are_no_objects():
    assert chosen(wanted("d/"), "d/", "d/sub/", "d/a") == ["d/a"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)],
)
def test_the_hash_is_fnv_1a(text, expected):
    assert s3_select.fnv1a(text) == expected


# modulo 3, the hash of 2025 is 0, of 2023 is 1, of 2024 is 2
@pytest.mark.parametrize(
    ("partition", "keys", "shares"),
    [
        ({"Type": "none"}, ("d/1", "d/2"), [["d/1", "d/2"]] * 3),
        ({}, ("d/1", "d/2"), [["d/1", "d/2"]] * 3),
        (
            {"Type": "regex", "Pattern": r"(\d{4})"},
            ("d/2025.a", "d/2023.a", "d/2024.a", "d/none"),
            [["d/2025.a", "d/none"], ["d/2023.a"], ["d/2024.a"]],
        ),
        (
            {"Type": "regex", "Pattern": r"20\d\d"},
            ("d/2025.a", "d/2023.a", "d/2024.a", "d/none"),
            [["d/2025.a", "d/none"], ["d/2023.a"], ["d/2024.a"]],
        ),
        (
            {"Type": "substring", "StartIndex": 1, "EndIndex": 5},
            ("d/x2025", "d/x2023.a", "d/x2024.a", "d/x202"),
            [["d/x2025", "d/x202"], ["d/x2023.a"], ["d/x2024.a"]],
        ),
        (
            {"Type": "date", "DateFormat": "2006"},
            ("d/2025/a", "d/2023-a", "d/2024", "d/a2024"),
            [["d/2025/a", "d/a2024"], ["d/2023-a"], ["d/2024"]],
        ),
    ],
)
def test_each_execution_gets_its_partition(partition, keys, shares):
    what = wanted("d/", Partition=partition)
    assert [chosen(what, *keys, partition=(index, 3)) for index in range(3)] == shares


def test_groups_are_hashed_together_and_empty_ones_left_out():
    what = wanted("d/", Partition={"Type": "regex", "Pattern": r"(\d+)-(x?)(\w+)"})
    expected = s3_select.fnv1a("2024\x1fab") % 7
    assert chosen(what, "d/2024-ab", partition=(expected, 7)) == ["d/2024-ab"]


def test_an_object_partition_goes_by_the_whole_key():
    expected = s3_select.fnv1a("d/1") % 7
    assert chosen(wanted("d/", Partition={"Type": "object"}), "d/1", partition=(expected, 7)) == ["d/1"]


@given(st.lists(st.text(min_size=1).filter(lambda key: not key.endswith("/")), unique=True), st.integers(1, 5))
def test_every_object_is_in_exactly_one_partition(keys, count):
    what = wanted("", Partition={"Type": "object"})
    shares = [chosen(what, *keys, partition=(index, count)) for index in range(count)]
    assert sorted(key for share in shares for key in share) == sorted(keys)


@pytest.mark.parametrize("text", [HEX, f"sha256:{HEX}", BASE64])
def test_a_checksum_may_be_hex_or_base64(text):
    assert wanted("a", ChecksumSHA256=text).checksum.digest == bytes.fromhex(HEX)


def test_a_checksum_of_parts_is_no_digest_of_the_object():
    assert wanted("a", ChecksumSHA256=BASE64 + "-3").checksum == s3_select.Checksum(BASE64 + "-3", None)


@pytest.mark.parametrize(
    "params",
    [
        {"Bucket": ""},
        {"Bucket": 7},
        {"Key": 7},
        {"Filter": "("},
        {"ChecksumSHA256": "abc", "Key": "a"},
        {"ChecksumSHA256": BASE64},
        {"VersionID": "v", "Key": "a/*"},
        {"Partition": {"Type": "hash"}},
        {"Partition": {"Type": "regex"}},
        {"Partition": {"Type": "regex", "Pattern": "["}},
        {"Partition": {"Type": "substring", "StartIndex": 3, "EndIndex": 3}},
        {"Partition": {"Type": "substring", "StartIndex": -1, "EndIndex": 3}},
        {"Partition": {"Type": "date"}},
    ],
)
def test_what_cannot_be_is_refused(params):
    with pytest.raises(BacError) as caught:
        s3_select.wanted({"Bucket": "b", **params})
    assert caught.value.code == "bad_spec"


def test_too_many_objects_are_refused(monkeypatch):
    monkeypatch.setattr(s3_select, "MAX_OBJECTS", 2)
    with pytest.raises(BacError) as caught:
        paths("", "a", "b", "c")
    assert caught.value.code == "too_large"
