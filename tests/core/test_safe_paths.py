"""Names from outside stay in the folder they are for."""

import os
import posixpath
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import safe_paths
from bactools.core.errors import BacError

NAMES = st.text(st.sampled_from("ab./\0\\") | st.characters(), max_size=40)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a", "a"),
        ("a/b", "a/b"),
        ("./a//b/.", "a/b"),
        ("a/", "a"),
        ("...", "..."),
        ("a\\..\\b", "a\\..\\b"),
        ("ü", "ü"),
    ],
)
def test_needless_parts_of_a_name_go(name, path):
    assert safe_paths.member(name) == path


@pytest.mark.parametrize(
    "name",
    ["", "/", ".", "./.", "/etc/passwd", "..", "a/../b", "../a", "a/..", "a\0b", "\ud800", "x" * 256, "y/" * 2001],
)
def test_a_name_that_leaves_its_folder_or_cannot_be_is_refused(name):
    with pytest.raises(BacError) as caught:
        safe_paths.member(name)
    assert caught.value.code == "bad_input"


@given(NAMES)
def test_no_accepted_name_leaves_its_folder(name):
    try:
        path = safe_paths.member(name)
    except BacError:
        return
    assert posixpath.normpath("/x/" + path).startswith("/x/")
    assert safe_paths.member(path) == path


def test_a_name_that_is_not_utf8_is_as_good_as_any():
    assert safe_paths.member(os.fsdecode(b"\xff")) == os.fsdecode(b"\xff")


@pytest.mark.parametrize("name", ["a/b", "a/", ".", "..", "", "/a"])
def test_an_entry_has_one_plain_name(name):
    with pytest.raises(BacError):
        safe_paths.entry(name)


@pytest.mark.parametrize(
    ("path", "target"), [("a", "b"), ("a", "b/c"), ("d/a", "../b"), ("d/e/a", "../../b/c"), ("d/a", ".."), ("a", "./b")]
)
def test_a_link_may_lead_to_what_is_in_the_same_folder(path, target):
    assert safe_paths.link_target(path, target) == target


@pytest.mark.parametrize(
    ("path", "target"),
    [("a", ".."), ("a", "../b"), ("d/a", "../../b"), ("a", "/etc"), ("a", ""), ("d/e/a", "up/.."), ("a", "b\0")],
)
def test_a_link_that_may_lead_out_is_refused(path, target):
    with pytest.raises(BacError) as caught:
        safe_paths.link_target(path, target)
    assert caught.value.code == "bad_input"


@given(
    st.dictionaries(
        st.sampled_from(["l1", "d/l2", "d/e/l3", "d/e/l4"]),
        st.lists(st.sampled_from(["..", "d", "e", "l1", "l2", "l3", "."]), min_size=1, max_size=4).map("/".join),
    )
)
def test_no_chain_of_accepted_links_leaves_the_folder(tmp_path_factory, links):
    root = tmp_path_factory.mktemp("links") / "root"
    (root / "d/e").mkdir(parents=True)
    for path, target in links.items():
        try:
            (root / path).symlink_to(safe_paths.link_target(path, target))
        except BacError:
            continue
    for path in links:
        try:
            found = (root / path).resolve(strict=True)
        except (OSError, RuntimeError):  # it leads nowhere, or round and round
            continue
        assert found.is_relative_to(root.resolve())


def test_the_same_path_twice_is_no_clash():
    names = safe_paths.CaseClash()
    names.check("a/B")
    names.check("a/B")
    names.check("a/C")


@pytest.mark.parametrize(("first", "second"), [("README", "readme"), ("straße", "STRASSE"), ("\u00e9", "e\u0301")])
def test_names_that_some_file_systems_do_not_tell_apart_clash(first, second):
    names = safe_paths.CaseClash()
    names.check(first)
    with pytest.raises(BacError) as caught:
        names.check(second)
    assert caught.value.code == "bad_input"
    assert str(Path(first)) in caught.value.message
