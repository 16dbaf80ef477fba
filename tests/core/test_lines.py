"""The line protocol: what is not understood survives, what cannot be read is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools import MAX_LINE
from bactools.core import lines, records
from bactools.core.errors import BacError


def test_an_unknown_field_survives_an_extension_in_its_own_bytes():
    raw = b'{"kind":"job","v":1,"id":"j-1","later": {"x":  1.50, "y":"\\u00e9"}}'
    extended = lines.extend(lines.read(raw, "line 1"), {"name": "new"})
    assert extended == b'{"kind":"job","v":1,"id":"j-1","later":{"x":  1.50, "y":"\\u00e9"},"name":"new"}'


def test_an_extension_replaces_a_field_in_its_place():
    line = lines.read(b'{"kind":"job","v":1,"name":"old","id":"j-1"}', "line 1")
    assert lines.extend(line, {"name": "new"}) == b'{"kind":"job","v":1,"name":"new","id":"j-1"}'


def test_an_unknown_kind_is_read_without_complaint():
    assert lines.read(b'{"kind":"weather","v":1,"rain":true}', "line 1").kind == "weather"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"kind":"node","v":2,"id":"x"}', "unknown_version"),
        (b'{"kind":"node","v":1', "bad_line"),
        (b'{"kind":"node"}', "bad_line"),
        (b'{"v":1}', "bad_line"),
        (b"[1]", "bad_line"),
        (b"hello", "bad_line"),
        (b'{"kind":"node","v":1,"id":"\xff"}', "bad_line"),
        (b'{"kind":"node","v":"1"}', "bad_line"),
        (b" " * (MAX_LINE + 1), "line_too_long"),
        (b'{"kind":"job","v":1,"spec":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "bad_line"),
    ],
)
def test_a_line_that_is_no_record_is_refused(raw, code):
    with pytest.raises(BacError) as caught:
        lines.read(raw, "line 7 of nodes.jsonl")
    assert caught.value.code == code
    assert caught.value.message.startswith("line 7 of nodes.jsonl")
    assert len(caught.value.message) < 300


def test_a_field_of_the_wrong_type_names_itself():
    line = lines.read(b'{"kind":"node","v":1,"id":"x","labels":{"a":1}}', "line 3")
    with pytest.raises(BacError, match=r"line 3 is not a valid node record: .*\$\.labels") as caught:
        lines.decode(line, records.Node)
    assert caught.value.code == "bad_record"


def test_absent_null_and_empty_stay_apart():
    node = records.Node(id="x", os=None, labels={})
    assert lines.encode(node) == b'{"kind":"node","v":1,"id":"x","os":null,"labels":{}}'


def test_a_match_holds_job_and_node_in_their_own_bytes():
    match = records.Match(ok=True, job=records.Raw(b'{"kind": "job" }'), node=records.Raw(b"{ }"))
    assert b'"job":{"kind": "job" },"node":{ }' in lines.encode(match)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_a_known_error(raw):
    try:
        line = lines.read(raw, "line 1")
    except BacError as error:
        outcome = error.code
    else:
        outcome = line.raw
        assert isinstance(json.loads(raw)["kind"], str)
    assert outcome in {raw, "bad_line", "unknown_version"}


names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(names, values, max_size=5))
def test_an_extension_changes_nothing_else(fields):
    record = {"kind": "job", "v": 1, **{key: value for key, value in fields.items() if key not in {"kind", "v"}}}
    raw = json.dumps(record, ensure_ascii=False).encode()
    extended = json.loads(lines.extend(lines.read(raw, "line 1"), {"artifact": {"digest": "d"}}))
    assert extended == {**record, "artifact": {"digest": "d"}}
