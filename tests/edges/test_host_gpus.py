from __future__ import annotations

import shutil

import pytest

from bactools.core.records import Gpu
from bactools.edges import documents
from bactools.edges.host import gpus
from bactools.edges.host.tree import Tree

MIB = 2**20
SLEEP, SETSID = shutil.which("sleep"), shutil.which("setsid")


@pytest.fixture(autouse=True)
def bare(tmp_path, monkeypatch):
    """A PATH with nothing on it: this machine need not have a card, nor be without one."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(gpus, "ALSO", ())
    monkeypatch.setattr(gpus, "DRIVER_FOLDER", "proc/driver/absent")
    monkeypatch.setattr(gpus, "CDI_FOLDERS", ())


@pytest.fixture
def install(tmp_path):
    """Put a program of that name on PATH."""

    def write(name, script):
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return write


def read(timeout=10.0):
    return gpus.read(Tree(), timeout, decode=documents.load)


def test_no_tool_is_no_gpus():
    assert read() == ([], [])


def test_gpus_of_several_vendors_are_listed(install):
    install("xpu-smi", 'printf \'Device Name,Memory Physical Size\\n"Flex 170","14248.00 MiB"\\n\'')
    install("nvidia-smi", "echo 'NVIDIA A100, 40960'; echo 'NVIDIA GB10, [N/A]'")
    install("rocm-smi", """echo '{"card0": {"Card Series": "MI210", "VRAM Total Memory (B)": "68702699520"}}'""")
    assert read() == (
        [
            Gpu("NVIDIA", "NVIDIA A100", 40960 * MIB),
            Gpu("NVIDIA", "NVIDIA GB10", None),
            Gpu("AMD", "MI210", 68702699520),
            Gpu("Intel", "Flex 170", 14248 * MIB),
        ],
        [],
    )


def test_each_tool_is_asked_what_its_parser_reads(install, tmp_path):
    for name in ("nvidia-smi", "rocm-smi", "xpu-smi"):
        install(name, f'echo "$*" > {tmp_path}/{name}.arguments; exit 1')
    read()
    assert {path.stem: path.read_text().strip() for path in tmp_path.glob("*.arguments")} == {
        "nvidia-smi": "--query-gpu=name,memory.total --format=csv,noheader,nounits",
        "rocm-smi": "--showproductname --showmeminfo vram --json",
        "xpu-smi": "discovery --dump 2,16",
    }


def test_a_tool_off_the_path_of_cron_is_found(install, tmp_path, monkeypatch):
    install("nvidia-smi", "echo 'NVIDIA T4, 15360'")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(gpus, "ALSO", (str(tmp_path / "bin"),))
    assert read() == ([Gpu("NVIDIA", "NVIDIA T4", 15360 * MIB)], [])


def test_a_tool_without_its_driver_is_a_warning(install):
    install("nvidia-smi", "echo 'no driver'; exit 9")
    found, warnings = read()
    assert found is None
    assert "ended with status 9" in warnings[0]


def test_a_tool_that_cannot_run_is_a_warning(install, tmp_path):
    install("nvidia-smi", "")
    (tmp_path / "bin/nvidia-smi").write_bytes(b"\x7fELF")
    found, warnings = read()
    assert found is None
    assert "cannot run" in warnings[0]


def test_a_tool_that_fails_does_not_hide_the_others(install):
    install("nvidia-smi", "exit 9")
    install("rocm-smi", """echo '{"card0": {"Card Series": "MI210"}}'""")
    found, warnings = read()
    assert found == [Gpu("AMD", "MI210", None)]
    assert len(warnings) == 1


def test_tools_that_hang_are_stopped_together_with_their_children(install):
    for name in ("nvidia-smi", "rocm-smi", "xpu-smi"):
        install(name, f"{SLEEP} 60 & {SLEEP} 60")
    found, warnings = read(timeout=0.3)
    assert found is None
    assert len(warnings) == 3
    assert all("takes more than 0.3 s" in warning for warning in warnings)


def test_a_tool_that_hangs_takes_no_time_from_the_others(install):
    install("nvidia-smi", f"{SLEEP} 60")
    install("rocm-smi", """echo '{"card0": {"Card Series": "MI210"}}'""")
    found, warnings = read(timeout=3)
    assert found == [Gpu("AMD", "MI210", None)]
    assert len(warnings) == 1


def test_a_process_that_the_tool_leaves_with_its_output_does_not_hold_us_up(install):
    install("nvidia-smi", f"{SETSID} {SLEEP} 5 & echo 'NVIDIA, 1'")
    found, warnings = read(timeout=0.2)
    assert found is None
    assert "takes more than" in warnings[0]


def test_a_tool_that_does_not_stop_writing_is_stopped(install):
    install("nvidia-smi", "while :; do echo 'NVIDIA, 1'; done")
    found, warnings = read()
    assert found is None
    assert "65536 bytes" in warnings[0]


CDI = """\
cdiVersion: 0.6.0
kind: nvidia.com/gpu
devices:
- name: "0"
  containerEdits: {deviceNodes: [{path: /dev/nvidia0}]}
- name: all
  containerEdits: {deviceNodes: [{path: /dev/nvidia0}]}
"""


@pytest.fixture
def captured(tmp_path, monkeypatch):
    """A captured host with a driver's folder and CDI files where they usually are."""
    monkeypatch.undo()
    root = tmp_path / "root"
    (root / "etc/cdi").mkdir(parents=True)
    return root


def from_tree(root):
    return gpus.read(Tree(root), decode=documents.load)


def test_cdi_names_gpus_where_no_tool_does(captured):
    (captured / "etc/cdi/nvidia.yaml").write_text(CDI)
    (captured / "etc/cdi/amd.json").write_text('{"kind": "amd.com/gpu", "devices": [{"name": "0"}]}')
    (captured / "etc/cdi/notes.txt").write_text("not a specification")
    assert from_tree(captured) == ([Gpu("AMD", "amd.com/gpu=0", None), Gpu("NVIDIA", "nvidia.com/gpu=0", None)], [])


def test_one_cdi_device_in_two_folders_is_one_gpu(captured):
    (captured / "run").mkdir()
    (captured / "run/cdi").mkdir()
    for folder in ("etc", "run"):
        (captured / folder / "cdi/nvidia.yaml").write_text(CDI)
    assert from_tree(captured) == ([Gpu("NVIDIA", "nvidia.com/gpu=0", None)], [])


def test_a_damaged_cdi_file_is_a_warning(captured):
    (captured / "etc/cdi/nvidia.yaml").write_text("kind: [")
    found, warnings = from_tree(captured)
    assert found is None
    assert "etc/cdi/nvidia.yaml" in warnings[0]


def test_the_driver_names_gpus_before_cdi_does(captured):
    (captured / "etc/cdi/nvidia.yaml").write_text(CDI)
    for bus in ("0000:65:00.0", "0000:17:00.0"):
        (captured / "proc/driver/nvidia/gpus" / bus).mkdir(parents=True)
        (captured / "proc/driver/nvidia/gpus" / bus / "information").write_text(f"Model: \t NVIDIA T4 {bus[5:7]}\n")
    assert from_tree(captured) == ([Gpu("NVIDIA", "NVIDIA T4 17"), Gpu("NVIDIA", "NVIDIA T4 65")], [])


def test_no_tool_is_run_for_a_captured_host(captured, install, tmp_path, monkeypatch):
    install("nvidia-smi", "echo 'NVIDIA T4, 15360'")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert from_tree(captured) == ([], [])
