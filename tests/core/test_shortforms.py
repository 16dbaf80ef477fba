from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import shortforms
from bactools.core.errors import BacError
from bactools.core.records import Constraint
from bactools.core.selectors import text as selector_text


def source(type_, target="/inputs", **params):
    return {"Source": {"Type": type_, "Params": params}, "Target": target}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("file:///srv/data", source("local", SourcePath="/srv/data")),
        ("file://data/../in:/data", source("local", "/data", SourcePath="/home/me/in")),
        ("file://.", source("local", SourcePath="/home/me")),
        ("file:///a:/b,opt=rw=true", source("local", "/b", SourcePath="/a", ReadWrite="true")),
        ("file:///a,dst=/b", source("local", "/b", SourcePath="/a")),
        ("file:///a:b,dst=/b", source("local", "/b", SourcePath="/a:b")),
        ("https://host:9000/f", source("urlDownload", URL="https://host:9000/f")),
        ("https://host:9000/f:/in", source("urlDownload", "/in", URL="https://host:9000/f")),
        ("http://[::1]/f", source("urlDownload", URL="http://[::1]/f")),
        ("https://host/f?a=b,c", source("urlDownload", URL="https://host/f?a=b,c")),
        ("http://h/f,opt=checksum-256=ab", source("urlDownload", URL="http://h/f", ChecksumSHA256="ab")),
        ("ipfs://bafy:/models", source("ipfs", "/models", CID="bafy")),
        ("ipfs://bafy/sub/file:/models", source("ipfs", "/models", CID="bafy/sub/file")),
        (
            "s3://bucket/2026/*:/in,opt=region=eu-west-1,opt=Filter=a=b",
            source("s3", "/in", Bucket="bucket", Key="2026/*", Region="eu-west-1", Filter="a=b"),
        ),
        ("s3://bucket", source("s3", Bucket="bucket", Key="")),
    ],
)
def test_inputs(text, wanted):
    assert shortforms.input_source(text, lambda: "/home/me") == wanted


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "names nothing"),
        ("file://", "names nothing"),
        ("data:/inputs", "write file://data"),
        ("git://host/repo", "has the scheme git"),
        ("file:///a,opt=rw", "without a value"),
        ("file:///a,opt=rwx=true", "did you mean rw?"),
        ("ipfs://bafy,opt=region=eu", "known are none"),
        ("s3://b/k,opt=region=a,opt=region=b", "twice"),
    ],
)
def test_inputs_that_are_refused(text, why):
    with pytest.raises(BacError) as caught:
        shortforms.input_source(text, lambda: "/")
    assert why in caught.value.message


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("hello.wasm", ("hello.wasm", None)),
        ("dir/geo.wasm:geo", ("dir/geo.wasm", "geo")),
        ("geo.wasm:/lib/geo.wasm", ("geo.wasm", "/lib/geo.wasm")),
        ("https://host:9000/f.wasm", ("https://host:9000/f.wasm", None)),
        ("https://host:9000/f.wasm:/m", ("https://host:9000/f.wasm", "/m")),
    ],
)
def test_modules(text, wanted):
    written = shortforms.module(text)
    assert (written.source, written.target) == wanted


def test_outputs():
    assert shortforms.output("thumbs:/out/thumbs") == {"Name": "thumbs", "Path": "/out/thumbs"}


@pytest.mark.parametrize("text", ["", "thumbs", "thumbs:", ":/out", "thumbs:out"])
def test_outputs_that_are_refused(text):
    with pytest.raises(BacError, match="NAME:/PATH"):
        shortforms.output(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("local", {"Type": "local", "Params": {}}),
        ("S3Managed", {"Type": "s3managed", "Params": {}}),
        (
            "s3://b/runs/{jobID},opt=region=eu,opt=encoding=plain",
            {"Type": "s3", "Params": {"Bucket": "b", "Key": "runs/{jobID}", "Region": "eu", "Encoding": "plain"}},
        ),
    ],
)
def test_publishers(text, wanted):
    assert shortforms.publisher(text) == wanted


@pytest.mark.parametrize("text", ["", "ftp", "s3://bucket", "s3://bucket/", "local,opt=a=b", "s3://b/k,opt=filter=x"])
def test_publishers_that_are_refused(text):
    with pytest.raises(BacError):
        shortforms.publisher(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A=1", ("A", "1")),
        ("A=b=c", ("A", "b=c")),
        ("A=", ("A", "")),
        ("TOKEN", ("TOKEN", "env:TOKEN")),
        ("A=env:B", ("A", "env:B")),
    ],
)
def test_a_name_alone_refers_to_the_variable_of_the_host(text, wanted):
    assert shortforms.environment(text) == wanted


def test_a_value_without_a_name_is_not_repeated():
    with pytest.raises(BacError) as caught:
        shortforms.environment("=secret")
    assert "secret" not in caught.value.line()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("gpu", [("gpu", "exists", [])]),
        ("!gpu", [("gpu", "!", [])]),
        ("zone=eu", [("zone", "=", ["eu"])]),
        ("zone == eu", [("zone", "==", ["eu"])]),
        ("zone!=eu", [("zone", "!=", ["eu"])]),
        ("zone=", [("zone", "=", [""])]),
        ("mem>4,cpu<-2", [("mem", "gt", ["4"]), ("cpu", "lt", ["-2"])]),
        (
            "os_arch in (arm64, amd64),zone!=eu",
            [("os_arch", "in", ["arm64", "amd64"]), ("zone", "!=", ["eu"])],
        ),
        ("a notin(b)", [("a", "notin", ["b"])]),
        ("in in (in)", [("in", "in", ["in"])]),
        ("example.org/zone=eu", [("example.org/zone", "=", ["eu"])]),
    ],
)
def test_constraints(text, wanted):
    found = shortforms.constraints(text)
    assert [(each["Key"], each["Operator"], each.get("Values", [])) for each in found] == wanted


@pytest.mark.parametrize("text", ["", ",", "a,", "a in", "a in ()", "a in (b", "a b", "!", "a>", "=b", "a=(b)", "a!b"])
def test_constraints_that_are_refused(text):
    with pytest.raises(BacError) as caught:
        shortforms.constraints(text)
    assert caught.value.code == "bad_spec"


WORDS = st.from_regex("[a-z][a-z0-9_./-]{0,8}", fullmatch=True)
CONDITIONS = st.one_of(
    st.builds(Constraint, WORDS, st.sampled_from(["exists", "!"]), st.just([])),
    st.builds(
        Constraint, WORDS, st.sampled_from(["=", "==", "!=", "gt", "lt"]), st.lists(WORDS, min_size=1, max_size=1)
    ),
    st.builds(Constraint, WORDS, st.sampled_from(["in", "notin"]), st.lists(WORDS, min_size=1, max_size=4)),
)


def test_an_absolute_file_does_not_ask_for_the_current_folder():
    def gone():
        raise AssertionError("asked for the current folder")

    assert shortforms.input_source("file:///srv/data", gone)["Source"]["Params"] == {"SourcePath": "/srv/data"}


def test_the_password_of_an_address_is_not_repeated():
    with pytest.raises(BacError) as caught:
        shortforms.input_source("https://user:hunter2@host/f,opt=a", lambda: "/")
    assert caught.value.message == "'https://host/f,opt=a' has the option 'a' without a value: write opt=KEY=VALUE"


@given(st.lists(CONDITIONS, min_size=1, max_size=5))
def test_constraints_are_read_as_they_are_printed(conditions):
    found = shortforms.constraints(",".join(map(selector_text, conditions)))
    assert [Constraint(**each) for each in found] == conditions


READERS = (
    shortforms.constraints,
    shortforms.publisher,
    shortforms.output,
    shortforms.label,
    shortforms.module,
    lambda text: shortforms.input_source(text, lambda: "/"),
)


@given(st.text(max_size=40), st.sampled_from(READERS))
def test_any_text_is_read_or_refused(text, read):
    with suppress(BacError):
        assert read(text)
