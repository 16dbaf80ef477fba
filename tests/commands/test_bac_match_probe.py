"""`bac-match --probe`: whether a Bacalhau compute node shall take a job."""

import json
import subprocess
from pathlib import Path

import pytest


def request(image="busybox", **fields):
    """What a compute node of v1.9 writes, with what the server has set."""
    task = {
        "Name": "main",
        "Engine": {"Type": "docker", "Params": {"Image": image}},
        "Publisher": {"Type": ""},
        "Resources": {"CPU": "500m", "Memory": "512Mb"},
        "Network": {"Type": "Default"},
        "Timeouts": {"ExecutionTimeout": 0},
        **fields,
    }
    job = {
        "ID": "j-6f3b1a52-9a6c-4bb0-8f6e-8f0a0d3a8c11",
        "Name": "100%thumbs",
        "Namespace": "default",
        "Type": "batch",
        "Priority": 0,
        "Count": 1,
        "Constraints": [{"Key": "zone", "Operator": "=", "Values": ["eu"]}],
        "Meta": {},
        "Labels": {},
        "Tasks": [task],
        "State": {"StateType": "Pending", "Message": ""},
        "Version": 1,
        "Revision": 1,
        "CreateTime": 1763800000000000000,
        "ModifyTime": 1763800000000000000,
    }
    return json.dumps({"Job": job}).encode()


def module(source):
    engine = {"Type": "wasm", "Params": {"EntryModule": "/m.wasm", "Entrypoint": "_start"}}
    return request(Engine=engine, InputSources=[{"Target": "/m.wasm", "Source": source}])


FROM_S3 = module({"Type": "s3", "Params": {"Bucket": "b", "Key": "m.wasm"}})


def spelt(job, target):
    """The job with its module placed at the same path, written in another way."""
    return job.replace(b'"Target": "/m.wasm"', b'"Target": "%b"' % target)


@pytest.fixture
def node(tmp_path):
    """A node file with a host of this platform."""

    def write(platform, **fields):
        offers = [{"platform": platform, "how": "native"}]
        engine = "wasm" if platform.startswith("wasm") else "docker"
        record = {"kind": "node", "v": 1, "id": "n-1", "engines": [{"engine": engine, "platforms": offers}], **fields}
        path = tmp_path / "node.jsonl"
        path.write_text(json.dumps(record) + "\n", encoding="utf-8")
        return str(path)

    return write


@pytest.mark.usefixtures("docker")
def test_a_job_that_this_host_can_run_is_bid_for(run, registry):
    done = run("bac-match", "--probe", input=request(f"{registry}/busybox:multi"))
    assert (done.status, done.stdout, done.stderr) == (0, b"", "")


def test_a_job_for_another_platform_is_declined_with_the_reason(run, registry, node):
    asked = request(f"{registry}/busybox:multi")
    done = run("bac-match", "--probe", "--node", node("linux/s390x"), input=asked)
    assert (done.status, done.stdout) == (1, b"")
    start = "bac-match: this host cannot run 100%%thumbs: it does not run linux/amd64 or linux/arm64 or linux/arm/v7"
    assert done.stderr.startswith(start)
    assert done.stderr.count("\n") == 1


def test_quiet_does_not_silence_the_answer(run, registry, node):
    done = run("bac-match", "-q", "--probe", "--node", node("linux/s390x"), input=request(f"{registry}/busybox:multi"))
    assert done.status == 1
    assert "does not run" in done.stderr


def test_labels_sources_and_publishers_are_bacalhaus_own_to_check(run, registry, node):
    described = node("linux/amd64", labels={"zone": "us"}, sources=[], publishers=[], schedulable=False)
    asked = request(f"{registry}/busybox:multi", Publisher={"Type": "ipfs"})
    assert run("bac-match", "--probe", "--node", described, input=asked).status == 0


def test_an_image_that_is_nowhere_is_declined(run, registry, node):
    done = run("bac-match", "--probe", "--node", node("linux/amd64"), input=request(f"{registry}/busybox:nowhere"))
    assert done.status == 1
    assert "the registry does not have it" in done.stderr


@pytest.mark.parametrize(("options", "status"), [((), 4), (("--on-fault", "bid"), 0), (("--on-fault", "decline"), 1)])
def test_a_fault_has_a_status_of_its_own_unless_it_is_told(run, node, options, status):
    asked = request("localhost:1/busybox")
    done = run("bac-match", "--probe", *options, "--node", node("linux/amd64"), input=asked)
    assert done.status == status
    assert done.stderr.endswith("[unreachable]\n")


@pytest.mark.parametrize(
    ("asked", "code"), [(b"", "empty_input"), (b"<html>", "bad_spec"), (b'{"Job": 1}', "bad_spec")]
)
def test_what_is_no_job_is_a_fault(run, node, asked, code):
    done = run("bac-match", "--probe", "--node", node("linux/amd64"), input=asked)
    assert done.status == 3
    assert done.stderr.endswith(f"[{code}]\n")


def test_a_module_that_only_bacalhau_can_fetch_is_taken_for_one_it_can_run(run, node):
    assert run("bac-match", "--probe", "--node", node("linux/amd64"), input=FROM_S3).status == 0


def test_the_newest_line_about_the_host_counts(run, node):
    path = node("linux/amd64", probed="2026-11-22T07:00:00Z")
    old = {"kind": "node", "v": 1, "id": "n-1", "probed": "2026-11-21T07:00:00Z", "resources": {"memory": 1}}
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(json.dumps(old) + "\n")
    assert run("bac-match", "--probe", "--node", path, input=FROM_S3).status == 0


def test_a_file_of_a_whole_fleet_does_not_tell_which_host_this_is(run, node):
    path = node("linux/amd64")
    with Path(path).open("a", encoding="utf-8") as file:
        file.write('{"kind":"node","v":1,"id":"n-2"}\n')
    done = run("bac-match", "--probe", "--node", path, input=request())
    assert done.status == 3
    assert done.stderr.endswith("[bad_nodes]\n")


@pytest.mark.parametrize(
    "words",
    [
        ("--probe", "nodes.jsonl"),
        ("--node", "f", "nodes.jsonl"),
        ("--on-fault", "bid", "nodes.jsonl"),
        ("--timeout", "9", "nodes.jsonl"),
    ],
)
def test_the_options_of_a_probe_belong_together(run, words):
    assert run("bac-match", *words, input=request()).status == 2


@pytest.mark.parametrize(
    "words",
    [
        ("--limit", "1"),
        ("--explain",),
        ("--count",),
        ("--per-platform", "1"),
        ("--stream",),
        ("--output", "name"),
        ("--max-age", "1h"),
        ("--capacity",),
    ],
    ids=lambda words: words[0],
)
def test_what_a_probe_does_not_do_is_usage(run, node, words):
    done = run("bac-match", "--probe", *words, "--node", node("linux/amd64"), input=FROM_S3)
    assert done.status == 2
    assert done.stderr.startswith(f"bac-match: {words[0]} has no use with --probe")


@pytest.mark.parametrize(
    ("how", "option", "status"),
    [
        ("emulated", None, 0),
        ("emulated", "--no-emulated", 1),
        ("emulated", "--native-only", 1),
        ("compatible", "--no-emulated", 0),
        ("compatible", "--native-only", 1),
    ],
)
def test_how_a_platform_may_run_is_the_hosts_to_say(run, registry, node, how, option, status):
    offers = [{"platform": "linux/arm64", "how": how}]
    path = node("linux/s390x", engines=[{"engine": "docker", "platforms": offers}])
    words = ["--probe", *filter(None, [option]), "--node", path]
    assert run("bac-match", *words, input=request(f"{registry}/busybox:arm64")).status == status


def test_what_a_newer_bacalhau_writes_beside_is_ignored(run, node):
    told = json.loads(FROM_S3)
    told["JobID"] = "j-1"
    told["Job"]["AllocatedQueue"] = "fast"
    told["Job"]["Tasks"][0] |= {"RestartPolicy": {"Attempts": 2}}
    told["Job"]["Tasks"][0]["Engine"]["Params"]["Fuel"] = 7
    path = node("linux/amd64")
    assert run("bac-match", "--probe", "--node", path, input=json.dumps(told).encode()).status == 0


def test_a_fault_survives_one_more_printf(run, node):
    asked = request("busybox", Engine={"Type": "100%s", "Params": {}})
    done = run("bac-match", "--probe", "--node", node("linux/amd64"), input=asked)
    assert done.status == 3
    assert "100%%s" in done.stderr


def test_a_name_with_control_characters_stays_on_one_line_and_is_not_obeyed(run, registry, node):
    told = json.loads(request(f"{registry}/busybox:multi"))
    told["Job"]["Name"] = "thumbs\n\x1b[2Jdone"
    done = run("bac-match", "--probe", "--node", node("linux/s390x"), input=json.dumps(told).encode())
    assert done.stderr.startswith(r"bac-match: this host cannot run thumbs\n\x1b[2Jdone: it does not run")
    assert done.stderr.count("\n") == 1


def test_a_last_line_that_is_still_being_written_is_left_out(run, node):
    path = node("linux/amd64")
    with Path(path).open("a", encoding="utf-8") as file:
        file.write('{"kind":"node","v":1,"id":"n-')
    assert run("bac-match", "--probe", "--node", path, input=FROM_S3).status == 0


def test_a_last_line_without_its_newline_counts(run, node):
    path = node("linux/amd64", resources={"memory": 1}, probed="2026-11-22T07:00:00Z")
    with Path(path).open("a", encoding="utf-8") as file:
        file.write('{"kind":"node","v":1,"id":"n-1","probed":"2026-11-23T07:00:00Z"}')
    assert run("bac-match", "--probe", "--node", path, input=FROM_S3).status == 0


def test_a_record_on_several_lines_tells_of_the_host(run, node):
    path = Path(node("linux/amd64"))
    path.write_text(json.dumps(json.loads(path.read_bytes()), indent=2), encoding="utf-8")
    assert run("bac-match", "--probe", "--node", path, input=FROM_S3).status == 0


@pytest.mark.parametrize(("content", "code"), [('{"kind":"node","v":1,"id', "bad_line"), ("\n \n", "empty_input")])
def test_a_file_without_a_whole_record_is_a_fault(run, node, content, code):
    path = Path(node("linux/amd64"))
    path.write_text(content, encoding="utf-8")
    done = run("bac-match", "--probe", "--node", path, input=FROM_S3)
    assert done.status == 3
    assert done.stderr.endswith(f"[{code}]\n")


@pytest.mark.parametrize(("options", "status"), [((), 4), (("--on-fault", "bid"), 0), (("--on-fault", "decline"), 1)])
def test_a_question_that_does_not_end_is_a_fault_after_the_time_for_it(spawn, node, options, status):
    words = ["--probe", "--timeout", "1", *options, "--node", node("linux/amd64")]
    process = spawn("bac-match", *words, stdin=subprocess.PIPE)
    assert process.wait(60) == status
    said = b"answering the probe did not end within 1 seconds. --timeout gives it more time. [timed_out]\n"
    assert process.stderr.read() == b"bac-match: " + said


def test_a_module_from_afar_is_one_however_its_path_is_written(run, node):
    asked = spelt(module({"Type": "urlDownload", "Params": {"URL": "http://localhost:1/m.wasm"}}), b"m.wasm")
    assert run("bac-match", "--probe", "--node", node("wasm32/wasi"), input=asked).status == 0
