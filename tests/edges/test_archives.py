"""Layouts and archives that skopeo and docker wrote, and some that nobody should have written."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bactools.core.errors import BacError
from bactools.edges.archives import stores
from bactools.edges.archives.images import archived_layout, folder_layout, saved_images
from bactools.flows.images import image

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
MARKER = b'{"imageLayoutVersion": "1.0.0"}'
ALL = ["linux/amd64", "linux/arm64", "linux/arm/v7"]


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def names(record):
    return [entry.platform for entry in record.platforms]


def inspected(place):
    return image(place, "", "x", "test")


@pytest.fixture
def copy(tool, registry, tmp_path):
    """``copy("multi", "oci:layout:tag")``: an image of the registry in a layout or an archive of the folder."""

    def copy(tag, target, *options):
        words = [tool("skopeo"), "copy", "-q", *options, "--src-tls-verify=false"]
        subprocess.run([*words, f"docker://{registry}/busybox:{tag}", target], cwd=tmp_path, check=True)
        return tmp_path

    return copy


def test_an_index_in_a_folder(copy):
    folder = copy("multi", "oci:layout:v1", "--all") / "layout"
    assert names(inspected(folder_layout(folder, "v1"))) == ALL
    assert names(inspected(folder_layout(folder, None))) == ALL


def test_a_folder_of_several_images_wants_a_name(copy):
    copy("amd64", "oci:layout:one")
    folder = copy("arm64", "oci:layout:two") / "layout"
    assert names(inspected(folder_layout(folder, "two"))) == ["linux/arm64"]
    with pytest.raises(BacError, match="holds 2 images") as caught:
        inspected(folder_layout(folder, None))
    assert caught.value.hint == "There are: one, two."


def test_an_index_in_an_archive_plain_and_compressed(copy):
    archive = copy("multi", "oci-archive:plain.tar:v1", "--all") / "plain.tar"
    packed = archive.with_name("packed.tar.gz")
    packed.write_bytes(gzip.compress(archive.read_bytes(), 1))
    records = [inspected(archived_layout(path, "v1")) for path in (archive, packed)]
    assert [names(record) for record in records] == [ALL, ALL]
    assert records[0].digest == records[1].digest


def test_the_layers_are_read_where_they_stand(copy):
    archive = copy("amd64", "oci-archive:plain.tar:v1") / "plain.tar"
    packed = archive.with_name("packed.tar.gz")
    packed.write_bytes(gzip.compress(archive.read_bytes(), 1))
    for path in (archive, packed):
        place = archived_layout(path, "v1")
        (layer,) = json.loads(place.manifest("").body)["layers"]
        assert sha256(b"".join(place.layer(layer["digest"]))) == layer["digest"]


def test_what_skopeo_saves_has_a_tag_and_no_digest(copy):
    archive = copy("arm64", "docker-archive:saved.tar:app:v1") / "saved.tar"
    ((tag, place),) = saved_images(archive, None)
    record = inspected(place)
    assert (tag, names(record), record.digest) == ("docker.io/library/app:v1", ["linux/arm64"], None)
    (layer,) = json.loads(place.manifest("").body)["layers"]
    assert sha256(b"".join(place.layer(layer["digest"]))) == layer["digest"]


def test_what_docker_saves_holds_several_images(docker, tool, registry, tmp_path):
    tags = [f"{registry}/busybox:amd64", f"{registry}/busybox:arm64"]
    for tag, platform in zip(tags, ("linux/amd64", "linux/arm64"), strict=True):
        docker.images.pull(tag, platform=platform)
    archive = tmp_path / "saved.tar"
    subprocess.run([tool("docker"), "save", "-o", archive, *tags], check=True)
    found = dict(saved_images(archive, None))
    assert {tag: names(inspected(place)) for tag, place in found.items()} == {
        tags[0]: ["linux/amd64"],
        tags[1]: ["linux/arm64"],
    }
    assert [tag for tag, _ in saved_images(archive, tags[1])] == [tags[1]]
    for place in found.values():
        for layer in json.loads(place.manifest("").body)["layers"]:
            assert sha256(b"".join(place.layer(layer["digest"]))) == layer["digest"]


# Layouts and archives by hand.


class Made:
    """A layout under construction: files by name."""

    def __init__(self):
        self.files = {"oci-layout": MARKER}

    def put(self, document, media_type, **fields):
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        digest = sha256(body)
        self.files["blobs/sha256/" + digest[7:]] = body
        return {"mediaType": media_type, "digest": digest, "size": len(body), **fields}

    def image(self, os="linux", architecture="amd64", **fields):
        config = self.put({"os": os, "architecture": architecture, "rootfs": {"diff_ids": []}}, CONFIG)
        return self.put({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}, MANIFEST, **fields)

    def index(self, *children):
        return self.put({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}, INDEX)

    def top(self, *children):
        self.files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": children}).encode()
        return self

    def folder(self, path):
        for name, body in self.files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(body)
        return folder_layout(path, None)


def packed(path, files, *more):
    """An archive of files, then of TarInfos with what each holds."""
    with tarfile.open(path, "w") as tar:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
        for info, body in more:
            tar.addfile(info, io.BytesIO(body))
    return path


def test_several_unnamed_images_are_one_index(tmp_path):
    made = Made()
    place = made.top(made.image(), made.image(architecture="s390x")).folder(tmp_path)
    record = inspected(place)
    assert names(record) == ["linux/amd64", "linux/s390x"]
    assert record.digest == sha256(made.files["index.json"])


def test_children_are_looked_at_as_far_as_they_nest(tmp_path):
    made = Made()
    inner = made.index(made.image(), made.image(architecture="riscv64"))
    place = made.top(made.index(inner, made.image(architecture="s390x", platform={}))).folder(tmp_path)
    assert names(inspected(place)) == ["linux/amd64", "linux/riscv64", "linux/s390x"]


def test_an_artifact_of_webassembly_within_an_index_gives_its_platform(tmp_path):
    made = Made()
    config = made.put({"os": "wasip2", "architecture": "wasm"}, "application/vnd.wasm.config.v0+json")
    layers = [made.put(b"\0asm", "application/wasm")]
    artifact = made.put({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}, MANIFEST)
    mixed = inspected(made.top(made.index(made.image(), artifact)).folder(tmp_path))
    assert (type(mixed).__name__, names(mixed)) == ("Image", ["linux/amd64", "wasm32/wasi/p2"])
    alone = inspected(made.top(made.index(artifact)).folder(tmp_path))
    assert (type(alone).__name__, names(alone)) == ("Module", ["wasm32/wasi/p2"])
    assert alone.platforms[0].digest == artifact["digest"]


def test_an_artifact_of_another_kind_is_left_out_of_an_index_and_refused_alone(tmp_path):
    made = Made()
    config = made.put({}, "application/vnd.cncf.helm.config.v1+json")
    chart = made.put({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}, MANIFEST)
    assert names(inspected(made.top(made.index(made.image(), chart)).folder(tmp_path))) == ["linux/amd64"]
    with pytest.raises(BacError, match="no container image but an artifact"):
        inspected(made.top(chart).folder(tmp_path))


def test_an_empty_index_offers_nothing(tmp_path):
    made = Made()
    assert names(inspected(made.top(made.index()).folder(tmp_path))) == []


def test_a_damaged_blob_is_not_believed(tmp_path):
    made = Made()
    child = made.image()
    made.files["blobs/sha256/" + child["digest"][7:]] += b" "
    with pytest.raises(BacError) as caught:
        inspected(made.top(child).folder(tmp_path))
    assert caught.value.code == "digest_mismatch"


def test_a_missing_blob_is_named(tmp_path):
    made = Made()
    child = made.image()
    del made.files["blobs/sha256/" + child["digest"][7:]]
    path = packed(tmp_path / "x.tar", made.top(child).files)
    with pytest.raises(BacError, match="holds no blobs/sha256/") as caught:
        inspected(archived_layout(path, None))
    assert caught.value.code == "bad_manifest"


def test_a_pipe_in_a_layout_is_not_waited_for(tmp_path):
    made = Made()
    made.top(made.image()).folder(tmp_path)
    (tmp_path / "index.json").unlink()
    os.mkfifo(tmp_path / "index.json")
    with pytest.raises(BacError) as caught:
        inspected(folder_layout(tmp_path, None))
    assert caught.value.code == "unreadable_file"


def test_names_may_begin_with_the_folder_itself(tmp_path):
    made = Made()
    files = {f"./{name}": body for name, body in made.top(made.image()).files.items()}
    assert names(inspected(archived_layout(packed(tmp_path / "x.tar", files), None))) == ["linux/amd64"]


def test_of_two_entries_the_last_counts(tmp_path):
    made = Made()
    made.top(made.image(architecture="s390x"))
    first = dict(made.files)
    made.top(made.image())
    info = tarfile.TarInfo("index.json")
    info.size = len(made.files["index.json"])
    path = packed(tmp_path / "x.tar", {**first, **made.files, "index.json": first["index.json"]})
    assert names(inspected(archived_layout(path, None))) == ["linux/s390x"]
    path = packed(
        tmp_path / "x.tar", {**made.files, "index.json": first["index.json"]}, (info, made.files["index.json"])
    )
    assert names(inspected(archived_layout(path, None))) == ["linux/amd64"]


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def test_a_link_leads_to_a_file_of_the_archive_only(tmp_path):
    (tmp_path / "secret").write_bytes(MARKER)
    saved = {"b.tar": b"layer"}
    path = packed(
        tmp_path / "x.tar",
        saved,
        link("x/layer.tar", "../b.tar"),
        link("y", "b.tar", tarfile.LNKTYPE),
        link("out", "../secret"),
        link("absolute", str(tmp_path / "secret")),
        link("loop", "loop"),
    )
    store = stores.tarball(path)
    assert store.read("x/layer.tar", 9) == store.read("y", 9) == b"layer"
    for name in ("out", "absolute", "loop"):
        with pytest.raises(BacError, match=f"holds no {name}"):
            store.read(name, 99)


def test_names_outside_are_in_no_archive(tmp_path):
    store = stores.tarball(packed(tmp_path / "x.tar", {"/etc/passwd": b"x", "../up": b"x", "n" * 300: b"x"}))
    assert store.entries == {}


def header(size, kind=b"0", name=b"x"):
    """A tar header by hand; a size is a number or a field of twelve bytes."""
    field = size if isinstance(size, bytes) else b"%011o\0" % size
    body = name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + field + b"00000000000\0" + b" " * 8 + kind
    body = body.ljust(257, b"\0") + b"ustar\00000"
    body = body.ljust(512, b"\0")
    return body[:148] + b"%06o\0 " % sum(body) + body[156:]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_manifest"),
        (b"this is no archive" * 100, "bad_manifest"),
        (header(10), "bad_manifest"),
        (header(2**33 - 1) + header(0), "bad_manifest"),
        (header(b"\x80" + b"\0" * 4 + b"\x7f" + b"\xff" * 6), "too_large"),
        (header(b"\xff" * 12) * 2, "bad_manifest"),
        (header(2**30, b"x") + b"0" * 512, "bad_manifest"),
        (header(2**30, b"L") + b"0" * 512, "bad_manifest"),
        (header(b"\xff" * 12, b"x") + b"0" * 512, "bad_manifest"),
        (header(0, b"L") * 5000 + header(0), "bad_manifest"),
        (header(0) * 70000, "too_large"),
        (gzip.compress(header(0) * 4)[:-20], "bad_manifest"),
        (gzip.compress(header(0))[:30] + b"\xff" * 50, "bad_manifest"),
        (b"\x1f\x8b", "bad_manifest"),
    ],
)
def test_a_hostile_archive_is_refused(tmp_path, body, code):
    (tmp_path / "x.tar").write_bytes(body)
    with pytest.raises(BacError) as caught:
        archived_layout(tmp_path / "x.tar", None)
    assert caught.value.code == code


def test_a_file_over_its_limit_is_refused(tmp_path):
    store = stores.tarball(packed(tmp_path / "x.tar", {"index.json": b" " * 100}))
    with pytest.raises(BacError) as caught:
        store.read("index.json", 99)
    assert caught.value.code == "too_large"


@pytest.mark.parametrize("body", [b"", b"{}", b"[{}]", b'[{"Config": 1}]', b"[[]]"])
def test_a_saved_archive_whose_list_cannot_be_understood(tmp_path, body):
    with pytest.raises(BacError) as caught:
        saved_images(packed(tmp_path / "x.tar", {"manifest.json": body}), None)
    assert caught.value.code == "bad_manifest"


def test_a_saved_config_is_looked_for_in_the_archive_only(tmp_path):
    listed = json.dumps([{"Config": "/etc/passwd", "RepoTags": None, "Layers": []}]).encode()
    ((tag, place),) = saved_images(packed(tmp_path / "x.tar", {"manifest.json": listed}), None)
    assert tag == "@0"
    with pytest.raises(BacError, match="holds no /etc/passwd"):
        inspected(place)


@pytest.mark.parametrize("missing", ["no/such/file", "/dev/zero", "/", "a\0b"])
def test_what_is_no_file_is_said(missing):
    with pytest.raises(BacError) as caught:
        archived_layout(Path(missing), None)
    assert caught.value.code == "unreadable_file"


def small_archive():
    raw = io.BytesIO()
    made = Made()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, body in made.top(made.image()).files.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            info.pax_headers = {"comment": "x" * 200}
            tar.addfile(info, io.BytesIO(body))
    return raw.getvalue()


ARCHIVE = small_archive()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(ARCHIVE) - 1), st.integers(0, 255)), max_size=12), st.booleans())
@example([], False)
def test_no_damage_does_more_than_fail(tmp_path, changes, compressed):
    body = bytearray(ARCHIVE)
    for place, value in changes:
        body[place] = value
    path = tmp_path / "x.tar"
    path.write_bytes(gzip.compress(bytes(body), 1) if compressed else bytes(body))
    with suppress(BacError):
        inspected(archived_layout(path, None))
