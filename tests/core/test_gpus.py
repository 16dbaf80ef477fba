from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import gpus
from bactools.core.errors import BacError
from bactools.core.records import Gpu

MIB = 2**20

# The fields that ROCm SMI's --showproductname and --showmeminfo vram have in their JSON; older ones, newer ones.
ROCM = """\
WARNING: AMD GPU device(s) is/are in a low-power state. Check power control/runtime_status

{"card0": {"VRAM Total Memory (B)": "68702699520", "VRAM Total Used Memory (B)": "10", "Card series": "Instinct MI210"},
 "card1": {"VRAM Total Memory (B)": "N/A", "Card Series": "N/A", "Card Model": "0x740f"},
 "system": {"Driver version": "6.8"}}
"""
XPU = """\
Device Name,Memory Physical Size
"Intel(R) Data Center GPU Flex 170","14248.00 MiB"
"Intel(R) Arc(TM) Pro, B60","N/A"
"""


def device(name, *files):
    return {"name": name, "containerEdits": {"deviceNodes": [{"path": path} for path in files]}}


def test_nvidias_rows_are_gpus_in_order():
    assert gpus.nvidia("NVIDIA A100-SXM4-40GB, 40960\n\nNVIDIA GB10, [N/A]\n") == [
        Gpu("NVIDIA", "NVIDIA A100-SXM4-40GB", 40960 * MIB),
        Gpu("NVIDIA", "NVIDIA GB10", None),
    ]


@pytest.mark.parametrize("memory", ["9" * 5000, "9" * 13, "١٢", "-1", ""])
def test_a_memory_that_is_no_number_of_mebibytes_is_not_known(memory):
    assert gpus.nvidia(f"NVIDIA A100, {memory}\n") == [Gpu("NVIDIA", "NVIDIA A100", None)]


def test_rocms_cards_are_gpus():
    assert gpus.rocm(ROCM) == [Gpu("AMD", "Instinct MI210", 68702699520), Gpu("AMD", "0x740f", None)]


@pytest.mark.parametrize("output", ["", "ERROR:root:Driver not initialized\n", "{", "[" * 60000, '{"a":' * 20000])
def test_rocm_without_json_is_an_error(output):
    with pytest.raises(BacError) as caught:
        gpus.rocm(output)
    assert caught.value.code == "engine_failed"


def test_intels_rows_are_gpus():
    assert gpus.xpu(XPU) == [
        Gpu("Intel", "Intel(R) Data Center GPU Flex 170", 14248 * MIB),
        Gpu("Intel", "Intel(R) Arc(TM) Pro, B60", None),
    ]
    assert gpus.xpu("") == []


def test_the_driver_names_a_model():
    assert gpus.nvidia_driver("Model: \t\t Tesla T4\nIRQ:   \t\t 35\n") == Gpu("NVIDIA", "Tesla T4", None)
    assert gpus.nvidia_driver("") == Gpu("NVIDIA", None, None)


def test_a_cdi_device_is_named_as_an_engine_is_asked_for_it():
    document = {"cdiVersion": "0.6.0", "kind": "nvidia.com/gpu", "devices": [device("0", "/dev/nvidia0")]}
    assert [*gpus.cdi(document).values()] == [Gpu("NVIDIA", "nvidia.com/gpu=0", None)]


def test_the_names_of_one_cdi_device_are_one_gpu():
    devices = [
        device("0", "/dev/nvidia0", "/dev/dri/card1"),
        device("1", "/dev/nvidia1"),
        device("GPU-5c9d", "/dev/dri/card1", "/dev/nvidia0"),
        device("all", "/dev/nvidia0", "/dev/nvidia1"),
    ]
    found = gpus.cdi({"kind": "nvidia.com/gpu", "devices": devices})
    assert [gpu.name for gpu in found.values()] == ["nvidia.com/gpu=0", "nvidia.com/gpu=1"]


@pytest.mark.parametrize(
    ("kind", "vendor"), [("amd.com/gpu", "AMD"), ("intel.com/gpu", "Intel"), ("a.example/gpu", "a.example")]
)
def test_a_cdi_kind_names_its_vendor(kind, vendor):
    found = gpus.cdi({"kind": kind, "devices": [{"name": "x"}, {"name": "y"}]})
    assert [*found.values()] == [Gpu(vendor, f"{kind}=x", None), Gpu(vendor, f"{kind}=y", None)]


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"kind": 5},
        {"kind": "gpu", "devices": [{"name": "0"}]},
        {"kind": "example.com/net", "devices": [{"name": "eth0"}]},
        {"kind": "nvidia.com/gpu", "devices": {"name": "0"}},
        {"kind": "nvidia.com/gpu", "devices": ["0", {"name": 0}, {}]},
    ],
)
def test_what_is_no_cdi_file_of_gpus_has_none(document):
    assert gpus.cdi(document) == {}


@given(st.text(), st.sampled_from([gpus.nvidia, gpus.xpu, gpus.rocm]))
def test_any_output_is_gpus_or_an_error(output, parse):
    with contextlib.suppress(BacError):
        assert all(isinstance(gpu, Gpu) for gpu in parse(output))


VALUES = st.recursive(
    st.none() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner)
)


@given(VALUES, VALUES)
def test_any_document_is_a_cdi_file_or_none(devices, edits):
    document = {"kind": "nvidia.com/gpu", "devices": [devices, {"name": "0", "containerEdits": edits}]}
    assert [gpu.name for gpu in gpus.cdi(document).values()] == ["nvidia.com/gpu=0"]
