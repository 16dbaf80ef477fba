from __future__ import annotations

from msgspec import UNSET

from bactools.core import jobspec, requirements
from bactools.core.records import Constraint, Gpu, Resources


def job(**task):
    task = {"Name": "main", "Engine": {"Type": "docker", "Params": {"Image": "busybox"}}, **task}
    return jobspec.canonical({"Type": "batch", "Tasks": [task]})


def test_a_job_that_says_nothing_requires_only_its_engine():
    found = requirements.of(job())
    assert found.engine == "docker"
    assert found.platforms is UNSET
    assert found.features is UNSET
    assert found.imports is UNSET
    assert (found.declared, found.constraints, found.sources, found.publisher) == ([], [], [], None)
    assert found.resources == Resources()
    assert found.network == "none"


def test_resources_are_numbers_and_gpus_are_counted():
    found = requirements.of(job(Resources={"CPU": "1500m", "Memory": "2Gb", "Disk": "1GiB", "GPU": "2"}))
    assert found.resources == Resources(cpu=1.5, memory=2_000_000_000, disk=2**30, gpus=[Gpu(), Gpu()])


def test_a_resource_of_zero_is_not_required():
    assert requirements.of(job(Resources={"CPU": "0", "Memory": "0", "GPU": "0"})).resources == Resources()


def test_sources_are_listed_once_and_the_publisher_by_its_type():
    local = {"Type": "local", "Params": {"SourcePath": "/a"}}
    inputs = [{"Source": local, "Target": "/a"}, {"Source": local, "Target": "/b"}]
    found = requirements.of(job(InputSources=inputs, Publisher={"Type": "ipfs"}))
    assert (found.sources, found.publisher) == (["local"], "ipfs")


def test_networks_have_four_names():
    names = {"Default": "none", "None": "none", "Host": "host", "Full": "host", "HTTP": "http", "Bridge": "bridge"}
    assert {name: requirements.of(job(Network={"Type": name})).network for name in names} == names


def test_constraints_are_the_job_s_own():
    spec = {
        **job(),
        "Constraints": [{"Key": "gpu", "Operator": "exists"}, {"Key": "mem", "Operator": "gt", "Values": [4]}],
    }
    found = requirements.of(jobspec.canonical(spec))
    assert found.constraints == [Constraint("gpu", "exists"), Constraint("mem", "gt", ["4"])]


def test_declared_platforms_travel_in_the_spec():
    spec = jobspec.declaring(job(), ["linux/x86_64", "linux/arm/v7"])
    assert spec["Meta"] == {"bactools/platforms": "linux/amd64,linux/arm/v7"}
    assert requirements.of(spec).declared == ["linux/amd64", "linux/arm/v7"]
