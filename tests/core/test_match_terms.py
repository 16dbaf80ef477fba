"""What is asked beside the job: no emulation, native only, what exists instead of what is free."""

import pytest

from bactools.core import match, needs, routes
from bactools.core.records import Engine, Gpu, Image, ImagePlatform, Job, Node, Offer, Requires, Resources

NO_EMULATED = routes.Terms(emulated=False)
NATIVE_ONLY = routes.Terms(emulated=False, compatible=False)


def image(*names):
    return Image(reference="i", platforms=[ImagePlatform(name, *name.split("/")[:2]) for name in names])


def node(*offers):
    return Node(id="n", engines=[Engine("docker", [Offer(*offer) for offer in offers])])


AMD64 = ("linux/amd64", "native")
EMULATED = ("linux/arm64", "emulated", "qemu-aarch64")


@pytest.mark.parametrize(
    ("terms", "offered", "offers", "expected"),
    [
        (routes.Terms(), "linux/arm64", [AMD64, EMULATED], None),
        (NO_EMULATED, "linux/arm64", [AMD64, EMULATED], "only_emulated"),
        (NATIVE_ONLY, "linux/arm64", [AMD64, EMULATED], "only_emulated"),
        (NO_EMULATED, "linux/386", [("linux/386", "compatible")], None),
        (NATIVE_ONLY, "linux/386", [("linux/386", "compatible")], "only_compatible"),
        (NATIVE_ONLY, "linux/arm/v6", [("linux/arm/v7", "native")], "only_compatible"),
        (NATIVE_ONLY, "linux/arm/v7", [("linux/arm/v7", "native")], None),
        (NATIVE_ONLY, "linux/amd64", [("linux/amd64/v3", "native")], None),
        (NATIVE_ONLY, "linux/amd64", [("linux/amd64", "assumed")], None),
        (NATIVE_ONLY, "linux/386", [("linux/amd64", "assumed")], "only_compatible"),
        (NATIVE_ONLY, "linux/arm/v7", [("linux/arm64", "assumed")], "only_compatible"),
        (NO_EMULATED, "linux/s390x", [AMD64, EMULATED], "platform"),
    ],
)
def test_terms_leave_out_ways_to_run(terms, offered, offers, expected):
    verdict = match.decide(needs.need(image(offered)), node(*offers), terms)
    assert [reason.code for reason in verdict.reasons] == ([expected] if expected else [])


def test_a_platform_that_only_an_emulator_runs_says_what_would_allow_it():
    reason = match.decide(needs.need(image("linux/arm64")), node(AMD64, EMULATED), NO_EMULATED).reasons[0]
    assert (reason.message, reason.remedy) == ("runs linux/arm64 only by emulation", "allow emulation")


def test_without_emulation_another_emulator_is_no_remedy_and_an_emulated_platform_is_not_had():
    reason = match.decide(needs.need(image("linux/s390x")), node(AMD64, EMULATED), NO_EMULATED).reasons[0]
    assert (reason.have, reason.remedy) == (["linux/amd64"], "publish linux/amd64")


@pytest.mark.parametrize(
    ("capacity", "codes"),
    [(False, ["cpu", "memory", "gpu"]), (True, [])],
)
def test_capacity_holds_a_job_against_what_exists(capacity, codes):
    wants = Requires(engine="docker", declared=["linux/amd64"])
    wants.resources = Resources(cpu=4.0, memory=10, gpus=[Gpu()])
    host = node(AMD64)
    host.resources = Resources(cpu=8.0, memory=20, gpus=[Gpu()])
    host.available = Resources(cpu=1.0, memory=5, gpus=[])
    verdict = match.decide(needs.need(Job(id="j", requires=wants)), host, routes.Terms(capacity=capacity))
    assert [reason.code for reason in verdict.reasons] == codes


def test_capacity_without_a_statement_of_what_exists_holds_nothing_against_a_node():
    wants = Requires(engine="docker", declared=["linux/amd64"], resources=Resources(memory=10))
    host = node(AMD64)
    host.available = Resources(memory=5)
    assert match.decide(needs.need(Job(id="j", requires=wants)), host, routes.Terms(capacity=True)).ok
