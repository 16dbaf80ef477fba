"""A node's engines as labels, for schedulers that match labels and know nothing else of a node's engines.

    os_type, os_arch                 the host's own, as Bacalhau 1.8 and later name them
    Operating-System, Architecture   the same under the names of before
    docker/linux-arm64-v8_2          how the Docker engine runs linux/arm64/v8.2; so for each platform that it runs
    docker/os-version                the version of the Windows that its containers share
    wasm/wasm32-wasi-p1              how the WebAssembly engine runs this generation
    wasm-feature/simd                "true" for each proposal that it accepts

Keys and values are those that Kubernetes allows (concepts/overview/working-with-objects/labels), for Bacalhau reads
its constraints by the same rules. A key has no dots and no capitals of ours: configuration files split and fold them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bactools.core import platforms
from bactools.core.platforms import Platform
from bactools.core.records import Engine, Offer
from bactools.core.routes import HOW_ORDER, compatible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bactools.core.records import How, Node

_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_PREFIX = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_LONGEST_PREFIX = 253
_WORD = re.compile(r"[a-z0-9]+")
_VARIANT = re.compile(r"[a-z0-9]+(\.[a-z0-9]+)*")
_OS_VERSION = "docker/os-version"
_FEATURE = "wasm-feature/"
_P1 = "p1"


def labels(node: Node) -> dict[str, str]:
    """The node's own labels that are valid, and over them what its engines run, sorted by key."""
    found = {key: value for key, value in (node.labels or {}).items() if is_label(key, value)}
    for keys, value in ((("os_type", "Operating-System"), node.os), (("os_arch", "Architecture"), node.architecture)):
        if value:
            found.update(dict.fromkeys(keys, value))
    for engine in node.engines or ():
        if engine.engine == "docker":
            found.update(_docker(engine.platforms))
        elif engine.engine == "wasm":
            found.update(_wasm(engine))
    return {key: found[key] for key in sorted(found) if is_label(key, found[key])}


def text(node: Node) -> str:
    """The labels as lines ``key=value``."""
    return "".join(f"{key}={value}\n" for key, value in labels(node).items())


def refused(node: Node) -> list[str]:
    """The keys of the node's own labels that are left out, for they are no labels by Kubernetes' rules."""
    return [key for key, value in (node.labels or {}).items() if not is_label(key, value)]


def engines(found: Mapping[str, str]) -> list[Engine]:
    """What ``labels`` told of the engines: each platform once, unless another one implies it."""
    told: dict[str, dict[Platform, How]] = {"docker": {}, "wasm": {}}
    for key, value in found.items():
        engine, _, name = key.partition("/")
        how = next((known for known in HOW_ORDER if known == value), None)
        platform = _platform(engine, name, found) if how and engine in told else None
        if platform and how:
            told[engine][platform] = how
    features = sorted(key.removeprefix(_FEATURE) for key in found if key.startswith(_FEATURE))
    engines = [Engine("docker", _offers(told["docker"]))] if told["docker"] else []
    return engines + ([Engine("wasm", _offers(told["wasm"]), features=features)] if told["wasm"] else [])


def is_label(key: str, value: str) -> bool:
    """Whether Kubernetes takes this as a label."""
    prefix, slash, name = key.rpartition("/")
    if slash and not (len(prefix) <= _LONGEST_PREFIX and _PREFIX.fullmatch(prefix)):
        return False
    return bool(name and _VALUE.fullmatch(name) and _VALUE.fullmatch(value))


def _docker(offers: Iterable[Offer]) -> dict[str, str]:
    """Labels for all that the offers run; of two ways to run a platform the better counts."""
    told: dict[str, How] = {}
    version = ""
    for offer in offers:
        host = platforms.parse(offer.platform)
        version = host.os_version or version
        for place, runs in enumerate(platforms.ladder(host, assume=False)):
            words = (runs.os, runs.architecture, *filter(None, [runs.variant]))
            if all(map(_WORD.fullmatch, words[:2])) and all(map(_VARIANT.fullmatch, words[2:])):
                key = f"docker/{'-'.join(words).replace('.', '_')}"
                told[key] = min(told.get(key, "emulated"), compatible(offer.how, runs, place), key=HOW_ORDER.index)
    return {**told, _OS_VERSION: version} if version else {**told}


def _wasm(engine: Engine) -> Iterator[tuple[str, str]]:
    for offer in engine.platforms:
        platform = platforms.parse(offer.platform)
        yield f"wasm/{platform.architecture}-{platform.os}-{platform.variant or _P1}", offer.how
    for feature in engine.features or ():
        yield f"{_FEATURE}{feature}", "true"


def _platform(engine: str, name: str, found: Mapping[str, str]) -> Platform | None:
    """The platform that a label's name stands for, if it is one of ours."""
    words = name.split("-")
    if not 2 <= len(words) <= 3 or not all(map(_VARIANT.fullmatch, (word.replace("_", ".") for word in words))):  # noqa: PLR2004
        return None
    variant = "".join(words[2:]).replace("_", ".")
    if engine == "wasm":
        return platforms.normalise(Platform(words[1], words[0], variant))
    version = found.get(_OS_VERSION, "") if words[0] == "windows" else ""
    return platforms.normalise(Platform(words[0], words[1], variant, version))


def _offers(told: Mapping[Platform, How]) -> list[Offer]:
    """The platforms that no other one brings with it, best first."""
    kept = [
        (HOW_ORDER.index(how), str(platform), how)
        for platform, how in told.items()
        if not any(_implies(other, told[other], platform, how) for other in told)
    ]
    return [Offer(name, how) for _, name, how in sorted(kept)]


def _implies(host: Platform, host_how: How, platform: Platform, how: How) -> bool:
    """Whether to run one platform is to run another in that very way; of two that are equal the plainer stays."""
    place = platforms.rank(host, platform, assume=False)
    if not place or compatible(host_how, platform, place) != how:
        return False
    return platforms.rank(platform, host, assume=False) is None or len(host.variant) < len(platform.variant)
