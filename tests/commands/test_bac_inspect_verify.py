"""bac-inspect --verify on images in the real registry, made up of programs that a real compiler made."""

from __future__ import annotations

import json
import random
import subprocess
import tarfile

import layouts
import proxies
import pytest
from layouts import AMD64, ARM64, archive, gzipped
from programs import TARGETS
from stack import images

MODULE = images.START
PLATFORMS = {
    name: dict(zip(("os", "architecture", "variant"), target.platform.split("/"), strict=False))
    for name, target in TARGETS.items()
}
LOADER = "lib/ld-musl-aarch64.so.1"
SCRIPT = b"#!/bin/sh\nexec /bin/app\n"


@pytest.fixture
def layout(tmp_path):
    return layouts.Layout(tmp_path / "layout")


@pytest.fixture
def verified(run, registry, layout):
    """``verified(platform, layers, Entrypoint=[…])``: what the one platform of such an image says, and how it ended."""

    def verified(platform, layers, **run_config):
        options = {"media_type": run_config.pop("media_type")} if "media_type" in run_config else {}
        image = layout.image(platform, layers, **options, **run_config)
        done = run("bac-inspect", "--verify", layout.pushed(image, registry, "verify-one:1"))
        (record,) = done.records
        return done, record["platforms"][0]["verified"]

    return verified


def program(data, name="app"):
    return gzipped(archive((name, data)))


@pytest.mark.parametrize("name", sorted(set(TARGETS) - {"dynamic", "arm-v6"}))
def test_a_true_label_agrees(verified, programs, name):
    layer = program(programs[name])
    done, found = verified(PLATFORMS[name], [layer], Entrypoint=["/app"])
    assert (done.status, done.stderr) == (0, "")
    assert found == {
        "platform": TARGETS[name].platform,
        "level": TARGETS[name].level,
        "file": "/app",
        "layer": images.sha256(layer),
        "agrees": True,
        "interpreter": None,
    }


def test_a_wrong_label_is_told_and_is_status_1(verified, programs):
    done, found = verified(AMD64, [program(programs["arm64"])], Entrypoint=["/app"])
    assert done.status == 1
    assert done.stderr == (
        "bac-inspect: localhost:5000/verify-one:1 (linux/amd64): the label is wrong: /app is for linux/arm64\n"
    )
    assert (found["platform"], found["agrees"]) == ("linux/arm64", False)


@pytest.mark.parametrize(
    ("label", "name", "agrees"),
    [
        ({"architecture": "arm", "variant": "v6"}, "arm-v6", True),
        ({"architecture": "arm", "variant": "v6"}, "arm-v5", True),
        ({"architecture": "arm", "variant": "v6"}, "arm-v7", False),
        ({"architecture": "arm"}, "arm-v7", True),
        ({"architecture": "arm64"}, "arm-v7", False),
        ({"architecture": "amd64"}, "386", False),
        ({"architecture": "amd64"}, "amd64-v1", True),
        ({"architecture": "amd64"}, "amd64-v2", False),
        ({"architecture": "amd64", "variant": "v2"}, "amd64-v2", True),
        ({"architecture": "amd64", "variant": "v2"}, "amd64-v3", False),
        ({"architecture": "amd64", "variant": "v4"}, "amd64-v3", True),
        ({"architecture": "ppc64le"}, "ppc64", False),
        ({"architecture": "riscv64"}, "riscv64", True),
        ({"architecture": "riscv64"}, "riscv64-b", False),
    ],
)
def test_a_label_promises_a_level_too(verified, programs, label, name, agrees):
    done, found = verified({"os": "linux", **label}, [program(programs[name])], Entrypoint=["/app"])
    assert found["agrees"] is agrees
    assert found["platform"] == TARGETS[name].platform
    assert done.status == (0 if agrees else 1)


def test_each_platform_of_an_index_is_looked_at(run, registry, layout, programs):
    images_of = {name: layout.image(PLATFORMS[name], [program(programs[name])], Cmd=["/app"]) for name in TARGETS}
    wrong = layout.image({"os": "linux", "architecture": "s390x"}, [program(programs["mips"])], Cmd=["/app"])
    named = layout.pushed(layout.index(images_of["arm64"], wrong, images_of["arm-v7"]), registry, "verify-index:1")
    done = run("bac-inspect", "--verify", named)
    (record,) = done.records
    told = [
        (entry["platform"], entry["verified"]["platform"], entry["verified"]["agrees"]) for entry in record["platforms"]
    ]
    assert told == [
        ("linux/arm64", "linux/arm64", True),
        ("linux/s390x", "linux/mips", False),
        ("linux/arm/v7", "linux/arm/v7", True),
    ]
    assert done.status == 1
    assert done.stderr.count("\n") == 1


def test_without_verify_nothing_is_looked_into(run, registry, layout, programs):
    named = layout.pushed(layout.image(AMD64, [program(programs["arm64"])], Cmd=["/app"]), registry, "verify-one:1")
    done = run("bac-inspect", named)
    assert (done.status, done.stderr) == (0, "")
    assert "verified" not in done.records[0]["platforms"][0]


@pytest.mark.parametrize("packing", ["gzip", "zstd", "plain"])
def test_a_layer_may_be_packed_in_any_way(verified, programs, packing):
    body = archive(("app", programs["arm64"]))
    packed = {"gzip": gzipped, "zstd": images.zstd, "plain": bytes}[packing](body)
    media_type = {"gzip": images.LAYER, "zstd": images.ZSTD_LAYER, "plain": layouts.PLAIN_LAYER}[packing]
    done, found = verified(ARM64, [packed], Entrypoint=["/app"], media_type=media_type)
    assert (done.status, found["agrees"]) == (0, True)


def busybox(programs):
    return archive(
        ("bin", tarfile.DIRTYPE),
        ("bin/busybox", programs["arm64"]),
        ("bin/sh", "-> busybox"),
        ("bin/ash", "=> bin/busybox"),
        ("usr/bin/env", "-> ../../bin/busybox"),
    )


@pytest.mark.parametrize(
    ("run_config", "file"),
    [
        ({"Cmd": ["/bin/sh", "-c", "exec /elsewhere"]}, "/bin/busybox"),
        ({"Cmd": ["sh"]}, "/bin/busybox"),
        ({"Cmd": ["sh"], "Env": ["PATH=/usr/bin:/bin"]}, "/bin/busybox"),
        ({"Cmd": ["ash"]}, "/bin/ash"),
        ({"Entrypoint": ["/run.sh"], "Cmd": ["/missing"]}, "/bin/busybox"),
        ({"Entrypoint": ["run.sh"], "Env": ["PATH=/bin:/"]}, "/bin/busybox"),
        ({"Entrypoint": ["./run.sh"]}, "/bin/busybox"),
        ({"Entrypoint": ["app"], "Env": ["PATH=/opt/bin"]}, "/opt/bin/app"),
        ({"Entrypoint": ["bin/app"], "WorkingDir": "/opt"}, "/opt/bin/app"),
        ({"Entrypoint": ["/env.sh"]}, "/bin/busybox"),
    ],
)
def test_what_is_executed_in_the_end(verified, programs, run_config, file):
    scripts = archive(
        ("run.sh", SCRIPT),
        ("env.sh", b"#!/usr/bin/env sh\n"),
        ("opt/bin/app", "-> ../../opt/real/../bin/../bin/hidden"),
        ("opt/bin/hidden", "-> /opt/bin/program"),
        ("opt/real", tarfile.DIRTYPE),
        ("opt/bin/program", programs["arm64"]),
    )
    done, found = verified(ARM64, [gzipped(busybox(programs)), gzipped(scripts)], **run_config)
    assert (done.status, done.stderr) == (0, "")
    assert (found["file"], found["platform"]) == (file.replace("/opt/bin/app", "/opt/bin/program"), "linux/arm64")


def test_a_file_that_may_not_be_executed_is_passed_over_in_path(verified, programs):
    layer = archive(("a/app", programs["mips"], 0o644), ("b/app", programs["arm64"]))
    _, found = verified(ARM64, [gzipped(layer)], Cmd=["app"], Env=["PATH=/a:/b"])
    assert found["file"] == "/b/app"


@pytest.mark.parametrize(
    ("upper", "platform"),
    [
        ((("app", "arm64"),), "linux/arm64"),
        (((".wh.app", b""), ("other", b"")), None),
        ((("d/.wh.app", b""),), "linux/amd64"),
        (((".wh..wh..opq", b""),), None),
        ((("app", tarfile.DIRTYPE),), None),
    ],
)
def test_upper_layers_replace_and_take_away(verified, programs, upper, platform):
    layers = [
        program(programs["amd64"]),
        gzipped(archive(*((n, programs.get(c, c) if isinstance(c, str) else c) for n, c in upper))),
    ]
    done, found = verified(AMD64, layers, Entrypoint=["/app"])
    assert (found and found["platform"]) == platform
    if platform is None:
        assert done.status == 0
        assert "not verified: the image does not hold the program '/app'" in done.stderr


@pytest.mark.parametrize(
    ("entries", "run_config"),
    [
        ([("app", "-> ../../../../../../bin/ls")], {"Entrypoint": ["/app"]}),
        ([("app", "-> /proc/self/exe")], {"Entrypoint": ["/app"]}),
        ([("../app", b"\x7fELF")], {"Entrypoint": ["/app"]}),
        ([("app", tarfile.CHRTYPE)], {"Entrypoint": ["/app"]}),
        ([("app", tarfile.FIFOTYPE)], {"Entrypoint": ["/app"]}),
        ([("app", "-> app")], {"Entrypoint": ["/app"]}),
        ([("app", "=> app")], {"Entrypoint": ["/app"]}),
        ([("app", b"#!/app\n")], {"Entrypoint": ["/app"]}),
        ([("app", b"")], {"Entrypoint": ["/app"]}),
        ([("app", b"MZ")], {"Entrypoint": ["/app"]}),
        ([("app", b"\x7fELF" + b"\xff" * 100)], {"Entrypoint": ["/app"]}),
        ([("app", b"#!/bin/sh\r\n"), ("bin/sh", b"\x7fELF")], {"Entrypoint": ["/app"]}),
        ([("app", b"")], {}),
        ([("app", b"")], {"Entrypoint": ["../../../../../../etc/passwd"]}),
    ],
)
def test_what_cannot_be_told_is_null_and_said(verified, entries, run_config):
    done, found = verified(AMD64, [gzipped(archive(*entries))], **run_config)
    assert (done.status, found) == (0, None)
    assert done.stderr.startswith("bac-inspect: localhost:5000/verify-one:1 (linux/amd64): not verified: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("layer", [b"no archive", b"\x1f\x8b damaged", b"\x28\xb5\x2f\xfd damaged", b""])
def test_a_damaged_layer_is_null_and_said(verified, layer):
    done, found = verified(AMD64, [layer], Entrypoint=["/app"])
    assert (done.status, found) == (0, None)
    assert "not verified: the layer sha256:" in done.stderr


@pytest.mark.parametrize("name", ["app", LOADER])
def test_the_loader_is_in_the_image_or_said_to_be_missing(verified, programs, name):
    base = gzipped(archive((name, b"loader")))
    done, found = verified(ARM64, [base, program(programs["dynamic"])], Entrypoint=["/app"])
    present = name == LOADER
    assert found["interpreter"] == {"path": f"/{LOADER}", "present": present}
    assert (done.status, found["agrees"]) == (0, True)
    missing = f"(linux/arm64): /app cannot start: its loader /{LOADER} is not in the image\n"
    assert done.stderr == ("" if present else f"bac-inspect: localhost:5000/verify-one:1 {missing}")


@pytest.mark.parametrize(
    ("platform", "agrees"),
    [(AMD64, False), ({"os": "wasi", "architecture": "wasm"}, True), ({"os": "wasip1", "architecture": "wasm"}, True)],
)
def test_webassembly_in_an_ordinary_layer(run, registry, layout, programs, platform, agrees):
    native = layout.image(ARM64, [program(programs["arm64"])], Cmd=["/app"])
    module = layout.image(platform, [gzipped(archive(("hello.wasm", MODULE, 0o644)))], Entrypoint=["hello.wasm"])
    named = layout.pushed(layout.index(native, module), registry, "verify-wasm:1")
    done = run("bac-inspect", "--verify", named)
    found = done.records[0]["platforms"][1]["verified"]
    assert (found["platform"], found["file"], found["agrees"]) == ("wasm32/wasi", "/hello.wasm", agrees)
    assert done.status == (0 if agrees else 1)


def test_programs_for_windows_are_not_looked_into(run, registry):
    done = run("bac-inspect", "--verify", f"{registry}/busybox:windows")
    assert [entry["verified"] is None for entry in done.records[0]["platforms"]] == [False, True, True]
    assert done.status == 0
    assert done.stderr.count("not verified: programs for Windows are not looked into\n") == 2


def test_a_job_gets_its_image_verified(run, registry, layout, programs):
    named = layout.pushed(layout.image(AMD64, [program(programs["arm64"])], Cmd=["/app"]), registry, "verify-one:1")
    job = run("bac-job", "docker", named).stdout
    done = run("bac-inspect", "--verify", input=job if isinstance(job, bytes) else job.encode())
    assert done.records[0]["artifact"]["platforms"][0]["verified"]["agrees"] is False
    assert (done.status, done.stderr.count("the label is wrong")) == (1, 1)


def test_a_layout_and_an_archive_are_verified_too(run, layout, programs, tool, tmp_path):
    layout.named(layout.image(AMD64, [program(programs["arm64"])], Entrypoint=["/app"]))
    archived = tmp_path / "image.tar"
    subprocess.run(["tar", "-C", layout.folder, "-cf", archived, "."], check=True)
    saved = tmp_path / "saved.tar"
    subprocess.run(
        [tool("skopeo"), "copy", "-q", f"oci:{layout.folder}", f"docker-archive:{saved}:verify:1"], check=True
    )
    done = run("bac-inspect", "--verify", f"oci:{layout.folder}", f"oci-archive:{archived}", f"docker-archive:{saved}")
    assert [record["platforms"][0]["verified"]["agrees"] for record in done.records] == [False] * 3
    assert (done.status, done.stderr.count("the label is wrong: /app is for linux/arm64")) == (1, 3)


def test_an_image_of_the_engine_is_not_verified(run, docker, registry):
    docker.images.pull(f"{registry}/busybox", tag="multi")
    done = run("bac-inspect", "--verify", f"docker-daemon:{registry}/busybox:multi")
    assert done.records[0]["code"] == "unsupported"
    assert done.status == 3


def large_layer(folder, size):
    """A gzip of a tar with one file of so many bytes that do not compress."""
    path = folder / "large"
    part = random.Random(1).randbytes(1 << 20)
    with tarfile.open(path, "w:gz", compresslevel=0) as tar:
        info = tarfile.TarInfo("data")
        info.size = size
        tar.addfile(info, Repeated(part))
    return path.read_bytes()


class Repeated:
    def __init__(self, part):
        self.part = part

    def read(self, size):
        return (self.part * (size // len(self.part) + 1))[:size]


def test_of_a_large_image_only_the_layers_needed_are_read(run, registry, layout, programs, tmp_path):
    base = large_layer(tmp_path, 300_000_000)
    assert len(base) > 300_000_000
    named = layout.pushed(
        layout.image(ARM64, [base, program(programs["dynamic"])], Entrypoint=["/app"]), registry, "verify-large:1"
    )
    with proxies.counting(registry) as proxy:
        done = run("bac-inspect", "--verify", f"{proxy.address}/{named.partition('/')[2]}")
    found = done.records[0]["platforms"][0]["verified"]
    assert (done.status, found["agrees"]) == (0, True)
    assert found["interpreter"] == {"path": f"/{LOADER}", "present": None}
    assert 0 < proxy.received < 10_000_000
    assert json.dumps(found)
