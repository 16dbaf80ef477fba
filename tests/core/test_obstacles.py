"""Why a node takes no jobs: in its reason, and what would change it by the cause."""

import pytest

from bactools.core import match, needs
from bactools.core.records import Engine, Image, ImagePlatform, Node, Offer
from bactools.core.remedies import Ledger

NEED = needs.need(Image(reference="i", platforms=[ImagePlatform("linux/amd64", "linux", "amd64")]))


def node(*warnings):
    engines = [Engine("docker", [Offer("linux/amd64", "native")])]
    return Node(id="n", engines=engines, schedulable=False, warnings=list(warnings))


@pytest.mark.parametrize(
    ("warnings", "have", "message", "remedy"),
    [
        ([], None, "takes no jobs", "make the node schedulable"),
        (["something else"], None, "takes no jobs", "make the node schedulable"),
        (["it is cordoned"], ["it is cordoned"], "takes no jobs: it is cordoned", "uncordon the node"),
        (
            ["else", "it is not ready: KubeletNotReady"],
            ["it is not ready: KubeletNotReady"],
            "takes no jobs: it is not ready: KubeletNotReady",
            "make the node ready",
        ),
        (
            ["it is not approved: PENDING"],
            ["it is not approved: PENDING"],
            "takes no jobs: it is not approved: PENDING",
            "approve the node",
        ),
        (
            ["it is not connected: DISCONNECTED"],
            ["it is not connected: DISCONNECTED"],
            "takes no jobs: it is not connected: DISCONNECTED",
            "reconnect the node",
        ),
        (
            ["it is drained", "it has a taint: gpu=yes:NoSchedule"],
            ["it is drained", "it has a taint: gpu=yes:NoSchedule"],
            "takes no jobs: it is drained; it has a taint: gpu=yes:NoSchedule",
            "undrain the node and tolerate or remove the taint gpu=yes:NoSchedule",
        ),
        (
            ["it is a requester", "it is not approved: PENDING"],
            ["it is a requester", "it is not approved: PENDING"],
            "takes no jobs: it is a requester; it is not approved: PENDING",
            None,
        ),
    ],
)
def test_the_cause_is_in_the_reason_and_has_its_own_remedy(warnings, have, message, remedy):
    (reason,) = match.decide(NEED, node(*warnings)).reasons
    assert (reason.code, reason.have, reason.message, reason.remedy) == ("unschedulable", have, message, remedy)


def test_a_node_that_takes_jobs_may_have_warnings():
    able = node("it is cordoned")
    able.schedulable = True
    assert match.decide(NEED, able).ok


def test_remedies_are_counted_by_cause():
    ledger = Ledger(NEED)
    for host, count in (
        (node("it is cordoned"), 2),
        (node("it is not ready: down"), 3),
        (node("it is a requester"), 4),
    ):
        ledger.add(match.decide(NEED, host).reasons, count)
    assert ledger.sentence() == "0 of 9 nodes fit: 9 take no jobs"
    assert ledger.remedies() == ["make the node ready: +3 nodes", "uncordon the node: +2"]


@pytest.mark.parametrize("warning", ["it has a taint: {0.__class__}", "it has a taint: {", "it is cordoned: {x}"])
def test_braces_in_a_detail_are_braces(warning):
    (reason,) = match.decide(NEED, node(warning)).reasons
    assert reason.message == f"takes no jobs: {warning}"
    assert str(next(iter(Ledger(NEED)._changes(reason)))) == reason.remedy
