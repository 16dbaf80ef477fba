from __future__ import annotations

import pytest

from bactools.core import binfmt
from bactools.edges import emulators


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / emulators.FOLDER
    path.mkdir(parents=True)
    return path


def test_a_host_without_binfmt_misc_has_none(tmp_path):
    assert emulators.read(tmp_path) == {}


def test_every_file_but_register_is_read(folder, tmp_path):
    for name in ("status", "qemu-arm", "register"):
        (folder / name).write_text(f"{name}\n")
    assert emulators.read(tmp_path) == {"status": "status\n", "qemu-arm": "qemu-arm\n"}


def test_an_entry_that_cannot_be_read_is_left_out(folder, tmp_path):
    (folder / "gone").symlink_to("nowhere")
    (folder / "folder").mkdir()
    (folder / "bytes").write_bytes(b"enabled\n\xff\n")
    assert emulators.read(tmp_path) == {"bytes": "enabled\n\ufffd\n"}


def test_a_file_is_read_up_to_its_limit(folder, tmp_path):
    (folder / "large").write_bytes(b"x" * (emulators.FILE_LIMIT + 1))
    assert len(emulators.read(tmp_path)["large"]) == emulators.FILE_LIMIT


@pytest.mark.usefixtures("emulated")
def test_this_host_emulates_arm():
    found = binfmt.offers(binfmt.entries(emulators.read()), ())
    assert {"linux/arm64", "linux/arm/v7"} <= {offer.platform for offer in found.offers}
    assert {offer.how for offer in found.offers} == {"emulated"}
