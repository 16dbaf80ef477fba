"""One job's results as the next one's input."""

import pytest

from bactools.core import jobspec, pipeline
from bactools.core.errors import BacError
from bactools.core.records import Result

SECOND = {
    "Name": "second",
    "Type": "batch",
    "Tasks": [{"Name": "main", "Engine": {"Type": "docker", "Params": {"Image": "busybox"}}}],
}


def inputs(result, target="/inputs", spec=SECOND):
    return pipeline.fed(jobspec.canonical(spec), result, target)["Tasks"][0]["InputSources"]


@pytest.mark.parametrize(
    ("text", "path", "target"),
    [
        ("-", "-", "/inputs"),
        ("-:/data", "-", "/data"),
        ("first.jsonl", "first.jsonl", "/inputs"),
        ("first.jsonl:/data", "first.jsonl", "/data"),
        ("a:b.jsonl", "a:b.jsonl", "/inputs"),
    ],
)
def test_what_follows_the_last_colon_is_a_target_if_it_is_absolute(text, path, target):
    assert pipeline.feed(text) == (path, target)


def test_the_results_folder_becomes_a_local_input():
    found = inputs(Result(job="j-1", status="completed", results="/srv/r/job-1"))
    assert found == [{"Source": {"Type": "local", "Params": {"SourcePath": "/srv/r/job-1"}}, "Target": "/inputs"}]


def test_published_results_are_fetched_from_where_they_are():
    published = {"Type": "ipfs", "Params": {"CID": "QmZULkCELmmk5XNfCgTnCyFgAVxBRBXyDHGGMVoLFLiXEN"}}
    found = inputs(Result(job="j-1", status="completed", results="/srv/r/job-1", published=published))
    assert found[0]["Source"] == published


def test_objects_in_s3_are_fetched_and_a_packed_file_is_not():
    plain = {"Type": "s3", "Params": {"Bucket": "b", "Key": "runs/j-1/"}}
    packed = {"Type": "s3", "Params": {"Bucket": "b", "Key": "runs/j-1.tar.gz"}}
    fetched = inputs(Result(job="j-1", status="completed", results="/r", published=plain))
    kept = inputs(Result(job="j-1", status="completed", results="/r", published=packed))
    assert fetched[0]["Source"] == plain
    assert kept[0]["Source"]["Params"] == {"SourcePath": "/r"}


def test_results_of_a_local_publisher_are_taken_from_their_folder():
    result = Result(job="j-1", status="completed", results="/srv/r/job-1", published={"Type": "local"})
    assert inputs(result)[0]["Source"]["Params"] == {"SourcePath": "/srv/r/job-1"}


@pytest.mark.parametrize("status", ["failed", "timeout", "cancelled", "oom", "refused"])
def test_a_job_that_did_not_complete_feeds_nothing(status):
    with pytest.raises(BacError) as caught:
        inputs(Result(job="j-1", status=status, results="/srv/r/job-1"))
    assert caught.value.code == "no_results"


def test_a_target_that_the_job_uses_itself_is_refused():
    taken = {"Source": {"Type": "local", "Params": {"SourcePath": "/srv"}}, "Target": "/inputs"}
    spec = {**SECOND, "Tasks": [{**SECOND["Tasks"][0], "InputSources": [taken]}]}
    with pytest.raises(BacError) as caught:
        inputs(Result(job="j-1", status="completed", results="/srv/r/job-1"), spec=spec)
    assert caught.value.code == "bad_spec"
