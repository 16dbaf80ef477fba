"""Inputs from this host and from the job itself."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core.errors import BacError
from bactools.core.running import Mount
from bactools.edges.sources import inline, local

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("params", "writable"),
    [({}, False), ({"ReadWrite": False}, False), ({"ReadWrite": True}, True), ({"ReadWrite": "true"}, True)],
)
def test_a_local_input_is_read_only_unless_it_says_so(tmp_path: Path, params: dict[str, Any], writable: bool):
    found = local.mount({"SourcePath": str(tmp_path), **params}, "/inputs")
    assert found == Mount(str(tmp_path), "/inputs", writable)


def test_a_relative_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    assert local.mount({"SourcePath": "data"}, "/inputs").host == str(tmp_path / "data")


def test_a_local_input_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(BacError) as caught:
        local.mount({"SourcePath": str(tmp_path / "absent")}, "/inputs")
    assert caught.value.code == "unreadable_file"
    assert str(tmp_path / "absent") in caught.value.message


def test_a_device_is_no_local_input():
    with pytest.raises(BacError) as caught:
        local.mount({"SourcePath": "/dev/zero"}, "/inputs/z")
    assert caught.value.code == "unsupported"
    assert "/dev/zero" in caught.value.message


def test_a_pipe_is_no_local_input(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BacError) as caught:
        local.mount({"SourcePath": str(tmp_path / "pipe")}, "/inputs")
    assert caught.value.code == "unsupported"


@pytest.mark.parametrize("params", [{}, {"SourcePath": ""}, {"SourcePath": 7}, {"SourcePath": "a\0b"}])
def test_a_local_input_needs_a_path(params: dict[str, Any]):
    with pytest.raises(BacError) as caught:
        local.mount(params, "/inputs")
    assert caught.value.code == "bad_spec"


@pytest.mark.parametrize(
    ("url", "media_type", "data"),
    [
        ("data:,hello%20world", "text/plain", b"hello world"),
        ("data:;base64,aGVsbG8=", "text/plain", b"hello"),
        ("data:text/plain;charset=utf-8;base64,aGVsbG8=", "text/plain", b"hello"),
        ("DATA:Application/WASM;BASE64,AGFzbQ%3D%3D", "application/wasm", b"\0asm"),
        ("data:text/plain;charset=utf-8,a,b", "text/plain", b"a,b"),
    ],
)
def test_data_urls_are_read_as_rfc_2397_has_them(url: str, media_type: str, data: bytes):
    assert inline.parse(url, "it") == inline.Inline(media_type, data)


@given(st.binary(max_size=200))
def test_any_bytes_come_back_from_base64(data: bytes):
    url = "data:application/octet-stream;base64," + base64.b64encode(data).decode()
    assert inline.parse(url, "it").data == data


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str):
    try:
        inline.parse("data:" + text, "it")
    except BacError as error:
        assert error.code == "bad_spec"  # noqa: PT017 (either outcome will do)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/x",
        "data:text/plain",
        "data:;base64,abc",
        "data:;base64,aGVs!bG8=",
        "data:;base64,_-_-",
        "data:;base64,aGk= aGk=",
        "data:;base64,aGk=aGk=",
    ],
)
def test_what_is_no_data_url_is_refused(url: str):
    with pytest.raises(BacError) as caught:
        inline.parse(url, "it")
    assert caught.value.code == "bad_spec"


def test_base64_may_have_line_breaks_as_bacalhaus_decoder_has_it():
    assert inline.parse("data:;base64,aGVs%0D%0AbG8=", "x").data == b"hello"


def test_more_than_the_limit_is_refused():
    with pytest.raises(BacError) as caught:
        inline.parse("data:," + "x" * (inline.MAX_DATA + 1), "it")
    assert caught.value.code == "too_large"


def test_a_packed_folder_is_refused_by_name():
    with pytest.raises(BacError) as caught:
        inline.read({"URL": "data:application/gzip;base64,H4sI"}, "/inputs")
    assert caught.value.code == "unsupported"
    assert "/inputs" in caught.value.message


def test_inline_data_becomes_a_read_only_file(tmp_path: Path):
    found = inline.mount({"URL": "data:,hello"}, "/inputs/a", tmp_path / "data")
    assert found == Mount(str(tmp_path / "data"), "/inputs/a", writable=False)
    assert (tmp_path / "data").read_bytes() == b"hello"


@pytest.mark.parametrize("create", ["dir", "file"])
def test_a_missing_local_input_is_not_created_and_that_is_said(tmp_path: Path, create: str):
    params = {"SourcePath": str(tmp_path / "new"), "CreateAs": create}
    with pytest.raises(BacError) as caught:
        local.mount(params, "/in")
    assert caught.value.code == "unsupported"
    assert f"CreateAs {create}" in caught.value.message
    (tmp_path / "new").mkdir()
    assert local.mount(params, "/in").host == str(tmp_path / "new")


@pytest.mark.usefixtures("private_umask")
def test_inline_data_is_readable_by_everybody_whatever_the_umask(tmp_path: Path):
    inline.mount({"URL": "data:,hello"}, "/in", tmp_path / "data")
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o644
