"""The Docker engine for real: reached or not, images by their own digest, containers to every ending."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import components
import pytest
from busybox import AMD64, INDEX, Printed
from hypothesis import given
from hypothesis import strategies as st
from processes import eventually

from bactools.core.errors import BacError
from bactools.core.running import Ending, Mount, Printing, Run
from bactools.edges.docker_engine import client, containers, images
from bactools.edges.docker_engine.attached import HEADER, Demultiplexer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from docker import DockerClient

JOB = "j-test-docker-engine"


@pytest.fixture(scope="session")
def digests(registry: str) -> dict[str, str]:
    """The digest of each platform's manifest of busybox:multi."""
    request = Request(f"http://{registry}/v2/busybox/manifests/multi", headers={"Accept": INDEX})
    with urlopen(request, timeout=10) as answer:
        entries = json.load(answer)["manifests"]
    platforms = (entry["platform"] for entry in entries)
    names = ["/".join(filter(None, (it["os"], it["architecture"], it.get("variant")))) for it in platforms]
    return {name: entry["digest"] for name, entry in zip(names, entries, strict=True)}


@pytest.fixture
def launch(docker: DockerClient, registry: str, digests: dict[str, str]) -> Callable[..., Ending]:
    """``launch("echo", "hi", platform="linux/amd64", printed=Printed(), mounts=(), …)``: run busybox."""

    def start(
        *arguments: str, platform: str = "linux/amd64", printed: Printed | None = None, **limits: object
    ) -> Ending:
        image = containers.Launch(f"{registry}/busybox", digests[platform], platform, JOB)
        wanted = Run(arguments, **{"environment": {}, "mounts": (), **limits})
        return containers.run(docker, image, wanted, Printing((printed or Printed()).write), lambda _: None)

    return start


def left_behind(docker: DockerClient) -> list[str]:
    return [item["Id"] for item in docker.api.containers(all=True, filters={"label": f"bactools={JOB}"})]


def test_no_socket_is_no_engine_and_imports_nothing():
    script = (
        "import sys\n"
        "from bactools.core.errors import BacError\n"
        "from bactools.edges.docker_engine import client\n"
        "try: client.connect()\n"
        "except BacError as error: print(error.code, error.message, 'docker' in sys.modules)\n"
    )
    environment = {**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock"}
    printed = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True).stdout
    assert printed == b"no_engine there is no Docker engine at unix:///nowhere/docker.sock False\n"


@pytest.mark.parametrize("host", ["tcp://user:s3cret@h", "tcp://u:s3c/ret@h:1", "u:s3cret@h"])
def test_a_secret_in_the_address_is_never_told(monkeypatch: pytest.MonkeyPatch, host: str):
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(BacError) as caught:
        client.connect(timeout=5)
    assert caught.value.code == "no_engine"
    assert "s3c" not in caught.value.line()
    assert "h" in caught.value.message.split("engine at ")[1]


@pytest.mark.parametrize(
    "content", ['{"auths": [1]}', '{"auths": {"h": {"auth": 3}}}', "[1]", '{"proxies": []}', '{"auths": {"h": 1}}']
)
def test_a_configuration_of_another_shape_is_named(
    docker: DockerClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str
):
    assert docker.ping()
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(BacError) as caught:
        client.connect()
    assert caught.value.code == "bad_config"
    assert f"{tmp_path}/config.json" in caught.value.message


def test_a_pull_looks_for_no_login_of_its_own(
    docker: DockerClient,
    registry: str,
    digests: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    assert docker.ping()
    (tmp_path / "config.json").write_text('{"credHelpers": [1]}', encoding="utf-8")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    engine = client.connect()
    try:
        images.pull(engine, images.Wanted(f"{registry}/busybox", digests[AMD64], AMD64), lambda _: None)
    finally:
        engine.close()


@pytest.mark.parametrize("host", ["tcp://127.0.0.1:9", "nonsense"])
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_engine_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch, host: str):
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(BacError) as caught:
        client.connect(timeout=5)
    assert caught.value.code == "no_engine"
    assert host in caught.value.message


def test_the_engine_tells_its_own_platform(docker: DockerClient):
    facts = client.describe(docker)
    assert facts.os == "linux"
    assert facts.architecture in {"amd64", "arm64"}
    assert facts.version == docker.version()["Version"]
    assert (facts.runtime, facts.address) == ("docker", client.address())
    assert "runc" in facts.runtimes


def test_the_engine_tells_what_it_has(docker: DockerClient):
    facts, told = client.describe(docker), docker.info()
    assert (facts.cpu, facts.memory) == (told["NCPU"], told["MemTotal"])
    assert (facts.kernel, facts.name) == (told["KernelVersion"], told["Name"])
    assert facts.rootless == ("name=rootless" in told["SecurityOptions"])
    here = client.address().startswith("unix://") and (facts.kernel, facts.name) == (os.uname()[2], os.uname()[1])
    assert facts.local is here


def test_a_local_image_is_known_by_name_and_by_id(docker: DockerClient, registry: str, digests: dict[str, str]):
    digest = digests["linux/amd64"]
    images.pull(docker, images.Wanted(f"{registry}/busybox", digest, AMD64), lambda _: None)
    found = images.inspect(docker, f"{registry}/busybox@{digest}")
    assert (found.os, found.architecture) == ("linux", "amd64")
    assert f"{registry}/busybox@{digest}" in found.repo_digests
    assert images.inspect(docker, found.id) == found


def test_an_absent_image_is_not_found(docker: DockerClient):
    with pytest.raises(BacError) as caught:
        images.inspect(docker, "localhost:5000/absent:none")
    assert caught.value.code == "not_found"


def test_an_image_absent_from_its_registry_is_named(docker: DockerClient, registry: str):
    digest = "sha256:" + "0" * 64
    image = containers.Launch(f"{registry}/busybox", digest, "linux/amd64", JOB)
    with pytest.raises(BacError) as caught:
        containers.run(docker, image, Run((), {}, ()), Printing(Printed().write), lambda _: None)
    assert caught.value.code == "not_found"
    assert digest in caught.value.message


def test_a_registry_that_is_not_there_fails_the_pull(docker: DockerClient):
    with pytest.raises(BacError) as caught:
        images.pull(docker, images.Wanted("localhost:9/busybox", "sha256:" + "0" * 64, AMD64), lambda _: None)
    assert caught.value.code == "engine_failed"
    assert caught.value.status == 4


def test_pulling_tells_how_far_it_is_and_then_falls_silent(
    docker: DockerClient, registry: str, digests: dict[str, str]
):
    said: list[str | None] = []
    images.pull(docker, images.Wanted(f"{registry}/busybox", digests[AMD64], AMD64), said.append)
    assert said[0] == f"pulling {registry}/busybox@{digests['linux/amd64']}"
    assert said[-1] is None


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize(
    ("platform", "machine"),
    [("linux/amd64", b"x86_64\n"), ("linux/arm64/v8", b"aarch64\n"), ("linux/arm/v7", b"armv7l\n")],
)
def test_each_platform_runs_its_own_image_whatever_was_run_before(
    launch: Callable[..., Ending], platform: str, machine: bytes
):
    printed = Printed()
    assert launch("uname", "-m", platform=platform, printed=printed) == Ending("completed", 0)
    assert printed.stdout == machine


def test_streams_are_kept_apart_and_the_status_is_told(launch: Callable[..., Ending]):
    printed = Printed()
    ending = launch("sh", "-c", "echo out; echo err >&2; exit 3", printed=printed)
    assert ending == Ending("failed", 3, "exit status 3")
    assert (printed.stdout, printed.stderr) == (b"out\n", b"err\n")


def test_many_bytes_arrive_unchanged(launch: Callable[..., Ending]):
    printed = Printed()
    launch("sh", "-c", "head -c 5000000 /dev/zero; head -c 3000000 /dev/zero >&2", printed=printed)
    assert printed.stdout == bytes(5_000_000)
    assert printed.stderr == bytes(3_000_000)


def test_lower_case_variables_and_the_working_directory_arrive(launch: Callable[..., Ending]):
    printed = Printed()
    command = ("sh", "-c", "echo $a_b $PWD")
    launch(*command, printed=printed, environment={"a_b": "x=y"}, working_directory="/new")
    assert printed.stdout == b"x=y /new\n"


def test_an_entrypoint_stands_before_the_arguments(launch: Callable[..., Ending]):
    printed = Printed()
    launch("b", printed=printed, entrypoint=("echo", "a"))
    assert printed.stdout == b"a b\n"


def test_inputs_are_read_only_and_outputs_are_not(launch: Callable[..., Ending], tmp_path: Path):
    source, target = tmp_path / "in:put", tmp_path / "out"
    source.mkdir()
    target.mkdir()
    (source / "file").write_bytes(b"data")
    mounts = (Mount(str(source), "/inputs", writable=False), Mount(str(target), "/outputs", writable=True))
    ending = launch("sh", "-c", "cat /inputs/file > /outputs/copy; echo x > /inputs/new", mounts=mounts)
    assert ending.exit_code == 1
    assert (target / "copy").read_bytes() == b"data"
    assert [path.name for path in source.iterdir()] == ["file"]


def test_there_is_no_network_unless_it_is_asked_for(launch: Callable[..., Ending]):
    alone, bridged = Printed(), Printed()
    launch("ls", "/sys/class/net", printed=alone)
    launch("ls", "/sys/class/net", printed=bridged, network="bridge")
    assert b"eth0" not in alone.stdout
    assert b"eth0" in bridged.stdout


def test_the_memory_limit_ends_a_job_and_is_named(launch: Callable[..., Ending]):
    ending = launch("sh", "-c", "x=$(yes)", memory=16 * 1024 * 1024)
    assert ending == Ending("oom", 137, "killed at its memory limit of 16 MiB")


def test_a_program_that_outlives_a_process_that_ran_out_of_memory_has_its_own_end(launch: Callable[..., Ending]):
    child = "echo 1000 > /proc/$$/oom_score_adj; x=$(yes)"  # it is the one to be killed
    ending = launch("sh", "-c", f"sh -c '{child}'; exit 3", memory=16 * 1024 * 1024)
    assert ending[:3] == ("failed", 3, "exit status 3; a process of it had been killed at its memory limit of 16 MiB")


def test_the_timeout_stops_a_silent_job(launch: Callable[..., Ending]):
    assert launch("sleep", "60", timeout=0.5) == Ending("timeout", 143, "stopped after its timeout of 0.5 s")


def test_a_job_hears_sigterm_and_its_last_words_are_kept(launch: Callable[..., Ending]):
    printed = Printed()
    ending = launch("sh", "-c", "trap 'echo bye; exit 9' TERM; sleep 60 & wait", printed=printed, timeout=1)
    assert (ending.status, ending.exit_code) == ("timeout", 9)
    assert printed.stdout == b"bye\n"


def test_a_job_deaf_to_sigterm_is_killed(launch: Callable[..., Ending]):
    ending = launch("sh", "-c", "trap '' TERM; while :; do sleep 1; done", timeout=0.5)
    assert (ending.status, ending.exit_code) == ("timeout", 137)


def test_a_job_that_closes_its_streams_is_waited_for(launch: Callable[..., Ending]):
    assert launch("sh", "-c", "exec >&- 2>&-; sleep 1; exit 4").exit_code == 4


@pytest.mark.parametrize("program", ["exec >&- 2>&-; sleep 1; exit 4", "exit 4"])
def test_a_timeout_of_centuries_is_a_timeout(launch: Callable[..., Ending], program: str):
    assert launch("sh", "-c", program, timeout=1e10).exit_code == 4


def test_a_container_that_cannot_be_removed_does_not_cost_the_ending(
    docker: DockerClient, launch: Callable[..., Ending], monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object, **__: object) -> None:
        raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(docker.api, "remove_container", refuse)
        ending = launch("sh", "-c", "exit 3")
    for left in left_behind(docker):
        docker.api.remove_container(left, force=True)
    assert (ending.status, ending.exit_code) == ("failed", 3)
    assert isinstance(ending.interruption, BacError)
    assert ending.interruption.code == "timed_out"


def test_a_job_that_closes_its_streams_still_has_a_timeout(launch: Callable[..., Ending]):
    assert launch("sh", "-c", "exec >&- 2>&-; sleep 60", timeout=0.5).status == "timeout"


def test_sigint_stops_the_job_and_comes_back(docker: DockerClient, launch: Callable[..., Ending]):
    printed = Printed()

    def interrupt() -> None:
        eventually(lambda: b"ready" in printed.stdout)
        # to this thread: the main one holds signals back for moments, in which another would take it
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    ending = launch("sh", "-c", "echo ready; sleep 60", printed=printed)
    thread.join()
    assert (ending.status, ending.exit_code) == ("cancelled", 143)
    assert isinstance(ending.interruption, KeyboardInterrupt)
    assert left_behind(docker) == []


def test_a_signal_while_a_late_job_is_stopped_leaves_it_a_timeout(
    docker: DockerClient, launch: Callable[..., Ending], monkeypatch: pytest.MonkeyPatch
):
    stop = docker.api.stop

    def interrupted(container: str, timeout: int) -> None:
        monkeypatch.undo()
        os.kill(os.getpid(), signal.SIGINT)
        stop(container, timeout=timeout)

    monkeypatch.setattr(docker.api, "stop", interrupted)
    ending = launch("sleep", "60", timeout=0.5)
    assert (ending.status, ending.exit_code) == ("timeout", 143)
    assert isinstance(ending.interruption, KeyboardInterrupt)
    assert left_behind(docker) == []


@pytest.mark.parametrize("program", ["absent", "/bin/absent", "./absent"])
def test_a_program_that_is_not_in_the_image_is_named(docker: DockerClient, launch: Callable[..., Ending], program: str):
    with pytest.raises(BacError) as caught:
        launch(program)
    assert caught.value.code == "not_started"
    assert repr(program) in caught.value.message
    assert left_behind(docker) == []


def test_a_shell_that_exits_with_127_has_run(launch: Callable[..., Ending]):
    assert launch("sh", "-c", "exit 127") == Ending("failed", 127, "exit status 127")


def test_what_the_engine_refuses_is_not_started(docker: DockerClient, launch: Callable[..., Ending]):
    with pytest.raises(BacError) as caught:
        launch("true", mounts=(Mount("/nowhere/at/all", "/inputs", writable=False),))
    assert caught.value.code == "not_started"
    assert "/nowhere/at/all" in caught.value.message
    assert left_behind(docker) == []


def test_output_that_cannot_be_kept_ends_the_job(
    docker: DockerClient, registry: str, digests: dict[str, str], launch: Callable[..., Ending]
):
    launch("true")

    def full(_stream: str, _data: bytes) -> None:
        raise BacError("unwritable_file", "the disk is full")

    image = containers.Launch(f"{registry}/busybox", digests["linux/amd64"], "linux/amd64", JOB)
    ending = containers.run(docker, image, Run(("yes",), {}, ()), Printing(full), lambda _: None)
    assert (ending.status, ending.exit_code, ending.message) == ("failed", None, "the disk is full")
    assert isinstance(ending.interruption, BacError)
    assert left_behind(docker) == []


def test_a_reader_that_has_gone_leaves_no_container(
    docker: DockerClient, registry: str, digests: dict[str, str], launch: Callable[..., Ending]
):
    launch("true")

    def gone(_stream: str, _data: bytes) -> None:
        raise BrokenPipeError

    image = containers.Launch(f"{registry}/busybox", digests["linux/amd64"], "linux/amd64", JOB)
    with pytest.raises(BrokenPipeError):
        containers.run(docker, image, Run(("yes",), {}, ()), Printing(gone), lambda _: None)
    assert left_behind(docker) == []


class Relay:
    """A socket that leads to the engine until it is cut."""

    def __init__(self, path: str, target: str) -> None:
        self.target = target
        self.sockets = [socket.socket(socket.AF_UNIX)]
        self.sockets[0].bind(path)
        self.sockets[0].listen()
        self.threads: list[threading.Thread] = []
        self.start(self.accept)

    def start(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        self.threads.append(threading.Thread(target=work, args=arguments))
        self.threads[-1].start()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.sockets[0].accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self.target)
                self.sockets += [near, far]
                self.start(self.pump, near, far)
                self.start(self.pump, far, near)

    def pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        for each in self.sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def run_and_lose(image: containers.Launch, target: str, printed: Printed) -> tuple[str, int | None, str]:
    """How a run ends when the engine goes as soon as something is printed: status, exit status, error code."""

    def write(stream: str, data: bytes) -> None:
        printed.write(stream, data)
        relay.cut()

    with tempfile.TemporaryDirectory(prefix="relay-") as folder, pytest.MonkeyPatch.context() as patch:
        relay = Relay(f"{folder}/socket", target)  # a socket's path has at most 108 bytes
        patch.setenv("DOCKER_HOST", f"unix://{folder}/socket")
        relayed = client.connect()
        try:
            command = ("sh", "-c", "echo evidence; sleep 60")
            ending = containers.run(relayed, image, Run(command, {}, ()), Printing(write), lambda _: None)
        finally:
            relay.cut()
            relayed.close()
    for thread in relay.threads:
        thread.join()
    assert isinstance(ending.interruption, BacError)
    return ending.status, ending.exit_code, ending.interruption.code


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_engine_that_goes_away_leaves_what_was_printed(
    docker: DockerClient, registry: str, digests: dict[str, str], launch: Callable[..., Ending]
):
    launch("true")
    where = client.address()
    if not where.startswith("unix://"):
        components.missing("the engine is not behind a socket that a relay can lead to")
    printed = Printed()
    image = containers.Launch(f"{registry}/busybox", digests["linux/amd64"], "linux/amd64", JOB)
    try:
        ended = run_and_lose(image, where.removeprefix("unix://"), printed)
    finally:
        for left in left_behind(docker):
            docker.api.remove_container(left, force=True)
    gc.collect()  # the SDK leaves its socket open where no engine listens any more
    assert ended == ("failed", None, "no_engine")
    assert printed.stdout == b"evidence\n"


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=20)), max_size=8),
    st.lists(st.integers(min_value=1, max_value=9), min_size=1, max_size=5),
)
def test_frames_are_the_same_wherever_the_bytes_are_cut(written: list[tuple[int, bytes]], cuts: list[int]):
    data = b"".join(HEADER.pack(stream, len(piece)) + piece for stream, piece in written)
    demultiplexer, printed = Demultiplexer(), Printed()
    position = turn = 0
    while position < len(data):
        size = cuts[turn % len(cuts)]
        for stream, piece in demultiplexer.feed(data[position : position + size]):
            printed.write(stream, piece)
        position, turn = position + size, turn + 1
    assert printed.stdout == b"".join(piece for stream, piece in written if stream == 1)
    assert printed.stderr == b"".join(piece for stream, piece in written if stream == 2)
