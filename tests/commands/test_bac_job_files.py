"""bac-job between files: lines and documents of every length, and names and folders that are out of the ordinary."""

from __future__ import annotations

import json

SPEC = """
name: one
type: batch
tasks:
  - name: main
    engine: {type: docker, params: {image: busybox}}
"""


def test_blank_lines_before_records_leave_them_records(run):
    record = run("bac-job", "docker", "busybox").records[0]
    known = json.dumps({**record, "new": 1}).encode() + b"\n"
    assert run("bac-job", "-", input=b"\n \r\n" + known).stdout == known


def test_blank_lines_before_a_mistake_are_counted(run):
    assert "line 3 of standard input" in run("bac-job", "-", input=b"\n\nName: a: b\n").stderr
    assert "line 4 of standard input" in run("bac-job", "-", input=b'\n\n{"kind":"node","v":1}\n{').stderr


def test_a_file_of_job_lines_may_be_longer_than_a_document(run, home):
    (home / "large.wasm").write_bytes(b"\0asm".ljust(6 * 1024 * 1024, b"\0"))
    line = run("bac-job", "wasm", "--inline", "large.wasm").stdout
    (home / "jobs.jsonl").write_bytes(line * 3)
    done = run("bac-job", "jobs.jsonl")
    assert (done.status, done.stdout) == (0, line * 3)


def test_a_document_has_a_limit_in_a_file_too(run, home):
    (home / "job.yaml").write_bytes(b"# " + b"x" * 16 * 1024 * 1024 + b"\n" + SPEC.encode())
    done = run("bac-job", "job.yaml")
    assert (done.status, done.stderr) == (3, "bac-job: job.yaml is larger than 16777216 bytes [too_large]\n")


def test_a_line_that_no_command_would_read_is_not_written(run, home):
    for name in ("a.wasm", "b.wasm"):
        (home / name).write_bytes(b"\0asm".ljust(7 * 1024 * 1024, b"\0"))
    done = run("bac-job", "wasm", "--inline", "-I", "b.wasm", "a.wasm")
    assert (done.status, done.stdout) == (3, b"")
    assert done.stderr.endswith("Let the job fetch its data instead of carrying it inline. [too_large]\n")


def test_a_removed_current_folder_matters_only_to_relative_paths(shell):
    gone = "mkdir gone && cd gone && rmdir ../gone && bac-job docker -i"
    assert shell(f"{gone} file:///srv busybox").status == 0
    done = shell(f"{gone} file://srv busybox")
    assert (done.status, done.stdout) == (3, b"")
    assert done.stderr.startswith("bac-job: --input: cannot tell the current folder: No such file or directory. Name")


def test_a_file_name_that_is_not_unicode_can_be_told(run, home):
    (home / "bad\udcff.yaml").write_text(f"{SPEC}---\nType: cron\n")
    done = run("bac-job", "bad\udcff.yaml")
    assert done.status == 5
    assert done.records[1]["input"] == r"document 2 of bad\udcff.yaml"


def test_a_secret_in_the_wrong_place_is_not_repeated(run):
    done = run("bac-job", "-", input=f"{SPEC}    env: TOKEN=hunter2\n---{SPEC}".encode())
    assert done.status == 5
    assert "hunter2" not in done.stdout.decode() + done.stderr
