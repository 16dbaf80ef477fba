"""bac-exec and mounts within inputs: their places are made in what was fetched, and nowhere else."""

from __future__ import annotations

import base64
import json
import tarfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from file_server import serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient
    from processes import Completed

    Run = Callable[..., Completed]


@pytest.fixture
def execute(run: Run, docker: DockerClient, registry: str, home: Path) -> Callable[..., Completed]:
    """``execute("ls /in", [inputs], outputs={"out": "/in/out"})``."""
    assert docker.ping()

    def execute(script: str, sources: list[dict[str, Any]], outputs: dict[str, str]) -> Completed:
        image = {"Image": f"{registry}/busybox:multi", "Entrypoint": ["sh", "-c"], "Parameters": [script]}
        task = {
            "Name": "main",
            "Engine": {"Type": "docker", "Params": image},
            "InputSources": sources,
            "ResultPaths": [{"Name": name, "Path": path} for name, path in outputs.items()],
        }
        (home / "job.yaml").write_text(json.dumps({"Type": "batch", "Tasks": [task]}), encoding="utf-8")
        return run("bac-exec", home / "job.yaml")

    return execute


def source(kind: str, target: str, **params: str | bool) -> dict[str, Any]:
    return {"Target": target, "Source": {"Type": kind, "Params": params}}


def packed(target: str) -> dict[str, Any]:
    """A folder with ``file`` in it."""
    raw = BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("file"))
    return source("inline", target, URL="data:application/gzip;base64," + base64.b64encode(raw.getvalue()).decode())


def test_an_output_in_a_packed_input_gets_its_folder(execute: Callable[..., Completed]):
    ran = execute("echo x > /in/a/out/y; find /in | sort", [packed("/in")], {"out": "/in/a/out"})
    (record,) = ran.records
    assert record["stdout"]["tail"] == "/in\n/in/a\n/in/a/out\n/in/a/out/y\n/in/file\n"
    assert Path(record["results"], "out", "y").read_bytes() == b"x\n"


def test_a_download_in_a_packed_input_gets_its_file(execute: Callable[..., Completed]):
    with serving(b"data") as files:
        ran = execute("cat /in/deep/file.bin", [packed("/in"), source("urlDownload", "/in/deep", URL=files.url)], {})
    assert ran.records[0]["stdout"]["tail"] == "data"


def test_an_output_where_a_packed_input_has_a_file_is_refused(execute: Callable[..., Completed]):
    (record,) = execute("true", [packed("/in")], {"out": "/in/file"}).records
    assert record["code"] == "unsupported"
    assert record["message"] == "the input at /in has no folder file for the output"


def test_what_a_folder_of_this_host_lacks_is_refused_before_anything_is_fetched(
    execute: Callable[..., Completed], home: Path
):
    (home / "in").mkdir()
    here = source("local", "/in", SourcePath=str(home / "in"))
    with serving(b"data") as files:
        ran = execute("true", [here, source("urlDownload", "/in/deep", URL=files.url)], {})
        also = execute("true", [here, source("urlDownload", "/else", URL=files.url)], {"out": "/in/out"})
        assert files.asked == []
    assert [(it["code"], it["message"], it["retryable"]) for it in ran.records + also.records] == [
        ("unsupported", "the input at /in has no deep for another input", False),
        ("unsupported", "the input at /in has no folder out for the output", False),
    ]
    assert list((home / "in").iterdir()) == []


def test_a_download_needs_a_file_of_its_name_in_a_folder_of_this_host(execute: Callable[..., Completed], home: Path):
    (home / "in" / "deep").mkdir(parents=True)
    with serving(b"data") as files:
        asked = [
            source("local", "/in", SourcePath=str(home / "in")),
            source("urlDownload", "/in/deep", URL=files.url),
        ]
        (refused,) = execute("true", asked, {}).records
        (home / "in" / "deep" / "file.bin").touch()
        (record,) = execute("cat /in/deep/file.bin", asked, {}).records
    assert refused["message"] == "the input at /in has no file deep/file.bin for another input"
    assert record["stdout"]["tail"] == "data"
    assert (home / "in" / "deep" / "file.bin").read_bytes() == b""


@pytest.mark.parametrize("name", ["out", "link"])
def test_a_place_that_is_there_is_used(execute: Callable[..., Completed], home: Path, name: str):
    (home / "in" / "out").mkdir(parents=True)
    (home / "in" / "link").symlink_to("out")
    here = source("local", "/in", SourcePath=str(home / "in"))
    (record,) = execute(f"echo x > /in/{name}/y", [here], {"out": f"/in/{name}"}).records
    assert Path(record["results"], "out", "y").read_bytes() == b"x\n"


def test_a_writable_folder_of_this_host_gets_what_it_lacks(execute: Callable[..., Completed], home: Path):
    (home / "in").mkdir()
    here = source("local", "/in", SourcePath=str(home / "in"), ReadWrite=True)
    (record,) = execute("echo x > /in/out/y", [here], {"out": "/in/out"}).records
    assert Path(record["results"], "out", "y").read_bytes() == b"x\n"
