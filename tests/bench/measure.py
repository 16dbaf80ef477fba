"""Measure whole processes beside a peer: medians and their ratio, the two run in turn, as machines drift.

usage: python measure.py [startup|probe|exec|match|inspect|slow|transfer]…     all of them by default
Needs the commands of this Python installed; `probe` and `exec` a Docker engine, `exec` also
localhost:5000/busybox:multi, `match` jq, `inspect` skopeo and that registry, in which it makes the repository `bench`;
`slow` both, docker-registry and openssl, `transfer` curl, bactools[s3] and 4 GiB in /dev/shm.
"""

import itertools
import json
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
import transfer as one_file

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
    """A container that runs one second, and a WebAssembly hello; ten short containers, and a hundred hellos."""
    with tempfile.TemporaryDirectory() as folder:
        for name, number, flags in (
            ("second", 1, f"docker {IMAGE} -- sleep 1"),
            ("ten", 10, f"docker {IMAGE} -- true"),
            ("wasm", 1, f"wasm {ROOT}/examples/hello.wat"),
            ("hundred", 100, f"wasm {ROOT}/examples/hello.wat"),
        ):
            line = subprocess.check_output(["bash", "-c", f"{SCRIPTS}/bac-job {flags} | {SCRIPTS}/bac-inspect"])
            Path(folder, name).write_bytes(line * number)

        def ours(name):
            return f"bac-exec --results {folder} <{folder}/{name}"

        # First what needs two processors, before an engine that still clears up after its containers.
        peer = f"exec {sys.executable} -c 'import wasmtime'"
        compare("wasm hello", f"exec {ours('wasm')}", peer, 2.0)
        peer = f"for i in {{1..100}}; do {ours('wasm')}; done"
        compare("100 wasm hellos (beside 100 times)", f"exec {ours('hundred')}", peer, 0.05, runs=3)
        peer = f"exec docker run --rm {IMAGE} sleep 1"
        compare("container of one second", f"exec {ours('second')}", peer, 1.3, runs=7)
        # A job gets no network unless it asks for one, and to make one takes long.
        peer = f"for i in {{1..10}}; do docker run --rm --network none {IMAGE} true; done"
        compare("ten containers (beside docker run)", f"exec {ours('ten')}", peer, 1.0)


def job(number=1, **requires):
    """A job line."""
    return json.dumps({"kind": "job", "v": 1, "id": f"j-{number}", "spec": {}, "requires": requires}) + "\n"


THIRD = {"engine": "docker", "platforms": ["linux/arm64", "linux/arm/v7"], "resources": {"cpu": 4.0}}
TENTH = {"engine": "docker", "platforms": ["linux/arm64"], "resources": {"cpu": 16.0}}
FIFTIETH = {"engine": "docker", "platforms": ["linux/arm64"], "resources": {"cpu": 16.0, "memory": 8 << 30}}
NONE = {"engine": "docker", "platforms": ["linux/arm64"], "resources": {"memory": 1 << 40}}
EVERY = {"engine": "wasm", "platforms": ["wasm32/wasi"]}
FILTER = """select(.resources.cpu >= %d and any(.engines[]; .engine=="docker" and any(.platforms[]; %s)))"""
WANTED = ('.platform=="linux/arm64" or .platform=="linux/arm/v7"', '.platform=="linux/arm64"')


def match(count=1_000_000, runs=5):
    """A million nodes beside jq doing the same filter, and beside decoding alone; then sizes, and many jobs.

    The limits are ratios of time: an eighth of jq's, and of decoding alone (`lean`: with six fields undecoded, the
    strict one) 1 / 0.6. `memory` prints what both processes hold together, without what they share.
    """
    with tempfile.TemporaryDirectory() as folder:
        nodes = {number: Path(folder, f"{number}.jsonl") for number in (10_000, 50_000, count // 10, count)}
        for number, path in nodes.items():
            with path.open("w", encoding="utf-8") as stream:
                fleet.write(number, stream)
        own = Path(folder, "own.jsonl")
        with own.open("w", encoding="utf-8") as stream:
            fleet.write(count, stream, own=True)
        files = {name: Path(folder, name) for name in ("fiftieth", "none", "third", "tenth", "every", "alike", "many")}
        for name, wanted in (
            ("third", THIRD),
            ("tenth", TENTH),
            ("every", EVERY),
            ("fiftieth", FIFTIETH),
            ("none", NONE),
        ):
            files[name].write_text(job(**wanted), encoding="utf-8")
        files["alike"].write_text("".join(job(number, **TENTH) for number in range(1000)), encoding="utf-8")
        files["many"].write_text("".join(job(number, **different(number)) for number in range(1000)), encoding="utf-8")

        def ours(name, options="", number=count):
            return f"exec bac-match -q {options} {nodes[number]} <{files[name]}"

        large = nodes[count]
        for name, filter_ in (("third", FILTER % (4, WANTED[0])), ("tenth", FILTER % (16, WANTED[1]))):
            peer = f"exec jq -c '{filter_}' {large}"
            compare(f"{name} of {count:,} nodes (beside jq)", ours(name), peer, 0.125, runs)
        for kind in ("node", "lean"):
            bare = f"exec {sys.executable} {Path(__file__).parent}/bare.py {kind} {large}"
            for name, options in (("tenth", ""), ("third", ""), ("tenth", "--stream")):
                compare(f"{name} {options} (decoding, {kind})", ours(name, options), bare, 1.67, runs)
        for name, options, limit in (("every", "", 128), ("tenth", "", 64), ("every", "--stream", 64)):
            memory(f"{name} {options}", ours(name, options), limit)
        own_amounts(own, ours, files, runs)
        compare("third, --explain (beside plain)", ours("third", "--explain"), ours("third"), 2.0, runs)
        for smaller, larger in itertools.pairwise(nodes):
            growth = larger / smaller
            title = f"{larger:,} nodes (beside {smaller:,})"
            compare(title, ours("tenth", "", larger), ours("tenth", "", smaller), growth, runs)
        for name in ("alike", "many"):
            compare(f"1,000 jobs, {name} (beside one)", ours(name, "", 10_000), ours("tenth", "", 10_000), 30.0, 3)


def own_amounts(nodes, alike, files, runs):
    """Nodes with amounts of their own beside those with alike ones; `alike` makes the script for these."""
    for name in ("third", "fiftieth", "none", "every"):
        script = f"exec bac-match -q {nodes} <{files[name]}"
        compare(f"{name}, own amounts (beside alike)", script, alike(name), 2.0, runs)
        memory(f"{name}, own amounts", script, 128 if name == "every" else 64)


def different(number):
    """What one of a thousand different jobs requires."""
    platforms = fleet.PLATFORMS[number % 6 :][: 1 + number // 6 % 3]
    return {"engine": "docker", "platforms": platforms, "resources": {"cpu": 1 + number / 16, "memory": number << 26}}


def memory(title, script, limit):
    """Print the most that a script's process and its children hold at once, in MiB, shared pages divided."""
    environment = {**os.environ, "PATH": f"{SCRIPTS}:{os.environ['PATH']}"}
    with subprocess.Popen(["bash", "-c", script], env=environment, stdout=subprocess.DEVNULL) as process:
        most = 0
        while process.poll() is None:
            most = max(most, held(process.pid))
            time.sleep(0.005)
    print(f"{title:34} {most / 1024:8.1f} MiB (limit {limit})")


def held(process_id):
    """KiB of a process and its children (proc(5), smaps_rollup)."""
    folder = Path("/proc", str(process_id))
    try:
        children = Path(folder, "task", str(process_id), "children").read_text(encoding="ascii").split()
        lines = Path(folder, "smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    own = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return own + sum(map(held, children))


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


def transfer(size=2 << 30, runs=5):
    """An input of 2 GiB over HTTP and from S3, without and with a checksum, beside curl; to memory, from memory.

    The limit is a ratio of time: 0.8 x the speed of curl.
    """
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        file = Path(folder, "file")
        with file.open("wb") as stream:
            stream.truncate(size)
        os.environ |= {"TMPDIR": folder, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
        digest = subprocess.check_output(["sha256sum", str(file)], text=True).split()[0]
        with one_file.serving(file) as port:
            url = f"http://127.0.0.1:{port}"
            peer = f"exec curl -s -o {folder}/copy {url}/file"
            s3 = f"s3://bucket/file:/in,opt=region=us-east-1,opt=endpoint={url}"
            for name, source in (("http", f"{url}/file:/in"), ("s3", s3)):
                for title, option in ((name, ""), (f"{name}, checksum", f",opt=checksum-256={digest}")):
                    words = f"bac-job wasm -i {source}{option} {ROOT}/examples/hello.wat | {SCRIPTS}/bac-inspect"
                    job = subprocess.check_output(["bash", "-c", f"{SCRIPTS}/{words}"])
                    Path(folder, "job").write_bytes(job)
                    ours = f"exec bac-exec --results {folder} <{folder}/job"
                    compare(f"{size >> 20} MiB, {title} (beside curl)", ours, peer, 1.25, runs)


MEASURES = {
    "startup": startup,
    "probe": probe,
    "exec": execute,
    "match": match,
    "inspect": inspect,
    "slow": far_away,
    "transfer": transfer,
}

if __name__ == "__main__":
    for chosen in sys.argv[1:] or MEASURES:
        MEASURES[chosen]()
