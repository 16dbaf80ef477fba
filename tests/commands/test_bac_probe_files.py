"""bac-probe as cron runs it: into files, beside others, on full disks, with engines that hang, and killed."""

import fcntl
import json
import os
import signal
import socket
import stat
import time

import components
import pytest

WRITERS = 20


@pytest.fixture
def no_docker(tmp_path):
    return {"DOCKER_HOST": f"unix://{tmp_path}/absent.sock"}


@pytest.fixture
def silent(tmp_path):
    """The environment of a command whose engine accepts connections and never says a word, and its socket."""
    path = str(tmp_path / "silent.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(16)
        yield {"DOCKER_HOST": f"unix://{path}"}, listener


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def fill(path):
    """Leave no room on a disk."""
    with path.open("wb", buffering=0) as filler:
        while True:
            try:
                filler.write(b"x" * 4096)
            except OSError:
                return


def nodes(path):
    *lines, rest = path.read_bytes().split(b"\n")
    assert rest == b""
    return [json.loads(line) for line in lines]


@pytest.fixture
def fleet(home):
    folder = home / "fleet"
    folder.mkdir()
    return folder


def test_output_replaces_the_file_and_says_nothing(run, fleet, no_docker):
    file = fleet / "node.jsonl"
    file.write_text("old\n")
    file.chmod(0o640)
    done = run("bac-probe", "--output", str(file), env=no_docker)
    assert (done.status, done.stdout, done.stderr) == (0, b"", "")
    assert [node["kind"] for node in nodes(file)] == ["node"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert names(fleet) == ["node.jsonl"]


def test_a_file_that_says_the_same_is_left_alone_with_status_1(run, fleet, no_docker):
    words = ("bac-probe", "--output", str(fleet / "node.jsonl"), "--if-changed")
    assert run(*words, env=no_docker).status == 0
    before = (fleet / "node.jsonl").stat()
    again = run(*words, env=no_docker)
    assert (again.status, again.stdout, again.stderr) == (1, b"", "")
    after = (fleet / "node.jsonl").stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_size) == (before.st_ino, before.st_mtime_ns, before.st_size)
    assert run(*words, "--label", "zone=eu", env=no_docker).status == 0
    assert nodes(fleet / "node.jsonl")[0]["labels"] == {"zone": "eu"}


def test_labels_are_written_to_a_file_too(run, fleet, no_docker):
    words = ("bac-probe", "--output", str(fleet / "labels"), "--format", "labels", "--if-changed")
    assert run(*words, env=no_docker).status == 0
    assert "os_type=linux" in (fleet / "labels").read_text().splitlines()
    assert run(*words, env=no_docker).status == 1


def test_a_table_is_for_people_and_not_for_files(run, fleet, no_docker):
    run("bac-probe", "--output", str(fleet / "node.jsonl"), env={**no_docker, "BACTOOLS_FORMAT": "table"})
    assert len(nodes(fleet / "node.jsonl")) == 1


def test_twenty_hosts_at_once_add_a_whole_line_each(spawn, fleet, no_docker):
    file = fleet / "nodes.jsonl"
    file.write_text('{"kind":"no')
    writers = [
        spawn("bac-probe", "--append", str(file), "--label", f"number={number}", env=no_docker)
        for number in range(WRITERS)
    ]
    for writer in writers:
        assert writer.wait(60) == 0
    half, *lines, rest = file.read_bytes().split(b"\n")
    assert (half, rest) == (b'{"kind":"no', b"")
    assert sorted(int(json.loads(line)["labels"]["number"]) for line in lines) == list(range(WRITERS))
    assert names(fleet) == ["nodes.jsonl"]


@pytest.mark.parametrize("option", ["--output", "--append"])
def test_a_full_disk_leaves_the_file_as_it_was(run, small_disk, no_docker, option):
    file = small_disk / "nodes.jsonl"
    before = b"x" * 4095 + b"\n"  # a whole page, which has no room for a line
    file.write_bytes(before)
    fill(small_disk / "filler")
    done = run("bac-probe", option, str(file), env=no_docker)
    assert (done.status, done.stdout) == (4, b"")
    assert done.stderr.endswith(f"{file}: No space left on device [unwritable_file]\n")
    assert (file.read_bytes(), names(small_disk)) == (before, ["filler", "nodes.jsonl"])


@pytest.mark.parametrize("option", ["--output", "--append"])
@pytest.mark.parametrize("place", ["/dev/full", "/nonexistent/nodes.jsonl", "."])
def test_a_place_that_takes_no_file_is_status_4(run, option, place, no_docker):
    done = run("bac-probe", option, place, env=no_docker)
    assert (done.status, done.stdout) == (4, b"")
    assert "[unwritable_file]" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_engine_that_never_answers_is_a_warning_in_time(run, fleet, silent):
    environment, _ = silent
    begin = time.monotonic()
    done = run("bac-probe", "--timeout", "3", "--output", str(fleet / "node.jsonl"), env=environment)
    assert time.monotonic() - begin < 30  # not three seconds, for machines that test are busy
    assert (done.status, done.stderr) == (0, "")
    [node] = nodes(fleet / "node.jsonl")
    [warning] = node["warnings"]
    assert warning == (
        f"connecting to the Docker engine at {environment['DOCKER_HOST']}: the Docker engine does not answer in time. "
        "Start the Docker engine, or set DOCKER_HOST to where one listens."
    )
    assert [engine["engine"] for engine in node["engines"]] == ["wasm"]


def test_a_host_file_that_is_not_there_yet_is_waited_for_no_longer_than_allowed(run, fleet, home, no_docker):
    os.mkfifo(home / "node.yaml")
    words = ("--config", "node.yaml", "--timeout", "1", "--output", str(fleet / "node.jsonl"))
    done = run("bac-probe", *words, env=no_docker)
    assert (done.status, names(fleet)) == (4, [])
    assert done.stderr.endswith("[timed_out]\n")


@pytest.mark.parametrize("ending", ["/", "/."])
def test_the_name_of_a_folder_makes_no_file(run, fleet, no_docker, ending):
    done = run("bac-probe", "--output", f"{fleet}/x{ending}", env=no_docker)
    assert (done.status, names(fleet)) == (4, [])
    assert done.stderr.endswith("Is a directory [unwritable_file]\n")


def test_a_time_in_which_nothing_can_be_done_ends_with_status_4(run, fleet):
    done = run("bac-probe", "--timeout", "0.000001", "--output", str(fleet / "node.jsonl"))
    assert (done.status, names(fleet)) == (4, [])
    assert "did not end within 1e-06 seconds" in done.stderr
    assert done.stderr.endswith("[timed_out]\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_during_the_probe_leaves_the_file_and_nothing_else(spawn, fleet, silent, tmp_path, number):
    environment, listener = silent
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (fleet / "node.jsonl").write_text("old\n")
    process = spawn("bac-probe", "--output", str(fleet / "node.jsonl"), env={**environment, "TMPDIR": str(temporary)})
    listener.settimeout(60)
    with listener.accept()[0], listener.accept()[0]:  # after a look whether anybody is there, the engine is asked
        process.send_signal(number)
        assert process.wait(60) == -number
    assert (names(fleet), (fleet / "node.jsonl").read_text(), names(temporary)) == (["node.jsonl"], "old\n", [])


@pytest.mark.usefixtures("docker")
@pytest.mark.parametrize("delay", [0.02, 0.06, 0.1, 0.14, 0.18, 0.22])
def test_a_signal_at_any_moment_leaves_the_old_file_or_the_new_one(spawn, fleet, tmp_path, delay):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    file = fleet / "node.jsonl"
    file.write_text('{"kind":"old"}\n')
    process = spawn("bac-probe", "--output", str(file), env={"TMPDIR": str(temporary)})
    time.sleep(delay)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) in (0, -signal.SIGTERM)
    assert [node["kind"] for node in nodes(file)] in (["old"], ["node"])
    assert (names(fleet), names(temporary)) == (["node.jsonl"], [])


def test_a_file_that_another_keeps_locked_is_given_up_in_time(run, fleet, no_docker):
    file = fleet / "nodes.jsonl"
    file.write_text("old\n")
    with file.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        done = run("bac-probe", "--timeout", "2", "--append", str(file), env=no_docker)
    assert done.status == 4
    assert done.stderr.endswith("[timed_out]\n")
    assert file.read_text() == "old\n"


@pytest.mark.usefixtures("docker")
def test_a_folder_for_temporary_files_that_executes_nothing_is_no_hindrance(run, tmp_path):
    with components.tmpfs(tmp_path / "noexec", size="1m,noexec") as folder:
        [node] = run("bac-probe", env={"TMPDIR": str(folder)}).records
        assert names(folder) == []
    assert node["warnings"] == []
    [engine] = [engine for engine in node["engines"] if engine["engine"] == "docker"]
    assert {offer["proved"] for offer in engine["platforms"]} == {"host"}
