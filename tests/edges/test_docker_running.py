"""What a container really gets, and how it ends when it is stopped, bombs or prints what is not text."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import busybox
import pytest
from busybox import Printed, left_behind, wanted
from processes import eventually

from bactools.core import command_lines
from bactools.core.container_options import Gpus
from bactools.core.credentials import Credential
from bactools.core.errors import BacError
from bactools.core.ports import Port
from bactools.core.running import Deadline, Ending, Mount, Printing, Run
from bactools.edges.docker_engine import containers, device_files, free_ports, images, postmortem, supervision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from docker import DockerClient

MIB = 1024 * 1024


@pytest.fixture
def launch(docker: DockerClient, registry: str) -> Callable[..., Ending]:
    """``launch("echo", "hi", printed=Printed(), pids=9, …)``: run busybox."""
    image = busybox.image(registry)

    def start(*arguments: str, printed: Printed | None = None, **fields: object) -> Ending:
        return busybox.run(docker, image, wanted(*arguments, **fields), printed)

    return start


def status_of(launch: Callable[..., Ending], **fields: object) -> dict[str, str]:
    """The lines of /proc/self/status inside."""
    printed = Printed()
    assert launch("cat", "/proc/self/status", printed=printed, **fields).status == "completed"
    lines = (line.partition(":") for line in printed.stdout.decode().splitlines())
    return {name: text.strip() for name, _, text in lines}


# Numbers of capabilities(7): CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, FSETID 4, KILL 5, SETGID 6, SETUID 7, SETPCAP 8.
USUAL = 0b1_1111_1011


def test_a_program_has_the_usual_capabilities_and_gains_none(launch: Callable[..., Ending]):
    found = status_of(launch)
    assert int(found["CapEff"], 16) == int(found["CapBnd"], 16) == USUAL
    assert found["NoNewPrivs"] == "1"


def test_a_capability_that_is_given_is_there(launch: Callable[..., Ending]):
    found = status_of(launch, capabilities=("NET_RAW",), privileges=True)
    assert int(found["CapEff"], 16) == USUAL | 1 << 13
    assert found["NoNewPrivs"] == "0"


def test_a_job_with_a_network_knows_this_host_by_name(launch: Callable[..., Ending]):
    alone, bridged = Printed(), Printed()
    launch("cat", "/etc/hosts", printed=alone)
    launch("cat", "/etc/hosts", printed=bridged, network="bridge")
    assert b"host.docker.internal" not in alone.stdout
    assert b"host.docker.internal" in bridged.stdout


def test_a_published_port_is_heard_from_outside(launch: Callable[..., Ending], tool: Callable[[str], str]):
    curl = tool("curl")
    with free_ports.held(1) as (port,):
        pass
    printed = Printed()
    answers: list[bytes] = []

    def ask() -> None:
        end = time.monotonic() + 20
        while not answers and time.monotonic() < end:
            time.sleep(0.05)
            with subprocess.Popen([curl, "-s", f"http://127.0.0.1:{port}/x"], stdout=subprocess.PIPE) as it:
                answers.extend(filter(None, [it.communicate()[0]]))

    asking = threading.Thread(target=ask)
    asking.start()
    served = "mkdir /w; echo served > /w/x; exec httpd -f -p 80 -h /w"
    published = (Port("web", "127.0.0.1", port, 80),)
    launch("sh", "-c", served, printed=printed, network="bridge", ports=published, timeout=3)
    asking.join()
    assert answers == [b"served\n"]


def test_a_job_cannot_have_more_processes_than_its_limit(launch: Callable[..., Ending]):
    printed = Printed()
    script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 30 & done; echo all"
    ending = launch("sh", "-c", script, printed=printed, pids=8)
    assert ending.status == "failed"
    assert b"can't fork" in printed.stderr
    assert printed.stdout == b""


def test_a_fork_bomb_ends_at_its_timeout(docker: DockerClient, launch: Callable[..., Ending]):
    ending = launch("sh", "-c", "bomb() { bomb | bomb & }; bomb; sleep 60", pids=24, timeout=1)
    assert ending.status in ("timeout", "failed")
    assert left_behind(docker) == []


def test_bytes_that_are_not_text_arrive_unchanged(launch: Callable[..., Ending]):
    printed = Printed()
    launch("sh", "-c", r"printf '\377\000\200\n\377'", printed=printed)
    assert printed.stdout == b"\xff\0\x80\n\xff"


@pytest.mark.parametrize(("code", "said"), [(137, "128 + SIGKILL"), (143, "128 + SIGTERM")])
def test_the_signal_behind_a_status_is_named(launch: Callable[..., Ending], code: int, said: str):
    assert launch("sh", "-c", f"exit {code}").message == f"exit status {code} ({said})"


@pytest.fixture
def stopper() -> Any:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("script", ["echo ready; sleep 60", "echo ready; exec >&- 2>&-; sleep 60"])
def test_a_wish_to_stop_stops_the_job(
    docker: DockerClient, launch: Callable[..., Ending], stopper: tuple[int, int], script: str
):
    reading, writing = stopper
    printed = Printed()

    def wish() -> None:
        eventually(lambda: b"ready" in printed.stdout)
        os.write(writing, b"x")

    thread = threading.Thread(target=wish)
    thread.start()
    ending = launch("sh", "-c", script, printed=printed, stop=reading)
    thread.join()
    assert ending == Ending("cancelled", 143, "stopped by a signal to bac-exec")
    assert left_behind(docker) == []


def test_a_second_signal_kills_at_once(
    docker: DockerClient, launch: Callable[..., Ending], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(supervision, "GRACE", 3600)

    def interrupt() -> None:
        for name in ("ready", "deaf"):
            eventually((tmp_path / name).exists)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    script = "trap 'echo > /out/deaf' TERM; echo > /out/ready; while :; do sleep 0.1; done"
    ending = launch("sh", "-c", script, mounts=(Mount(str(tmp_path), "/out", writable=True),))
    thread.join()
    assert (ending.status, ending.exit_code) == ("cancelled", 137)
    assert isinstance(ending.interruption, KeyboardInterrupt)
    assert left_behind(docker) == []


@pytest.mark.parametrize("timeout", [None, 50])
def test_the_total_timeout_stops_a_job(launch: Callable[..., Ending], timeout: float | None):
    ending = launch("sleep", "60", deadline=Deadline(time.monotonic() + 0.5, 0.5), timeout=timeout)
    assert ending == Ending("timeout", 143, "stopped after its total timeout of 0.5 s")


def test_the_shorter_timeout_counts(launch: Callable[..., Ending]):
    ending = launch("sleep", "60", deadline=Deadline(time.monotonic() + 50, 50), timeout=0.5)
    assert ending.message == "stopped after its timeout of 0.5 s"


@pytest.fixture
def absent(docker: DockerClient) -> containers.Launch:
    """An image in a registry that takes a connection and never answers."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        digest = "sha256:" + "7" * 64
        yield containers.Launch(f"127.0.0.1:{silent.getsockname()[1]}/busybox", digest, "linux/amd64", busybox.JOB)
    assert docker.ping()


def test_the_total_timeout_stops_a_pull(docker: DockerClient, absent: containers.Launch):
    asked = wanted("true", deadline=Deadline(time.monotonic() + 0.5, 0.5))
    ending = busybox.run(docker, absent, asked)
    said = "stopped after its total timeout of 0.5 s, while its image was pulled"
    assert ending == Ending("timeout", None, said)


def test_a_wish_to_stop_stops_a_pull(docker: DockerClient, absent: containers.Launch, stopper: tuple[int, int]):
    os.write(stopper[1], b"x")
    ending = busybox.run(docker, absent, wanted("true", stop=stopper[0]))
    assert ending == Ending("cancelled", None, "stopped by a signal before the job had started")


def test_a_login_is_asked_for_only_before_a_pull_and_never_told(docker: DockerClient, registry: str):
    asked: list[str] = []

    def login(repository: str) -> Credential:
        asked.append(repository)
        return Credential("user", "s3cret")

    image = busybox.image(registry)._replace(login=login)
    busybox.run(docker, image._replace(login=lambda _: None), wanted("true"))
    busybox.run(docker, image, wanted("true"))
    assert asked == []
    with pytest.raises(BacError) as caught:
        busybox.run(docker, image._replace(digest="sha256:" + "0" * 64), wanted("true"))
    assert asked == [f"{registry}/busybox"]
    assert "s3cret" not in caught.value.line()


def test_progress_counts_what_came_of_the_whole():
    messages = [
        {"status": "Downloading", "id": "a", "progressDetail": {"current": MIB, "total": 4 * MIB}},
        {"status": "Downloading", "id": "b", "progressDetail": {"current": MIB // 2, "total": MIB}},
        {"status": "Extracting", "id": "a", "progressDetail": {"current": 10, "total": 4 * MIB}},
    ]
    layers: dict[str, tuple[int, int]] = {}
    assert [images._count(layers, message) for message in messages] == [True, True, True]
    assert images._amount(layers) == "1.5 of 5.0 MiB"


@pytest.mark.parametrize(("vendor", "number", "shared"), [("AMD", "0x1002", ("/dev/kfd",)), ("Intel", "0x8086", ())])
def test_a_gpus_device_files_are_found_by_its_vendor(tmp_path: Path, vendor: str, number: str, shared: tuple[str, ...]):
    for slot, found, names in (("p0", "0x10de", ("card0",)), ("p1", number, ("card1", "renderD128"))):
        (tmp_path / slot).mkdir()
        (tmp_path / slot / "vendor").write_text(f"{found}\n", encoding="ascii")
        for name in (*names, f"{names[0]}-HDMI-A-1"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "device").symlink_to(tmp_path / slot)
    assert device_files.gpus(vendor, tmp_path) == Gpus(vendor, (("/dev/dri/card1", "/dev/dri/renderD128"),), shared)
    assert device_files.gpus("NVIDIA", tmp_path) == Gpus("NVIDIA")


# What cannot be the same in two containers, or comes from --rm, which a person needs and bac-exec does itself.
OWN = {"Id", "Created", "Name", "ResolvConfPath", "HostnamePath", "HostsPath", "LogPath", "State", "GraphDriver"}
OWN |= {"NetworkSettings", "Config.Hostname", "HostConfig.AutoRemove", "HostConfig.ContainerIDFile"}


def flat(details: dict[str, Any]) -> dict[str, Any]:
    """The fields of an inspected container, those of Config and HostConfig by ``Config.NAME``, empty ones as None."""
    fields = {name: value for name, value in details.items() if name not in ("Config", "HostConfig")}
    for part in ("Config", "HostConfig"):
        fields |= {f"{part}.{name}": value for name, value in details[part].items()}
    fields["Config.Env"].sort()  # the engine keeps no order of these
    fields["Mounts"].sort(key=lambda mount: mount["Destination"])
    return {name: without_empty(value) for name, value in fields.items() if name not in OWN}


def without_empty(value: Any) -> Any:
    """The value with None for whatever is empty in it: the SDK sends a list where the command line sends none."""
    if isinstance(value, dict):
        value = {name: without_empty(each) for name, each in value.items()}
    if isinstance(value, list):
        value = [without_empty(each) for each in value]
    return value or None


CASES = {
    "plain": (wanted("echo", "hi"), None),
    "all": (
        wanted(
            "-c",
            "true",
            entrypoint=("/bin/sh", "-e"),
            environment={"A": "x y", "empty": "", "lines": "1\n2"},
            mounts=(Mount("/tmp", "/in,put", writable=False), Mount("/var/tmp", "/out", writable=True)),
            working_directory="/w",
            memory=64 * MIB,
            cpu=0.29,
            network="bridge",
            ports=(Port("web", "127.0.0.1", 20900, 80), Port("api", "0.0.0.0", 20901, 81)),
            pids=99,
            capabilities=("NET_RAW",),
            privileges=True,
        ),
        None,
    ),
    "host": (wanted("true", network="host"), None),
    "nvidia": (wanted("true", gpus=1), Gpus("NVIDIA", (("GPU-a",),))),
    "nvidias": (wanted("true", gpus=2), Gpus("NVIDIA")),
    "amd": (wanted("true", gpus=1), Gpus("AMD", (("/dev/null",),), ("/dev/zero",))),
}


@pytest.mark.parametrize("case", CASES)
def test_the_command_line_makes_the_same_container(
    docker: DockerClient, registry: str, tool: Callable[[str], str], launch: Callable[..., Ending], case: str
):
    launch("true")
    asked, gpus = CASES[case]
    options = busybox.image(registry)._replace(gpus=gpus).options(asked)
    words = command_lines.docker_run(options)
    created = [docker.api.create_container(**containers.configuration(docker, options))["Id"]]
    try:
        made = subprocess.run([tool("docker"), "create", *words[2:]], capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        created.append(made.stdout.strip())
        ours, theirs = (flat(docker.api.inspect_container(each)) for each in created)
    finally:
        for each in created:
            docker.api.remove_container(each, force=True)
    assert ours == theirs


def test_a_pasted_line_prints_what_the_job_prints(
    registry: str, tool: Callable[[str], str], launch: Callable[..., Ending]
):
    printed = Printed()
    asked: Run = wanted("sh", "-c", "echo \"$A\" '$A'; exit 3", environment={"A": "it's"})
    launch(*asked.arguments, printed=printed, environment=asked.environment)
    words = command_lines.docker_run(busybox.image(registry).options(asked), {"A": "SOURCE"})
    line = command_lines.pasted(words, {"A": "SOURCE"})
    ran = subprocess.run(
        [tool("bash"), "-c", line], env={**os.environ, "SOURCE": "it's"}, capture_output=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (3, printed.stdout)
    assert printed.stdout == b"it's $A\n"


def test_a_pasted_line_gives_a_variable_of_dockers_name_to_the_container_alone(
    registry: str, tool: Callable[[str], str], launch: Callable[..., Ending]
):
    launch("true")
    value = "tcp://127.0.0.1:9 it's"
    asked = wanted("sh", "-c", 'echo "$DOCKER_HOST"', environment={"DOCKER_HOST": value})
    references = {"DOCKER_HOST": "SEC"}
    words = command_lines.docker_run(busybox.image(registry).options(asked), references)
    line = command_lines.pasted(words, references)
    ran = subprocess.run(
        [tool("bash"), "-c", line], env={**os.environ, "SEC": value}, capture_output=True, text=True, check=False
    )
    assert value not in line
    assert (ran.returncode, ran.stdout) == (0, f"{value}\n"), ran.stderr


def remove_from_outside(client: DockerClient) -> None:
    for each in left_behind(client):
        client.api.remove_container(each, force=True)


@pytest.mark.parametrize("script", ["echo ready; sleep 60", "echo ready; exec >&- 2>&-; sleep 60"])
def test_a_container_that_somebody_else_removes_is_told_as_that(
    docker: DockerClient, launch: Callable[..., Ending], script: str
):
    printed = Printed()

    def remove() -> None:
        eventually(lambda: b"ready" in printed.stdout)
        remove_from_outside(docker)

    thread = threading.Thread(target=remove)
    thread.start()
    ending = launch("sh", "-c", script, printed=printed)
    thread.join()
    assert (ending.status, ending.exit_code, ending.interruption) == ("failed", None, None)
    assert ending.message
    assert ending.message.startswith("somebody else removed its container while it ran")
    assert left_behind(docker) == []


@pytest.mark.parametrize("state", [{"Dead": True}, {"Status": "removing"}, {"Status": "dead"}])
def test_a_container_that_is_being_removed_is_seen_by_its_state(state: dict[str, object]):
    assert postmortem._is_going(state)
    assert not postmortem._is_going({"Dead": False, "Status": "exited"})


@contextmanager
def answering(status: int) -> Iterator[str]:
    """An engine that answers every request with one status; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_DELETE(self) -> None:
            body = b'{"message": "removal of container x is already in progress"}'
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"tcp://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "trouble"), [(409, None), (404, None), (500, "engine_failed")])
def test_a_container_that_somebody_else_is_removing_counts_as_removed(status: int, trouble: str | None):
    import docker

    with answering(status) as address:
        client = docker.DockerClient(address, version="1.41")
        found = containers._removed(client, "x" * 64)
        client.close()
    assert getattr(found, "code", None) == trouble


def test_a_reader_that_goes_is_an_interruption_after_which_the_outputs_are_the_callers(
    docker: DockerClient, launch: Callable[..., Ending], tmp_path: Path
):
    class Gone(Printed):
        def write(self, stream: str, data: bytes) -> None:
            if not self.stdout:
                super().write(stream, data)
                raise BrokenPipeError
            super().write(stream, data)

    printed = Gone()
    script = "trap 'echo bye; exit 7' TERM; echo > /out/file; chown 33:33 /out/file; echo ready; sleep 60 & wait"
    mounts = (Mount(str(tmp_path), "/out", writable=True, output=True),)
    ending = launch("sh", "-c", script, printed=printed, mounts=mounts)
    assert (ending.status, ending.exit_code) == ("cancelled", 7)
    assert isinstance(ending.interruption, BrokenPipeError)
    assert printed.stdout == b"ready\nbye\n"
    assert (tmp_path / "file").stat().st_uid == os.geteuid()
    assert left_behind(docker) == []


def test_a_job_that_floods_us_is_stopped_while_it_is_read(docker: DockerClient, registry: str):
    last: list[bytes] = []

    def write(_stream: str, data: bytes) -> None:
        last[:] = [data]
        if threading.active_count() == before:
            raise BrokenPipeError  # from here on it is read only by whoever waits for its end

    launch = busybox.image(registry)
    before = threading.active_count()
    ending = containers.run(docker, launch, wanted("yes"), Printing(write), lambda _: None)
    assert (ending.status, ending.exit_code) == ("cancelled", 143)
    assert last[0].strip(b"\ny") == b""
    assert left_behind(docker) == []
