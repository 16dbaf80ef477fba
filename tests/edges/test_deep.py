"""The proof in a real engine: what runs in its containers, and that nothing stays, also of a process that is killed."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import components
import processes
import pytest

from bactools.core import platforms
from bactools.core.emulation import NO_TIME, Emulation, Outcome, candidates, confirm
from bactools.core.errors import BacError
from bactools.core.executables import ARCHITECTURES
from bactools.core.leftovers import PROOF
from bactools.core.records import Offer
from bactools.edges.docker_engine import proofs

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient

OWN = platforms.parse(f"linux/{os.uname().machine}")
NATIVE = str(OWN)
NOWHERE = "linux/loong64"

# A proof that stops for good as soon as its container is there, and says which that is.
STOPPED = """
import signal, sys
from bactools.cli.boundary import STOPPING, stop
from bactools.edges.docker_engine import client, proofs
for number in STOPPING:
    signal.signal(number, stop)
engine = client.connect()
def start(container):
    print(container, flush=True)
    while True:
        signal.pause()
engine.api.start = start
proofs.prove(engine, sys.argv[1:], 1000, lambda _: None)
"""


def silent(_: str | None) -> None:
    """Hear of no progress."""


def left(docker: DockerClient) -> list[str]:
    """The containers and images of every proof."""
    labelled = {"label": PROOF}
    return [
        it["Id"] for it in (*docker.api.containers(all=True, filters=labelled), *docker.api.images(filters=labelled))
    ]


@pytest.fixture(autouse=True)
def clean(docker: DockerClient) -> Iterator[None]:
    """Nothing of a proof is there, before and after."""
    assert left(docker) == []
    yield
    assert left(docker) == []


@contextmanager
def stopped(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A proof that stands still, and its container."""
    words = [sys.executable, "-c", STOPPED, NATIVE]
    with processes.background(words, env=dict(os.environ), cwd=folder) as process:
        yield process, process.stdout.readline().decode().strip()


def test_the_engines_own_platform_runs(docker: DockerClient):
    assert proofs.prove(docker, [NATIVE], 60, silent) == {NATIVE: Outcome(True)}


@pytest.mark.usefixtures("emulated")
def test_emulated_platforms_run(docker: DockerClient):
    wanted = ["linux/arm64", "linux/arm/v7"]
    assert proofs.prove(docker, wanted, 60, silent) == dict.fromkeys(wanted, Outcome(True))


def test_a_platform_that_nothing_executes_does_not_run(docker: DockerClient):
    found = proofs.prove(docker, [NOWHERE, NATIVE], 60, silent)
    assert found == {NOWHERE: Outcome(False), NATIVE: Outcome(True)}


@pytest.mark.usefixtures("emulated")
def test_a_level_with_a_dot_is_proved_under_its_own_name(docker: DockerClient):
    wanted = ["linux/arm64/v8.2", "linux/arm64/v9.1"]
    assert proofs.prove(docker, wanted, 60, silent) == dict.fromkeys(wanted, Outcome(True))


def test_a_platform_that_the_engine_refuses_is_untried_and_costs_no_other(
    docker: DockerClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(proofs.scratch_image, "plain", lambda platform: platform)
    refused = f"linux/{OWN.architecture}/v{'9' * 300}!"  # no engine takes this for a variant
    monkeypatch.setattr(proofs.platforms, "parse", lambda text: platforms.Platform(*text.split("/")))
    found = proofs.prove(docker, [refused, NATIVE], 60, silent)
    assert found[NATIVE] == Outcome(True)
    assert found[refused].untried.startswith("creating a container for ")


def test_what_the_time_does_not_allow_is_untried(docker: DockerClient):
    assert proofs.prove(docker, [NATIVE], 0, silent) == {NATIVE: Outcome(False, untried=NO_TIME)}


def test_progress_names_each_platform_and_ends(docker: DockerClient):
    told: list[str | None] = []
    proofs.prove(docker, [NATIVE], 60, told.append)
    assert told == [f"running a program for {NATIVE} in a container", None]


def test_a_program_that_does_not_end_is_stopped_at_the_timeout(docker: DockerClient, monkeypatch: pytest.MonkeyPatch):
    endless = {"x86_64": "ebfe", "aarch64": "00000014"}  # a jump to itself
    code = endless.get(os.uname().machine)
    if code is None:
        components.missing("how this machine jumps to itself is not written down here")
    monkeypatch.setitem(proofs.executables.EXITS, OWN.architecture, code)
    assert proofs.prove(docker, [NATIVE], 2, silent) == {NATIVE: Outcome(False, errno.ETIMEDOUT)}


def test_a_program_that_crashes_tells_its_signal(docker: DockerClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(proofs.executables.EXITS, OWN.architecture, "00000000")  # a write to nowhere, or no instruction
    found = proofs.prove(docker, [NATIVE], 60, silent)[NATIVE]
    assert (found.ran, found.errno, found.signal in (signal.SIGSEGV, signal.SIGILL)) == (False, None, True)


def test_the_engine_gives_a_proof_nothing(docker: DockerClient, tmp_path: Path):
    with stopped(tmp_path) as (process, container):
        found: dict[str, Any] = docker.api.inspect_container(container)
        process.terminate()
        process.communicate(timeout=60)
    host = found["HostConfig"]
    assert (host["NetworkMode"], host["ReadonlyRootfs"], host["CapDrop"]) == ("none", True, ["ALL"])
    assert (host["Binds"], found["Mounts"], host["Privileged"]) == (None, [], False)
    assert found["Config"]["Labels"]["bactools"] == "proof"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_nothing(docker: DockerClient, tmp_path: Path, number: int):
    with stopped(tmp_path) as (process, container):
        assert container in left(docker)
        process.send_signal(number)
        process.communicate(timeout=60)
        assert left(docker) == []


def test_what_a_killed_proof_leaves_is_removed_by_the_next(docker: DockerClient, tmp_path: Path):
    with stopped(tmp_path) as (process, _):
        process.kill()
        process.communicate(timeout=60)
    assert len(left(docker)) == 2
    proofs.prove(docker, [], 60, silent)
    assert left(docker) == []


def test_a_proof_leaves_that_of_a_living_process_alone(docker: DockerClient, tmp_path: Path):
    with stopped(tmp_path) as (process, container):
        before = left(docker)
        assert proofs.prove(docker, [NATIVE], 60, silent) == {NATIVE: Outcome(True)}
        assert left(docker) == before
        assert container in before
        process.terminate()
        process.communicate(timeout=60)


def test_an_engine_that_breaks_off_is_an_error_and_no_outcome(docker: DockerClient, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object, **__: object) -> None:
        raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")

    monkeypatch.setattr(docker.api, "start", broken)
    with pytest.raises(BacError) as caught:
        proofs.prove(docker, [NATIVE], 60, silent)
    assert caught.value.code == "no_engine"


@pytest.mark.usefixtures("emulated")
def test_every_platform_is_tried_and_only_what_ran_is_offered(docker: DockerClient):
    offered = Emulation(
        (
            Offer(NATIVE, "native", proved="host"),
            Offer("linux/arm64", "emulated", "qemu-aarch64", "host"),
            Offer(NOWHERE, "emulated", "qemu-loongarch64"),
        )
    )
    outcomes = proofs.prove(docker, candidates(OWN, offered), 120, silent)
    assert {platforms.parse(platform).architecture for platform in outcomes} == set(ARCHITECTURES)
    found = confirm(OWN, offered, outcomes)
    assert found.offers[:2] == (
        Offer(NATIVE, "native", proved="container"),
        Offer("linux/arm64", "emulated", "qemu-aarch64", "container"),
    )
    assert Offer("linux/arm/v7", "emulated", proved="container") in found.offers
    assert [warning for warning in found.warnings if "entry qemu-loongarch64 takes linux/loong64" in warning]


def test_nothing_is_pulled_and_no_name_is_taken(docker: DockerClient):
    def names() -> list[str]:
        return sorted(json.dumps([it["Id"], it["RepoTags"]]) for it in docker.api.images())

    before = names()
    proofs.prove(docker, [NATIVE], 60, silent)
    assert names() == before
