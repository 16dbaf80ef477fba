from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import enginefacts
from bactools.core.enginefacts import DockerFacts
from bactools.core.errors import BacError

# The shapes are those of the Engine API reference v1.47: GET /version (SystemVersion) and GET /info (SystemInfo).
VERSION = {
    "Platform": {"Name": "Docker Engine - Community"},
    "Components": [{"Name": "Engine", "Version": "27.0.1", "Details": {}}],
    "Version": "27.0.1",
    "ApiVersion": "1.47",
    "Os": "linux",
    "Arch": "amd64",
    "KernelVersion": "6.8.0-31-generic",
}
INFO = {
    "OSType": "linux",
    "Architecture": "x86_64",
    "KernelVersion": "6.8.0-31-generic",
    "NCPU": 4,
    "MemTotal": 2095882240,
    "Name": "edge-7",
    "SecurityOptions": ["name=apparmor", "name=seccomp,profile=default"],
    "Runtimes": {"runc": {"path": "runc"}, "io.containerd.wasmtime.v1": {}, "nvidia": {"path": "nvidia-runtime"}},
}
FACTS = DockerFacts(
    version="27.0.1",
    os="linux",
    architecture="amd64",
    variant="",
    local=True,
    address="unix:///var/run/docker.sock",
    runtime="docker",
    runtimes=("io.containerd.wasmtime.v1", "nvidia", "runc"),
    rootless=False,
    cpu=4.0,
    memory=2095882240,
    kernel="6.8.0-31-generic",
    name="edge-7",
)
# Podman's compatible API (pkg/api/handlers/compat): Go's architecture also in its info.
PODMAN = {**VERSION, "Components": [{"Name": "Podman Engine", "Version": "5.2.0"}, {"Name": "Conmon"}]}


def facts(version: object = VERSION, info: object = INFO) -> DockerFacts:
    return enginefacts.docker(version, info, "unix:///var/run/docker.sock", local=True)


def test_an_engine_s_two_answers_become_its_facts():
    assert facts() == FACTS


def test_an_engine_without_info_is_known_by_its_version():
    assert facts(info=None) == FACTS._replace(runtimes=(), rootless=None, cpu=None, memory=None, name=None)


def test_podman_is_known_by_its_component():
    assert facts(version=PODMAN).runtime == "podman"


@pytest.mark.parametrize("options", [["name=seccomp", "name=rootless"], ["name=rootless,x=y"]])
def test_an_engine_without_root_says_so(options: list[str]):
    assert facts(info={**INFO, "SecurityOptions": options}).rootless is True


@pytest.mark.parametrize("options", [[], ["name=rootlesskit"], [3]])
def test_an_engine_with_root_does_not(options: list[object]):
    assert facts(info={**INFO, "SecurityOptions": options}).rootless is False


@pytest.mark.parametrize(
    ("architecture", "machine", "variant"),
    [
        ("arm", "armv7l", "v7"),
        ("arm", "armv6l", "v6"),
        ("arm", "arm", ""),
        ("arm", "aarch64", ""),
        ("arm64", "aarch64", ""),
        ("amd64", "x86_64", ""),
        ("amd64", "not a/machine", ""),
    ],
)
def test_the_variant_is_that_of_the_engine_s_machine(architecture: str, machine: str, variant: str):
    found = facts({**VERSION, "Arch": architecture}, {**INFO, "Architecture": machine})
    assert (found.architecture, found.variant) == (architecture, variant)


def test_what_has_another_shape_is_unknown():
    odd = {**dict.fromkeys(INFO), "Runtimes": ["runc"], "NCPU": True, "MemTotal": "8 GiB", "SecurityOptions": "none"}
    assert facts(info=odd) == facts(info=None)
    assert facts(info={**INFO, "NCPU": 0, "MemTotal": -1}) == FACTS._replace(cpu=None, memory=None)


@pytest.mark.parametrize(
    "version", [None, [], {}, {"Version": "1", "Os": None, "Arch": 7}, {"Os": "linux"}, {**VERSION, "Version": ""}]
)
def test_an_engine_that_does_not_tell_its_platform_has_failed(version: object):
    with pytest.raises(BacError) as caught:
        facts(version)
    assert (caught.value.code, caught.value.message) == (
        "engine_failed",
        "the Docker engine does not tell its platform",
    )


@pytest.mark.parametrize(
    ("engine", "kernel", "hostname", "local"),
    [
        (FACTS, "6.8.0-31-generic", "edge-7", True),
        # Docker Desktop: a virtual machine behind a socket of this host
        (FACTS._replace(kernel="6.10.14-linuxkit", name="docker-desktop"), "24.3.0", "anns-mac", False),
        (FACTS._replace(kernel="6.10.14-linuxkit"), "6.8.0-31-generic", "edge-7", False),
        # a socket forwarded from another host of the same installation
        (FACTS._replace(name="edge-8"), "6.8.0-31-generic", "edge-7", False),
        (FACTS._replace(kernel=None, name=None), "6.8.0-31-generic", "edge-7", True),
        (FACTS._replace(local=False), "6.8.0-31-generic", "edge-7", False),
    ],
)
def test_an_engine_is_local_where_kernel_and_name_are_this_host_s(
    engine: DockerFacts, kernel: str, hostname: str, local: bool
):
    assert enginefacts.on_host(engine, kernel, hostname) == engine._replace(local=local)


@pytest.mark.parametrize(
    ("engine", "local"),
    [
        (FACTS, True),
        (FACTS._replace(name="edge-8"), False),
        (FACTS._replace(name=None), False),
        (FACTS._replace(kernel=None), False),
    ],
)
def test_an_engine_behind_a_loopback_address_is_local_where_it_says_so(engine: DockerFacts, local: bool):
    assert enginefacts.on_host(engine, "6.8.0-31-generic", "edge-7", told=True).local is local


@pytest.mark.parametrize(
    ("engine", "host", "local"),
    [
        # moby/pkg/parsers/kernel: "sometimes we have 3.12.25-gentoo, but sometimes we just have 3.12-1-amd64"
        ("3.12.0-1-amd64", "3.12-1-amd64", True),
        ("3.12.25-gentoo", "3.12.25-gentoo", True),
        ("6.12.0", "6.12", True),
        ("6.12.0-rc1", "6.12-rc1", True),
        ("6.12.1-1-amd64", "6.12-1-amd64", False),
        ("odd", "odd", True),
        ("9" * 5000 + ".1", "6.12", False),
    ],
)
def test_a_kernel_s_release_is_compared_as_docker_prints_it(engine: str, host: str, local: bool):
    assert enginefacts.on_host(FACTS._replace(kernel=engine), host, "edge-7").local is local


def test_a_kernel_that_docker_could_not_read_is_not_told():
    assert facts(info={**INFO, "KernelVersion": "<unknown>"}, version={**VERSION, "KernelVersion": ""}).kernel is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*VERSION, *INFO]) | st.text(), inner),
)


@given(json_values, st.dictionaries(st.sampled_from([*INFO]), json_values))
def test_whatever_an_engine_answers_is_told_or_refused(version: object, info: object):
    found = facts(info=info)
    assert found.version == "27.0.1"
    with suppress(BacError):
        facts(version, info)
