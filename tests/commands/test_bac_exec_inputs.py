"""bac-exec and the inputs of whole jobs: checksums, modules and where they are, limits, what a killed run leaves."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import tarfile
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
import silent_server
from file_server import serving
from processes import eventually

from bactools.edges import cache

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import Popen

    from processes import Completed

    Run = Callable[..., Completed]

SAY = """(module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 0) "\\10\\00\\00\\00\\06\\00\\00\\00") (data (i32.const 16) "spoken")
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"""
QUIET = '(module (memory (export "memory") 1) (func (export "_start")))'
SPIN = '(module (memory (export "memory") 1) (func (export "_start") (loop $again (br $again))))'
LARGE = '(module (memory (export "memory") 8000) (func (export "_start")))'
CALLER = '(module (import "lib.wasm" "f" (func $f)) (memory (export "memory") 1) (func (export "_start") (call $f)))'
LIBRARY = '(module (func (export "f")))'


def inline(text: str, target: str) -> dict[str, Any]:
    url = "data:application/wasm;base64," + base64.b64encode(text.encode()).decode()
    return {"Target": target, "Source": {"Type": "inline", "Params": {"URL": url}}}


def download(url: str, target: str, **params: str) -> dict[str, Any]:
    return {"Target": target, "Source": {"Type": "urlDownload", "Params": {"URL": url, **params}}}


def job(*sources: dict[str, Any], imports: tuple[str, ...] = (), **fields: Any) -> bytes:
    engine = {"Type": "wasm", "Params": {"EntryModule": "/module", "ImportModules": list(imports)}}
    task = {"Name": "main", "Engine": engine, "InputSources": list(sources), **fields.pop("task", {})}
    return json.dumps({"Type": "batch", "Tasks": [task], **fields}).encode()


@pytest.fixture
def execute(run: Run, tmp_path: Path) -> Callable[..., Completed]:
    def execute(spec: bytes, *options: str) -> Completed:
        return run("bac-exec", *options, "--results", tmp_path / "results", "-", input=spec)

    return execute


@pytest.mark.parametrize("written", [str, lambda digest: base64.b64encode(bytes.fromhex(digest)).decode()])
def test_a_download_with_the_right_checksum_is_an_input(
    execute: Callable[..., Completed], written: Callable[[str], str]
):
    digest = hashlib.sha256(b"data").hexdigest()
    with serving(b"data") as files:
        ran = execute(job(inline(QUIET, "/module"), download(files.url, "/in", ChecksumSHA256=written(digest))))
    assert ran.records[0]["status"] == "completed"


def test_a_download_with_a_wrong_checksum_is_refused(execute: Callable[..., Completed]):
    digest = hashlib.sha256(b"other").hexdigest()
    with serving(b"data") as files:
        ran = execute(job(inline(QUIET, "/module"), download(files.url, "/in", ChecksumSHA256=digest)))
    assert ran.records[0]["code"] == "bad_input"


def test_what_is_no_checksum_is_refused_with_the_specification(execute: Callable[..., Completed]):
    ran = execute(job(inline(QUIET, "/module"), download("http://127.0.0.1:9/f", "/in", ChecksumSHA256="abc")))
    assert ran.records[0]["code"] == "bad_spec"
    assert "ChecksumSHA256 is 'abc'; it must be a SHA-256" in ran.records[0]["message"]


def test_a_module_from_a_server_is_asked_for_once(execute: Callable[..., Completed]):
    with serving(SAY.encode()) as files:
        ran = execute(job(download(files.url, "/module")))
        assert files.asked == [None]
    assert ran.records[0]["stdout"]["tail"] == "spoken"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_module_too_large_for_the_cache_is_asked_for_once_for_all_executions(
    execute: Callable[..., Completed], jobs: str
):
    with serving(SAY.encode() + b" " * cache.ENTRY_LIMIT) as files:
        ran = execute(job(download(files.url, "/module"), Count=3), "--jobs", jobs)
        assert files.asked == [None]
    assert [record["stdout"]["tail"] for record in ran.records] == ["spoken"] * 3


def test_an_import_module_is_asked_for_once(execute: Callable[..., Completed]):
    with serving(LIBRARY.encode()) as files:
        ran = execute(
            job(inline(CALLER, "/module"), download(files.url, "/lib.wasm"), imports=("lib.wasm", "/lib.wasm"))
        )
        assert files.asked == [None]
    assert ran.records[0]["status"] == "completed"


@pytest.mark.parametrize("width", ["1", "2"])
def test_each_of_several_jobs_gets_its_own_module(execute: Callable[..., Completed], width: str):
    with serving(SAY.encode()) as one, serving(QUIET.encode()) as other:
        jobs = b"\n---\n".join(job(download(files.url, "/module")) for files in (one, other) * 3)
        ran = execute(jobs, "--jobs", width)
    assert [record["stdout"]["tail"] for record in ran.records] == ["spoken", ""] * 3


def test_no_folder_holds_a_fetched_module_while_it_runs(spawn: Callable[..., Popen[bytes]], tmp_path: Path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    ticking = SAY.replace("drop", "loop (br_if 0 (i32.eqz").replace("8)))))", "8)))))))")
    with serving(ticking.encode()) as files:
        (tmp_path / "job.json").write_bytes(job(download(files.url, "/module")))
        results = tmp_path / "results"
        process = spawn("bac-exec", "--results", results, tmp_path / "job.json", env={"TMPDIR": str(temporary)})
        eventually(lambda: any(path.stat().st_size for path in results.glob("*/stdout")))
    assert [path for path in temporary.rglob("*") if path.is_file()] == []
    process.terminate()
    assert process.wait() != 0


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_given_timeout_ends_the_fetching_too(execute: Callable[..., Completed], jobs: str):
    with silent_server.serving() as server:
        spec = job(inline(QUIET, "/module"), download(f"{server.url}/file", "/in"))
        ran = execute(spec, "--timeout", "0.5", "--jobs", jobs)
    (record,) = ran.records
    why = "stopped after its total timeout of 0.5 s, before the job had started; --timeout set that limit"
    assert (ran.status, record["status"], record["message"]) == (1, "timeout", why)


def test_a_missing_import_is_to_be_given_as_an_input(execute: Callable[..., Completed]):
    (refused,) = execute(job(inline(CALLER, "/module"))).records
    assert refused["code"] == "wrong_platform"
    assert refused["hint"].startswith("Give the module lib.wasm as an input")


@pytest.mark.parametrize(("named", "target"), [("lib.wasm", "/lib.wasm"), ("/lib.wasm", "lib.wasm")])
def test_a_leading_slash_of_an_import_module_makes_no_difference(
    execute: Callable[..., Completed], named: str, target: str
):
    ran = execute(job(inline(CALLER, "module"), inline(LIBRARY, target), imports=(named,)))
    assert ran.records[0]["status"] == "completed"


def test_a_module_that_asks_for_no_memory_gets_512_mb(execute: Callable[..., Completed]):
    (record,) = execute(job(inline(LARGE, "/module"))).records
    assert record["status"] == "oom"
    assert "512000000" in record["message"]


def test_more_memory_than_webassembly_has_is_refused(execute: Callable[..., Completed]):
    (refused,) = execute(job(inline(QUIET, "/module"), task={"Resources": {"Memory": "5GiB"}})).records
    assert refused["code"] == "unsupported"


def test_executions_that_would_publish_over_each_other_are_not_run(execute: Callable[..., Completed], tmp_path: Path):
    publisher = {"Type": "s3", "Params": {"Bucket": "b", "Key": "{jobID}"}}
    (refused,) = execute(job(inline(QUIET, "/module"), task={"Publisher": publisher}, Count=2)).records
    assert (refused["code"], "{executionID}" in refused["message"]) == ("bad_spec", True)
    assert not (tmp_path / "results").exists()


def test_inputs_of_a_killed_run_are_taken_away_by_the_next(
    spawn: Callable[..., Popen[bytes]], run: Run, tmp_path: Path
):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    env = {"TMPDIR": str(temporary)}
    (tmp_path / "job.json").write_bytes(job(inline(SPIN, "/module"), inline("data", "/in")))
    killed = spawn("bac-exec", "--results", tmp_path / "results", tmp_path / "job.json", env=env)
    eventually(lambda: list(temporary.glob("bactools-run-*/*/data")))
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert list(temporary.glob("bactools-run-*"))
    run("bac-exec", "--results", tmp_path / "results", "-", input=job(inline(QUIET, "/module")), env=env)
    assert list(temporary.glob("bactools-run-*")) == []


def test_a_packed_input_of_deep_folders_leaves_nothing_behind(run: Run, tmp_path: Path):
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("d/" * 1100 + "file"))
    (tmp_path / "temporary").mkdir()
    url = "data:application/gzip;base64," + base64.b64encode(packed.getvalue()).decode()
    source = {"Target": "/in", "Source": {"Type": "inline", "Params": {"URL": url}}}
    ran = run("bac-exec", "-", input=job(inline(QUIET, "/module"), source), env={"TMPDIR": str(tmp_path / "temporary")})
    assert (ran.status, ran.stderr) == (0, "")
    assert list((tmp_path / "temporary").iterdir()) == []
