from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import quantities
from bactools.core.errors import BacError


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("500m", 0.5),
        ("1500M", 1.5),
        ("4", 4.0),
        ("0.5", 0.5),
        (".25", 0.25),
        ("2.", 2.0),
        (" 1\n", 1.0),
        ("0.0019", 0.001),
        ("0", 0.0),
    ],
)
def test_cpu_is_cores_or_whole_millicores(text, cores):
    assert quantities.cpu(text) == cores


@pytest.mark.parametrize("text", ["", "m", "0.5m", "-1", "1e3", "1,5", "four", "1c", "9" * 20, "9" * 50])
def test_what_is_not_an_amount_of_cpu(text):
    with pytest.raises(BacError) as caught:
        quantities.cpu(text)
    assert caught.value.code == "bad_spec"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512", 512),
        ("512b", 512),
        ("512Mb", 512_000_000),
        ("512MB", 512_000_000),
        ("512m", 512_000_000),
        ("512MiB", 536_870_912),
        ("512Mi", 536_870_912),
        ("1.5 GiB", 1_610_612_736),
        ("1,024 k", 1_024_000),
        ("0.29Gb", 290_000_000),
        ("1.0005kb", 1000),
        ("2Tb", 2 * 10**12),
        ("1PiB", 2**50),
        ("1E", 10**18),
        ("0", 0),
    ],
)
def test_sizes_are_decimal_unless_there_is_an_i(text, size):
    assert quantities.size(text) == size


@pytest.mark.parametrize("text", ["", "b", "ib", "1ib", "1xb", "-1", "1 2 q", "1e6", "17Eb1", "99999E", "MiB"])
def test_what_is_not_a_size(text):
    with pytest.raises(BacError) as caught:
        quantities.size(text)
    assert caught.value.code == "bad_spec"


@pytest.mark.parametrize(("text", "count"), [("0", 0), ("1", 1), (" 8 ", 8)])
def test_gpus_are_counted(text, count):
    assert quantities.gpu(text) == count


@pytest.mark.parametrize("text", ["", "-1", "1.0", "nvidia", "²", "1" * 30])
def test_what_is_not_a_count_of_gpus(text):
    with pytest.raises(BacError, match="count of GPUs"):
        quantities.gpu(text)


@given(st.text(max_size=60), st.sampled_from([quantities.cpu, quantities.size, quantities.gpu]))
def test_any_text_is_read_or_refused(text, read):
    with suppress(BacError):
        assert read(text) >= 0


@given(st.integers(0, 2**40))
def test_a_number_of_bytes_is_itself(number):
    assert quantities.size(str(number)) == number
