"""bac-exec and the ports of executions that run at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from docker import DockerClient
    from processes import Completed

    Run = Callable[..., Completed]


@pytest.fixture
def publishing(home: Path, docker: DockerClient, registry: str) -> Callable[..., Path]:
    """``publishing(3, Target=80)``: a job that so many times tells the port of this host at which it is heard."""
    assert docker.ping()

    def make(count: int, **port: int) -> Path:
        image = {"Image": f"{registry}/busybox:multi", "Entrypoint": ["sh", "-c", "echo $BACALHAU_HOST_PORT_http"]}
        network = {"Type": "Bridge", "Ports": [{"Name": "http", **port}]}
        task = {"Name": "main", "Engine": {"Type": "docker", "Params": image}, "Network": network}
        path = home / "job.yaml"
        path.write_text(json.dumps({"Type": "batch", "Count": count, "Tasks": [task]}), encoding="utf-8")
        return path

    return make


def test_executions_at_once_have_ports_of_their_own(run: Run, publishing: Callable[..., Path]):
    ran = run("bac-exec", "--jobs", "6", publishing(6, Target=80))
    assert [record["kind"] for record in ran.records] == ["result"] * 6
    assert len({record["stdout"]["tail"] for record in ran.records}) == 6


def test_executions_that_name_one_port_run_one_after_another(run: Run, publishing: Callable[..., Path]):
    ran = run("bac-exec", "--jobs", "2", publishing(2, Static=18123))
    first, second = ran.records
    assert [first["status"], second["status"]] == ["completed", "completed"]
    assert first["finished"] <= second["started"]
