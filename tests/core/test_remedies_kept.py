"""A remedy keeps its promise under all terms: do what it says, and the node fits."""

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from bactools.core import gpu_kinds, match, needs, platforms, routes
from bactools.core.changes import QEMU, UNSURE, changes
from bactools.core.emulation import EMULATED_VARIANTS
from bactools.core.needs import Wanted
from bactools.core.records import Engine, Gpu, Image, ImagePlatform, Job, Node, Offer, Requires, Resources, Verified
from bactools.core.remedies import Ledger

NAMES = """
linux/amd64 linux/amd64/v2 linux/amd64/v3 linux/amd64/foo linux/386 linux/arm64 linux/arm64/v8.2 linux/arm64/v10
linux/arm/v5 linux/arm/v6 linux/arm/v7 linux/arm/v8 linux/riscv64 linux/s390x linux/ppc64le linux/e2k linux/unknown
windows/amd64 windows(10.0.20348)/amd64 windows(10.0.26100.1742)/amd64 windows(10.0.17763)/amd64
darwin/arm64 freebsd/amd64
""".split()
SOME = st.lists(st.sampled_from(NAMES), max_size=3, unique=True)
TERMS = st.builds(routes.Terms, st.booleans(), st.booleans(), st.booleans())
AMOUNT = st.integers(0, 2**40) | st.sampled_from([0, 1, 999, 2**20, 6 * 2**20, 10**9 - 1])
GPUS = st.lists(
    st.builds(Gpu, st.sampled_from([None, "NVIDIA", "AMD/ATI"]), st.none(), st.sampled_from([None, 1, 10**9, 10**10])),
    max_size=3,
)
CPU = st.floats(0, 1e308) | st.sampled_from([0.0, 0.001, 0.01, 1.33333, 4.0])
RESOURCES = st.builds(
    Resources, cpu=st.none() | CPU, memory=st.none() | AMOUNT, disk=st.none() | AMOUNT, gpus=st.none() | GPUS
)
HOWS = st.sampled_from(["native", "compatible", "assumed", "emulated"])
OFFERS = st.lists(st.builds(Offer, st.sampled_from(NAMES), HOWS), max_size=3)
CAUSES = st.lists(st.sampled_from(["it is cordoned", "it is a requester", "it is not ready: x"]), max_size=2)
NODES = st.builds(
    Node,
    id=st.just("n"),
    engines=st.builds(lambda offers: [Engine("docker", offers)], OFFERS),
    resources=st.none() | RESOURCES,
    available=st.none() | RESOURCES,
    limits=st.none() | RESOURCES,
    schedulable=st.sampled_from([True, True, True, False]),
    warnings=CAUSES,
)
LABELLED = st.lists(
    st.tuples(st.sampled_from(NAMES), st.none() | st.sampled_from(NAMES)), max_size=3, unique_by=lambda pair: pair[0]
)


@st.composite
def needed(draw):
    """What a job needs: its image, what its programs were found to be for, and what it accepts and asks for."""
    entries = []
    for name, found in draw(LABELLED):
        verified = None if found is None else Verified(found, None, "/app", "sha256:1", False)
        entries.append(ImagePlatform(name, *name.split("/")[:2], verified=verified))
    declared = draw(st.just([]) | SOME)
    offered = [platforms.parse(entry.platform) for entry in entries]
    assume(not declared or any(needs.covers(list(map(platforms.parse, declared)), each) for each in offered))
    wants = Requires(engine="docker", declared=declared, resources=draw(RESOURCES))
    need = needs.need(Job(id="j", requires=wants, artifact=Image(reference="i", platforms=entries)))
    return needs.narrowed(need, str(offered[0])) if offered and not declared and draw(st.booleans()) else need


def done(change, need, node, terms):
    """The need, the node and the terms after a change."""
    node = msgspec.json.decode(msgspec.json.encode(node), type=Node)
    if change.kind in ("lower", "relax", "omit"):
        need = lowered(change, need)
    elif change.kind == "accept":
        (accepted,) = (item for item in need.refused if str(item.platform) == change.target)
        need = need._replace(wanted=(*need.wanted, accepted))
    elif change.kind == "publish":
        name, _, also = change.target.partition(" and ")
        assert also or needs.covers(need.declared, platforms.parse(name))
        need = need._replace(wanted=(*need.wanted, Wanted(platforms.parse(name), None)))
    elif change.kind == "build":
        need = need._replace(wanted=tuple(built(item, change.target) for item in need.wanted))
    elif change.kind == "register":
        (name,) = (each for each, qemu in QEMU.items() if change.target == f"qemu-{qemu}")
        variant = EMULATED_VARIANTS.get(name)
        node.engines[0].platforms.append(Offer(f"linux/{name}" + (f"/{variant}" if variant else ""), "emulated"))
    elif change.kind == "schedule":
        node.schedulable = True
    elif change.kind == "allow":
        terms = routes.Terms(terms.capacity, terms.emulated or change.target == "emulation")
    elif change.kind == "offer":
        name = "cpu" if "core" in change.target else change.target.split(" of ")[1]
        for stated in filter(None, (node.resources, node.available, node.limits)):
            setattr(stated, name, max(getattr(stated, name) or 0, dict(need.amounts)[name]))
    else:
        raise AssertionError(change)
    return need, node, terms


def lowered(change, need):
    """The need for less."""
    if change.kind == "omit":
        return need._replace(gpus=())
    if change.kind == "relax":
        return need._replace(gpus=((gpu_kinds.Kind(), sum(count for _, count in need.gpus)),))
    if change.target.startswith("gpu"):
        ((kind, count),) = need.gpus
        memory = change.target == "gpu memory"
        return need._replace(gpus=((kind._replace(memory=change.amount), count) if memory else (kind, change.amount),))
    amounts = dict(need.amounts) | {change.target: change.amount}
    return need._replace(amounts=tuple(amounts.items()))


def built(item, target):
    """A platform whose program is what it says, if it is the one that was built."""
    return item._replace(program=None) if target.startswith(f"the program of {item.platform} for ") else item


@given(needed(), NODES, TERMS)
def test_a_change_that_wins_a_node_makes_it_fit(need, node, terms):
    found = Ledger(need, terms)
    found.add(match.decide(need, node, terms).reasons)
    for change in found._wins:
        assert match.decide(*done(change, need, node, terms)).ok, change


@given(needed(), NODES, TERMS)
def test_a_change_removes_the_reason_that_it_is_for(need, node, terms):
    for reason in match.decide(need, node, terms).reasons:
        for change in changes(need, reason, terms):
            if change.kind not in UNSURE:
                left = match.decide(*done(change, need, node, terms)).reasons
                assert reason.code not in {each.code for each in left}, change


@given(needed(), NODES, TERMS)
def test_nothing_absurd_is_proposed(need, node, terms):
    for reason in match.decide(need, node, terms).reasons:
        for change in changes(need, reason, terms):
            least = {"cpu": 0.01, "memory": 6 * 2**20, "disk": 2**20, "gpu memory": 2**20, "gpu": 1}
            assert change.kind != "lower" or change.amount >= least[change.target]


@given(needed(), NODES, TERMS)
def test_every_lack_of_an_amount_has_a_remedy(need, node, terms):
    for reason in match.decide(need, node, terms).reasons:
        if reason.code.split("_")[0] in ("cpu", "memory", "disk", "gpu") and reason.code != "cpu_level":
            assert reason.remedy


@given(needed(), st.lists(NODES, max_size=8), TERMS)
def test_the_ledger_counts_every_node_once(need, nodes, terms):
    found = Ledger(need, terms)
    for node in nodes:
        found.add(match.decide(need, node, terms).reasons)
    fits = sum(match.decide(need, node, terms).ok for node in nodes)
    assert (found.nodes, found.fits) == (len(nodes), fits)
    assert all(int(told.split("+")[-1].split()[0]) <= len(nodes) - fits for told in found.remedies(100))
