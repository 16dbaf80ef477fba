"""A container image of one program and nothing else, as the archive that ``docker load`` takes.

The same arguments give the same bytes. The shape is that of ``docker save`` (moby, image/spec/v1.2.md, Combined Image
JSON + Filesystem Changeset Format); without a name in it, nothing of what an engine holds is replaced.
"""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bactools.core.platforms import Platform

PROGRAM = "program"
_CREATED = "1970-01-01T00:00:00Z"


def plain(platform: Platform) -> Platform:
    """What to call the platform of a program that runs on its architecture's first CPU.

    Without a level: engine 20.10 refuses one with a dot (``v8.2``). That of arm stays: none is v7.
    """
    return platform if platform.architecture == "arm" else platform._replace(variant="")


def archive(program: bytes, platform: Platform, labels: Mapping[str, str]) -> bytes:
    """A tar archive of an image for ``platform`` that runs ``program``, an executable, as ``/program``."""
    layer = _tar({PROGRAM: program})
    configuration = {
        "created": _CREATED,
        "os": platform.os,
        "architecture": platform.architecture,
        **({"variant": platform.variant} if platform.variant else {}),
        "config": {"Entrypoint": [f"/{PROGRAM}"], "Labels": dict(labels)},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(layer)}"]},
        "history": [{"created": _CREATED}],
    }
    config = _json(configuration)
    files = {f"{_digest(config)}.json": config, f"{_digest(layer)}/layer.tar": layer}
    names = list(files)
    manifest = [{"Config": names[0], "RepoTags": None, "Layers": names[1:]}]
    return _tar({**files, "manifest.json": _json(manifest)})


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _tar(files: Mapping[str, bytes]) -> bytes:
    """Files that belong to root, that everyone may execute, and that have no time."""
    import tarfile

    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return raw.getvalue()
