"""Two ledgers of one need, each for a part of the nodes, say together what one for all of them says."""

import msgspec

from bactools.core import match, needs
from bactools.core.records import Engine, Gpu, Image, ImagePlatform, Job, Node, Offer, Requires, Resources
from bactools.core.remedies import Counts, Ledger

NEED = needs.need(Image(reference="i", platforms=[ImagePlatform("linux/arm64", "linux", "arm64")]))


def node(platform):
    return Node(id="n", engines=[Engine("docker", [Offer(platform, "native")])])


def filled(*counted):
    ledger = Ledger(NEED)
    for host, count in counted:
        ledger.add(match.decide(NEED, host).reasons, count)
    return ledger


AMD, ARM, NONE = node("linux/amd64"), node("linux/arm64"), Node(id="n", engines=[])


def test_what_was_counted_elsewhere_is_added():
    ledger = filled((AMD, 3), (ARM, 1))
    ledger.merge(filled((NONE, 2), (AMD, 4), (ARM, 5)).counts())
    whole = filled((AMD, 7), (ARM, 6), (NONE, 2))
    assert ledger.sentence() == "6 of 15 nodes fit: 7 do not run linux/arm64, 2 have no docker engine"
    assert (ledger.sentence(), ledger.remedies()) == (whole.sentence(), whole.remedies())
    assert "publish linux/amd64: +7 nodes" in ledger.remedies()


def test_nothing_counted_elsewhere_changes_nothing():
    ledger = filled((AMD, 3))
    ledger.merge(filled().counts())
    assert ledger.sentence() == "0 of 3 nodes fit: 3 do not run linux/arm64"


def test_what_another_process_counted_is_still_a_whole_number_or_cores():
    image = Image(reference="i", platforms=[ImagePlatform("linux/arm64", "linux", "arm64")])
    wants = (Resources(gpus=[Gpu(), Gpu()]), Resources(cpu=2.0))
    has = (Resources(gpus=[Gpu()]), Resources(cpu=0.5))
    remedies = []
    for wanted, stated in zip(wants, has, strict=True):
        need = needs.need(Job(id="j", requires=Requires(engine="docker", resources=wanted), artifact=image))
        host = node("linux/arm64")
        host.resources = stated
        there, here = Ledger(need), Ledger(need)
        there.add(match.decide(need, host).reasons)
        here.merge(msgspec.msgpack.decode(msgspec.msgpack.encode(there.counts()), type=Counts))
        remedies.append(here.remedies())
        assert here.remedies() == there.remedies()
    assert remedies == [["lower gpu to 1 GPU: +1 node"], ["lower cpu to 0.5 cores: +1 node"]]
