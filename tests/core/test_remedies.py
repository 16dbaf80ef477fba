"""The count of a fleet, and which single change would win how many nodes."""

import pytest

from bactools.core import match, needs, routes
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
from bactools.core.remedies import Ledger

GB = 10**9


def image(*names):
    return Image(reference="i", platforms=[ImagePlatform(name, *name.split("/")[:2]) for name in names])


def job(*names, **requires):
    return Job(id="j", requires=Requires(engine="docker", **requires), artifact=image(*names))


def node(*offers, memory=None, **fields):
    engines = [Engine("docker", [Offer(name, "native") for name in offers])]
    resources = Resources() if memory is None else Resources(memory=memory)
    return Node(id="n", engines=engines, resources=resources, **fields)


def ledger(record, *nodes, terms=routes.TERMS):
    need = needs.need(record)
    found = Ledger(need, terms)
    for host, count in nodes:
        found.add(match.decide(need, host, terms).reasons, count)
    return found


NO_DOCKER = Node(id="n", engines=[])


def test_the_count_reads_as_a_sentence():
    found = ledger(image("linux/arm64"), (node("linux/amd64"), 8), (NO_DOCKER, 4))
    assert found.sentence() == "0 of 12 nodes fit: 8 do not run linux/arm64, 4 have no docker engine"


def test_one_node_is_singular():
    found = ledger(image("linux/arm64"), (node("linux/amd64"), 1))
    assert found.sentence() == "0 of 1 node fits: 1 does not run linux/arm64"
    assert found.remedies(1) == ["publish linux/amd64: +1 node"]


def test_nodes_that_fit_are_counted_and_need_no_remedy():
    found = ledger(image("linux/amd64"), (node("linux/amd64"), 3))
    assert (found.sentence(), found.remedies()) == ("3 of 3 nodes fit", [])


def test_no_nodes_at_all():
    assert ledger(image("linux/amd64")).sentence() == "0 of 0 nodes fit"


def test_the_remedies_of_a_mixed_fleet_most_nodes_first():
    wants = job("linux/amd64", resources=Resources(memory=16 * GB))
    found = ledger(
        wants,
        (node("linux/arm64", memory=32 * GB), 3),
        (node("linux/amd64", memory=8 * GB), 2),
        (node("linux/amd64", memory=64 * GB, schedulable=False), 1),
        (node("linux/arm64", memory=8 * GB), 10),
        (node("linux/amd64", memory=64 * GB), 5),
    )
    assert found.remedies() == [
        "publish linux/arm64: +3 nodes",
        "register qemu-x86_64 with flag F: +3",
        "lower memory to 8 GB: +2",
        "make the node schedulable: +1",
    ]
    assert found.sentence().startswith("5 of 21 nodes fit: 13 do not run linux/amd64, 12 cannot give 16 GB of memory")


def test_a_change_that_removes_only_some_of_the_reasons_wins_nothing():
    wants = job("linux/amd64", resources=Resources(memory=16 * GB))
    assert ledger(wants, (node("linux/arm64", memory=8 * GB), 7)).remedies() == []


def test_lowering_what_is_short_must_suit_the_limit_too():
    wants = job("linux/amd64", resources=Resources(memory=16 * GB))
    host = node("linux/amd64", memory=8 * GB, limits=Resources(memory=4 * GB))
    assert ledger(wants, (host, 1)).remedies() == ["lower memory to 4 GB: +1 node"]


def test_of_amounts_the_least_change_is_told_and_the_one_that_wins_half():
    wants = job("linux/amd64", resources=Resources(memory=16 * GB))
    fleet = [(node("linux/amd64", memory=size * GB), count) for size, count in ((12, 1), (8, 2), (4, 4), (1, 2))]
    assert ledger(wants, *fleet).remedies() == ["lower memory to 4 GB: +7 nodes", "lower memory to 12 GB: +1"]


def test_levels_of_a_cpu_share_one_platform_to_publish():
    fleet = [(node(name), 1) for name in ("linux/amd64", "linux/amd64/v2", "linux/amd64/v4")]
    assert ledger(image("linux/s390x"), *fleet).remedies(1) == ["publish linux/amd64: +3 nodes"]


def test_of_the_variants_of_arm_the_one_that_wins_most_is_to_be_published():
    sevens, six = (node("linux/arm/v7"), 5), (node("linux/arm/v6"), 1)
    assert ledger(image("linux/s390x"), sevens).remedies(1) == ["publish linux/arm/v7: +5 nodes"]
    assert ledger(image("linux/s390x"), sevens, six).remedies(1) == ["publish linux/arm/v6: +6 nodes"]


@pytest.mark.parametrize(
    ("builds", "remedies"),
    [
        (("10.0.20348", "10.0.26100"), ["publish windows(10.0.20348)/amd64: +2 nodes"]),
        (("10.0.20348.2700", "10.0.20348.3091", "10.0.22621"), ["publish windows(10.0.20348)/amd64: +3 nodes"]),
        (("10.0.26200",), ["publish windows(10.0.26100)/amd64: +1 node"]),
        (
            ("10.0.17763", "10.0.20348"),
            ["publish windows(10.0.17763)/amd64: +1 node", "publish windows(10.0.20348)/amd64: +1"],
        ),
        (("ltsc",), ["publish windows(ltsc)/amd64: +1 node"]),
    ],
)
def test_windows_images_are_published_for_the_oldest_build_that_a_host_runs(builds, remedies):
    fleet = [(node(f"windows({build})/amd64"), 1) for build in builds]
    assert ledger(image("linux/amd64"), *fleet).remedies() == remedies


@pytest.mark.parametrize(
    ("wanted", "host", "remedies"),
    [
        ("linux/arm64", "linux/amd64", ["publish linux/amd64: +1 node", "register qemu-aarch64 with flag F: +1"]),
        ("linux/ppc64le", "linux/amd64", ["publish linux/amd64: +1 node", "register qemu-ppc64le with flag F: +1"]),
        ("linux/amd64/v3", "linux/amd64", ["publish linux/amd64: +1 node"]),
        ("linux/amd64/v3", "linux/arm64", ["publish linux/arm64: +1 node"]),
        ("linux/e2k", "linux/arm64", ["publish linux/arm64: +1 node"]),
        ("windows/amd64", "linux/arm64", ["publish linux/arm64: +1 node"]),
        ("linux/amd64", "windows/amd64", ["publish windows/amd64: +1 node"]),
    ],
)
def test_an_emulator_is_a_remedy_where_one_would_run_the_platform(wanted, host, remedies):
    assert ledger(image(wanted), (node(host), 1)).remedies() == remedies


def test_an_emulator_is_no_remedy_where_emulation_is_not_wanted():
    found = ledger(image("linux/arm64"), (node("linux/amd64"), 1), terms=routes.Terms(emulated=False))
    assert found.remedies() == ["publish linux/amd64: +1 node"]


def test_accepting_what_the_image_offers_is_cheaper_than_publishing():
    wants = job("linux/amd64", "linux/arm64", declared=["linux/arm64"])
    found = ledger(wants, (node("linux/amd64"), 2))
    assert found.remedies() == ["accept linux/amd64: +2 nodes", "register qemu-aarch64 with flag F: +2"]


def test_publishing_is_told_beside_accepting_where_it_wins_more():
    wants = job("linux/amd64/v3", "linux/arm64", declared=["linux/arm64"])
    found = ledger(wants, (node("linux/amd64/v3"), 1), (node("linux/amd64"), 2))
    assert found.remedies(2) == ["publish linux/amd64 and accept it: +3 nodes", "register qemu-aarch64 with flag F: +3"]


def test_a_job_that_accepts_the_platform_only_lacks_its_image():
    wants = job("linux/arm64", declared=["linux/arm64", "linux/amd64"])
    assert ledger(wants, (node("linux/amd64"), 2)).remedies(1) == ["publish linux/amd64: +2 nodes"]


def test_as_many_nodes_go_by_what_costs_less():
    wants = job(
        "linux/amd64",
        constraints=[Constraint("zone", "=", ["eu"])],
        sources=["s3"],
        publisher="ipfs",
        resources=Resources(cpu=4.0),
    )
    fine = {"labels": {"zone": "eu"}, "sources": ["s3"], "publishers": ["ipfs"]}
    found = ledger(
        wants,
        (node("linux/amd64", **{**fine, "publishers": []}), 1),
        (node("linux/amd64", **{**fine, "sources": []}), 1),
        (node("linux/amd64", **{**fine, "labels": {}}), 1),
        (node("linux/amd64", **fine, available=Resources(cpu=2.5)), 1),
    )
    assert found.remedies() == [
        "lower cpu to 2.5 cores: +1 node",
        "drop the constraint zone=eu: +1",
        "enable the ipfs publisher on the node: +1",
        "enable the s3 source on the node: +1",
    ]


def test_what_may_not_be_enough_is_not_promised():
    found = ledger(image("linux/amd64"), (NO_DOCKER, 3), (Node(id="n"), 2))
    assert found.remedies() == []
    assert found.sentence() == "0 of 5 nodes fit: 3 have no docker engine, 2 do not say which engines they have"


def wasm(*offers, **fields):
    return Node(id="n", engines=[Engine("wasm", [Offer(name, "native") for name in offers], **fields)])


def test_a_component_built_for_the_generation_that_is_there_loses_the_imports_of_its_own():
    stdout = Import("wasi:cli/stdout@0.2.3", "", "instance")
    component = Module(reference="c", platforms=[ModulePlatform("wasm32/wasi/p2")], imports=[stdout])
    assert ledger(component, (wasm("wasm32/wasi"), 2)).remedies() == ["publish wasm32/wasi: +2 nodes"]


def test_a_module_can_be_built_without_what_an_engine_lacks():
    module = Module(
        reference="m",
        platforms=[ModulePlatform("wasm32/wasi")],
        features=["gc"],
        imports=[Import("env", "call", "func")],
    )
    both = wasm("wasm32/wasi", features=["simd"])
    assert ledger(module, (both, 1)).remedies() == []
    one = wasm("wasm32/wasi", features=["gc"])
    assert ledger(module, (one, 1)).remedies() == ["build the module without the import env call: +1 node"]


def test_a_fleet_of_different_amounts_is_counted_in_few_and_exactly():
    need = needs.need(job("linux/amd64", resources=Resources(memory=64 * GB)))
    found = Ledger(need)
    sizes = [GB + number * 31_337_777 for number in range(2000)]
    for size in sizes:
        found.add(match.decide(need, node("linux/amd64", memory=size)).reasons)
    assert len(found._wins) < 256
    assert found.remedies() == ["lower memory to 30 GiB: +1004 nodes", "lower memory to 59 GiB: +10"]
    assert sum(size >= 30 * 2**30 for size in sizes) == 1004
    assert sum(size >= 59 * 2**30 for size in sizes) == 10


def test_asked_about_one_platform_another_one_is_no_remedy():
    need = needs.narrowed(needs.need(image("linux/amd64", "linux/arm64")), "linux/arm64")
    found = Ledger(need)
    found.add(match.decide(need, node("linux/amd64")).reasons)
    assert found.remedies() == ["register qemu-aarch64 with flag F: +1 node"]


def test_a_lowered_amount_is_never_less_than_the_module_starts_with():
    module = Module(reference="m", platforms=[ModulePlatform("wasm32/wasi")], memory=Memory(min=1000))
    job = Job(id="j", requires=Requires(engine="wasm", resources=Resources(memory=GB)), artifact=module)
    enough, short = wasm("wasm32/wasi", memory=1000 * 65536 + 1), wasm("wasm32/wasi", memory=1000 * 65536 - 1)
    assert ledger(job, (enough, 1), (short, 1)).remedies() == [
        "lower memory to 62.5 MiB: +1 node",
        "make the node offer 1 GB of memory: +1",
    ]
