"""What Bacalhau's words in braces become."""

from datetime import datetime, timezone

import pytest

from bactools.core.errors import BacError
from bactools.core.placeholders import Placeholders, check_apart

NAMES = Placeholders("j-1", "e-2", "n-3", datetime(2024, 2, 9, 7, 5, 3, tzinfo=timezone.utc))


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("{jobID}/{executionID}/{nodeID}", "j-1/e-2/n-3"),
        ("runs/{date}/{time}.tar.gz", "runs/20240209/070503.tar.gz"),
        ("{jobID}{jobID}", "j-1j-1"),
        ("{jobid} {user} {} {{jobID}}", "{jobid} {user} {} {j-1}"),
    ],
)
def test_words_are_filled_in(text, filled):
    assert NAMES.fill(text) == filled


def test_what_was_filled_in_is_not_filled_in_again():
    assert NAMES._replace(job="{nodeID}").fill("{jobID}") == "{nodeID}"


def to_s3(key):
    return {"Type": "s3", "Params": {"Bucket": "b", "Key": key}}


@pytest.mark.parametrize("key", ["out", "{jobID}", "{nodeID}/{date}/{time}"])
def test_executions_that_would_publish_over_each_other_are_refused(key):
    with pytest.raises(BacError) as caught:
        check_apart(to_s3(key), 2)
    assert caught.value.code == "bad_spec"
    assert "{executionID}" in caught.value.message


@pytest.mark.parametrize(
    ("publisher", "executions"), [(to_s3("{executionID}"), 2), (to_s3("out"), 1), (None, 2), ({"Type": "ipfs"}, 2)]
)
def test_executions_with_places_of_their_own_are_let_pass(publisher, executions):
    check_apart(publisher, executions)
