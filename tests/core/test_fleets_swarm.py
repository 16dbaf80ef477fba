"""Nodes of a Docker swarm, invented by the Engine API's Node (docs.docker.com/reference/api/engine)."""

import json
from pathlib import Path

from bactools.core import fleets

LIST = (Path(__file__).parents[1] / "data" / "swarm-nodes.json").read_bytes()


def read(data):
    return [json.loads(line) for line in fleets.node_lines(data, "nodes.json")]


def test_a_swarm_node_becomes_a_node_record():
    assert read(LIST)[0] == {
        "kind": "node",
        "v": 1,
        "id": "aaaaaaaaaaaaaaaaaaaaaaaa1",
        "name": "swarm-1",
        "os": "linux",
        "architecture": "amd64",
        "engines": [
            {
                "engine": "docker",
                "platforms": [{"platform": "linux/amd64", "how": "assumed"}],
                "version": "20.10.24",
            }
        ],
        "resources": {
            "cpu": 2.5,
            "memory": 8272408576,
            "gpus": [
                {"vendor": "NVIDIA", "name": None, "memory": None},
                {"vendor": "NVIDIA", "name": None, "memory": None},
                {"vendor": None, "name": None, "memory": None},
            ],
        },
        "labels": {"tier": "node", "rack": "7", "zone": "eu"},
        "schedulable": True,
    }


def test_uname_names_are_platforms_with_their_variant():
    pi = read(LIST)[1]
    assert pi["architecture"] == "arm"
    assert pi["engines"][0]["platforms"] == [{"platform": "linux/arm/v7", "how": "assumed"}]


def test_a_node_that_declares_no_resources_may_have_gpus():
    assert read(LIST)[1]["resources"] == {"cpu": 4.0, "memory": 1000000000}


def test_an_architecture_that_is_no_platform_is_kept_and_offers_nothing():
    strange = read(LIST)[2]
    assert strange["architecture"] == "Quantum 9"
    assert strange["engines"] == [{"engine": "docker", "platforms": []}]


def test_drained_paused_and_lost_nodes_take_no_jobs():
    node = json.loads(LIST)[0]
    states = [("active", "ready"), ("pause", "ready"), ("drain", "ready"), ("active", "down"), ("active", "unknown")]
    nodes = [
        {**node, "Spec": {"Availability": availability}, "Status": {"State": state}} for availability, state in states
    ]
    found = read(json.dumps(nodes).encode())
    assert [each["schedulable"] for each in found] == [True, False, False, False, False]
    assert [each.get("warnings") for each in found] == [
        None,
        ["it is not active: pause"],
        ["it is drained"],
        ["it is not ready: down"],
        ["it is not ready: unknown"],
    ]
