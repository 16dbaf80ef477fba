"""Graphics processors, from what the vendors' tools print and what drivers and CDI files say.

Sources: nvidia-smi(1) and its --help-query-gpu; ROCm SMI's --json; Intel's xpu-smi discovery --dump; the NVIDIA
driver's /proc/driver/nvidia; the Container Device Interface specification (CDI), "CDI JSON Specification".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core.errors import BacError
from bactools.core.records import Gpu

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1024 * 1024
AMD, INTEL, NVIDIA = "AMD", "Intel", "NVIDIA"
VENDORS = {"amd.com": AMD, "intel.com": INTEL, "nvidia.com": NVIDIA}
ALL = "all"
"""The device of a CDI file that stands for all the others."""

_MEBIBYTES = re.compile(r"([0-9]{1,12})(?:\.[0-9]{1,6})?(?: MiB)?")
_BYTES = re.compile(r"[0-9]{1,16}")
_CARD = re.compile(r"card:?[0-9]{1,4}")
_MODEL = re.compile(r"^Model:\s*(\S.*?)\s*$", re.MULTILINE)
_NAMES = ("card series", "device name", "card model")
_UNKNOWN = {"", "N/A", "[N/A]", "None"}


class Tool(NamedTuple):
    """A vendor's program that lists GPUs: its name, its arguments and what its output means."""

    name: str
    arguments: tuple[str, ...]
    parse: Callable[[str], list[Gpu]]


def nvidia(output: str) -> list[Gpu]:
    """Rows such as ``NVIDIA A100-SXM4-40GB, 40960``: memory in MiB, or ``[N/A]`` where it is the host's own."""
    rows = (line.rpartition(",") for line in output.splitlines() if line.strip())
    return [Gpu(NVIDIA, _known(name), _mebibytes(memory)) for name, _, memory in rows]


def rocm(output: str) -> list[Gpu]:
    """An object with a ``cardN`` for each GPU, after warnings. Raises BacError ``engine_failed`` if there is none.

    ROCm has changed the case of the fields' names.
    """
    import json

    _, brace, rest = output.partition("{")
    try:
        listed, _ = json.JSONDecoder().raw_decode(brace + rest)
    except (ValueError, RecursionError) as error:
        raise BacError("engine_failed", "listing GPUs: rocm-smi did not print the JSON it was asked for") from error
    cards = [card for name, card in listed.items() if _CARD.fullmatch(name) and isinstance(card, dict)]
    return [_rocm({str(key).lower(): str(value) for key, value in card.items()}) for card in cards]


def xpu(output: str) -> list[Gpu]:
    """CSV with a heading: the device's name, and its memory as ``14248.00 MiB``. Raises BacError ``engine_failed``."""
    import csv

    try:
        rows = list(csv.DictReader(output.splitlines()))
    except csv.Error as error:
        raise BacError("engine_failed", "listing GPUs: xpu-smi did not print the CSV it was asked for") from error
    found = ((row.get("Device Name") or "", row.get("Memory Physical Size") or "") for row in rows)
    return [Gpu(INTEL, _known(name), _mebibytes(memory)) for name, memory in found]


TOOLS = (
    Tool("nvidia-smi", ("--query-gpu=name,memory.total", "--format=csv,noheader,nounits"), nvidia),
    Tool("rocm-smi", ("--showproductname", "--showmeminfo", "vram", "--json"), rocm),
    Tool("xpu-smi", ("discovery", "--dump", "2,16"), xpu),
)


def nvidia_driver(information: str) -> Gpu:
    """The GPU of /proc/driver/nvidia/gpus/BUS/information, which says nothing of memory."""
    model = _MODEL.search(information)
    return Gpu(NVIDIA, model[1] if model else None)


def cdi(document: Any) -> dict[tuple[str, ...], Gpu]:
    """The GPUs of a CDI file, by the device files of each: a device may have several names.

    A GPU's name is the one to ask an engine for, such as ``nvidia.com/gpu=0``. Devices of other kinds are left out,
    as is all that does not follow the specification.
    """
    kind = document.get("kind") if isinstance(document, dict) else None
    if not isinstance(kind, str) or not kind.endswith("gpu") or "/" not in kind:
        return {}
    vendor = kind.partition("/")[0]
    found: dict[tuple[str, ...], Gpu] = {}
    for device in _objects(document.get("devices")):
        name = device.get("name")
        if isinstance(name, str) and name != ALL:
            files = tuple(sorted(_device_files(device)))
            found.setdefault(files or (kind, name), Gpu(VENDORS.get(vendor, vendor), f"{kind}={name}"))
    return found


def _rocm(card: dict[str, str]) -> Gpu:
    name = next((card[field] for field in _NAMES if card.get(field, "") not in _UNKNOWN), None)
    memory = card.get("vram total memory (b)", "")
    return Gpu(AMD, name, int(memory) if _BYTES.fullmatch(memory) else None)


def _device_files(device: dict[str, Any]) -> list[str]:
    edits = device.get("containerEdits")
    nodes = edits.get("deviceNodes") if isinstance(edits, dict) else None
    return [node["path"] for node in _objects(nodes) if isinstance(node.get("path"), str)]


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _known(name: str) -> str | None:
    return None if name.strip() in _UNKNOWN else name.strip()


def _mebibytes(text: str) -> int | None:
    found = _MEBIBYTES.fullmatch(text.strip())
    return int(found[1]) * MIB if found and text.isascii() else None
