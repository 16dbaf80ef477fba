"""The results folder: its layout, its summaries, and what it does on a full disk."""

from __future__ import annotations

import errno
import os
from contextlib import closing
from pathlib import Path

import pytest

from bactools.core.errors import BacError
from bactools.core.records import Output
from bactools.edges import results

JOB = "j-0123abcd-933e-e445-4fc5-f287ef03669c"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_every_run_has_a_folder_of_its_own(tmp_path: Path):
    made = [results.create(tmp_path, JOB).name for _ in range(3)]
    assert made == ["job-0123abcd", "job-0123abcd-2", "job-0123abcd-3"]


def test_a_hostile_id_stays_in_the_folder(tmp_path: Path):
    assert results.create(tmp_path, "../../etc").parent == tmp_path
    assert results.create(tmp_path, "/..").name == "job-unnamed"


def test_a_missing_parent_is_made(tmp_path: Path):
    assert results.create(tmp_path / "a" / "b", JOB) == tmp_path / "a" / "b" / "job-0123abcd"


def test_a_parent_that_is_a_file_is_unwritable(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(BacError) as caught:
        results.create(tmp_path / "file", JOB)
    assert caught.value.code == "unwritable_file"


def test_a_folder_that_cannot_be_filled_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(BacError) as caught:
        results.create(tmp_path, JOB)
    assert caught.value.code == "unwritable_file"
    assert names(tmp_path) == []


def test_a_sealed_folder_has_bacalhaus_layout(tmp_path: Path):
    folder = results.create(tmp_path, JOB)
    results.output(folder, "outputs")
    results.seal(folder, 137)
    assert names(folder) == ["exitCode", "outputs", "stderr", "stdout"]
    assert (folder / "exitCode").read_bytes() == b"137"


def test_an_unknown_exit_status_is_minus_one(tmp_path: Path):
    folder = results.create(tmp_path, JOB)
    results.seal(folder, None)
    assert (folder / "exitCode").read_bytes() == b"-1"


def test_a_shorter_exit_status_leaves_nothing_of_the_reserved_one(tmp_path: Path):
    folder = results.create(tmp_path, JOB)
    results.seal(folder, 0)
    assert (folder / "exitCode").read_bytes() == b"0"


def test_a_living_run_is_not_ended_for_one_that_had_its_folder_before(tmp_path: Path):
    folder = results.create(tmp_path, JOB)
    with results.held(folder):
        results.seal_left(folder)
        assert not (folder / "exitCode").exists()
    results.seal_left(folder)
    assert (folder / "exitCode").read_bytes() == b"-1"


def test_an_output_is_open_to_every_user_while_the_job_runs_only(tmp_path: Path):
    folder = results.create(tmp_path, JOB)
    output = results.output(folder, "outputs")
    assert output.stat().st_mode & 0o777 == 0o777
    results.seal(folder, 0)
    assert output.stat().st_mode & 0o777 == 0o755


def test_a_discarded_folder_is_gone(tmp_path: Path):
    folder = results.create(tmp_path, JOB)
    results.output(folder, "outputs")
    results.discard(folder)
    assert names(tmp_path) == []


def test_what_is_written_is_on_the_disk_at_once(tmp_path: Path):
    folder = results.create(tmp_path, JOB)
    with closing(results.Recorder(folder, {})) as recorder:
        recorder.write("stdout", b"one ")
        recorder.write("stderr", b"two")
        recorder.write("stdout", b"three")
        assert (folder / "stdout").read_bytes() == b"one three"
        assert (folder / "stderr").read_bytes() == b"two"


def test_output_beyond_the_limit_is_counted_and_dropped(tmp_path: Path):
    folder = results.create(tmp_path, JOB)
    with closing(results.Recorder(folder, {}, limit=5)) as recorder:
        recorder.write("stdout", b"abc")
        recorder.write("stdout", b"defg")
        recorder.write("stdout", b"h")
    summary = results.summary(folder, "stdout", recorder.printed["stdout"])
    assert summary == Output(bytes=8, tail="abcde", truncated=True)


def test_a_summary_shows_the_last_two_kibibytes(tmp_path: Path):
    folder = results.create(tmp_path, JOB)
    (folder / "stdout").write_bytes(b"x" * 1000 + b"y" * 2048)
    assert results.summary(folder, "stdout") == Output(bytes=3048, tail="y" * 2048)


def test_bytes_that_are_no_text_are_replaced_in_the_summary_only(tmp_path: Path):
    folder = results.create(tmp_path, JOB)
    (folder / "stdout").write_bytes(b"\xffa")
    assert results.summary(folder, "stdout").tail == "\ufffda"
    assert (folder / "stdout").read_bytes() == b"\xffa"


def test_live_output_is_shown_where_it_was_asked_for(tmp_path: Path):
    folder = results.create(tmp_path, JOB)
    reader, writer = os.pipe()
    with open(reader, "rb") as shown, closing(results.Recorder(folder, {"stderr": writer})) as recorder:  # noqa: PTH123
        recorder.write("stdout", b"kept")
        recorder.write("stderr", b"shown")
        assert recorder.show() is None
        assert shown.read(5) == b"shown"
        os.close(writer)


def test_a_watcher_that_goes_is_not_missed(tmp_path: Path):
    folder = results.create(tmp_path, JOB)
    reader, writer = os.pipe()
    os.close(reader)
    with closing(results.Recorder(folder, {"stderr": writer})) as recorder:
        recorder.write("stderr", b"one")
        assert recorder.show() is None
        os.close(writer)
        recorder.write("stderr", b"two")
    assert (folder / "stderr").read_bytes() == b"onetwo"


def test_a_full_disk_keeps_what_fits_and_the_exit_status(small_disk: Path):
    folder = results.create(small_disk, JOB)
    with closing(results.Recorder(folder, {})) as recorder, pytest.raises(BacError) as caught:
        recorder.write("stdout", b"x" * 2 * 1024 * 1024)
    assert caught.value.code == "unwritable_file"
    assert "No space left on device" in caught.value.message
    assert (folder / "stdout").stat().st_size > 512 * 1024
    results.seal(folder, 143)
    assert (folder / "exitCode").read_bytes() == b"143"
    assert names(folder) == ["exitCode", "stderr", "stdout"]


def test_a_disk_is_full_when_it_takes_no_more(small_disk: Path):
    folder = results.create(small_disk, JOB)
    assert not results.is_full(folder)
    with pytest.raises(OSError, match="No space left"):
        (folder / "stdout").write_bytes(bytes(2 * 1024 * 1024))
    assert results.is_full(folder)
    assert not results.is_full(small_disk / "gone")


def test_a_disk_that_does_not_say_how_large_it_is_is_not_full():
    assert not results.is_full(Path("/proc"))


def test_the_free_folder_is_the_one_that_is_made_next(tmp_path: Path):
    results.create(tmp_path, JOB)
    free = results.free(tmp_path, JOB)
    assert free.name == "job-0123abcd-2"
    assert not free.exists()
    assert results.create(tmp_path, JOB) == free


def test_sealing_a_folder_that_has_gone_is_unwritable(tmp_path: Path):
    with pytest.raises(BacError) as caught:
        results.seal(tmp_path / "gone", 0)
    assert caught.value.code == "unwritable_file"


def test_what_a_killed_run_left_is_sealed_without_an_exit_status(tmp_path: Path):
    folder = results.create(tmp_path, JOB)
    outputs = results.output(folder, "outputs")
    results.seal_left(folder)
    assert names(folder) == ["exitCode", "outputs", "stderr", "stdout"]
    assert (folder / "exitCode").read_bytes() == b"-1"
    assert outputs.stat().st_mode & 0o777 == 0o755


def test_a_run_that_has_ended_is_not_sealed_again(tmp_path: Path):
    folder = results.create(tmp_path, JOB)
    results.seal(folder, 3)
    results.seal_left(folder)
    results.seal_left(tmp_path / "gone")
    assert (folder / "exitCode").read_bytes() == b"3"


def test_a_folder_that_is_no_runs_is_not_sealed(tmp_path: Path):
    open_to_all = tmp_path / "sub"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    (tmp_path / ".exitCode").symlink_to("/etc/hostname")
    results.seal_left(tmp_path)
    assert open_to_all.stat().st_mode & 0o777 == 0o777
    assert not (tmp_path / "exitCode").exists()
