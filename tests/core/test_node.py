from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from bactools.core import lines, node, plan
from bactools.core.enginefacts import DockerFacts
from bactools.core.hostfacts import HostFacts
from bactools.core.hostfile import Limits, LocalPath, Settings
from bactools.core.platforms import parse
from bactools.core.records import Gpu, Offer, Program
from bactools.core.wasm_facts import WasmFacts

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
    kernel="6.1.0",
    page_size=4096,
    cpu_available=3.5,
)
ENGINE = DockerFacts(
    "29.1.0", "linux", "amd64", local=True, address="unix:///run/docker.sock", runtimes=("runc",), rootless=False
)
WASM = WasmFacts("48.0.0", ("wasm32/wasi", "wasm32/wasi/p2"), ("simd",), 2**32)
NATIVE = Offer("linux/amd64/v3", "native", proved="host")
I386 = Offer("linux/386", "compatible", proved="host")
ARM64 = Offer("linux/arm64", "emulated", "qemu-aarch64")
NOON = datetime(2026, 3, 1, 13, 0, 0, 999, tzinfo=timezone(timedelta(hours=1)))


def native(engine: DockerFacts, host: HostFacts = HOST) -> str:
    return str(node.native(engine, host))


def whole(host: HostFacts, settings: Settings, engines, gpus, runtimes, labels=None):
    bare = node.identified(host, settings, engines, ["why"])
    return node.published(node.measured(bare, host, gpus, runtimes), settings, labels or {}, plan.Equipment(), NOON)


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
    assert native(ENGINE) == "linux/amd64/v3"


def test_an_unknown_level_is_none():
    assert native(ENGINE, HOST._replace(cpuinfo="")) == "linux/amd64"


@pytest.mark.parametrize(("machine", "platform"), [("aarch64", "linux/arm64"), ("armv6l", "linux/arm/v6")])
def test_arm_hosts_have_their_own_platform(machine, platform):
    engine = ENGINE._replace(architecture=platform.split("/")[1])
    assert native(engine, HOST._replace(machine=machine)) == platform


def test_the_engine_of_a_mac_is_linux_and_in_a_machine_of_its_own():
    mac = HOST._replace(os="darwin", machine="arm64")
    engine = ENGINE._replace(architecture="arm64")
    assert native(engine, mac) == "linux/arm64"
    assert not node.is_here(engine, mac)


def test_a_remote_engine_has_not_our_level():
    remote = ENGINE._replace(local=False)
    assert native(remote) == "linux/amd64"
    assert not node.is_here(remote, HOST)


def test_an_engine_that_tells_its_own_variant_is_believed():
    assert native(ENGINE._replace(architecture="arm", variant="v6", local=False)) == "linux/arm/v6"


def test_an_engine_of_another_architecture_has_no_level_of_ours():
    pi = HOST._replace(machine="aarch64")
    assert native(ENGINE._replace(architecture="arm"), pi) == "linux/arm/v7"


def test_what_an_engine_tells_of_itself_is_published():
    engine = node.docker_engine(ENGINE._replace(memory=2**30, runtime="podman"), [NATIVE], Settings())
    assert lines.encode_value(engine).decode() == (
        '{"engine":"docker","platforms":[{"platform":"linux/amd64/v3","how":"native","proved":"host"}],'
        '"runtime":"podman","version":"29.1.0","features":["runc"],"address":"unix:///run/docker.sock",'
        '"rootless":false,"memory":1073741824}'
    )


def test_what_an_engine_does_not_tell_is_absent():
    engine = node.docker_engine(DockerFacts("29.1.0", "linux", "amd64"), [], Settings())
    assert lines.encode_value(engine).decode() == (
        '{"engine":"docker","platforms":[],"runtime":"docker","version":"29.1.0","features":[]}'
    )


def test_wasm_platforms_are_native():
    engine = node.wasm_engine(WASM, Settings())
    assert engine.platforms == [Offer("wasm32/wasi", "native"), Offer("wasm32/wasi/p2", "native")]
    assert (engine.engine, engine.runtime, engine.version, engine.features) == ("wasm", "wasmtime", "48.0.0", ["simd"])
    assert engine.memory == 2**32


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        (Settings(), [NATIVE, I386, ARM64]),
        (Settings(emulation=False), [NATIVE, I386]),
        (Settings(withheld=(parse("linux/386"),)), [NATIVE, ARM64]),
        (Settings(withheld=(parse("linux/amd64/v2"),)), [I386, ARM64]),
    ],
    ids=["all", "no emulation", "no 386", "no amd64"],
)
def test_what_the_owner_withholds_is_not_offered(settings, kept):
    assert node.docker_engine(ENGINE, [NATIVE, I386, ARM64], settings).platforms == kept


def test_a_wasi_generation_can_be_withheld():
    engine = node.wasm_engine(WASM, Settings(withheld=(parse("wasm32/wasi/p2"),)))
    assert engine.platforms == [Offer("wasm32/wasi", "native")]


def test_a_whole_node_is_this_line():
    settings = Settings(name="renamed", limits=Limits(cpu=2.0, gpus=1))
    engine = node.docker_engine(DockerFacts("29.1.0", "linux", "amd64"), [NATIVE], settings)
    runtimes = [Program("crun", "/usr/bin/crun")]
    found = whole(HOST, settings, [engine], [Gpu("NVIDIA", "L4", 2**30)], runtimes, {"zone": "eu", "arm": "no"})
    assert lines.encode(found).decode() == (
        '{"kind":"node","v":1,"id":"n-55035837-2835-6d34-207d-4c6129786914","name":"renamed",'
        '"probed":"2026-03-01T12:00:00Z","os":"linux","architecture":"amd64","variant":"v3",'
        '"engines":[{"engine":"docker","platforms":[{"platform":"linux/amd64/v3","how":"native","proved":"host"}],'
        '"runtime":"docker","version":"29.1.0","features":[]}],'
        '"resources":{"cpu":4.0,"memory":8589934592,"disk":107374182400,'
        '"gpus":[{"vendor":"NVIDIA","name":"L4","memory":1073741824}]},'
        '"available":{"cpu":3.5,"memory":6442450944,"disk":42949672960},'
        '"limits":{"cpu":2.0,"gpus":[{"vendor":null,"name":null,"memory":null}]},"page_size":4096,'
        '"runtimes":[{"name":"crun","path":"/usr/bin/crun"}],"labels":{"arm":"no","zone":"eu"},'
        '"sources":["inline","local","localDirectory","urlDownload"],"publishers":["local","noop"],"schedulable":true,'
        '"warnings":["why"]}'
    )


def test_what_could_not_be_told_is_null_and_what_was_not_looked_at_absent():
    unknown = HostFacts("linux", "x86_64", "edge-7", None, "", None, None, None, None, None)
    encoded = lines.encode(whole(unknown, Settings(), None, None, None))
    assert b'"variant":null' in encoded
    assert b'"engines":null' in encoded
    assert b'"resources":{"cpu":null,"memory":null,"disk":null,"gpus":null}' in encoded
    assert b'"available":{"cpu":null,"memory":null,"disk":null},"page_size":null,"labels"' in encoded


@pytest.mark.parametrize(
    ("paths", "sources"),
    [
        (None, ["inline", "local", "localDirectory", "urlDownload"]),
        ((), ["inline", "urlDownload"]),
        ((LocalPath("/srv", False),), ["inline", "local", "localDirectory", "urlDownload"]),
    ],
)
def test_a_host_that_allows_no_local_path_has_no_local_source(paths, sources):
    assert whole(HOST, Settings(local_paths=paths), [], [], []).sources == sources


def test_the_bare_node_has_no_resources():
    bare = node.identified(HOST, Settings(), [], [])
    assert b"resources" not in lines.encode(bare)
    assert (bare.id, bare.name, bare.variant) == (node.identity(HOST), "edge-7", "v3")


@pytest.mark.parametrize(
    ("before", "same"),
    [
        (b'{"kind":"node","id":"n-1","probed":"then","available":{"memory":1}}\n', True),
        (b'{"id":"n-1","kind":"node"}', True),
        (b'{"kind":"node","id":"n-1","warnings":[]}\n', False),
        (b'{"kind":"node","id":"n-2"}\n', False),
        (b'{"kind":"node","id":"n-1"}\n{"kind":"node","id":"n-1"}\n', False),
        (b"", False),
        (b"[]", False),
        (b"\xff", False),
        (b"[" * 100_000, False),
    ],
)
def test_two_lines_say_the_same_but_for_the_time_and_what_is_free(before, same):
    after = b'{"kind":"node","id":"n-1","probed":"now","available":{"memory":2}}\n'
    assert node.unchanged(before, after) is same


@pytest.mark.parametrize(
    ("equipment", "sources", "publishers"),
    [
        (plan.Equipment(), [], []),
        (plan.Equipment(s3=True), ["s3"], ["s3"]),
        (plan.Equipment(gateway=True), ["ipfs"], []),
        (plan.Equipment(api=True), ["ipfs"], ["ipfs"]),
    ],
)
def test_sources_and_publishers_are_those_that_the_host_is_equipped_for(equipment, sources, publishers):
    assert [name for name in equipment.sources if name not in plan.SOURCES] == sources
    assert [name for name in equipment.publishers if name not in plan.PUBLISHERS] == publishers
