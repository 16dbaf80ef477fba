"""Nodes of Slurm, invented by its REST API (slurm.schedmd.com/rest_api.html) of v0.0.37 and v0.0.42."""

import json
from pathlib import Path

import pytest

from bactools.core import fleets

DATA = Path(__file__).parents[1] / "data"
LIST = (DATA / "slurm-nodes.json").read_bytes()
OLD = (DATA / "slurm-v0037-nodes.json").read_bytes()


def read(data):
    return [json.loads(line) for line in fleets.node_lines(data, "nodes.json")]


def changed(**fields):
    node = json.loads(LIST)["nodes"][0]
    return read(json.dumps({"nodes": [{**node, **fields}]}).encode())[0]


def gpus(names):
    return [{"vendor": None, "name": name, "memory": None} for name in names.split()]


def test_a_slurm_node_becomes_a_node_record():
    assert read(LIST)[0] == {
        "kind": "node",
        "v": 1,
        "id": "gpu01",
        "name": "gpu01",
        "os": "linux",
        "architecture": "amd64",
        "engines": [
            {"engine": "docker", "platforms": [{"platform": "linux/amd64", "how": "assumed"}]},
            {"engine": "wasm", "platforms": [{"platform": "wasm32/wasi", "how": "assumed"}]},
        ],
        "resources": {"cpu": 64.0, "memory": 269484032000, "gpus": gpus("a100 a100 a100 a100 t4 t4")},
        "available": {"cpu": 32.0, "memory": 209715200000, "gpus": gpus("a100 t4 t4")},
        "labels": {
            "docker": "true",
            "wasm": "true",
            "avx512": "true",
            "partition/main": "true",
            "partition/gpu": "true",
        },
        "schedulable": True,
    }


def test_features_in_one_text_are_read_too():
    old = read(OLD)[0]
    assert old["engines"] == [
        {
            "engine": "docker",
            "platforms": [{"platform": "linux/amd64", "how": "assumed"}],
            "runtime": "singularity",
        }
    ]
    assert old["labels"] == {"singularity": "true", "bigmem": "true", "partition/main": "true"}
    gpu = {"vendor": None, "name": None, "memory": None}
    assert old["resources"] == {"cpu": 8.0, "memory": 16777216000, "disk": 524288000, "gpus": [gpu, gpu]}
    assert old["available"] == {"cpu": 6.0, "memory": 12582912000, "gpus": [gpu]}


def test_containers_are_assumed_where_no_feature_names_an_engine_and_the_node_says_so():
    arm = read(LIST)[1]
    assert arm["engines"] == [{"engine": "docker", "platforms": [{"platform": "linux/arm64", "how": "assumed"}]}]
    assert arm["warnings"][1] == (
        "Slurm does not say whether containers run here: a feature named docker or wasm would"
    )


def test_a_node_that_never_came_up_says_nothing_of_its_machine():
    assert {"os", "architecture", "engines"} & read(OLD)[1].keys() == set()


def test_what_the_kernel_has_free_counts_where_nothing_is_said_of_jobs():
    assert read(LIST)[1]["available"] == {"cpu": 128.0, "memory": 419430400000, "gpus": []}


@pytest.mark.parametrize(
    "unknown", [None, -2, 2**64 - 2, {"set": False, "infinite": False, "number": 0}, {"set": True, "infinite": True}]
)
def test_a_number_that_slurm_does_not_know_is_not_stated(unknown):
    node = changed(cpus=unknown, effective_cpus=unknown, alloc_memory=unknown, free_mem=unknown)
    assert ("cpu" in node["resources"], {"cpu", "memory"} & node["available"].keys()) == (False, set())


@pytest.mark.parametrize(
    ("state", "flags", "schedulable"),
    [
        (["IDLE"], None, True),
        (["IDLE", "CLOUD", "POWERED_DOWN"], None, True),
        (["ALLOCATED"], None, True),
        (["IDLE", "DRAIN"], None, False),
        (["DOWN", "NOT_RESPONDING"], None, False),
        (["IDLE", "MAINTENANCE"], None, False),
        ("mixed", [], True),
        ("idle", ["DRAIN"], False),
        ("down*", [], False),
        ("IDLE+DRAIN", None, False),
    ],
)
def test_drained_and_lost_nodes_take_no_jobs(state, flags, schedulable):
    assert changed(state=state, state_flags=flags)["schedulable"] is schedulable


@pytest.mark.parametrize(
    ("state", "flags", "warnings"),
    [
        (["IDLE"], None, []),
        (["IDLE", "DRAIN"], None, ["it is drained"]),
        (["DOWN", "NOT_RESPONDING"], None, ["it is not ready: DOWN, NOT_RESPONDING"]),
        ("down*+drain", None, ["it is drained", "it is not ready: DOWN"]),
    ],
)
def test_why_a_node_takes_no_jobs_is_a_warning(state, flags, warnings):
    assert changed(state=state, state_flags=flags).get("warnings", []) == warnings


def test_a_count_of_gpus_may_have_a_suffix():
    assert len(changed(gres="gpu:h100:2K(S:0-1)", gres_used="")["resources"]["gpus"]) == 2048
    assert changed(gres="gpu:h100:2M")["code"] == "bad_nodes"


def test_what_is_no_count_of_gpus_is_an_error_and_not_none():
    error = changed(gres="gpu:h100:2X")
    assert "gres is 'gpu:h100:2X', which is no number of GPUs" in error["message"]


@pytest.mark.parametrize(
    ("gres", "used", "all_of_them", "free"),
    [
        ("gpu:a100:2", "gpu:a100:1(IDX:0)", "a100 a100", "a100"),
        ("gpu:a100:2(S:0-1),gpu:t4:1", "gpu:2(IDX:0-1)", "a100 a100 t4", "t4"),
        ("gpu:a100:no_consume:1,nic:1", "", "a100", "a100"),
        ("gpu:a100", "gpu:a100:5", "a100", ""),
        ("craynetwork:4,gpu_hours:3", "", "", ""),
        ("(null)", "N/A", "", ""),
    ],
)
def test_gpus_are_counted_by_type(gres, used, all_of_them, free):
    node = changed(gres=gres, gres_used=used)
    assert (node["resources"]["gpus"], node["available"]["gpus"]) == (gpus(all_of_them), gpus(free))


def test_the_cluster_is_part_of_the_id_where_it_is_named():
    assert changed(cluster_name="hpc")["id"] == "hpc/gpu01"
