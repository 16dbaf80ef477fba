from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import reference, registries_conf
from bactools.core.errors import BacError
from bactools.core.registries_conf import Place

DIGEST = "sha256:" + "0" * 64


def places(text, wanted, *more):
    files = [registries_conf.parse(each.encode(), "registries.conf") for each in (text, *more)]
    return registries_conf.places(registries_conf.merged(files), reference.parse(wanted))


MIRRORED = """
unqualified-search-registries = ["quay.io"]
[[registry]]
location = "docker.io"
[[registry.mirror]]
location = "mirror.lan:5000/hub"
insecure = true
[[registry.mirror]]
location = "mirror.gcr.io"
"""


def test_mirrors_are_asked_first_and_the_registry_itself_last():
    assert places(MIRRORED, "busybox") == [
        Place("mirror.lan:5000", "hub/library/busybox", insecure=True),
        Place("mirror.gcr.io", "library/busybox"),
        Place("docker.io", "library/busybox"),
    ]


def test_what_no_table_is_about_is_where_its_name_says():
    assert places(MIRRORED, "ghcr.io/team/app:1") == [Place("ghcr.io", "team/app")]


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ("r.example.org/app", Place("main.lan", "app")),
        ("r.example.org/team/app", Place("team.lan", "x/app")),
        ("r.example.org/team", Place("team.lan", "x")),
        ("r.example.org/team:1", Place("team.lan", "x")),
        ("r.example.org/teams/app", Place("main.lan", "teams/app")),
        ("r.example.org/team/app/web", Place("team.lan", "x/app/web")),
        ("r.example.org/one:1", Place("one.lan", "one")),
        ("r.example.org/one:12", Place("main.lan", "one")),
        ("r.example.org:5000/app", Place("r.example.org:5000", "app")),
    ],
)
def test_the_longest_prefix_that_ends_with_a_part_of_the_name_counts(wanted, place):
    text = """
    [[registry]]
    prefix = "r.example.org"
    location = "main.lan"
    [[registry]]
    prefix = "r.example.org/team"
    location = "team.lan/x"
    [[registry]]
    prefix = "r.example.org/one:1"
    location = "one.lan/one"
    """
    assert places(text, wanted) == [place]


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ("a.example.org/app", Place("a.example.org", "app", insecure=True)),
        ("a.b.example.org/app", Place("a.b.example.org", "app", insecure=True)),
        ("a.example.org:5000/app", Place("a.example.org:5000", "app", insecure=True)),
        ("example.org/app", Place("example.org", "app")),
        ("myexample.org/app", Place("myexample.org", "app")),
    ],
)
def test_a_star_stands_for_the_hosts_below_a_domain(wanted, place):
    assert places('[[registry]]\nprefix = "*.example.org"\ninsecure = true', wanted) == [place]


def test_the_hosts_below_a_domain_may_be_one():
    text = '[[registry]]\nprefix = "*.example.org"\nlocation = "all.lan/of"'
    assert places(text, "a.example.org:5000/app") == [Place("all.lan", "of/app")]


@pytest.mark.parametrize(
    ("setting", "by_tag", "by_digest"),
    [("", True, True), ("all", True, True), ("digest-only", False, True), ("tag-only", True, False)],
)
def test_a_mirror_may_be_for_tags_or_digests_only(setting, by_tag, by_digest):
    text = f'[[registry]]\nlocation = "a.lan"\n[[registry.mirror]]\nlocation = "b.lan"\npull-from-mirror = "{setting}"'
    assert (places(text, "a.lan/x:1")[0].domain == "b.lan") is by_tag
    assert (places(text, f"a.lan/x@{DIGEST}")[0].domain == "b.lan") is by_digest


def test_all_mirrors_may_be_for_digests_only():
    text = '[[registry]]\nlocation = "a.lan"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "b.lan"'
    assert places(text, "a.lan/x:1") == [Place("a.lan", "x")]
    assert places(text, f"a.lan/x@{DIGEST}") == [Place("b.lan", "x"), Place("a.lan", "x")]


def test_what_is_blocked_is_refused():
    with pytest.raises(BacError) as caught:
        places('[[registry]]\nprefix = "a.lan/bad"\nblocked = true', "a.lan/bad/x:1")
    assert caught.value.line() == "a.lan/bad/x:1: registries.conf blocks a.lan/bad [blocked]"


def test_of_two_tables_with_one_prefix_the_last_counts():
    first, second = (f'[[registry]]\nprefix = "a.lan"\nlocation = "{place}"' for place in ("b.lan", "c.lan"))
    assert places(first, "a.lan/x", second) == [Place("c.lan", "x")]


@pytest.mark.parametrize("text", ["", "# [[registry]]", '[aliases]\n"registry" = "registry.example.org/x"'])
def test_a_file_without_registries_says_nothing(text):
    assert registries_conf.parse(text.encode(), "x") == []


@pytest.mark.parametrize(
    "text",
    ['[[registry]]\nlocation="a.lan"', '  [[ "registry" ]]\nlocation="a.lan"', 'registry = [{location="a.lan"}]'],
)
def test_a_table_may_be_written_in_every_way_of_toml(text):
    assert [each.prefix for each in registries_conf.parse(text.encode(), "x")] == ["a.lan"]


@pytest.mark.parametrize(
    "text",
    [
        "[[registry]]\n",
        "[[registry]]\nlocation = 3",
        '[[registry]]\nlocation = "https://a.lan"',
        '[[registry]]\nprefix = "a.lan"\nlocation = "[::1"',
        '[[registry]]\nlocation = "a.lan"\n[[registry.mirror]]\nlocation = "b lan"\n',
        '[[registry]]\nlocation = "a.lan"\n[[registry.mirror]]\n',
        '[[registry]]\nlocation = "a.lan',
        '[registry]\nlocation = "a.lan"',
        '[[registry]]\nlocation = "a.lan"\nmirror = [{location = "b.lan", pull-from-mirror = "never"}]',
        b"[[registry]]\nlocation = '\xff'",
    ],
)
def test_a_table_that_is_wrong_is_refused(text):
    with pytest.raises(BacError) as caught:
        registries_conf.parse(text if isinstance(text, bytes) else text.encode(), "/etc/containers/registries.conf")
    assert caught.value.code == "bad_config"
    assert caught.value.message.startswith("/etc/containers/registries.conf is not registries.conf, version 2: ")


@given(st.text("[]registy=\"'\n# .a"))
def test_every_text_is_read_or_refused(text):
    with suppress(BacError):
        assert all(each.prefix for each in registries_conf.parse(text.encode(), "x"))
