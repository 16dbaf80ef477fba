"""A file that others read while it is written: whole at every moment, and nothing beside it afterwards."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import processes
import pytest

from bactools.core.errors import BacError, Terminated
from bactools.edges import publication

LINE = b'{"kind":"node"}\n'
SOON = 60.0
APPENDER = """
import sys
from bactools.edges import publication
for number in range(25):
    publication.append(sys.argv[1], sys.argv[2].encode() * 3000 + b"\\n", wait=60)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refused(function, *arguments, **named) -> BacError:
    with pytest.raises(BacError) as caught:
        function(*arguments, **named)
    return caught.value


def replace(path, data, unchanged=None):
    return publication.replace(str(path), data, wait=SOON, unchanged=unchanged)


def append(path, line=LINE):
    publication.append(str(path), line, wait=SOON)


@pytest.fixture
def file(tmp_path):
    folder = tmp_path / "fleet"
    folder.mkdir()
    return folder / "node.jsonl"


def test_a_new_file_has_the_mode_that_the_user_asks_of_every_file(file):
    before = os.umask(0o027)
    try:
        assert replace(file, LINE) is True
    finally:
        os.umask(before)
    assert (file.read_bytes(), file.stat().st_mode & 0o7777) == (LINE, 0o640)
    assert names(file.parent) == ["node.jsonl"]


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o444, 0o2640])
def test_a_file_keeps_its_mode(file, mode):
    file.write_bytes(b"old\n")
    file.chmod(mode)
    replace(file, LINE)
    assert (file.read_bytes(), file.stat().st_mode & 0o7777) == (LINE, mode)


def test_a_file_keeps_its_owner(file):
    file.write_bytes(b"old\n")
    owner = (1234, 2345) if os.geteuid() == 0 else (os.geteuid(), os.getegid())  # only root gives files away
    os.chown(file, *owner)
    replace(file, LINE)
    assert (file.read_bytes(), file.stat().st_uid, file.stat().st_gid) == (LINE, *owner)


def test_a_reader_who_has_the_old_file_open_keeps_it(file):
    file.write_bytes(b"old\n")
    with file.open("rb") as reader:
        replace(file, LINE)
        assert reader.read() == b"old\n"
    assert file.read_bytes() == LINE


def test_a_link_stays_and_its_target_is_replaced(file):
    target = file.parent / "target"
    target.write_bytes(b"old\n")
    file.symlink_to("target")
    replace(file, LINE)
    assert file.is_symlink()
    assert target.read_bytes() == LINE


def test_an_unchanged_file_is_left_alone(file):
    file.write_bytes(b"old\n")
    before = file.stat()
    assert replace(file, LINE, lambda content: content == b"old\n") is False
    assert file.stat() == before
    assert replace(file, LINE, lambda content: content == b"other\n") is True
    assert file.read_bytes() == LINE


def test_a_file_that_is_not_there_is_not_unchanged(file):
    assert replace(file, LINE, lambda _: True) is True


def test_a_full_disk_leaves_the_old_file_and_nothing_else(small_disk):
    file = small_disk / "node.jsonl"
    file.write_bytes(b"old\n")
    error = refused(replace, file, b"x" * 2**21)
    assert error.code == "unwritable_file"
    assert error.message == f"cannot replace {file}: No space left on device"
    assert (file.read_bytes(), names(small_disk)) == (b"old\n", ["node.jsonl"])


@pytest.mark.parametrize("ending", [Terminated(signal.SIGTERM), KeyboardInterrupt()], ids=["SIGTERM", "SIGINT"])
def test_a_signal_leaves_the_old_file_and_nothing_else(file, ending):
    file.write_bytes(b"old\n")

    def interrupted(_content):
        raise ending

    with pytest.raises(type(ending)):
        replace(file, LINE, interrupted)
    assert (file.read_bytes(), names(file.parent)) == (b"old\n", ["node.jsonl"])


@pytest.mark.parametrize("write", [replace, append], ids=["replace", "append"])
@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/dev/full", "it is not a regular file"),
        ("/dev/null", "it is not a regular file"),
        ("/nonexistent/node.jsonl", "No such file or directory"),
    ],
)
def test_a_place_that_takes_no_file_is_refused(write, path, why):
    error = refused(write, path, LINE)
    assert error.code == "unwritable_file"
    assert error.message.endswith(f"{path}: {why}")


def test_a_folder_is_refused(tmp_path):
    assert "it is not a regular file" in refused(replace, tmp_path, LINE).message
    assert "Is a directory" in refused(append, tmp_path, LINE).message


@pytest.mark.parametrize("ending", ["/", "/.", "/.."])
def test_a_name_that_only_a_folder_has_makes_no_file(file, ending):
    error = refused(replace, f"{file}{ending}", LINE)
    assert error.code == "unwritable_file"
    assert names(file.parent) == []


def test_lines_are_added_at_the_end(file):
    append(file, b"1\n")
    append(file, b"2\n")
    assert file.read_bytes() == b"1\n2\n"


def test_half_a_line_of_somebody_else_is_ended_first(file):
    file.write_bytes(b'1\n{"kind":"no')
    append(file)
    assert file.read_bytes() == b'1\n{"kind":"no\n' + LINE


def test_a_full_disk_takes_a_whole_line_or_nothing(small_disk):
    file = small_disk / "nodes.jsonl"
    file.write_bytes(b"1\n" + b"x" * 900_000)
    before = file.read_bytes()
    error = refused(append, file, b"y" * 500_000 + b"\n")
    assert (error.code, error.message) == ("unwritable_file", f"cannot append to {file}: No space left on device")
    assert file.read_bytes() == before
    append(file)
    assert file.read_bytes() == before + b"\n" + LINE


def test_a_full_disk_leaves_no_empty_file_behind(small_disk):
    (small_disk / "full").write_bytes(b"x" * 1_000_000)
    refused(append, small_disk / "nodes.jsonl", b"y" * 500_000 + b"\n")
    assert names(small_disk) == ["full"]


def test_a_limit_on_the_size_of_files_takes_a_whole_line_or_nothing(file):
    script = (
        "import resource, sys; from bactools.edges import publication\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "publication.append(sys.argv[1], b'x' * 60 + b'\\n', wait=60)\n"
    )
    words = [sys.executable, "-c", script, str(file)]
    assert subprocess.run(words, check=False, capture_output=True).returncode == 0
    second = subprocess.run(words, check=False, capture_output=True)
    assert b"BacError: cannot append to" in second.stderr
    assert file.read_bytes() == b"x" * 60 + b"\n"


def test_writers_at_once_never_interleave(file):
    words = [[sys.executable, "-c", APPENDER, str(file), letter] for letter in "abcd"]
    writers = [subprocess.Popen(each) for each in words]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    lines = file.read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert sorted(lines) == sorted(letter * 3000 for letter in (b"a", b"b", b"c", b"d") for _ in range(25))


@pytest.mark.parametrize("write", [publication.replace, publication.append])
def test_another_writer_is_waited_for_no_longer_than_allowed(file, write):
    file.write_bytes(b"old\n")
    with file.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        error = refused(write, str(file), LINE, wait=0.1)
    assert (error.code, error.message) == ("timed_out", f"writing {file}: another writer keeps it locked")
    assert (file.read_bytes(), names(file.parent)) == (b"old\n", ["node.jsonl"])


def test_a_line_goes_to_the_file_that_has_the_name_when_the_turn_comes(file):
    file.write_bytes(b"old\n")
    with file.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        writer = threading.Thread(target=append, args=(file,))
        writer.start()
        waiting = Path("/proc/self/fd")
        processes.eventually(lambda: sum(os.path.realpath(link) == str(file) for link in waiting.iterdir()) == 2)
        (file.parent / "new").write_bytes(b"new\n")
        (file.parent / "new").rename(file)
    writer.join(60)
    assert file.read_bytes() == b"new\n" + LINE
