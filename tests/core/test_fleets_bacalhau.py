"""Bacalhau's node lists: what they say is kept, what they do not say is not made up."""

import copy
import json
from pathlib import Path

import pytest

from bactools.core import fleets

LIST = (Path(__file__).parents[1] / "data" / "bacalhau-nodes.json").read_bytes()
WAZERO = {
    "engine": "wasm",
    "platforms": [{"platform": "wasm32/wasi", "how": "native"}],
    "runtime": "wazero",
    "features": [
        "bulk-memory",
        "multi-value",
        "mutable-globals",
        "nontrapping-fptoint",
        "reference-types",
        "sign-ext",
        "simd",
    ],
    "memory": 4294967296,
}


def read(data):
    return [json.loads(line) for line in fleets.node_lines(data, "nodes.json")]


def state(place=0):
    return copy.deepcopy(json.loads(LIST)[place])


def one(value):
    return read(json.dumps([value]).encode())[0]


def test_a_bacalhau_node_becomes_a_node_record():
    assert read(LIST)[0] == {
        "kind": "node",
        "v": 1,
        "id": "n-11111111-0000-4000-8000-000000000001",
        "name": "rack-1",
        "probed": "2026-11-20T10:00:00Z",
        "os": "linux",
        "architecture": "amd64",
        "engines": [
            {"engine": "docker", "platforms": [{"platform": "linux/amd64", "how": "assumed"}]},
            WAZERO,
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


def test_what_bac_probe_told_by_labels_is_believed_instead_of_the_binarys_platform():
    labelled = state()
    labelled["Info"]["Labels"] |= {
        "docker/linux-amd64": "native",
        "docker/linux-amd64-v2": "native",
        "docker/linux-arm64": "emulated",
        "wasm/wasm32-wasi-p2": "native",
    }
    docker, wasm = one(labelled)["engines"]
    assert docker["platforms"] == [
        {"platform": "linux/amd64/v2", "how": "native"},
        {"platform": "linux/arm64", "how": "emulated"},
    ]
    assert wasm == WAZERO


def test_a_mac_offers_the_linux_of_its_docker():
    docker = read(LIST)[1]["engines"][1]
    assert docker["platforms"] == [{"platform": "linux/arm64", "how": "assumed"}]


def test_labels_of_before_v1_8_are_read_when_the_version_says_nothing():
    old = state(2)
    del old["Info"]["BacalhauVersion"]
    node = one(old)
    assert (node["os"], node["architecture"]) == ("linux", "arm")


def test_labels_since_v1_8_are_read_when_the_version_says_nothing():
    new = state(1)
    del new["Info"]["BacalhauVersion"]
    node = one(new)
    assert (node["os"], node["architecture"]) == ("darwin", "arm64")


def test_disconnected_nodes_and_requesters_take_no_jobs():
    assert [node["schedulable"] for node in read(LIST)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("fields", "schedulable"),
    [
        ({"Membership": "PENDING"}, False),
        ({"Membership": "REJECTED"}, False),
        ({"Membership": ""}, True),
        ({"ConnectionState": {"Status": "DISCONNECTED"}}, False),
        ({"ConnectionState": None, "Connection": "DISCONNECTED"}, False),
        ({"ConnectionState": None, "Connection": ""}, True),
        ({"Membership": "", "Approval": "REJECTED"}, False),
        ({"ConnectionState": None, "Connection": "", "Liveness": "UNHEALTHY"}, False),
        ({"ConnectionState": None, "Connection": "", "Liveness": "HEALTHY"}, True),
    ],
)
def test_a_node_takes_jobs_when_it_is_approved_and_heard_of(fields, schedulable):
    assert one({**state(), **fields})["schedulable"] is schedulable


@pytest.mark.parametrize(
    ("fields", "warnings"),
    [
        ({}, None),
        ({"Membership": "PENDING"}, ["it is not approved: PENDING"]),
        ({"ConnectionState": {"Status": "DISCONNECTED"}}, ["it is not connected: DISCONNECTED"]),
        ({"Info": {"NodeID": "r", "NodeType": "Requester"}}, ["it is a requester"]),
    ],
)
def test_why_a_node_takes_no_jobs_is_a_warning(fields, warnings):
    assert one({**state(), **fields}).get("warnings") == warnings


@pytest.mark.parametrize("known", [{}, {"NodeID": ""}])
def test_before_v1_3_a_node_is_known_by_its_peer(known):
    info = state()["Info"]
    del info["NodeID"]
    node = one({**info, **known, "PeerInfo": {"ID": "QmPeer", "Addrs": []}, "NodeType": "Compute"})
    assert (node["kind"], node["id"], node["schedulable"]) == ("node", "QmPeer", True)


@pytest.mark.parametrize("info", [{"NodeID": ""}, {"PeerInfo": {"ID": ""}, "NodeType": "Compute"}])
def test_a_node_without_an_id_is_an_error(info):
    error = one({**info, "ComputeNodeInfo": {}})
    assert (error["kind"], error["code"]) == ("error", "bad_nodes")
    assert error["message"].endswith("is not a valid Bacalhau node: it has no NodeID")


@pytest.mark.parametrize(
    ("capacity", "why"),
    [
        ({"GPU": -1}, "it states -1 GPUs"),
        ({"GPUs": [{"Memory": 2**62}]}, "the memory of a GPU is"),
        ({"GPUs": [{"Memory": -1}]}, "the memory of a GPU is"),
    ],
)
def test_absurd_gpus_are_an_error(capacity, why):
    absurd = state()
    absurd["Info"]["ComputeNodeInfo"]["MaxCapacity"] = capacity
    assert f"is not a valid Bacalhau node: {why}" in one(absurd)["message"]


def test_a_capacity_that_is_not_stated_is_not_zero():
    silent = state()
    del silent["Info"]["ComputeNodeInfo"]["MaxCapacity"]
    silent["Info"]["ComputeNodeInfo"]["AvailableCapacity"] = None
    assert {"resources", "available", "limits"} & one(silent).keys() == set()


def test_what_one_job_may_have_is_the_limit():
    limited = state()
    limited["Info"]["ComputeNodeInfo"]["MaxJobRequirements"] = {"CPU": 2, "Memory": 1000}
    assert one(limited)["limits"] == {"cpu": 2.0, "memory": 1000, "disk": 0, "gpus": []}


def test_gpus_that_are_only_counted_are_gpus():
    counted = state()
    counted["Info"]["ComputeNodeInfo"]["AvailableCapacity"] = {"CPU": 1, "GPU": 2}
    assert one(counted)["available"]["gpus"] == [{"vendor": None, "name": None, "memory": None}] * 2


def test_numbers_in_quotes_are_numbers():
    quoted = state()
    quoted["Info"]["ComputeNodeInfo"]["MaxCapacity"] = {"CPU": "12.80", "Memory": "1000"}
    assert one(quoted)["resources"] == {"cpu": 12.8, "memory": 1000, "disk": 0, "gpus": []}


def test_null_lists_are_empty():
    quiet = state()
    quiet["Info"]["Labels"] = None
    for name in ("ExecutionEngines", "Publishers", "StorageSources"):
        quiet["Info"]["ComputeNodeInfo"][name] = None
    node = one(quiet)
    assert [node[name] for name in ("engines", "publishers", "sources", "labels")] == [[], [], [], {}]


@pytest.mark.parametrize(
    ("stated", "probed"),
    [
        ("2026-08-20T09:14:52.530163326Z", "2026-08-20T09:14:52Z"),
        ("2026-08-20T09:14:52+02:00", "2026-08-20T07:14:52Z"),
        ("0001-01-01T00:00:00Z", None),
        ("2026-13-40T00:00:00Z", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_the_last_heartbeat_is_when_the_node_was_probed(stated, probed):
    heard = state()
    heard["ConnectionState"]["LastHeartbeat"] = stated
    assert one(heard).get("probed") == probed


def test_a_page_an_envelope_and_a_bare_node_info_are_read_too():
    states = json.loads(LIST)
    page = read(json.dumps({"NextToken": "", "Nodes": states}).encode())
    assert [node["id"][:4] for node in page] == ["n-11", "n-22", "n-33", "n-44"]
    assert read(json.dumps({"Node": states[0]}).encode())[0]["id"].startswith("n-11")
    assert read(json.dumps(states[0]["Info"]).encode())[0]["id"].startswith("n-11")


def test_an_unknown_engine_is_kept_and_offers_nothing():
    strange = state()
    strange["Info"]["ComputeNodeInfo"]["ExecutionEngines"] = ["Duckdb"]
    assert one(strange)["engines"] == [{"engine": "duckdb", "platforms": []}]
