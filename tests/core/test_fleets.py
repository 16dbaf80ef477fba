"""Node lists of others: recognised by shape, refused by name, and read however their documents are put together."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bactools.core import fleets, lines
from bactools.core.errors import BacError
from bactools.core.records import Node
from bactools.edges import documents

DATA = Path(__file__).parents[1] / "data"
SYSTEMS = ("bacalhau", "kubernetes", "swarm", "nomad", "nomad-list", "slurm", "slurm-v0037")


def read(data, name="nodes.json"):
    return [json.loads(line) for line in fleets.node_lines(data, name)]


def names(data):
    return [node["name"] for node in read(data)]


@pytest.mark.parametrize(("system", "count"), [*zip(SYSTEMS, (4, 3, 3, 2, 2, 2, 2), strict=True)])
def test_a_list_of_each_system_is_recognised_by_its_shape(system, count):
    records = read((DATA / f"{system}-nodes.json").read_bytes())
    assert [(record["kind"], record["v"]) for record in records] == [("node", 1)] * count


def test_no_system_proves_what_its_containers_run():
    nodes = [node for system in SYSTEMS for node in read((DATA / f"{system}-nodes.json").read_bytes())]
    engines = [engine for node in nodes for engine in node.get("engines", []) if engine["engine"] == "docker"]
    assert {offer["how"] for engine in engines for offer in engine["platforms"]} == {"assumed"}


def test_yaml_is_read_as_json_is():
    nodes = [
        json.loads(line) for line in fleets.from_values(documents.read(str(DATA / "kubernetes-nodes.yaml")), "n.yaml")
    ]
    assert [(node["name"], node["available"]) for node in nodes] == [
        ("board-1", {"cpu": 4.0, "memory": 8283750400, "gpus": []})
    ]


def test_several_yaml_documents_are_several_lists():
    values = documents.load(b"kind: node\nv: 1\nid: a\n---\n- {kind: node, v: 1, id: b}\n", "n.yaml")
    assert list(fleets.from_values(values, "n.yaml")) == [
        b'{"kind":"node","v":1,"id":"a"}',
        b'{"kind":"node","v":1,"id":"b"}',
    ]


def test_a_message_instead_of_a_list_is_told_to_be_text():
    values = documents.load(b"NAME STATUS ROLES\nn1 Ready none\n", "n.txt")
    with pytest.raises(BacError, match=r"^n\.txt is text, not a node: .*NAME STATUS") as caught:
        list(fleets.from_values(values, "n.txt"))
    assert caught.value.code == "bad_nodes"


def test_a_number_that_json_has_not_is_refused():
    with pytest.raises(BacError, match=r"^n\.yaml holds a value that JSON cannot") as caught:
        list(fleets.from_values([{"kind": "\ud800"}], "n.yaml"))
    assert caught.value.code == "bad_nodes"


@pytest.mark.parametrize(
    ("data", "yaml"),
    [
        (b"apiVersion: v1\nkind: List\n", True),
        (b"\xef\xbb\xbf\n- Info: {}\n", True),
        (b"Error from server (Forbidden): nodes is forbidden", True),
        (b' [{"ID":1}]', False),
        (b"\xef\xbb\xbf{}", False),
        (b"<!DOCTYPE html>", False),
        (b" \n", False),
    ],
)
def test_what_is_neither_json_nor_html_may_be_yaml(data, yaml):
    assert fleets.looks_like_yaml(data) is yaml


def test_documents_one_after_another_are_all_read():
    nodes = (DATA / "swarm-nodes.json").read_bytes()
    assert names(nodes + b"\n" + nodes) == ["swarm-1", "pi", "strange"] * 2
    lines = b"\n".join(json.dumps(node).encode() for node in json.loads(nodes))
    assert names(b"\xef\xbb\xbf" + lines + b"\n") == ["swarm-1", "pi", "strange"]


def test_half_a_document_after_others_is_told_apart_from_a_broken_one():
    whole = b'{"kind":"node","v":1,"id":"a"}'
    assert list(fleets.node_lines(whole + b'\n{"kind":"node","v":1,"id":"]}', "n")) == [whole, fleets.HALF]


def test_brackets_in_texts_do_not_part_documents():
    data = b'{"kind":"node","v":1,"id":"a]}\\""}\n{"kind":"node","v":1,"id":"{\\\\"}'
    assert [node["id"] for node in read(data)] == ['a]}"', "{\\"]


def test_lists_that_jq_put_into_a_list_are_read():
    nodes = (DATA / "swarm-nodes.json").read_bytes()
    assert names(b"[" + nodes + b"," + nodes + b"]") == ["swarm-1", "pi", "strange"] * 2


def test_an_empty_file_and_an_empty_list_hold_no_node():
    assert [read(data) for data in (b" \n", b"[]", b'{"kind":"List","apiVersion":"v1","items":[]}')] == [[], [], []]
    assert read(b'{"NextToken":"","Nodes":null}') == []


def test_a_node_record_in_an_array_keeps_its_bytes():
    raw = b'{"kind": "node", "v":1, "id":"x", "later":[1.0]}'
    assert list(fleets.node_lines(b"[" + raw + b"]", "nodes.json")) == [raw]


def test_a_node_record_over_several_lines_becomes_one_line():
    assert list(fleets.node_lines(b'{\n "kind":"node",\n "v":1,"id":"x"}', "n")) == [b'{"kind":"node","v":1,"id":"x"}']


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (b"<html>not found</html>", "bad_nodes", "nodes.json is an HTML or XML document, not a node list"),
        (b'[{"kind":"node"', "bad_line", "nodes.json is not JSON"),
        (b'{"v":1,"kind":"node"} {"v":\n', "bad_line", "document 2 of nodes.json is not JSON"),
        (b"[" * 100_000, "bad_line", "nodes.json is not JSON"),
        (b"[[[[{}]]]]", "bad_nodes", "is a list within lists"),
        (
            b'{"apiVersion":"v1","kind":"Status","message":"nodes is forbidden: no rights","code":403}',
            "bad_nodes",
            "nodes.json is an error of Kubernetes, not a node list: nodes is forbidden: no rights",
        ),
        (
            b'{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod"}]}',
            "bad_nodes",
            "node 1 of nodes.json is a Kubernetes Pod, not a Node",
        ),
        (
            b'{"apiVersion":"v1","kind":"PodList","items":[{"metadata":{}}]}',
            "bad_nodes",
            "nodes.json is a Kubernetes PodList, not a Node",
        ),
        (b'{"nodes":[],"errors":[{"error":"no controller"}]}', "bad_nodes", 'without nodes: {"error":"no controller"}'),
        (b'{"sinfo":[{}],"errors":[]}', "bad_nodes", "nodes.json is of sinfo"),
        (b'{"ID":"a","Hostname":"h","Status":"Ready"}', "bad_nodes", "nodes.json is no node that is known here"),
        (b'[{"ID":"a","NodeID":"n","JobID":"j"}]', "bad_nodes", "node 1 of nodes.json is no node"),
        (b"[1,2]", "bad_nodes", "node 1 of nodes.json is not an object: '1'"),
        (b'"not found"', "bad_nodes", "nodes.json is text, not a node"),
        (b"[null]", "bad_nodes", "node 1 of nodes.json is not an object"),
        (b'{"kind":"\xff","apiVersion":"v1"}', "bad_nodes", "nodes.json is a Kubernetes"),
    ],
)
def test_anything_else_is_refused_and_told_what_it_is(data, code, message):
    with pytest.raises(BacError) as caught:
        read(data)
    assert caught.value.code == code
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"Info": {"NodeID": 7}}, "node 1 of nodes.json is not a valid Bacalhau node"),
        (
            {"Info": {"NodeID": "n1", "ComputeNodeInfo": {"MaxCapacity": {"GPU": 10**9}}}},
            "node 1 of nodes.json (n1) is not a valid Bacalhau node: it states 1000000000 GPUs",
        ),
        (
            {"Info": {"NodeID": "n1", "ComputeNodeInfo": {"MaxCapacity": {"CPU": -1}}}},
            "(n1) is not a valid Bacalhau node: cpu is -1",
        ),
        (
            {"ID": "x", "Description": {"Resources": {"MemoryBytes": 10**40}}},
            "node 1 of nodes.json (x) is not a valid Docker Swarm node: memory is 1000000",
        ),
        ({"ID": "x", "Datacenter": "d", "Attributes": 7}, "(x) is not a valid Nomad node"),
        ({"name": "x", "partitions": [], "cpus": "many"}, "(x) is not a valid Slurm node"),
        ({"name": "x", "partitions": [], "real_memory": 1e308}, "(x) is not a valid Slurm node"),
    ],
)
def test_a_node_that_cannot_be_is_an_error_line_that_names_it_and_the_rest_goes_on(node, message):
    good = {"ID": "good", "Description": {}}
    error, rest = read(json.dumps([node, good]).encode())
    assert (error["kind"], error["code"], error["by"]) == ("error", "bad_nodes", "bac-match")
    assert message in error["message"]
    assert rest["id"] == "good"


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


@pytest.mark.parametrize("operand", ["platform:darwin/arm64", "platform:macos/aarch64"])
def test_a_mac_operand_offers_the_linux_of_its_docker(operand):
    node = json.loads(fleets.platform_line(operand.removeprefix("platform:")))
    assert (node["id"], node["os"]) == ("platform:darwin/arm64", "darwin")
    assert node["engines"] == [{"engine": "docker", "platforms": [{"platform": "linux/arm64", "how": "assumed"}]}]


def test_what_was_yaml_is_not_shown_as_json():
    values = documents.load(b"Error from server (Forbidden): nodes is forbidden\n", "prose.txt")
    with pytest.raises(BacError, match=r"^prose\.txt, read as YAML, is no node that is known here$"):
        list(fleets.from_values(values, "prose.txt"))


KEYS = st.sampled_from(
    [
        *("kind", "v", "apiVersion", "items", "metadata", "status", "Nodes", "Node", "Info", "NodeID"),
        *("ID", "Description", "Datacenter", "nodes", "errors", "name", "partitions", "gres"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=5),
    max_leaves=20,
)


@given(VALUES)
@example({"items": None, "errors": False})
def test_any_json_is_nodes_or_refused(value):
    try:
        found = read(json.dumps(value).encode())
    except BacError as error:
        assert error.code in ("bad_nodes", "bad_line")  # noqa: PT017 (either outcome is right)
    else:
        assert all("kind" in record for record in found)


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_line_is_a_valid_node_record(system):
    for raw in fleets.node_lines((DATA / f"{system}-nodes.json").read_bytes(), "n"):
        assert lines.decode(lines.read(raw, "n"), Node).id


@given(st.lists(VALUES.map(json.dumps), min_size=2, max_size=4))
def test_documents_are_parted_where_they_were_joined(texts):
    texts = [f"[{text}]" for text in texts]
    parts = [bytes(raw).decode() for raw, _ in fleets.documents.parted("\n".join(texts).encode(), "n")]
    assert parts == texts
