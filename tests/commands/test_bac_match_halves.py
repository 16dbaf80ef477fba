"""bac-match with a second process beside it, as on a machine with two CPUs: byte for byte what one process prints."""

import json
import sys
from pathlib import Path

import processes
import pytest
from bench import fleet

JOBS = b"".join(
    b'{"kind":"job","v":1,"id":"j-%d","spec":{},"requires":{"engine":"docker","platforms":%b,"resources":{"cpu":%b}}}\n'
    % each
    for each in ((1, b'["linux/arm64"]', b"16.0"), (2, b'["linux/arm/v7","linux/s390x"]', b"64.0"))
)
ONE_CPU = "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); os.execv(sys.argv[1], sys.argv[1:])"
EVERY = b'{"kind":"job","v":1,"id":"j-3","spec":{},"requires":{"engine":"wasm","platforms":["wasm32/wasi"]}}\n'
COUNT = 40_000


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The lines of 40,000 nodes, 21 MB: more than is read by one process where there can be two."""
    path = tmp_path_factory.mktemp("fleet") / "nodes"
    with path.open("w", encoding="utf-8") as stream:
        fleet.write(COUNT, stream)
    return path.read_bytes().splitlines(keepends=True)


def repeated(lines):
    """Some nodes of one half again in the other, probed earlier or later."""
    later = [line.replace(b"2026-11-22T07", b"2026-11-22T08") for line in lines[100:COUNT:997]]
    earlier = [line.replace(b"2026-11-22T07", b"2026-11-22T06") for line in lines[50:COUNT:997]]
    return [*earlier, *lines, *later]


def uneven(lines):
    """Error records, nodes that are not valid, a blank line, and a last line that is not all there."""
    odd = [
        b'{"kind":"error","v":1,"code":"timeout","message":"too late"}\n',
        b'{"kind":"node","v":1,"id":"n","engines":5}\n',
        b"\n",
        lines[0].replace(b'"cpu":16', b'"cpu":"16"').replace(b'"n-00000000"', b'"text"'),
        '{"kind":"node","v":1,"id":"\u00e9","engines":[]}\n'.encode(),
    ]
    mixed = list(lines)
    for position in (10, COUNT // 2 + 1000, COUNT - 1000):
        mixed[position:position] = odd
    return [*mixed, lines[7][:-30]]


def shuffled(lines):
    """Every second node, then the others."""
    return [*lines[1::2], *lines[::2]]


def told(words, home, jobs=JOBS):
    return processes.complete(words, jobs, env=processes.environment(home), cwd=home)


@pytest.mark.parametrize(
    "options",
    [(), ("--explain",), ("--output", "node", "--limit", "3000"), ("--per-platform", "5"), ("--no-emulated",)],
    ids=" ".join,
)
@pytest.mark.parametrize("change", [list, repeated, uneven, shuffled], ids=lambda change: change.__name__)
def test_two_processes_print_what_one_prints(home, plain, change, options):
    path = home / "nodes.jsonl"
    path.write_bytes(b"".join(change(plain)))
    words = processes.installed(("bac-match", *options, path))
    two = told(words, home)
    one = told([sys.executable, "-c", ONE_CPU, *words], home)
    assert (two.status, two.stderr) == (one.status, one.stderr)
    assert two.stdout == one.stdout
    assert two.stdout


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ((), COUNT),
        (("--output", "name"), COUNT),
        (("--output", "node", "--limit", "20001"), 20001),
        (("--limit", "16384", "--format", "table"), 16385),
    ],
)
def test_many_lines_are_written_by_two_processes_as_by_one(home, plain, options, count):
    path = home / "nodes.jsonl"
    path.write_bytes(b"".join(plain))
    words = processes.installed(("bac-match", *options, path))
    two = told(words, home, EVERY)
    assert (two.status, two.stderr, two.stdout.count(b"\n")) == (0, "", count)
    assert two.stdout == told([sys.executable, "-c", ONE_CPU, *words], home, EVERY).stdout


def test_a_node_in_both_halves_counts_once_as_the_later_probe_says(run, home, plain):
    path = home / "nodes.jsonl"
    path.write_bytes(b"".join(repeated(plain)))
    found = run("bac-match", "--output", "node", path, input=JOBS.splitlines(keepends=True)[0]).records
    ids = [record["id"] for record in found]
    assert len(ids) == len(set(ids))
    wanted = {json.loads(line)["id"] for line in plain[100:COUNT:997]}
    assert {record["probed"] for record in found if record["id"] in wanted} == {"2026-11-22T08:00:00Z"}
    assert "2026-11-22T06:00:00Z" not in {record["probed"] for record in found}


def test_line_numbers_count_from_the_start_of_the_list(run, home, plain):
    path = home / "nodes.jsonl"
    path.write_bytes(b"".join([*plain[:-1], b'{"kind":"node","v":1,"id":"n","resources":{"cpu":"4"}}\n', plain[-1]]))
    completed = run("bac-match", path, input=JOBS)
    assert completed.status == 5
    assert f"line {COUNT} of {path}: not a valid node record: resources: " in completed.records[-1]["message"]


def test_a_broken_line_in_the_second_half_is_told_with_its_number(run, home, plain):
    path = home / "nodes.jsonl"
    path.write_bytes(b"".join([*plain, b"<html>\n", plain[0]]))
    completed = run("bac-match", path, input=JOBS)
    assert completed.status == 5
    assert f"line {COUNT + 1} of {path} is not a record" in completed.records[-1]["message"]


def test_amounts_of_every_node_s_own_are_decided_on_alike_in_two_processes(home):
    path = home / "nodes.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        fleet.write(COUNT, stream, own=True)
    words = processes.installed(("bac-match", "--explain", path))
    two, one = told(words, home), told([sys.executable, "-c", ONE_CPU, *words], home)
    assert (two.status, two.stderr, two.stdout) == (one.status, one.stderr, one.stdout)


@pytest.mark.parametrize("own", [False, True])
def test_a_node_that_is_found_not_to_be_valid_when_it_is_decided_on_leaves_the_others_counted_once(home, own):
    path = home / "nodes.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        fleet.write(COUNT, stream, own=own)
    lines = path.read_bytes().splitlines(keepends=True)
    lines.insert(COUNT * 3 // 4 + 70, b'{"kind":"node","v":1,"id":"n","engines":5}\n')
    path.write_bytes(b"".join(lines))
    words = processes.installed(("bac-match", path))
    jobs = JOBS.replace(b"linux/", b"plan9/")
    two, one = told(words, home, jobs), told([sys.executable, "-c", ONE_CPU, *words], home, jobs)
    assert (two.status, two.stderr, two.stdout) == (one.status, one.stderr, one.stdout)
    assert two.stderr.count(f"0 of {COUNT} nodes fit") == 2


def test_nothing_of_it_is_left_when_the_reader_has_gone(shell, home, plain):
    path = home / "nodes.jsonl"
    path.write_bytes(b"".join(plain))
    (home / "jobs").write_bytes(JOBS)
    completed = shell('bac-match --explain nodes.jsonl <jobs | head -1; echo "${PIPESTATUS[0]}"', cwd=home)
    assert completed.stdout.endswith(b"\n141\n")
    assert [process for process in Path("/proc").glob("[0-9]*") if holds(process, path)] == []


def holds(process, path):
    """Whether a process has this file open."""
    try:
        return any(link.readlink() == path for link in Path(process, "fd").iterdir())
    except OSError:
        return False
