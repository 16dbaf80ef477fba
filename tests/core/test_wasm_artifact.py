from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import wasm_artifact
from bactools.core.errors import BacError
from bactools.core.records import Import

IMAGE = "application/vnd.oci.image.config.v1+json"
CNCF = "application/vnd.wasm.config.v0+json"
LEGACY = "application/vnd.wasm.config.v1+json"
SOLO = "application/vnd.module.wasm.config.v1+json"
TAR = "application/vnd.oci.image.layer.v1.tar+gzip"
RUNWASI = "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm"
LINUX = {"os": "linux", "architecture": "amd64"}


def facts(config, config_type=IMAGE, layers=(TAR,), marked=""):
    return wasm_artifact.facts(json.dumps(config).encode(), config_type, layers, marked)


def told(found):
    return found and (str(found.platform), found.labelled)


@pytest.mark.parametrize(
    ("config", "config_type", "layers", "expected"),
    [
        ({"os": "wasip1", "architecture": "wasm"}, CNCF, ["application/wasm"], ("wasm32/wasi", None)),
        ({"os": "wasip2", "architecture": "wasm"}, CNCF, ["application/wasm"], ("wasm32/wasi/p2", None)),
        ({}, LEGACY, ["application/vnd.wasm.content.layer.v1+wasm"], ("wasm32/wasi", None)),
        ({}, SOLO, ["application/vnd.module.wasm.content.layer.v1+wasm"], ("wasm32/wasi", None)),
        ({"os": "wasip1", "architecture": "wasm"}, IMAGE, [RUNWASI, RUNWASI], ("wasm32/wasi", None)),
        (LINUX, IMAGE, [RUNWASI], ("wasm32/wasi", "linux/amd64")),
        ({"os": "wasi", "architecture": "wasm"}, IMAGE, [TAR], ("wasm32/wasi", None)),
        ({"os": "wasi", "architecture": "wasm32"}, IMAGE, [TAR], ("wasm32/wasi", None)),
        ({"os": "linux", "architecture": "wasm"}, IMAGE, [TAR], ("wasm32/wasi", "linux/wasm")),
        ({}, "application/vnd.oci.empty.v1+json", ["application/wasm"], ("wasm32/wasi", None)),
        (LINUX, IMAGE, [TAR], None),
        ({}, IMAGE, [TAR], None),
    ],
)
def test_each_layout_in_the_wild_has_its_platform(config, config_type, layers, expected):
    assert told(facts(config, config_type, layers)) == expected


@pytest.mark.parametrize(
    ("run", "marked", "is_wasm"),
    [
        ({"Entrypoint": ["/app.wasm"]}, "", True),
        ({"Entrypoint": "/app.wasm"}, "", True),
        ({"Entrypoint": None, "Cmd": ["app.wat"]}, "", True),
        ({"Entrypoint": ["/bin/wasmtime"], "Cmd": ["/app.wasm"]}, "", False),
        ({"Cmd": ["/bin/sh", "-c", "/app.wasm"]}, "", False),
        ({"Entrypoint": ["/app"]}, "", False),
        ({"Entrypoint": ["/app"]}, "wasm", True),
        ({"Entrypoint": ["/app"]}, "smart", False),
        ({"Entrypoint": ["/app.wasm"]}, "smart", True),
        ({"Entrypoint": []}, "smart", True),
        (None, "smart", True),
        (None, "", False),
    ],
)
def test_a_mislabelled_image_is_known_by_its_program_and_annotation(run, marked, is_wasm):
    expected = ("wasm32/wasi", "linux/amd64") if is_wasm else None
    assert told(facts({**LINUX, "config": run}, marked=marked)) == expected


def test_a_components_interfaces_are_read_from_the_config():
    component = {"imports": ["wasi:cli/environment@0.2.0", "log"], "exports": ["run"], "target": "x:y/z@1.0.0"}
    found = facts({"os": "wasip2", "architecture": "wasm", "component": component}, CNCF, ["application/wasm"])
    assert found.format == "component"
    assert found.imports == (
        Import("wasi:cli/environment@0.2.0", "", "instance"),
        Import("log", "", "func"),
    )
    assert found.exports == ("run",)


def test_what_an_artifact_does_not_say_is_not_known():
    found = facts({"os": "wasip1", "architecture": "wasm"}, CNCF, ["application/wasm"])
    assert (found.format, found.imports, found.exports) == ("core", None, None)
    found = facts({}, LEGACY, ["application/wasm"])
    assert (found.format, found.imports, found.exports) == (None, None, None)


def test_an_artifact_of_several_modules_is_refused():
    with pytest.raises(BacError) as caught:
        facts({"os": "wasip1", "architecture": "wasm"}, CNCF, ["application/wasm"] * 2)
    assert caught.value.code == "bad_manifest"


@pytest.mark.parametrize("config", [b"", b"\0asm", b"[]", b'{"component": 3}'])
def test_a_legacy_config_may_hold_anything_and_others_may_not(config):
    assert told(wasm_artifact.facts(config, LEGACY, [], "")) == ("wasm32/wasi", None)
    for strict in (CNCF, IMAGE):
        with pytest.raises(BacError):
            wasm_artifact.facts(config, strict, [], "")


@pytest.mark.parametrize(
    ("annotations", "mark"),
    [
        ({}, ""),
        ({"module.wasm.image/variant": "compat"}, "wasm"),
        ({"module.wasm.image/variant": "compat-smart"}, "smart"),
        ({"run.oci.handler": "wasm-smart"}, "smart"),
        ({"run.oci.handler": "krun", "module.wasm.image/variant": "compat"}, ""),
        ({"module.wasm.image/variant": 1}, ""),
    ],
)
def test_annotations_count_as_they_do_for_crun(annotations, mark):
    assert wasm_artifact.mark(annotations) == mark


VALUES = st.none() | st.text(max_size=5) | st.lists(st.text(max_size=5), max_size=2) | st.just({"imports": ["a:b"]})
CONFIGS = st.dictionaries(
    st.sampled_from(["os", "architecture", "variant", "config", "component"]),
    VALUES | st.sampled_from(["wasm", "wasip2", "linux"]),
)


@given(
    st.binary(max_size=20) | CONFIGS.map(lambda value: json.dumps(value).encode()),
    st.sampled_from([IMAGE, CNCF, LEGACY]),
)
def test_no_config_does_more_than_fail(config, config_type):
    with suppress(BacError):
        found = wasm_artifact.facts(config, config_type, [], "")
        assert found is None or found.platform.engine == "wasm"
