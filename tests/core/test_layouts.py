from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import layouts
from bactools.core.errors import BacError
from bactools.core.layouts import Chosen, Saved

INDEX = "application/vnd.oci.image.index.v1+json"


def digest(letter):
    return "sha256:" + letter * 64


def child(letter, name=None, **annotations):
    named = {layouts.REF_NAME: name} if name else {}
    return {"mediaType": INDEX, "digest": digest(letter), "size": 1, "annotations": {**named, **annotations}}


def choose(*children, name=None):
    return layouts.choose(json.dumps({"schemaVersion": 2, "manifests": children}).encode(), name, "/x")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("dir", ("dir", None)),
        ("/a/dir:1", ("/a/dir", "1")),
        ("a.tar:registry:5000/app:1", ("a.tar", "registry:5000/app:1")),
        ("dir:", ("dir", "")),
    ],
)
def test_a_name_follows_the_first_colon(text, parts):
    assert layouts.split(text) == parts


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_every_version_1_is_read(version):
    layouts.check_marker(json.dumps({"imageLayoutVersion": version}).encode(), "/x")


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"imageLayoutVersion": "2.0.0"}', b'{"imageLayoutVersion": 1}'])
def test_another_version_is_refused(body):
    with pytest.raises(BacError) as caught:
        layouts.check_marker(body, "/x")
    assert caught.value.code == "bad_manifest"


def test_the_only_image_needs_no_name():
    assert choose(child("a")) == choose(child("a", "v1")) == Chosen(digest("a"), INDEX)


def test_an_attestation_beside_it_leaves_it_the_only_one():
    attached = child("b", **{"vnd.docker.reference.type": "attestation-manifest"})
    assert choose(child("a"), attached) == Chosen(digest("a"), INDEX)


@pytest.mark.parametrize("name", ["v2", "registry:5000/app:v2", "docker.io/library/app:v2"])
def test_an_image_is_found_by_its_name(name):
    assert choose(child("a", "v1"), child("b", name), name=name) == Chosen(digest("b"), INDEX)


def test_an_image_is_found_by_the_name_that_containerd_wrote():
    named = child("b", "v2", **{"io.containerd.image.name": "docker.io/library/app:v2"})
    assert choose(child("a", "v1"), named, name="docker.io/library/app:v2").digest == digest("b")


def test_of_equal_names_the_first_counts():
    assert choose(child("a", "v1"), child("b", "v1"), name="v1").digest == digest("a")


def test_several_images_without_names_are_one_index():
    assert choose(child("a"), child("b")) == Chosen("", "")


@pytest.mark.parametrize(
    ("children", "name", "code", "hint"),
    [
        ([child("a", "v1"), child("b", "v2")], None, "bad_reference", "There are: v1, v2."),
        ([child("a", "v1")], "v2", "not_found", "There are: v1."),
        ([child("a")], "v2", "not_found", None),
        ([], None, "not_found", None),
        ([{"digest": "sha256:../../etc/passwd"}], None, "bad_manifest", None),
    ],
)
def test_a_choice_that_cannot_be_made_names_what_there_is(children, name, code, hint):
    with pytest.raises(BacError) as caught:
        choose(*children, name=name)
    assert (caught.value.code, caught.value.hint) == (code, hint)


IMAGES = (
    Saved("a.json", ("app:1", "docker.io/library/app:2"), ("a.tar",)),
    Saved("b.json", (), ()),
    Saved("c.json", ("other:latest",), ()),
)


@pytest.mark.parametrize(
    ("name", "places"),
    [(None, [0, 1, 2]), ("app:1", [0]), ("docker.io/library/app:1", [0]), ("app:2", [0]), ("other", [2]), ("@1", [1])],
)
def test_saved_images_are_all_or_that_with_a_tag_or_place(name, places):
    assert layouts.selected(IMAGES, name, "/x") == [(place, IMAGES[place]) for place in places]


@pytest.mark.parametrize(("name", "code"), [("app:3", "not_found"), ("@9", "not_found"), ("UPPER", "bad_reference")])
def test_a_saved_image_that_is_not_there(name, code):
    with pytest.raises(BacError) as caught:
        layouts.selected(IMAGES, name, "/x")
    assert caught.value.code == code


def test_saved_layers_have_the_digests_of_their_content_or_of_their_blobs():
    config = json.dumps({"rootfs": {"diff_ids": [digest("1"), digest("2")]}}).encode()
    image = Saved("c", (), ("x/layer.tar", "blobs/sha256/" + "a" * 64))
    assert layouts.layers(image, config, "/x") == [
        (digest("1"), "x/layer.tar"),
        (digest("a"), "blobs/sha256/" + "a" * 64),
    ]
    with pytest.raises(BacError):
        layouts.layers(Saved("c", (), ("x/layer.tar",)), config, "/x")


@given(st.binary(max_size=40), st.none() | st.text(max_size=5))
def test_no_body_does_more_than_fail(body, name):
    for read in (layouts.choose, lambda body, _, where: layouts.saved(body, where)):
        with suppress(BacError):
            read(body, name, "/x")
