"""bac-exec with a real Docker engine: every ending leaves its record and its results, and no container."""

from __future__ import annotations

import json
import os
import signal
import tarfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import silent_server
from processes import Completed, eventually

from bactools.edges import scratch, trees

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from docker import DockerClient

    Run = Callable[..., Completed]


@pytest.fixture
def docker_job(run: Run, docker: DockerClient, registry: str) -> Callable[..., bytes]:
    """``docker_job("--memory", "64Mb", "--", "uname", "-m")``: an inspected job line that runs busybox."""
    assert docker.ping()

    def make(*words: str) -> bytes:
        cut = words.index("--")
        job = run("bac-job", "docker", *words[:cut], f"{registry}/busybox:multi", *words[cut:]).stdout
        return run("bac-inspect", input=job).stdout

    return make


def containers(docker: DockerClient, job: bytes) -> list[dict[str, Any]]:
    return docker.api.containers(all=True, filters={"label": f"bactools={json.loads(job)['id']}"})


def folder_of(ran: Completed) -> Path:
    (record,) = ran.records
    return Path(record["results"])


def test_a_job_runs_and_its_results_are_kept(run: Run, docker: DockerClient, docker_job: Callable[..., bytes]):
    job = docker_job("--", "sh", "-c", "echo out; echo err >&2; echo kept > /outputs/file")
    ran = run("bac-exec", input=job)
    (record,) = ran.records
    assert ran.status == 0
    assert (record["status"], record["exit_code"], record["engine"]) == ("completed", 0, "docker")
    assert record["digest"] in {it["digest"] for it in json.loads(job)["artifact"]["platforms"]}
    assert record["stdout"] == {"bytes": 4, "tail": "out\n", "truncated": False}
    folder = folder_of(ran)
    assert (folder / "stdout").read_bytes() == b"out\n"
    assert (folder / "stderr").read_bytes() == b"err\n"
    assert (folder / "exitCode").read_bytes() == b"0"
    assert (folder / "outputs" / "file").read_bytes() == b"kept\n"
    assert containers(docker, job) == []


def test_inputs_variables_outputs_and_workdir_arrive(run: Run, home: Path, docker_job: Callable[..., bytes]):
    (home / "in").mkdir()
    (home / "in" / "file").write_bytes(b"data")
    job = docker_job(
        *("-i", f"file://{home}/in:/inputs", "-o", "res:/my/out", "-e", "lower=1", "--workdir", "/w", "--"),
        *("sh", "-c", "cat /inputs/file > /my/out/copy; echo $lower $PWD $BACALHAU_JOB_ID"),
    )
    ran = run("bac-exec", input=job)
    assert ran.records[0]["stdout"]["tail"] == f"1 /w {json.loads(job)['id']}\n"
    assert (folder_of(ran) / "res" / "copy").read_bytes() == b"data"


@pytest.mark.usefixtures("docker")
def test_an_uninspected_job_is_inspected_first(run: Run, registry: str):
    job = run("bac-job", "docker", f"{registry}/busybox:multi", "--", "echo", "hi").stdout
    assert run("bac-exec", input=job).records[0]["stdout"]["tail"] == "hi\n"


@pytest.mark.usefixtures("docker", "emulated")
def test_an_image_line_runs_its_own_command_on_its_own_platform(run: Run, registry: str):
    inspected = run("bac-inspect", f"{registry}/busybox:arm64").stdout
    (record,) = run("bac-exec", input=inspected).records
    assert (record["platform"], record["stdout"]["tail"]) == ("linux/arm64", "aarch64\n")


@pytest.mark.usefixtures("emulated")
def test_the_platform_of_the_match_is_the_one_that_runs(run: Run, docker_job: Callable[..., bytes]):
    job = json.loads(docker_job("--", "uname", "-m"))
    node = run("bac-probe").records[0]
    match = {"kind": "match", "v": 1, "ok": True, "job": job, "node": node, "platform": "linux/arm/v7"}
    (record,) = run("bac-exec", input=json.dumps(match).encode() + b"\n").records
    assert (record["platform"], record["stdout"]["tail"]) == ("linux/arm/v7", "armv7l\n")


def test_an_image_only_the_engine_has_runs(run: Run, docker: DockerClient, docker_job: Callable[..., bytes]):
    digest = run("bac-exec", input=docker_job("--", "true")).records[0]["digest"]
    image = docker.images.get(f"localhost:5000/busybox@{digest}")
    image.tag("bactools-test-local", "only")
    try:
        inspected = run("bac-inspect", "docker-daemon:bactools-test-local:only").stdout
        ran = run("bac-exec", input=inspected)
    finally:
        docker.images.remove("bactools-test-local:only")
    assert ran.records[0]["status"] == "completed"


@pytest.fixture
def built_here(docker: DockerClient, docker_job: Callable[..., bytes], run: Run) -> Iterator[Callable[[str], str]]:
    """``built_here("one")``: the ID of an image without a registry's digest, now called bactools-test-built:1."""
    name = "bactools-test-built:1"
    digest = run("bac-exec", input=docker_job("--", "true")).records[0]["digest"]

    def build(label: str) -> str:
        text = f"FROM localhost:5000/busybox@{digest}\nLABEL which={label}\nCMD echo {label}\n"
        return str(docker.images.build(fileobj=BytesIO(text.encode()), tag=name, rm=True)[0].id)

    yield build
    for image in docker.images.list(filters={"label": "which"}):
        docker.images.remove(image.id, force=True)


def test_an_image_built_here_runs_by_its_id_and_never_as_another(
    run: Run, home: Path, docker: DockerClient, built_here: Callable[[str], str]
):
    first = built_here("one")
    inspected = run("bac-inspect", "docker-daemon:bactools-test-built:1").stdout
    (record,) = run("bac-exec", input=inspected).records
    assert (record["digest"], record["stdout"]["tail"]) == (first, "one\n")
    assert built_here("two") != first
    ran = run("bac-exec", "--results", "elsewhere", input=inspected)
    assert (ran.status, ran.records[0]["code"]) == (4, "digest_mismatch")
    assert first in ran.records[0]["message"]
    assert list((home / "elsewhere").iterdir()) == []
    docker.images.remove("bactools-test-built:1", force=True)
    assert run("bac-exec", input=inspected).records[0]["code"] == "digest_mismatch"


def test_a_missing_credential_helper_is_one_error_and_no_warning(
    run: Run, home: Path, docker: DockerClient, docker_job: Callable[..., bytes]
):
    job = json.loads(docker_job("--", "true"))
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text('{"credsStore": "nosuch"}', encoding="utf-8")
    absent = "sha256:" + "5" * 64
    for entry in job["artifact"]["platforms"]:
        entry["digest"] = absent
    ran = run("bac-exec", input=json.dumps(job).encode() + b"\n", env={"PYTHONWARNINGS": "default"})
    assert docker.ping()
    assert ran.records[0]["kind"] == "error"
    assert "UserWarning" not in ran.stderr


def test_a_foreign_platform_is_refused_before_anything_is_pulled(
    run: Run, home: Path, docker: DockerClient, docker_job: Callable[..., bytes]
):
    job = json.loads(docker_job("--", "true"))
    digest = "sha256:" + "5" * 64
    job["artifact"]["platforms"] = [
        {"platform": "linux/s390x", "os": "linux", "architecture": "s390x", "digest": digest}
    ]
    raw = json.dumps(job).encode() + b"\n"
    ran = run("bac-exec", input=raw)
    assert ran.status == 3
    assert ran.records[0]["code"] == "wrong_platform"
    assert "linux/s390x" in ran.records[0]["message"]
    assert "linux/" in ran.records[0]["hint"]
    assert run("bac-exec", "--passthrough", input=raw).status == 126
    assert list(home.glob("job-*")) == []
    assert containers(docker, raw) == []


def test_a_program_that_is_not_in_the_image_leaves_nothing(
    run: Run, home: Path, docker: DockerClient, docker_job: Callable[..., bytes]
):
    job = docker_job("--", "no-such-program")
    ran = run("bac-exec", input=job)
    assert ran.status == 3
    assert ran.records[0]["code"] == "not_started"
    assert "no-such-program" in ran.stderr
    assert list(home.glob("job-*")) == []
    assert containers(docker, job) == []


@pytest.mark.usefixtures("docker")
def test_an_image_that_does_not_exist_is_not_found(run: Run, registry: str):
    ran = run("bac-exec", input=run("bac-job", "docker", f"{registry}/no-such-image").stdout)
    assert ran.status == 4
    assert ran.records[0]["code"] == "not_found"


@pytest.mark.parametrize(
    ("flags", "program", "status", "exit_code"),
    [
        (("--timeout", "1"), "echo first; sleep 60", "timeout", 143),
        (("--memory", "16MiB"), "echo first; x=$(yes)", "oom", 137),
        ((), "echo first; exit 3", "failed", 3),
    ],
)
def test_whatever_the_ending_the_results_are_kept(
    run: Run,
    docker: DockerClient,
    docker_job: Callable[..., bytes],
    flags: tuple[str, ...],
    program: str,
    status: str,
    exit_code: int,
):
    job = docker_job(*flags, "--", "sh", "-c", program)
    ran = run("bac-exec", input=job)
    (record,) = ran.records
    assert ran.status == 1
    assert (record["status"], record["exit_code"]) == (status, exit_code)
    assert record["message"]
    assert (folder_of(ran) / "stdout").read_bytes() == b"first\n"
    assert (folder_of(ran) / "exitCode").read_text("ascii") == str(exit_code)
    assert containers(docker, job) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_job_writes_the_record_and_kills(
    spawn: Callable[..., subprocess.Popen[bytes]],
    home: Path,
    docker: DockerClient,
    docker_job: Callable[..., bytes],
    number: int,
):
    job = docker_job("--", "sh", "-c", "trap 'echo bye; exit 9' TERM; echo ready; sleep 60 & wait")
    process = spawn("bac-exec", input=job)
    eventually(lambda: [path for path in home.glob("job-*/stdout") if path.read_bytes() == b"ready\n"])
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == -number
    assert stderr.strip() == b""
    record = json.loads(stdout)
    assert (record["status"], record["exit_code"]) == ("cancelled", 9)
    assert (Path(record["results"]) / "stdout").read_bytes() == b"ready\nbye\n"
    assert (Path(record["results"]) / "exitCode").read_bytes() == b"9"
    assert containers(docker, job) == []


def test_a_full_disk_ends_the_run_and_keeps_what_fits(
    run: Run, docker: DockerClient, docker_job: Callable[..., bytes], small_disk: Path
):
    job = docker_job("--", "yes")
    ran = run("bac-exec", "--results", small_disk, input=job)
    (record,) = ran.records
    assert ran.status == 4
    assert record["status"] == "failed"
    assert "No space left on device" in record["message"]
    assert record["stdout"]["truncated"]
    assert ran.stderr.endswith("[unwritable_file]\n")
    assert ran.stderr.count("\n") == 1
    folder = folder_of(ran)
    assert sorted(path.name for path in folder.iterdir()) == ["exitCode", "outputs", "stderr", "stdout"]
    assert (folder / "stdout").stat().st_size > 512 * 1024
    assert (folder / "exitCode").read_bytes() == b"-1"
    assert containers(docker, job) == []


def test_outputs_that_fill_the_disk_are_kept_as_partial(
    run: Run, docker: DockerClient, docker_job: Callable[..., bytes], small_disk: Path
):
    job = docker_job("--", "sh", "-c", "head -c 2000000 /dev/zero > /outputs/big")
    ran = run("bac-exec", "--results", small_disk, input=job)
    (record,) = ran.records
    assert (ran.status, record["status"]) == (4, "failed")
    assert "No space left on device; its outputs are partial" in record["message"]
    assert (folder_of(ran) / "outputs" / "big").stat().st_size > 512 * 1024
    assert (folder_of(ran) / "exitCode").read_bytes() == b"-1"
    assert containers(docker, job) == []


def test_a_job_that_fails_on_a_full_disk_without_a_word_is_told_why(
    run: Run, docker_job: Callable[..., bytes], small_disk: Path
):
    job = docker_job("--", "sh", "-c", "head -c 2000000 /dev/zero 2>/dev/null > /outputs/big")
    (record,) = run("bac-exec", "--results", small_disk, input=job).records
    assert (record["status"], record["exit_code"]) == ("failed", 1)
    assert record["message"] == "exit status 1; the disk of its results is full"


def test_what_a_killed_bac_exec_left_is_cleared_by_the_next(
    run: Run,
    spawn: Callable[..., subprocess.Popen[bytes]],
    home: Path,
    docker: DockerClient,
    docker_job: Callable[..., bytes],
):
    script = "echo partial > /outputs/file; chown 33:33 /outputs/file; echo ready; sleep 600"
    job = docker_job("--", "sh", "-c", script)
    process = spawn("bac-exec", input=job)
    eventually(lambda: [path for path in home.glob("job-*/stdout") if path.read_bytes() == b"ready\n"])
    process.kill()
    process.wait()
    try:
        assert [each["State"] for each in containers(docker, job)] == ["running"]
        (folder,) = home.glob("job-*")
        assert not (folder / "exitCode").exists()
        ran = run("bac-exec", input=docker_job("--", "true"))
        assert (ran.status, containers(docker, job)) == (0, [])
        assert sorted(path.name for path in folder.iterdir()) == ["exitCode", "outputs", "stderr", "stdout"]
        assert (folder / "exitCode").read_bytes() == b"-1"
        assert (folder / "outputs").stat().st_mode & 0o777 == 0o755
        assert (folder / "outputs" / "file").read_bytes() == b"partial\n"
        assert (folder / "outputs" / "file").stat().st_uid == os.geteuid()
    finally:
        for each in containers(docker, job):
            docker.api.remove_container(each["Id"], force=True)


def test_a_run_that_was_killed_before_it_had_a_container_is_ended_by_the_next(
    run: Run, spawn: Callable[..., subprocess.Popen[bytes]], tmp_path: Path, docker_job: Callable[..., bytes]
):
    (tmp_path / "temporary").mkdir()
    env = {"TMPDIR": str(tmp_path / "temporary")}
    with silent_server.serving() as server:
        job = docker_job("--input", f"{server.url}/file:/in", "--", "true")
        process = spawn("bac-exec", "--results", tmp_path / "results", input=job, env=env)
        assert server.waiting.wait(60)
        process.kill()
        process.wait()
    (folder,) = (tmp_path / "results").iterdir()
    assert not (folder / "exitCode").exists()
    run("bac-exec", input=docker_job("--", "true"), env=env)
    assert (folder / "exitCode").read_bytes() == b"-1"
    assert list((tmp_path / "temporary").iterdir()) == []


def test_inputs_that_a_killed_bac_exec_left_are_cleared_by_a_run_without_any(
    run: Run, tmp_path: Path, docker_job: Callable[..., bytes]
):
    left = tmp_path / "temporary" / f"{scratch.PREFIX}killed"
    left.mkdir(parents=True)
    (left / "input").touch()
    ran = run("bac-exec", input=docker_job("--", "true"), env={"TMPDIR": str(left.parent)})
    assert (ran.status, list(left.parent.iterdir())) == (0, [])


def test_folders_of_any_depth_are_kept_and_belong_to_the_caller(run: Run, docker_job: Callable[..., bytes]):
    script = "cd /outputs; for i in $(seq 1100); do mkdir d; cd d; done; echo x > file; chown -R 33 /outputs"
    ran = run("bac-exec", input=docker_job("--", "sh", "-c", script))
    folder = folder_of(ran)
    deepest = folder.joinpath("outputs", *["d"] * 1100)
    assert (ran.status, ran.stderr) == (0, "")
    assert (deepest / "file").read_bytes() == b"x\n"
    assert {path.stat().st_uid for path in (deepest, deepest / "file")} == {os.geteuid()}
    trees.remove(folder)  # pytest calls itself for every level


def test_what_another_user_of_the_image_wrote_belongs_to_the_caller(run: Run, docker_job: Callable[..., bytes]):
    script = "cd /outputs; mkdir closed; echo x > closed/file; chmod 700 closed; chown -R 33:33 closed"
    ran = run("bac-exec", input=docker_job("--", "sh", "-c", script))
    found = [folder_of(ran) / "outputs" / name for name in ("", "closed", "closed/file")]
    assert ran.status == 0
    assert {(path.stat().st_uid, path.stat().st_gid) for path in found} == {(os.geteuid(), os.getegid())}


def test_two_runs_at_once_share_nothing(
    spawn: Callable[..., subprocess.Popen[bytes]], docker_job: Callable[..., bytes]
):
    job = docker_job("--", "sh", "-c", "echo $HOSTNAME; sleep 1; echo $HOSTNAME")
    both = [spawn("bac-exec", input=job) for _ in range(2)]
    records = [json.loads(process.communicate(timeout=60)[0]) for process in both]
    assert [record["status"] for record in records] == ["completed"] * 2
    assert records[0]["results"] != records[1]["results"]
    for record in records:
        first, second = (Path(record["results"]) / "stdout").read_text("ascii").split()
        assert first == second


def test_passthrough_is_like_docker_run(run: Run, docker_job: Callable[..., bytes]):
    ran = run("bac-exec", "--passthrough", input=docker_job("--", "sh", "-c", "echo out; echo err >&2; exit 5"))
    assert (ran.status, ran.stdout, ran.stderr) == (5, b"out\n", "err\n")


def test_passthrough_says_that_memory_ran_out(run: Run, docker_job: Callable[..., bytes]):
    ran = run("bac-exec", "--passthrough", input=docker_job("--memory", "16MiB", "--", "sh", "-c", "x=$(yes)"))
    assert ran.status == 137
    assert ran.stderr.startswith("bac-exec: oom: killed at its memory limit of 16 MiB")
    assert ran.stderr.count("\n") == 1


def test_passthrough_says_that_the_container_was_removed(
    spawn: Callable[..., subprocess.Popen[bytes]], home: Path, docker: DockerClient, docker_job: Callable[..., bytes]
):
    job = docker_job("--", "sh", "-c", "echo ready; sleep 60")
    process = spawn("bac-exec", "--passthrough", input=job)
    eventually(lambda: [path for path in home.glob("job-*/stdout") if path.read_bytes() == b"ready\n"])
    (container,) = containers(docker, job)
    docker.api.remove_container(container["Id"], force=True)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (125, b"ready\n")
    assert b"somebody else removed its container" in stderr


def test_passthrough_onto_a_full_disk_is_one_line(
    shell: Run, home: Path, docker: DockerClient, docker_job: Callable[..., bytes]
):
    job = docker_job("--", "yes")
    (home / "job.jsonl").write_bytes(job)
    ran = shell("bac-exec --passthrough job.jsonl > /dev/full")
    assert ran.status == 125
    assert ran.stderr == ("bac-exec: cannot write to standard output: No space left on device [unwritable_file]\n")
    assert containers(docker, job) == []


def test_passthrough_into_a_closed_pipe_stops_the_job(
    shell: Run, docker: DockerClient, docker_job: Callable[..., bytes], home: Path
):
    job = docker_job("--", "yes")
    (home / "job.jsonl").write_bytes(job)
    ran = shell("bac-exec --passthrough < job.jsonl | head -1")
    assert (ran.status, ran.stdout) == (141, b"y\n")
    assert containers(docker, job) == []


def test_following_shows_both_streams_on_standard_error(run: Run, docker_job: Callable[..., bytes]):
    ran = run("bac-exec", "--follow", input=docker_job("--", "sh", "-c", "echo out; echo err >&2"))
    assert sorted(ran.stderr.splitlines()) == ["err", "out"]
    assert ran.records[0]["status"] == "completed"


@pytest.mark.usefixtures("docker")
def test_the_whole_pipe(shell: Run, registry: str):
    ran = shell(
        f"bac-job docker {registry}/busybox:multi -- echo piped | bac-inspect | bac-match <(bac-probe) | bac-exec"
    )
    assert (ran.status, ran.records[0]["stdout"]["tail"]) == (0, "piped\n")


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("flags", "said"), [(("--cpu", "4096"), "4096 cores"), (("--memory", "1MiB"), "1048576 bytes")]
)
def test_what_the_engine_has_not_is_refused_before_anything_is_made(
    run: Run, home: Path, docker_job: Callable[..., bytes], flags: tuple[str, ...], said: str, dry: tuple[str, ...]
):
    ran = run("bac-exec", *dry, input=docker_job(*flags, "--", "true"))
    assert (ran.status, ran.records[0]["code"]) == (3, "unsupported")
    assert said in ran.records[0]["message"]
    assert ran.records[0]["hint"]
    assert list(home.glob("job-*")) == []


def test_a_results_folder_that_goes_meanwhile_leaves_a_record_and_the_trouble(
    spawn: Callable[..., subprocess.Popen[bytes]], home: Path, docker: DockerClient, docker_job: Callable[..., bytes]
):
    job = docker_job("--", "sh", "-c", "echo ready; while [ ! -e /outputs/go ]; do sleep 0.1; done; exit 3")
    process = spawn("bac-exec", input=job)
    (stdout,) = eventually(lambda: [path for path in home.glob("job-*/stdout") if path.read_bytes() == b"ready\n"])
    folder = stdout.parent
    for path in (stdout, folder / "stderr", folder / ".exitCode"):
        path.unlink()
    (folder / "outputs" / "go").touch()
    (folder / "outputs").rename(home / "moved")
    folder.rmdir()
    told, stderr = process.communicate(timeout=60)
    record = json.loads(told.splitlines()[0])
    assert (record["kind"], record["status"], record["exit_code"]) == ("result", "failed", 3)
    assert record["stdout"] == {"bytes": 6, "tail": "", "truncated": True}
    assert "its results are not whole: " in record["message"]
    assert process.returncode == 4
    assert b"[unwritable_file]" in stderr
    assert containers(docker, job) == []


def test_a_pipe_in_an_output_is_named_and_all_else_is_published(run: Run, docker_job: Callable[..., bytes]):
    script = "cd /outputs; echo data > file; for each in 1 2 3 4; do mkfifo pipe$each; done"
    ran = run("bac-exec", "--publish", "to", input=docker_job("--publisher", "local", "--", "sh", "-c", script))
    (record,) = ran.records
    named = "outputs/pipe1, outputs/pipe2, outputs/pipe3 and 1 more"
    assert (ran.status, record["message"]) == (0, f"not published, for it holds no data: {named}")
    with tarfile.open(record["published"]["Params"]["SourcePath"]) as packed:
        assert packed.getnames() == ["exitCode", "outputs", "outputs/file", "stderr", "stdout"]


@pytest.mark.parametrize("options", [("--cap-add", "nonsense"), ("--pids-limit", str(2**22 + 1))])
def test_what_no_kernel_knows_is_a_usage_error(run: Run, options: tuple[str, ...]):
    ran = run("bac-exec", *options, input=b"")
    assert (ran.status, ran.stdout) == (2, b"")
    assert options[1] in ran.stderr


def test_all_that_a_kernel_knows_may_be_given(run: Run, docker_job: Callable[..., bytes]):
    options = ("--cap-add", "cap_net_raw", "--cap-add", "SYS_CHROOT", "--pids-limit", str(2**22))
    assert run("bac-exec", *options, input=docker_job("--", "true")).status == 0


def test_a_given_timeout_stands_in_place_of_both_of_the_job(run: Run, docker_job: Callable[..., bytes]):
    job = json.loads(docker_job("--", "sh", "-c", "sleep 2"))
    job["spec"]["Tasks"][0]["Timeouts"] = {"ExecutionTimeout": 1, "TotalTimeout": 1}
    records = [
        run("bac-exec", *given, input=json.dumps(job).encode()).records[0] for given in ((), ("--timeout", "60"))
    ]
    assert [record["status"] for record in records] == ["timeout", "completed"]


def test_a_given_timeout_that_ends_a_program_is_named(run: Run, docker_job: Callable[..., bytes]):
    (record,) = run("bac-exec", "--timeout", "0.5", input=docker_job("--timeout", "600", "--", "sleep", "60")).records
    limit = "stopped after its total timeout of 0.5 s; --timeout set that limit"
    assert (record["status"], record["message"]) == ("timeout", f"{limit}; its outputs are partial")


def test_a_dry_run_never_uses_an_earlier_runs_folder(
    run: Run, shell: Run, home: Path, docker_job: Callable[..., bytes]
):
    job = docker_job("--timeout", "60", "--", "sh", "-c", "stat -c %a /outputs; echo two > /outputs/file")
    first = folder_of(run("bac-exec", input=job))
    (first / "outputs" / "file").write_bytes(b"one\n")
    told = run("bac-exec", "--dry-run", input=job)
    assert told.records[0]["plan"]["limits"]["pids"] == 4096
    assert "would be stopped after 60 s; this is not." in told.stderr
    by_hand = shell(told.stderr)
    assert by_hand.stdout == b"777\n"
    assert (first / "outputs" / "file").read_bytes() == b"one\n"
    assert (home / f"{first.name}-2" / "outputs" / "file").read_bytes() == b"two\n"
    again = shell(told.stderr)
    assert (again.status != 0, again.stdout) == (True, b"")


def test_the_line_of_a_dry_run_keeps_a_variable_of_dockers_name_from_docker(
    run: Run, shell: Run, docker_job: Callable[..., bytes]
):
    job = docker_job(
        "--env", "DOCKER_HOST=env:SEC", "--env", "PATH=env:SEC", "--", "/bin/sh", "-c", "echo $DOCKER_HOST"
    )
    secret = {"SEC": "tcp://127.0.0.1:9"}
    told = run("bac-exec", "--dry-run", input=job, env=secret)
    assert secret["SEC"] not in told.stderr + told.stdout.decode()
    by_hand = shell(told.stderr, env=secret)
    assert (by_hand.status, by_hand.stdout) == (0, b"tcp://127.0.0.1:9\n")
