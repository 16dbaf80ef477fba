"""Build the test images, offline and always with the same digests, from static busybox binaries.

usage: images.py OUT PLATFORM=BUSYBOX...

Writes the OCI image layout OUT. Its names: ``multi``, an image index of all platforms with an attestation entry as
BuildKit writes them; ``list``, the same without the attestation, which a Docker manifest list could not hold; and one
name for each architecture, a single manifest whose platform stands only in its config.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
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
STATEMENT = "application/vnd.in-toto+json"

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


def manifest(out: Path, config: dict[str, Any], layer: Descriptor) -> Descriptor:
    body = {"schemaVersion": 2, "mediaType": MANIFEST, "config": put(out, dump(config), CONFIG), "layers": [layer]}
    return put(out, dump(body), MANIFEST)


def image(out: Path, platform: dict[str, str], busybox: bytes) -> Descriptor:
    files = root_filesystem(busybox)
    config = {
        "created": "1970-01-01T00:00:00Z",
        **platform,
        "config": {"Env": ["PATH=/bin"], "Cmd": ["uname", "-m"]},
        "rootfs": {"type": "layers", "diff_ids": [sha256(files)]},
    }
    return manifest(out, config, put(out, gzip.compress(files, mtime=0), LAYER))


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
