"""A digest that is worked out by a thread of its own, which is told of nothing and outlives nothing."""

from __future__ import annotations

import hashlib
import signal
import threading
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest
import silent_server
from file_server import serving

from bactools.core.budget import Budget
from bactools.edges import alarm
from bactools.edges.hashing import AHEAD, Sha256
from bactools.edges.http import Client
from bactools.edges.sources import url_download

PIECE = 128 * 1024


def hashing() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "hashing"]


@pytest.mark.parametrize("pieces", [[], [b""], [b"one", b"two"], [bytes([number]) * PIECE for number in range(100)]])
def test_the_digest_is_that_of_all_pieces_in_their_order(pieces: list[bytes]):
    with closing(Sha256()) as hashed:
        for piece in pieces:
            hashed.add(piece)
        assert hashed.digest() == hashlib.sha256(b"".join(pieces)).digest()
        assert hashing() == []


def test_only_a_few_pieces_wait():
    tracemalloc.start()
    try:
        with closing(Sha256()) as hashed:
            for number in range(20 * AHEAD):
                hashed.add(number.to_bytes(4, "big") * (PIECE // 4))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * AHEAD * PIECE


def test_the_thread_is_handed_no_signal():
    with closing(Sha256()) as hashed:
        hashed.add(b"piece")
        (thread,) = hashing()
        status = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
    blocked = int(next(line for line in status.splitlines() if line.startswith("SigBlk:")).split()[1], 16)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        assert blocked >> (number - 1) & 1


def download(url: str, folder: Path, digest: str) -> Path:
    with closing(Client()) as client:
        params = {"URL": url, "ChecksumSHA256": digest}
        return url_download.fetch(params, folder, Budget(1 << 30), lambda _: None, client)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_checksum_is_that_of_the_file_however_often_it_broke_off(tmp_path: Path, ranges: bool):
    body = bytes(range(256)) * 4096
    with serving(body) as files:
        files.ranges = ranges
        files.breaks = [300_000, 500_000]
        path = download(files.url, tmp_path, hashlib.sha256(body).hexdigest())
    assert path.read_bytes() == body
    assert hashing() == []


def test_a_clock_that_ends_a_download_ends_the_hashing(tmp_path: Path):
    with silent_server.serving() as server, pytest.raises(alarm.Rung), alarm.ringing(0.5):
        download(f"{server.url}/silent", tmp_path, "0" * 64)
    assert hashing() == []
    assert list(tmp_path.iterdir()) == []
