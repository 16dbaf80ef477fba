"""What Go's linker writes into every program: the settings of its build (Go's debug/buildinfo, since Go 1.18)."""

from __future__ import annotations

MAGIC = b"\xff Go buildinf:"
ALIGNMENT = 16
FLAGS, STRINGS = 15, 32
"""Offsets from the magic: of the flags, and of the version and then the settings, each after its length."""
INLINE = 2
"""The flag that says so; before Go 1.18 pointers stood there, and no settings."""
MAX_PLACES = 64
MAX_LENGTH = 1024 * 1024
LENGTH_BYTES = 5

VARIABLES = {
    "amd64": "GOAMD64",
    "arm": "GOARM",
    "arm64": "GOARM64",
    "ppc64": "GOPPC64",
    "ppc64le": "GOPPC64",
    "riscv64": "GORISCV64",
}


def settings(data: bytes) -> dict[str, str]:
    """The build settings of a program, ``GOARCH`` and ``GOAMD64`` among them; empty when Go did not build it."""
    at = -1
    for _ in range(MAX_PLACES):
        at = data.find(MAGIC, at + 1)
        if at < 0:
            break
        if at % ALIGNMENT == 0 and data[at + FLAGS : at + FLAGS + 1] == bytes([INLINE]):
            version, following = _text(data, at + STRINGS)
            if version.startswith(("go", "devel")):
                return _settings(_text(data, following)[0])
    return {}


def level(found: dict[str, str], architecture: str) -> str | None:
    """The CPU level that the settings name for an architecture: a variant as ``bactools.core.platforms`` knows it."""
    if found.get("GOARCH") != architecture or architecture not in VARIABLES:
        return None
    value = found.get(VARIABLES[architecture], "").partition(",")[0]
    return f"v{value}" if value and architecture == "arm" else value or None


def _settings(text: str) -> dict[str, str]:
    """The lines ``build<TAB>NAME=VALUE``."""
    lines = (line.split("\t", 1) for line in text.splitlines() if line.startswith("build\t"))
    pairs = (line[1].partition("=") for line in lines)
    return {name: value for name, _, value in pairs}


def _text(data: bytes, at: int) -> tuple[str, int]:
    """A text after its length (unsigned LEB128), and where it ends."""
    length = 0
    for place in range(LENGTH_BYTES):
        byte = data[at + place : at + place + 1] or b"\0"
        length |= (byte[0] & 0x7F) << 7 * place
        if byte[0] < 0x80:  # noqa: PLR2004 (no more bytes follow)
            start = at + place + 1
            return data[start : start + min(length, MAX_LENGTH)].decode("utf-8", "replace"), start + length
    return "", at
