from __future__ import annotations

import shutil

import pytest

from bactools.core import binfmt
from bactools.core.executables import program
from bactools.edges.host import emulators
from bactools.edges.host.tree import Tree


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / emulators.FOLDER
    path.mkdir(parents=True)
    return path


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def test_a_host_without_binfmt_misc_has_none(tree):
    assert emulators.read(tree) == {}


def test_every_file_but_register_is_read(folder, tree):
    for name in ("status", "qemu-arm", "register"):
        (folder / name).write_text(f"{name}\n")
    assert emulators.read(tree) == {"status": "status\n", "qemu-arm": "qemu-arm\n"}


def test_an_entry_that_cannot_be_read_is_left_out(folder, tree):
    (folder / "gone").symlink_to("nowhere")
    (folder / "folder").mkdir()
    (folder / "bytes").write_bytes(b"enabled\n\xff\n")
    assert emulators.read(tree) == {"bytes": "enabled\n\ufffd\n"}


def test_a_name_that_is_not_utf_8_is_read_and_can_be_told(folder, tree):
    (folder / "caf\udce9").write_text("enabled\n")
    assert emulators.read(tree) == {"caf\ufffd": "enabled\n"}


def test_a_file_is_read_up_to_its_limit(folder, tree):
    (folder / "large").write_bytes(b"x" * (emulators.FILE_LIMIT + 1))
    assert len(emulators.read(tree)["large"]) == emulators.FILE_LIMIT


def test_an_interpreter_is_told_by_its_beginning(tmp_path, tree, programs):
    (tmp_path / "static").write_bytes(programs["arm64"])
    (tmp_path / "dynamic").write_bytes(programs["dynamic"])
    (tmp_path / "wrapper").write_text("#!/bin/sh\n")
    (tmp_path / "link").symlink_to("dynamic")
    found = emulators.dynamic(["/static", "/dynamic", "/wrapper", "/link"], tree)
    assert found == {"/static": False, "/dynamic": True, "/wrapper": True, "/link": True}


def test_an_interpreter_that_cannot_be_looked_at_tells_nothing(tmp_path):
    (tmp_path / "copy").mkdir()
    (tmp_path / "program").write_bytes(program("amd64"))
    copy = tmp_path / "copy"
    (copy / "outward").symlink_to(tmp_path / "program")
    (copy / "loop").symlink_to("loop")
    (copy / "folder").mkdir()
    (copy / "text").write_text("x")
    paths = ["/outward", "/loop", "/folder", "/text", "/absent", "", "/nul\0"]
    assert emulators.dynamic(paths, Tree(copy)) == dict.fromkeys(paths)


def test_the_interpreters_of_this_host_are_told_as_they_are(tool):
    tool("qemu-s390x-static")
    paths = [shutil.which("qemu-s390x-static"), shutil.which("ls")]
    assert emulators.dynamic(paths, Tree()) == {paths[0]: False, paths[1]: True}


@pytest.mark.usefixtures("emulated")
def test_this_host_emulates_arm():
    found = binfmt.takers(binfmt.entries(emulators.read(Tree())))
    assert {"arm64", "arm"} <= set(found)
    assert "F" in found["arm64"].flags
