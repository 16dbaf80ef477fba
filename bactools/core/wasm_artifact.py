"""Whether what a registry or a layout holds is WebAssembly, and what its manifest and config tell without its module.

The layouts in the wild, and how each is known:

- CNCF Wasm OCI artifact: a config ``application/vnd.wasm.config.v0+json``, whose ``os`` is wasip1 or wasip2 and whose
  ``component`` lists imports and exports (https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/);
- runwasi image: an image's config beside layers of ``application/vnd.bytecodealliance.wasm.component.layer.v0+wasm``;
- wasm-to-oci, Krustlet, oci-client: a config ``application/vnd.wasm.config.v1+json``; solo.io: ``vnd.module.wasm``;
- compat image: ordinary layers under a config of architecture wasm, or of whatever platform the build ran on. Then an
  annotation (``module.wasm.image/variant``, ``run.oci.handler``) or a program named ``*.wasm`` tells, as for crun.

The module itself is never looked at here: a label is believed about the generation of WASI, ``p1`` where it is silent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType

from bactools.core import platforms
from bactools.core.errors import BacError
from bactools.core.records import ImagePlatform, Import

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Mark = Literal["", "wasm", "smart"]
"""What annotations say: nothing, that it is WebAssembly, or that it is if its program is named so."""

CNCF_CONFIG = "application/vnd.wasm.config.v0+json"
LEGACY_CONFIGS = ("application/vnd.wasm.config.v1+json", "application/vnd.module.wasm.config.v1+json")
CONFIGS = (CNCF_CONFIG, *LEGACY_CONFIGS)
MODULE_LAYER = "application/wasm"
SUFFIX_OF_LAYERS = "+wasm"
SUFFIXES_OF_PROGRAMS = (".wasm", ".wat")

VARIANT_ANNOTATION = "module.wasm.image/variant"
HANDLER_ANNOTATION = "run.oci.handler"
MARKS: dict[tuple[str, str], Mark] = {
    (VARIANT_ANNOTATION, "compat"): "wasm",
    (VARIANT_ANNOTATION, "compat-smart"): "smart",
    (HANDLER_ANNOTATION, "wasm"): "wasm",
    (HANDLER_ANNOTATION, "wasm-smart"): "smart",
}
DEFAULT = platforms.Platform("wasi", "wasm32")
# What a build writes that was told an architecture only; ``js`` or another system is not WASI.
SILENT_SYSTEMS = ("", "linux")


class Facts(NamedTuple):
    """A WebAssembly artifact or image: its platform, and what it is ``told`` to be by its label.

    ``imports`` and ``exports`` are None where nothing but the module tells them.
    """

    platform: platforms.Platform
    told: platforms.Platform
    format: Literal["core", "component"] | None = None
    imports: tuple[Import, ...] | None = None
    exports: tuple[str, ...] | None = None

    @property
    def labelled(self) -> str | None:
        """The label where it is none of WebAssembly's."""
        told = self.told
        return (
            None if told.engine == "wasm" or not (told.os and told.architecture) else f"{told.os}/{told.architecture}"
        )

    def entry(self, digest: str | UnsetType, size: int | UnsetType) -> ImagePlatform:
        """The entry of a record, for the manifest with this digest and size."""
        return ImagePlatform(
            platform=str(self.platform),
            os=self.told.os or self.platform.os,
            architecture=self.told.architecture or self.platform.architecture,
            variant=self.told.variant or UNSET,
            digest=digest,
            size=size,
            labelled=self.labelled or UNSET,
        )


class _Component(Struct):
    imports: list[str] | None = None
    exports: list[str] | None = None


class _Run(Struct):
    entrypoint: list[str] | str | None = msgspec.field(default=None, name="Entrypoint")
    command: list[str] | str | None = msgspec.field(default=None, name="Cmd")


class _Config(Struct):
    os: str | None = None
    architecture: str | None = None
    variant: str | None = None
    component: _Component | None = None
    config: _Run | None = None


def is_config(media_type: str) -> bool:
    """Whether a config of this type makes its manifest a WebAssembly artifact."""
    return media_type in CONFIGS


def is_layer(media_type: str) -> bool:
    """Whether a layer of this type is a WebAssembly module or component as it is."""
    return media_type == MODULE_LAYER or media_type.endswith(SUFFIX_OF_LAYERS)


def mark(annotations: Mapping[str, object]) -> Mark:
    """What the annotations of a manifest or of its entry in an index say; the handler's count first, as for crun."""
    for name in (HANDLER_ANNOTATION, VARIANT_ANNOTATION):
        if name in annotations:
            return MARKS.get((name, str(annotations[name])), "")
    return ""


def relabelled(told: platforms.Platform, marked: Mark) -> Facts | None:
    """What an index's entry tells: WebAssembly by its platform or its annotation, or None."""
    return _facts(told, certain=marked == "wasm")


def facts(config: bytes, config_type: str, layers: Sequence[str], marked: Mark) -> Facts | None:
    """What the config of a manifest with layers of these media types tells; None when it is no WebAssembly.

    Raises BacError ``bad_manifest``: a config that cannot be understood, or an artifact of several modules.
    """
    legacy = config_type in LEGACY_CONFIGS
    read = _read(config, lenient=legacy)
    if config_type == CNCF_CONFIG and len(layers) > 1:
        raise BacError("bad_manifest", f"the WebAssembly artifact has {len(layers)} layers; this version of it has one")
    certain = is_config(config_type) or any(map(is_layer, layers)) or _is_run_as_wasm(read, marked)
    found = _facts(platforms.Platform(read.os or "", read.architecture or "", read.variant or ""), certain=certain)
    if found is None or config_type != CNCF_CONFIG:
        return found
    if read.component is None:
        return found._replace(format="core")
    imports = tuple(Import(name, "", _kind(name)) for name in read.component.imports or ())
    return found._replace(format="component", imports=imports, exports=tuple(read.component.exports or ()))


def program(entrypoint: Sequence[str] | str | None, command: Sequence[str] | str | None) -> str:
    """What an image runs: the first word of its entrypoint, else of its command; empty when it names neither."""
    for words in (entrypoint, command):
        if words:
            return words if isinstance(words, str) else words[0]
    return ""


def is_program(name: str) -> bool:
    """Whether a program's name is that of a module."""
    return name.endswith(SUFFIXES_OF_PROGRAMS)


def _facts(told: platforms.Platform, *, certain: bool) -> Facts | None:
    platform = _platform(told) or (DEFAULT if certain else None)
    return Facts(platform, told) if platform else None


def _platform(told: platforms.Platform) -> platforms.Platform | None:
    """The platform of WebAssembly that a label means; None when it means another one, or none."""
    if not told.architecture:
        return None
    if told.os in SILENT_SYSTEMS:
        told = told._replace(os="wasi")
    try:
        meant = platforms.normalise(told)
    except BacError:
        return None
    return meant if meant.engine == "wasm" else None


def _is_run_as_wasm(read: _Config, marked: Mark) -> bool:
    name = program(read.config.entrypoint, read.config.command) if read.config else ""
    return marked == "wasm" or is_program(name) or (marked == "smart" and not name)


def _kind(name: str) -> str:
    """A component imports instances by the names of their interfaces, functions by plain names."""
    return "instance" if ":" in name else "func"


def _read(config: bytes, *, lenient: bool) -> _Config:
    try:
        return msgspec.json.decode(config, type=_Config)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if lenient:
            return _Config()
        raise BacError("bad_manifest", f"the image's config cannot be understood: {error}") from error
