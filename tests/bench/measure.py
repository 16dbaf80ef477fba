"""Measure whole processes beside a peer: medians and their ratio, the two run in turn, as machines drift.

usage: python measure.py [startup|probe|exec|match|inspect|slow]…     all of them by default
Needs the commands of this Python installed; `probe` and `exec` a Docker engine, `exec` also
localhost:5000/busybox:multi, `match` jq, `inspect` skopeo and that registry, in which it makes the repository `bench`;
`slow` both, docker-registry and openssl.
"""

import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import fleet
import slow
import tags

SCRIPTS = sysconfig.get_path("scripts")
ROOT = Path(__file__).parents[2]
IMAGE = "localhost:5000/busybox:multi"
COMMANDS = ("bac-exec", "bac-inspect", "bac-job", "bac-match", "bac-probe")
IDLE = {"bac-exec": "", "bac-inspect": "", "bac-job": "-", "bac-match": "platform:linux/amd64"}


class Figures(NamedTuple):
    """Wall seconds of every run, and the largest peak memory in MiB."""

    seconds: list
    peak: float


def once(script):
    """One run of a shell script: wall seconds and peak memory of its largest process in MiB."""
    environment = {**os.environ, "PATH": f"{SCRIPTS}:{os.environ['PATH']}"}
    start = time.perf_counter()
    with subprocess.Popen(
        ["bash", "-c", script], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as it:
        _, _, usage = os.wait4(it.pid, 0)
        it.returncode = 0
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def compare(title, ours, peer, limit, runs=15):
    """Print one line: both medians and the ratio against its limit."""
    rounds = [(once(ours), once(peer)) for _ in range(runs + 1)][1:]
    mine, theirs = (Figures([run[side][0] for run in rounds], max(run[side][1] for run in rounds)) for side in (0, 1))
    a, b = statistics.median(mine.seconds), statistics.median(theirs.seconds)
    ratio = statistics.median(x[0][0] / x[1][0] for x in rounds)
    print(
        f"{title:34} {a * 1000:8.1f} ms {b * 1000:8.1f} ms"
        f"  ratio {ratio:5.2f} (limit {limit})  peak {mine.peak:.0f} MiB"
    )


def startup():
    """Help and the idle path beside the smallest command that could be."""
    peer = f"exec {sys.executable} -c 'import click, json'"
    for command in COMMANDS:
        compare(f"{command} --help", f"exec {command} --help", peer, 1.25)
    for command, operand in IDLE.items():
        compare(f"{command} on an empty input", f"exec {command} {operand} </dev/null", peer, 1.25)


def probe():
    """A host with an engine and without one, and every platform proved in a container."""
    compare("probe, live engine", "exec bac-probe", f"exec {sys.executable} -c 'import click, docker'", 1.4)
    compare("probe, no engine", "DOCKER_HOST=unix:///nonexistent exec bac-probe", "exec bac-probe --help", 2.0)
    run = f"docker run --rm {IMAGE} true"
    compare("probe --deep (beside one container)", "exec bac-probe --deep", f"exec {run}", "1.5 s a platform", runs=5)


def execute():
    """A container that runs one second, and a WebAssembly hello."""
    with tempfile.TemporaryDirectory() as folder:
        for name, flags in (("docker", f"docker {IMAGE} -- sleep 1"), ("wasm", f"wasm {ROOT}/examples/hello.wat")):
            subprocess.run(
                ["bash", "-c", f"{SCRIPTS}/bac-job {flags} | {SCRIPTS}/bac-inspect >{folder}/{name}"], check=True
            )
        peer = f"exec docker run --rm {IMAGE} sleep 1"
        compare("container of one second", f"exec bac-exec --results {folder} <{folder}/docker", peer, 1.3, runs=7)
        peer = f"exec {sys.executable} -c 'import wasmtime'"
        compare("wasm hello", f"exec bac-exec --results {folder} <{folder}/wasm", peer, 2.0)


def match():
    """100,000 nodes, the same filter as jq's."""
    with tempfile.TemporaryDirectory() as folder:
        nodes, job = Path(folder, "nodes.jsonl"), Path(folder, "job.jsonl")
        with nodes.open("w", encoding="utf-8") as stream:
            fleet.write(100_000, stream)
        job.write_text(
            '{"kind":"job","v":1,"id":"j-1","spec":{},"requires":{"engine":"docker","platforms":'
            '["linux/arm64","linux/arm/v7"],"resources":{"cpu":4.0}}}\n',
            encoding="utf-8",
        )
        wanted = '.platform=="linux/arm64" or .platform=="linux/arm/v7"'
        peer = (
            f"""exec jq -c 'select(.resources.cpu >= 4 and any(.engines[]; .engine=="docker" and """
            f"""any(.platforms[]; {wanted})))' {nodes}"""
        )
        compare("match 100,000 nodes (beside jq)", f"exec bac-match {nodes} <{job}", peer, 1.0, runs=5)


def inspect():
    """One image, uncached and cached, and a hundred beside as many calls of skopeo."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = f"XDG_CACHE_HOME={folder}/$RANDOM$RANDOM"
        peer = f"exec {sys.executable} -c 'import click, requests'"
        compare("one image, uncached", f"{fresh} exec bac-inspect {IMAGE}", peer, 1.4)
        kept = f"XDG_CACHE_HOME={folder}/kept exec bac-inspect --max-age 3600"
        once(f"{kept} {IMAGE}")
        compare("one image, cached", f"{kept} {IMAGE}", "exec bac-inspect --help", 1.5)
        skopeo = "skopeo inspect --raw --tls-verify=false"
        copy = "skopeo copy -q --src-tls-verify=false --dest-tls-verify=false"
        host = "localhost:5000"
        subprocess.run([*copy.split(), "--all", f"docker://{IMAGE}", f"docker://{host}/bench:multi"], check=True)
        listed, urls = Path(folder, "listed"), Path(folder, "urls")
        words = tags.push(host, "bench", "multi", 100)
        listed.write_text("".join(f"{word}\n" for word in words), encoding="ascii")
        urls.write_text("".join(f"docker://{word}\n" for word in words), encoding="ascii")
        ours = f"exec bac-inspect --no-cache @{listed}"
        one_by_one = f"while read -r url; do {skopeo} $url; done <{urls}"
        compare("100 images (beside skopeo)", ours, one_by_one, 0.2, runs=5)
        compare("100 images (beside xargs -P 8)", ours, f"exec xargs -P 8 -n 1 {skopeo} <{urls}", 1.0, runs=5)


def far_away():
    """One image of a registry with TLS and tokens at 80 ms a round trip."""
    with tempfile.TemporaryDirectory() as folder, slow.far(Path(folder), IMAGE) as far:
        ours = f"exec bac-inspect --no-cache --ca-file {far.authority} {far.image}"
        peer = f"exec skopeo inspect --raw --cert-dir {far.authority.parent} docker://{far.image}"
        for name, script in (("bac-inspect", ours), ("skopeo", peer)):
            once(script)
            found = f"registry {far.registry.round_trips()}, token server {far.tokens.round_trips()}"
            print(f"  {name}: round trips by connection: {found}")
        compare("80 ms a round trip (beside skopeo)", ours, peer, 1.3, runs=7)


MEASURES = {"startup": startup, "probe": probe, "exec": execute, "match": match, "inspect": inspect, "slow": far_away}

if __name__ == "__main__":
    for chosen in sys.argv[1:] or MEASURES:
        MEASURES[chosen]()
