"""bac-exec without a daemon: what it reads, passes on and refuses, and the endings of WebAssembly jobs."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from processes import Completed, eventually

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    Run = Callable[..., Completed]

NODE = {"kind": "node", "v": 1, "id": "n-elsewhere", "name": "elsewhere"}
JOB = {"kind": "job", "v": 1, "id": "j-1", "spec": {}}

EXIT = """(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1) (func (export "_start") (call $exit (i32.const {status}))))"""
SPIN = '(module (memory (export "memory") 1) (func (export "_start") (loop $again (br $again))))'
RETURN = '(module (memory (export "memory") 1) (func (export "_start")))'
SAY = """(module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 0) "\\10\\00\\00\\00\\06\\00\\00\\00") (data (i32.const 16) "spoken")
  (func (export "_start") (drop (call $write (i32.const {stream}) (i32.const 0) (i32.const 1) (i32.const 8)))))"""


@pytest.fixture
def module(home: Path) -> Callable[[str], str]:
    """``module(text)``: a file that holds it."""

    def write(text: str) -> str:
        path = home / "module.wat"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def wasm_job(run: Run, module: Callable[[str], str]) -> Callable[..., bytes]:
    """``wasm_job(text, "--timeout", "1")``: a job line that runs this module."""

    def make(text: str, *flags: str) -> bytes:
        return run("bac-job", "wasm", *flags, module(text)).stdout

    return make


def line(record: dict[str, Any]) -> bytes:
    return json.dumps(record).encode() + b"\n"


def results(home: Path) -> list[str]:
    return sorted(path.name for path in home.glob("job-*"))


def test_a_plain_return_completes(run: Run, home: Path, wasm_job: Callable[..., bytes]):
    job = wasm_job(RETURN)
    ran = run("bac-exec", input=job)
    (record,) = ran.records
    assert ran.status == 0
    assert ran.stderr == ""
    assert (record["kind"], record["status"], record["exit_code"]) == ("result", "completed", 0)
    assert (record["engine"], record["platform"]) == ("wasm", "wasm32/wasi")
    assert record["job"] == json.loads(job)["id"]
    folder = Path(record["results"])
    assert folder.parent == home
    assert sorted(path.name for path in folder.iterdir()) == ["exitCode", "outputs", "stderr", "stdout"]
    assert (folder / "exitCode").read_bytes() == b"0"


def test_a_failed_job_is_a_no(run: Run, wasm_job: Callable[..., bytes]):
    ran = run("bac-exec", input=wasm_job(EXIT.format(status=7)))
    (record,) = ran.records
    assert ran.status == 1
    assert (record["status"], record["exit_code"]) == ("failed", 7)
    assert (Path(record["results"]) / "exitCode").read_bytes() == b"7"


def test_a_timeout_keeps_the_results(run: Run, wasm_job: Callable[..., bytes]):
    ran = run("bac-exec", "--timeout", "0.3", input=wasm_job(SPIN))
    (record,) = ran.records
    assert ran.status == 1
    assert record["status"] == "timeout"
    assert (Path(record["results"]) / "exitCode").read_bytes() == b"-1"


def test_results_go_where_they_are_asked_to(run: Run, home: Path, wasm_job: Callable[..., bytes]):
    ran = run("bac-exec", "--results", "a/b", input=wasm_job(RETURN) * 2)
    folders = [Path(record["results"]) for record in ran.records]
    assert [folder.parent for folder in folders] == [home / "a" / "b"] * 2
    assert folders[1].name == folders[0].name + "-2"
    assert results(home) == []


def test_results_at_a_path_that_engines_cannot_be_told_are_refused(run: Run, wasm_job: Callable[..., bytes]):
    ran = run("bac-exec", "--results", "odd\udcff", input=wasm_job(RETURN))
    (error,) = ran.records
    assert (ran.status, error["code"], error["hint"]) == (3, "unsupported", "--results names another folder.")
    assert "odd\\udcff/job-" in error["message"]


def test_results_that_cannot_be_made_are_a_failure_of_the_world(run: Run, home: Path, wasm_job: Callable[..., bytes]):
    (home / "file").touch()
    ran = run("bac-exec", "--results", "file", input=wasm_job(RETURN))
    assert ran.status == 4
    assert ran.records[0]["code"] == "unwritable_file"
    assert ran.stderr.startswith("bac-exec: ")
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize(("stream", "name"), [(1, "stdout"), (2, "stderr")])
def test_passthrough_hands_each_stream_on(run: Run, wasm_job: Callable[..., bytes], stream: int, name: str):
    ran = run("bac-exec", "--passthrough", input=wasm_job(SAY.format(stream=stream)))
    assert ran.status == 0
    assert (ran.stdout, ran.stderr) == ((b"spoken", "") if name == "stdout" else (b"", "spoken"))


@pytest.mark.parametrize(("text", "status"), [(EXIT.format(status=7), 7), (SPIN, 124), (RETURN, 0)])
def test_passthrough_ends_as_the_job(run: Run, wasm_job: Callable[..., bytes], text: str, status: int):
    ran = run("bac-exec", "--passthrough", "--timeout", "0.5", input=wasm_job(text))
    assert ran.status == status
    assert ran.stdout == b""


def test_passthrough_runs_one_job(run: Run, home: Path, wasm_job: Callable[..., bytes]):
    ran = run("bac-exec", "--passthrough", input=wasm_job(RETURN) * 2)
    assert ran.status == 125
    assert ran.stdout == b""
    assert "one job, not more" in ran.stderr
    assert results(home) == []


def test_passthrough_of_nothing_is_its_own_failure(run: Run):
    assert run("bac-exec", "--passthrough").status == 125


def test_passthrough_says_what_failed_before_it(run: Run):
    failed = {"kind": "error", "v": 1, "code": "not_found", "message": "no such image", "by": "bac-inspect"}
    ran = run("bac-exec", "--passthrough", input=line(failed))
    assert ran.status == 125
    assert ran.stderr.startswith("bac-exec: bac-inspect failed: no such image")


def test_following_shows_the_job_on_standard_error(run: Run, wasm_job: Callable[..., bytes]):
    ran = run("bac-exec", "--follow", input=wasm_job(SAY.format(stream=1)))
    assert ran.stderr == "spoken"
    assert ran.records[0]["stdout"] == {"bytes": 6, "tail": "spoken", "truncated": False}


def test_a_module_line_runs_as_it_is(run: Run, module: Callable[[str], str]):
    inspected = run("bac-inspect", module(EXIT.format(status=3))).stdout
    (record,) = run("bac-exec", input=inspected).records
    assert record["exit_code"] == 3


def test_a_spec_file_is_run(run: Run, home: Path, wasm_job: Callable[..., bytes]):
    spec = json.loads(wasm_job(EXIT.format(status=4)))["spec"]
    (home / "job.json").write_text(json.dumps(spec), encoding="utf-8")
    assert run("bac-exec", "job.json").records[0]["exit_code"] == 4


def test_lines_in_a_file_keep_what_was_found_out(run: Run, home: Path, wasm_job: Callable[..., bytes]):
    inspected = run("bac-inspect", input=wasm_job(EXIT.format(status=4))).stdout
    (home / "job.jsonl").write_bytes(inspected * 2)
    assert [record["exit_code"] for record in run("bac-exec", "job.jsonl").records] == [4, 4]
    (home / "module.wat").write_text(RETURN, encoding="utf-8")
    assert run("bac-exec", "job.jsonl").records[0]["code"] == "digest_mismatch"


def test_a_file_of_another_version_is_refused(run: Run, home: Path, wasm_job: Callable[..., bytes]):
    (home / "job.jsonl").write_bytes(wasm_job(RETURN).replace(b'"v":1', b'"v":2'))
    ran = run("bac-exec", "job.jsonl")
    assert (ran.status, results(home)) == (3, [])
    assert ran.stderr.endswith("[unknown_version]\n")


def test_a_match_in_a_file_is_held_to_its_host(run: Run, home: Path, wasm_job: Callable[..., bytes]):
    match = {"kind": "match", "v": 1, "ok": True, "job": json.loads(wasm_job(RETURN)), "node": NODE}
    (home / "match.jsonl").write_bytes(line(match))
    assert run("bac-exec", "match.jsonl").records[0]["code"] == "wrong_node"
    (home / "match.jsonl").write_bytes(line({**match, "node": run("bac-probe").records[0]}))
    assert run("bac-exec", "match.jsonl").records[0]["status"] == "completed"


def test_a_dash_takes_a_spec_from_standard_input(run: Run, wasm_job: Callable[..., bytes]):
    job = wasm_job(EXIT.format(status=4))
    spec = json.dumps(json.loads(job)["spec"], indent=1).encode()
    assert run("bac-exec", "-", input=spec).records[0]["exit_code"] == 4
    assert run("bac-exec", "-", input=job).records[0]["exit_code"] == 4
    assert run("bac-exec", "-", input=b"\n").stderr.endswith("[empty_input]\n")


def test_a_platform_that_the_artifact_does_not_have_is_a_bad_match(run: Run, wasm_job: Callable[..., bytes]):
    job = json.loads(run("bac-inspect", input=wasm_job(RETURN)).stdout)
    node = run("bac-probe").records[0]
    match = {"kind": "match", "v": 1, "ok": True, "job": job, "node": node, "platform": "wasm32/wasi/p2"}
    (record,) = run("bac-exec", input=line(match)).records
    assert record["code"] == "bad_record"
    assert "wasm32/wasi/p2; its platforms are wasm32/wasi" in record["message"]


@pytest.mark.parametrize("digest", ["bogus", "shake_128:aa", ""])
def test_a_digest_that_is_none_is_a_bad_record(run: Run, home: Path, wasm_job: Callable[..., bytes], digest: str):
    job = json.loads(run("bac-inspect", input=wasm_job(RETURN)).stdout)
    job["artifact"]["digest"] = digest
    for record in (job, job["artifact"]):
        ran = run("bac-exec", input=line({"v": 1, **record}))
        assert (ran.status, ran.records[0]["code"]) == (3, "bad_record")
    assert results(home) == []


@pytest.mark.parametrize("seconds", ["inf", "nan", "-inf", "1e999"])
def test_a_timeout_without_end_is_a_usage_error(run: Run, wasm_job: Callable[..., bytes], seconds: str):
    assert run("bac-exec", f"--timeout={seconds}", input=wasm_job(RETURN)).status == 2


def test_a_timeout_of_centuries_is_a_timeout(run: Run, wasm_job: Callable[..., bytes]):
    assert run("bac-exec", "--timeout", "1e10", input=wasm_job(RETURN)).status == 0
    assert run("bac-exec", input=wasm_job(RETURN, "--timeout", "10000000000")).status == 0


@pytest.mark.parametrize(("code", "status"), [(256, 1), (-1, 255), (258, 2)])
def test_passthrough_of_a_status_of_many_bits_is_never_0(
    run: Run, wasm_job: Callable[..., bytes], code: int, status: int
):
    assert run("bac-exec", "--passthrough", input=wasm_job(EXIT.format(status=code))).status == status


def test_passthrough_onto_a_full_disk_is_its_own_failure(shell: Run, home: Path, wasm_job: Callable[..., bytes]):
    (home / "job.jsonl").write_bytes(wasm_job(SAY.format(stream=1)))
    ran = shell("bac-exec --passthrough job.jsonl > /dev/full")
    assert ran.status == 125
    assert ran.stderr.endswith("[unwritable_file]\n")
    assert ran.stderr.count("\n") == 1


def test_passthrough_without_standard_output_ends_as_the_job_unless_that_prints(
    shell: Run, home: Path, wasm_job: Callable[..., bytes]
):
    (home / "job.jsonl").write_bytes(wasm_job(EXIT.format(status=7)))
    assert shell("bac-exec --passthrough job.jsonl >&-").status == 7
    (home / "job.jsonl").write_bytes(wasm_job(SAY.format(stream=1)))
    ran = shell("bac-exec --passthrough job.jsonl >&-")
    assert ran.status == 125
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize("option", [(), ("--passthrough",)])
def test_a_slow_reader_of_non_blocking_output_loses_nothing(
    spawn: Callable[..., subprocess.Popen[bytes]], wasm_job: Callable[..., bytes], option: tuple[str, ...]
):
    size = 200_000
    text = SAY.format(stream=1).replace("\\06\\00\\00", "".join(f"\\{part:02x}" for part in size.to_bytes(3, "little")))
    job = wasm_job(text.replace('"memory") 1)', '"memory") 4)'))
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    passed = b"".join(line({"kind": "someday", "v": 1, "fill": "x" * 50_000}) for _ in range(4))
    process = spawn("bac-exec", *option, input=job if option else passed + job, stdout=writer)
    os.close(writer)
    eventually(lambda: full(reader) or process.poll() is not None)
    with os.fdopen(reader, "rb") as stream:
        read = stream.read()
    assert process.wait(timeout=30) == 0
    assert len(read) == size if option else read.startswith(passed)


def full(reader: int) -> bool:
    """Whether what a pipe holds is nearly all that it can."""
    return int.from_bytes(fcntl.ioctl(reader, termios.FIONREAD, bytes(4)), sys.byteorder) > 60_000


def test_other_lines_pass_unchanged(run: Run, wasm_job: Callable[..., bytes]):
    strange = b'{"v":1, "kind":"someday","x": 1.0}\n'
    unfit = line({"kind": "match", "v": 1, "ok": False, "job": JOB, "node": NODE, "new": [1]})
    ran = run("bac-exec", input=strange + wasm_job(RETURN) + unfit)
    lines = ran.stdout.splitlines(keepends=True)
    assert ran.status == 0
    assert (lines[0], lines[2]) == (strange, unfit)
    assert json.loads(lines[1])["kind"] == "result"


def test_an_error_before_makes_the_run_partial(run: Run, wasm_job: Callable[..., bytes]):
    failed = line({"kind": "error", "v": 1, "code": "not_found", "message": "no such image"})
    ran = run("bac-exec", input=failed + wasm_job(RETURN))
    assert ran.status == 5
    assert ran.stdout.startswith(failed)


def test_one_bad_job_among_good_ones_is_an_error_record(run: Run, wasm_job: Callable[..., bytes]):
    ran = run("bac-exec", input=line(JOB) + wasm_job(RETURN))
    bad, good = ran.records
    assert ran.status == 5
    assert (bad["kind"], bad["code"], bad["by"]) == ("error", "bad_spec", "bac-exec")
    assert bad["input"] == "line 1 of standard input"
    assert good["status"] == "completed"


def test_a_match_for_another_host_is_refused_by_its_name(run: Run, home: Path, wasm_job: Callable[..., bytes]):
    match = {"kind": "match", "v": 1, "ok": True, "job": json.loads(wasm_job(RETURN)), "node": NODE}
    ran = run("bac-exec", input=line(match))
    assert ran.status == 3
    assert ran.records[0]["code"] == "wrong_node"
    here = run("bac-probe").records[0]
    assert f"the node elsewhere (n-elsewhere); this is {here['name']} ({here['id']})" in ran.stderr
    assert results(home) == []


def test_a_match_for_this_host_is_run(run: Run, wasm_job: Callable[..., bytes]):
    node = run("bac-probe").records[0]
    match = {"kind": "match", "v": 1, "ok": True, "job": json.loads(wasm_job(RETURN)), "node": node}
    ran = run("bac-exec", input=line({**match, "platform": "wasm32/wasi"}))
    assert (ran.status, ran.records[0]["node"]) == (0, node["id"])


def test_a_module_that_changed_since_it_was_inspected_is_refused(run: Run, home: Path, wasm_job: Callable[..., bytes]):
    inspected = run("bac-inspect", input=wasm_job(RETURN)).stdout
    (home / "module.wat").write_text(EXIT.format(status=1), encoding="utf-8")
    ran = run("bac-exec", input=inspected)
    assert ran.records[0]["code"] == "digest_mismatch"
    assert results(home) == []


def test_what_this_host_does_not_offer_is_refused_before_anything_is_made(
    run: Run, home: Path, wasm_job: Callable[..., bytes]
):
    inspected = json.loads(run("bac-inspect", input=wasm_job(RETURN)).stdout)
    inspected["artifact"]["platforms"] = [{"platform": "wasm64/wasi/p3"}]
    ran = run("bac-exec", input=line(inspected))
    assert ran.status == 3
    assert ran.records[0]["code"] == "wrong_platform"
    assert "wasm32/wasi" in ran.records[0]["hint"]
    assert run("bac-exec", "--passthrough", input=line(inspected)).status == 126
    assert results(home) == []


def test_a_host_without_docker_says_so(run: Run, home: Path):
    job = run("bac-job", "docker", "busybox").stdout
    ran = run("bac-exec", input=job, env={"DOCKER_HOST": "unix:///nowhere/docker.sock"})
    assert ran.status == 4
    assert ran.records[0]["code"] == "no_engine"
    assert "unix:///nowhere/docker.sock" in ran.stderr
    assert results(home) == []


def test_a_variable_that_is_not_set_is_named_and_one_that_is_stays_secret(
    run: Run, home: Path, wasm_job: Callable[..., bytes]
):
    job = wasm_job(RETURN, "--env", "TOKEN=env:SECRET_OF_MINE")
    missing = run("bac-exec", "--results", "newp/a/b", input=job)
    assert missing.status == 3
    assert "SECRET_OF_MINE" in missing.stderr
    assert not (home / "newp").exists()
    present = run("bac-exec", input=job, env={"SECRET_OF_MINE": "hush-hush"})
    assert present.status == 0
    assert b"hush-hush" not in present.stdout


@pytest.mark.parametrize(
    ("input", "code"),
    [
        (b"", "empty_input"),
        (b"not json\n", "bad_line"),
        (b'{"kind":"job","v":2}\n', "unknown_version"),
        (b'\xff{"kind":"job","v":1}\n', "bad_line"),
        (b'{"kind":"job","v":1', "bad_line"),
    ],
)
def test_bad_input_is_status_3_and_one_line(run: Run, input: bytes, code: str):
    ran = run("bac-exec", input=input)
    assert (ran.status, ran.stdout) == (3, b"")
    assert ran.stderr.endswith(f"[{code}]\n")
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize("operand", ["absent.yaml", "."])
def test_a_file_that_cannot_be_read_is_status_3(run: Run, operand: str):
    ran = run("bac-exec", operand)
    assert (ran.status, ran.stdout) == (3, b"")
    assert ran.stderr.endswith("[unreadable_file]\n")


def test_a_terminal_is_not_waited_for(pty_run: Run):
    assert pty_run("bac-exec").status == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_writes_the_record_and_kills(
    spawn: Callable[..., subprocess.Popen[bytes]], home: Path, wasm_job: Callable[..., bytes], number: int
):
    process = spawn("bac-exec", input=wasm_job(SPIN))
    eventually(lambda: results(home) and children(process.pid))
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == -number
    assert stderr.strip() == b""
    record = json.loads(stdout)
    assert record["status"] == "cancelled"
    assert (home / results(home)[0] / "exitCode").read_bytes() == b"-1"


def children(pid: int) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")


def test_a_reader_that_has_gone_ends_it_by_sigpipe(
    spawn: Callable[..., subprocess.Popen[bytes]], wasm_job: Callable[..., bytes]
):
    reader, writer = os.pipe()
    os.close(reader)
    process = spawn("bac-exec", input=wasm_job(RETURN), stdout=writer)
    os.close(writer)
    assert process.wait(timeout=30) == -signal.SIGPIPE


def test_a_large_module_is_compiled_on_all_processors_and_runs_as_any_other(run: Run, wasm_job: Callable[..., bytes]):
    filler = "x" * 300_000
    job = wasm_job(f'(module (memory (export "memory") 8) (data (i32.const 0) "{filler}") (func (export "_start")))')
    done = run("bac-exec", input=job)
    assert (done.status, [record["status"] for record in done.records]) == (0, ["completed"])
