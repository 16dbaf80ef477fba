import gzip
import hashlib
import io
import tarfile
from contextlib import suppress

import layouts
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bactools.core.errors import BacError
from bactools.core.layers import find
from bactools.edges import layers

BODY = layouts.archive(
    ("bin", tarfile.DIRTYPE),
    ("bin/app", b"program" * 1000),
    ("./bin/sh", "-> app"),
    ("bin/ash", "=> bin/app"),
    ("dev/null", tarfile.CHRTYPE),
    ("pipe", tarfile.FIFOTYPE),
    ("../outside", b"no"),
)


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def chunks(data, size=1000):
    return (data[start : start + size] for start in range(0, len(data), size))


def read(data, wanted=(), **options):
    return layers.read(chunks(data), digest(data), wanted, **options)


def zstandard(data):
    import zstandard as library

    return library.ZstdCompressor().compress(data)


def two_members(data):
    return gzip.compress(data[:3000]) + gzip.compress(data[3000:])


def two_frames(data):
    return zstandard(data[:3000]) + b"\x50\x2a\x4d\x18\x04\0\0\0skip" + zstandard(data[3000:])


def leading_skip(data):
    return b"\x50\x2a\x4d\x18\x04\0\0\0skip" + zstandard(data)


@pytest.mark.parametrize("packed", [bytes, gzip.compress, zstandard, two_members, two_frames, leading_skip])
def test_a_layer_is_read_however_it_is_compressed(packed):
    found = read(packed(BODY), {"bin/app"})
    assert {name: entry.kind for name, entry in found.layer.entries.items()} == {
        "bin": "directory",
        "bin/app": "file",
        "bin/sh": "symlink",
        "bin/ash": "hardlink",
        "dev": "directory",
        "dev/null": "special",
        "pipe": "special",
    }
    assert found.files == {"bin/app": b"program" * 1000}
    assert found.unpacked == len(BODY)
    assert find("/bin/sh", [found.layer]).name == find("/bin/ash", [found.layer]).name == "bin/app"


def test_only_what_is_asked_for_is_kept():
    assert read(BODY, {"bin/sh", "bin", "dev/null", "outside", "../outside", ""}).files == {}


def test_of_two_files_with_one_name_the_last_is_kept():
    body = layouts.archive(("app", b"first"), ("./app", b"second"))
    assert read(body, {"app"}).files == {"app": b"second"}
    body = layouts.archive(("app", b"first"), ("app", "-> other"))
    assert read(body, {"app"}).files == {}


def test_a_layer_without_entries():
    assert read(layouts.archive()).layer.entries == {}


def test_the_start_of_a_large_file_is_kept(monkeypatch):
    monkeypatch.setattr(layers, "MAX_FILE", 10)
    assert read(BODY, {"bin/app"}).files == {"bin/app": b"programpro"}


@pytest.mark.parametrize("packed", [bytes, gzip.compress, zstandard])
def test_bytes_of_another_digest_are_not_believed(packed):
    data = packed(BODY)
    with pytest.raises(BacError) as caught:
        layers.read(chunks(data + b"\0"), digest(data), ())
    assert caught.value.code == "digest_mismatch"
    with pytest.raises(BacError) as caught:
        layers.read(chunks(data[:-100]), digest(data), ())
    assert caught.value.code == "digest_mismatch"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no archive" * 200,
        gzip.compress(BODY)[:-100],
        gzip.compress(b"no archive" * 200),
        gzip.compress(BODY)[:40] + b"\xff" * 400,
        zstandard(BODY)[:20] + b"\xff" * 400,
    ],
)
def test_what_is_no_archive_is_damaged(data):
    with pytest.raises(BacError) as caught:
        read(data)
    assert caught.value.code == "bad_layer"


@pytest.mark.parametrize("packed", [gzip.compress, zstandard])
def test_a_layer_that_unpacks_to_too_much_is_given_up(packed):
    bomb = packed(layouts.archive(("zeros", bytes(20_000_000))))
    assert len(bomb) < 100_000
    with pytest.raises(BacError) as caught:
        read(bomb, limit=10_000_000)
    assert caught.value.code == "too_large"


def test_a_layer_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(layers, "MAX_PACKED", 1_000_000)
    monkeypatch.setattr(layers, "MAX_UNPACKED", 1_000_000)

    def endless():
        while True:
            yield bytes(65536)

    with pytest.raises(BacError) as caught:
        layers.read(endless(), digest(b""), ())
    assert caught.value.code in {"too_large", "digest_mismatch"}


def test_headers_without_end_are_given_up(monkeypatch):
    monkeypatch.setattr(layers, "MAX_HEADER", 100_000)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("app")
        info.pax_headers = {"comment": "x" * 200_000}
        tar.addfile(info)
    with pytest.raises(BacError) as caught:
        read(raw.getvalue())
    assert caught.value.code == "too_large"


def test_long_names_and_names_that_are_no_text_are_read():
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo("d/" * 100 + "app"))
        tar.addfile(tarfile.TarInfo("caf\udce9"))
    assert {"d/" * 100 + "app", "caf\udce9"} <= set(read(raw.getvalue()).layer.entries)


@settings(max_examples=200, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, len(BODY)), st.binary(min_size=1, max_size=12)), max_size=5),
    length=st.integers(0, len(BODY)),
)
def test_damage_is_an_error_that_can_be_told_or_other_files(changes, length):
    damaged = bytearray(BODY)
    for place, data in changes:
        damaged[place : place + len(data)] = data
    with suppress(BacError):
        read(bytes(damaged[:length]), {"bin/app"})
