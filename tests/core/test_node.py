from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from bactools.core import lines, node
from bactools.core.binfmt import Entry
from bactools.core.hostfile import Settings
from bactools.core.node import DockerFacts, HostFacts
from bactools.core.records import Gpu, Offer

V3 = "pni ssse3 cx16 sse4_1 sse4_2 popcnt lahf_lm avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"
HOST = HostFacts(
    os="linux",
    machine="x86_64",
    hostname="edge-7",
    machine_id="0123456789abcdef0123456789abcdef",
    cpuinfo=f"flags\t\t: {V3}\n",
    cpu=4.0,
    memory=8 * 2**30,
    memory_available=6 * 2**30,
    disk=100 * 2**30,
    disk_available=40 * 2**30,
)
ENGINE = DockerFacts("29.1.0", "linux", "amd64", local=True)
ARM64 = Entry("qemu-aarch64", True, "/usr/bin/q", "F", 0, bytes.fromhex("7f454c460201010000000000000000000200b700"))
NOON = datetime(2026, 3, 1, 13, 0, 0, 999, tzinfo=timezone(timedelta(hours=1)))


def docker_offers(engine: DockerFacts, host: HostFacts = HOST, entries: tuple[Entry, ...] = ()) -> list[Offer]:
    return node.docker_engine(engine, host, entries)[0].platforms


def test_id_is_stable_and_hides_the_machine_id():
    assert node.identity(HOST) == node.identity(HOST._replace(hostname="renamed"))
    assert node.identity(HOST) == "n-55035837-2835-6d34-207d-4c6129786914"
    assert HOST.machine_id not in node.identity(HOST).replace("-", "")


@pytest.mark.parametrize("absent", [None, "", "uninitialized"])
def test_id_comes_from_the_host_name_where_there_is_no_machine_id(absent):
    one = HOST._replace(machine_id=absent)
    assert node.identity(one) == node.identity(one._replace(memory=1))
    assert node.identity(one) != node.identity(one._replace(hostname="edge-8"))


def test_an_engine_of_this_host_has_its_level():
    assert docker_offers(ENGINE) == [Offer("linux/amd64/v3", "native")]


def test_an_unknown_level_is_none():
    assert docker_offers(ENGINE, HOST._replace(cpuinfo="")) == [Offer("linux/amd64", "native")]


@pytest.mark.parametrize(("machine", "platform"), [("aarch64", "linux/arm64"), ("armv6l", "linux/arm/v6")])
def test_arm_hosts_offer_their_own_platform(machine, platform):
    engine = ENGINE._replace(architecture=platform.split("/")[1])
    assert docker_offers(engine, HOST._replace(machine=machine)) == [Offer(platform, "native")]


def test_emulated_platforms_follow_the_native_one():
    assert docker_offers(ENGINE, entries=(ARM64,)) == [
        Offer("linux/amd64/v3", "native"),
        Offer("linux/arm64", "emulated", "qemu-aarch64"),
    ]


def test_an_emulator_without_flag_f_is_a_warning():
    engine, warnings = node.docker_engine(ENGINE, HOST, [ARM64._replace(flags="")])
    assert engine.platforms == [Offer("linux/amd64/v3", "native")]
    assert len(warnings) == 1
    assert "lacks flag F" in warnings[0]


def test_the_engine_of_a_mac_is_linux():
    mac = HOST._replace(os="darwin", machine="arm64")
    assert docker_offers(ENGINE._replace(architecture="arm64"), mac) == [Offer("linux/arm64", "native")]


def test_a_remote_engine_has_neither_our_level_nor_our_emulators():
    assert docker_offers(ENGINE._replace(local=False), entries=(ARM64,)) == [Offer("linux/amd64", "native")]


def test_an_engine_of_another_architecture_has_no_level_of_ours():
    pi = HOST._replace(machine="aarch64")
    assert docker_offers(ENGINE._replace(architecture="arm"), pi, (ARM64,)) == [Offer("linux/arm/v7", "native")]


def test_wasm_platforms_are_native():
    engine = node.wasm_engine("48.0.0", ["wasm32/wasi", "wasm32/wasi/p2"], ["simd"])
    assert engine.platforms == [Offer("wasm32/wasi", "native"), Offer("wasm32/wasi/p2", "native")]
    assert (engine.engine, engine.runtime, engine.version, engine.features) == ("wasm", "wasmtime", "48.0.0", ["simd"])


def test_a_whole_node_is_this_line():
    engine, warnings = node.docker_engine(ENGINE, HOST, ())
    bare = node.identified(HOST, Settings(name="renamed"), [engine], warnings)
    whole = node.measured(bare, HOST, [Gpu("NVIDIA", "L4", 2**30)], {"zone": "eu", "arm": "no"}, NOON)
    assert lines.encode(whole).decode() == (
        '{"kind":"node","v":1,"id":"n-55035837-2835-6d34-207d-4c6129786914","name":"renamed",'
        '"probed":"2026-03-01T12:00:00Z","os":"linux","architecture":"amd64","variant":"v3",'
        '"engines":[{"engine":"docker","platforms":[{"platform":"linux/amd64/v3","how":"native"}],"version":"29.1.0"}],'
        '"resources":{"cpu":4.0,"memory":8589934592,"disk":107374182400,'
        '"gpus":[{"vendor":"NVIDIA","name":"L4","memory":1073741824}]},'
        '"available":{"memory":6442450944,"disk":42949672960},"labels":{"arm":"no","zone":"eu"},'
        '"sources":["inline","local","localDirectory"],"publishers":["local","noop"],"schedulable":true,"warnings":[]}'
    )


def test_what_could_not_be_told_is_null():
    unknown = HOST._replace(cpu=None, memory=None, memory_available=None, disk=None, disk_available=None, cpuinfo="")
    bare = node.identified(unknown, Settings(), [], ["why"])
    whole = node.measured(bare, unknown, None, {}, NOON)
    encoded = lines.encode(whole)
    assert b'"variant":null' in encoded
    assert b'"resources":{"cpu":null,"memory":null,"disk":null,"gpus":null}' in encoded
    assert b'"available":{"memory":null,"disk":null}' in encoded
    assert b'"engines":[]' in encoded


def test_the_bare_node_has_no_resources():
    bare = node.identified(HOST, Settings(), [], [])
    assert b"resources" not in lines.encode(bare)
    assert (bare.id, bare.name, bare.variant) == (node.identity(HOST), "edge-7", "v3")
