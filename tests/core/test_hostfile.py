from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core.errors import BacError
from bactools.core.hostfile import Limits, LocalPath, Settings, settings, withholds
from bactools.core.located import Located
from bactools.core.platforms import Platform, parse

FILE = "/etc/bactools/node.yaml"


def read(content, lines=()):
    return settings([Located(content, dict(lines))], FILE)


def refusal(content, lines=()):
    with pytest.raises(BacError) as caught:
        read(content, lines)
    assert caught.value.code == "bad_config"
    assert caught.value.input == FILE
    return caught.value


def test_an_empty_file_is_the_defaults():
    defaults = Settings(name=None, labels={}, withhold=(), emulation=True, withheld=(), limits=None, local_paths=None)
    assert settings([], FILE) == defaults
    assert read({}) == defaults


def test_every_key_is_read():
    content = {
        "name": "edge-7",
        "labels": {"zone": "eu", "tier": "2"},
        "withhold": ["docker", "linux/386", "linux/arm/v6", "wasip2/wasm"],
        "emulation": False,
        "limits": {"cpu": 1.5, "memory": "4GiB", "disk": 1000, "gpus": 1},
        "local_paths": ["/srv/data", "/srv/out:rw", "/srv/in:ro"],
    }
    assert read(content) == Settings(
        name="edge-7",
        labels={"zone": "eu", "tier": "2"},
        withhold=("docker",),
        emulation=False,
        withheld=(Platform("linux", "386"), Platform("linux", "arm", "v6"), Platform("wasi", "wasm32", "p2")),
        limits=Limits(1.5, 4 * 2**30, 1000, 1),
        local_paths=(LocalPath("/srv/data", False), LocalPath("/srv/out", True), LocalPath("/srv/in", False)),
    )


def test_absent_values_are_the_defaults():
    assert read(dict.fromkeys(("name", "labels", "withhold", "emulation", "limits", "local_paths"))) == Settings()


def test_no_local_paths_is_not_the_same_as_not_speaking_of_them():
    assert read({"local_paths": []}).local_paths == ()


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        ({"withold": ["docker"]}, "has an unknown key 'withold'", "Did you mean withhold?"),
        (
            {"ram": 4},
            "has an unknown key 'ram'",
            "Known: name, labels, withhold, emulation, limits, local_paths.",
        ),
        ({"withhold": ["dokcer"]}, "withholds an unknown engine 'dokcer'", "Did you mean docker?"),
        ({"withhold": "docker"}, "has a withhold that is not a list: 'docker'", "Write withhold: [docker]."),
        ({"withhold": [["docker"]]}, "withholds an unknown engine ['docker']", "Did you mean docker?"),
        (
            {"withhold": ["amd64/linux"]},
            "withholds what is no platform: platform 'amd64/linux' has its words the wrong way round",
            "Write linux/amd64: the operating system comes first.",
        ),
        ({"emulation": "no"}, "has an emulation that is neither true nor false: 'no'", "Write emulation: false."),
        ({"name": 7}, "has a name that is not text on one line: 7", "Quote it."),
        ({"name": ""}, "has a name that is not text on one line: ''", "Quote it."),
        ({"name": "a\nb"}, "has a name that is not text on one line: 'a\\nb'", "Quote it."),
        ({"labels": ["a"]}, "has labels that are not a mapping: ['a']", "Write labels: {key: value}."),
        ({"labels": {"gpu": False}}, "has a label gpu that is not text on one line: False", "Quote its value."),
        ({"labels": {1: "x"}}, "has a label key that is not text on one line: 1", "Quote it."),
        ({"limits": [2]}, "has limits that are not a mapping: [2]", "Write limits: {cpu: 2, memory: 4GiB}."),
        ({"limits": {"gpu": 1}}, "limits an unknown resource 'gpu'", "Did you mean gpus?"),
        (
            {"limits": {"memory": "4 gallons"}},
            "has a limit of memory that is no amount: '4 gallons' is not a size, such as 512Mb, 512MiB or 512000000",
            None,
        ),
        (
            {"limits": {"cpu": True}},
            "has a limit of cpu that is no amount: 'True' is not an amount of CPU, such as 500m or 0.5",
            None,
        ),
        ({"limits": {"gpus": 2000}}, "has a limit of gpus that is no amount: 2000 is more than 1024 GPUs", None),
        (
            {"local_paths": ["srv"]},
            "allows a local path that is not absolute: 'srv'",
            "Write an absolute path, with :rw behind it if jobs may write there.",
        ),
        (
            {"local_paths": ["/srv/../etc"]},
            "allows a local path that is not absolute: '/srv/../etc'",
            "Write an absolute path, with :rw behind it if jobs may write there.",
        ),
        (
            {"local_paths": "/srv"},
            "has a local_paths that is not a list: '/srv'",
            "Write local_paths: [/srv/data, /srv/out:rw].",
        ),
        (
            ["name"],
            "is not a mapping of keys to values",
            "The keys are name, labels, withhold, emulation, limits, local_paths.",
        ),
    ],
)
def test_a_mistake_is_refused_with_what_to_do(content, message, hint):
    error = refusal(content)
    assert error.message == f"host file {FILE} {message}"
    assert error.hint == hint


def test_a_mistake_is_named_with_its_line():
    lines = {(): 1, ("withhold",): 2, ("withhold", 1): 4, ("limits",): 6}
    withheld = refusal({"withhold": ["docker", "dokcer"]}, lines)
    assert withheld.message.startswith(f"line 4 of host file {FILE} withholds")
    limited = refusal({"limits": {"cpu": "x"}}, lines)
    assert limited.message.startswith(f"line 6 of host file {FILE} has a limit of cpu")


def test_two_documents_are_refused():
    with pytest.raises(BacError, match="holds 2 documents"):
        settings([Located({}, {}), Located({}, {})], FILE)


@pytest.mark.parametrize(
    ("word", "offer", "withheld"),
    [
        ("linux/amd64", "linux/amd64/v3", True),
        ("linux/x86_64", "linux/amd64", True),
        ("linux/amd64/v2", "linux/amd64/v3", True),
        ("linux/amd64/v4", "linux/amd64/v3", False),
        ("linux/386", "linux/amd64", False),
        ("linux/arm", "linux/arm/v6", True),
        ("linux/armhf", "linux/arm/v6", False),
        ("linux/armhf", "linux/arm/v8", True),
        ("linux/arm/v7", "linux/arm/v7", True),
        ("linux/arm64", "linux/arm/v7", False),
        ("windows/amd64", "linux/amd64", False),
        ("wasm32/wasi", "wasm32/wasi", True),
        ("wasm32/wasi", "wasm32/wasi/p2", False),
        ("wasm32/wasi/p2", "wasm32/wasi/p2", True),
    ],
)
def test_an_offer_that_would_run_a_withheld_platform_is_withheld(word, offer, withheld):
    assert withholds(read({"withhold": [word]}), parse(offer)) is withheld


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["name", "labels", "withhold", "limits", "cpu", "gpus", "local_paths", "x"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=8,
    )
)
def test_any_content_is_read_or_refused(content):
    try:
        assert isinstance(read(content), Settings)
    except BacError:
        return
