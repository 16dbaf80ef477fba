"""What the files around the manifests say: an OCI image layout's index.json, and manifest.json of ``docker save``.

Sources: OCI image-spec image-layout.md; moby's image/spec (manifest.json: Config, RepoTags, Layers). A layout names its
images by ``org.opencontainers.image.ref.name``, containerd and Docker by ``io.containerd.image.name`` too. Nothing is
read here: bodies in, decisions out.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from bactools.core import reference
from bactools.core.digests import digest_of, is_digest
from bactools.core.errors import BacError
from bactools.core.manifest import DOCKER_CONFIG, DOCKER_MANIFEST

MARKER = "oci-layout"
INDEX = "index.json"
SAVED = "manifest.json"
VERSION = "1."
"""Of the layout: what every 1.x.y has in common is what is read here."""
REF_NAME = "org.opencontainers.image.ref.name"
IMAGE_NAME = "io.containerd.image.name"
ATTACHED = ("vnd.docker.reference.type", "vnd.docker.reference.digest")
SHOWN = 10
UNCOMPRESSED_LAYER = "application/vnd.docker.image.rootfs.diff.tar"

_BLOB = re.compile(r"blobs/(sha256|sha512)/([0-9a-f]+)")

T = TypeVar("T")


class Chosen(NamedTuple):
    """The image of a layout that was asked for; ``digest`` is empty when it is index.json itself."""

    digest: str
    media_type: str


class Saved(NamedTuple):
    """One image of ``docker save``: the paths of its config and layers in the archive, and its names."""

    config: str
    tags: tuple[str, ...]
    layers: tuple[str, ...]


class _Marker(Struct, rename="camel"):
    image_layout_version: str


class _Child(Struct, rename="camel"):
    digest: str = ""
    media_type: str | None = None
    annotations: dict[str, Any] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What the layout calls it."""
        found = ((self.annotations or {}).get(name) for name in (REF_NAME, IMAGE_NAME))
        return tuple(name for name in found if isinstance(name, str) and name)


class _Index(Struct):
    manifests: list[_Child] | None = None


class _Saved(Struct, rename="pascal"):
    config: str
    repo_tags: list[str] | None = None
    layers: list[str] | None = None


class _RootFS(Struct):
    diff_ids: list[str] | None = None


class _Config(Struct):
    rootfs: _RootFS | None = None


def split(text: str) -> tuple[str, str | None]:
    """``PATH[:NAME]``: at the first colon, because a name may hold more of them (``registry:5000/app:1``)."""
    path, colon, name = text.partition(":")
    return path, name if colon else None


def check_marker(body: bytes, where: str) -> None:
    """Raise BacError ``bad_manifest`` unless the file ``oci-layout`` is that of a layout that is understood."""
    version = _decode(body, _Marker, f"{MARKER} of {where}").image_layout_version
    if not version.startswith(VERSION):
        raise BacError("bad_manifest", f"{where} is an OCI image layout of the unknown version {version!r}")


def choose(body: bytes, name: str | None, where: str) -> Chosen:
    """The image in an index.json with a name, or without one the only image; several nameless ones are one index.

    Raises BacError ``not_found``, ``bad_manifest``, or ``bad_reference`` when there are several to choose from.
    """
    children = _decode(body, _Index, f"{INDEX} of {where}").manifests or []
    images = [child for child in children if not any(mark in (child.annotations or {}) for mark in ATTACHED)]
    names = list(dict.fromkeys(child.names[0] for child in images if child.names))
    if name is not None:
        found = next((child for child in images if name in child.names), None)
        if found is None:
            raise BacError("not_found", f"{where} holds no image of the name {name}", hint=_choice(names))
    elif len(images) == 1:
        found = images[0]
    elif not images:
        raise BacError("not_found", f"{where} holds no image")
    elif names:
        raise BacError("bad_reference", f"{where} holds {len(images)} images", hint=_choice(names))
    else:
        return Chosen("", "")
    if not is_digest(found.digest):
        raise BacError("bad_manifest", f"{INDEX} of {where} has no usable digest: {found.digest!r}")
    return Chosen(found.digest, found.media_type or "")


def blob(digest: str) -> str:
    """Where a layout keeps the content with a digest."""
    algorithm, _, digits = digest.partition(":")
    return f"blobs/{algorithm}/{digits}"


def saved(body: bytes, where: str) -> tuple[Saved, ...]:
    """The images of an archive, in order. Raises BacError ``bad_manifest``."""
    found = _decode(body, list[_Saved], f"{SAVED} of {where}")
    return tuple(Saved(each.config, tuple(each.repo_tags or ()), tuple(each.layers or ())) for each in found)


def selected(images: tuple[Saved, ...], name: str | None, where: str) -> list[tuple[int, Saved]]:
    """The images with their places: all without a name, else the one with that tag, or at that place (``@0``).

    Raises BacError ``not_found`` or ``bad_reference``.
    """
    numbered = list(enumerate(images))
    if name is None:
        found = numbered
    elif name.startswith("@"):
        found = [each for each in numbered if name == f"@{each[0]}"]
    else:
        wanted = reference.parse(name).tagged()
        found = [each for each in numbered if wanted in (_parsed(tag) for tag in each[1].tags)]
    if not found:
        what = "no image" if name is None else f"no image of the name {name}"
        hint = _choice([tag for image in images for tag in image.tags])
        raise BacError("not_found", f"{where} holds {what}", hint=hint)
    return found[:1] if name else found


def layers(image: Saved, config: bytes, where: str) -> list[tuple[str, str]]:
    """The digests of the layers as they are kept, with their paths, from the lowest up; one may be there twice.

    Docker up to 24 keeps them uncompressed, under any name; later ones keep a layout's blobs.

    Raises BacError ``bad_manifest``.
    """
    rootfs = _decode(config, _Config, f"the config in {where}").rootfs
    digests = (rootfs.diff_ids if rootfs else None) or []
    if len(digests) != len(image.layers) or not all(map(is_digest, digests)):
        raise BacError("bad_manifest", f"the config in {where} has {len(digests)} layers, not {len(image.layers)}")
    kept = [_BLOB.fullmatch(path) for path in image.layers]
    own = [f"{match[1]}:{match[2]}" if match else digest for match, digest in zip(kept, digests, strict=True)]
    return list(zip(own, image.layers, strict=True))


def composed(config: bytes, layers: list[tuple[str, str]]) -> bytes:
    """The manifest that an image of ``docker save`` would have; a registry has it in other bytes."""
    document = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": {"mediaType": DOCKER_CONFIG, "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": UNCOMPRESSED_LAYER, "digest": digest} for digest, _ in layers],
    }
    return msgspec.json.encode(document)


def _parsed(tag: str) -> reference.Reference | None:
    try:
        return reference.parse(tag).tagged()
    except BacError:
        return None


def _choice(names: list[str]) -> str | None:
    if not names:
        return None
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"There are: {', '.join(names[:SHOWN])}{more}."


def _decode(body: bytes, shape: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BacError("bad_manifest", f"{what} cannot be understood: {error}") from error
