"""bac-match as a process: which of the nodes that fit are printed, in which order and in which form."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"


def line(**fields):
    return json.dumps({"v": 1, **fields}, separators=(",", ":")).encode() + b"\n"


def job(*platforms, name="j-1", spec=None, **requires):
    wanted = {"engine": "docker", "platforms": list(platforms), **requires}
    return line(kind="job", id=name, spec=spec or {}, requires=wanted)


def node(name, *offers, **fields):
    platforms = [{"platform": platform, "how": how} for platform, how in offers]
    engines = [{"engine": "docker", "platforms": platforms}]
    return line(**{"kind": "node", "id": name, "name": name, "engines": engines, **fields})


SMALL = node("small", ("linux/amd64", "native"), resources={"cpu": 2.0, "memory": 8 << 30}, available={"cpu": 2.0})
LARGE = node("large", ("linux/amd64", "native"), resources={"cpu": 64.0, "memory": 8 << 30}, available={"cpu": 1.0})
BOTH = node("both", ("linux/amd64", "native"), ("linux/arm64", "emulated"))
ARM = node("arm", ("linux/arm64", "native"))
FLEET = SMALL + BOTH + LARGE + ARM


@pytest.fixture
def nodes(tmp_path):
    path = tmp_path / "nodes.jsonl"
    path.write_bytes(FLEET)
    return path


def names(completed):
    return [record["node"]["name"] for record in completed.records]


def test_limit_takes_the_best(run, nodes):
    assert names(run("bac-match", "--limit", "2", nodes, input=job("linux/amd64"))) == ["small", "large"]


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({"Count": 2}, ["small", "large"]),
        ({}, ["small"]),
        ({"Count": -1}, ["small"]),
        ({"Type": "ops"}, ["small", "large", "both"]),
    ],
)
def test_count_is_the_job_s_own_and_a_job_for_every_node_gets_all(run, nodes, spec, found):
    assert names(run("bac-match", "--count", nodes, input=job("linux/amd64", spec=spec))) == found


@pytest.mark.parametrize("options", [(), ("--stream",)], ids=" ".join)
@pytest.mark.parametrize(("platform", "status"), [("linux/amd64", 0), ("linux/s390x", 1)])
def test_a_count_of_0_gets_none_and_the_status_tells_whether_a_node_fits(run, nodes, options, platform, status):
    nodes.write_bytes(ARM * 300 + SMALL)
    wants = job(platform, spec={"Count": 0})
    completed = run("bac-match", "--count", *options, nodes, input=wants)
    assert (completed.status, completed.stdout) == (status, b"")
    beside = run("bac-match", "--count", *options, nodes, input=wants + job("linux/arm64", name="j-2"))
    assert (beside.status, names(beside)) == (status, ["arm"])
    uninspected = line(kind="job", id="j-3", spec={}, requires={"engine": "docker"})
    assert run("bac-match", "--count", *options, nodes, input=wants + uninspected).status == 5


def test_per_platform_picks_for_each_platform_that_the_job_can_run_on(run, nodes):
    completed = run("bac-match", "--per-platform", "1", nodes, input=job("linux/amd64", "linux/arm64", "linux/s390x"))
    assert completed.status == 0
    assert [(r["platform"], r["node"]["name"], r["rank"]) for r in completed.records] == [
        ("linux/amd64", "small", 1),
        ("linux/arm64", "arm", 1),
    ]
    assert "bac-match: j-1 on linux/s390x: 0 of 4 nodes fit: 4 do not run linux/s390x" in completed.stderr


def test_of_several_platforms_the_best_of_each_comes_before_the_second_of_any(run, nodes):
    wants = job("linux/amd64", "linux/arm64")
    completed = run("bac-match", "--per-platform", "2", nodes, input=wants)
    assert [(r["platform"], r["node"]["name"], r["rank"]) for r in completed.records] == [
        ("linux/amd64", "small", 1),
        ("linux/arm64", "arm", 1),
        ("linux/amd64", "large", 2),
        ("linux/arm64", "both", 2),
    ]
    limited = run("bac-match", "--per-platform", "2", "--limit", "3", nodes, input=wants)
    assert limited.records == completed.records[:3]


@pytest.mark.parametrize("options", [(), ("--stream",)], ids=" ".join)
def test_explained_per_platform_a_misfit_is_told_once_and_only_if_it_fits_none(run, nodes, options):
    wants = job("linux/arm64", "linux/s390x")
    completed = run("bac-match", "--explain", "--per-platform", "1", *options, nodes, input=wants)
    misfits = [record for record in completed.records if not record["ok"]]
    assert [record["node"]["name"] for record in misfits] == ["small", "large"]
    assert [reason["want"] for reason in misfits[0]["reasons"]] == [["linux/arm64", "linux/s390x"]]


def test_per_platform_never_proposes_another_platform_for_one(run, nodes):
    completed = run("bac-match", "--per-platform", "1", nodes, input=job("linux/amd64", "linux/s390x"))
    (told,) = [line for line in completed.stderr.splitlines() if "what would change that" in line]
    assert "j-1 on linux/s390x: " in told
    assert "publish" not in told


@pytest.mark.parametrize("options", [(), ("--stream",)], ids=" ".join)
def test_a_list_that_holds_half_a_line_is_as_an_empty_one_and_says_so(run, nodes, tmp_path, options):
    begun = tmp_path / "begun.jsonl"
    begun.write_bytes(b'{"kind":"no')
    alone = run("bac-match", *options, begun, input=job("linux/arm64"))
    assert (alone.status, alone.stdout) == (3, b"")
    assert alone.stderr == (
        f"bac-match: no node in {begun}. {begun} ends within a line: something is writing to it. [empty_input]\n"
    )
    assert names(run("bac-match", begun, nodes, input=job("linux/arm64"))) == ["arm", "both"]


def test_a_whole_last_line_that_is_no_record_is_an_error_and_not_half_written(run, nodes):
    nodes.write_bytes(ARM + b'{"weather":"rain"}')
    completed = run("bac-match", nodes, input=job("linux/arm64"))
    assert [record["kind"] for record in completed.records] == ["match", "error"]
    assert (completed.status, completed.stderr.count("ends within a line")) == (5, 0)


@pytest.mark.parametrize("together", ["\n".join, lambda each: f"[{','.join(each)}]"], ids=["lines", "list"])
@pytest.mark.parametrize("options", [(), ("--stream",)], ids=" ".join)
def test_another_system_s_nodes_after_node_lines_are_converted(run, nodes, together, options):
    listed = json.loads((DATA / "bacalhau-nodes.json").read_bytes())
    texts = [json.dumps(each) for each in (listed if isinstance(listed, list) else listed["Nodes"])]
    nodes.write_bytes(ARM + together(texts).encode() + b"\n" + BOTH)
    completed = run("bac-match", "--output", "node", *options, nodes, input=job("linux/arm64"))
    assert completed.status == 0
    assert {record["name"] for record in completed.records} == {"arm", "mac-mini", "both"}
    assert {record["kind"] for record in completed.records} == {"node"}


def test_amounts_of_every_node_s_own_are_counted_as_what_they_are(run, tmp_path):
    path = tmp_path / "nodes"
    count = 9000
    path.write_bytes(
        b"".join(
            node(f"n{number}", ("linux/amd64", "native"), available={"cpu": 2.0, "memory": (1 << 30) + number})
            for number in range(count)
        )
    )
    refused = run("bac-match", path, input=job("linux/amd64", resources={"memory": 2 << 30}))
    assert f"0 of {count} nodes fit: {count} " in refused.stderr
    assert f"lower memory to 1 GiB: +{count} nodes" in refused.stderr
    fitting = run("bac-match", path, input=job("linux/amd64", resources={"memory": (1 << 30) + count - 3}))
    assert names(fitting) == [f"n{number}" for number in range(count - 3, count)]
    told = run("bac-match", "--explain", path, input=job("linux/amd64", resources={"memory": 2 << 30}))
    assert [record["reasons"][0]["have"] for record in told.records] == [(1 << 30) + number for number in range(count)]


def test_of_equals_the_one_that_came_first_stands_first(run, tmp_path):
    path = tmp_path / "nodes"
    path.write_bytes(b"".join(node(f"n{number}", ("linux/amd64", "native")) for number in range(600)))
    assert names(run("bac-match", path, input=job("linux/amd64"))) == [f"n{number}" for number in range(600)]


def test_more_free_memory_comes_first_where_cpu_is_equal(run, tmp_path):
    path = tmp_path / "nodes"
    sizes = (3, 9, 1, 7)
    path.write_bytes(
        b"".join(node(f"m{size}", ("linux/amd64", "native"), resources={"memory": size << 30}) for size in sizes)
    )
    assert names(run("bac-match", path, input=job("linux/amd64"))) == ["m9", "m7", "m3", "m1"]


def test_capacity_counts_what_a_node_has_and_orders_by_it(run, nodes):
    wants = job("linux/amd64", resources={"cpu": 2.0})
    assert names(run("bac-match", nodes, input=wants)) == ["small", "both"]
    assert names(run("bac-match", "--capacity", nodes, input=wants)) == ["large", "small", "both"]


@pytest.mark.parametrize("option", ["--no-emulated", "--native-only"])
def test_emulated_platforms_can_be_refused(run, nodes, option):
    assert names(run("bac-match", nodes, input=job("linux/arm64"))) == ["arm", "both"]
    assert names(run("bac-match", option, nodes, input=job("linux/arm64"))) == ["arm"]


def test_stream_prints_in_the_order_of_the_nodes_without_a_rank(run, nodes):
    completed = run("bac-match", "--stream", nodes, input=job("linux/amd64") + job("linux/arm64", name="j-2"))
    assert [(r["job"]["id"], r["node"]["name"], r["rank"]) for r in completed.records] == [
        ("j-1", "small", None),
        ("j-1", "both", None),
        ("j-2", "both", None),
        ("j-1", "large", None),
        ("j-2", "arm", None),
    ]


def test_stream_and_limit_stop_reading_when_every_job_has_enough(run, nodes):
    nodes.write_bytes(FLEET * 200 + b"<html>\n")
    completed = run("bac-match", "--stream", "--limit", "1", nodes, input=job("linux/amd64"))
    assert names(completed) == ["small"]


def test_stream_of_a_pipe_prints_a_node_before_the_next_comes(spawn, tmp_path):
    import os

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = spawn("bac-match", "--stream", pipe, input=job("linux/arm64"))
    with pipe.open("wb", buffering=0) as stream:
        stream.write(ARM)
        assert json.loads(process.stdout.readline())["node"]["name"] == "arm"
        stream.write(BOTH)
        assert json.loads(process.stdout.readline())["node"]["name"] == "both"
    assert process.wait(60) == 0


def test_output_node_gives_the_node_lines_byte_for_byte(run, nodes):
    assert run("bac-match", "--output", "node", nodes, input=job("linux/arm64")).stdout == ARM + BOTH


def test_output_name_gives_names_and_says_errors_elsewhere(run, nodes):
    bad = line(kind="job", id="j-0", spec={}, requires={"engine": "docker"})
    completed = run("bac-match", "--output", "name", nodes, input=bad + job("linux/arm64"))
    assert (completed.status, completed.stdout) == (5, b"arm\nboth\n")
    assert "[not_inspected]" in completed.stderr


def test_a_name_with_a_line_feed_stays_on_one_line(run, nodes):
    nodes.write_bytes(node("a\nb", ("linux/arm64", "native")))
    assert run("bac-match", "--output", "name", nodes, input=job("linux/arm64")).stdout == b'"a\\nb"\n'


@pytest.mark.parametrize("options", [(), ("--stream",)], ids=" ".join)
@pytest.mark.parametrize("name", [5, None, "", ["a"], {}])
def test_a_node_whose_name_is_no_text_is_called_by_its_id(run, nodes, name, options):
    offer = {"engine": "docker", "platforms": [{"platform": "linux/arm64", "how": "native"}]}
    nodes.write_bytes(line(kind="node", id="n-1", name=name, engines=[offer]))
    completed = run("bac-match", "--output", "name", *options, nodes, input=job("linux/arm64"))
    assert (completed.status, completed.stdout) == (0, b"n-1\n")


@pytest.mark.parametrize("options", [(), ("--max-age", "1h")], ids=" ".join)
def test_a_probed_that_is_no_text_is_no_time_whether_or_not_the_node_comes_twice(run, nodes, options):
    odd = node("odd", ("linux/arm64", "native"), probed=5)
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    again = node("odd", ("linux/s390x", "native"), probed=now)
    for lines, found in ((odd + ARM, ["odd", "arm"]), (odd + ARM + ARM, ["odd", "arm"]), (again + odd + ARM, ["arm"])):
        nodes.write_bytes(lines)
        completed = run("bac-match", *options, nodes, input=job("linux/arm64"))
        assert (completed.status, names(completed)) == (0, found)


def test_lists_with_stale_lines_only_answer_no(run, nodes):
    nodes.write_bytes(node("old", ("linux/arm64", "native"), probed="2020-01-01T00:00:00Z"))
    completed = run("bac-match", "--max-age", "1h", nodes, input=job("linux/arm64"))
    assert completed.status == 1
    assert completed.stderr == (
        "bac-match: j-1: 0 of 0 nodes fit\nbac-match: 1 node line left out: probed longer ago than --max-age\n"
    )


def test_what_is_wrong_among_the_nodes_is_told_in_the_order_of_the_lines(run, nodes):
    passed = line(kind="error", code="timeout", message="too late")
    nodes.write_bytes(ARM + line(kind="node", id="n", engines=5) + line(kind="node") + passed + b"<html>\n" + ARM)
    completed = run("bac-match", nodes, input=job("linux/arm64"))
    first, second, third, fourth = [record["message"] for record in completed.records if record["kind"] == "error"]
    assert first.startswith(f"line 2 of {nodes}: not a valid node record: engines: ")
    assert second.startswith(f"line 3 of {nodes} is not a valid node record: ")
    assert third == "too late"
    assert fourth.startswith(f"line 5 of {nodes} is not a record: ")


def test_what_is_wrong_at_the_same_place_in_two_pipes_is_told_of_both(shell, nodes, tmp_path):
    nodes.write_bytes(ARM + line(kind="node"))
    (tmp_path / "job").write_bytes(job("linux/arm64"))
    completed = shell(f"bac-match --stream <(cat {nodes}) <(cat {nodes}) < {tmp_path}/job")
    assert [record["kind"] for record in completed.records] == ["match", "match", "error", "error"]


def test_max_age_leaves_out_the_stale_and_counts_them(run, nodes):
    now = datetime.now(timezone.utc)
    times = {"new": now - timedelta(minutes=5), "old": now - timedelta(hours=3)}
    lines = [
        node(name, ("linux/arm64", "native"), probed=time.strftime("%Y-%m-%dT%H:%M:%SZ"))
        for name, time in times.items()
    ]
    nodes.write_bytes(b"".join(lines) + ARM)
    completed = run("bac-match", "--max-age", "1h", nodes, input=job("linux/arm64"))
    assert names(completed) == ["new", "arm"]
    assert completed.stderr == "bac-match: 1 node line left out: probed longer ago than --max-age\n"


def test_a_duration_that_is_none_is_usage(run, nodes):
    completed = run("bac-match", "--max-age", "soon", nodes, input=job("linux/arm64"))
    assert completed.status == 2
    assert "'soon' is no duration; write 90s, 15m, 2h or 7d." in completed.stderr


@pytest.mark.parametrize(
    "options", [("--count", "--limit", "1"), ("--explain", "--output", "name"), ("--limit", "0")], ids=" ".join
)
def test_options_that_contradict_each_other_are_usage(run, nodes, options):
    assert run("bac-match", *options, nodes, input=job("linux/arm64")).status == 2


def test_the_same_node_in_two_files_counts_once_as_the_later_probe_says(run, tmp_path):
    new, old = tmp_path / "new", tmp_path / "old"
    new.write_bytes(ARM + node("n", ("linux/arm64", "native"), probed="2026-11-22T10:00:00.5Z"))
    old.write_bytes(node("n", ("linux/amd64", "native"), probed="2026-11-22T10:00:00Z"))
    assert names(run("bac-match", new, old, input=job("linux/arm64"))) == ["arm", "n"]
    refused = run("bac-match", new, old, input=job("linux/amd64"))
    assert "0 of 2 nodes fit: 2 do not run linux/amd64" in refused.stderr


def test_of_equal_probes_the_last_line_counts(run, nodes):
    nodes.write_bytes(node("n", ("linux/arm64", "native")) + node("n", ("linux/amd64", "native")))
    assert run("bac-match", nodes, input=job("linux/arm64")).status == 1
    assert run("bac-match", nodes, input=job("linux/amd64")).status == 0


def test_several_platform_operands_are_several_hosts(run):
    operands = ("platform:linux/arm/v7", "platform:linux/arm64", "platform:linux/amd64")
    completed = run("bac-match", "--output", "name", *operands, input=job("linux/arm/v6"))
    assert completed.stdout == b"platform:linux/arm/v7\nplatform:linux/arm64\n"


def test_a_half_written_last_line_is_skipped_and_said(run, nodes):
    nodes.write_bytes(ARM + BOTH[:-20])
    completed = run("bac-match", nodes, input=job("linux/arm64"))
    assert (completed.status, names(completed)) == (0, ["arm"])
    assert completed.stderr == (
        f"bac-match: {nodes} ends within a line, which is left out: something is writing to it\n"
    )


def test_a_whole_last_line_without_a_newline_counts(run, nodes):
    nodes.write_bytes(BOTH + ARM.rstrip())
    assert run("bac-match", "--output", "node", nodes, input=job("linux/arm64")).stdout == ARM + BOTH


def test_lines_longer_than_a_piece_are_whole(run, nodes):
    long = node("long", ("linux/arm64", "native"), labels={"a": "x" * 100_000})
    nodes.write_bytes(ARM + long + ARM.replace(b'"arm"', b'"arm2"'))
    completed = run("bac-match", "--output", "node", nodes, input=job("linux/arm64"))
    assert completed.stdout == ARM + long + ARM.replace(b'"arm"', b'"arm2"')


def test_what_decides_must_be_valid_and_numbers_as_text_are_not(run, nodes):
    nodes.write_bytes(node("text", ("linux/arm64", "native"), resources={"cpu": "4"}) + ARM)
    completed = run("bac-match", nodes, input=job("linux/arm64"))
    assert [record["kind"] for record in completed.records] == ["match", "error"]
    assert completed.records[1]["message"].startswith(f"line 1 of {nodes}: not a valid node record: resources: ")
    assert completed.status == 5


def test_an_unknown_architecture_is_equal_to_itself_only(run, nodes):
    nodes.write_bytes(node("odd", ("linux/e2k", "native")))
    assert run("bac-match", nodes, input=job("linux/e2k")).status == 0
    assert run("bac-match", nodes, input=job("linux/e2", "linux/amd64")).status == 1


def test_explained_misfits_say_what_core_decides(run, nodes):
    completed = run("bac-match", "--explain", nodes, input=job("linux/amd64", resources={"cpu": 1.5}, sources=["ipfs"]))
    by_name = {record["node"]["name"]: record for record in completed.records}
    assert [reason["code"] for reason in by_name["large"]["reasons"]] == ["cpu"]
    assert [reason["code"] for reason in by_name["arm"]["reasons"]] == ["platform"]
    assert "2 of 4 nodes fit: " in completed.stderr


def test_jobs_and_what_stands_between_them_keep_their_order(run, nodes):
    weather = b'{"v":1,"kind":"weather"}\n'
    completed = run("bac-match", nodes, input=job("linux/arm64") + weather + job("linux/arm64", name="j-2"))
    kinds = [(r["kind"], r.get("job", {}).get("id")) for r in completed.records]
    assert kinds == [("match", "j-1")] * 2 + [("weather", None)] + [("match", "j-2")] * 2


def test_jobs_before_a_line_that_cannot_be_read_are_answered(run, nodes):
    completed = run("bac-match", nodes, input=job("linux/arm64") + b"{")
    assert (completed.status, names(completed)) == (3, ["arm", "both"])
