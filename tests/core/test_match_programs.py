"""What bac-inspect --verify found in an image counts, and not only what its label says."""

import pytest

from bactools.core import match, needs
from bactools.core.records import Engine, Image, ImagePlatform, Node, Offer, Verified


def image(label, found, *, agrees=False):
    os, architecture, *variant = label.split("/")
    verified = Verified(platform=found, level=None, file="/app", layer="sha256:1", agrees=agrees)
    return Image(reference="i", platforms=[ImagePlatform(label, os, architecture, *variant, verified=verified)])


def decide(record, *offers):
    node = Node(id="n", engines=[Engine("docker", [Offer(*offer) for offer in offers])])
    return match.decide(needs.need(record), node)


ARM64 = ("linux/arm64", "emulated", "qemu-aarch64")


@pytest.mark.parametrize(
    ("label", "found", "offers", "expected"),
    [
        ("linux/amd64", "linux/amd64/v3", [("linux/amd64/v3", "native")], "native"),
        ("linux/amd64", "linux/amd64/v3", [("linux/amd64/v4", "native")], "native"),
        ("linux/amd64", "linux/amd64/v3", [("linux/amd64/v2", "native")], "cpu_level"),
        ("linux/amd64", "linux/amd64/v3", [("linux/amd64", "assumed")], "cpu_level"),
        ("linux/amd64", "linux/arm64", [("linux/amd64", "native")], "mislabelled"),
        ("linux/amd64", "linux/arm64", [("linux/amd64", "native"), ARM64], "emulated"),
        ("linux/amd64", "linux/386", [("linux/amd64", "native"), ("linux/386", "compatible")], "compatible"),
        ("linux/amd64", "linux/arm64", [("linux/arm64", "native")], "platform"),
    ],
)
def test_the_program_must_run_too(label, found, offers, expected):
    verdict = decide(image(label, found), *offers)
    assert (verdict.reasons[0].code if verdict.reasons else verdict.choice.how) == expected


def test_the_choice_names_the_label_for_that_is_what_the_engine_is_asked_for():
    choice = decide(image("linux/amd64", "linux/arm64"), ("linux/amd64", "native"), ARM64).choice
    assert (choice.platform, choice.how, choice.via) == ("linux/amd64", "emulated", "qemu-aarch64")


def test_a_program_that_the_label_promises_changes_nothing():
    assert decide(image("linux/amd64/v3", "linux/amd64", agrees=True), ("linux/amd64", "native")).choice is None
    assert decide(image("linux/amd64", "linux/amd64", agrees=True), ("linux/amd64", "native")).ok


def test_a_level_that_the_node_lacks_says_so():
    reason = decide(image("linux/amd64", "linux/amd64/v3"), ("linux/amd64/v2", "native")).reasons[0]
    assert reason.message == "has no linux/amd64/v3 CPU, which the program needs"
    assert (reason.want, reason.have) == ("linux/amd64/v3", ["linux/amd64/v2"])
    assert reason.remedy == "build the program of linux/amd64 for every linux/amd64 CPU"


def test_a_verification_that_could_tell_nothing_changes_nothing():
    record = image("linux/amd64", "linux/amd64")
    record.platforms[0].verified = None
    assert decide(record, ("linux/amd64", "native")).ok
