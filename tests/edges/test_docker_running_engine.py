"""An engine that goes while a container runs: stopped, killed, started again."""

from __future__ import annotations

import gc
import signal
import threading
from typing import TYPE_CHECKING

import busybox
import own_engine
import pytest
from busybox import Printed, left_behind, wanted

from bactools.core.errors import BacError
from bactools.core.leftovers import Owner
from bactools.core.running import Ending, Mount, Printing
from bactools.edges.docker_engine import containers, leftovers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient
    from own_engine import Engine

SCRIPT = "echo evidence; echo partial > /out/file; sleep 600"


@pytest.fixture
def engine() -> Iterator[Engine]:
    with own_engine.running() as engine:
        yield engine
    gc.collect()  # the SDK leaves its socket open where no engine listens any more


@pytest.fixture
def archive(docker: DockerClient, registry: str) -> bytes:
    """The image of busybox, as ``docker save`` has it."""
    image = busybox.image(registry)
    busybox.run(docker, image, wanted("true"))
    return b"".join(docker.api.get_image(image.reference))


def loaded(client: DockerClient, archive: bytes) -> containers.Launch:
    """The image in the engine, by its ID."""
    list(client.api.load_image(archive))
    (found,) = client.api.images()
    return containers.Launch("", found["Id"], busybox.AMD64, busybox.JOB)


def run_and_stop(engine: Engine, archive: bytes, output: Path, number: int) -> tuple[Ending, Printed]:
    """How a container ends whose engine gets a signal once it has printed something."""
    printed = Printed()
    client = engine.start()
    threads: list[threading.Thread] = []

    def write(stream: str, data: bytes) -> None:
        printed.write(stream, data)
        threads.append(threading.Thread(target=engine.stop, args=(number,)))
        threads[-1].start()

    mounts = (Mount(str(output), "/out", writable=True, output=True),)
    try:
        asked = wanted("sh", "-c", SCRIPT, mounts=mounts)
        ending = containers.run(client, loaded(client, archive), asked, Printing(write), lambda _: None)
    finally:
        for thread in threads:
            thread.join()
        client.close()
    return ending, printed


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_engine_that_goes_leaves_the_evidence_and_the_next_run_clears_up(
    engine: Engine, archive: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    dead = Owner(leftovers.this_process().place, 2**22 + 1, 1)  # more than any pid there can be
    with monkeypatch.context() as patch:
        patch.setattr(containers, "this_process", lambda: dead)
        ending, printed = run_and_stop(engine, archive, tmp_path, number)
    assert ending.status == "failed"
    assert ending.message
    assert isinstance(ending.interruption, BacError)
    assert ending.interruption.code == "no_engine"
    assert printed.stdout == b"evidence\n"
    assert (tmp_path / "file").read_text("ascii") == "partial\n"
    client = engine.start()
    try:
        assert leftovers.clear_left(client) == (busybox.JOB,)
        assert left_behind(client) == []
        again = busybox.run(client, loaded(client, archive), wanted("true"))
    finally:
        client.close()
    assert again == Ending("completed", 0)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_image_that_only_the_engine_had_and_that_has_gone_is_not_found(engine: Engine, archive: bytes):
    client = engine.start()
    try:
        image = loaded(client, archive)
        client.api.remove_image(image.digest, force=True)
        with pytest.raises(BacError) as caught:
            busybox.run(client, image, wanted("true"))
        left = left_behind(client)
    finally:
        client.close()
    assert caught.value.code == "not_found"
    assert left == []


def test_an_image_that_has_gone_is_fetched_again(docker: DockerClient, registry: str):
    image = busybox.image(registry)
    busybox.run(docker, image, wanted("true"))
    docker.api.remove_image(image.reference, force=True)
    said: list[str | None] = []
    ending = containers.run(docker, image, wanted("true"), Printing(Printed().write), said.append)
    assert ending == Ending("completed", 0)
    assert (said[0], said[-1]) == (f"pulling {image.reference}", None)
