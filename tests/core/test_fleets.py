"""Node lists of others: what they say is kept, what they do not say is not made up."""

import json
from pathlib import Path

import pytest

from bactools.core import fleets
from bactools.core.errors import BacError

LIST = (Path(__file__).parents[1] / "data" / "bacalhau-nodes.json").read_bytes()


def read(data):
    return [json.loads(line) for line in fleets.node_lines(data, "nodes.json")]


def test_a_bacalhau_node_becomes_a_node_record():
    assert read(LIST)[0] == {
        "kind": "node",
        "v": 1,
        "id": "n-11111111-0000-4000-8000-000000000001",
        "name": "rack-1",
        "os": "linux",
        "architecture": "amd64",
        "engines": [
            {"engine": "docker", "platforms": [{"platform": "linux/amd64", "how": "assumed"}]},
            {"engine": "wasm", "platforms": [{"platform": "wasm32/wasi", "how": "native"}], "runtime": "wazero"},
        ],
        "resources": {
            "cpu": 12.8,
            "memory": 50000000000,
            "disk": 400000000000,
            "gpus": [{"vendor": "NVIDIA", "name": "Tesla T4", "memory": 16106127360}],
        },
        "available": {"cpu": 10.8, "memory": 40000000000, "disk": 400000000000, "gpus": []},
        "labels": {"name": "rack-1", "os_type": "linux", "os_arch": "amd64", "zone": "eu"},
        "sources": ["inline", "urldownload", "local"],
        "publishers": ["noop", "local", "s3managed"],
        "schedulable": True,
    }


def test_a_mac_offers_the_linux_of_its_docker():
    docker = read(LIST)[1]["engines"][1]
    assert docker["platforms"] == [{"platform": "linux/arm64", "how": "assumed"}]


def test_labels_of_before_v1_8_are_read_when_the_version_says_nothing():
    state = json.loads(LIST)[2]
    del state["Info"]["BacalhauVersion"]
    node = read(json.dumps([state]).encode())[0]
    assert (node["os"], node["architecture"]) == ("linux", "arm")


def test_disconnected_nodes_and_requesters_take_no_jobs():
    assert [node["schedulable"] for node in read(LIST)] == [True, True, False, False]


def test_a_capacity_that_is_not_stated_is_not_zero():
    state = json.loads(LIST)[0]
    del state["Info"]["ComputeNodeInfo"]["MaxCapacity"]
    state["Info"]["ComputeNodeInfo"]["AvailableCapacity"] = None
    node = read(json.dumps([state]).encode())[0]
    assert {"resources", "available"} & node.keys() == set()


def test_a_page_an_envelope_and_a_bare_node_info_are_read_too():
    states = json.loads(LIST)
    page = read(json.dumps({"NextToken": "", "Nodes": states}).encode())
    assert [node["id"][:4] for node in page] == ["n-11", "n-22", "n-33", "n-44"]
    assert read(json.dumps({"Node": states[0]}).encode())[0]["id"].startswith("n-11")
    assert read(json.dumps(states[0]["Info"]).encode())[0]["id"].startswith("n-11")


def test_a_node_record_in_an_array_keeps_its_bytes():
    raw = b'{"kind": "node", "v":1, "id":"x", "later":[1.0]}'
    assert list(fleets.node_lines(b"[" + raw + b"]", "nodes.json")) == [raw]


def test_a_node_record_over_several_lines_becomes_one_line():
    assert list(fleets.node_lines(b'{\n "kind":"node",\n "v":1,"id":"x"}', "n")) == [b'{"kind":"node","v":1,"id":"x"}']


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<html>not found</html>", "bad_line"),
        (b'[{"kind":"node"', "bad_line"),
        (b'{"apiVersion":"v1","kind":"Status"}', "bad_nodes"),
        (b"[1,2]", "bad_nodes"),
        (b"[" * 100_000, "bad_line"),
        (b'[{"Info":{"NodeID":7}}]', "bad_nodes"),
    ],
)
def test_anything_else_is_refused_by_name(data, code):
    with pytest.raises(BacError, match=r"nodes\.json") as caught:
        read(data)
    assert caught.value.code == code


def test_a_platform_operand_is_a_node_of_which_nothing_else_is_known():
    assert json.loads(fleets.platform_line("Linux/ARM/v7")) == {
        "kind": "node",
        "v": 1,
        "id": "platform:linux/arm/v7",
        "name": "platform:linux/arm/v7",
        "os": "linux",
        "architecture": "arm",
        "engines": [{"engine": "docker", "platforms": [{"platform": "linux/arm/v7", "how": "assumed"}]}],
    }
