import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import entrypoint
from bactools.core.errors import BacError


def launch(**run):
    return entrypoint.of_config(json.dumps({"architecture": "amd64", "config": run}).encode())


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ({"Entrypoint": ["/app"], "Cmd": ["--help"]}, ("/app", "--help")),
        ({"Entrypoint": None, "Cmd": ["/bin/sh", "-c", "echo"]}, ("/bin/sh", "-c", "echo")),
        ({"Entrypoint": [], "Cmd": ["sh"]}, ("sh",)),
        ({"Entrypoint": ["/app"], "Cmd": None}, ("/app",)),
        ({}, ()),
    ],
)
def test_the_entrypoint_comes_before_the_command(run, words):
    assert launch(**run).words == words


def test_a_config_without_a_container_runs_nothing():
    assert entrypoint.of_config(b"{}").words == ()
    assert entrypoint.of_config(b'{"config": null}').words == ()


@pytest.mark.parametrize("body", [b"", b"[]", b'{"config": {"Cmd": "sh"}}', b'{"config": []}', b"\xff"])
def test_what_is_no_config_is_refused(body):
    with pytest.raises(BacError) as caught:
        entrypoint.of_config(body)
    assert caught.value.code == "bad_manifest"


@pytest.mark.parametrize(
    ("word", "run", "paths"),
    [
        ("/app", {}, ("/app",)),
        ("bin/app", {"WorkingDir": "/srv"}, ("/srv/bin/app",)),
        ("./app", {}, ("/./app",)),
        ("./app", {"WorkingDir": "srv"}, ("/srv/./app",)),
        ("app", {"Env": ["PATH=/a:/b"]}, ("/a/app", "/b/app")),
        ("app", {"Env": ["PATH=/a", "PATH=/b"]}, ("/b/app",)),
        ("app", {"Env": ["PATH=:bin:/a"], "WorkingDir": "/w"}, ("/w/bin/app", "/a/app")),
        ("app", {"Env": ["PATH="]}, ()),
        ("app.wasm", {"Env": ["PATH=/a"]}, ("/a/app.wasm", "/app.wasm")),
    ],
)
def test_where_a_program_is_looked_for(word, run, paths):
    assert entrypoint.candidates(word, launch(**run)) == paths


def test_without_a_path_docker_has_one():
    assert entrypoint.candidates("sh", launch()) == (
        "/usr/local/sbin/sh",
        "/usr/local/bin/sh",
        "/usr/sbin/sh",
        "/usr/bin/sh",
        "/sbin/sh",
        "/bin/sh",
    )


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"#!/bin/sh\necho\n", "/bin/sh"),
        (b"#! \t/bin/sh -e\n", "/bin/sh"),
        (b"#!/bin/sh", "/bin/sh"),
        (b"#!/bin/sh\r\n", "/bin/sh\r"),
        (b"#!/usr/bin/env sh\n", "sh"),
        (b"#!/usr/bin/env  python3\n", "python3"),
        (b"#!/usr/bin/env python3 -u\n", "python3 -u"),
        (b"#!/usr/bin/env -S python3 -u\n", "python3"),
        (b"#!/usr/bin/env -S -i LANG=C python3 -u\n", "python3"),
        (b"#!/usr/bin/env\n", "/usr/bin/env"),
        (b"#!sh\n", "./sh"),
        (b"#!\n", "./"),
        (b"#!/" + b"x" * 300, "/" + "x" * 253),
        (b"\x7fELF", None),
        (b" #!/bin/sh", None),
        (b"\xef\xbb\xbf#!/bin/sh", None),
        (b"", None),
    ],
)
def test_the_interpreter_of_a_script(data, word):
    assert entrypoint.interpreter(data) == word


@given(st.binary(max_size=300))
def test_any_bytes_are_a_script_or_none(data):
    assert isinstance(entrypoint.interpreter(b"#!" + data), str)
