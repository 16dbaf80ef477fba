"""Inline inputs that are packed folders."""

from __future__ import annotations

import base64
import gzip
import io
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bactools.core.budget import Budget
from bactools.core.errors import BacError
from bactools.core.running import Mount
from bactools.edges.sources import inline, packed

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 1 << 20


def entry(name: str, data: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def folder(name: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=tarfile.DIRTYPE)


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=kind, linkname=target)


def archive(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", format=tarfile.PAX_FORMAT) as made:
        for info, data in entries:
            made.addfile(info, io.BytesIO(data))
    return file.getvalue()


def mount(data: bytes, path: Path, limit: int = LIMIT) -> Mount:
    url = "data:application/gzip;base64," + base64.b64encode(data).decode()
    return inline.mount({"URL": url}, "/inputs", path, Budget(limit))


def refused(data: bytes, tmp_path: Path, limit: int = LIMIT) -> BacError:
    with pytest.raises(BacError) as caught:
        mount(data, tmp_path / "data", limit)
    assert list(tmp_path.iterdir()) == []
    return caught.value


def test_a_packed_folder_is_mounted_unpacked(tmp_path: Path):
    data = archive(
        folder("./"),
        folder("sub"),
        entry("sub/a.txt", b"hello"),
        entry("./run", b"#!", mode=0o4755),
        entry("deep/er/b", b"", mode=0),
        link("sub/link", "../run"),
        link("hard", "sub/a.txt", tarfile.LNKTYPE),
    )
    path = tmp_path / "data"
    assert mount(data, path) == Mount(str(path), "/inputs", writable=False)
    assert (path / "sub" / "a.txt").read_bytes() == b"hello"
    assert (path / "run").stat().st_mode & 0o7777 == 0o755
    assert (path / "deep" / "er" / "b").stat().st_mode & 0o7777 == 0o644
    assert (path / "sub" / "link").read_bytes() == b"#!"
    assert (path / "hard").read_bytes() == b"hello"


def test_an_empty_archive_is_an_empty_folder(tmp_path: Path):
    mount(archive(), tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.parametrize(
    "entries",
    [
        [entry("../x", b"1")],
        [folder("..")],
        [entry("a/../../x", b"1")],
        [entry("/etc/x", b"1")],
        [link("a", "/etc/passwd")],
        [link("a", "../x")],
        [link("d/a", "../../x")],
        [link("a", "b/../../x")],
        [link("a", "../x", tarfile.LNKTYPE)],
        [link("a", "/etc/passwd", tarfile.LNKTYPE)],
        [link("a", "absent", tarfile.LNKTYPE)],
        [entry("f", b"1"), link("l", "f"), link("h", "l", tarfile.LNKTYPE)],
        [folder("d"), link("l", "d"), entry("l/x", b"1")],
        [link("l", "d"), folder("l")],
        [link("l", "f"), entry("l", b"1")],
        [entry("f", b"1"), entry("f", b"2")],
        [entry("f", b"1"), entry("f/x", b"2")],
        [entry("F", b"1"), entry("f", b"2")],
        [entry("fifo", type=tarfile.FIFOTYPE)],
        [entry("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
        [entry("disk", type=tarfile.BLKTYPE)],
        [entry("n" * 300, b"1")],
    ],
)
def test_what_could_be_outside_is_refused(tmp_path: Path, entries: list[tuple[tarfile.TarInfo, bytes]]):
    assert refused(archive(entry("first", b"ok"), *entries), tmp_path).code == "bad_input"


def test_the_budget_is_kept(tmp_path: Path):
    data = archive(entry("a", bytes(600)), entry("b", bytes(600)))
    assert refused(data, tmp_path, limit=1199).code == "too_large"
    mount(data, tmp_path / "data", limit=1200)


def test_the_budget_counts_inline_files_too(tmp_path: Path):
    with pytest.raises(BacError) as caught:
        inline.mount({"URL": "data:,hello"}, "/inputs", tmp_path / "data", Budget(4))
    assert caught.value.code == "too_large"
    assert list(tmp_path.iterdir()) == []


def test_a_header_without_end_is_refused(tmp_path: Path):
    huge = entry("a", b"1", pax_headers={"comment": "x" * (packed.MAX_HEADER + 1)})
    assert refused(archive(huge), tmp_path).code == "too_large"


def test_entries_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(packed, "MAX_ENTRIES", 2)
    assert refused(archive(*(folder(str(n)) for n in range(3))), tmp_path).code == "too_large"


def test_a_bomb_behind_the_end_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(packed, "MAX_HEADERS", 100_000)
    tail = gzip.compress(bytes(packed.MAX_HEADERS + LIMIT))
    assert refused(archive(entry("a", b"1")) + tail, tmp_path).code == "too_large"


def test_a_full_disk_is_said(small_disk: Path):
    with pytest.raises(BacError) as caught:
        mount(archive(entry("a", bytes(2 << 20))), small_disk / "data", 1 << 30)
    assert caught.value.code == "unwritable_file"
    assert list(small_disk.iterdir()) == []


WHOLE = archive(entry("a", b"hello" * 1000), entry("b", bytes(range(256)) * 20), folder("d"))


@pytest.mark.parametrize("data", [b"", b"no gzip at all", gzip.compress(b"no tar at all"), WHOLE[:-1], WHOLE[:-9]])
def test_what_is_no_tarball_or_a_part_of_one_is_refused(tmp_path: Path, data: bytes):
    assert refused(data, tmp_path).code == "bad_input"


def test_a_broken_header_in_the_middle_is_refused(tmp_path: Path):
    raw = bytearray(gzip.decompress(WHOLE))
    at = raw.index(b"b\0")
    raw[at : at + 8] = b"damaged!"
    assert refused(gzip.compress(bytes(raw)), tmp_path).code == "bad_input"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.integers(0, 4096), st.integers(0, 255))
def test_any_damage_is_harmless_or_refused(tmp_path: Path, at: int, byte: int):
    raw = bytearray(gzip.decompress(WHOLE))
    raw[at] = byte
    try:
        mount(gzip.compress(bytes(raw)), tmp_path / "data")
    except BacError as error:
        assert error.code in {"bad_input", "too_large"}  # noqa: PT017 (either outcome will do)
    import shutil

    shutil.rmtree(tmp_path / "data", ignore_errors=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("private_umask")
def test_what_is_unpacked_is_readable_by_everybody_whatever_the_umask(tmp_path: Path):
    mount(archive(folder("a"), entry("a/b/c", b"1"), entry("a/run", b"1", mode=0o755)), tmp_path / "data")
    modes = {path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes == {"data": 0o755, "data/a": 0o755, "data/a/b": 0o755, "data/a/b/c": 0o644, "data/a/run": 0o755}
