from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core.errors import BacError
from bactools.edges import documents


def refusal(data, code="bad_document"):
    with pytest.raises(BacError) as caught:
        documents.load(data, "job.yaml")
    assert caught.value.code == code
    return caught.value.message


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", []),
        (b"# nothing\n---\n---\n", []),
        (b"a: 1\n---\nb: [x, 2]\n", [{"a": 1}, {"b": ["x", 2]}]),
        (b"\xef\xbb\xbfa: 1\n", [{"a": 1}]),
        (b"{Name: x}", [{"Name": "x"}]),
        (b'{"a": 1}', [{"a": 1}]),
        (b'\n {"a": 1}\n{"a": 2} ', [{"a": 1}, {"a": 2}]),
        (b'[{"a": null}]', [[{"a": None}]]),
        (b'{"a": 1}\n---\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        (b'{"a": 1} # comment\n', [{"a": 1}]),
        (b'{"a": [x, y]}', [{"a": ["x", "y"]}]),
    ],
)
def test_documents_in_order(data, wanted):
    assert documents.load(data, "f") == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1", 1),
        ("-3", -3),
        ("1.5", 1.5),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ('"1"', "1"),
        ("'true'", "true"),
        ("!!str 1", "1"),
        ('!!int "1"', 1),
        ("None", "None"),
        ("yes", "yes"),
        ("on", "on"),
        ("no", "no"),
        ("0755", "0755"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("1.10", "1.10"),
        ("1e3", "1e3"),
        (".5", ".5"),
        (".inf", ".inf"),
        ("2026-08-20", "2026-08-20"),
        ("12345678901234567890", "12345678901234567890"),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_a_yaml_scalar_that_would_print_differently_stays_text(text, wanted):
    found = documents.load(f"key: {text}".encode(), "f")[0]["key"]
    assert found == wanted
    assert type(found) is type(wanted)


def test_keys_are_text_as_typed():
    assert documents.load(b"1: a\non: b\nnull: c\n2.50: d\n", "f") == [{"1": "a", "on": "b", "null": "c", "2.50": "d"}]


def test_merge_keys_give_way_to_those_beside_them():
    data = b"a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b], y: 3}\n"
    assert documents.load(data, "f")[0]["c"] == {"x": 1, "y": 3, "z": 2}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: 1\nb:\n  c: 1\n  c: 2\n", "cannot read line 4 of job.yaml: key 'c' is given twice"),
        (b'{"a": 1,\n "a": 2}', "cannot read job.yaml: key 'a' is given twice"),
        (b'{"a": 1', "cannot read line 1 of job.yaml: Expecting ',' delimiter"),
        (b'{"a": 1}\n{', "cannot read line 2 of job.yaml: Expecting property name"),
        (b"a: 1\nb: [", "cannot read line 3 of job.yaml: did not find expected node content"),
        (b"a: 1\nb: \xff\n", "cannot read line 2 of job.yaml: it is not UTF-8"),
        (b"a: \x01\n", "cannot read job.yaml: it holds a character that YAML does not allow"),
        (b"a: &a [*a]\n", "cannot read line 1 of job.yaml: alias *a refers to nothing before it"),
        (b"a: &a 1\n---\nb: *a\n", "cannot read line 3 of job.yaml: alias *a refers to nothing before it"),
        (b"a: !!python/object/apply:os.system [x]\n", "cannot read line 1 of job.yaml: tag "),
        (b"a: !!binary AGFz\n", "cannot read line 1 of job.yaml: tag "),
        (b"? [a]\n: b\n", "cannot read line 1 of job.yaml: a key is not plain text"),
        (b"a: {<<: 1}\n", "cannot read line 1 of job.yaml: << is followed by something other than mappings"),
        (b'{"a": 1,\n "a": 2} # comment', "cannot read job.yaml: key 'a' is given twice"),
        (b'{"a": 1} x', "cannot read line 1 of job.yaml: Expecting value"),
        (b'{"a": NaN}', "cannot read job.yaml: NaN is not JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "cannot read job.yaml: a number in it is too long"),
        (b"- " * 200 + b"a", "cannot read line 1 of job.yaml: it is nested more than 100 deep"),
        (b"a: " + b"[" * 1_000_000, "cannot read line 1 of job.yaml: it is nested more than 100 deep"),
        (b"[" * 1_000_000, "cannot read job.yaml: it is nested too deep"),
        (b"{a: " * 1_000_000, "cannot read line 1 of job.yaml: it is nested more than 100 deep"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(data, message):
    assert refusal(data).startswith(message)


def test_aliases_count_at_their_full_size():
    layers = [b"l0: &l0 [x,x,x,x,x,x,x,x,x,x]"]
    layers += [b"l%d: &l%d [%s]" % (n, n, b",".join([b"*l%d" % (n - 1)] * 10)) for n in range(1, 9)]
    assert "aliases included" in refusal(b"\n".join(layers))


def test_a_document_has_a_limit():
    assert refusal(b"#" * (documents.LIMIT + 1), "too_large") == f"job.yaml is larger than {documents.LIMIT} bytes"


def test_a_file_is_read(tmp_path):
    path = tmp_path / "job.yaml"
    path.write_text("Name: a\n")
    assert documents.read(str(path)) == [{"Name": "a"}]


@pytest.mark.parametrize(("name", "why"), [("missing", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read(tmp_path, name, why):
    for read in (documents.read, lambda path: documents.contents(path, 10)):
        with pytest.raises(BacError) as caught:
            read(str(tmp_path / name))
        assert caught.value.code == "unreadable_file"
        assert caught.value.message == f"cannot read {tmp_path / name}: {why}"


def test_a_pipe_and_a_device_have_limits_too():
    with pytest.raises(BacError) as caught:
        documents.contents("/dev/zero", 1000)
    assert caught.value.message == "/dev/zero is larger than 1000 bytes"


def test_a_regular_file_has_an_absolute_path(tmp_path, monkeypatch):
    (tmp_path / "a.wasm").touch()
    monkeypatch.chdir(tmp_path)
    assert documents.regular_file("./a.wasm") == str(tmp_path / "a.wasm")


def test_a_pipe_is_not_a_regular_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BacError, match="not a regular file"):
        documents.regular_file(str(tmp_path / "pipe"))


@given(st.binary(max_size=60) | st.text("a:-[]{}&*!'\"<>|?#,1 \n", max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused(data):
    try:
        found = documents.load(data, "f")
    except BacError:
        return
    assert isinstance(found, list)


def located(tmp_path, text):
    path = tmp_path / "node.yaml"
    path.write_text(text, encoding="utf-8")
    return documents.located(str(path))


def test_every_value_is_known_by_its_line(tmp_path):
    [document] = located(tmp_path, "# a host\nname: x\nlabels:\n  zone: eu\nwithhold:\n  - docker\n  - {a:\n     b}\n")
    assert document.value == {"name": "x", "labels": {"zone": "eu"}, "withhold": ["docker", {"a": "b"}]}
    assert document.lines == {
        (): 2,
        ("name",): 2,
        ("labels",): 3,
        ("labels", "zone"): 4,
        ("withhold",): 5,
        ("withhold", 0): 6,
        ("withhold", 1): 7,
        ("withhold", 1, "a"): 7,
    }


def test_a_value_that_was_not_written_out_stands_where_it_is_named(tmp_path):
    [document] = located(tmp_path, "a: &a\n  x: 1\nb: *a\n")
    assert document.value["b"] == {"x": 1}
    assert [document.line(("b", "x")), document.line(("a", "x")), document.line(("c",))] == [3, 2, 1]


def test_json_has_lines_too(tmp_path):
    [document] = located(tmp_path, '{\n "name": "x",\n "limits": {"cpu": 2}\n}\n')
    assert document.value == {"name": "x", "limits": {"cpu": 2}}
    assert [document.line(("name",)), document.line(("limits", "cpu"))] == [2, 3]


def test_each_document_counts_its_own(tmp_path):
    one, other = located(tmp_path, "a: 1\n---\nb: 2\n")
    assert (one.lines, other.lines) == ({(): 1, ("a",): 1}, {(): 3, ("b",): 3})


def test_a_file_whose_lines_are_counted_has_a_smaller_limit(tmp_path):
    with pytest.raises(BacError) as caught:
        located(tmp_path, "#" * (documents.LOCATED_LIMIT + 1))
    assert caught.value.code == "too_large"
