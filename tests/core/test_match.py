"""Decisions: the best platform of a node, or every reason why there is none."""

import pytest

from bactools.core import lines, match, needs
from bactools.core.errors import BacError
from bactools.core.records import (
    Constraint,
    Engine,
    Gpu,
    Image,
    ImagePlatform,
    Import,
    Job,
    Module,
    ModulePlatform,
    Node,
    Offer,
    Requires,
    Resources,
)


def image(*names):
    entries = []
    for name in names:
        os, architecture, *variant = name.split("/")
        entries.append(ImagePlatform(name, os, architecture, *variant, digest=f"sha256:{name}"))
    return Image(reference="busybox", platforms=entries)


def job(*offered, **requires):
    return Job(id="j-1", requires=Requires(engine="docker", **requires), artifact=image(*offered))


def node(*offers, **fields):
    return Node(id="n-1", engines=[Engine("docker", [Offer(*offer) for offer in offers])], **fields)


AMD64 = ("linux/amd64", "native")


def codes(record, host):
    return [reason.code for reason in match.decide(needs.need(record), host).reasons]


@pytest.mark.parametrize(
    ("offered", "offers", "platform", "how"),
    [
        (["linux/amd64", "linux/arm64"], [AMD64], "linux/amd64", "native"),
        (["linux/amd64", "linux/arm64"], [("linux/arm64", "native")], "linux/arm64", "native"),
        (["linux/amd64", "linux/amd64/v3"], [("linux/amd64/v4", "native")], "linux/amd64/v3", "native"),
        (["linux/amd64/v3", "linux/amd64"], [("linux/amd64/v2", "native")], "linux/amd64", "native"),
        (["linux/arm64", "linux/amd64"], [("linux/arm64", "emulated"), AMD64], "linux/amd64", "native"),
        (["linux/arm64"], [AMD64, ("linux/arm64", "emulated")], "linux/arm64", "emulated"),
        (["linux/386"], [("linux/386", "compatible"), AMD64], "linux/386", "compatible"),
        (["linux/386"], [("linux/amd64", "assumed")], "linux/386", "assumed"),
        (["linux/arm/v6"], [("linux/arm/v7", "native")], "linux/arm/v6", "compatible"),
        (["linux/arm/v6", "linux/arm/v7"], [("linux/arm/v7", "native")], "linux/arm/v7", "native"),
    ],
)
def test_the_best_platform_is_chosen(offered, offers, platform, how):
    choice = match.decide(needs.need(job(*offered)), node(*offers)).choice
    assert (choice.platform, choice.how, choice.digest) == (platform, how, f"sha256:{platform}")


def test_a_386_image_does_not_fit_a_probed_amd64_node_that_did_not_prove_it():
    assert codes(job("linux/386"), node(AMD64)) == ["platform"]


def test_an_image_fits_without_a_job_around_it():
    assert match.decide(needs.need(image("linux/amd64")), node(AMD64)).ok


@pytest.mark.parametrize(
    ("requires", "fields", "expected"),
    [
        ({"resources": Resources(cpu=4.0)}, {"resources": Resources(cpu=2.0)}, ["cpu"]),
        ({"resources": Resources(cpu=2.0)}, {"resources": Resources(cpu=2.0)}, []),
        (
            {"resources": Resources(memory=10)},
            {"resources": Resources(memory=20), "available": Resources(memory=5)},
            ["memory"],
        ),
        ({"resources": Resources(memory=10)}, {}, []),
        ({"resources": Resources(gpus=[Gpu()])}, {"resources": Resources(gpus=[])}, ["gpu"]),
        ({"resources": Resources(disk=10)}, {"resources": Resources(disk=9)}, ["disk"]),
        ({"constraints": [Constraint("zone", "=", ["eu"])]}, {"labels": {"zone": "us"}}, ["constraint"]),
        ({"constraints": [Constraint("zone", "=", ["eu"])]}, {"labels": {}}, ["constraint"]),
        ({"constraints": [Constraint("zone", "=", ["eu"])]}, {}, []),
        ({"constraints": [Constraint("zone", "=", ["eu"])]}, {"labels": None}, []),
        ({"constraints": [Constraint("favour_zone", "=", ["eu"])]}, {}, []),
        ({"sources": ["s3", "urlDownload"]}, {"sources": ["urldownload"]}, ["source"]),
        ({"sources": ["s3"]}, {}, []),
        ({"publisher": "s3"}, {"publishers": []}, ["publisher"]),
        ({}, {"schedulable": False}, ["unschedulable"]),
    ],
)
def test_everything_else_that_a_node_must_have(requires, fields, expected):
    assert codes(job("linux/amd64", **requires), node(AMD64, **fields)) == expected


def test_every_reason_is_given_and_not_only_the_first():
    wants = job("linux/arm64", resources=Resources(cpu=8.0), constraints=[Constraint("zone", "=", ["eu"])])
    verdict = match.decide(needs.need(wants), node(AMD64, resources=Resources(cpu=2.0), labels={"zone": "us"}))
    assert [reason.code for reason in verdict.reasons] == ["platform", "cpu", "constraint"]
    platform = verdict.reasons[0]
    assert (platform.want, platform.have) == (["linux/arm64"], ["linux/amd64"])
    assert platform.message == "does not run linux/arm64"
    assert platform.remedy == "publish linux/amd64"


def test_a_node_without_the_engine_says_what_it_has():
    wasm_only = Node(id="n", engines=[Engine("wasm", [Offer("wasm32/wasi", "native")])])
    reason = match.decide(needs.need(job("linux/amd64")), wasm_only).reasons[0]
    assert (reason.code, reason.message, reason.have) == ("engine", "has no docker engine", ["wasm"])


def test_a_node_that_does_not_say_which_engines_it_has_is_not_said_to_have_none():
    reason = match.decide(needs.need(job("linux/amd64")), Node(id="n")).reasons[0]
    assert (reason.code, reason.message) == ("unknown_engines", "does not say which engines it has")


def test_any_of_several_engines_of_a_kind_will_do():
    two = Node(id="n", engines=[Engine("docker", [Offer("linux/arm64", "native")]), Engine("docker", [Offer(*AMD64)])])
    assert codes(job("linux/amd64"), two) == []


def test_null_is_a_value_that_a_node_may_have_anywhere():
    raw = b'{"kind":"node","v":1,"id":"n","name":null,"engines":null,"labels":null,"resources":null,"sources":null}'
    node = lines.decode(lines.read(raw, "line 1"), Node)
    assert codes(job("linux/amd64"), node) == ["unknown_engines"]


def module(**fields):
    return Module(reference="m.wasm", platforms=[ModulePlatform("wasm32/wasi")], **fields)


def wasm_node(*platforms, **fields):
    return Node(id="n", engines=[Engine("wasm", [Offer(name, "native") for name in platforms], **fields)])


WASI_WRITE = Import("wasi_snapshot_preview1", "fd_write", "func")
HOST_CALL = Import("env", "host_call", "func")
THREADS = Import("wasi", "thread-spawn", "func")
STDOUT_02 = Import("wasi:cli/stdout@0.2.3", "", "instance")


@pytest.mark.parametrize(
    ("record", "host", "expected"),
    [
        (module(imports=[WASI_WRITE]), wasm_node("wasm32/wasi"), []),
        (module(imports=[HOST_CALL]), wasm_node("wasm32/wasi"), ["import"]),
        (module(imports=[THREADS]), wasm_node("wasm32/wasi"), ["import"]),
        (module(features=["simd"]), wasm_node("wasm32/wasi", features=["simd"]), []),
        (module(features=["gc"]), wasm_node("wasm32/wasi", features=["simd"]), ["feature"]),
        (module(features=["gc"]), wasm_node("wasm32/wasi"), []),
        (module(imports=[WASI_WRITE]), wasm_node("wasm32/wasi/p2"), ["platform", "import"]),
    ],
)
def test_a_module_needs_its_generation_its_imports_and_its_features(record, host, expected):
    assert codes(record, host) == expected


def test_a_component_needs_the_second_generation():
    component = Module(reference="c", platforms=[ModulePlatform("wasm32/wasi/p2")], imports=[STDOUT_02])
    assert codes(component, wasm_node("wasm32/wasi", "wasm32/wasi/p2")) == []
    assert codes(component, wasm_node("wasm32/wasi")) == ["platform", "import"]


def test_declared_platforms_narrow_what_the_image_offers():
    wants = job("linux/amd64", "linux/arm64", declared=["linux/arm64"])
    assert codes(wants, node(AMD64)) == ["platform"]
    assert codes(wants, node(("linux/arm64", "native"))) == []


def test_a_declared_platform_alone_is_enough_to_match():
    wants = Job(id="j", requires=Requires(engine="docker", declared=["linux/amd64"]))
    assert codes(wants, node(AMD64)) == []


def test_disjoint_platforms_are_an_error_that_names_both_sides():
    with pytest.raises(BacError, match="accepts linux/arm64 and its artifact offers linux/amd64") as caught:
        needs.need(job("linux/amd64", declared=["linux/arm64"]))
    assert caught.value.code == "platforms_disjoint"


def test_a_job_that_nobody_inspected_is_not_guessed_at():
    with pytest.raises(BacError) as caught:
        needs.need(Job(id="j", requires=Requires(engine="docker")))
    assert caught.value.code == "not_inspected"


def test_an_image_without_platforms_runs_nowhere_and_says_so():
    verdict = match.decide(needs.need(image()), node(AMD64))
    assert verdict.reasons[0].message == "has nothing to run: no platform is offered"


def test_the_module_memory_counts_when_the_job_asks_for_less():
    wants = Job(
        id="j",
        requires=Requires(engine="wasm", platforms=["wasm32/wasi"], memory_min=100, resources=Resources(memory=10)),
    )
    host = wasm_node("wasm32/wasi")
    host.resources = Resources(memory=50)
    given = [(reason.code, reason.want, reason.have) for reason in match.decide(needs.need(wants), host).reasons]
    assert given == [("module_memory", 100, 10), ("memory", 100, 50)]


def test_a_platform_that_nobody_knows_equals_no_other():
    assert codes(image("unknown/unknown"), node(("unknown/unknown", "native"))) == ["platform"]
    assert codes(image("linux/unknown"), node(("linux/unknown", "assumed"))) == ["platform"]


def test_an_architecture_without_a_place_in_the_tables_runs_what_is_called_the_same():
    assert codes(image("linux/e2k"), node(("linux/e2k", "native"))) == []
    assert codes(image("linux/e2k"), node(("linux/e2kv5", "native"))) == ["platform"]


def test_an_engine_that_offers_no_platform_name_is_an_error_of_the_node():
    with pytest.raises(BacError) as caught:
        codes(image("linux/amd64"), node(("linux/*", "native")))
    assert caught.value.code == "bad_platform"


def test_of_two_engines_that_fit_the_better_one_is_chosen():
    engines = [Engine("docker", [Offer("linux/amd64", "emulated", "qemu-x86_64")]), Engine("docker", [Offer(*AMD64)])]
    assert match.decide(needs.need(image("linux/amd64")), Node(id="n", engines=engines)).choice.how == "native"


def test_favours_counts_the_preferences_that_hold():
    wants = job("linux/amd64", constraints=[Constraint("favour_zone", "=", ["eu"]), Constraint("favour_ssd", "exists")])
    need = needs.need(wants)
    assert [match.favours(need, labels) for labels in ({"zone": "eu", "ssd": ""}, {"zone": "eu"}, {}, None)] == [
        2,
        1,
        0,
        0,
    ]
