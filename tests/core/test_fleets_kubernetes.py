"""Kubernetes Nodes, invented by the API reference's v1 Node (kubernetes.io/docs/reference, Node v1)."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import fleets
from bactools.core.errors import BacError
from bactools.core.fleets import quantity

LIST = (Path(__file__).parents[1] / "data" / "kubernetes-nodes.json").read_bytes()


def read(data):
    return [json.loads(line) for line in fleets.node_lines(data, "nodes.json")]


def gpu_node():
    return copy.deepcopy(json.loads(LIST)["items"][0])


def one(value):
    return read(json.dumps(value).encode())[0]


def test_a_kubernetes_node_becomes_a_node_record():
    node = read(LIST)[0]
    labels = node.pop("labels")
    gpu = {"vendor": "NVIDIA", "name": "Tesla-T4", "memory": 16106127360}
    assert node == {
        "kind": "node",
        "v": 1,
        "id": "0c8f0a52-0000-4000-8000-000000000001",
        "name": "gpu-1",
        "probed": "2026-11-20T10:01:02Z",
        "os": "linux",
        "architecture": "amd64",
        "engines": [
            {
                "engine": "docker",
                "platforms": [{"platform": "linux/amd64/v3", "how": "assumed"}],
                "runtime": "containerd",
                "version": "2.0.2",
                "features": ["runc"],
            },
            {"engine": "wasm", "platforms": [{"platform": "wasm32/wasi", "how": "assumed"}], "runtime": "wasmtime"},
        ],
        "resources": {"cpu": 8.0, "memory": 33668096000, "disk": 105553760256, "gpus": [gpu, gpu]},
        "available": {"cpu": 7.91, "memory": 33285996544, "disk": 94998384074, "gpus": [gpu]},
        "schedulable": True,
    }
    assert labels["topology.kubernetes.io/zone"] == "eu-1a"


def test_a_single_node_is_a_list_of_one():
    assert one(gpu_node())["name"] == "gpu-1"


def test_a_taint_that_only_keeps_other_platforms_away_keeps_no_job_away():
    arm = read(LIST)[1]
    assert (arm["schedulable"], arm["engines"][0]["platforms"][0]["platform"]) == (True, "linux/arm64")
    assert arm["available"] == {"cpu": 10.0, "memory": 8000000000, "gpus": []}


def test_why_a_node_takes_no_jobs_is_a_warning():
    windows = read(LIST)[2]
    assert windows["schedulable"] is False
    assert windows["warnings"] == [
        "it is cordoned",
        "it is not ready: NodeStatusUnknown",
        "it has a taint: dedicated=builds:NoExecute",
    ]


def test_a_windows_node_offers_its_build():
    docker = read(LIST)[2]["engines"][0]
    assert docker["platforms"] == [{"platform": "windows(10.0.20348)/amd64", "how": "assumed"}]


@pytest.mark.parametrize(
    ("flags", "platform"),
    [
        ("", "linux/amd64"),
        ("ADX", "linux/amd64"),
        ("AVX", "linux/amd64/v2"),
        ("AVX AVX2", "linux/amd64/v2"),
        ("AVX AVX2 FMA3", "linux/amd64/v3"),
        ("AVX AVX2 FMA3 AVX512F AVX512BW AVX512CD AVX512DQ AVX512VL", "linux/amd64/v4"),
    ],
)
def test_the_level_of_an_amd64_node_is_what_feature_discovery_labelled(flags, platform):
    node = gpu_node()
    node["metadata"]["labels"] = {f"feature.node.kubernetes.io/cpu-cpuid.{flag}": "true" for flag in flags.split()}
    assert one(node)["engines"][0]["platforms"][0]["platform"] == platform


def test_a_feature_that_is_labelled_false_is_none():
    node = gpu_node()
    prefix = "feature.node.kubernetes.io/cpu-cpuid."
    node["metadata"]["labels"] = {f"{prefix}AVX": "true", f"{prefix}AVX2": "false", f"{prefix}FMA3": "true"}
    assert one(node)["engines"][0]["platforms"][0]["platform"] == "linux/amd64/v2"


def test_the_items_of_a_bare_node_list_have_no_kind():
    node = gpu_node()
    del node["kind"], node["apiVersion"]
    assert one({"kind": "NodeList", "apiVersion": "v1", "items": [node, node]})["name"] == "gpu-1"


@pytest.mark.parametrize(
    ("handlers", "labels", "runtimes"),
    [
        (["runc", "spin"], {}, ["spin"]),
        (["crun-wasm", "slight"], {"spin": "true"}, ["crun-wasm", "slight"]),
        (["runc", "kata"], {}, []),
        ([], {"kwasm.sh/kwasm-provisioned": "n1"}, [None]),
        ([], {"kubernetes.azure.com/wasmtime-spin-v1": "true"}, [None]),
        ([], {"wasm": "false", "spinning-disk": "true"}, []),
    ],
)
def test_webassembly_is_where_a_handler_or_else_a_label_says_so(handlers, labels, runtimes):
    node = gpu_node()
    node["status"]["runtimeHandlers"] = [{"name": name} for name in handlers]
    node["metadata"]["labels"] = labels
    wasm = [engine for engine in one(node)["engines"] if engine["engine"] == "wasm"]
    assert [engine.get("runtime") for engine in wasm] == runtimes


def test_a_node_that_says_nothing_of_its_machine_is_told_by_its_labels():
    node = gpu_node()
    del node["status"]["nodeInfo"]
    assert one(node)["architecture"] == "amd64"
    node["metadata"]["labels"] = {}
    assert {"engines", "architecture", "os"} & one(node).keys() == set()


def test_an_amount_that_is_no_quantity_is_an_error_that_names_node_and_amount():
    node = gpu_node()
    node["status"]["allocatable"]["memory"] = "lots"
    error = one(node)
    assert (error["kind"], error["input"]) == ("error", "gpu-1")
    why = "memory is 'lots', which is no quantity such as 3920m or 15Gi"
    assert error["message"] == f"nodes.json (gpu-1) is not a valid Kubernetes node: {why}"


@pytest.mark.parametrize("absurd", ["1e99", "-1", "99999999999Ei"])
def test_an_absurd_amount_is_an_error(absurd):
    node = gpu_node()
    node["status"]["capacity"]["memory"] = absurd
    assert one(node)["kind"] == "error"


# the forms of k8s.io/apimachinery, resource.Quantity
@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("3920m", 3.92),
        ("1500000u", 1.5),
        ("2000000000n", 2),
        ("1k", 1000),
        ("128974848", 128974848),
        ("129e6", 129_000_000),
        ("129M", 129_000_000),
        ("123Mi", 128_974_848),
        ("1.5Gi", 1_610_612_736),
        (".5", 0.5),
        ("2.", 2),
        ("+1E3", 1000),
        ("1E", 10**18),
        ("1Ei", 2**60),
        ("100e-2", 1),
        ("-1", -1),
    ],
)
def test_a_quantity_is_a_number(text, number):
    assert float(quantity.exact("memory", text)) == number


@pytest.mark.parametrize("text", ["", "1K", "1mi", "1 Gi", "Gi", "1e", "0x10", "1,5", "1GiB", "nan", "1" * 41, "1e999"])
def test_what_is_no_quantity_is_refused(text):
    with pytest.raises(BacError, match=r"^memory is "):
        quantity.exact("memory", text)


@given(st.text(alphabet="0123456789.+-eEKMGTPEikmun ", max_size=45))
def test_any_text_is_a_quantity_or_refused(text):
    try:
        assert quantity.exact("cpu", text) == quantity.exact("cpu", text.strip())
    except BacError as error:
        assert error.code == "bad_nodes"  # noqa: PT017 (either outcome is right)
