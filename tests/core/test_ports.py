"""Ports as a job writes them, and what becomes of them on a host."""

from __future__ import annotations

from typing import Any

import pytest

from bactools.core import jobspec, ports
from bactools.core.errors import BacError
from bactools.core.ports import Port


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"Name": "web", "Static": 8080, "Target": 80}, Port("web", "0.0.0.0", 8080, 80)),
        ({"Name": "web", "Static": 8080}, Port("web", "0.0.0.0", 8080, 8080)),
        ({"Name": "web", "Target": 80}, Port("web", "0.0.0.0", 20005, 80)),
        ({"Name": "web"}, Port("web", "0.0.0.0", 20005, 20005)),
        ({"Name": "web", "Target": 80, "HostNetwork": "127.0.0.1"}, Port("web", "127.0.0.1", 20005, 80)),
    ],
)
def test_a_port_has_a_number_on_both_sides(wanted: dict[str, Any], expected: Port):
    assert ports.assigned([wanted], [20005]) == (expected,)


def test_a_specification_tells_its_ports():
    wanted = [{"Name": "web", "Target": 80}, {"Name": "api", "Static": 9000}]
    task = {"Name": "main", "Engine": {"Type": "docker", "Params": {"Image": "busybox"}}}
    spec = {"Type": "batch", "Tasks": [{**task, "Network": {"Type": "Bridge", "Ports": wanted}}]}
    found = ports.wanted(jobspec.canonical(spec))
    assert list(found) == wanted
    assert ports.dynamic(found) == 1
    assert ports.static(found) == {9000}
    assert list(ports.wanted(jobspec.canonical({"Type": "batch", "Tasks": [task]}))) == []


def test_a_job_finds_its_ports_in_variables():
    assert ports.variables([Port("web", "0.0.0.0", 20005, 80)]) == {
        "BACALHAU_HOST_PORT_web": "20005",
        "BACALHAU_PORT_web": "80",
    }


@pytest.mark.parametrize(
    "wanted",
    [
        [{"Name": "a", "Static": 9000}, {"Name": "b", "Static": 9000}],
        [{"Name": "a", "HostNetwork": "eth0"}],
    ],
)
def test_a_port_that_cannot_be_bound_is_refused(wanted: list[dict[str, Any]]):
    with pytest.raises(BacError) as caught:
        ports.assigned(wanted, [20001])
    assert caught.value.code == "bad_spec"
