"""bac-match as a process: lines in, lines out, reasons on standard error, status 1 for no and nothing else."""

import json
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"


def line(**fields):
    return json.dumps({"v": 1, **fields}, separators=(",", ":")).encode() + b"\n"


def image(*platforms):
    entries = []
    for name in platforms:
        os, architecture = name.split("/")[:2]
        entries.append({"platform": name, "os": os, "architecture": architecture, "digest": f"sha256:{name}"})
    return line(kind="image", reference="docker.io/library/busybox:1", engine="docker", platforms=entries)


def node(name, *offers, **fields):
    platforms = [{"platform": platform, "how": how} for platform, how in offers]
    return line(kind="node", id=name, name=name, engines=[{"engine": "docker", "platforms": platforms}], **fields)


AMD = node("amd", ("linux/amd64", "native"), resources={"cpu": 2.0})
BIG = node("big", ("linux/amd64", "native"), resources={"cpu": 64.0})
EMU = node("emu", ("linux/amd64", "native"), ("linux/arm64", "emulated"))
ARM = node("arm", ("linux/arm64", "native"))


@pytest.fixture
def nodes(tmp_path):
    path = tmp_path / "nodes.jsonl"
    path.write_bytes(AMD + BIG + EMU + ARM)
    return path


def names(completed):
    return [record["node"]["name"] for record in completed.records]


def test_fits_come_best_first(run, nodes):
    completed = run("bac-match", nodes, input=image("linux/arm64"))
    assert completed.status == 0
    assert [(r["node"]["name"], r["how"], r["rank"]) for r in completed.records] == [
        ("arm", "native", 1),
        ("emu", "emulated", 2),
    ]
    assert completed.records[0]["digest"] == "sha256:linux/arm64"


def test_of_equals_the_one_with_more_free_comes_first(run, nodes):
    assert names(run("bac-match", nodes, input=image("linux/amd64"))) == ["big", "amd", "emu"]


def test_job_and_node_are_there_in_their_own_bytes(run, tmp_path):
    odd = b'{"kind": "node", "v": 1, "id": "n", "later": 1.50, "engines": [{"engine": "docker", "platforms": '
    odd += b'[{"platform": "linux/amd64", "how": "native"}]}]}'
    path = tmp_path / "n.jsonl"
    path.write_bytes(odd)
    stdout = run("bac-match", path, input=image("linux/amd64")).stdout
    assert b'"node":' + odd in stdout
    assert image("linux/amd64").strip() in stdout


def test_nothing_fits_is_status_1_a_line_that_counts_and_one_of_remedies(run, nodes):
    completed = run("bac-match", nodes, input=image("linux/s390x"))
    assert (completed.status, completed.stdout) == (1, b"")
    counts, remedies = completed.stderr.splitlines()
    assert counts == "bac-match: docker.io/library/busybox:1: 0 of 4 nodes fit: 4 do not run linux/s390x"
    assert remedies.startswith("bac-match: docker.io/library/busybox:1: what would change that: ")
    assert "publish linux/amd64: +3" in remedies


def test_explain_prints_the_misfits_with_every_reason(run, nodes):
    completed = run("bac-match", "--explain", nodes, input=image("linux/arm64"))
    assert [(r["node"]["name"], r["ok"]) for r in completed.records] == [
        ("arm", True),
        ("emu", True),
        ("amd", False),
        ("big", False),
    ]
    misfit = completed.records[2]
    assert [reason["code"] for reason in misfit["reasons"]] == ["platform"]
    assert misfit["rank"] is None


def test_one_job_without_a_node_makes_the_status_1_though_others_fit(run, nodes):
    completed = run("bac-match", nodes, input=image("linux/arm64") + image("linux/s390x"))
    assert completed.status == 1
    assert names(completed) == ["arm", "emu"]


def test_jobs_that_differ_in_memory_are_told_apart_by_an_engine_that_gives_less_than_its_node(run, tmp_path):
    path = tmp_path / "nodes.jsonl"
    small = {"engine": "docker", "memory": 2 << 30, "platforms": [{"platform": "linux/amd64", "how": "native"}]}
    path.write_bytes(AMD + line(kind="node", id="vm", name="vm", engines=[small], resources={"memory": 8 << 30}))
    jobs = [
        line(
            kind="job",
            id=f"j-{gib}",
            spec={},
            requires={
                "engine": "docker",
                "platforms": ["linux/amd64"],
                "resources": {"memory": gib << 30},
            },
        )
        for gib in (1, 4, 2)
    ]
    found = run("bac-match", "--explain", path, input=b"".join(jobs)).records
    said = [(each["job"]["id"], each["ok"], [reason["remedy"] for reason in each["reasons"]]) for each in found[1::2]]
    assert [each["node"]["name"] for each in found] == ["amd", "vm"] * 3
    assert said == [("j-1", True, []), ("j-4", False, ["lower memory to 2 GiB"]), ("j-2", True, [])]


@pytest.mark.parametrize(
    ("operand", "platform", "status"),
    [
        ("platform:linux/arm/v7", "linux/arm/v6", 0),
        ("platform:armv7l", None, 3),
        ("platform:linux/arm64", "linux/arm/v7", 0),
        ("platform:linux/amd64", "linux/386", 0),
        ("platform:linux/arm/v6", "linux/arm/v7", 1),
    ],
)
def test_a_platform_operand_uses_the_usual_assumptions_and_says_so(run, operand, platform, status):
    completed = run("bac-match", operand, input=image(platform or "linux/arm/v7"))
    assert completed.status == status
    if status == 0:
        assert [record["how"] for record in completed.records] == ["assumed"]


def test_bacalhau_s_own_list_is_read(run):
    completed = run("bac-match", DATA / "bacalhau-nodes.json", input=image("linux/arm64"))
    assert [(r["node"]["name"], r["how"]) for r in completed.records] == [("mac-mini", "assumed")]


def test_a_pipe_of_nodes_can_be_read_twice(shell, nodes, tmp_path):
    (tmp_path / "job").write_bytes(image("linux/arm64") * 2)
    completed = shell(f"bac-match <(cat {nodes}) < {tmp_path}/job")
    assert names(completed) == ["arm", "emu", "arm", "emu"]


def test_a_json_array_of_nodes_is_read(run, tmp_path):
    path = tmp_path / "nodes.json"
    path.write_text(f"[\n{ARM.decode()},\n{AMD.decode()}]")
    assert names(run("bac-match", path, input=image("linux/arm64"))) == ["arm"]


def test_an_unknown_kind_passes_unchanged(run, nodes):
    weather = b'{"v":1, "kind":"weather","rain":  true}\n'
    completed = run("bac-match", nodes, input=weather + image("linux/arm64"))
    assert completed.stdout.startswith(weather)
    assert completed.status == 0


def test_an_error_record_passes_and_ends_in_status_5(run, nodes):
    error = line(kind="error", code="not_found", message="gone")
    completed = run("bac-match", nodes, input=error + image("linux/arm64"))
    assert completed.stdout.startswith(error)
    assert completed.status == 5


def test_an_error_record_among_the_nodes_passes_once(run, nodes):
    error = line(kind="error", code="no_engine", message="probe failed")
    nodes.write_bytes(error + nodes.read_bytes())
    completed = run("bac-match", nodes, input=image("linux/arm64") * 2)
    assert completed.stdout.count(error) == 1
    assert completed.status == 5


def test_a_job_that_was_not_inspected_is_an_error_record_and_the_rest_goes_on(run, nodes):
    job = line(kind="job", id="j-1", spec={}, requires={"engine": "docker"})
    completed = run("bac-match", nodes, input=job + image("linux/arm64"))
    assert [record["kind"] for record in completed.records] == ["error", "match", "match"]
    assert (completed.records[0]["code"], completed.records[0]["by"]) == ("not_inspected", "bac-match")
    assert completed.status == 5


def test_when_every_job_failed_the_status_is_that_of_the_failure(run, nodes):
    job = line(kind="job", id="j-1", spec={}, requires={"engine": "docker"})
    completed = run("bac-match", nodes, input=job)
    assert completed.status == 3
    assert completed.stderr.startswith("bac-match: job j-1 does not say which platforms it can run on. ")


@pytest.mark.parametrize(
    ("content", "input", "status", "message"),
    [
        (None, image("linux/amd64"), 3, "cannot read the node list nodes.jsonl: No such file or directory"),
        (b"", image("linux/amd64"), 3, "no node in nodes.jsonl"),
        (b"<html>", image("linux/amd64"), 3, "nodes.jsonl is an HTML or XML document, not a node list"),
        (b'{"kind":"no\n', image("linux/amd64"), 3, "nodes.jsonl"),
        (AMD, b"", 3, "standard input held no job, image or module"),
        (AMD, b"{", 3, "line 1 of standard input is not a record"),
        (AMD, b'{"kind":"image","v":1,"reference":"\xff"}\n', 3, "line 1 of standard input is not a record"),
        (AMD, b'{"kind":"image","v":9,"reference":"x"}\n', 3, "of version 9; this bactools reads version 1"),
    ],
)
def test_bad_input_is_status_3_and_one_line(run, tmp_path, content, input, status, message):
    if content is not None:
        (tmp_path / "nodes.jsonl").write_bytes(content)
    completed = run("bac-match", "nodes.jsonl", input=input, cwd=tmp_path)
    assert completed.status == status
    assert completed.stderr.count("\n") == 1
    assert message in completed.stderr


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        (b'{"kind":"no\n', "bad_line"),
        (b'{"kind":"node","v":1,"id":"x","engi' + AMD, "bad_line"),
        (b'{"kind":"node","v":2,"id":"x"}\n', "unknown_version"),
        (b'{"a":5}\n', "bad_line"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--stream",)], ids=" ".join)
def test_a_broken_line_among_nodes_is_an_error_record_and_the_others_are_matched(run, nodes, odd, code, options):
    nodes.write_bytes(ARM + odd + EMU)
    completed = run("bac-match", *options, nodes, input=image("linux/arm64"))
    assert [record["kind"] for record in completed.records] == ["match", "match", "error"]
    assert completed.records[2]["code"] in {code, "bad_nodes"}
    assert [record["node"]["name"] for record in completed.records[:2]] == ["arm", "emu"]
    assert f"line 2 of {nodes} " in completed.records[2]["message"]
    assert completed.status == 5


def test_a_folder_of_nodes_is_refused(run, tmp_path):
    completed = run("bac-match", tmp_path, input=image("linux/amd64"))
    assert completed.status == 3
    assert "Is a directory" in completed.stderr


def test_of_two_lines_about_a_node_the_latest_probe_counts(run, tmp_path):
    path = tmp_path / "nodes.jsonl"
    newer = node("n", ("linux/arm64", "native"), probed="2026-11-22T10:00:00Z")
    older = node("n", ("linux/s390x", "native"), probed="2026-11-22T09:00:00Z")
    path.write_bytes(older + newer + older)
    assert names(run("bac-match", path, input=image("linux/arm64"))) == ["n"]
    refused = run("bac-match", path, input=image("linux/s390x"))
    assert refused.status == 1
    assert "0 of 1 node fits: 1 does not run linux/s390x" in refused.stderr


def test_a_node_that_is_not_valid_becomes_an_error_record_and_the_others_are_matched(run, nodes):
    nodes.write_bytes(nodes.read_bytes() + node("odd", ("linux", "native")))
    completed = run("bac-match", nodes, input=image("linux/arm64"))
    assert [record["kind"] for record in completed.records] == ["match", "match", "error"]
    assert completed.records[2]["message"].startswith(f"line 5 of {nodes}: platform 'linux' ")
    assert completed.status == 5


def test_a_list_that_is_rewritten_while_it_is_read_never_puts_half_a_record_out(spawn, nodes):
    nodes.write_bytes(b"".join(node(f"n{number}", ("linux/amd64", "native")) for number in range(20_000)))
    process = spawn("bac-match", nodes, input=image("linux/amd64"))
    assert json.loads(process.stdout.readline())["ok"]
    nodes.write_bytes(ARM)
    assert all(json.loads(rest)["kind"] == "match" for rest in process.stdout)
    assert process.wait(60) == 4
    assert b"was rewritten while it was read" in process.stderr.read()


def test_lines_without_a_job_are_no_yes(run, nodes):
    completed = run("bac-match", nodes, input=AMD)
    assert completed.stdout == AMD
    assert completed.status == 3


def test_a_no_beside_a_failure_is_partial(run, nodes):
    job = line(kind="job", id="j-1", spec={}, requires={"engine": "docker"})
    assert run("bac-match", nodes, input=image("linux/s390x") + job).status == 5


def test_a_blank_first_line_is_skipped_in_a_node_list(run, nodes):
    nodes.write_bytes(b"\n" + nodes.read_bytes())
    assert names(run("bac-match", nodes, input=image("linux/arm64"))) == ["arm", "emu"]


def test_a_line_over_the_limit_is_refused_and_not_swallowed(run, nodes):
    completed = run("bac-match", nodes, input=b'{"kind":"image","v":1,"x":"' + b"a" * 17_000_000 + b'"}\n')
    assert completed.status == 3
    assert "[line_too_long]" in completed.stderr


def test_standard_input_cannot_be_the_nodes(run):
    completed = run("bac-match", "-", input=b"")
    assert completed.status == 2
    assert "<(bac-probe)" in completed.stderr


def test_a_terminal_gets_a_table_and_usage_instead_of_waiting(pty_run, nodes):
    completed = pty_run("bac-match", nodes)
    assert completed.status == 2
    assert "pipe records into standard input" in completed.stderr


def test_the_table_shows_the_same_records(pty_run, nodes):
    completed = pty_run("bac-match", "--explain", nodes, input=image("linux/arm64"), columns=200)
    rows = [row.split() for row in completed.stdout.decode().splitlines()]
    assert rows[0] == ["FITS", "JOB", "NODE", "PLATFORM", "REASONS"]
    assert [(row[0], row[2]) for row in rows[1:]] == [("yes", "arm"), ("yes", "emu"), ("no", "amd"), ("no", "big")]


def test_a_reader_that_takes_one_line_ends_it_by_sigpipe(shell, tmp_path):
    (tmp_path / "nodes").write_bytes(
        b"".join(node(f"n{number}", ("linux/amd64", "native")) for number in range(20_000))
    )
    (tmp_path / "job").write_bytes(image("linux/amd64"))
    completed = shell(f"bac-match {tmp_path}/nodes < {tmp_path}/job | head -n 1 | wc -l; echo ${{PIPESTATUS[0]}}")
    assert completed.stdout.split() == [b"1", b"141"]
    assert completed.stderr == ""


def test_control_characters_of_a_job_are_shown_and_not_sent_to_the_terminal(run):
    job = {"kind": "job", "v": 1, "id": "j-1", "name": "a\n\x1b[2J\u202e", "requires": {"engine": "docker"}}
    job["requires"] |= {"platforms": ["linux/s390x"]}
    done = run("bac-match", "platform:linux/amd64", input=json.dumps(job).encode())
    assert done.status == 1
    assert r"a\n\x1b[2J\u202e" in done.stderr
    assert "\x1b" not in done.stderr
    assert all(line.startswith("bac-match: ") for line in done.stderr.splitlines())
