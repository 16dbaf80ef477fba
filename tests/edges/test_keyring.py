from __future__ import annotations

import base64
import json
import os
import pwd
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bactools.core.credentials import Credential
from bactools.core.errors import BacError
from bactools.edges.credentials import Keyring
from bactools.edges.registry import settings

ANN = Credential("ann", "open sesame")


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    return tmp_path


def keep(path, user="ann", password="open sesame", **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    path.write_text(json.dumps({"auths": {"ghcr.io": {"auth": auth}}, **more}), encoding="ascii")
    return path


def user():
    found = Keyring().find("ghcr.io/team/app")
    return found and found.username


@pytest.mark.usefixtures("home")
def test_without_a_file_there_is_no_login():
    assert Keyring().find("ghcr.io") is None


def test_a_user_without_a_home_has_the_logins_of_the_session(home, monkeypatch):
    def unknown(_):
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert Keyring().find("ghcr.io") is None
    keep(home / "run/containers/auth.json", "session")
    assert user() == "session"
    assert settings.config_home() == Path("/.config")


def test_each_file_counts_where_those_before_it_have_no_login(home, monkeypatch):
    keep(home / ".config/containers/auth.json", "user")
    assert user() == "user"
    keep(home / "run/containers/auth.json", "session")
    assert user() == "session"
    keep(home / ".docker/config.json", "docker")
    assert user() == "docker"
    monkeypatch.setenv("DOCKER_CONFIG", str(keep(home / "named/config.json", "named").parent))
    assert user() == "named"
    (home / "named/config.json").write_text("{}", encoding="ascii")
    assert user() == "session"


def test_a_named_file_is_read_instead_of_all(home, monkeypatch):
    keep(home / ".docker/config.json", "docker")
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(keep(home / "own.json", "own")))
    assert user() == "own"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(home / "nosuch.json"))
    assert user() is None


def test_a_file_that_is_none_is_named(home):
    (home / ".docker").mkdir()
    (home / ".docker/config.json").write_text("auths:", encoding="ascii")
    with pytest.raises(BacError) as caught:
        Keyring().find("ghcr.io")
    assert (caught.value.code, caught.value.input) == ("bad_config", str(home / ".docker/config.json"))


HELPER = """#!/bin/sh
read -r server
echo "$server" >> "$HOME/asked"
[ "$1" = get ] && [ "$server" = ghcr.io ] || { echo "credentials not found in native keychain"; exit 1; }
echo '{"ServerURL": "ghcr.io", "Username": "ann", "Secret": "open sesame"}'
"""


@pytest.fixture
def helper(home, monkeypatch):
    """A program docker-credential-test, and how often it was asked."""
    program = home / "docker-credential-test"
    program.write_text(HELPER, encoding="ascii")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(home), prepend=os.pathsep)
    return lambda: (home / "asked").read_text(encoding="ascii").split()


def test_a_credential_helper_is_asked_once_for_each_registry(home, helper):
    keep(home / ".docker/config.json", credsStore="test")
    keyring = Keyring()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(keyring.find, [f"ghcr.io/team/app{number}" for number in range(20)]))
    assert found == [ANN] * 20
    assert keyring.find("quay.io/x") is None
    assert helper() == ["ghcr.io", "quay.io"]


@pytest.mark.usefixtures("helper")
def test_what_a_helper_does_not_have_may_be_in_the_file(home):
    auths = {"quay.io": {"username": "bob", "password": "x"}}
    keep(home / ".docker/config.json", credHelpers={"quay.io": "test"}, auths=auths)
    assert Keyring().find("quay.io/x") == Credential("bob", "x")


def test_a_helper_that_is_not_installed_counts_as_no_login(home):
    (home / ".docker").mkdir()
    (home / ".docker/config.json").write_text('{"credsStore": "nosuch"}', encoding="ascii")
    assert Keyring().find("ghcr.io") is None
