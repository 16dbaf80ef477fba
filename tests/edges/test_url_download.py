"""Inputs from a web server, which has ranges, redirects and bad days."""

import hashlib
import os
import tracemalloc

import pytest
from file_server import serving

from bactools.core.budget import Budget
from bactools.core.errors import CODES, BacError
from bactools.edges.http import Client, Timing, transport
from bactools.edges.sources import url_download

BODY = bytes(range(256)) * 4096  # 1 MiB
PLENTY = 10**9


def fetch(folder, url, budget=PLENTY, **params):
    client = Client(timing=Timing(sleep=lambda _: None))
    try:
        return url_download.fetch({"URL": url, **params}, folder, Budget(budget), lambda _: None, client)
    finally:
        client.close()


def refused(folder, url, **options):
    with pytest.raises(BacError) as caught:
        fetch(folder, url, **options)
    assert list(folder.iterdir()) == []
    return caught.value.code


def test_a_file_arrives_under_the_name_of_its_url(tmp_path):
    with serving(BODY) as files:
        path = fetch(tmp_path, files.url)
    assert path == tmp_path / "file.bin"
    assert path.read_bytes() == BODY


def test_a_redirect_lets_the_server_name_the_file(tmp_path):
    with serving(BODY) as files:
        files.extra = {"Content-Disposition": 'attachment; filename="report.csv"'}
        path = fetch(tmp_path, files.url.replace("file.bin", "moved"))
    assert path.name == "report.csv"


def test_a_download_that_breaks_off_goes_on_where_it_broke(tmp_path):
    with serving(BODY) as files:
        files.breaks = [300_000, 200_000]
        path = fetch(tmp_path, files.url)
        assert files.asked == [None, "bytes=300000-", "bytes=500000-"]
    assert path.read_bytes() == BODY


def test_a_file_that_changed_meanwhile_is_fetched_from_the_start(tmp_path):
    with serving(BODY) as files:
        files.breaks = [300_000]
        original = files.answer

        def answer(headers):
            found = original(headers)
            files.tag, files.body = '"two"', b"new"
            return found

        files.answer = answer
        path = fetch(tmp_path, files.url)
    assert path.read_bytes() == b"new"


def test_a_server_without_ranges_is_asked_for_all_of_it_again(tmp_path):
    with serving(BODY) as files:
        files.ranges = False
        files.breaks = [300_000]
        path = fetch(tmp_path, files.url, budget=len(BODY))
    assert path.read_bytes() == BODY


def test_a_server_that_always_breaks_off_is_given_up_and_leaves_nothing(tmp_path):
    with serving(BODY) as files:
        files.breaks = [1000] * 10
        assert refused(tmp_path, files.url) == "unreachable"
        assert len(files.asked) == 4


def test_the_budget_bounds_what_arrives(tmp_path):
    with serving(BODY) as files:
        assert refused(tmp_path, files.url, budget=len(BODY) - 1) == "too_large"


def test_a_wrong_checksum_is_refused(tmp_path):
    with serving(BODY) as files:
        right = hashlib.sha256(BODY).hexdigest()
        assert refused(tmp_path, files.url, ChecksumSHA256="0" * 64) == "bad_input"
        assert fetch(tmp_path, files.url, ChecksumSHA256=right).read_bytes() == BODY


def test_a_server_that_is_not_there_is_unreachable(tmp_path):
    with serving(BODY) as files:
        url = files.url
    assert refused(tmp_path, url) == "unreachable"


@pytest.mark.parametrize(
    "url", ["", "ftp://x.org/a", "https://", "https://x.org", "https://x.org/", "https://u:p@x.org/a", "https://[::1/a"]
)
def test_what_is_no_address_of_a_file_is_refused(tmp_path, url):
    assert refused(tmp_path, url) == "bad_spec"


def test_a_secret_in_a_query_is_not_repeated(tmp_path):
    with serving(BODY) as files:
        url = f"{files.url}?X-Signature=geheim"
    with pytest.raises(BacError) as caught:
        fetch(tmp_path, url)
    assert "geheim" not in caught.value.line()


def test_memory_does_not_grow_with_the_file(tmp_path):
    with serving(BODY * 64) as files:
        tracemalloc.start()
        fetch(tmp_path, files.url)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 20 * 1024 * 1024


@pytest.mark.usefixtures("private_umask")
def test_what_arrives_is_readable_by_everybody_whatever_the_umask(tmp_path):
    with serving(BODY) as files:
        assert fetch(tmp_path, files.url).stat().st_mode & 0o777 == 0o644


def test_a_file_may_be_named_as_an_unfinished_one_is(tmp_path):
    with serving(BODY) as files:
        files.extra = {"Content-Disposition": 'attachment; filename=".part"'}
        path = fetch(tmp_path, files.url.replace("file.bin", "moved"))
    assert path == tmp_path / ".part"
    assert path.read_bytes() == BODY


@pytest.mark.parametrize("location", ["file:///etc/passwd", "/file.bin", "http://example.org/x"])
def test_a_redirect_that_is_not_followed_is_not_tried_again(tmp_path, location):
    with serving(BODY) as files:
        files.extra = {"Location": location}
        files.answer = lambda _headers: (302, {}, b"")
        assert refused(tmp_path, files.url) == "unsupported"
    assert not CODES["unsupported"].retryable


def test_whatever_the_umask_all_may_read_what_was_fetched(tmp_path):
    before = os.umask(0o077)
    try:
        with serving(BODY) as files:
            path = fetch(tmp_path, files.url)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_server_that_trickles_is_too_slow():
    class Raw:
        def read1(self, _size, *, decode_content):
            return b"x" if decode_content else b""

    class Trickle:
        raw = Raw()

    hours = (number * 100.0 for number in range(1000))
    with pytest.raises(BacError) as caught:
        list(transport.chunks(Trickle(), "http://example.org/x", lambda: next(hours)))
    assert caught.value.code == "timed_out"
    assert caught.value.message.endswith("the server took 300 seconds for less than a MiB")
