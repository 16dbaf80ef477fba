"""bac-match as a process, with so much of something that it is worked on in parts: long jobs, many jobs, long lists."""

import json

import pytest

from bactools import MAX_LINE


def line(**fields):
    return json.dumps({"v": 1, **fields}, separators=(",", ":")).encode() + b"\n"


def job(name="j", spec=None, **requires):
    wanted = {"engine": "docker", "platforms": ["linux/arm64"], **requires}
    return line(kind="job", id=name, spec=spec or {}, requires=wanted)


def jobs(count):
    """Jobs that each need something else, which every node has."""
    return b"".join(job(f"j-{number}", resources={"cpu": (number + 1) / 1000}) for number in range(count))


def node(name, **fields):
    offer = {"engine": "docker", "platforms": [{"platform": "linux/arm64", "how": "native"}]}
    return line(kind="node", id=name, engines=[offer], **fields)


@pytest.fixture
def nodes(tmp_path):
    return tmp_path / "nodes.jsonl"


@pytest.mark.parametrize(
    "options", [(), ("--explain",), ("--per-platform", "200"), ("--stream",), ("--format", "table")], ids=" ".join
)
def test_lines_that_together_are_longer_than_a_line_may_be_are_written(run, nodes, options):
    names = [f"n-{number:03d}" for number in range(128)]
    nodes.write_bytes(b"".join(map(node, names)))
    several = job(spec={"Inline": "A" * (MAX_LINE // 100)}, platforms=["linux/arm64", "linux/s390x"])
    completed = run("bac-match", *options, nodes, input=several)
    assert (completed.status, completed.stdout.count(b"\n")) == (0, 128 + ("table" in options))
    assert all(name.encode() in completed.stdout for name in names)


@pytest.mark.parametrize("options", [(), ("--stream",)], ids=" ".join)
def test_one_line_longer_than_a_line_may_be_is_refused(run, nodes, options):
    nodes.write_bytes(node("n"))
    long = job(spec={"Inline": "A" * (MAX_LINE - 200)})
    completed = run("bac-match", *options, nodes, input=long)
    assert (completed.status, completed.stdout) == (3, b"")
    assert completed.stderr.endswith("[too_large]\n")


def test_a_stream_answers_as_many_jobs_of_a_long_list_as_of_a_short_one(run, nodes):
    nodes.write_bytes(node("n", labels={"a": "x" * 200_000}) * 40)
    completed = run("bac-match", "--stream", "--limit", "1", "--output", "name", nodes, input=jobs(200))
    assert (completed.status, completed.stdout) == (0, b"n\n" * 200)


def test_a_stream_refuses_jobs_beyond_4096_and_answers_the_others(run, nodes):
    nodes.write_bytes(node("n"))
    completed = run("bac-match", "--stream", "--output", "name", nodes, input=job() * 4097)
    assert (completed.status, completed.stdout) == (5, b"n\n" * 4096)
    assert completed.stderr.count("[too_large]") == 1


@pytest.mark.parametrize("own", [0, 1], ids=["alike", "own"])
def test_many_jobs_get_the_best_of_many_nodes_wherever_they_stand(run, nodes, own):
    nodes.write_bytes(
        b"".join(
            node(f"n{number}", resources={"cpu": 1.0 + number % 40, "disk": (1 << 30) + number * own})
            for number in range(6000)
        )
    )
    completed = run("bac-match", "--limit", "2", "--output", "name", nodes, input=jobs(400))
    assert (completed.status, completed.stdout) == (0, b"n39\nn79\n" * 400)


def test_reasons_are_told_apart_by_the_kind_of_gpu_that_is_missing_beside_something_else(run, nodes):
    nvidia = {"vendor": "NVIDIA", "memory": 40_000_000_000}
    nodes.write_bytes(node("a", resources={"cpu": 1, "gpus": []}) + node("b", resources={"cpu": 1, "gpus": [nvidia]}))
    wants = job(resources={"cpu": 4, "gpus": [nvidia, {"vendor": "AMD"}]})
    assert run("bac-match", nodes, input=wants).stderr.splitlines()[0] == (
        "bac-match: j: 0 of 2 nodes fit: 2 cannot give 4 cores, 1 has fewer than 1 AMD GPU, "
        "1 has fewer than 1 NVIDIA GPU of 40 GB"
    )
