"""Build the test images, offline and always with the same digests, from static busybox binaries.

usage: images.py OUT PLATFORM=BUSYBOX...

Writes the OCI image layout OUT. Its names: ``multi``, an image index of all platforms with an attestation entry as
BuildKit writes them; ``list``, the same without the attestation, which a Docker manifest list could not hold; and one
name for each architecture, a single manifest whose platform stands only in its config. Further

    nested       an index of the first platform and of an index of the others
    windows      an index of Linux and of two builds of Windows, told apart by os.version
    mislabelled  a manifest for linux/amd64 whose busybox is arm64's
    zstd         a manifest for linux/amd64 with a Zstandard layer
    artifact     a CNCF Wasm OCI artifact: a component that imports wasi:cli/environment@0.2.0
    compat       a module in an ordinary layer, labelled linux/amd64 and annotated module.wasm.image/variant=compat
    runwasi      a module as a layer of its own under an image's config
    legacy       a module as wasm-to-oci pushes it
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

TOOLS = (
    "cat",
    "dd",
    "echo",
    "env",
    "false",
    "head",
    "id",
    "ls",
    "mkdir",
    "sh",
    "sleep",
    "touch",
    "true",
    "uname",
    "wc",
    "yes",
)

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
ZSTD_LAYER = "application/vnd.oci.image.layer.v1.tar+zstd"
STATEMENT = "application/vnd.in-toto+json"

START = bytes.fromhex("0061736d01000000 010401600000 03020100 070a01065f73746172740000 0a040102000b")
"""A module with a function ``_start`` that does nothing."""
INTERFACE = b"wasi:cli/environment@0.2.0"
COMPONENT = (
    bytes.fromhex("0061736d0d000100 0703014200 0a")
    + bytes([5 + len(INTERFACE), 1, 0, len(INTERFACE)])
    + INTERFACE
    + b"\5\0"
)
"""A component that imports an instance of INTERFACE, and uses nothing of it."""

Descriptor = dict[str, Any]


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def put(out: Path, data: bytes, media_type: str) -> Descriptor:
    """Store a blob and return its descriptor."""
    digest = sha256(data)
    (out / "blobs/sha256" / digest.removeprefix("sha256:")).write_bytes(data)
    return {"mediaType": media_type, "digest": digest, "size": len(data)}


def entry(name: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o755, **fields: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode = kind, mode
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def root_filesystem(busybox: bytes) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(entry("bin", tarfile.DIRTYPE))
        tar.addfile(entry("tmp", tarfile.DIRTYPE, 0o1777))
        tar.addfile(entry("bin/busybox", size=len(busybox)), io.BytesIO(busybox))
        for tool in TOOLS:
            tar.addfile(entry(f"bin/{tool}", tarfile.SYMTYPE, linkname="busybox"))
    return raw.getvalue()


def manifest(
    out: Path, config: dict[str, Any], layer: Descriptor, config_type: str = CONFIG, **more: Any
) -> Descriptor:
    described = put(out, dump(config), config_type)
    body = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": [layer], **more}
    return put(out, dump(body), MANIFEST)


def configuration(platform: dict[str, str], files: bytes, **run: Any) -> dict[str, Any]:
    return {
        "created": "1970-01-01T00:00:00Z",
        **platform,
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": [sha256(files)]},
    }


def image(out: Path, platform: dict[str, str], busybox: bytes, layer_type: str = LAYER) -> Descriptor:
    files = root_filesystem(busybox)
    packed = gzip.compress(files, mtime=0) if layer_type == LAYER else zstd(files)
    config = configuration(platform, files, Env=["PATH=/bin"], Cmd=["uname", "-m"])
    return manifest(out, config, put(out, packed, layer_type))


def zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


def archive(name: str, data: bytes) -> bytes:
    """A layer with one file."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(entry(name, size=len(data)), io.BytesIO(data))
    return raw.getvalue()


def windows(out: Path, version: str) -> Descriptor:
    """An entry for one build of Windows, which nothing here can run."""
    files = archive("Files/build.txt", version.encode())
    platform = {"os": "windows", "architecture": "amd64", "os.version": version}
    described = manifest(out, configuration(platform, files), put(out, gzip.compress(files, mtime=0), LAYER))
    return {**described, "platform": platform}


def compat(out: Path) -> Descriptor:
    files = archive("hello.wasm", START)
    config = configuration({"os": "linux", "architecture": "amd64"}, files, Entrypoint=["/hello.wasm"])
    layer = put(out, gzip.compress(files, mtime=0), LAYER)
    return manifest(out, config, layer, annotations={"module.wasm.image/variant": "compat"})


def artifact(out: Path) -> Descriptor:
    """https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/"""
    layer = put(out, COMPONENT, "application/wasm")
    config = {
        "created": "1970-01-01T00:00:00Z",
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [layer["digest"]],
        "component": {"exports": [], "imports": [INTERFACE.decode()], "target": None},
    }
    return manifest(out, config, layer, "application/vnd.wasm.config.v0+json")


def runwasi(out: Path) -> Descriptor:
    config = configuration({"os": "wasip1", "architecture": "wasm"}, START, Entrypoint=["hello.wasm"])
    return manifest(out, config, put(out, START, "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm"))


def legacy(out: Path) -> Descriptor:
    layer = put(out, START, "application/vnd.wasm.content.layer.v1+wasm")
    return manifest(out, {}, layer, "application/vnd.wasm.config.v1+json")


def attestation(out: Path, subject: Descriptor) -> Descriptor:
    """A provenance statement about another entry: https://docs.docker.com/build/metadata/attestations/attestation-storage/."""
    unknown = {"architecture": "unknown", "os": "unknown"}
    statement = {"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://slsa.dev/provenance/v0.2"}
    config = {**unknown, "config": {}, "rootfs": {"type": "layers", "diff_ids": []}}
    return {
        **manifest(out, config, put(out, dump(statement), STATEMENT)),
        "platform": unknown,
        "annotations": {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": subject["digest"],
        },
    }


def index(out: Path, entries: list[Descriptor]) -> Descriptor:
    return put(out, dump({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}), INDEX)


def curious(out: Path, entries: list[Descriptor], busyboxes: list[bytes]) -> dict[str, Descriptor]:
    """The images that real registries hold too."""
    amd64 = {"os": "linux", "architecture": "amd64"}
    return {
        "nested": index(out, [entries[0], index(out, entries[1:])]),
        "windows": index(out, [entries[0], windows(out, "10.0.20348.2700"), windows(out, "10.0.26100.1742")]),
        "mislabelled": image(out, amd64, busyboxes[1]),
        "zstd": image(out, amd64, busyboxes[0], ZSTD_LAYER),
        "artifact": artifact(out),
        "compat": compat(out),
        "runwasi": runwasi(out),
        "legacy": legacy(out),
    }


def build(out: Path, programs: list[tuple[str, Path]]) -> None:
    """Write the layout for pairs of a platform (``os/architecture[/variant]``) and its busybox."""
    (out / "blobs/sha256").mkdir(parents=True)
    named: dict[str, Descriptor] = {}
    entries: list[Descriptor] = []
    for words, busybox in programs:
        platform = dict(zip(("os", "architecture", "variant"), words.split("/"), strict=False))
        described = image(out, platform, busybox.read_bytes())
        named[platform["architecture"]] = described
        entries.append({**described, "platform": platform})
    named["list"] = index(out, entries)
    named["multi"] = index(out, [*entries, attestation(out, entries[0])])
    named.update(curious(out, entries, [busybox.read_bytes() for _, busybox in programs]))
    names = [
        {**described, "annotations": {"org.opencontainers.image.ref.name": name}} for name, described in named.items()
    ]
    (out / "index.json").write_bytes(dump({"schemaVersion": 2, "mediaType": INDEX, "manifests": names}))
    (out / "oci-layout").write_bytes(dump({"imageLayoutVersion": "1.0.0"}))


def main() -> None:
    out, *programs = sys.argv[1:]
    pairs = (program.split("=", 1) for program in programs)
    build(Path(out), [(platform, Path(busybox)) for platform, busybox in pairs])


if __name__ == "__main__":
    main()
