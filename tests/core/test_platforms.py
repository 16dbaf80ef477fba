import os
import platform as running
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bactools.core.errors import BacError
from bactools.core.platforms import MAX_TEXT, Platform, ladder, normalise, parse, rank

CANONICAL = [
    ("linux/amd64", "linux/amd64"),
    ("LINUX/AMD64", "linux/amd64"),
    ("linux/x86_64", "linux/amd64"),
    ("linux/x86-64", "linux/amd64"),
    ("Linux/X64", "linux/amd64"),
    ("linux/amd64/v1", "linux/amd64"),
    ("linux/amd64/V3", "linux/amd64/v3"),
    ("linux/amd64/3", "linux/amd64/v3"),
    ("linux/x86_64_v2", "linux/amd64/v2"),
    ("linux/x86-64-v1", "linux/amd64"),
    ("linux/x86_64_v3/v2", "linux/amd64/v3"),
    ("linux/386", "linux/386"),
    ("linux/i386", "linux/386"),
    ("linux/i486", "linux/386"),
    ("linux/i586", "linux/386"),
    ("linux/i686", "linux/386"),
    ("Linux/X86", "linux/386"),
    ("linux/ia32", "linux/386"),
    ("linux/i386/sse2", "linux/386"),
    ("linux/arm64", "linux/arm64"),
    ("linux/aarch64", "linux/arm64"),
    ("linux/arm64/8", "linux/arm64"),
    ("linux/arm64/v8", "linux/arm64"),
    ("linux/arm64/v8.0", "linux/arm64"),
    ("linux/arm64v8", "linux/arm64"),
    ("linux/arm64/8.2", "linux/arm64/v8.2"),
    ("linux/aarch64/9", "linux/arm64/v9"),
    ("linux/arm64/9.0", "linux/arm64/v9"),
    ("linux/arm64/v9.0", "linux/arm64/v9"),
    ("linux/aarch64_be", "linux/arm64be"),
    ("linux/arm", "linux/arm/v7"),
    ("Linux/ARM", "linux/arm/v7"),
    ("linux/arm/5", "linux/arm/v5"),
    ("linux/arm/6", "linux/arm/v6"),
    ("linux/arm/7", "linux/arm/v7"),
    ("linux/arm/8", "linux/arm/v8"),
    ("linux/armhf", "linux/arm/v7"),
    ("linux/armhf/v6", "linux/arm/v7"),
    ("linux/armel", "linux/arm/v6"),
    ("linux/armel/v7", "linux/arm/v6"),
    ("linux/armv5tel", "linux/arm/v5"),
    ("linux/armv5tejl", "linux/arm/v5"),
    ("linux/arm32v5", "linux/arm/v5"),
    ("linux/armv6l", "linux/arm/v6"),
    ("linux/armv6hl", "linux/arm/v6"),
    ("linux/armv7l", "linux/arm/v7"),
    ("linux/armv7hl", "linux/arm/v7"),
    ("linux/armv8l", "linux/arm/v8"),
    ("linux/ppc64el", "linux/ppc64le"),
    ("linux/powerpc64le/power9", "linux/ppc64le/power9"),
    ("linux/powerpc64", "linux/ppc64"),
    ("linux/powerpc", "linux/ppc"),
    ("linux/riscv64gc", "linux/riscv64"),
    ("linux/riscv64/RVA23U64", "linux/riscv64/rva23u64"),
    ("linux/loongarch64", "linux/loong64"),
    ("linux/mipsel", "linux/mipsle"),
    ("linux/mips64el", "linux/mips64le"),
    ("linux/s390x", "linux/s390x"),
    ("macOS/arm64", "darwin/arm64"),
    ("Windows/AMD64", "windows/amd64"),
    ("windows(10.0.26100)/amd64", "windows(10.0.26100)/amd64"),
    ("windows(10.0.26100+win32k)/x86_64", "windows(10.0.26100+win32k)/amd64"),
    ("linux(+b+a+b)/amd64", "linux(+a+b)/amd64"),
    ("linux(+erofs)/arm/v6", "linux(+erofs)/arm/v6"),
    ("linux()/amd64", "linux/amd64"),
    ("linux(1%2B2%25%28%29%2F)/amd64", "linux(1%2B2%25%28%29%2F)/amd64"),
    ("linux(%41%20%2A%7e)/amd64", "linux(A%20%2A%7E)/amd64"),
    ("haiku/Elbrus/v5", "haiku/elbrus/v5"),
    ("js/wasm", "js/wasm"),
]

WEBASSEMBLY = [
    ("wasm32/wasi", "wasm32/wasi", ""),
    ("WASM32/WASI", "wasm32/wasi", ""),
    ("wasm32/wasi/p1", "wasm32/wasi", ""),
    ("wasm32/wasi/preview1", "wasm32/wasi", ""),
    ("wasm32/wasip1", "wasm32/wasi", ""),
    ("wasm32/wasip1/p2", "wasm32/wasi", ""),
    ("wasi/wasm", "wasm32/wasi", ""),
    ("wasi/wasm32", "wasm32/wasi", ""),
    ("wasip1/wasm", "wasm32/wasi", ""),
    ("wasm32-wasi", "wasm32/wasi", ""),
    ("wasm32-wasip1", "wasm32/wasi", ""),
    ("wasm32-unknown-wasi", "wasm32/wasi", ""),
    ("wasm", "wasm32/wasi", ""),
    ("wasm32", "wasm32/wasi", ""),
    ("wasi", "wasm32/wasi", ""),
    ("wasm32/wasi/p2", "wasm32/wasi/p2", "p2"),
    ("wasm32/wasi/0.2", "wasm32/wasi/p2", "p2"),
    ("wasm32/wasi/preview2", "wasm32/wasi/p2", "p2"),
    ("wasip2", "wasm32/wasi/p2", "p2"),
    ("wasip2/wasm", "wasm32/wasi/p2", "p2"),
    ("wasip2/wasm32", "wasm32/wasi/p2", "p2"),
    ("wasm32-wasip2", "wasm32/wasi/p2", "p2"),
    ("wasip3/wasm", "wasm32/wasi/p3", "p3"),
    ("wasm32/wasi/p4", "wasm32/wasi/p4", "p4"),
    ("wasi(+threads)/wasm", "wasm32/wasi(+threads)", ""),
    ("wasm32/wasi(+threads)/p2", "wasm32/wasi(+threads)/p2", "p2"),
]

LADDERS = [
    ("linux/amd64", ["linux/amd64"]),
    ("linux/amd64/v3", ["linux/amd64/v3", "linux/amd64/v2", "linux/amd64"]),
    ("linux/amd64/haswell", ["linux/amd64/haswell"]),
    ("linux/amd64/v5", ["linux/amd64/v5"]),
    ("linux/386", ["linux/386"]),
    ("linux/arm", ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]),
    ("linux/arm/v8", ["linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]),
    ("linux/arm/v5", ["linux/arm/v5"]),
    ("linux/arm/v4", ["linux/arm/v4"]),
    ("linux/arm/v9", ["linux/arm/v9"]),
    ("linux/arm64", ["linux/arm64"]),
    ("linux/arm64/v8.2", ["linux/arm64/v8.2", "linux/arm64/v8.1", "linux/arm64"]),
    (
        "linux/arm64/v9.1",
        [
            "linux/arm64/v9.1",
            "linux/arm64/v9",
            "linux/arm64/v8.6",
            "linux/arm64/v8.5",
            "linux/arm64/v8.4",
            "linux/arm64/v8.3",
            "linux/arm64/v8.2",
            "linux/arm64/v8.1",
            "linux/arm64",
        ],
    ),
    ("linux/arm64/neoverse", ["linux/arm64/neoverse"]),
    ("linux/ppc64le", ["linux/ppc64le", "linux/ppc64le/power8"]),
    ("linux/ppc64le/power9", ["linux/ppc64le/power9", "linux/ppc64le/power8", "linux/ppc64le"]),
    ("linux/riscv64", ["linux/riscv64", "linux/riscv64/rva20u64"]),
    (
        "linux/riscv64/rva23u64",
        ["linux/riscv64/rva23u64", "linux/riscv64/rva22u64", "linux/riscv64/rva20u64", "linux/riscv64"],
    ),
    ("linux/s390x", ["linux/s390x"]),
    ("linux/loong64", ["linux/loong64"]),
    ("wasm32/wasi", ["wasm32/wasi"]),
    ("wasm32/wasi/p2", ["wasm32/wasi/p2"]),
    ("windows(10.0.26100)/amd64", ["windows(10.0.26100)/amd64"]),
]

ASSUMED = [
    ("linux/amd64", ["linux/amd64", "linux/386"]),
    ("linux/amd64/v2", ["linux/amd64/v2", "linux/amd64", "linux/386"]),
    ("linux/arm64", ["linux/arm64", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]),
    (
        "linux/arm64/v8.1",
        ["linux/arm64/v8.1", "linux/arm64", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"],
    ),
    ("linux/arm/v6", ["linux/arm/v6", "linux/arm/v5"]),
    ("linux/386", ["linux/386"]),
    ("linux/ppc64le/power8", ["linux/ppc64le/power8", "linux/ppc64le"]),
    ("wasm32/wasi/p2", ["wasm32/wasi/p2"]),
    ("windows(10.0.20348)/amd64", ["windows(10.0.20348)/amd64", "windows(10.0.20348)/386"]),
]

# host, wanted, rank, rank with the assumptions
RANKS = [
    ("linux/amd64", "linux/amd64", 0, 0),
    ("linux/amd64", "linux/amd64/v2", None, None),
    ("linux/amd64/v4", "linux/amd64", 3, 3),
    ("linux/amd64", "linux/386", None, 1),
    ("linux/386", "linux/amd64", None, None),
    ("linux/amd64", "linux/arm64", None, None),
    ("linux/amd64", "windows/amd64", None, None),
    ("darwin/arm64", "linux/arm64", None, None),
    ("linux/arm64", "linux/arm64/v8", 0, 0),
    ("linux/arm64", "linux/arm64/v8.2", None, None),
    ("linux/arm64/v8.2", "linux/arm64", 2, 2),
    ("linux/arm64/v9.2", "linux/arm64/v8.7", 3, 3),
    ("linux/arm64/v9.4", "linux/arm64", 14, 14),
    ("linux/arm64/v9.7", "linux/arm64/v8.9", 8, 8),
    ("linux/arm64/v9", "linux/arm64/v8.5", 1, 1),
    ("linux/arm64/v9", "linux/arm64/v8.6", None, None),
    ("linux/arm64/v8.9", "linux/arm64/v9", None, None),
    ("linux/arm64", "linux/arm/v7", None, 2),
    ("linux/arm64", "linux/arm/v4", None, None),
    ("linux/arm/v6", "linux/arm", None, None),
    ("linux/arm/v7", "linux/arm/v6", 1, 1),
    ("linux/arm/v8", "linux/arm64", None, None),
    ("linux/ppc64le", "linux/ppc64le/power9", None, None),
    ("linux/ppc64le/power9", "linux/ppc64le/power8", 1, 1),
    ("linux/ppc64le/power9", "linux/ppc64le/power10", None, None),
    ("linux/ppc64le/power10", "linux/ppc64le", 3, 3),
    ("linux/ppc64le", "linux/ppc64", None, None),
    ("linux/riscv64/rva22u64", "linux/riscv64/rva23u64", None, None),
    ("linux/riscv64/rva22u64", "linux/riscv64/rva20u64", 1, 1),
    ("linux/riscv64/rva22u64", "linux/riscv64", 2, 2),
    ("linux/s390x/z13", "linux/s390x", None, None),
    ("linux/haiku/a", "linux/haiku/a", 0, 0),
    ("wasm32/wasi", "wasip1/wasm", 0, 0),
    ("wasm32/wasi/p2", "wasm32/wasi", None, None),
    ("wasm32/wasi", "wasm32/wasi/p2", None, None),
    ("wasm64/wasi", "wasm32/wasi", None, None),
    ("linux/amd64", "wasm32/wasi", None, None),
    ("linux(5.15)/amd64", "linux(6.1)/amd64", 0, 0),
    ("linux/amd64", "linux(+erofs)/amd64", None, None),
    ("linux(+erofs)/amd64", "linux(+erofs)/amd64", 0, 0),
    ("linux(+erofs+fuse)/amd64", "linux(+fuse)/amd64", 0, 0),
    ("linux(+erofs)/amd64", "linux(+erofs+fuse)/amd64", None, None),
    ("linux(+erofs)/amd64", "linux/386", None, 1),
    ("linux/amd64", "linux(+win32k)/amd64", None, None),
    ("windows/amd64", "windows(+win32k)/amd64", 0, 0),
    ("windows/amd64", "windows(+other)/amd64", None, None),
    ("wasm32/wasi", "wasi(+threads)/wasm", None, None),
]

# the versions of a Windows host and of a container
WINDOWS = [
    ("10.0.17763", "10.0.17763", True),
    ("10.0.17763.5122", "10.0.17763.1", True),
    ("10.0.17763", "10.0.14393", False),
    ("10.0.19045", "10.0.17763", False),
    ("10.0.20348", "10.0.20348", True),
    ("10.0.20348", "10.0.17763", False),
    ("10.0.20348", "10.0.26100", False),
    ("10.0.22621", "10.0.20348", True),
    ("10.0.22621", "10.0.22000", True),
    ("10.0.22621", "10.0.25398", False),
    ("10.0.25398", "10.0.20348", True),
    ("10.0.26100", "10.0.20348.3000", True),
    ("10.0.26100", "10.0.26100", True),
    ("10.0.26100", "10.0.17763", False),
    ("10.0.26200", "10.0.26100", True),
    ("10.0.26200", "10.0.20348", False),
    ("10.0.26100", "6.3.9600", False),
    ("10.0.26100", "10.1.26100", False),
    ("", "10.0.17763", True),
    ("10.0.17763", "", True),
    ("server", "10.0.17763", True),
    ("10.0.17763", "ltsc2019", True),
    ("10.0", "10.0.17763", True),
]

REFUSED = [
    ("", "os/architecture"),
    ("/", "os/architecture"),
    ("linux/", "os/architecture"),
    ("/amd64", "os/architecture"),
    ("linux//v7", "os/architecture"),
    ("linux/arm/", "os/architecture"),
    ("linux/arm/v7/x", "os/architecture"),
    (" linux/amd64", "os/architecture"),
    ("linux/amd64\n", "os/architecture"),
    ("linux/amd 64", "os/architecture"),
    ("linux/arm(v7)", "os/architecture"),
    ("lin.ux/amd64", "os/architecture"),
    ("linux(1/amd64", "os/architecture"),
    ("linux(1)(2)/amd64", "os/architecture"),
    ("linux(1++2)/amd64", "os/architecture"),
    ("linux/\u0430md64", "os/architecture"),
    ("wasm32/wasi/p2/x", "os/architecture"),
    ("*/amd64", "wildcard"),
    ("linux/*", "wildcard"),
    ("linux(%)/amd64", "percent"),
    ("linux(%4g)/amd64", "percent"),
    ("linux(%ff)/amd64", "UTF-8"),
    ("linux", "no architecture"),
    ("windows(10.0.26100)", "no architecture"),
    ("macos", "no architecture"),
    ("amd64", "no operating system"),
    ("armv7l", "no operating system"),
    ("amd64(1)", "neither"),
    ("everything", "neither"),
    ("amd64/linux", "wrong way round"),
    ("aarch64/macos", "wrong way round"),
    ("linux/" + "a" * MAX_TEXT, "longer than 1024"),
]


@pytest.mark.parametrize(("text", "canonical"), CANONICAL)
def test_names_parse_to_the_canonical_platform(text, canonical):
    assert str(parse(text)) == canonical
    assert parse(canonical) == parse(text)
    assert parse(text).engine == "docker"


@pytest.mark.parametrize(("text", "canonical", "generation"), WEBASSEMBLY)
def test_webassembly_parses_either_way_round(text, canonical, generation):
    platform = parse(text)
    assert str(platform) == canonical
    assert (platform.os, platform.architecture, platform.variant) == ("wasi", "wasm32", generation)
    assert platform.engine == "wasm"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("wasm64/wasi", "wasm64/wasi"), ("wasm64-wasip2", "wasm64/wasi/p2"), ("wasm64", "wasm64/wasi")],
)
def test_wasm64_is_a_platform_of_its_own(text, canonical):
    assert str(parse(text)) == canonical
    assert parse(text).architecture == "wasm64"


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_what_the_grammar_excludes_is_refused(text, why):
    with pytest.raises(BacError) as caught:
        parse(text)
    assert caught.value.code == "bad_platform"
    assert why in caught.value.message


def test_a_refusal_says_what_to_write_instead():
    with pytest.raises(BacError) as caught:
        parse("aarch64/macos")
    assert caught.value.line() == (
        "platform 'aarch64/macos' has its words the wrong way round. "
        "Write darwin/arm64: the operating system comes first. [bad_platform]"
    )
    with pytest.raises(BacError) as caught:
        parse("armv7l")
    assert caught.value.hint == "Write for example linux/arm/v7."


def test_parsing_does_not_look_at_the_running_host(monkeypatch):
    def looked(*_):
        raise AssertionError("looked at the host")

    for module, name in ((os, "uname"), (running, "uname"), (running, "machine"), (running, "system")):
        monkeypatch.setattr(module, name, looked)
    monkeypatch.setattr(sys, "platform", "plan9")
    assert str(parse("linux/armv7l/unseen")) == "linux/arm/v7"
    with pytest.raises(BacError):
        parse("freebsd")
    with pytest.raises(BacError):
        parse("s390x")


def test_fields_in_any_spelling_print_canonically():
    assert str(Platform("Linux", "AARCH64", "v8")) == "linux/arm64"
    assert str(Platform("wasip2", "wasm")) == "wasm32/wasi/p2"
    assert Platform("wasip2", "wasm").engine == "wasm"
    assert normalise(Platform("Windows", "x86_64", "", "10.0.1", ("b", "", "a", "b"))) == Platform(
        "windows", "amd64", "", "10.0.1", ("a", "b")
    )


@pytest.mark.parametrize(
    "platform",
    [Platform("", ""), Platform("linux", ""), Platform("li nux", "amd64"), Platform("linux", "amd64", "v/3")],
)
def test_normalise_refuses_fields_outside_the_grammar(platform):
    with pytest.raises(BacError) as caught:
        normalise(platform)
    assert caught.value.code == "bad_platform"


@pytest.mark.parametrize(("host", "runs"), LADDERS)
def test_a_ladder_stays_in_its_architecture(host, runs):
    assert [str(step) for step in ladder(parse(host), assume=False)] == runs


@pytest.mark.parametrize(("host", "runs"), ASSUMED)
def test_assumptions_follow_at_the_end_of_the_ladder(host, runs):
    assert [str(step) for step in ladder(parse(host), assume=True)] == runs


@pytest.mark.parametrize(("host", "wanted", "proved", "assumed"), RANKS)
def test_rank_of_what_is_wanted(host, wanted, proved, assumed):
    assert rank(parse(host), parse(wanted), assume=False) == proved
    assert rank(parse(host), parse(wanted), assume=True) == assumed


def test_rank_takes_fields_in_any_spelling():
    assert rank(Platform("Linux", "aarch64"), Platform("linux", "arm64", "v8"), assume=False) == 0


@pytest.mark.parametrize(("host", "wanted", "runs"), WINDOWS)
def test_windows_builds_that_run_in_process_isolation(host, wanted, runs):
    have = Platform("windows", "amd64", os_version=host)
    want = Platform("windows", "amd64", os_version=wanted)
    assert (rank(have, want, assume=False) is not None) == runs


ALPHABET = st.sampled_from(
    [*"abv78/()+%.-_*2F", "linux", "wasm", "wasi", "arm64", "amd64", "(10.0.1)", "p2", "é", "\n"]
)


@given(st.text() | st.lists(ALPHABET, max_size=9).map("".join))
@example("linux(%25%2B+%28)/armhf/v6")
@example("linux(+%20)/x")
def test_any_text_is_refused_or_parses_to_what_its_canonical_text_parses_to(text):
    try:
        platform = parse(text)
    except BacError:
        return
    assert parse(str(platform)) == platform
    assert normalise(platform) == platform
    assert rank(platform, platform, assume=False) == 0


@given(
    st.builds(
        Platform,
        st.sampled_from(["linux", "Windows", "wasip2", "macos"]),
        st.sampled_from(["arm", "AMD64", "wasm", "armel", "sw_64"]),
        st.sampled_from(["", "v8", "3", "p2", "x.Y"]),
        st.text(max_size=9),
        st.lists(st.text(max_size=4), max_size=3).map(tuple),
    )
)
def test_what_normalises_prints_as_text_that_parses_to_it(platform):
    assert parse(str(platform)) == normalise(platform)
