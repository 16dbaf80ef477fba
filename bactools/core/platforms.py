"""Platforms: their names, their canonical form, and which platform runs what. This text is the specification.

It knows names and rules; it never looks at the running machine.

Grammar, in any case::

    platform   = os [options] "/" architecture ["/" variant]     of an executor of containers ("docker")
               | wasm "/" wasi [options] ["/" generation]        of WebAssembly ("wasm")
               | wasi [options] "/" wasm ["/" generation]        the same, OCI's and Go's way round
               | wasm "-" ["unknown" "-"] wasi                   the same, a target triple
               | wasm | wasi                                     the same; the other half is wasi, or wasm32
    options    = "(" [version] *("+" feature) ")"
    wasm       = "wasm32" | "wasm64" | "wasm"                    "wasm" is wasm32
    wasi       = "wasi" | "wasip1" | "wasip2" | "wasip3"
    generation = "p1" | "p2" | "p3" | "preview1" | "preview2" | "preview3" | "0.1" | "0.2" | "0.3"

An os is [A-Za-z0-9_-]+, an architecture or variant [A-Za-z0-9_.-]+, a version or feature [A-Za-z0-9_.-]+ in which
any other character is percent-encoded as UTF-8; at most 1024 characters in all. ``*`` is refused: there are no
wildcards. A lone operating system or architecture is refused. Words outside the tables are platforms too,
lower-cased and equal only to themselves: Go's lists grow.

Canonical form: Go's names (GOOS, GOARCH) in lower case; features sorted, each once.

    written                                                     canonical
    macos                                                       darwin
    x86_64 x86-64 x64; x86_64_vN x86-64-vN                      amd64; amd64/vN
    i386 i486 i586 i686 x86 ia32                                386
    aarch64 arm64v8; aarch64_be                                 arm64; arm64be
    armv8l (a 64-bit CPU as a 32-bit process sees it)           arm/v8
    armhf arm32v7 armv7 armv7a armv7l armv7hl                   arm/v7
    armel arm32v6 armv6 armv6l armv6hl                          arm/v6
    arm32v5 armv5 armv5l armv5te armv5tel armv5tejl             arm/v5
    ppc64el powerpc64le; powerpc64; powerpc                     ppc64le; ppc64; ppc
    riscv64gc; loongarch64; mipsel; mips64el                    riscv64; loong64; mipsle; mips64le
    amd64/v1; arm64/v8 arm64/v8.0; arm64/v9.0                   amd64; arm64; arm64/v9
    arm; arm/7; arm64/8.2; amd64/3                              arm/v7; arm/v7; arm64/v8.2; amd64/v3
    wasi/wasm wasip1/wasm32 wasm32-wasip1 wasm32/wasi/p1        wasm32/wasi
    wasip2/wasm wasm32-wasip2 wasm32/wasi/preview2              wasm32/wasi/p2

A name that fixes the variant (i386, armhf, armv7l, x86_64_v3, wasip2 and the like) overrides one that is given. In
a Platform, WebAssembly is os ``wasi``, architecture ``wasm32`` or ``wasm64``, variant ``""`` (p1), ``p2`` or ``p3``.

What a host runs, best first; ``""`` is the architecture without a variant:

    amd64/vN         vN ... v2, "" (x86-64 psABI); a host of which no level is known is v1
    arm/vN           vN ... v5
    arm64/v8.x       v8.x ... v8.1, ""
    arm64/v9.y       v9.y ... v9, v8.(y+5, at most 9) ... v8.1, "" (Arm ARM: v9.0 builds on v8.5)
    ppc64le/powerN   power10, power9, power8, "" from its own level on
    riscv64/rvaNu64  rva23u64, rva22u64, rva20u64, "" from its own level on
    any other variant of these: itself alone, for nobody knows what such a name promises
    everything else, WebAssembly among it: itself; an engine that has both p1 and p2 offers both

The names of levels are those of image-spec, Platform Variants, which points to Go's; that a level implies those below
it, and which is the lowest, is said by ``go help buildconstraint`` and ``go help environment``.

With ``assume``, containerd's two assumptions follow: amd64 runs 386, and arm64 runs arm/v8 ... v5. Neither always
holds (a kernel without IA32 emulation, a CPU without AArch32): they are for hosts of which no more is known, and not
for those of an unknown variant.

``os.version`` counts on Windows only (process isolation): major.minor equal; on hosts before build 20348 the build
equal; on later ones the wanted build lies between the last LTSC before the host's (20348, 26100; at least 20348) and
the host's own. Where either side is missing or unreadable, it runs. ``os.features``: the host must have all that are
wanted, ``win32k`` on Windows aside. Platforms of equal rank stay in their image's order (image-spec: first wins).

Where this departs from containerd/platforms, on purpose:

    - a lone word is not completed from the running machine; an empty os is refused, not the running one
    - more aliases; WebAssembly has names of its own, target triples are read; architecture/os is refused with a hint
    - linux/arm prints linux/arm/v7 (there linux/arm), linux/arm64/v8 prints linux/arm64 (there as given)
    - any numeric variant of amd64, arm and arm64 may be given without its v
    - amd64 of an unknown variant runs that alone (there 386 too)
    - ppc64le and riscv64 have ladders (there equality, or newly a ladder), and plain runs the lowest level
    - levels that do not exist (arm/v9, amd64/v5) are unknown variants; nothing is counted down from them
    - an image's unreadable Windows version runs (there refused); entries for Windows are not sorted by os.version
    - printing always includes version and features, and percent-encodes whatever the grammar lacks, not five characters

Not known: whether uname's ``mips64`` is little-endian (it says so for both); floating-point variants of mips and arm;
big-endian arm as uname writes it; options of GOARM64 (``,lse``); wasm32-wasip1-threads (threads are an import and a
feature, not a platform); Hyper-V isolation; that darwin and windows hosts run linux (their engine says so itself).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from bactools.core import platform_tables as tables
from bactools.core.errors import BacError

MAX_TEXT = 1024
MAX_WORDS = 3
SHOWN = 80
EXAMPLES = "Write for example linux/amd64 or wasm32/wasi."

_SYSTEM = re.compile(r"(?P<os>[A-Za-z0-9_-]+)(\((?P<version>[A-Za-z0-9_.%-]*)(?P<features>(\+[A-Za-z0-9_.%-]+)*)\))?")
_WORD = re.compile(r"[A-Za-z0-9_.-]+")
_SYSTEM_WORD = re.compile(r"[A-Za-z0-9_-]+")
_TRIPLE = re.compile(r"(wasm32|wasm64)(?:-unknown)?-(wasi|wasip[123])")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_BUILD = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})(\..*)?", re.DOTALL)


class Platform(NamedTuple):
    """A platform of an executor: OCI's five fields. ``str`` gives the canonical text, whatever the fields' spelling."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()

    @property
    def engine(self) -> Literal["docker", "wasm"]:
        """The executor whose platform this is."""
        return "wasm" if _is_wasi(self.os.lower(), self.architecture.lower()) else "docker"

    def __str__(self) -> str:
        platform = _canonical(self)
        version = platform.os_version and _encode(platform.os_version)
        options = "".join([version, *(f"+{_encode(name)}" for name in platform.os_features)])
        system = f"{platform.os}({options})" if options else platform.os
        pair = (platform.architecture, system) if platform.engine == "wasm" else (system, platform.architecture)
        return "/".join(filter(None, (*pair, platform.variant)))


def parse(text: str) -> Platform:
    """The normalised platform that ``text`` names. Raises BacError ``bad_platform``."""
    if len(text) > MAX_TEXT:
        raise _refusal(text, f"is longer than {MAX_TEXT} characters", None)
    return _parse(text)


def normalise(platform: Platform) -> Platform:
    """The platform in canonical form. Raises BacError ``bad_platform`` where a field is not in the grammar."""
    text = "/".join(filter(None, (platform.os, platform.architecture, platform.variant)))
    words = (platform.architecture, *filter(None, (platform.variant,)))
    if not _SYSTEM_WORD.fullmatch(platform.os) or not all(map(_WORD.fullmatch, words)):
        raise _refusal(text, "is not os/architecture[/variant]", EXAMPLES)
    reverse = _canonical(Platform(platform.architecture, platform.os))
    if reverse.os in tables.SYSTEMS and reverse.architecture in tables.ARCHITECTURES:
        raise _refusal(text, "has its words the wrong way round", f"Write {reverse}: the operating system comes first.")
    return _canonical(platform)


def ladder(host: Platform, *, assume: bool) -> tuple[Platform, ...]:
    """The platforms that a host runs, best first; ``assume`` adds 386 to amd64 and arm to arm64."""
    return _ladder(host, assume)


def rank(host: Platform, wanted: Platform, *, assume: bool) -> int | None:
    """The place of ``wanted`` on the host's ladder, 0 the best; None where the host cannot run it."""
    return _rank(host, wanted, assume)


def oldest_version(host: str) -> str:
    """The ``os.version`` of the oldest containers that a Windows host of this one runs; an unreadable one as it is."""
    found = _BUILD.fullmatch(host)
    return f"{found[1]}.{found[2]}.{_oldest_build(int(found[3]))}" if found else host


@lru_cache(maxsize=4096)
def _parse(text: str) -> Platform:
    if "*" in text:
        raise _refusal(text, "has a wildcard", "Name one platform.")
    words = _words(text)
    options = _SYSTEM.fullmatch(words[0])
    if options is None or len(words) > MAX_WORDS or "" in words:
        raise _refusal(text, "is not os/architecture[/variant]", EXAMPLES)
    version = _decode(options["version"], text) if options["version"] else ""
    features = tuple(_decode(name, text) for name in (options["features"] or "").split("+")[1:])
    if len(words) == 1:
        return _canonical(_completed(text, options["os"])._replace(os_version=version, os_features=features))
    return normalise(Platform(options["os"], words[1], "".join(words[2:]), version, features))


def _words(text: str) -> list[str]:
    """The parts of a text, the operating system first."""
    triple = _TRIPLE.fullmatch(text.lower())
    if triple:
        return [triple[2], triple[1]]
    words = text.split("/", 3)
    if words[0].lower() in tables.WASM_NAMES:
        if len(words) == 1:
            return ["wasi", *words]
        if words[1].partition("(")[0].lower() in tables.WASI_NAMES:
            words[:2] = reversed(words[:2])
    return words


def _completed(text: str, word: str) -> Platform:
    """The platform of a lone word, which only WebAssembly's are."""
    name = word.lower()
    if name in tables.WASI_NAMES:
        return normalise(Platform(name, "wasm32"))
    system = tables.SYSTEM_NAMES.get(name, name)
    as_architecture = _canonical(Platform("linux", name))
    if system in tables.SYSTEMS:
        raise _refusal(text, "names no architecture", f"Write for example {system}/amd64.")
    if as_architecture.architecture in tables.ARCHITECTURES and text == word:
        raise _refusal(text, "names no operating system", f"Write for example {as_architecture}.")
    raise _refusal(text, "is neither an operating system nor an architecture", EXAMPLES)


def _canonical(platform: Platform) -> Platform:
    system = platform.os.lower()
    architecture, variant = platform.architecture.lower(), platform.variant.lower()
    features = tuple(sorted({*platform.os_features} - {""}))
    if _is_wasi(system, architecture):
        fixed = tables.WASI_NAMES[system]
        variant = tables.GENERATION_NAMES.get(variant, variant) if fixed is None else fixed
        return Platform("wasi", tables.WASM_NAMES[architecture], variant, platform.os_version, features)
    architecture, fixed = tables.ARCHITECTURE_NAMES.get(architecture, (architecture, None))
    variant = variant if fixed is None else fixed
    if architecture in ("amd64", "arm", "arm64") and variant[:1].isdecimal():
        variant = f"v{variant}"
    variant = tables.VARIANT_NAMES.get((architecture, variant), variant)
    return Platform(tables.SYSTEM_NAMES.get(system, system), architecture, variant, platform.os_version, features)


def _is_wasi(system: str, architecture: str) -> bool:
    return system in tables.WASI_NAMES and architecture in tables.WASM_NAMES


@lru_cache(maxsize=4096)
def _ladder(host: Platform, assume: bool) -> tuple[Platform, ...]:
    host = _canonical(host)
    levels = _levels(host.architecture, host.variant)
    baseline = tables.BASELINE.get(host.architecture, ())
    known = levels or host.variant in baseline
    lower = (host.variant, *reversed(levels), *(baseline if known else ()))
    own = tuple(host._replace(variant=variant) for variant in dict.fromkeys(lower))
    if not known or not assume or host.architecture not in tables.ASSUMED:
        return own
    architecture, variants = tables.ASSUMED[host.architecture]
    return own + tuple(host._replace(architecture=architecture, variant=variant) for variant in variants)


def _levels(architecture: str, variant: str) -> tuple[str, ...]:
    """The named levels up to and including ``variant``, lowest first; none if it is not one of them."""
    levels = tables.LEVELS.get(architecture, ())
    if architecture == "arm64" and variant in tables.ARM64_V9:
        minor = tables.ARM64_V9.index(variant)
        return levels[: minor + tables.V9_BASE + 1] + tables.ARM64_V9[: minor + 1]
    return levels[: levels.index(variant) + 1] if variant in levels else ()


@lru_cache(maxsize=16384)
def _rank(host: Platform, wanted: Platform, assume: bool) -> int | None:
    host, wanted = _canonical(host), _canonical(wanted)
    windows = host.os == "windows"
    if windows and not _windows_runs(host.os_version, wanted.os_version):
        return None
    if not {*wanted.os_features} - ({"win32k"} if windows else set()) <= {*host.os_features}:
        return None
    name = (wanted.os, wanted.architecture, wanted.variant)
    for place, runs in enumerate(_ladder(host, assume)):
        if (runs.os, runs.architecture, runs.variant) == name:
            return place
    return None


def _windows_runs(host: str, wanted: str) -> bool:
    """Whether a Windows host of one version runs a container of another in process isolation."""
    host_version, wanted_version = _BUILD.fullmatch(host), _BUILD.fullmatch(wanted)
    if host_version is None or wanted_version is None:
        return True
    host_major, host_minor, host_build = map(int, host_version.group(1, 2, 3))
    major, minor, build = map(int, wanted_version.group(1, 2, 3))
    return (major, minor) == (host_major, host_minor) and _oldest_build(host_build) <= build <= host_build


def _oldest_build(host: int) -> int:
    if host < tables.WINDOWS_LTSC[0]:
        return host
    return max((release for release in tables.WINDOWS_LTSC if release < host), default=tables.WINDOWS_LTSC[0])


def _encode(value: str) -> str:
    from urllib.parse import quote  # here, as few need it

    return quote(value, safe="", errors="replace").replace("~", "%7E")


def _decode(value: str, text: str) -> str:
    from urllib.parse import unquote_to_bytes

    if _BROKEN_ESCAPE.search(value):
        raise _refusal(text, "has a percent sign that encodes nothing", "Write %25 for a percent sign.")
    try:
        return unquote_to_bytes(value).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refusal(text, "has percent-encoded bytes that are not UTF-8", None) from error


def _refusal(text: str, why: str, hint: str | None) -> BacError:
    shown = repr(text[:SHOWN] + ("…" if len(text) > SHOWN else ""))
    return BacError("bad_platform", f"platform {shown} {why}", hint=hint, input=text[:MAX_TEXT])
