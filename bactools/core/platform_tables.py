"""The names, ladders and releases of platforms, as data: ``bactools.core.platforms`` says what they mean."""

from __future__ import annotations

# Go's internal/syslist, without WebAssembly, which has names of its own below.
SYSTEMS = frozenset(
    """
    aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos
    """.split()
)
ARCHITECTURES = frozenset(
    """
    386 amd64 amd64p32 arm armbe arm64 arm64be loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le
    ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64
    """.split()
)
SYSTEM_NAMES = {"macos": "darwin"}

# name -> (architecture, the variant that the name fixes; None: the name says nothing of it)
ARCHITECTURE_NAMES: dict[str, tuple[str, str | None]] = {
    **dict.fromkeys(("x86_64", "x86-64", "x64"), ("amd64", None)),
    **{f"x86_64_v{level}": ("amd64", f"v{level}") for level in (1, 2, 3, 4)},
    **{f"x86-64-v{level}": ("amd64", f"v{level}") for level in (1, 2, 3, 4)},
    **dict.fromkeys(("i386", "i486", "i586", "i686", "x86", "ia32"), ("386", "")),
    "aarch64": ("arm64", None),
    "arm64v8": ("arm64", ""),
    "aarch64_be": ("arm64be", None),
    "armv8l": ("arm", "v8"),
    **dict.fromkeys(("armhf", "arm32v7", "armv7", "armv7a", "armv7l", "armv7hl"), ("arm", "v7")),
    **dict.fromkeys(("armel", "arm32v6", "armv6", "armv6l", "armv6hl"), ("arm", "v6")),
    **dict.fromkeys(("arm32v5", "armv5", "armv5l", "armv5te", "armv5tel", "armv5tejl"), ("arm", "v5")),
    **dict.fromkeys(("ppc64el", "powerpc64le"), ("ppc64le", None)),
    "powerpc64": ("ppc64", None),
    "powerpc": ("ppc", None),
    "riscv64gc": ("riscv64", None),
    "loongarch64": ("loong64", None),
    "mipsel": ("mipsle", None),
    "mips64el": ("mips64le", None),
}
VARIANT_NAMES: dict[tuple[str, str], str] = {
    ("amd64", "v1"): "",
    ("arm64", "v8"): "",
    ("arm64", "v8.0"): "",
    ("arm64", "v9.0"): "v9",
    ("arm", ""): "v7",
}
WASM_NAMES = {"wasm": "wasm32", "wasm32": "wasm32", "wasm64": "wasm64"}
# name -> the generation that it fixes
WASI_NAMES = {"wasi": None, "wasip1": "", "wasip2": "p2", "wasip3": "p3"}
GENERATION_NAMES = {"p1": "", "preview1": "", "0.1": "", "preview2": "p2", "0.2": "p2", "preview3": "p3", "0.3": "p3"}

# Lowest first; arm64's two lines are joined in `_levels`.
LEVELS: dict[str, tuple[str, ...]] = {
    "amd64": ("", "v2", "v3", "v4"),
    "arm": ("v5", "v6", "v7", "v8"),
    "arm64": ("", *(f"v8.{minor}" for minor in range(1, 10))),
    "ppc64le": ("power8", "power9", "power10"),
    "riscv64": ("rva20u64", "rva22u64", "rva23u64"),
}
ARM64_V9 = ("v9", *(f"v9.{minor}" for minor in range(1, 8)))
V9_BASE = 5
# What every CPU of the architecture runs.
BASELINE: dict[str, tuple[str, ...]] = {
    "amd64": ("",),
    "arm64": ("",),
    "ppc64le": ("", "power8"),
    "riscv64": ("", "rva20u64"),
}
ASSUMED: dict[str, tuple[str, tuple[str, ...]]] = {
    "amd64": ("386", ("",)),
    "arm64": ("arm", ("v8", "v7", "v6", "v5")),
}

# Windows Server 2022 and 2025: the releases from which a later host runs older containers.
WINDOWS_LTSC = (20348, 26100)
