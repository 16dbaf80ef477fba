"""Results published on this host, and how they are packed."""

from __future__ import annotations

import os
import socket
import subprocess
import tarfile
from datetime import datetime, timezone
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from deep_trees import LEVELS, deep

from bactools.core.errors import BacError
from bactools.core.placeholders import Placeholders
from bactools.edges import trees
from bactools.edges.publishers import local, special, tarballs
from bactools.edges.s3 import publisher as s3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAMES = Placeholders("j-1", "e-2", "n-3", datetime(2024, 2, 9, 7, 5, 3, tzinfo=timezone.utc))


def silent(_: str | None) -> None:
    """Show nothing."""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "job-1"
    (folder / "outputs" / "empty").mkdir(parents=True)
    (folder / "stdout").write_bytes(b"hello\n")
    (folder / "outputs" / "run").write_bytes(b"#!/bin/sh\n")
    (folder / "outputs" / "run").chmod(0o700)
    (folder / "outputs" / "link").symlink_to("run")
    return folder


def packed(folder: Path) -> bytes:
    file = BytesIO()
    tarballs.pack(folder, file, silent)
    return file.getvalue()


def test_a_folder_is_published_where_it_is(results: Path):
    assert local.publish(results) == {"Type": "local", "Params": {"SourcePath": str(results)}}


def test_a_packed_folder_is_named_by_its_execution(results: Path, tmp_path: Path):
    published = local.publish_packed(results, NAMES, tmp_path / "to" / "here", silent)
    path = tmp_path / "to" / "here" / "e-2.tar.gz"
    assert published == {"Type": "local", "Params": {"SourcePath": str(path)}}
    assert path.read_bytes() == packed(results)
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o644


def test_what_cannot_be_packed_leaves_nothing_behind(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "to").mkdir()
    monkeypatch.setattr(tarballs, "is_special", lambda _: (results / "stdout").unlink(missing_ok=True))
    with pytest.raises(BacError) as caught:
        local.publish_packed(results, NAMES, tmp_path / "to", silent)
    assert caught.value.code == "unreadable_file"
    assert list((tmp_path / "to").iterdir()) == []
    assert (results / "outputs" / "run").read_bytes() == b"#!/bin/sh\n"


@pytest.fixture
def with_specials(results: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Results with a pipe, a socket and a link to a device."""
    os.mkfifo(results / "outputs" / "pipe")
    (results / "outputs" / "device").symlink_to("/dev/null")
    monkeypatch.chdir(results / "outputs" / "empty")  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        yield results


def test_what_holds_no_data_is_left_out_of_an_archive(with_specials: Path):
    with tarfile.open(fileobj=BytesIO(packed(with_specials))) as archive:
        names = archive.getnames()
    assert names == ["outputs", "outputs/device", "outputs/empty", "outputs/link", "outputs/run", "stdout"]


def test_what_holds_no_data_is_found(with_specials: Path):
    assert special.find(with_specials) == ["outputs/empty/socket", "outputs/pipe"]


def test_a_full_disk_leaves_nothing_behind(results: Path, small_disk: Path):
    (results / "noise").write_bytes(os.urandom(2 << 20))
    with pytest.raises(BacError) as caught:
        local.publish_packed(results, NAMES, small_disk, silent)
    assert caught.value.code == "unwritable_file"
    assert list(small_disk.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said(results: Path):
    with pytest.raises(BacError) as caught:
        local.publish_packed(results, NAMES, results / "stdout" / "to", silent)
    assert caught.value.code == "unwritable_file"


def test_an_archive_holds_what_the_folder_holds(results: Path):
    with tarfile.open(fileobj=BytesIO(packed(results))) as archive:
        found = {each.name: (each.type, each.mode, each.linkname) for each in archive}
    assert found == {
        "outputs": (tarfile.DIRTYPE, 0o755, ""),
        "outputs/empty": (tarfile.DIRTYPE, 0o755, ""),
        "outputs/link": (tarfile.SYMTYPE, 0o777, "run"),
        "outputs/run": (tarfile.REGTYPE, 0o755, ""),
        "stdout": (tarfile.REGTYPE, 0o644, ""),
    }


def test_folders_of_any_depth_are_packed(tmp_path: Path):
    folder = tmp_path / "deep"
    folder.mkdir()
    deep(folder, "d")
    with tarfile.open(fileobj=BytesIO(packed(folder))) as archive:
        names = archive.getnames()
    trees.remove(folder)
    assert (len(names), names[-1]) == (2 * LEVELS, "d/file")


def test_folders_of_any_depth_are_looked_through_for_objects(tmp_path: Path):
    deep(tmp_path, "d")
    assert len(s3._files(tmp_path)) == LEVELS
    trees.remove(tmp_path / "d")


def test_the_same_files_are_the_same_bytes_whenever_they_came(results: Path):
    before = packed(results)
    os.utime(results / "stdout", (1, 1))
    (results / "stdout").chmod(0o600)
    assert packed(results) == before


def test_tar_reads_every_name(results: Path, tmp_path: Path, tool: Callable[[str], str]):
    long = "/".join(["n" * 200] * 3)
    (results / long).mkdir(parents=True)
    os.close(os.open(os.fsencode(results) + b"/\xff", os.O_CREAT))
    (tmp_path / "x.tgz").write_bytes(packed(results))
    subprocess.run([tool("tar"), "-xzf", str(tmp_path / "x.tgz"), "-C", str(tmp_path)], check=True)
    assert (tmp_path / long).is_dir()
    assert (tmp_path / os.fsdecode(b"\xff")).exists()


def test_what_a_job_may_not_show_is_not_followed(results: Path):
    (results / "outputs" / "secret").symlink_to("/etc/passwd")
    with tarfile.open(fileobj=BytesIO(packed(results))) as archive:
        assert archive.getmember("outputs/secret").issym()


def test_a_file_that_shrinks_meanwhile_is_said(results: Path, monkeypatch: pytest.MonkeyPatch):
    real = tarballs._header

    def then_shrink(path: Path, name: str) -> tarfile.TarInfo:
        header = real(path, name)
        os.truncate(results / "stdout", 2)
        return header

    monkeypatch.setattr(tarballs, "_header", then_shrink)
    (results / "outputs" / "run").unlink()
    (results / "outputs" / "link").unlink()
    (results / "outputs" / "empty").rmdir()
    (results / "outputs").rmdir()
    with pytest.raises(BacError) as caught:
        packed(results)
    assert caught.value.code == "file_changed"
