"""Node lists that are damaged: at their start, at their end, and in between; and documents that are no node lists."""

import json
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"
JOB = b'{"kind":"image","v":1,"reference":"i","engine":"docker","platforms":[%b]}\n' % b",".join(
    b'{"platform":"linux/%b","os":"linux","architecture":"%b"}' % (name, name) for name in (b"amd64", b"arm64")
)
PLATFORM = b'{"OS":"linux","Architecture":"x86_64"}'
SWARM = [b'{"ID":"%b","Description":{"Hostname":"%b","Platform":%b}}' % (name, name, PLATFORM) for name in (b"x", b"y")]
TWO_FOREIGN = b"[" + b",".join(SWARM) + b"]\n"
BACALHAU = (DATA / "bacalhau-nodes.json").read_bytes()


def node(name):
    engine = b'{"engine":"docker","platforms":[{"platform":"linux/arm64","how":"native"}]}'
    return b'{"kind":"node","v":1,"id":"%b","name":"%b","engines":[%b]}\n' % (name, name, engine)


@pytest.fixture
def matched(run, tmp_path):
    """The names of the nodes that fit, the records of errors, and the process, for a node list of these bytes."""

    def match(data, *options):
        (tmp_path / "nodes").write_bytes(data)
        completed = run("bac-match", *options, "nodes", input=JOB, cwd=tmp_path)
        kinds = {"match": [], "error": []}
        for record in completed.records:
            kinds[record["kind"]].append(record)
        return [record["node"]["name"] for record in kinds["match"]], kinds["error"], completed

    return match


@pytest.mark.parametrize(
    "first",
    [
        b'us","rack":"31"},"sources":["inline"],"available":{"cpu":0.32,"gpus":[]}}\n',
        b'{"cpu":4},"labels":{}}\n',
        b'{"kind":"node","v":1,"id":"x","engines":[\n',
        b'{"kind":"node","v":1,"id":"x","labels":{"a":"b",\n',
        b"garbage\n",
        b"{}\n",
        b'{"kind":"Node"}\n',
        b"\xed\xa0\x80\n",
        b'"\\ud800"\n',
        b"NaN\n",
        b"<html>502</html>\n",
    ],
)
@pytest.mark.parametrize("options", [(), ("--stream",)], ids=" ".join)
def test_a_damaged_first_line_is_an_error_record_as_any_other_line_is(matched, first, options):
    names, (error,), completed = matched(first + node(b"a") + node(b"b"), *options)
    assert names == ["a", "b"]
    assert error["message"].startswith("line 1 of nodes is no")
    assert completed.status == 5


def test_a_damaged_first_line_of_a_pipe_is_an_error_record_too(shell, tmp_path):
    (tmp_path / "nodes").write_bytes(b"\n\ngarbage\n" + node(b"a") + node(b"b"))
    (tmp_path / "job").write_bytes(JOB)
    for options in ("", "--stream"):
        completed = shell(f"cd {tmp_path} && bac-match {options} <(cat nodes) < job")
        assert [record["kind"] for record in completed.records] == ["match", "match", "error"]
        assert "line 3 of " in completed.records[2]["message"]


def test_several_damaged_lines_may_come_first(matched):
    names, errors, completed = matched(b"Welcome!\nLast login: today\n\n" + node(b"a"))
    assert (names, completed.status) == (["a"], 5)
    assert [error["message"].split(" is ")[0] for error in errors] == ["line 1 of nodes", "line 2 of nodes"]


def test_after_16_damaged_lines_a_list_is_no_list_of_node_lines(matched):
    assert matched(b"Welcome!\n" * 15 + node(b"a"))[0] == ["a"]
    assert matched(b"Welcome!\n" * 16 + node(b"a"))[2].status == 3


def test_a_damaged_first_line_before_another_system_s_lists_is_an_error_record_too(matched):
    names, (error,), _ = matched(b'"Hostname":"x"}}]\n' + TWO_FOREIGN + TWO_FOREIGN)
    assert set(names) == {"x", "y"}
    assert error["message"].startswith("line 1 of nodes is not a record")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<html>\n<body>502</body>\n</html>\n", "nodes is an HTML or XML document, not a node list"),
        (
            b'{"kind":"Status","apiVersion":"v1",\n "message":"forbidden"}\n',
            "nodes is an error of Kubernetes, not a node list: forbidden",
        ),
        (b"kind: Status\napiVersion: v1\nmessage: forbidden\n", "nodes is an error of Kubernetes"),
        (b'{"kind":"NodeList","apiVersion":"v1","items":[{"kind":"No', "nodes is not JSON: "),
        (b"[\n" + node(b"a") + b",\n", "nodes is not JSON: "),
        (b"not a list\nat all\n", "nodes is text, not a node"),
    ],
)
def test_a_document_that_is_no_node_list_is_told_what_it_is(matched, data, message):
    _, _, completed = matched(data)
    assert (completed.status, completed.stdout) == (3, b"")
    assert completed.stderr.startswith(f"bac-match: {message}")


@pytest.mark.parametrize(
    "data",
    [
        b"[\n" + node(b"a") + b"]\n",
        b"[\n" + node(b"b").strip() + b",\n" + node(b"a") + b"]\n",
        b"[" + node(b"b").strip() + b",\n" + node(b"a") + b"]\n",
        b"---\n" + node(b"a") + b"---\n" + node(b"b"),
        b"\xef\xbb\xbf" + node(b"a") + node(b"b"),
    ],
)
def test_a_node_on_a_line_of_its_own_within_a_document_makes_no_node_lines_of_it(matched, data):
    names, errors, completed = matched(data)
    assert (set(names) - {"b"}, errors, completed.status) == ({"a"}, [], 0)


@pytest.mark.parametrize(
    "data",
    [
        TWO_FOREIGN + TWO_FOREIGN[:-40],
        SWARM[0] + b"\n" + SWARM[1] + b"\n" + SWARM[1][:40],
        json.dumps(json.loads(TWO_FOREIGN), indent=1).encode() + b"\n" + BACALHAU[:700],
        TWO_FOREIGN + b'[{"ID":"x","Description":{"Hostname":"]}]}',
        TWO_FOREIGN + b'[{"ID":"x","Description":{"Hostname":"]}]}\\',
        b"garbage\n" + TWO_FOREIGN + TWO_FOREIGN[:-40],
    ],
)
@pytest.mark.parametrize("options", [(), ("--stream",)], ids=" ".join)
def test_a_last_list_of_another_system_that_is_still_being_written_is_left_out_and_that_is_said(matched, data, options):
    names, errors, completed = matched(data, *options)
    assert set(names) == {"x", "y"}
    assert completed.stderr == "bac-match: nodes ends within a line, which is left out: something is writing to it\n"
    assert completed.status == (5 if errors else 0)


def test_what_is_broken_before_the_end_is_not_taken_for_half_written(matched):
    _, _, completed = matched(TWO_FOREIGN + TWO_FOREIGN[:-40] + b"\n")
    assert completed.status == 3
    assert "document 2 of nodes is not JSON" in completed.stderr


@pytest.mark.parametrize("options", [(), ("--stream",)], ids=" ".join)
def test_after_a_list_on_one_line_the_numbers_are_still_those_of_the_file(matched, options):
    odd = b'{"ID":"z","Description":{"Resources":{"MemoryBytes":-1}}}\n'
    late = node(b"late").replace(b'"engines":[', b'"engines":[5,')
    data = node(b"a") + TWO_FOREIGN + b"garbage\n" + b"[]\n" + odd + TWO_FOREIGN + late
    names, errors, _ = matched(data, *options)
    assert set(names) == {"a", "x", "y"}
    assert sorted(int(error["message"].split()[1]) for error in errors) == [3, 5, 7]
    assert all(f"line {number} of nodes" in " ".join(map(str, errors)) for number in (3, 5, 7))


def test_yaml_that_is_too_large_is_to_be_asked_for_as_json(matched):
    _, _, completed = matched(b"apiVersion: v1\nkind: List\n#" + b"x" * 16 * 1024**2)
    assert completed.status == 3
    assert completed.stderr == ("bac-match: nodes is larger than 16777216 bytes. Ask for JSON (-o json). [too_large]\n")
