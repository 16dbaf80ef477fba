"""The device files of this host's GPUs, as the kernel's drivers list them (DRM: /sys/class/drm)."""

from __future__ import annotations

import os
from pathlib import Path

from bactools.core.container_options import AMD, INTEL, Gpus

SYSFS = Path("/sys/class/drm")
PCI_VENDORS = {AMD: "0x1002", INTEL: "0x8086"}
"""PCI's numbers of the vendors, as a device's file ``vendor`` has them."""
SHARED = {AMD: ("/dev/kfd",)}
"""What every GPU of a vendor needs besides its own files: AMD's compute interface."""
VENDOR_LIMIT = 16


def gpus(vendor: str, sysfs: Path = SYSFS) -> Gpus:
    """The GPUs of a vendor for ``container_options``: for AMD and Intel the files under /dev/dri of each.

    NVIDIA's files are for its own runtime to find. A device whose vendor cannot be read counts as another's.
    """
    number = PCI_VENDORS.get(vendor)
    if number is None:
        return Gpus(vendor)
    devices: dict[str, list[str]] = {}
    for node in sorted((*sysfs.glob("card[0-9]*"), *sysfs.glob("renderD[0-9]*"))):
        # A connector of a card, card0-HDMI-A-1, is no device.
        if "-" not in node.name and _vendor(node) == number:
            devices.setdefault(os.path.realpath(node / "device"), []).append(f"/dev/dri/{node.name}")
    return Gpus(vendor, tuple(map(tuple, devices.values())), SHARED.get(vendor, ()))


def _vendor(node: Path) -> str | None:
    try:
        with (node / "device" / "vendor").open("rb") as file:
            return file.read(VENDOR_LIMIT).decode("ascii", "replace").strip()
    except OSError:
        return None
