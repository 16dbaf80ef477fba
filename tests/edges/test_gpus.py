from __future__ import annotations

import shutil
import stat

import pytest

from bactools.core.errors import BacError
from bactools.core.records import Gpu
from bactools.edges import gpus


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Put a program called nvidia-smi, alone, on PATH: this machine need not have the card."""

    def write(script: str) -> None:
        path = tmp_path / gpus.TOOL
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path))

    return write


def test_no_tool_is_no_gpus(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus.read() == []


def test_gpus_are_listed_in_order(nvidia_smi):
    nvidia_smi("echo 'NVIDIA A100-SXM4-40GB, 40960'; echo 'NVIDIA GB10, [N/A]'")
    assert gpus.read() == [Gpu("NVIDIA", "NVIDIA A100-SXM4-40GB", 40960 * 2**20), Gpu("NVIDIA", "NVIDIA GB10", None)]


def test_a_tool_without_its_driver_is_an_error(nvidia_smi):
    nvidia_smi("echo 'no driver'; exit 9")
    with pytest.raises(BacError) as caught:
        gpus.read()
    assert caught.value.code == "engine_failed"
    assert "ended with status 9" in caught.value.message


def test_a_tool_that_cannot_run_is_an_error(nvidia_smi, tmp_path):
    nvidia_smi("")
    (tmp_path / gpus.TOOL).write_bytes(b"\x7fELF")
    with pytest.raises(BacError) as caught:
        gpus.read()
    assert caught.value.code == "engine_failed"


def test_a_tool_that_hangs_is_stopped_with_its_children(nvidia_smi, monkeypatch):
    monkeypatch.setattr(gpus, "TIMEOUT", 0.2)
    nvidia_smi("/bin/sleep 60 & /bin/sleep 60")
    with pytest.raises(BacError) as caught:
        gpus.read()
    assert caught.value.code == "timed_out"


def test_a_process_that_the_tool_leaves_with_its_output_does_not_hold_us_up(nvidia_smi, monkeypatch):
    monkeypatch.setattr(gpus, "TIMEOUT", 0.2)
    nvidia_smi(f"{shutil.which('setsid')} {shutil.which('sleep')} 5 & echo 'NVIDIA, 1'")
    with pytest.raises(BacError) as caught:
        gpus.read()
    assert caught.value.code == "timed_out"


@pytest.mark.parametrize("memory", ["9" * 5000, "9" * 13, "١٢", "-1"])
def test_a_memory_that_is_no_number_of_mebibytes_is_not_known(nvidia_smi, memory):
    nvidia_smi(f"echo 'NVIDIA A100, {memory}'")
    assert gpus.read() == [Gpu("NVIDIA", "NVIDIA A100", None)]


def test_a_tool_that_does_not_stop_writing_is_stopped(nvidia_smi):
    nvidia_smi("while :; do echo 'NVIDIA, 1'; done")
    with pytest.raises(BacError) as caught:
        gpus.read()
    assert caught.value.code == "timed_out"
