"""bac-exec around a run: inputs from elsewhere, results published, what would be run, what is shown on a terminal."""

from __future__ import annotations

import json
import tarfile
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from processes import Completed

    Run = Callable[..., Completed]

SAY = """(module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 0) "\\10\\00\\00\\00\\06\\00\\00\\00") (data (i32.const 16) "spoken")
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"""
SPIN = '(module (memory (export "memory") 1) (func (export "_start") (loop $again (br $again))))'


@pytest.fixture
def wasm_job(run: Run, home: Path) -> Callable[..., bytes]:
    """``wasm_job(text, "--timeout", "1")``: a job line that runs this module."""

    def make(text: str, *flags: str) -> bytes:
        path = home / "module.wat"
        path.write_text(text, encoding="utf-8")
        return run("bac-job", "wasm", *flags, path).stdout

    return make


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The URL of a folder's files, until the end of the block."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def results(home: Path) -> list[str]:
    return sorted(path.name for path in home.glob("job-*"))


def test_a_module_comes_from_a_web_server(run: Run, tmp_path: Path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "say.wat").write_text(SAY, encoding="utf-8")
    with serving(tmp_path / "files") as url:
        params = {"URL": f"{url}/say.wat"}
        source = {"Target": "/module", "Source": {"Type": "urlDownload", "Params": params}}
        task = {
            "Name": "main",
            "Engine": {"Type": "wasm", "Params": {"EntryModule": "/module"}},
            "InputSources": [source],
        }
        ran = run("bac-exec", "-", input=json.dumps({"Type": "batch", "Tasks": [task]}).encode())
    assert ran.records[0]["stdout"]["tail"] == "spoken"


def test_an_input_that_cannot_be_fetched_leaves_nothing(run: Run, home: Path, wasm_job: Callable[..., bytes]):
    record = json.loads(wasm_job(SAY))
    record["spec"]["Tasks"][0]["InputSources"].append(
        {"Target": "/data", "Source": {"Type": "urlDownload", "Params": {"URL": "http://127.0.0.1:9/data"}}}
    )
    ran = run("bac-exec", input=json.dumps(record).encode(), timeout=120)
    assert (ran.status, ran.records[0]["code"]) == (4, "unreachable")
    assert results(home) == []


def test_the_local_publisher_names_the_folder(run: Run, wasm_job: Callable[..., bytes]):
    (record,) = run("bac-exec", input=wasm_job(SAY, "--publisher", "local")).records
    assert record["published"] == {"Type": "local", "Params": {"SourcePath": record["results"]}}


def test_the_local_publisher_packs_where_it_is_asked_to(run: Run, home: Path, wasm_job: Callable[..., bytes]):
    (record,) = run("bac-exec", "--publish", "packed", input=wasm_job(SAY, "--publisher", "local")).records
    path = Path(record["published"]["Params"]["SourcePath"])
    assert path.parent == home / "packed"
    with tarfile.open(path) as packed:
        assert {name.removeprefix("./") for name in packed.getnames()} >= {"stdout", "stderr", "exitCode", "outputs"}


@pytest.mark.parametrize("width", ["1", "2"])
def test_a_publisher_that_fails_leaves_the_results_and_says_where(
    run: Run, home: Path, wasm_job: Callable[..., bytes], width: str
):
    (home / "file").touch()
    job = wasm_job(SAY, "--publisher", "local")
    ran = run("bac-exec", "--jobs", width, "--publish", "file", input=job)
    record, error = ran.records
    assert ran.status == 5
    assert (record["kind"], record["status"], record["published"]) == ("result", "completed", None)
    assert record["message"].startswith("its results are not published: ")
    assert (Path(record["results"]) / "stdout").read_bytes() == b"spoken"
    assert (error["kind"], error["code"]) == ("error", "unwritable_file")
    assert f"they stay in {record['results']}" in error["message"]


def test_what_was_cut_short_is_not_published_and_called_partial(run: Run, wasm_job: Callable[..., bytes]):
    (record,) = run("bac-exec", "--timeout", "0.5", input=wasm_job(SPIN, "--publisher", "local")).records
    assert record["status"] == "timeout"
    assert "published" not in record
    assert record["message"].endswith("; its outputs are partial")


def test_a_publisher_that_this_host_has_not_is_refused_before_anything_runs(
    run: Run, home: Path, wasm_job: Callable[..., bytes]
):
    for publisher, code in (("ipfs", "bad_config"), ("s3managed", "unsupported")):
        ran = run("bac-exec", input=wasm_job(SAY, "--publisher", publisher))
        assert (ran.status, ran.records[0]["code"]) == (3, code)
    assert results(home) == []


def test_an_address_that_is_none_is_refused_before_anything_runs(run: Run, home: Path, wasm_job: Callable[..., bytes]):
    job = wasm_job(SAY, "--publisher", "s3://bucket/{jobID},opt=endpoint=gopher://127.0.0.1")
    ran = run("bac-exec", input=job)
    assert (ran.status, ran.records[0]["code"]) == (3, "bad_spec")
    assert results(home) == []


@pytest.mark.parametrize("options", [(), ("-q",)])
def test_passthrough_says_what_it_could_not_publish(
    run: Run, home: Path, wasm_job: Callable[..., bytes], options: tuple[str, ...]
):
    (home / "file").touch()
    ran = run("bac-exec", *options, "--passthrough", "--publish", "file", input=wasm_job(SAY, "--publisher", "local"))
    assert ran.status == 0
    assert "they stay in " in ran.stderr


def test_a_dry_run_makes_nothing_and_tells_the_plan(run: Run, home: Path, wasm_job: Callable[..., bytes]):
    job = wasm_job(SAY, "--env", "TOKEN=env:SECRET_OF_MINE", "--memory", "64MiB", "--timeout", "9", "--count", "4")
    before = sorted(home.rglob("*"))
    ran = run("bac-exec", "--dry-run", input=job, env={"SECRET_OF_MINE": "hush-hush"})
    assert ran.status == 0
    (record,) = ran.records
    assert record["kind"] == "job"
    assert record["artifact"]["digest"] == record["plan"]["digest"]
    plan: dict[str, Any] = record["plan"]
    assert (plan["engine"], plan["platform"], plan["executions"]) == ("wasm", "wasm32/wasi", 4)
    assert plan["limits"]["memory"] == 64 * 1024 * 1024
    assert plan["limits"]["total_timeout"] == 9
    assert "TOKEN" in plan["environment"]
    assert plan["command"][:2] == ["wasmtime", "run"]
    assert 'TOKEN="$SECRET_OF_MINE" wasmtime run ' in ran.stderr
    assert "hush-hush" not in ran.stderr + ran.stdout.decode()
    assert sorted(path for path in home.rglob("*") if ".cache" not in str(path)) == [
        path for path in before if ".cache" not in str(path)
    ]


@pytest.mark.usefixtures("docker")
def test_the_command_line_of_a_dry_run_does_the_same(registry: str, run: Run, shell: Run, home: Path):
    (home / "data").mkdir()
    (home / "data" / "it's").write_text("here", encoding="utf-8")
    script = 'echo "$TOKEN $PLAIN"; cat /inputs/*; echo made > /outputs/file'
    job = run(
        "bac-job", "docker", "--env", "TOKEN=env:MINE", "--env", "PLAIN=a b", "-i", f"file://{home}/data:/inputs",
        "--timeout", "60", f"{registry}/busybox:multi", "--", "sh", "-c", script,
    ).stdout  # fmt: skip
    told = run("bac-exec", "--dry-run", input=job, env={"MINE": "hush"})
    assert results(home) == []
    by_hand = shell(told.stderr, env={"MINE": "hush"})
    assert by_hand.stdout == b"hush a b\nhere"
    (output,) = home.glob("job-*/outputs/file")
    assert output.read_bytes() == b"made\n"
    (record,) = run("bac-exec", input=job, env={"MINE": "hush"}).records
    assert record["stdout"]["tail"] == "hush a b\nhere"


def test_a_terminal_shows_what_a_job_prints_as_it_prints_it(pty_run: Run, wasm_job: Callable[..., bytes]):
    job = wasm_job(SAY)
    assert (
        b"spoken"
        in pty_run("bac-exec", "--format", "jsonl", input=job, terminal_stderr=True).stdout.split(b'{"kind')[0]
    )
    for flags in (("--no-follow",), ("-q",), ("--jobs", "2")):
        ran = pty_run("bac-exec", "--format", "jsonl", *flags, input=job, terminal_stderr=True)
        assert b"spoken" not in ran.stdout.split(b'{"kind')[0]


def test_a_job_that_feeds_another(shell: Run, home: Path):
    (home / "say.wat").write_text(SAY, encoding="utf-8")
    first = "bac-job wasm say.wat | bac-exec"
    ran = shell(f"{first} | bac-job <(bac-job wasm say.wat) --input-from - | bac-exec --dry-run")
    (folder,) = results(home)
    assert {"host": str(home / folder), "guest": "/inputs", "writable": False} in ran.records[0]["plan"]["mounts"]
