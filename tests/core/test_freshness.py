from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core.freshness import Note, Stored, expendable, is_fresh, is_sweep_due, read, written

DIGEST = "sha256:" + "a" * 64
TAG = Note("localhost:5000/app:1", DIGEST, "application/vnd.oci.image.index.v1+json", 1000.0)
PINNED = TAG._replace(reference=f"localhost:5000/app@{DIGEST}")


@pytest.mark.parametrize(
    ("note", "now", "max_age", "fresh"),
    [
        (TAG, 1000.0, 0, False),
        (TAG, 1000.0, 1, True),
        (TAG, 1059.9, 60, True),
        (TAG, 1060.0, 60, False),
        (TAG, 999.0, 60, False),
        (PINNED, 9e9, 0, True),
        (PINNED, 0.0, 0, True),
        (PINNED._replace(digest="sha256:" + "b" * 64), 1000.0, 0, False),
    ],
)
def test_a_tag_is_believed_for_a_time_and_a_digest_for_ever(note, now, max_age, fresh):
    assert is_fresh(note, now, max_age) is fresh


def test_a_note_is_five_lines():
    *lines, end = written(TAG).decode().split("\n")
    assert lines[:4] == [TAG.reference, DIGEST, TAG.media_type, "1000"]
    assert (len(lines), len(lines[4]), end) == (5, 64, "")


@given(
    st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=80),
    st.floats(0, 1e11),
)
def test_what_was_written_is_read(media_type, confirmed):
    note = TAG._replace(media_type=media_type, confirmed=confirmed)
    assert read(written(note), note.reference) == note._replace(confirmed=float(int(confirmed)))


@given(st.integers(0, len(written(TAG)) - 1), st.integers(1, 255))
def test_a_changed_byte_is_seen(place, change):
    data = bytearray(written(TAG))
    data[place] ^= change
    assert read(bytes(data), TAG.reference) is None


@given(st.integers(0, len(written(TAG)) - 1))
def test_a_missing_end_is_seen(length):
    assert read(written(TAG)[:length], TAG.reference) is None


@given(st.binary(max_size=400))
def test_anything_else_is_no_note(data):
    assert read(data, TAG.reference) is None


def test_a_note_of_another_reference_is_none():
    assert read(written(TAG), "localhost:5000/app:2") is None


FILES = [Stored("new", 10, 3.0), Stored("old", 10, 1.0), Stored("middle", 10, 2.0)]


@pytest.mark.parametrize(
    ("limit", "names"),
    [(30, []), (29, ["old"]), (20, ["old", "middle"]), (9, ["old", "middle", "new"])],
)
def test_the_least_recently_used_goes_first_until_an_eighth_is_free(limit, names):
    assert [item.name for item in expendable(FILES, limit)] == names


@pytest.mark.parametrize(
    ("draw", "size", "due"),
    [
        (0, 4096, True),
        (2**32 - 1, 4096, False),
        (2**31, 8192, False),
        (2**31 - 1, 8192, True),
        (2**32 - 1, 16384, True),
    ],
)
def test_a_sixty_fourth_of_the_limit_is_written_between_sweeps(draw, size, due):
    assert is_sweep_due(draw, size, 1024 * 1024) is due
