"""The words of the wasmtime command line that does what bac-exec does."""

import pytest

from bactools.core.running import Linked, Mount, Run
from bactools.core.wasm_command import differences, wasmtime_run

MODULE = Linked("/job.wasm", "/host/job.wasm")
BEFORE = ["wasmtime", "run", "--argv0", "", "-W", "wide-arithmetic=y"]
IN = Mount("/host/data", "/inputs", writable=False)
OUT = Mount("/host/out", "/outputs", writable=True)
FILE = Mount("/host/some.txt", "/inputs/name.txt", writable=False)


def run(**fields):
    return Run(**{"arguments": (), "environment": {}, "mounts": (), **fields})


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (run(arguments=("-x", "a b")), [*BEFORE, "/host/job.wasm", "-x", "a b"]),
        (run(mounts=(IN, OUT)), [*BEFORE, "--dir", "/host/data::/inputs", "--dir", "/host/out::/outputs"]),
        (run(mounts=(FILE,)), [*BEFORE, "--dir", "/host::/inputs"]),
        (run(environment={"A": "b=c", "TOKEN": "secret"}), [*BEFORE, "--env", "A=b=c", "--env", "TOKEN"]),
        (run(memory=512, timeout=1.5), [*BEFORE[:-1], "wide-arithmetic=y,max-memory-size=512,timeout=1500ms"]),
        (run(entrypoint=("_start",)), BEFORE),
        (run(entrypoint=("tell",), arguments=("a",)), [*BEFORE, "--invoke", "tell", "/host/job.wasm"]),
        (run(entrypoint=("own:jobs/work#go",)), [*BEFORE, "--invoke", "go()", "/host/job.wasm"]),
        (
            run(modules=(Linked("/lib/geo.wasm", "/host/geo.wasm"),)),
            [*BEFORE, "--preload", "lib/geo.wasm=/host/geo.wasm", "--preload", "/lib/geo.wasm=/host/geo.wasm"],
        ),
    ],
)
def test_the_words(wanted, words):
    expected = words if "/host/job.wasm" in words else [*words, "/host/job.wasm"]
    assert wasmtime_run(MODULE, wanted, hidden={"TOKEN"}, files={FILE.host}) == expected


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (run(arguments=("a",), mounts=(OUT,), entrypoint=("_start",)), []),
        (run(mounts=(IN,)), ["write to its inputs"]),
        (run(mounts=(FILE,)), ["write to its inputs", "neighbours", "keeps the name"]),
        (run(entrypoint=("tell",), arguments=("a",)), ["no arguments"]),
    ],
)
def test_what_wasmtime_does_otherwise_is_told(wanted, told):
    found = differences(wanted, files={FILE.host})
    assert len(found) == len(told)
    assert all(words in sentence for words, sentence in zip(told, found, strict=True))
