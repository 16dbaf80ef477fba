"""`bac-job --input-from`: one job for each result line."""

import json

SECOND = b"Type: batch\nTasks: [{Name: main, Engine: {Type: docker, Params: {Image: busybox}}}]\n"


def result(**fields):
    return json.dumps({"kind": "result", "v": 1, "job": "j-1", "status": "completed", **fields}).encode() + b"\n"


def sources(records):
    return [record["spec"]["Tasks"][0]["InputSources"] for record in records if record["kind"] == "job"]


def test_each_result_line_becomes_a_job_with_those_results(run, tmp_path):
    spec = tmp_path / "second.yaml"
    spec.write_bytes(SECOND)
    lines = result(results="/r/job-1") + result(results="/r/job-2")
    done = run("bac-job", str(spec), "--input-from", "-", input=lines)
    assert done.status == 0
    assert [each[0]["Source"]["Params"]["SourcePath"] for each in sources(done.records)] == ["/r/job-1", "/r/job-2"]
    assert len({record["id"] for record in done.records}) == 2


def test_a_failed_result_is_an_error_record_and_other_lines_pass(run, tmp_path):
    spec = tmp_path / "second.yaml"
    spec.write_bytes(SECOND)
    other = b'{"kind":"future","v":1}\n'
    lines = result(results="/r/job-1", status="failed") + other + result(results="/r/job-2")
    done = run("bac-job", "--input-from", "-:/data", str(spec), input=lines)
    assert done.status == 5
    assert [record.get("code", record["kind"]) for record in done.records] == ["no_results", "future", "job"]
    assert sources(done.records)[0][0]["Target"] == "/data"


def test_standard_input_is_not_read_twice(run):
    done = run("bac-job", "-", "--input-from", "-", input=SECOND)
    assert done.status == 2
    assert "Standard input can hold the job or the results" in done.stderr


def test_results_feed_the_job_of_a_file_only(run):
    done = run("bac-job", "--input-from", "-", "docker", "busybox", input=result(results="/r"))
    assert done.status == 2


def test_a_file_of_results_will_do(run, tmp_path):
    results = tmp_path / "first.jsonl"
    results.write_bytes(result(results="/r/job-1"))
    done = run("bac-job", "-", "--input-from", str(results), input=SECOND)
    assert done.status == 0
    assert sources(done.records)[0][0]["Target"] == "/inputs"
