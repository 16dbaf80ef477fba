from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import node_labels, platforms, routes
from bactools.core.needs import Wanted
from bactools.core.records import Engine, Node, Offer

# Kubernetes, "Syntax and character set" of labels
KEY = re.compile(r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")

NAMES = st.sampled_from(
    """
    linux/amd64 linux/amd64/v2 linux/amd64/v4 linux/386 linux/arm64 linux/arm64/v8.2 linux/arm64/v9.2 linux/arm/v5
    linux/arm/v6 linux/arm/v7 linux/arm/v8 linux/ppc64le linux/ppc64le/power9 linux/riscv64 linux/riscv64/rva22u64
    linux/s390x linux/mips64le linux/loong64 windows/amd64
    """.split()
)
HOW = st.sampled_from(["native", "compatible", "emulated"])
OFFERS = st.lists(st.builds(Offer, NAMES, HOW), max_size=6)
EVERY = [
    *"linux/amd64 linux/amd64/v2 linux/amd64/v3 linux/amd64/v4 linux/386 linux/arm64 linux/arm64/v8.1".split(),
    *"linux/arm64/v8.2 linux/arm64/v9 linux/arm64/v9.2 linux/arm/v5 linux/arm/v6 linux/arm/v7 linux/arm/v8".split(),
    *"linux/ppc64le linux/ppc64le/power8 linux/ppc64le/power9 linux/riscv64 linux/riscv64/rva20u64".split(),
    *"linux/riscv64/rva22u64 linux/s390x linux/mips64le linux/loong64 windows/amd64".split(),
]


def node(*engines, **fields):
    return Node(id="n-1", engines=list(engines), **fields)


def told(offers, wanted):
    """How offers run a platform, whatever stands behind it."""
    choice = routes.choose((Wanted(platforms.parse(wanted), None),), tuple(offers), routes.TERMS)
    return choice and choice.how


def test_a_node_has_these_labels():
    docker = Engine(
        "docker",
        [
            Offer("linux/amd64/v3", "native", proved="host"),
            Offer("linux/386", "compatible"),
            Offer("linux/arm64", "emulated", "qemu-aarch64"),
            Offer("linux/arm/v7", "emulated", "qemu-arm"),
        ],
        version="29.1.0",
    )
    wasm = Engine(
        "wasm", [Offer("wasm32/wasi", "native"), Offer("wasm32/wasi/p2", "native")], features=["tail-call", "simd"]
    )
    found = node_labels.labels(node(docker, wasm, os="linux", architecture="amd64", labels={"zone": "eu"}))
    assert list(found.items()) == [
        ("Architecture", "amd64"),
        ("Operating-System", "linux"),
        ("docker/linux-386", "compatible"),
        ("docker/linux-amd64", "native"),
        ("docker/linux-amd64-v2", "native"),
        ("docker/linux-amd64-v3", "native"),
        ("docker/linux-arm-v5", "emulated"),
        ("docker/linux-arm-v6", "emulated"),
        ("docker/linux-arm-v7", "emulated"),
        ("docker/linux-arm64", "emulated"),
        ("os_arch", "amd64"),
        ("os_type", "linux"),
        ("wasm-feature/simd", "true"),
        ("wasm-feature/tail-call", "true"),
        ("wasm/wasm32-wasi-p1", "native"),
        ("wasm/wasm32-wasi-p2", "native"),
        ("zone", "eu"),
    ]
    assert node_labels.engines(found) == [
        Engine(
            "docker",
            [
                Offer("linux/amd64/v3", "native"),
                Offer("linux/386", "compatible"),
                Offer("linux/arm/v7", "emulated"),
                Offer("linux/arm64", "emulated"),
            ],
        ),
        Engine(
            "wasm", [Offer("wasm32/wasi", "native"), Offer("wasm32/wasi/p2", "native")], features=["simd", "tail-call"]
        ),
    ]


def test_the_older_arm_levels_of_an_arm_host_are_compatible():
    found = node_labels.labels(node(Engine("docker", [Offer("linux/arm/v7", "native")])))
    assert found == {
        "docker/linux-arm-v5": "compatible",
        "docker/linux-arm-v6": "compatible",
        "docker/linux-arm-v7": "native",
    }
    assert node_labels.engines(found) == [Engine("docker", [Offer("linux/arm/v7", "native")])]


def test_a_level_with_a_dot_is_written_without():
    found = node_labels.labels(node(Engine("docker", [Offer("linux/arm64/v8.1", "native")])))
    assert found == {"docker/linux-arm64": "native", "docker/linux-arm64-v8_1": "native"}


def test_a_windows_engine_keeps_its_version():
    docker = Engine("docker", [Offer("windows(10.0.26100)/amd64", "native")])
    found = node_labels.labels(node(docker))
    assert found == {"docker/os-version": "10.0.26100", "docker/windows-amd64": "native"}
    assert node_labels.engines(found) == [docker]


def test_a_label_that_is_none_by_the_rules_is_left_out_and_named():
    own = {"zone": "eu", "note": "two words", "a/b/c": "x", "-a": "x", "long": "x" * 64, "empty": "", "a.b/c": "1"}
    one = node(labels=own)
    assert node_labels.labels(one) == {"a.b/c": "1", "empty": "", "zone": "eu"}
    assert node_labels.refused(one) == ["note", "a/b/c", "-a", "long"]


def test_what_the_engines_run_goes_over_a_label_of_the_owner():
    stale = {"docker/linux-amd64": "emulated", "os_arch": "arm64"}
    docker = Engine("docker", [Offer("linux/amd64", "native")])
    found = node_labels.labels(node(docker, architecture="amd64", labels=stale))
    assert (found["docker/linux-amd64"], found["os_arch"]) == ("native", "amd64")


@pytest.mark.parametrize(
    "foreign",
    [
        {"docker/linux-amd64": "yes"},
        {"docker/": "native"},
        {"docker/linux": "native"},
        {"docker/a-b-c-d": "native"},
        {"docker/linux-..": "native"},
        {"podman/linux-amd64": "native"},
        {"linux-amd64": "native"},
        {"wasm-feature/simd": "true"},
    ],
    ids=str,
)
def test_labels_of_somebody_else_are_no_engines(foreign):
    assert node_labels.engines(foreign) == []


@given(OFFERS)
def test_what_is_read_back_runs_the_same_platforms_in_the_same_way(offers):
    found = node_labels.engines(node_labels.labels(node(Engine("docker", offers))))
    back = found[0].platforms if found else []
    assert {name: told(back, name) for name in EVERY} == {name: told(offers, name) for name in EVERY}
    again = node_labels.engines(node_labels.labels(node(Engine("docker", back))))
    assert (again[0].platforms if again else []) == back


@given(
    st.dictionaries(st.text(max_size=70), st.text(max_size=70), max_size=4),
    st.lists(st.text("abz019._-()+%/", min_size=1, max_size=20), max_size=3),
    st.lists(st.text(max_size=8), max_size=3),
)
def test_every_label_is_one_that_kubernetes_takes(own, names, features):
    offers = []
    for name in names:
        try:
            offers.append(Offer(str(platforms.parse(name)), "native"))
        except platforms.BacError:
            continue
    engines = [Engine("docker", offers), Engine("wasm", [Offer("wasm32/wasi", "native")], features=features)]
    for key, value in node_labels.labels(node(*engines, os="linux", architecture="amd64", labels=own)).items():
        assert KEY.fullmatch(key)
        assert VALUE.fullmatch(value)


@given(st.dictionaries(st.text("dockerwasm/-_v12 linux", max_size=20), st.sampled_from(["native", "true", "x"])))
def test_any_labels_can_be_read(found):
    assert isinstance(node_labels.engines(found), list)
