"""What the manifests, indexes and config blobs of images say about platforms.

Read: OCI index, Docker manifest list, OCI and Docker (schema 2) manifests and their config blobs, as bytes.
The rules are the OCI image specification's (image-index.md, manifest.md, config.md): an index may be empty,
``platform`` is optional, children of an unknown type are no error, of equal platforms the first entry wins.
Attestations, which BuildKit stores as children for ``unknown/unknown``, are left out. A child whose platform
is not told here is returned without one: whoever fetches has to look at it, and to bound how deep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from bactools.core import platforms, wasm_artifact
from bactools.core.digests import is_digest
from bactools.core.errors import BacError
from bactools.core.records import ImagePlatform

if TYPE_CHECKING:
    from collections.abc import Iterable

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
SCHEMA1 = (
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
)
LARGEST = 2**63 - 1
"""Bytes; a size beyond it is none."""

INDEXES = (OCI_INDEX, DOCKER_LIST)
MANIFESTS = (OCI_MANIFEST, DOCKER_MANIFEST)
ACCEPTED = (*INDEXES, *MANIFESTS)
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
IMAGE_CONFIGS = (
    "application/vnd.oci.image.config.v1+json",
    DOCKER_CONFIG,
    "application/octet-stream",  # Docker 1.10 pushed configs under this name
)
ATTESTATION_MARKS = ("vnd.docker.reference.type", "vnd.docker.reference.digest")
UNKNOWN = "unknown"

T = TypeVar("T")


class Blob(NamedTuple):
    """Bytes, the media type that came with them (may be empty), and their digest, computed from them."""

    body: bytes
    media_type: str
    digest: str


class Entry(NamedTuple):
    """A child of an index; without ``platform`` its own manifest has to be looked at."""

    digest: str
    size: int | UnsetType
    platform: ImagePlatform | None


class Index(NamedTuple):
    """An index or manifest list: the children that may be images, in order."""

    media_type: str
    entries: tuple[Entry, ...]


class Layer(NamedTuple):
    """A layer as its manifest describes it; nothing in it has been checked."""

    digest: str
    size: int | None
    media_type: str


class Manifest(NamedTuple):
    """The manifest of one image, whose config blob tells its platform; ``artifact`` names what is no image.

    ``wasm`` is what its annotations say of WebAssembly.
    """

    media_type: str
    config: str
    artifact: str | None
    config_type: str = ""
    layers: tuple[Layer, ...] = ()
    wasm: wasm_artifact.Mark = ""

    @property
    def is_wasm(self) -> bool:
        """Whether it is known to be WebAssembly before its config is read."""
        layers = any(wasm_artifact.is_layer(layer.media_type) for layer in self.layers)
        return layers or wasm_artifact.is_config(self.config_type)


class _Platform(Struct):
    """The fields that an index entry's ``platform`` and a config blob share."""

    os: str | None = None
    architecture: str | None = None
    variant: str | None = None
    os_version: str | None = msgspec.field(default=None, name="os.version")
    os_features: list[str] | None = msgspec.field(default=None, name="os.features")


class _Descriptor(Struct, rename="camel"):
    media_type: str | None = None
    digest: str | None = None
    size: int | UnsetType | None = UNSET
    platform: _Platform | None = None
    annotations: dict[str, Any] | None = None
    artifact_type: str | None = None


class _Document(Struct, rename="camel"):
    media_type: str | None = None
    artifact_type: str | None = None
    manifests: list[_Descriptor] | UnsetType | None = UNSET
    config: _Descriptor | UnsetType = UNSET
    layers: list[_Descriptor] | UnsetType | None = UNSET
    annotations: dict[str, Any] | None = None
    fs_layers: Raw | UnsetType = UNSET


def read(body: bytes, content_type: str = "") -> Index | Manifest:
    """What a registry or a layout returned for a tag or a digest.

    ``content_type`` is used when the document does not name its own media type. Raises BacError ``schema1``
    or ``bad_manifest``.
    """
    document = _decode(body, _Document, "the manifest")
    media_type = document.media_type or content_type.partition(";")[0].strip()
    if media_type in SCHEMA1 or document.fs_layers is not UNSET:
        hint = "Push the image again with a current tool, or ask its owner to."
        raise BacError("schema1", "the image has only a Docker schema 1 manifest, which names no platforms", hint=hint)
    if document.manifests is not UNSET:
        return _index(document, media_type)
    if document.config is UNSET:
        raise BacError("bad_manifest", "the manifest has neither 'manifests' nor 'config'")
    return _manifest(document, document.config, media_type)


def of_config(body: bytes, digest: str | UnsetType, size: int | UnsetType = UNSET) -> ImagePlatform | None:
    """The platform that a config blob tells, for the manifest with this digest and size; None when it tells none.

    Raises BacError ``bad_manifest``.
    """
    return _platform(_decode(body, _Platform, "the image's config"), digest, size)


def described(
    platform: platforms.Platform, digest: str | UnsetType = UNSET, size: int | UnsetType = UNSET
) -> ImagePlatform | None:
    """A record's entry: the platform's fields as they were given, beside its canonical form; None when it has none.

    Raises BacError ``bad_manifest``.
    """
    if not platform.os or not platform.architecture or UNKNOWN in (platform.os, platform.architecture):
        return None
    try:
        canonical = str(platforms.normalise(platform))
    except BacError as error:
        raise BacError("bad_manifest", f"the image names a platform that is none: {error.message}") from error
    return ImagePlatform(
        platform=canonical,
        os=platform.os,
        architecture=platform.architecture,
        variant=platform.variant or UNSET,
        os_version=platform.os_version or UNSET,
        os_features=list(platform.os_features) or UNSET,
        digest=digest,
        size=size,
    )


def first_of_each(entries: Iterable[ImagePlatform]) -> list[ImagePlatform]:
    """The entries in order, only the first of those with one platform."""
    chosen: dict[str, ImagePlatform] = {}
    for entry in entries:
        chosen.setdefault(entry.platform, entry)
    return list(chosen.values())


def _index(document: _Document, media_type: str) -> Index:
    # A document that is both could be read as one thing here and as another by the engine (CVE-2021-41190).
    if media_type in MANIFESTS or document.config is not UNSET or document.layers is not UNSET:
        raise BacError("bad_manifest", "the manifest claims to be an index and an image at once")
    found = [_entry(number, child) for number, child in enumerate(document.manifests or [], start=1)]
    known = media_type if media_type in INDEXES else OCI_INDEX
    return Index(known, tuple(entry for entry in found if entry is not None))


def _manifest(document: _Document, config: _Descriptor, media_type: str) -> Manifest:
    if media_type in INDEXES:
        raise BacError("bad_manifest", "the manifest claims to be an index and an image at once")
    if not is_digest(config.digest or ""):
        raise BacError("bad_manifest", f"the manifest's config has no usable digest: {config.digest!r}")
    is_image = config.media_type in (None, *IMAGE_CONFIGS)
    artifact = None if is_image else document.artifact_type or config.media_type
    known = media_type if media_type in MANIFESTS else OCI_MANIFEST
    layers = tuple(Layer(each.digest or "", _told(each.size), each.media_type or "") for each in document.layers or ())
    marked = wasm_artifact.mark(document.annotations or {})
    return Manifest(known, config.digest or "", artifact, config.media_type or "", layers, marked)


def _entry(number: int, child: _Descriptor) -> Entry | None:
    if _is_no_image(child):
        return None
    digest = child.digest or ""
    if not is_digest(digest):
        raise BacError("bad_manifest", f"entry {number} of the index has no usable digest: {child.digest!r}")
    told = _told(child.size)
    size = UNSET if told is None else told
    marked = wasm_artifact.mark(child.annotations or {})
    if child.platform is None or child.media_type in INDEXES or marked == "smart":
        return Entry(digest, size, None)
    return Entry(digest, size, _platform(child.platform, digest, size, marked))


def _told(size: int | UnsetType | None) -> int | None:
    """A size in bytes, if it can be one."""
    return size if isinstance(size, int) and 0 <= size <= LARGEST else None


def _is_no_image(child: _Descriptor) -> bool:
    """Whether an entry is an attestation, of a type that we do not know, or says that it is another artifact."""
    if any(mark in (child.annotations or {}) for mark in ATTESTATION_MARKS):
        return True
    if child.platform and UNKNOWN in (child.platform.os, child.platform.architecture):
        return True
    if child.artifact_type and not child.platform and not wasm_artifact.is_config(child.artifact_type):
        return True
    return child.media_type not in (None, *ACCEPTED)


def _platform(
    told: _Platform, digest: str | UnsetType, size: int | UnsetType, marked: wasm_artifact.Mark = ""
) -> ImagePlatform | None:
    platform = platforms.Platform(
        os=told.os or "",
        architecture=told.architecture or "",
        variant=told.variant or "",
        os_version=told.os_version or "",
        os_features=tuple(told.os_features or ()),
    )
    found = wasm_artifact.relabelled(platform, marked)
    return found.entry(digest, size) if found else described(platform, digest, size)


def _decode(body: bytes, shape: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BacError("bad_manifest", f"{what} cannot be understood: {error}") from error
