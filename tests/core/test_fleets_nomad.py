"""Nodes of Nomad, invented by its HTTP API (developer.hashicorp.com/nomad/api-docs/nodes)."""

import json
from pathlib import Path

import pytest

from bactools.core import fleets

DATA = Path(__file__).parents[1] / "data"
NODES = (DATA / "nomad-nodes.json").read_bytes()
LIST = (DATA / "nomad-list-nodes.json").read_bytes()


def read(data):
    return [json.loads(line) for line in fleets.node_lines(data, "nodes.json")]


def changed(**fields):
    node = json.loads(NODES[: NODES.index(b"\n}\n") + 3])
    return read(json.dumps({**node, **fields}).encode())[0]


def test_a_nomad_node_becomes_a_node_record():
    gpu = {"vendor": "NVIDIA", "name": "Tesla T4", "memory": 16106127360}
    assert read(NODES)[0] == {
        "kind": "node",
        "v": 1,
        "id": "bbbbbbbb-0000-4000-8000-000000000001",
        "name": "client-1",
        "os": "linux",
        "architecture": "amd64",
        "engines": [
            {"engine": "docker", "platforms": [{"platform": "linux/amd64", "how": "assumed"}], "version": "27.1.1"},
            {"engine": "wasm", "platforms": [{"platform": "wasm32/wasi", "how": "assumed"}], "runtime": "wasmtime"},
        ],
        "resources": {"cpu": 8, "memory": 16777216000, "disk": 104857600000, "gpus": [gpu]},
        "available": {"cpu": 6.0, "memory": 15728640000, "disk": 0, "gpus": [gpu]},
        "labels": {"node.class": "gpu", "node.pool": "default", "node.datacenter": "dc1", "rack": "7"},
        "schedulable": True,
    }


def test_a_mac_offers_the_linux_of_its_docker():
    mac = read(NODES)[1]
    assert mac["engines"] == [{"engine": "docker", "platforms": [{"platform": "linux/arm64", "how": "assumed"}]}]


def test_a_list_names_no_architecture_and_its_nodes_say_so():
    known, other = read(LIST)
    assert {"engines", "architecture", "resources"} & known.keys() == set()
    assert known["warnings"] == ["a list of Nomad's names no architecture: ask `nomad node status -json` for each node"]
    assert other["engines"] == []


@pytest.mark.parametrize(
    ("fields", "schedulable"),
    [
        ({}, True),
        ({"Status": "down"}, False),
        ({"Status": "initializing"}, False),
        ({"SchedulingEligibility": "ineligible"}, False),
        ({"Drain": True}, False),
        ({"Drain": None}, True),
    ],
)
def test_a_node_takes_jobs_when_it_is_ready_and_eligible(fields, schedulable):
    assert changed(**fields)["schedulable"] is schedulable


def test_a_driver_that_is_not_healthy_is_no_engine():
    drivers = {"docker": {"Detected": True, "Healthy": False}, "podman": {"Detected": True, "Healthy": True}, "x": None}
    assert [engine.get("runtime") for engine in changed(Drivers=drivers)["engines"]] == ["podman"]


def test_cores_that_only_an_attribute_counts_are_counted():
    resources = {"Cpu": {"CpuShares": 2200}, "Memory": {"MemoryMB": 1}}
    node = changed(NodeResources=resources, ReservedResources=None)
    assert node["resources"] == {"cpu": 8, "memory": 1048576, "gpus": []}
    assert "available" not in node


@pytest.mark.parametrize(
    ("fields", "warnings"),
    [
        ({}, None),
        ({"Status": "down"}, ["it is not ready: down"]),
        ({"SchedulingEligibility": "ineligible"}, ["it is not eligible"]),
        ({"SchedulingEligibility": "ineligible", "Drain": True}, ["it is drained"]),
    ],
)
def test_why_a_node_takes_no_jobs_is_a_warning(fields, warnings):
    assert changed(**fields).get("warnings") == warnings
