"""A WebAssembly file's bytes, read where they are looked at."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core.errors import BacError
from bactools.edges import modules

LONG = bytes(range(256)) * 1024


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    path = tmp_path_factory.mktemp("modules") / "long.wasm"
    path.write_bytes(LONG)
    return modules.read(path)


@given(st.lists(st.integers(0, len(LONG) - 1)), st.slices(len(LONG)).filter(lambda each: each.step in (None, 1)))
def test_it_is_what_the_bytes_are(long, places, part):
    assert [long[place] for place in places] == [LONG[place] for place in places]
    assert long[part] == LONG[part]
    assert (len(long), long[:]) == (len(LONG), LONG)


def test_one_that_becomes_shorter_is_told(tmp_path):
    path = tmp_path / "a.wasm"
    path.write_bytes(LONG)
    found = modules.read(path, "the module a")
    os.truncate(path, 10)
    with pytest.raises(BacError) as caught:
        found[:]
    assert (caught.value.code, caught.value.message) == (
        "unreadable_file",
        "the module a became shorter while it was read",
    )


def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(BacError) as caught:
            modules.read(path)
        assert caught.value.message == f"{path} is not a file"


def test_one_over_the_limit_is_refused_without_being_read(tmp_path):
    path = tmp_path / "huge.wasm"
    path.touch()
    os.truncate(path, modules.MODULE_LIMIT + 1)
    with pytest.raises(BacError) as caught:
        modules.read(path)
    assert (caught.value.code, caught.value.message) == ("too_large", f"{path} is larger than 268435456 bytes")
