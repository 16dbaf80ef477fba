from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import docker_contexts
from bactools.core.docker_contexts import Place, Tls
from bactools.core.errors import BacError

HOME = "/home/ann"
CONFIG = f"{HOME}/.docker/config.json"
META = "/store/meta.json"


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({}, None),
        ({"DOCKER_HOST": ""}, None),
        ({"DOCKER_TLS_VERIFY": "1"}, None),
        ({"DOCKER_HOST": "unix:///run/my.sock"}, Place("unix:///run/my.sock")),
        ({"DOCKER_HOST": "unix://run/my.sock"}, Place("unix:///run/my.sock")),
        ({"DOCKER_HOST": "unix://"}, Place("unix:///var/run/docker.sock")),
        ({"DOCKER_HOST": "unix:///s", "DOCKER_TLS_VERIFY": "1"}, Place("unix:///s")),
        ({"DOCKER_HOST": "tcp://h:2375"}, Place("tcp://h:2375")),
        ({"DOCKER_HOST": "h:2375"}, Place("h:2375")),
        ({"DOCKER_HOST": "tcp://h:1", "DOCKER_TLS_VERIFY": ""}, Place("tcp://h:1")),
        ({"DOCKER_HOST": "tcp://h:1", "DOCKER_TLS_VERIFY": "1"}, Place("tcp://h:1", Tls(f"{HOME}/.docker", True))),
        ({"DOCKER_HOST": "tcp://h:1", "DOCKER_CERT_PATH": "/c"}, Place("tcp://h:1", Tls("/c", False))),
        (
            {"DOCKER_HOST": "tcp://h:1", "DOCKER_TLS_VERIFY": "1", "DOCKER_CONFIG": "/d"},
            Place("tcp://h:1", Tls("/d", True)),
        ),
    ],
)
def test_docker_host_is_read_with_its_certificates(environment: dict[str, str], place: Place | None):
    assert docker_contexts.from_environment(environment, HOME) == place


@pytest.mark.parametrize("address", ["ssh://ann:s3cret@far", "npipe:////./pipe/docker", "fd://", "ftp://u:s3cret@h"])
def test_an_address_of_another_kind_is_refused_with_a_hint_and_without_its_secret(address: str):
    with pytest.raises(BacError) as caught:
        docker_contexts.from_environment({"DOCKER_HOST": address}, HOME)
    assert caught.value.code == "no_engine"
    assert caught.value.hint
    assert "s3cret" not in caught.value.line()


@pytest.mark.parametrize(
    ("environment", "config", "name"),
    [
        ({}, None, None),
        ({}, b"{}", None),
        ({}, b'{"currentContext": "desktop-linux"}', "desktop-linux"),
        ({}, b'{"currentContext": ""}', None),
        ({}, b'{"currentContext": null}', None),
        ({}, b'{"currentContext": "default"}', None),
        ({"DOCKER_CONTEXT": "colima"}, b'{"currentContext": "desktop-linux"}', "colima"),
        ({"DOCKER_CONTEXT": "default"}, b'{"currentContext": "desktop-linux"}', None),
        ({"DOCKER_CONTEXT": "colima"}, b"not looked at", "colima"),
    ],
)
def test_the_context_is_that_of_the_environment_then_that_of_the_configuration(
    environment: dict[str, str], config: bytes | None, name: str | None
):
    assert docker_contexts.selected(environment, config, CONFIG) == name


@pytest.mark.parametrize("config", [b"", b"[1]", b'{"currentContext": 3}', b'{"currentContext": "\xff"}', b"{"])
def test_a_configuration_that_docker_did_not_write_is_named(config: bytes):
    with pytest.raises(BacError) as caught:
        docker_contexts.selected({}, config, CONFIG)
    assert (caught.value.code, caught.value.input) == ("bad_config", CONFIG)
    assert CONFIG in caught.value.message


def test_a_context_has_the_folder_that_docker_gives_it():
    """As listed on a machine with Docker Desktop, whose context is desktop-linux."""
    folder = "fe9c6bd7a66301f49ca9b6a70b217107cd1284598bfc254700c989b916da791e"
    assert docker_contexts.directory("desktop-linux") == folder


def meta(**endpoint: object) -> bytes:
    return json.dumps({"Name": "c", "Metadata": {"Description": "x"}, "Endpoints": {"docker": endpoint}}).encode()


@pytest.mark.parametrize(
    ("data", "certificates", "place"),
    [
        (meta(Host="unix:///s", SkipTLSVerify=False), None, Place("unix:///s")),
        (meta(SkipTLSVerify=False), None, Place("unix:///var/run/docker.sock")),
        (meta(Host="tcp://h:1"), None, Place("tcp://h:1")),
        (meta(Host="tcp://h:1"), "/tls", Place("tcp://h:1", Tls("/tls", True))),
        (meta(Host="tcp://h:1", SkipTLSVerify=True), "/tls", Place("tcp://h:1", Tls("/tls", False))),
        (meta(Host="tcp://h:1", SkipTLSVerify=True), None, Place("tcp://h:1", Tls("", False))),
    ],
)
def test_a_context_says_where_its_engine_is(data: bytes, certificates: str | None, place: Place):
    assert docker_contexts.endpoint("c", data, META, certificates) == place


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (None, f"there is no Docker context c: {META} is missing"),
        (b'{"Endpoints": {"kubernetes": {}}}', "the Docker context c is of no Docker engine"),
        (b'{"Endpoints": []}', f"Docker's configuration {META} does not say what docker writes"),
        (b"{}", f"Docker's configuration {META} does not say what docker writes"),
    ],
)
def test_a_context_without_an_engine_is_bad_configuration(data: bytes | None, told: str):
    with pytest.raises(BacError) as caught:
        docker_contexts.endpoint("c", data, META, None)
    assert caught.value.code == "bad_config"
    assert caught.value.message.startswith(told)
    assert caught.value.hint


def test_the_usual_sockets_are_docker_s_and_then_podman_s():
    assert docker_contexts.usual({"XDG_RUNTIME_DIR": "/run/user/1000"}, HOME) == (
        "/var/run/docker.sock",
        "/run/user/1000/docker.sock",
        "/home/ann/.docker/run/docker.sock",
        "/home/ann/.docker/desktop/docker.sock",
        "/run/user/1000/podman/podman.sock",
        "/run/podman/podman.sock",
    )


@pytest.mark.parametrize("session", [{}, {"XDG_RUNTIME_DIR": ""}, {"XDG_RUNTIME_DIR": "relative"}])
def test_without_a_session_there_are_no_sockets_of_it(session: dict[str, str]):
    assert len(docker_contexts.usual(session, HOME)) == 4


@pytest.mark.parametrize(
    ("sockets", "path"),
    [
        ([], "/var/run/docker.sock"),
        ([("/a", "absent"), ("/b", "absent")], "/var/run/docker.sock"),
        ([("/a", "absent"), ("/b", "listening"), ("/c", "listening")], "/b"),
        ([("/a", "silent"), ("/b", "listening")], "/b"),
        ([("/a", "absent"), ("/b", "silent"), ("/c", "silent")], "/b"),
    ],
)
def test_the_first_socket_where_somebody_listens_is_chosen(sockets, path: str):
    assert docker_contexts.chosen(iter(sockets)).socket == path


def test_no_socket_is_looked_at_once_one_is_found():
    rest = iter([("/a", "listening"), ("/b", "listening")])
    docker_contexts.chosen(rest)
    assert next(rest) == ("/b", "listening")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("unix:///odd@name.sock", "unix:///odd@name.sock"),
        ("tcp://user:s3cret@h:1", "tcp://h:1"),
        ("u:s3c@ret@h", "h"),
        ("tcp://h:2375/s3cret?token=s3cret#s3cret", "tcp://h:2375"),
        ("h:2375?token=s3cret", "h:2375"),
        ("tcp://u:s3c/ret@h:1", "tcp://..."),
        ("tcp://h/?mail=a@s3cret", "tcp://..."),
        ("tcp://u:s3cret://x@h", "..."),
        ("unix:///\udcff.sock", "unix:///\\udcff.sock"),
    ],
)
def test_an_address_is_shown_without_user_path_and_query(address: str, shown: str):
    assert docker_contexts.shown(address) == shown


def test_an_address_that_is_none_is_named_without_its_secret():
    with pytest.raises(BacError) as caught:
        docker_contexts.from_environment({"DOCKER_HOST": "ftp://127.0.0.1:1/s3cret?token=s3cret"}, HOME)
    assert caught.value.message == "connecting to the Docker engine at ftp://127.0.0.1:1: that is not an address"


def test_a_context_whose_address_holds_a_null_character_is_refused():
    with pytest.raises(BacError) as caught:
        docker_contexts.endpoint("c", meta(Host="unix:///a\0b"), META, None)
    assert caught.value.code == "no_engine"


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("unix:///s", True),
        ("tcp://127.0.0.1:2375", True),
        ("tcp://127.1.2.3", True),
        ("https://user@localhost:2376/prefix", True),
        ("tcp://[::1]:2375", True),
        ("127.0.0.1:2375", True),
        ("tcp://127.0.0.1.example.com:2375", False),
        ("tcp://localhost.example.com", False),
        ("tcp://10.0.0.1:2375", False),
        ("tcp://far:2375/127.0.0.1", False),
    ],
)
def test_a_socket_and_a_loopback_address_are_near(address: str, near: bool):
    assert Place(address).is_near is near


@given(st.binary() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps).map(str.encode))
def test_whatever_the_files_hold_is_read_or_refused(data: bytes):
    for read in (docker_contexts.selected, lambda _, *rest: docker_contexts.endpoint("c", *rest, None)):
        with suppress(BacError):
            read({}, data, META)


@given(st.text(st.characters(exclude_characters="\0"), min_size=1))
def test_any_address_is_a_place_or_refused(address: str):
    with suppress(BacError):
        place = docker_contexts.from_environment({"DOCKER_HOST": address}, HOME)
        assert place is not None
        assert place.socket is None or place.socket.startswith("/")
