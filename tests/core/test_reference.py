from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import reference
from bactools.core.errors import BacError
from bactools.core.reference import Reference

SHA256 = "sha256:" + "0f" * 32
SHA512 = "sha512:" + "0f" * 64

ACCEPTED = [
    ("alpine", "docker.io/library/alpine", "alpine"),
    ("alpine:3.20", "docker.io/library/alpine:3.20", "alpine:3.20"),
    ("library/alpine", "docker.io/library/alpine", "alpine"),
    ("docker.io/alpine", "docker.io/library/alpine", "alpine"),
    ("index.docker.io/alpine", "docker.io/library/alpine", "alpine"),
    ("bitnami/redis:7", "docker.io/bitnami/redis:7", "bitnami/redis:7"),
    ("a/b/c", "docker.io/a/b/c", "a/b/c"),
    ("library/a/b", "docker.io/library/a/b", "library/a/b"),
    ("localhost", "docker.io/library/localhost", "localhost"),
    ("localhost/app", "localhost/app", "localhost/app"),
    ("localhost:5000/busybox:multi", "localhost:5000/busybox:multi", "localhost:5000/busybox:multi"),
    ("localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"),
    ("host:5000/app", "host:5000/app", "host:5000/app"),
    ("HOST/app", "HOST/app", "HOST/app"),
    ("ghcr.io/org/app:v1", "ghcr.io/org/app:v1", "ghcr.io/org/app:v1"),
    ("docker.io/gcr.io/app", "docker.io/gcr.io/app", "docker.io/gcr.io/app"),
    ("[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app"),
    ("xn--7o8h.com/a_b/c__d/e---f", "xn--7o8h.com/a_b/c__d/e---f", "xn--7o8h.com/a_b/c__d/e---f"),
    (f"alpine@{SHA256}", f"docker.io/library/alpine@{SHA256}", f"alpine@{SHA256}"),
    (f"alpine:3@{SHA512}", f"docker.io/library/alpine:3@{SHA512}", f"alpine:3@{SHA512}"),
    ("0f" * 31 + "0", "docker.io/library/" + "0f" * 31 + "0", "0f" * 31 + "0"),
]

REFUSED = [
    "",
    ":tag",
    "/app",
    "app/",
    "a//b",
    "app:",
    "app:a/b:",
    "app: tag",
    "-app",
    "app-",
    "a___b",
    "a..b",
    "a._b",
    "host:port/app",
    "-host.com/app",
    "[fe80::1%eth0]/app",
    "app:" + "t" * 129,
    "app@",
    "app@sha256:0f",
    f"app@{SHA256[:-1]}",
    f"app@{SHA256.upper()}",
    f"app@{SHA256}0",
    "app@md5:" + "0" * 32,
    f"app@{SHA256}@{SHA256}",
    "0f" * 32,
    "ghcr.io/" + "a" * 256,
    "a" * 100_000,
    "app\n",
    "äpp",
    "../../etc",
]


@pytest.mark.parametrize(("text", "canonical", "familiar"), ACCEPTED)
def test_short_names_are_completed(text, canonical, familiar):
    parsed = reference.parse(text)
    assert str(parsed) == canonical
    assert parsed.familiar == familiar


@pytest.mark.parametrize("text", REFUSED)
def test_what_the_grammar_excludes_is_refused(text):
    with pytest.raises(BacError) as caught:
        reference.parse(text)
    assert caught.value.code == "bad_reference"
    assert len(caught.value.line()) < 400


def test_the_parts_of_a_reference():
    assert reference.parse(f"localhost:5000/team/app:v1@{SHA256}") == Reference(
        "localhost:5000", "team/app", "v1", SHA256
    )


def test_upper_case_is_refused_with_the_name_that_was_meant():
    with pytest.raises(BacError) as caught:
        reference.parse("ghcr.io/MyOrg/App:V1")
    assert caught.value.message == (
        "'ghcr.io/MyOrg/App:V1' is not an image reference: a repository name has no upper-case letters"
    )
    assert caught.value.hint == "Did you mean 'myorg/app'?"


def test_a_transport_prefix_is_refused_with_the_rest():
    with pytest.raises(BacError) as caught:
        reference.parse("docker://alpine:3")
    assert caught.value.hint == "Write 'alpine:3'."


def test_a_path_may_have_255_characters_and_no_more():
    assert reference.parse("ghcr.io/" + "a" * 255).path == "a" * 255
    with pytest.raises(BacError, match="longer than 255"):
        reference.parse("ghcr.io/" + "a" * 256)


def test_latest_is_added_only_without_tag_and_digest():
    assert str(reference.parse("alpine").tagged()) == "docker.io/library/alpine:latest"
    assert str(reference.parse("alpine:3").tagged()) == "docker.io/library/alpine:3"
    assert str(reference.parse(f"alpine@{SHA256}").tagged()) == f"docker.io/library/alpine@{SHA256}"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("LOCALHOST:5000", True),
        ("127.0.0.1", True),
        ("127.3.2.1:80", True),
        ("[::1]:5000", True),
        ("::1", True),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
        ("128.0.0.1", False),
        ("10.0.0.1:5000", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_loopback_hosts(host, loopback):
    assert reference.is_loopback(host) is loopback


LABEL = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,5}[A-Za-z0-9])?", fullmatch=True)
DOMAINS = st.one_of(
    st.sampled_from(["docker.io", "localhost", "127.0.0.1:5000", "[::1]:5000"]),
    st.builds("{}.{}".format, LABEL, LABEL).filter(lambda domain: domain != "index.docker.io"),
)
PATHS = st.from_regex(
    r"[a-z0-9]{1,3}((\.|__?|--?)[a-z0-9]{1,2}){0,2}(/[a-z0-9]{1,3}(\.[a-z]{2})?){0,2}", fullmatch=True
)
REFERENCES = st.builds(
    lambda domain, path, tag, digest: Reference(
        domain, path if domain != "docker.io" or "/" in path else f"library/{path}", tag, digest
    ),
    DOMAINS,
    PATHS,
    st.one_of(st.none(), st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}", fullmatch=True)),
    st.sampled_from([None, SHA256, SHA512]),
)


@given(REFERENCES)
def test_both_spellings_of_a_reference_parse_to_it(wanted):
    assert reference.parse(str(wanted)) == wanted
    assert reference.parse(wanted.familiar) == wanted


@given(st.one_of(st.text(), st.text(alphabet="aA0./:@_-[]%")))
def test_any_text_is_a_reference_or_refused(text):
    with suppress(BacError):
        parsed = reference.parse(text)
        assert reference.parse(str(parsed)) == parsed
