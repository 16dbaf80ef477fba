from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import credentials
from bactools.core.credentials import Challenge, Credential, Helper
from bactools.core.errors import BacError

ANN = Credential("ann", "open:sesame")


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def logins(**fields):
    return credentials.parse(json.dumps(fields).encode(), "config.json")


@pytest.mark.parametrize(
    ("key", "domain"),
    [
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
        ("ghcr.io", "ghcr.io"),
        ("https://ghcr.io", "ghcr.io"),
        ("https://ghcr.io/v2/", "ghcr.io"),
        ("localhost:5000", "localhost:5000"),
        ("http://127.0.0.1:5000", "127.0.0.1:5000"),
    ],
)
def test_a_login_is_found_by_the_registrys_domain(key, domain):
    found = logins(auths={"other.example": {"auth": encoded("bob:x")}, key: {"auth": encoded("ann:open:sesame")}})
    assert credentials.find(found, domain) == ANN


@pytest.mark.parametrize("domain", ["example.org", "cr.example.org", "example.org:443", "docker.io"])
def test_a_login_is_for_exactly_one_registry(domain):
    found = logins(auths={"r.example.org": {"auth": encoded("ann:open:sesame")}})
    assert credentials.find(found, domain) is None


def test_user_and_password_may_stand_in_the_open():
    found = logins(auths={"ghcr.io": {"username": "ann", "password": "open:sesame"}})
    assert credentials.find(found, "ghcr.io") == ANN


@pytest.mark.parametrize("entry", [{}, {"auth": ""}, {"auth": encoded("ann:")}, {"auth": encoded("ann")}])
def test_an_entry_without_a_password_is_no_login(entry):
    assert credentials.find(logins(auths={"ghcr.io": entry}), "ghcr.io") is None


def test_the_helper_of_a_registry_goes_before_the_store_and_that_before_auths():
    found = logins(
        auths={"ghcr.io": {"auth": encoded("ann:x")}}, credHelpers={"quay.io": "quay"}, credsStore="secretservice"
    )
    assert credentials.find(found, "quay.io") == Helper("quay", "quay.io")
    assert credentials.find(found, "ghcr.io") == Helper("secretservice", "ghcr.io")
    assert credentials.find(found, "docker.io") == Helper("secretservice", "https://index.docker.io/v1/")


@pytest.mark.parametrize("name", ["../../tmp/evil", "a b", "-x", "x;y"])
def test_a_helper_is_a_program_on_the_path_and_nothing_else(name):
    with pytest.raises(BacError) as caught:
        credentials.find(logins(credsStore=name), "ghcr.io")
    assert caught.value.code == "bad_config"


def test_a_helpers_answer():
    helper = Helper("pass", "ghcr.io")
    assert credentials.answered(b'{"ServerURL":"x","Username":"ann","Secret":"open:sesame"}', helper) == ANN
    assert credentials.answered(b'{"Username":"<token>","Secret":"t"}', helper) is None
    with pytest.raises(BacError, match="docker-credential-pass did not answer"):
        credentials.answered(b"error", helper)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"auths": []}', b'{"auths": {"ghcr.io": {"auth": 12}}}', b'{"credsStore": "\xff"}']
)
def test_a_config_that_is_none_is_refused(data):
    with pytest.raises(BacError) as caught:
        credentials.parse(data, "/home/ann/.docker/config.json")
    assert caught.value.code == "bad_config"
    assert caught.value.message.startswith("/home/ann/.docker/config.json is not Docker's config.json: ")


@pytest.mark.parametrize("auth", ["not base64!", base64.b64encode(b"\xff:secret").decode(), "hunter2"])
def test_a_broken_login_is_refused_without_its_content(auth):
    with pytest.raises(BacError) as caught:
        credentials.find(logins(auths={"ghcr.io": {"auth": auth}}), "ghcr.io")
    assert caught.value.line() == "the login for 'ghcr.io' in Docker's config.json is not base64 [bad_config]"


def test_a_password_is_not_shown():
    assert repr(ANN) == "Credential(username='ann')"


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", []),
        ('Basic realm="Registry"', [Challenge("basic", {"realm": "Registry"})]),
        (
            'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
            [
                Challenge(
                    "bearer",
                    {
                        "realm": "https://auth.docker.io/token",
                        "service": "registry.docker.io",
                        "scope": "repository:a/b:pull,push",
                    },
                )
            ],
        ),
        (
            'Negotiate, BASIC Realm = x , Bearer realm="a\\"b"',
            [Challenge("negotiate", {}), Challenge("basic", {"realm": "x"}), Challenge("bearer", {"realm": 'a"b'})],
        ),
        ("=", []),
    ],
)
def test_challenges(header, wanted):
    assert credentials.challenges(header) == wanted


@given(st.text(alphabet='aB ,="\\:/\t'))
def test_every_header_has_an_end(header):
    assert all(challenge.scheme for challenge in credentials.challenges(header))


@given(st.text(st.characters(exclude_characters=":\0", codec="utf-8"), min_size=1), st.text(min_size=1))
def test_a_login_is_read_as_docker_writes_it(username, password):
    password = password.replace("\0", "-")
    found = logins(auths={"ghcr.io": {"auth": encoded(f"{username}:{password}")}})
    assert credentials.find(found, "ghcr.io") == Credential(username, password)
