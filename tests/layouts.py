"""Images that a test makes up, layer by layer, and pushes to the registry with every byte as it is."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zlib
from contextlib import closing
from typing import TYPE_CHECKING, Any

from stack import images, push

if TYPE_CHECKING:
    from pathlib import Path

AMD64 = {"os": "linux", "architecture": "amd64"}
ARM64 = {"os": "linux", "architecture": "arm64"}
PLAIN_LAYER = "application/vnd.oci.image.layer.v1.tar"


def archive(*entries: tuple[Any, ...]) -> bytes:
    """A tar archive of ``(name, bytes)``, ``(name, "-> target")``, ``(name, "=> hard link")`` or ``(name, type)``."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content, *mode in entries:
            info = images.entry(name, mode=mode[0] if mode else 0o755)
            if isinstance(content, str):
                info.type = tarfile.SYMTYPE if content.startswith("-> ") else tarfile.LNKTYPE
                info.linkname = content[3:]
                tar.addfile(info)
            elif content in (tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
                info.type = content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return raw.getvalue()


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def unpacked(layer: bytes) -> bytes:
    """A layer without its gzip compression, if that is what it has and it is whole."""
    try:
        return gzip.decompress(layer)
    except (OSError, EOFError, zlib.error):
        return layer


class Layout:
    """An OCI image layout that images are put into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs/sha256").mkdir(parents=True)

    def image(
        self, platform: dict[str, str], layers: list[bytes], media_type: str = images.LAYER, **run: Any
    ) -> images.Descriptor:
        """The descriptor of an image of these blobs, the lowest first; ``run`` is the config's ``config``."""
        described = [images.put(self.folder, layer, media_type) for layer in layers]
        files = {"type": "layers", "diff_ids": [images.sha256(unpacked(layer)) for layer in layers]}
        config = images.put(self.folder, images.dump({**platform, "config": run, "rootfs": files}), images.CONFIG)
        body = {"schemaVersion": 2, "mediaType": images.MANIFEST, "config": config, "layers": described}
        return {**images.put(self.folder, images.dump(body), images.MANIFEST), "platform": platform}

    def index(self, *children: images.Descriptor) -> images.Descriptor:
        return images.index(self.folder, list(children))

    def named(self, descriptor: images.Descriptor) -> None:
        """Make it the layout's one image."""
        index = {"schemaVersion": 2, "mediaType": images.INDEX, "manifests": [descriptor]}
        (self.folder / "index.json").write_text(json.dumps(index), encoding="ascii")
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="ascii")

    def pushed(self, descriptor: images.Descriptor, host: str, name: str) -> str:
        """Push it, and the reference by which it is there."""
        repository, _, tag = name.partition(":")
        registry = push.Registry(self.folder, host, repository)
        with closing(registry.connection):
            registry.manifest(descriptor, tag)
        return f"{host}/{name}"
