from __future__ import annotations

from bactools.core.records import Program
from bactools.edges.host import programs


def install(folder, *names, mode=0o755):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch(mode)
        (folder / name).chmod(mode)
    return str(folder)


def test_runtimes_are_found_in_the_order_of_the_path(tmp_path):
    first = install(tmp_path / "first", "crun", "wasmtime")
    second = install(tmp_path / "second", "wasmtime", "podman", "sh")
    assert programs.find(f"{first}:{second}") == [
        Program("wasmtime", f"{first}/wasmtime"),
        Program("podman", f"{second}/podman"),
        Program("crun", f"{first}/crun"),
    ]


def test_shims_are_found_by_their_names(tmp_path):
    folder = install(
        tmp_path / "bin",
        "containerd-shim-wasmtime-v1",
        "containerd-shim-runc-v2",
        "containerd-shim",
        "containerd-shim-x",
    )
    assert [program.name for program in programs.find(folder)] == [
        "containerd-shim-runc-v2",
        "containerd-shim-wasmtime-v1",
    ]


def test_what_cannot_be_executed_is_no_program(tmp_path):
    folder = install(tmp_path / "bin", "wasmer", mode=0o644)
    (tmp_path / "bin/wasmtime").mkdir()
    (tmp_path / "bin/crun").symlink_to("nowhere")
    assert programs.find(folder) == []


def test_a_folder_that_is_absent_or_relative_is_passed_over(tmp_path, monkeypatch):
    install(tmp_path / "bin", "wasmtime")
    monkeypatch.chdir(tmp_path)
    assert programs.find(f"bin:{tmp_path}/absent::.") == []
    assert programs.find("") == []


def test_no_program_is_run(tmp_path):
    folder = install(tmp_path / "bin", "wasmtime")
    (tmp_path / "bin/wasmtime").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    assert len(programs.find(folder)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]
