from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from bactools.core import manifest
from bactools.core.errors import BacError
from bactools.core.records import ImagePlatform

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def digest(letter):
    return "sha256:" + letter * 64


def child(letter, platform=None, media_type=OCI_MANIFEST, **more):
    told = {} if platform is None else {"platform": platform}
    return {"mediaType": media_type, "digest": digest(letter), "size": 400, **told, **more}


def index(*children, **fields):
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(children), **fields}
    return manifest.read(json.dumps({key: value for key, value in document.items() if value is not ...}).encode())


def platforms(*children):
    return [entry.platform and entry.platform.platform for entry in index(*children).entries]


@pytest.mark.parametrize(
    ("told", "platform"),
    [
        ({"os": "linux", "architecture": "amd64"}, "linux/amd64"),
        ({"os": "linux", "architecture": "arm64", "variant": "v8"}, "linux/arm64"),
        ({"os": "linux", "architecture": "arm", "variant": "v7"}, "linux/arm/v7"),
        ({"os": "linux", "architecture": "amd64", "variant": "v3"}, "linux/amd64/v3"),
        ({"os": "windows", "architecture": "amd64", "os.version": "10.0.20348.1"}, "windows(10.0.20348.1)/amd64"),
        ({"os": "wasip1", "architecture": "wasm"}, "wasm32/wasi"),
        ({"os": "linux", "architecture": "s390x", "variant": None, "os.features": None}, "linux/s390x"),
    ],
)
def test_an_entry_has_its_platform_in_canonical_form(told, platform):
    assert platforms(child("a", told)) == [platform]


def test_an_entry_keeps_the_fields_as_they_were_given():
    told = {
        "os": "windows",
        "architecture": "amd64",
        "variant": "v1",
        "os.version": "10.0.1.2",
        "os.features": ["win32k"],
    }
    (entry,) = index(child("a", told)).entries
    assert entry.platform == ImagePlatform(
        platform="windows(10.0.1.2+win32k)/amd64",
        os="windows",
        architecture="amd64",
        variant="v1",
        os_version="10.0.1.2",
        os_features=["win32k"],
        digest=digest("a"),
        size=400,
    )


@pytest.mark.parametrize("size", [None, -5, 2**70])
def test_absent_fields_stay_absent(size):
    (entry,) = index(child("a", {"os": "linux", "architecture": "amd64"}, size=size)).entries
    assert entry.platform is not None
    assert entry.platform.variant is UNSET
    assert entry.platform.os_version is UNSET
    assert entry.platform.size is UNSET


LINUX = {"os": "linux", "architecture": "amd64"}
WASM_CONFIG = "application/vnd.wasm.config.v0+json"


@pytest.mark.parametrize(
    ("annotations", "platform", "labelled"),
    [
        ({}, "linux/amd64", UNSET),
        ({"module.wasm.image/variant": "compat"}, "wasm32/wasi", "linux/amd64"),
        ({"run.oci.handler": "wasm"}, "wasm32/wasi", "linux/amd64"),
        ({"run.oci.handler": "krun"}, "linux/amd64", UNSET),
        ({"run.oci.handler": {"not": "text"}}, "linux/amd64", UNSET),
    ],
)
def test_an_entry_annotated_as_webassembly_is_so_whatever_its_label(annotations, platform, labelled):
    (entry,) = index(child("a", LINUX, annotations=annotations)).entries
    assert entry.platform == ImagePlatform(platform, "linux", "amd64", digest=digest("a"), size=400, labelled=labelled)


def test_an_entry_whose_program_decides_is_left_to_be_looked_at():
    assert platforms(child("a", LINUX, annotations={"module.wasm.image/variant": "compat-smart"})) == [None]


def test_a_webassembly_artifact_without_a_platform_is_left_to_be_looked_at():
    assert platforms(child("a", artifactType=WASM_CONFIG)) == [None]


@pytest.mark.parametrize(
    ("told", "platform"),
    [
        ({"os": "linux", "architecture": "wasm"}, "wasm32/wasi"),
        ({"os": "linux", "architecture": "wasm64"}, "wasm64/wasi"),
        ({"os": "wasip2", "architecture": "wasm"}, "wasm32/wasi/p2"),
        ({"architecture": "wasm"}, "wasm32/wasi"),
        ({"os": "js", "architecture": "wasm"}, "js/wasm"),
    ],
)
def test_the_architecture_wasm_is_wasi_unless_another_system_is_named(told, platform):
    assert platforms(child("a", told)) == [platform]


@pytest.mark.parametrize(
    "left_out",
    [
        child("b", {"os": "unknown", "architecture": "unknown"}),
        child("b", LINUX, annotations={"vnd.docker.reference.type": "attestation-manifest"}),
        child("b", LINUX, annotations={"vnd.docker.reference.digest": digest("a")}),
        child("b", LINUX, media_type="application/vnd.example.unheard-of+json"),
        child("b", LINUX, media_type="application/vnd.docker.distribution.manifest.v1+prettyjws"),
        child("b", artifactType="application/vnd.example.sbom"),
    ],
)
def test_what_is_no_image_is_left_out(left_out):
    assert platforms(child("a", LINUX), left_out) == ["linux/amd64"]


@pytest.mark.parametrize("told", [None, {}, {"os": "linux"}, {"architecture": "amd64"}, {"os": "", "architecture": ""}])
def test_an_entry_that_does_not_tell_its_platform_is_left_to_be_looked_at(told):
    assert index(child("a", told)).entries == (manifest.Entry(digest("a"), 400, None),)


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST])
def test_a_nested_index_is_left_to_be_followed_whatever_platform_it_claims(media_type):
    assert platforms(child("a", LINUX, media_type=media_type)) == [None]


@pytest.mark.parametrize("manifests", [[], None])
def test_an_index_may_be_empty(manifests):
    assert index(manifests=manifests) == manifest.Index(OCI_INDEX, ())


def test_of_equal_platforms_the_first_entry_wins():
    entries = index(
        child("a", {"os": "linux", "architecture": "arm64"}),
        child("b", {"os": "linux", "architecture": "arm64", "variant": "v8"}),
        child("c", {"os": "windows", "architecture": "amd64", "os.version": "10.0.20348.1"}),
        child("d", {"os": "windows", "architecture": "amd64", "os.version": "10.0.26100.1"}),
    ).entries
    chosen = manifest.first_of_each(entry.platform for entry in entries if entry.platform)
    assert [entry.digest for entry in chosen] == [digest("a"), digest("c"), digest("d")]


@pytest.mark.parametrize(
    ("fields", "content_type", "media_type"),
    [
        ({}, "text/plain", OCI_INDEX),
        ({"mediaType": DOCKER_LIST}, "text/plain", DOCKER_LIST),
        ({"mediaType": ...}, DOCKER_LIST + "; charset=utf-8", DOCKER_LIST),
        ({"mediaType": ...}, "application/json", OCI_INDEX),
    ],
)
def test_the_media_type_is_the_documents_own_then_the_answers(fields, content_type, media_type):
    document = {"mediaType": OCI_INDEX, "manifests": [], **fields}
    body = json.dumps({key: value for key, value in document.items() if value is not ...}).encode()
    assert manifest.read(body, content_type).media_type == media_type


def image(config_type=OCI_CONFIG, media_type=OCI_MANIFEST, **more):
    config = {"mediaType": config_type, "digest": digest("c"), "size": 9}
    return manifest.read(
        json.dumps({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": [], **more}).encode()
    )


@pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST])
def test_a_single_manifest_points_to_its_config(media_type):
    assert image(media_type=media_type) == manifest.Manifest(media_type, digest("c"), None, OCI_CONFIG)


def test_a_manifest_describes_its_layers_as_it_is_written():
    layers = [{"mediaType": "a/b", "digest": digest("d"), "size": 7}, {"digest": "nonsense"}]
    assert image(layers=layers).layers == (manifest.Layer(digest("d"), 7, "a/b"), manifest.Layer("nonsense", None, ""))


def test_the_config_tells_the_platform_with_its_variant():
    body = json.dumps({"os": "linux", "architecture": "arm", "variant": "v6", "rootfs": {"type": "layers"}}).encode()
    found = manifest.of_config(body, digest("a"), 405)
    assert found == ImagePlatform("linux/arm/v6", "linux", "arm", "v6", digest=digest("a"), size=405)


@pytest.mark.parametrize("config", [{}, {"os": "linux"}, {"os": "unknown", "architecture": "unknown"}])
def test_a_config_may_not_tell_the_platform(config):
    assert manifest.of_config(json.dumps(config).encode(), digest("a")) is None


def test_an_artifact_is_told_from_an_image_by_its_config():
    assert image("application/vnd.cncf.helm.config.v1+json").artifact == "application/vnd.cncf.helm.config.v1+json"
    empty = image("application/vnd.oci.empty.v1+json", artifactType="application/vnd.example.sbom")
    assert empty.artifact == "application/vnd.example.sbom"


@pytest.mark.parametrize(
    "document",
    [
        {"schemaVersion": 1, "name": "library/old", "architecture": "amd64", "fsLayers": [], "history": []},
        {"mediaType": "application/vnd.docker.distribution.manifest.v1+prettyjws"},
    ],
)
def test_schema_1_is_refused(document):
    with pytest.raises(BacError) as caught:
        manifest.read(json.dumps(document).encode())
    assert caught.value.code == "schema1"
    assert caught.value.hint == "Push the image again with a current tool, or ask its owner to."


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"<!doctype html><title>Sign in</title>",
        b'{"manifests": [], "config": {"digest": "sha256:00"}}',
        b'{"manifests": [], "layers": []}',
        b'{"mediaType": "%s", "config": {"digest": "%s"}}' % (OCI_INDEX.encode(), digest("c").encode()),
        b'{"mediaType": "%s", "manifests": []}' % OCI_MANIFEST.encode(),
        b'{"manifests": {}}',
        b'{"manifests": ["x"]}',
        b'{"manifests": [{}]}',
        b'{"manifests": [{"digest": "sha256:../../x"}]}',
        b'{"manifests": [{"digest": "%s", "platform": "linux/amd64"}]}' % digest("c").encode(),
        b'{"manifests": [{"digest": "%s", "platform": {"os": "lin ux", "architecture": "x"}}]}' % digest("c").encode(),
        b'{"config": {}}',
        b'{"config": {"digest": "sha256:c"}}',
        b'{"config": null, "layers": []}',
        b'{"mediaType": "\xff"}',
        b'{"mediaType": "\\ud800"}',
        b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_what_cannot_be_understood_is_refused(body):
    with pytest.raises(BacError) as caught:
        manifest.read(body)
    assert caught.value.code == "bad_manifest"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=9)
    | st.sampled_from([OCI_INDEX, digest("a"), "linux"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["manifests", "config", "digest", "platform", "os", "architecture", "mediaType", "size"]),
            inner,
            max_size=5,
        )
    ),
)


@given(st.one_of(st.binary(), JSON.map(lambda value: json.dumps(value).encode())))
def test_no_document_does_more_than_fail(body):
    with suppress(BacError):
        manifest.read(body)
    with suppress(BacError):
        manifest.of_config(body, digest("a"))
