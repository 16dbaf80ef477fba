"""The busybox of the registry, run in a container by the code that bac-exec uses, for one platform."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

from bactools.core.running import Ending, Printing, Run
from bactools.edges.docker_engine import containers

if TYPE_CHECKING:
    from docker import DockerClient

JOB = "j-test-docker-running"
INDEX = "application/vnd.oci.image.index.v1+json"
AMD64 = "linux/amd64"


class Printed:
    """What a container printed, by stream."""

    def __init__(self) -> None:
        self.stdout = b""
        self.stderr = b""

    def write(self, stream: str, data: bytes) -> None:
        setattr(self, stream, getattr(self, stream) + data)


def image(registry: str, job: str = JOB) -> containers.Launch:
    """The amd64 image of busybox:multi, by the digest of its manifest."""
    request = Request(f"http://{registry}/v2/busybox/manifests/multi", headers={"Accept": INDEX})
    with urlopen(request, timeout=10) as answer:
        entries = json.load(answer)["manifests"]
    digest = next(entry["digest"] for entry in entries if entry["platform"]["architecture"] == "amd64")
    return containers.Launch(f"{registry}/busybox", digest, AMD64, job)


def wanted(*arguments: str, **fields: object) -> Run:
    return Run(arguments, **{"environment": {}, "mounts": (), **fields})


def run(client: DockerClient, launch: containers.Launch, asked: Run, printed: Printed | None = None) -> Ending:
    return containers.run(client, launch, asked, Printing((printed or Printed()).write), lambda _: None)


def left_behind(client: DockerClient, job: str = JOB) -> list[str]:
    return [item["Id"] for item in client.api.containers(all=True, filters={"label": f"bactools={job}"})]
