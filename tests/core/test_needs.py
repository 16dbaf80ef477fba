"""What a record needs of a node."""

import pytest

from bactools.core import needs, platforms
from bactools.core.errors import BacError
from bactools.core.gpu_kinds import Kind
from bactools.core.records import (
    Constraint,
    Gpu,
    Image,
    ImagePlatform,
    Job,
    Memory,
    Module,
    ModulePlatform,
    Requires,
    Resources,
)


def docker(**requires):
    return Job(id="j", requires=Requires(engine="docker", platforms=["linux/amd64"], **requires))


def module(pages):
    return Module(reference="m", platforms=[ModulePlatform("wasm32/wasi")], memory=Memory(min=pages))


def test_amounts_of_nothing_are_not_asked_for():
    need = needs.need(docker(resources=Resources(cpu=0.0, memory=None)))
    assert (need.amounts, need.gpus) == ((), ())


def test_gpus_are_counted_by_kind():
    wanted = [Gpu(), Gpu(vendor="NVIDIA"), Gpu()]
    assert needs.need(docker(resources=Resources(gpus=wanted))).gpus == ((Kind(), 2), (Kind("NVIDIA"), 1))


def test_constraints_and_preferences_are_told_apart():
    hard, soft = Constraint("zone", "=", ["eu"]), Constraint("favour_zone", "=", ["eu"])
    need = needs.need(docker(constraints=[soft, hard]))
    assert (need.constraints, need.preferences) == ((hard,), (soft,))


@pytest.mark.parametrize("key", ["zone", "favour_zone"])
def test_a_constraint_that_says_nothing_is_an_error_of_the_job(key):
    with pytest.raises(BacError, match="unknown operator 'like'") as caught:
        needs.need(docker(constraints=[Constraint(key, "like", ["e%"])]))
    assert caught.value.code == "bad_record"


def test_a_module_needs_the_memory_that_it_starts_with():
    assert needs.need(module(2)).amounts == (("memory", 128 * 1024),)
    assert needs.need(module(0)).amounts == ()


def test_a_job_needs_the_memory_that_its_module_starts_with():
    wants = Job(id="j", requires=Requires(engine="wasm"), artifact=module(2))
    assert (needs.need(wants).module_memory, needs.need(wants).memory) == (128 * 1024, None)


def test_what_the_artifact_offers_and_the_job_does_not_accept_is_remembered():
    platforms_ = [ImagePlatform(f"linux/{name}", "linux", name) for name in ("amd64", "arm64")]
    wants = Job(
        id="j",
        requires=Requires(engine="docker", declared=["linux/arm64"]),
        artifact=Image(reference="i", platforms=platforms_),
    )
    need = needs.need(wants)
    assert [str(item.platform) for item in need.wanted] == ["linux/arm64"]
    assert [str(item.platform) for item in need.refused] == ["linux/amd64"]
    assert need.declared == (platforms.parse("linux/arm64"),)


def test_a_job_without_a_network_wants_none():
    assert needs.need(docker()).network == "none"
    assert needs.need(docker(network="http")).network == "http"
