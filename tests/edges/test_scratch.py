"""Folders for what is fetched: gone with the run, and after a killed one gone with the next."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bactools.core.errors import BacError
from bactools.edges import scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

HOLD = """
import sys
from contextlib import contextmanager
from pathlib import Path
from bactools.edges import scratch
with scratch.folder(*map(Path, sys.argv[1:])) as path:
    (path / "input").write_text("data")
    print(path, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@contextmanager
def holding(*results: str) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-c", HOLD, *results]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[str]]:
    with holding() as process:
        yield process


def held(process: subprocess.Popen[str]) -> Path:
    assert process.stdout
    return Path(process.stdout.readline().strip())


def test_a_folder_is_gone_after_its_block(tmp_path: Path) -> None:
    with scratch.folder() as path:
        assert path.parent == tmp_path
        assert path.stat().st_mode & 0o777 == 0o700
        (path / "input").write_text("data")
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_killed_process_is_taken_away_by_the_next(holder: subprocess.Popen[str]) -> None:
    left = held(holder)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (left / "input").read_text() == "data"
    scratch.clear_left()
    assert not left.exists()


def test_a_killed_run_is_ended_with_its_folder_by_who_can_end_it(tmp_path: Path) -> None:
    ended: list[Path] = []
    with holding("/somebody/s/job-1") as holder:
        left = held(holder)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    scratch.clear_left()
    assert (left / "input").read_text() == "data"
    scratch.clear_left(ended.append)
    assert ended == [Path("/somebody/s/job-1")]
    assert list(tmp_path.iterdir()) == []


def test_a_living_run_is_not_ended(tmp_path: Path) -> None:
    ended: list[Path] = []
    with holding("/somebody/s/job-1") as holder:
        used = held(holder)
        scratch.clear_left(ended.append)
        assert list(tmp_path.iterdir()) == [used]
    assert ended == []


def test_the_folder_of_a_living_process_stays(holder: subprocess.Popen[str]) -> None:
    used = held(holder)
    scratch.clear_left()
    assert (used / "input").read_text() == "data"


def test_a_link_with_such_a_name_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / f"{scratch.PREFIX}link").symlink_to(other)
    scratch.clear_left()
    assert other.is_dir()


def test_a_folder_that_cannot_be_made_is_unwritable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "absent"))
    with pytest.raises(BacError) as caught, scratch.folder():
        pass
    assert caught.value.code == "unwritable_file"
    assert caught.value.hint == "Set TMPDIR to another folder."
