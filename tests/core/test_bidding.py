"""The answer to a Bacalhau compute node that asks whether to take a job."""

import pytest

from bactools.core import bidding, needs
from bactools.core.records import (
    Constraint,
    Engine,
    Image,
    ImagePlatform,
    Import,
    Job,
    Memory,
    Module,
    ModulePlatform,
    Node,
    Offer,
    Requires,
    Resources,
)
from bactools.core.requirements import NETWORKS
from bactools.core.routes import Terms

GB = 1000**3
GIB = 1024**3
HTTP = Import("wasi:http/requests", "http_request", "func")


def job(*offered, **requires):
    entries = [ImagePlatform(name, *name.split("/")) for name in offered]
    return Job(
        id="j-1", requires=Requires(engine="docker", **requires), artifact=Image(reference="busybox", platforms=entries)
    )


def host(**fields):
    return Node(id="n-1", engines=[Engine("docker", [Offer("linux/amd64", "native")])], **fields)


def module(platform="wasm32/wasi", network="Default", **requires):
    """A job of a module, its network as the specification calls it."""
    return Job(
        id="j-1",
        spec={"Tasks": [{"Network": {"Type": network}}]},
        requires=Requires(engine="wasm", network=NETWORKS[network], **requires),
        artifact=Module(reference="m.wasm", platforms=[ModulePlatform(platform)], memory=Memory(1)),
    )


def module_codes(wanted, node):
    return [reason.code for reason in bidding.bid(bidding.wanted(wanted), node).reasons]


def codes(wanted, node):
    return [reason.code for reason in bidding.bid(needs.need(wanted), node).reasons]


def test_a_job_for_another_platform_is_declined():
    assert codes(job("linux/arm64"), host()) == ["platform"]


def test_what_bacalhau_has_looked_at_itself_is_not_decided_again():
    wanted = job(
        "linux/amd64",
        constraints=[Constraint("zone", "=", ["eu"])],
        sources=["s3"],
        publisher="ipfs",
    )
    assert codes(wanted, host(labels={}, sources=["inline"], publishers=["local"], schedulable=False)) == []


def test_what_is_in_use_now_is_bacalhaus_to_count():
    busy = host(resources=Resources(memory=8 * GB), available=Resources(memory=1 * GB))
    assert codes(job("linux/amd64", resources=Resources(memory=4 * GB)), busy) == []


def test_a_job_that_the_whole_host_could_not_hold_is_declined():
    small = host(resources=Resources(memory=2 * GB), available=Resources(memory=2 * GB))
    assert codes(job("linux/amd64", resources=Resources(memory=4 * GB)), small) == ["memory"]


def test_the_reason_names_the_job_and_both_sides_on_one_line():
    reasons = bidding.bid(needs.need(job("linux/arm64")), host()).reasons
    said = bidding.declined("thumbs", reasons)
    assert said.startswith("this host cannot run thumbs: it does not run linux/arm64")
    assert "\n" not in said


def test_a_reason_survives_one_more_printf():
    assert bidding.printable("100% of j-1 %s") == "100%% of j-1 %%s"
    assert bidding.printable("100% of j-1 %s") % () == "100% of j-1 %s"


def test_a_module_is_held_against_bacalhaus_own_runtime_whatever_the_host_has():
    wasmtime = Engine("wasm", [Offer("wasm32/wasi/p2", "native")], runtime="wasmtime", features=["threads"])
    for node in (host(), Node(id="n-1"), Node(id="n-1", engines=[wasmtime])):
        assert module_codes(module(), node) == []
        assert module_codes(module("wasm32/wasi/p2"), node) == ["platform"]


@pytest.mark.parametrize("network", ["Default", "None", "Host", "HTTP"])
def test_bacalhaus_runtime_gives_a_module_a_network(network):
    wasmtime = Engine("wasm", [Offer("wasm32/wasi", "native")], runtime="wasmtime")
    assert module_codes(module(network=network), Node(id="n-1", engines=[wasmtime])) == []


@pytest.mark.parametrize(("network", "expected"), [("None", ["import"]), ("HTTP", []), ("Host", [])])
def test_the_http_function_of_bacalhau_is_there_unless_the_job_wants_no_network(network, expected):
    assert module_codes(module(network=network, imports=[HTTP]), host()) == expected


def test_an_import_that_bacalhau_does_not_give_is_declined():
    other = Import("wasi:http/requests", "other", "func")
    assert module_codes(module(network="Host", imports=[other]), host()) == ["import"]


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("bulk-memory", []),
        ("multi-value", []),
        ("mutable-globals", []),
        ("nontrapping-fptoint", []),
        ("reference-types", []),
        ("sign-ext", []),
        ("simd", []),
        ("tail-call", ["feature"]),
        ("extended-const", ["feature"]),
        ("threads", ["feature"]),
        ("memory64", ["feature"]),
        ("multi-memory", ["feature"]),
        ("exceptions", ["feature"]),
        ("gc", ["feature"]),
    ],
)
def test_bacalhaus_runtime_knows_webassembly_2_0_and_no_more(feature, expected):
    assert module_codes(module(features=[feature]), host()) == expected


@pytest.mark.parametrize(("memory", "expected"), [(4 * GIB, []), (4 * GIB + 1, ["engine_memory"])])
def test_bacalhau_starts_no_module_with_more_than_4_gib(memory, expected):
    assert module_codes(module(resources=Resources(memory=memory)), host()) == expected


def test_a_host_may_keep_to_what_it_does_not_emulate():
    offers = [Offer("linux/amd64", "native"), Offer("linux/arm64", "emulated", via="qemu-aarch64")]
    node = Node(id="n-1", engines=[Engine("docker", offers)])
    need = needs.need(job("linux/arm64"))
    assert bidding.bid(need, node).ok
    assert [reason.code for reason in bidding.bid(need, node, Terms(emulated=False)).reasons] == ["only_emulated"]
