"""bac-exec with IPFS: inputs from gateways and a real node, results to a real node, and a gateway that falls silent."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipfs_stack
import pytest
import silent_server
from ipfs_stack import OwnGateway, packed, serving

from bactools.edges.publishers import ipfs as publisher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from processes import Completed

    Run = Callable[..., Completed]

DATA = Path(__file__).parent.parent / "data"


def job(inputs: Any = (), **more: Any) -> bytes:
    """A job that prints name.txt of its first folder; ``inputs`` are pairs of what a CID names and its target."""
    engine = {"Type": "wasm", "Params": {"EntryModule": "/m.wat"}}
    sources = [{"Target": "/m.wat", "Source": {"Type": "local", "Params": {"SourcePath": str(DATA / "cat.wat")}}}]
    sources += [{"Target": target, "Source": {"Type": "ipfs", "Params": {"CID": str(cid)}}} for cid, target in inputs]
    task = {"Name": "main", "Engine": engine, "InputSources": sources, **more}
    return json.dumps({"Name": "j", "Type": "batch", "Tasks": [task]}).encode()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "sub" / "name.txt").write_bytes(b"from ipfs\n")
    (tmp_path / "tree" / "link").symlink_to("sub/name.txt")
    return tmp_path / "tree"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ipfs_stack.started("node", "ipfs-node.mjs", tmp_path_factory.mktemp("node") / "repository") as url:
        yield url


@pytest.mark.parametrize(("below", "target"), [("/sub", "/in"), ("/sub/name.txt", "/in/name.txt")])
def test_a_gateways_files_are_read_by_the_job(run: Run, source: Path, below: str, target: str):
    tree = packed(source)
    with serving(OwnGateway(tree, cars=tree.car)) as gateway:
        env = {"BACTOOLS_IPFS_GATEWAY": gateway.url}
        (record,) = run("bac-exec", "-", input=job(inputs=[(f"{tree.root}{below}", target)]), env=env).records
    assert (record["status"], record["stdout"]["tail"]) == ("completed", "from ipfs\n")


def test_a_gateway_that_lies_is_found_out(run: Run, source: Path, home: Path):
    tree = packed(source)
    with serving(OwnGateway(tree, single=lambda block: block[:-1] + b"!")) as gateway:
        env = {"BACTOOLS_IPFS_GATEWAY": gateway.url}
        done = run("bac-exec", "-", input=job(inputs=[(tree.root, "/in")]), env=env)
    assert (done.status, done.records[0]["code"]) == (4, "digest_mismatch")
    assert list(home.glob("job-*")) == []


def test_a_link_alone_is_refused_by_name(run: Run, source: Path):
    tree = packed(source)
    with serving(OwnGateway(tree, cars=tree.car)) as gateway:
        env = {"BACTOOLS_IPFS_GATEWAY": gateway.url}
        (record,) = run("bac-exec", "-", input=job(inputs=[(f"{tree.root}/link", "/in")]), env=env).records
    assert record["code"] == "bad_input"
    assert "is a symbolic link to sub/name.txt" in record["message"]


def test_an_endpoint_that_is_none_is_bad_configuration(run: Run, source: Path):
    env = {"BACTOOLS_IPFS_GATEWAY": "nonsense"}
    (record,) = run("bac-exec", "-", input=job(inputs=[(packed(source).root, "/in")]), env=env).records
    assert record["code"] == "bad_config"


def test_results_are_published_to_a_node_and_read_from_it_again(run: Run, source: Path, node: str):
    env = {"BACTOOLS_IPFS_API": node}
    cid = publisher.publish(source, node, lambda _: None)
    work = job(inputs=[(f"{cid}/sub", "/in")], Publisher={"Type": "ipfs"})
    (record,) = run("bac-exec", "-", input=work, env=env).records
    published = record["published"]["Params"]["CID"]
    assert published == str(packed(Path(record["results"])).root)
    (again,) = run("bac-exec", "-", input=job(inputs=[(f"{published}/stdout", "/in/name.txt")]), env=env).records
    assert again["stdout"]["tail"] == "from ipfs\n"


def test_a_node_that_is_not_there_leaves_the_results(run: Run):
    env = {"BACTOOLS_IPFS_API": "http://127.0.0.1:9"}
    done = run("bac-exec", "-", input=job(Publisher={"Type": "ipfs"}), env=env)
    record, error = done.records
    assert (done.status, record["published"], error["code"]) == (5, None, "unreachable")
    assert (Path(record["results"]) / "stdout").exists()


def test_the_total_timeout_goes_for_fetching(run: Run, source: Path):
    with silent_server.serving() as server:
        work = job(inputs=[(packed(source).root, "/in")], Timeouts={"TotalTimeout": 2})
        (record,) = run("bac-exec", "-", input=work, env={"BACTOOLS_IPFS_GATEWAY": server.url}, timeout=40).records
    assert (record["kind"], record["status"]) == ("result", "timeout")


def test_a_signal_ends_publishing_and_leaves_a_record(spawn: Any):
    with silent_server.serving() as server:
        env = {"BACTOOLS_IPFS_API": server.url}
        process = spawn("bac-exec", "-", input=job(Publisher={"Type": "ipfs"}), env=env)
        assert server.waiting.wait(60)
        process.send_signal(signal.SIGTERM)
        record = json.loads(process.communicate(timeout=40)[0])
    assert record["published"] is None
    assert "a signal stopped its publishing" in record["message"]
