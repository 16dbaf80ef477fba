"""Resources, GPUs, limits, and the memory and networks that an engine gives."""

import msgspec
import pytest

from bactools.core import match, needs, routes
from bactools.core.errors import BacError
from bactools.core.records import Engine, Gpu, Job, Memory, Module, ModulePlatform, Node, Offer, Requires, Resources

GB, GIB = 10**9, 2**30
NVIDIA = {"vendor": "NVIDIA", "memory": 40 * GB}


def decided(wanted, engine="docker", offer="linux/amd64", runtime=None, memory=None, **fields):
    wants = Requires(engine=engine, declared=[offer], resources=wanted)
    wants.network = fields.pop("network", None)
    host = Node(id="n", engines=[Engine(engine, [Offer(offer, fields.pop("how", "native"))])], **fields)
    if runtime:
        host.engines[0].runtime = runtime
    if memory:
        host.engines[0].memory = memory
    return match.decide(needs.need(Job(id="j", requires=wants)), host).reasons


def gpus(*cards):
    return Resources(gpus=[Gpu(**card) for card in cards])


@pytest.mark.parametrize(
    ("want", "have", "message"),
    [
        (gpus({}, {}), gpus({}), "has fewer than 2 GPUs"),
        (gpus({}), gpus(), "has fewer than 1 GPU"),
        (gpus(NVIDIA), gpus({"vendor": "AMD/ATI", "memory": 64 * GB}), "has fewer than 1 NVIDIA GPU of 40 GB"),
        (gpus(NVIDIA), gpus({"vendor": "NVIDIA", "memory": 16 * GB}), "has fewer than 1 NVIDIA GPU of 40 GB"),
        (
            gpus({"vendor": "NVIDIA"}, {"memory": 40 * GB}),
            gpus(NVIDIA, {"vendor": "AMD", "memory": 8 * GB}),
            "has fewer than 2 GPUs (NVIDIA or of 40 GB)",
        ),
    ],
)
def test_gpus_that_are_not_there(want, have, message):
    (reason,) = decided(want, resources=have)
    assert (reason.code, reason.message) == ("gpu", message)


@pytest.mark.parametrize(
    ("want", "have"),
    [
        (gpus({}), gpus({}, {})),
        (gpus({"vendor": "amd"}), gpus({"vendor": "AMD/ATI"})),
        (gpus(NVIDIA), gpus({})),
        (gpus(NVIDIA), gpus({"vendor": "NVIDIA", "memory": 40 * GB})),
        (gpus({"vendor": "NVIDIA"}, {"memory": 40 * GB}), gpus(NVIDIA, {"vendor": "AMD", "memory": 48 * GB})),
        (gpus({"vendor": "NVIDIA"}, {"memory": 40 * GB}), gpus({"vendor": "AMD", "memory": 48 * GB}, NVIDIA)),
        (gpus({"name": "Tesla T4"}), gpus({"vendor": "NVIDIA", "name": "tesla t4"})),
    ],
)
def test_gpus_that_are_there_and_what_is_not_known_of_one_is_not_held_against_it(want, have):
    assert decided(want, resources=have) == ()


def test_too_little_memory_on_a_gpu_says_how_much_there_is():
    (reason,) = decided(gpus(NVIDIA, NVIDIA), resources=gpus(NVIDIA, {"vendor": "NVIDIA", "memory": 16 * GB}))
    assert (reason.have, reason.remedy) == ({"gpus": 2, "memory": 16 * GB}, "lower gpu memory to 16 GB")


def test_many_kinds_of_gpu_are_an_error_and_not_a_long_search():
    with pytest.raises(BacError) as caught:
        decided(gpus(*({"memory": size} for size in range(7))))
    assert caught.value.code == "bad_record"


@pytest.mark.parametrize(
    ("want", "limits", "codes"),
    [
        (Resources(memory=8 * GB), Resources(memory=4 * GB), ["memory_limit"]),
        (Resources(memory=4 * GB), Resources(memory=4 * GB), []),
        (Resources(cpu=4.0, disk=10), Resources(cpu=2.0, disk=5), ["cpu_limit", "disk_limit"]),
        (gpus({}, {}), gpus({}), ["gpu_limit"]),
        (Resources(cpu=4.0), Resources(), []),
        (Resources(cpu=4.0), None, []),
    ],
)
def test_the_owner_limits_what_one_job_may_have(want, limits, codes):
    large = Resources(cpu=64.0, memory=256 * GB, disk=10**12, gpus=[Gpu(), Gpu()])
    assert [reason.code for reason in decided(want, resources=large, limits=limits)] == codes


def test_what_is_short_and_what_is_limited_are_two_reasons():
    reasons = decided(Resources(memory=8 * GB), resources=Resources(memory=6 * GB), limits=Resources(memory=4 * GIB))
    assert [(reason.code, reason.have, reason.remedy) for reason in reasons] == [
        ("memory", 6 * GB, "lower memory to 6 GB"),
        ("memory_limit", 4 * GIB, "lower memory to 4 GiB"),
    ]
    assert [reason.message for reason in reasons] == [
        "has less than 8 GB of memory",
        "lets a job have less than 8 GB of memory",
    ]


@pytest.mark.parametrize(
    ("want", "have", "remedy"),
    [
        (Resources(memory=8 * GB), Resources(memory=0), "make the node offer 8 GB of memory"),
        (Resources(memory=8 * GB), Resources(memory=1), "make the node offer 8 GB of memory"),
        (Resources(memory=8 * GB), Resources(memory=6 * 2**20), "lower memory to 6 MiB"),
        (Resources(cpu=4.0), Resources(cpu=0.0099), "make the node offer 4 cores"),
        (Resources(cpu=4.0), Resources(cpu=0.01), "lower cpu to 0.01 cores"),
        (Resources(disk=GB), Resources(disk=1000), "make the node offer 1 GB of disk"),
    ],
)
def test_a_node_that_has_next_to_nothing_is_no_reason_to_ask_for_that(want, have, remedy):
    (reason,) = decided(want, resources=have)
    assert reason.remedy == remedy


@pytest.mark.parametrize(
    ("want", "have", "remedy"),
    [
        (gpus({}), gpus(), "ask for no GPU"),
        (gpus({}, {}), gpus({}), "lower gpu to 1 GPU"),
        (gpus(NVIDIA), gpus({"vendor": "AMD/ATI"}), "ask for GPUs of any kind"),
        (gpus({"name": "H100"}), gpus({"name": "T4"}), "ask for GPUs of any kind"),
        (gpus(NVIDIA, NVIDIA), gpus({"vendor": "AMD/ATI"}), "ask for no GPU"),
        (gpus(NVIDIA), gpus({"vendor": "NVIDIA", "memory": 16 * GB}), "lower gpu memory to 16 GB"),
        (gpus(NVIDIA), gpus({"vendor": "NVIDIA", "memory": 1}), "ask for no GPU"),
    ],
)
def test_every_lack_of_gpus_has_a_remedy(want, have, remedy):
    (reason,) = decided(want, resources=have)
    assert reason.remedy == remedy


@pytest.mark.parametrize(
    ("available", "capacity", "messages"),
    [
        (Resources(memory=GB, gpus=[]), False, ["has less than 4 GB of memory free", "has fewer than 1 GPU free"]),
        (Resources(memory=GB, gpus=[]), True, ["has less than 4 GB of memory", "has fewer than 1 GPU"]),
        (Resources(cpu=1.0), False, ["has less than 4 GB of memory", "has fewer than 1 GPU"]),
        (None, False, ["has less than 4 GB of memory", "has fewer than 1 GPU"]),
    ],
)
def test_free_is_said_only_of_what_is_stated_to_be_free(available, capacity, messages):
    wants = Requires(engine="docker", declared=["linux/amd64"], resources=Resources(memory=4 * GB, gpus=[Gpu()]))
    host = Node(id="n", engines=[Engine("docker", [Offer("linux/amd64", "native")])], available=available)
    host.resources = Resources(memory=2 * GB, gpus=[])
    reasons = match.decide(needs.need(Job(id="j", requires=wants)), host, routes.Terms(capacity=capacity)).reasons
    assert [reason.message for reason in reasons] == messages


@pytest.mark.parametrize("raw", [b'{"cpu":-4}', b'{"memory":-1}', b'{"disk":-1}', b'{"gpus":[{"memory":-1}]}'])
def test_an_amount_below_zero_is_no_amount(raw):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw, type=Resources)


def test_an_engine_may_give_a_job_less_than_the_node_has():
    (reason,) = decided(Resources(memory=8 * GIB), memory=2 * GIB, resources=Resources(memory=64 * GIB))
    assert (reason.code, reason.remedy) == ("engine_memory", "lower memory to 2 GiB")
    assert reason.message == "has an engine that gives a job less than 8 GiB of memory"


def test_a_module_that_starts_with_more_than_an_engine_gives_does_not_fit():
    record = Module(reference="m", platforms=[ModulePlatform("wasm32/wasi")], memory=Memory(min=1024))
    node = Node(id="n", engines=[Engine("wasm", [Offer("wasm32/wasi", "native")], memory=32 * 2**20)])
    (reason,) = match.decide(needs.need(record), node).reasons
    assert (reason.code, reason.want, reason.have) == ("engine_memory", 64 * 2**20, 32 * 2**20)
    assert reason.remedy == "build the module to start with at most 32 MiB"


def test_a_job_that_limits_its_module_to_less_than_that_starts_with_fits_nowhere():
    wants = Requires(engine="wasm", memory_min=64 * 2**20, declared=["wasm32/wasi"])
    wants.resources = Resources(memory=10**6)
    node = Node(id="n", engines=[Engine("wasm", [Offer("wasm32/wasi", "native")])])
    (reason,) = match.decide(needs.need(Job(id="j", requires=wants)), node).reasons
    assert reason.message == "would give the module less than the 64 MiB that it starts with"
    assert reason.remedy == "raise memory to 64 MiB"


@pytest.mark.parametrize(
    ("network", "runtime", "how", "codes"),
    [
        ("bridge", "wazero", "native", ["network"]),
        ("host", "wazero", "native", []),
        ("http", "wasmtime", "native", ["network"]),
        ("none", "wasmtime", "native", []),
        (None, "wasmtime", "native", []),
        ("host", "wasmtime", "assumed", []),
        ("host", "wasmedge", "native", []),
    ],
)
def test_the_networks_of_a_webassembly_engine_are_those_of_its_runtime(network, runtime, how, codes):
    reasons = decided(Resources(), "wasm", "wasm32/wasi", runtime, network=network, how=how)
    assert [reason.code for reason in reasons] == codes


@pytest.mark.parametrize("network", ["bridge", "host", "http"])
def test_a_node_record_says_nothing_of_dockers_networks(network):
    assert decided(Resources(), network=network) == ()
