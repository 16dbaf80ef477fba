from __future__ import annotations

import pytest

from bactools.core.errors import BacError
from bactools.core.hostfile import Settings, settings

FILE = "/etc/bactools/node.yaml"


@pytest.mark.parametrize("documents", [[], [None], [{}]], ids=["no document", "an empty one", "no keys"])
def test_an_empty_file_is_the_defaults(documents):
    assert settings(documents, FILE) == Settings(name=None, labels={}, withhold=(), emulation=True)


def test_every_key_is_read():
    content = {"name": "edge-7", "labels": {"zone": "eu", "tier": "2"}, "withhold": ["docker"], "emulation": False}
    assert settings([content], FILE) == Settings("edge-7", {"zone": "eu", "tier": "2"}, ("docker",), emulation=False)


def test_absent_values_are_the_defaults():
    content = {"name": None, "labels": None, "withhold": None, "emulation": None}
    assert settings([content], FILE) == Settings()


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        ({"withold": ["docker"]}, "has an unknown key 'withold'", "Did you mean withhold?"),
        ({"cpu": 4}, "has an unknown key 'cpu'", "Known: name, labels, withhold, emulation."),
        ({"withhold": ["dokcer"]}, "withholds an unknown engine 'dokcer'", "Did you mean docker?"),
        ({"withhold": "docker"}, "has a withhold that is not a list: 'docker'", "Write withhold: [docker]."),
        ({"withhold": [["docker"]]}, "withholds an unknown engine ['docker']", "Did you mean docker?"),
        ({"emulation": "no"}, "has an emulation that is neither true nor false: 'no'", "Write emulation: false."),
        ({"name": 7}, "has a name that is not text on one line: 7", "Quote it."),
        ({"name": ""}, "has a name that is not text on one line: ''", "Quote it."),
        ({"name": "a\nb"}, "has a name that is not text on one line: 'a\\nb'", "Quote it."),
        ({"labels": ["a"]}, "has labels that are not a mapping: ['a']", "Write labels: {key: value}."),
        ({"labels": {"gpu": False}}, "has a label gpu that is not text on one line: False", "Quote its value."),
        ({"labels": {1: "x"}}, "has a label key that is not text on one line: 1", "Quote it."),
        (["name"], "is not a mapping of keys to values", "The keys are name, labels, withhold, emulation."),
    ],
)
def test_a_mistake_is_refused_with_what_to_do(content, message, hint):
    with pytest.raises(BacError) as caught:
        settings([content], FILE)
    assert caught.value.code == "bad_config"
    assert caught.value.message == f"host file {FILE} {message}"
    assert caught.value.hint == hint
    assert caught.value.input == FILE


def test_two_documents_are_refused():
    with pytest.raises(BacError, match="holds 2 documents"):
        settings([{}, {}], FILE)
