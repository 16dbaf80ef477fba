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
    assert credentials.candidates(found, domain) == [ANN]
    assert credentials.candidates(found, f"{domain}/team/app") == [ANN]


@pytest.mark.parametrize("domain", ["example.org", "cr.example.org", "example.org:443", "docker.io"])
def test_a_login_is_for_exactly_one_registry(domain):
    found = logins(auths={"r.example.org": {"auth": encoded("ann:open:sesame")}})
    assert credentials.candidates(found, domain) == []


def test_user_and_password_may_stand_in_the_open():
    found = logins(auths={"ghcr.io": {"username": "ann", "password": "open:sesame"}})
    assert credentials.candidates(found, "ghcr.io") == [ANN]


@pytest.mark.parametrize("entry", [{}, {"auth": ""}, {"auth": encoded("ann:")}, {"auth": encoded("ann")}])
def test_an_entry_without_a_password_is_no_login(entry):
    assert credentials.candidates(logins(auths={"ghcr.io": entry}), "ghcr.io") == []


@pytest.mark.parametrize(
    ("name", "user"),
    [
        ("quay.io/team/app", "app"),
        ("quay.io/team/other", "team"),
        ("quay.io/teams/app", "quay"),
        ("quay.io", "quay"),
        ("r.lan/team/app", "lan"),
        ("r.lan/other/app", None),
        ("r.lan", None),
    ],
)
def test_of_the_logins_for_parts_of_a_registry_the_closest_counts(name, user):
    keys = {"quay.io": "quay", "quay.io/team": "team", "quay.io/team/app": "app", "r.lan/team": "lan"}
    found = logins(auths={key: {"auth": encoded(f"{value}:x")} for key, value in keys.items()})
    assert credentials.candidates(found, name) == ([Credential(user, "x")] if user else [])


def test_the_helper_of_a_registry_goes_before_the_store_and_that_before_auths():
    found = logins(
        auths={"ghcr.io": {"auth": encoded("ann:x")}}, credHelpers={"quay.io": "quay"}, credsStore="secretservice"
    )
    store = "secretservice"
    assert credentials.candidates(found, "quay.io/x") == [Helper("quay", "quay.io"), Helper(store, "quay.io")]
    assert credentials.candidates(found, "ghcr.io") == [Helper(store, "ghcr.io"), Credential("ann", "x")]
    assert credentials.candidates(found, "docker.io") == [Helper(store, "https://index.docker.io/v1/")]


def test_an_identity_token_goes_before_a_password():
    entry = {"auth": encoded("00000000-0000-0000-0000-000000000000:"), "identitytoken": "t0ken"}
    (found,) = credentials.candidates(logins(auths={"x.azurecr.io": entry}), "x.azurecr.io")
    assert (found.identity_token, found.password) == ("t0ken", "")
    assert "t0ken" not in repr(found)


@pytest.mark.parametrize("name", ["../../tmp/evil", "a b", "-x", "x;y"])
def test_a_helper_is_a_program_on_the_path_and_nothing_else(name):
    with pytest.raises(BacError) as caught:
        credentials.candidates(logins(credsStore=name), "ghcr.io")
    assert caught.value.code == "bad_config"


def test_a_helpers_answer():
    helper = Helper("pass", "ghcr.io")
    assert credentials.answered(b'{"ServerURL":"x","Username":"ann","Secret":"open:sesame"}', helper) == ANN
    assert credentials.answered(b'{"Username":"<token>","Secret":"t"}', helper) == Credential("", identity_token="t")
    assert credentials.answered(b'{"Username":"","Secret":""}', helper) is None
    with pytest.raises(BacError, match="docker-credential-pass did not answer"):
        credentials.answered(b"error", helper)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"auths": []}', b'{"auths": {"ghcr.io": {"auth": 12}}}', b'{"credsStore": "\xff"}']
)
def test_a_config_that_is_none_is_refused(data):
    with pytest.raises(BacError) as caught:
        credentials.parse(data, "/home/ann/.docker/config.json")
    assert caught.value.code == "bad_config"
    assert caught.value.message.startswith(
        "/home/ann/.docker/config.json is neither Docker's config.json nor podman's auth.json: "
    )


@pytest.mark.parametrize("auth", ["not base64!", base64.b64encode(b"\xff:secret").decode(), "hunter2"])
def test_a_broken_login_is_refused_without_its_content(auth):
    with pytest.raises(BacError) as caught:
        credentials.candidates(logins(auths={"ghcr.io": {"auth": auth}}), "ghcr.io")
    assert caught.value.line() == "the login for 'ghcr.io' is not base64 [bad_config]"


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
    assert credentials.candidates(found, "ghcr.io") == [Credential(username, password)]
