from __future__ import annotations

import hashlib
import io
import json
import tarfile

import pytest

from bactools.core import executables
from bactools.core.platforms import parse
from bactools.core.scratch_image import archive, plain


def unpacked(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name: (member, tar.extractfile(member).read()) for member in tar}


def parts(data):
    """The manifest's entry, the config and the files of the one layer."""
    files = {name: content for name, (_, content) in unpacked(data).items()}
    [manifest] = json.loads(files["manifest.json"])
    [layer] = manifest["Layers"]
    return manifest, files[manifest["Config"]], files[layer]


def test_the_image_holds_the_program_and_nothing_else():
    program = executables.program("arm64")
    _, _, layer = parts(archive(program, parse("linux/arm64"), {}))
    [(name, (member, content))] = unpacked(layer).items()
    assert (name, content, member.mode, member.uid, member.mtime) == ("program", program, 0o755, 0, 0)


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux/arm/v7", {"os": "linux", "architecture": "arm", "variant": "v7"}),
        ("linux/s390x", {"os": "linux", "architecture": "s390x"}),
    ],
)
def test_the_config_names_the_platform_and_the_labels(platform, expected):
    _, config, layer = parts(archive(b"x", parse(platform), {"a": "b"}))
    found = json.loads(config)
    assert {key: found[key] for key in ("os", "architecture", "variant") if key in found} == expected
    assert found["config"] == {"Entrypoint": ["/program"], "Labels": {"a": "b"}}
    assert found["rootfs"] == {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]}


def test_the_config_is_named_by_its_digest_and_the_image_has_no_name():
    manifest, config, _ = parts(archive(b"x", parse("linux/amd64"), {}))
    assert manifest["Config"] == f"{hashlib.sha256(config).hexdigest()}.json"
    assert manifest["RepoTags"] is None


def test_the_same_arguments_give_the_same_bytes():
    made = [archive(b"x", parse("linux/amd64"), labels) for labels in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"})]
    assert made[0] == made[1]
    assert archive(b"x", parse("linux/amd64"), {}) != made[0]


@pytest.mark.parametrize(
    ("platform", "named"),
    [
        ("linux/arm64/v8.2", "linux/arm64"),
        ("linux/arm64/v9.2", "linux/arm64"),
        ("linux/amd64/v3", "linux/amd64"),
        ("linux/arm/v8", "linux/arm/v8"),
    ],
)
def test_an_engine_is_told_no_level_that_its_program_does_not_need(platform, named):
    assert str(plain(parse(platform))) == named
