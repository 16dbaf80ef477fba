"""bac-exec with many jobs: at once, in the order in which they came, in several executions, stopped in the middle."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from processes import Completed, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Completed]
    Spawn = Callable[..., subprocess.Popen[bytes]]

SPIN = '(module (memory (export "memory") 1) (func (export "_start") (loop $again (br $again))))'
RETURN = '(module (memory (export "memory") 1) (func (export "_start")))'
ENVIRONMENT = """(module
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (drop (call $get (i32.const 1024) (i32.const 4096)))
    (i32.store (i32.const 8) (i32.const 4096))
    (i32.store (i32.const 12) (i32.load (i32.const 4)))
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))))"""
SAY = """(module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 0) "\\10\\00\\00\\00\\05\\00\\00\\00") (data (i32.const 16) "a\\nb\\nc")
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"""
STRANGE = b'{"v":1, "kind":"someday","x": 1.0}\n'


@pytest.fixture
def wasm_job(run: Run, home: Path) -> Callable[..., bytes]:
    """``wasm_job("name", text, "--timeout", "1")``: a job line that runs this module."""

    def make(name: str, text: str, *flags: str) -> bytes:
        path = home / f"{name}.wat"
        path.write_text(text, encoding="utf-8")
        return run("bac-job", "wasm", "--name", name, *flags, path).stdout

    return make


def names(records: list[dict[str, Any]], *jobs: bytes) -> list[str]:
    known = {job["id"]: job["name"] for job in map(json.loads, jobs)}
    return [known[record["job"]] for record in records]


def results(home: Path) -> list[str]:
    return sorted(path.name for path in home.glob("job-*"))


@pytest.mark.parametrize("width", ["1", "3"])
def test_each_execution_of_a_job_knows_its_partition(run: Run, wasm_job: Callable[..., bytes], width: str):
    ran = run("bac-exec", "--jobs", width, input=wasm_job("parts", ENVIRONMENT, "--count", "3"))
    assert ran.status == 0
    assert len({record["results"] for record in ran.records}) == 3
    for number, record in enumerate(ran.records):
        variables = (Path(record["results"]) / "stdout").read_bytes().split(b"\0")
        assert f"BACALHAU_PARTITION_INDEX={number}".encode() in variables
        assert b"BACALHAU_PARTITION_COUNT=3" in variables


def test_results_come_in_the_order_of_the_jobs(run: Run, wasm_job: Callable[..., bytes]):
    slow = wasm_job("slow", SPIN, "--timeout", "1")
    quick = wasm_job("quick", RETURN)
    ran = run("bac-exec", "--jobs", "2", input=slow + STRANGE + quick + b'{"kind":"job","v":1,"id":"j-1"}\n' + quick)
    lines = ran.stdout.splitlines(keepends=True)
    records = [json.loads(line) for line in lines]
    assert [record["kind"] for record in records] == ["result", "someday", "result", "error", "result"]
    assert lines[1] == STRANGE
    assert names([records[0], records[2], records[4]], slow, quick) == ["slow", "quick", "quick"]
    assert (records[0]["status"], records[3]["code"]) == ("timeout", "bad_spec")
    assert ran.status == 5


def test_a_job_that_fails_or_is_refused_is_told_alike_by_a_worker(run: Run, home: Path, wasm_job: Callable[..., bytes]):
    job = wasm_job("gone", RETURN)
    inspected = run("bac-inspect", input=job).stdout
    (home / "gone.wat").write_text(SPIN, encoding="utf-8")
    ran = run("bac-exec", "--jobs", "2", input=inspected)
    assert ran.records[0]["code"] == "digest_mismatch"
    assert ran.status == 4
    assert results(home) == []


def test_a_result_does_not_wait_for_the_next_job(spawn: Spawn, wasm_job: Callable[..., bytes]):
    process = spawn("bac-exec", "--jobs", "2", stdin=subprocess.PIPE)
    for _ in range(2):
        assert one_result(process, wasm_job("one", RETURN))["status"] == "completed"
    finish(process)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_every_running_job_and_begins_no_other(
    spawn: Spawn, home: Path, wasm_job: Callable[..., bytes], number: int
):
    jobs = b"".join(wasm_job(name, SPIN) for name in ("one", "two", "three"))
    process = spawn("bac-exec", "--jobs", "2", input=jobs)
    eventually(lambda: len(grandchildren(process.pid)) == 2)
    os.killpg(process.pid, number)  # as a terminal does
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == -number
    assert stderr.strip() == b""
    records = [json.loads(line) for line in stdout.splitlines()]
    assert [record["status"] for record in records] == ["cancelled", "cancelled"]
    assert all("its outputs are partial" in record["message"] for record in records)
    assert len(results(home)) == 2


def test_workers_die_with_a_killed_bac_exec(spawn: Spawn, wasm_job: Callable[..., bytes]):
    process = spawn("bac-exec", "--jobs", "2", input=wasm_job("one", SPIN))
    (guest,) = eventually(lambda: grandchildren(process.pid))
    process.kill()
    process.wait(timeout=30)
    eventually(lambda: not Path(f"/proc/{guest}").exists() or state(guest) == "Z")


def test_a_reader_that_has_gone_stops_what_runs(spawn: Spawn, home: Path, wasm_job: Callable[..., bytes]):
    reader, writer = os.pipe()
    process = spawn("bac-exec", "--jobs", "2", input=wasm_job("one", RETURN) + wasm_job("two", SPIN), stdout=writer)
    os.close(writer)
    os.close(reader)
    assert process.wait(timeout=30) == -signal.SIGPIPE
    eventually(lambda: all((home / name / "exitCode").exists() for name in results(home)))


def test_lines_that_are_shown_say_whose_they_are(run: Run, wasm_job: Callable[..., bytes]):
    jobs = wasm_job("one", SAY) + wasm_job("two", SAY, "--count", "2")
    ran = run("bac-exec", "--jobs", "3", "--follow", "--prefix", input=jobs)
    assert sorted(ran.stderr.splitlines()) == sorted(
        f"{who} stdout: {what}" for who in ("one", "two[0]", "two[1]") for what in ("a", "b", "c")
    )


def test_jobs_wait_for_room_on_the_host(run: Run, wasm_job: Callable[..., bytes]):
    huge = [wasm_job(name, RETURN, "--cpu", "900") for name in ("one", "two")]
    ran = run("bac-exec", "--jobs", "2", input=b"".join(huge))
    assert [record["status"] for record in ran.records] == ["completed", "completed"]
    first, second = ran.records
    assert first["finished"] <= second["started"]


def test_a_terminal_and_nobody_else_is_told_how_many_are_done_and_how_many_run(
    run: Run, pty_run: Run, wasm_job: Callable[..., bytes]
):
    # what takes the whole host runs alone, so that there is one way only in which this can go
    jobs = b"".join(wasm_job(name, SAY, "--cpu", "900") for name in ("one", "two", "three"))
    words = ("bac-exec", "--jobs", "2", "--format", "jsonl")
    shown = pty_run(*words, input=jobs, terminal_stderr=True).stdout
    assert told(shown) == ["0 done, 1 running", "1 done, 1 running", "2 done, 1 running"]
    assert shown.endswith(b"}\n")  # nothing is left on the terminal
    for flags in (("-q",), ("--follow",)):
        assert told(pty_run(*words, *flags, input=jobs, terminal_stderr=True).stdout) == []
    assert run(*words, input=jobs).stderr == ""


def told(shown: bytes) -> list[str]:
    """What a terminal was told of jobs at once, each only once."""
    return list(dict.fromkeys(re.findall(r"\r\x1b\[K(\d+ done, \d+ running)", shown.decode())))


def test_a_count_of_nothing_is_refused(run: Run, wasm_job: Callable[..., bytes]):
    ran = run("bac-exec", input=wasm_job("none", RETURN, "--count", "0"))
    assert (ran.status, ran.records[0]["code"]) == (3, "bad_spec")


def test_passthrough_runs_one_execution(run: Run, home: Path, wasm_job: Callable[..., bytes]):
    ran = run("bac-exec", "--passthrough", input=wasm_job("two", RETURN, "--count", "2"))
    assert ran.status == 125
    assert "once, not 2 times" in ran.stderr
    assert results(home) == []


def test_a_second_ctrl_c_ends_all_at_once_and_the_next_run_clears_up(
    docker: Any, registry: str, run: Run, spawn: Spawn, home: Path
):
    words = ("bac-job", "docker", f"{registry}/busybox:multi", "--", "sh", "-c", "trap '' TERM; echo up; sleep 100")
    process = spawn("bac-exec", "--jobs", "2", input=run(*words).stdout)
    eventually(lambda: [path for path in home.glob("job-*/stdout") if path.read_bytes()])
    process.send_signal(signal.SIGINT)
    eventually(lambda: ignored(process.pid, signal.SIGTERM))
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
    assert process.returncode == -signal.SIGINT
    stdout, _ = process.communicate()
    assert stdout == b""
    (job,) = run(*words).records
    other = run("bac-job", "docker", f"{registry}/busybox:multi", "--", "true").stdout
    # a process that nobody has collected yet counts as living
    said = eventually(lambda: run("bac-exec", input=other).stderr)
    assert said == f"bac-exec: removed the containers that a killed bac-exec had left of {job['id']}\n"
    assert docker.containers.list(all=True, filters={"label": f"bactools={job['id']}"}) == []


def test_a_worker_and_its_engine_do_job_after_job(spawn: Spawn, wasm_job: Callable[..., bytes]):
    process = spawn("bac-exec", "--jobs", "2", stdin=subprocess.PIPE)
    seen = set()
    for job in (wasm_job("one", RETURN), wasm_job("two", SAY), wasm_job("three", RETURN)):
        assert one_result(process, job)["status"] == "completed"
        seen.add((*children(process.pid), *grandchildren(process.pid)))
    (processes,) = seen
    assert len(processes) == 2
    finish(process)


def test_a_bug_in_one_job_loses_no_other(run: Run, tmp_path: Path, wasm_job: Callable[..., bytes]):
    (tmp_path / "sitecustomize.py").write_text(
        "import bactools.core.plan as plan\n"
        "whole = plan.environment\n"
        "def broken(task, *others):\n"
        "    return 1 / 0 if 'BREAK' in task.environment else whole(task, *others)\n"
        "plan.environment = broken\n"
    )
    jobs = wasm_job("first", RETURN) + wasm_job("broken", RETURN, "--env", "BREAK=1") + wasm_job("last", RETURN)
    ran = run("bac-exec", "--jobs", "3", input=jobs, env={"PYTHONPATH": str(tmp_path)})
    told = [(record["status"], record.get("message")) for record in ran.records]
    why = "ZeroDivisionError: division by zero; its outputs are partial"
    assert told == [("completed", None), ("failed", why), ("completed", None)]
    assert ran.status == 70
    assert "a bug in bactools: RuntimeError: ZeroDivisionError: division by zero" in ran.stderr


def test_a_job_whose_worker_is_killed_has_failed_and_the_next_one_runs(
    spawn: Spawn, home: Path, wasm_job: Callable[..., bytes]
):
    process = spawn("bac-exec", "--jobs", "2", stdin=subprocess.PIPE)
    write(process, wasm_job("killed", SPIN))
    eventually(lambda: grandchildren(process.pid))
    (worker,) = children(process.pid)
    os.kill(int(worker), signal.SIGKILL)
    record = one_result(process)
    assert (record["kind"], record["status"], record["exit_code"]) == ("result", "failed", None)
    assert record["message"] == ("the process that ran the job was killed (Killed, signal 9); its outputs are partial")
    assert record["started"] <= record["finished"]
    assert results(home) == [Path(record["results"]).name]
    assert (Path(record["results"]) / "exitCode").read_text() == "-1"
    assert one_result(process, wasm_job("next", RETURN))["status"] == "completed"
    finish(process, status=1)


def test_the_container_of_a_worker_that_is_killed_goes_at_once_and_what_it_printed_stays(
    docker: Any, registry: str, run: Run, spawn: Spawn, home: Path
):
    script = "echo half > /out/file; echo up; sleep 100"
    words = ("--output", "out:/out", f"{registry}/busybox:multi", "--", "sh", "-c", script)
    (home / "job.jsonl").write_bytes(run("bac-job", "docker", "--count", "2", *words).stdout)
    (job,) = run("bac-job", "docker", "--count", "2", *words).records
    labelled = {"label": f"bactools={job['id']}"}
    process = spawn("bac-exec", "--jobs", "2", "job.jsonl")
    eventually(lambda: len([path for path in home.glob("job-*/stdout") if path.read_bytes()]) == 2)
    os.kill(int(children(process.pid)[0]), signal.SIGKILL)
    (killed,) = eventually(lambda: list(home.glob("job-*/exitCode")))
    assert len(eventually(lambda: docker.containers.list(all=True, filters=labelled))) == 1
    process.terminate()
    stdout, _ = process.communicate(timeout=60)
    records = {record["status"]: record for record in map(json.loads, stdout.splitlines())}
    assert sorted(records) == ["cancelled", "failed"]
    assert records["failed"]["results"] == str(killed.parent)
    assert records["failed"]["stdout"] == {"bytes": 3, "tail": "up\n", "truncated": False}
    assert killed.read_text() == "-1"
    assert (killed.parent / "out" / "file").stat().st_uid == os.geteuid()
    assert docker.containers.list(all=True, filters=labelled) == []


def test_a_worker_that_is_killed_while_it_waits_is_replaced(spawn: Spawn, wasm_job: Callable[..., bytes]):
    process = spawn("bac-exec", "--jobs", "2", stdin=subprocess.PIPE)
    assert one_result(process, wasm_job("one", RETURN))["status"] == "completed"
    (worker,) = children(process.pid)
    os.kill(int(worker), signal.SIGKILL)
    eventually(lambda: state(worker) == "Z")
    assert one_result(process, wasm_job("two", RETURN))["status"] == "completed"
    finish(process)


def test_a_worker_that_is_told_to_stop_tells_of_its_job_and_is_replaced(spawn: Spawn, wasm_job: Callable[..., bytes]):
    process = spawn("bac-exec", "--jobs", "2", stdin=subprocess.PIPE)
    write(process, wasm_job("stopped", SPIN))
    eventually(lambda: grandchildren(process.pid))
    (worker,) = children(process.pid)
    os.kill(int(worker), signal.SIGTERM)
    assert one_result(process)["status"] == "cancelled"
    write(process, wasm_job("next", SPIN))
    eventually(lambda: grandchildren(process.pid))
    assert children(process.pid) != [worker]
    os.killpg(process.pid, signal.SIGINT)  # is heard by the one that took its place
    assert one_result(process)["status"] == "cancelled"
    finish(process, status=-signal.SIGINT)


def test_idle_workers_end_with_bac_exec(spawn: Spawn, wasm_job: Callable[..., bytes]):
    process = spawn("bac-exec", "--jobs", "2", stdin=subprocess.PIPE)
    assert one_result(process, wasm_job("one", RETURN))["status"] == "completed"
    mine = [*children(process.pid), *grandchildren(process.pid)]
    assert len(mine) == 2
    finish(process)
    assert [each for each in mine if Path(f"/proc/{each}").exists()] == []


def write(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdin
    process.stdin.write(line)
    process.stdin.flush()


def one_result(process: subprocess.Popen[bytes], job: bytes = b"") -> dict[str, Any]:
    """The next record, of this job if one is given."""
    write(process, job)
    assert process.stdout
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


def finish(process: subprocess.Popen[bytes], status: int = 0) -> None:
    assert process.stdin
    process.stdin.close()
    assert process.wait(timeout=30) == status


def children(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except FileNotFoundError:
        return []


def grandchildren(pid: int) -> list[str]:
    return [guest for worker in children(pid) for guest in children(int(worker))]


def state(pid: str) -> str:
    return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]


def ignored(pid: int, number: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    mask = int(next(line for line in status.splitlines() if line.startswith("SigIgn")).split()[1], 16)
    return bool(mask & 1 << (number - 1))


def test_a_bad_line_loses_nothing_that_came_before_it(run: Run, wasm_job: Callable[..., bytes]):
    ran = run("bac-exec", "--jobs", "2", input=wasm_job("slow", SPIN, "--timeout", "1") + b"not json\n")
    assert ran.status == 3
    assert ran.records[0]["status"] == "timeout"
    assert ran.stderr.endswith("[bad_line]\n")
