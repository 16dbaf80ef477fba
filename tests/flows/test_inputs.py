"""Inputs brought to this host: one budget for all of a job, and only those of the host's files that jobs may have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bactools.core.budget import Budget
from bactools.core.errors import BacError
from bactools.core.hostfile import LocalPath
from bactools.core.jobspec import Input
from bactools.core.running import Mount
from bactools.flows import inputs

EVERYTHING = inputs.Sources()


def place(scratch: Path, sources: inputs.Sources = EVERYTHING, limit: int = 1000) -> inputs.Place:
    scratch.mkdir(exist_ok=True)
    return inputs.Place(sources, (0, 1), Budget(limit), scratch, lambda _: None)


def local(path: Path, **params: Any) -> Input:
    return Input("local", {"SourcePath": str(path), **params}, "/inputs")


def inline(text: str) -> Input:
    return Input("inline", {"URL": f"data:,{text}"}, "/inputs")


def test_all_inputs_of_a_job_share_one_budget(tmp_path: Path):
    here = place(tmp_path / "scratch", limit=10)
    first = inputs.fetched(inline("abcdef"), "/a", here)
    assert Path(first.host).read_bytes() == b"abcdef"
    with pytest.raises(BacError) as caught:
        inputs.fetched(inline("ghijk"), "/b", here)
    assert caught.value.code == "too_large"


def test_two_inputs_never_share_a_folder(tmp_path: Path):
    here = place(tmp_path / "scratch")
    mounts = [inputs.fetched(inline(text), f"/{text}", here) for text in ("a", "b")]
    assert [Path(mount.host).read_bytes() for mount in mounts] == [b"a", b"b"]


def test_without_a_list_every_path_is_allowed(tmp_path: Path):
    assert inputs.here(local(tmp_path), "/inputs", EVERYTHING) == Mount(str(tmp_path), "/inputs", writable=False)


def test_links_and_dots_are_resolved_before_they_are_looked_at(tmp_path: Path):
    (tmp_path / "allowed").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "allowed" / "link").symlink_to(tmp_path / "secret")
    known = inputs.Sources(local_paths=(LocalPath(str(tmp_path / "allowed"), writable=False),))
    for way in ("allowed/link", "allowed/../secret", "secret"):
        with pytest.raises(BacError) as caught:
            inputs.here(local(tmp_path / way), "/inputs", known)
        assert caught.value.code == "not_allowed"


def test_what_was_looked_at_is_what_is_mounted(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    known = inputs.Sources(local_paths=(LocalPath(str(tmp_path / "link"), writable=True),))
    found = inputs.here(local(tmp_path / "link", ReadWrite=True), "/inputs", known)
    assert found == Mount(str(tmp_path / "real"), "/inputs", writable=True)


def test_writing_has_to_be_allowed_too(tmp_path: Path):
    known = inputs.Sources(local_paths=(LocalPath(str(tmp_path), writable=False),))
    inputs.here(local(tmp_path), "/inputs", known)
    with pytest.raises(BacError) as caught:
        inputs.here(local(tmp_path, ReadWrite=True), "/inputs", known)
    assert caught.value.code == "not_allowed"


def test_an_ipfs_input_without_an_endpoint_says_what_to_set(tmp_path: Path):
    item = Input("ipfs", {"CID": "QmeZRGhe4PmjctYVSVHuEiA9oSXnqmYa4kQubSHgWbjv72"}, "/inputs")
    with pytest.raises(BacError) as caught:
        inputs.fetched(item, "/inputs", place(tmp_path / "scratch"))
    assert caught.value.code == "bad_config"
    assert "BACTOOLS_IPFS_GATEWAY" in (caught.value.hint or "")
