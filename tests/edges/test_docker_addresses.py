"""Where the Docker engine is looked for, and what becomes of addresses where there is none: with real sockets."""

from __future__ import annotations

import json
import os
import pwd
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

import components
import pytest
import registries
import scripted
from scripted import Answer

from bactools.core import docker_contexts
from bactools.core.docker_contexts import Place
from bactools.core.errors import BacError
from bactools.edges.docker_engine import client, contexts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from docker import DockerClient
    from processes import Completed
    from registries import Issuer
    from scripted import Scripted

PING = Answer(200, b"OK", {"Api-Version": "1.41"})
VERSION = {"Version": "20.10.1", "ApiVersion": "1.41", "Os": "linux", "Arch": "arm64"}
INFO = {"Architecture": "aarch64", "KernelVersion": "1.2.3-other", "Name": "other", "NCPU": 8, "Runtimes": {"runc": {}}}
NOBODY = 65534
SOCKET = components.ENGINE.removeprefix(docker_contexts.UNIX)


def reply(value: object) -> Answer:
    return Answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A user with an empty home, a session, and no settings for Docker: the home."""
    for name in [name for name in os.environ if name.startswith("DOCKER_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "ann"
    home.mkdir()
    (tmp_path / "session").mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "session"))
    return home


@pytest.fixture
def context(surroundings: Path, tool: Callable[[str], str]) -> Callable[..., None]:
    """``context("name", "host=unix:///s", use=True)``: made by docker itself."""

    def create(name: str, endpoint: str, *, use: bool = True) -> None:
        command = [tool("docker"), "context", "create", name, "--docker", endpoint]
        subprocess.run(command, check=True, capture_output=True)
        if use:
            subprocess.run([tool("docker"), "context", "use", name], check=True, capture_output=True)
        assert (surroundings / ".docker/contexts/meta").is_dir()

    return create


@contextmanager
def listening(path: Path, serve: Callable[[socket.socket], None] | None = None) -> Iterator[None]:
    """A unix socket whose connections are handed to ``serve`` and closed after it; without one, they are left alone."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def run() -> None:
            with suppress(OSError):  # the listener is shut down
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        serve(connection)

        thread = threading.Thread(target=run) if serve else None
        if thread:
            thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            if thread:
                thread.join()


def saying(words: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(words)

    return serve


def refusal(**options: object) -> BacError:
    with pytest.raises(BacError) as caught:
        client.connect(**{"timeout": 5, **options}).close()
    return caught.value


# Where it is


def test_docker_host_goes_before_any_context(context: Callable[..., None], monkeypatch: pytest.MonkeyPatch):
    context("work", "host=unix:///work.sock")
    monkeypatch.setenv("DOCKER_CONTEXT", "work")
    monkeypatch.setenv("DOCKER_HOST", "unix:///host.sock")
    assert contexts.find() == Place("unix:///host.sock")
    assert client.address() == "unix:///host.sock"


def test_the_context_in_use_is_that_of_docker(context: Callable[..., None], monkeypatch: pytest.MonkeyPatch):
    context("work", "host=unix:///work.sock")
    context("play", "host=tcp://127.0.0.1:2375", use=False)
    assert contexts.find() == Place("unix:///work.sock")
    monkeypatch.setenv("DOCKER_CONTEXT", "play")
    assert contexts.find() == Place("tcp://127.0.0.1:2375")


def test_a_context_leads_to_its_engine(context: Callable[..., None], docker: DockerClient, tmp_path: Path):
    link = tmp_path / "linked.sock"
    link.symlink_to(SOCKET)
    context("linked", f"host=unix://{link}")
    with closing(client.connect()) as engine:
        facts = client.describe(engine)
    assert facts.address == f"unix://{link}"
    assert facts.version == docker.version()["Version"]


def test_a_context_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCKER_CONTEXT", "nosuch")
    error = refusal()
    assert error.code == "bad_config"
    assert error.message.startswith("there is no Docker context nosuch")


@pytest.mark.parametrize("content", [b"", b"[]", b" " * (contexts.FILE_LIMIT + 1)])
def test_a_damaged_context_is_named(context: Callable[..., None], surroundings: Path, content: bytes):
    context("work", "host=unix:///work.sock")
    [meta] = surroundings.glob(".docker/contexts/meta/*/meta.json")
    meta.write_bytes(content)
    error = refusal()
    assert error.code == "bad_config"
    assert str(meta) in error.message


def test_a_context_that_cannot_be_read_is_named(context: Callable[..., None], surroundings: Path):
    context("work", "host=unix:///work.sock")
    [meta] = surroundings.glob(".docker/contexts/meta/*/meta.json")
    meta.unlink()
    meta.mkdir()
    assert refusal().code == "unreadable_file"


def test_a_configuration_that_cannot_be_read_counts_as_none(surroundings: Path, monkeypatch: pytest.MonkeyPatch):
    (surroundings / ".docker/config.json").mkdir(parents=True)
    monkeypatch.setattr(docker_contexts, "SYSTEM_SOCKET", str(surroundings / "nosuch.sock"))
    assert contexts.find() == Place(f"unix://{surroundings}/nosuch.sock")


@pytest.mark.parametrize("name", ["docker.sock", "podman/podman.sock"])
def test_a_socket_of_the_session_is_found_where_docker_s_own_is_dead(
    surroundings: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    dead = surroundings / "dead.sock"
    with listening(dead):
        pass
    monkeypatch.setattr(docker_contexts, "SYSTEM_SOCKET", str(dead))
    assert contexts.find() == Place(f"unix://{dead}")
    path = surroundings.parent / "session" / name
    path.parent.mkdir(exist_ok=True)
    with listening(path):
        assert contexts.find() == Place(f"unix://{path}")


def test_a_login_of_a_netrc_is_not_sent_to_a_socket(surroundings: Path, tmp_path: Path):
    (surroundings / ".netrc").write_text("machine localhost login ann password secret\n", encoding="ascii")
    (surroundings / ".netrc").chmod(0o600)
    asked = []

    def serve(connection: socket.socket) -> None:
        asked.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 0\r\n\r\n")

    with listening(tmp_path / "s", serve):
        client.connect(5, Place(f"unix://{tmp_path}/s")).close()
    assert asked[-1].startswith(b"GET /_ping ")
    assert b"Authorization" not in asked[-1]


# Where it is not


def test_a_socket_that_never_answers_is_given_up(tmp_path: Path):
    with listening(tmp_path / "s"):
        error = refusal(timeout=0.2, place=Place(f"unix://{tmp_path}/s"))
    assert error.code == "timed_out"
    assert f"{tmp_path}/s" in error.message


def test_an_answer_that_trickles_is_given_up(tmp_path: Path):
    def trickle(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nConnection: close\r\n\r\n")
        while True:
            connection.sendall(b".")

    with listening(tmp_path / "s", trickle):
        error = refusal(timeout=0.2, place=Place(f"unix://{tmp_path}/s"))
    assert error.code in {"timed_out", "too_large"}


@contextmanager
def trickling(path: Path, start: Callable[[bytes], bytes | None]) -> Iterator[None]:
    """An engine whose answers to what ``start`` has none for begin so, and never end: a byte at a time."""
    over = threading.Event()

    def serve(connection: socket.socket) -> None:
        while asked := connection.recv(4096):
            whole = start(asked)
            connection.sendall(whole or b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not whole and not over.wait(0.01):
                connection.sendall(b"a")
            if not whole:
                return

    with listening(path, serve):
        try:
            yield
        finally:
            over.set()


def test_a_header_that_trickles_is_given_up(tmp_path: Path):
    with trickling(tmp_path / "s", lambda _: None):
        error = refusal(timeout=0.3, place=Place(f"unix://{tmp_path}/s"))
    assert (error.code, error.hint) == ("timed_out", docker_contexts.NO_ENGINE_HINT)
    assert (
        error.message
        == f"connecting to the Docker engine at unix://{tmp_path}/s: the Docker engine does not answer in time"
    )


def test_a_header_that_trickles_after_the_first_answer_is_given_up(tmp_path: Path):
    place = Place(f"unix://{tmp_path}/s")
    pong = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK"
    with (
        trickling(tmp_path / "s", lambda asked: pong if b"/_ping" in asked else None),
        closing(client.connect(0.3, place)) as connection,
        pytest.raises(BacError) as caught,
    ):
        client.describe(connection, place)
    assert caught.value.code == "timed_out"
    assert caught.value.message.startswith("asking the Docker engine for its version: ")


def test_an_engine_is_asked_also_where_no_thread_is_to_be_had(docker: DockerClient, monkeypatch: pytest.MonkeyPatch):
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    with closing(client.connect(5, Place(f"unix://{SOCKET}"))) as connection:
        assert client.describe(connection).version == docker.version()["Version"]


def test_a_configuration_that_is_a_pipe_is_not_waited_for(surroundings: Path, tmp_path: Path):
    (surroundings / ".docker").mkdir()
    os.mkfifo(surroundings / ".docker/config.json")
    assert contexts.find().socket
    with listening(tmp_path / "s"):
        error = refusal(place=Place(f"unix://{tmp_path}/s"))
    assert (error.code, error.hint) == ("bad_config", "Make it a file.")
    assert error.message == f"Docker's configuration {surroundings}/.docker/config.json is a pipe"


def test_a_context_that_is_a_pipe_is_not_waited_for(context: Callable[..., None], surroundings: Path):
    context("work", "host=unix:///work.sock")
    [meta] = surroundings.glob(".docker/contexts/meta/*/meta.json")
    meta.unlink()
    os.mkfifo(meta)
    assert refusal().code == "unreadable_file"


def test_a_user_without_a_home_has_the_system_s_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def unknown(_: int) -> NoReturn:
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(docker_contexts, "SYSTEM_SOCKET", str(tmp_path / "s"))
    with listening(tmp_path / "s"):
        assert contexts.find() == Place(f"unix://{tmp_path}/s")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (b"", "the connection broke off"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "what answers there does not speak HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
            "what answers there is no Docker engine (HTTP status 200)",
        ),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
            "what answers there is no Docker engine (HTTP status 302)",
        ),
        (b"HTTP/1.1 200 OK\r\nApi-Version: x\r\nContent-Length: 0\r\n\r\n", "what answers there is no Docker engine"),
        (b"HTTP/1.1 200 OK\r\nApi-Version: 1.12\r\nContent-Length: 0\r\n\r\n", "its API 1.12 is too old"),
    ],
)
def test_what_is_no_engine_is_told_as_what_it_is(tmp_path: Path, words: bytes, told: str):
    with listening(tmp_path / "s", saying(words)):
        error = refusal(place=Place(f"unix://{tmp_path}/s"))
    assert error.code == "no_engine"
    assert error.message.startswith(f"connecting to the Docker engine at unix://{tmp_path}/s: ")
    assert told in error.message
    assert error.hint


def test_a_socket_that_nobody_listens_on_is_told_from_one_that_is_absent(tmp_path: Path):
    with listening(tmp_path / "s"):
        pass
    assert "Connection refused" in refusal(place=Place(f"unix://{tmp_path}/s")).message
    assert refusal(place=Place("unix:///no/s")).message == "there is no Docker engine at unix:///no/s"


def test_a_path_that_no_socket_can_have_is_told():
    error = refusal(place=Place(f"unix:///{'x' * 200}"))
    assert error.code == "no_engine"


def test_a_socket_without_permission_is_told_with_the_remedy(tmp_path: Path):
    """As another user where the tests run as root, whom nothing is forbidden."""
    path = tmp_path / "s"
    script = (
        "import http.client, os, sys\n"  # what another user may not be able to load from here
        "from bactools.core.errors import BacError\n"
        "from bactools.edges.docker_engine import client\n"
        f"if os.geteuid() == 0: os.setgroups([]), os.setgid({NOBODY}), os.setuid({NOBODY})\n"
        "try: client.connect()\n"
        "except BacError as error: print(error.code, error.message, error.hint, 'docker' in sys.modules, sep='|')\n"
    )
    environment = {**os.environ, "DOCKER_HOST": f"unix://{path}"}
    with listening(path):
        path.chmod(0)
        command = [sys.executable, "-c", script]
        said = subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout
    code, message, hint, imported = said.strip().split("|")
    assert (code, imported) == ("no_engine", "False")
    assert message.endswith("permission denied")
    assert hint == "Join the docker group, or run this as a user who may use the engine."


def test_ssh_is_refused_with_another_way(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCKER_HOST", "ssh://ann@far")
    error = refusal()
    assert (error.code, error.message) == ("no_engine", "cannot reach the Docker engine at ssh://far through ssh")
    assert "ssh -nNT -L" in error.hint


# What it says of itself


@pytest.fixture
def engine() -> Iterator[Scripted]:
    """Something with an engine's answers, which a test may change, at ``engine.host``."""
    with scripted.serving() as served:
        served.answers = {"/_ping": PING, "/version": reply(VERSION), "/v1.41/info": reply(INFO)}
        yield served


def described(engine: Scripted):
    place = Place(f"tcp://user@{engine.host}")
    with closing(client.connect(5, place)) as connection:
        return client.describe(connection, place)


def test_an_engine_elsewhere_is_told_with_what_it_has(engine: Scripted):
    facts = described(engine)
    assert (facts.version, facts.os, facts.architecture) == ("20.10.1", "linux", "arm64")
    assert (facts.local, facts.address) == (False, f"tcp://{engine.host}")
    assert (facts.cpu, facts.runtimes, facts.kernel) == (8.0, ("runc",), "1.2.3-other")
    assert [item.target for item in engine.requests] == ["/_ping", "/version", "/v1.41/info"]


def test_an_engine_behind_a_loopback_address_is_this_host_s_where_it_says_so(engine: Scripted):
    own = os.uname()
    engine.answers["/v1.41/info"] = reply({**INFO, "KernelVersion": own.release, "Name": own.nodename})
    assert described(engine).local is True


def test_an_engine_behind_a_loopback_address_is_offered_as_this_host_s(
    run: Callable[..., Completed], docker: DockerClient
):
    [near] = run("bac-probe").records
    version = docker.api.api_version
    with scripted.serving() as served:
        served.answers = {
            "/_ping": Answer(200, b"OK", {"Api-Version": version}),
            "/version": Answer(200, json.dumps(docker.version()).encode()),
            f"/v{version}/info": Answer(200, json.dumps(docker.info()).encode()),
        }
        [far] = run("bac-probe", env={"DOCKER_HOST": f"tcp://{served.host}"}).records
    [behind] = [offered for offered in far["engines"] if offered["engine"] == "docker"]
    [direct] = [offered for offered in near["engines"] if offered["engine"] == "docker"]
    assert behind == {**direct, "address": f"tcp://{served.host}"}


@pytest.mark.parametrize("status", [403, 404])
def test_an_engine_behind_a_filter_is_known_by_its_version(engine: Scripted, status: int):
    engine.answers["/v1.41/info"] = Answer(status, b"no")
    facts = described(engine)
    assert (facts.runtimes, facts.local) == ((), False)


@pytest.mark.parametrize("status", [401, 403])
def test_an_engine_that_refuses_us_is_told(engine: Scripted, status: int):
    engine.answers["/_ping"] = Answer(status)
    with pytest.raises(BacError) as caught:
        described(engine)
    assert caught.value.code == "unauthorized"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply({"Os": "linux"}), "engine_failed"),
        (reply([]), "engine_failed"),
        (Answer(500, b"{}"), "engine_failed"),
        (Answer(404, b"{}"), "engine_failed"),
        (Answer(200, b"<html>"), "engine_failed"),
        (Answer(200, b'{"Version": "\\ud800", "Os": "linux", "Arch": "amd64"}'), "engine_failed"),
        (Answer(200, b"[" * 100_000), "engine_failed"),
        (Answer(200, b" " * (client.ANSWER_LIMIT + 1)), "too_large"),
        (scripted.DROP, "no_engine"),
    ],
)
def test_an_engine_that_does_not_tell_what_it_is_has_failed(engine: Scripted, answer: Answer, code: str):
    engine.answers["/version"] = answer
    with pytest.raises(BacError) as caught:
        described(engine)
    assert caught.value.code == code


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory, tool: Callable[[str], str]) -> Issuer:
    """A private authority that has certified an engine on this machine and a client."""
    made = registries.Issuer(tool("openssl"), tmp_path_factory.mktemp("tls"), "ca").made(
        "-addext", "keyUsage=critical,keyCertSign,cRLSign"
    )
    made.certify("engine", "-addext", "subjectAltName=IP:127.0.0.1")
    made.certify("cert", "-addext", "extendedKeyUsage=clientAuth")
    return made


@pytest.fixture
def secured(docker: DockerClient, authority: Issuer) -> Iterator[str]:
    """The Docker engine behind TLS that wants a certificate of the client: host and port."""
    assert docker.ping()
    secret = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secret.load_cert_chain(authority.folder / "engine.crt", authority.folder / "engine.key")
    secret.load_verify_locations(authority.certificate)
    secret.verify_mode = ssl.CERT_REQUIRED

    def relay(connection: socket.socket) -> None:
        with secret.wrap_socket(connection, server_side=True) as shown, socket.socket(socket.AF_UNIX) as inner:
            inner.connect(SOCKET)
            while asked := shown.recv(65536):
                inner.sendall(asked.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
                while told := inner.recv(65536):
                    shown.sendall(told)

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        relay(connection)

        thread = threading.Thread(target=run)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def certified(authority: Issuer, host: str, *, verified: bool = True) -> str:
    """A context's endpoint, as docker takes it."""
    folder = authority.folder
    skip = "" if verified else ",skip-tls-verify=true"
    return f"host=tcp://{host},ca={folder}/ca.crt,cert={folder}/cert.crt,key={folder}/cert.key{skip}"


def test_a_context_with_certificates_leads_to_its_engine(
    context: Callable[..., None],
    authority: Issuer,
    secured: str,
    docker: DockerClient,
    monkeypatch: pytest.MonkeyPatch,
):
    context("far", certified(authority, secured))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.folder / "engine.crt"))  # which is of the web
    with closing(client.connect(5)) as engine:
        facts = client.describe(engine)
    assert (facts.version, facts.local, facts.address) == (docker.version()["Version"], True, f"tcp://{secured}")


def test_an_engine_that_another_authority_certified_is_refused_unless_that_is_asked_for(
    context: Callable[..., None], authority: Issuer, secured: str, tmp_path: Path, tool: Callable[[str], str]
):
    stranger = registries.Issuer(tool("openssl"), tmp_path, "ca").made()
    for name in ("cert.crt", "cert.key"):
        (tmp_path / name).write_bytes((authority.folder / name).read_bytes())
    context("far", certified(stranger, secured))
    assert refusal().code == "no_engine"
    context("lax", certified(stranger, secured, verified=False))
    client.connect(5).close()


def test_docker_cert_path_is_where_the_certificates_are(
    authority: Issuer, secured: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DOCKER_HOST", f"tcp://{secured}")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path / "certificates"))
    error = refusal()
    assert error.code == "bad_config"
    assert f"{tmp_path}/certificates" in error.message
    (tmp_path / "certificates").mkdir()
    for source, target in (("ca.crt", "ca.pem"), ("cert.crt", "cert.pem"), ("cert.key", "key.pem")):
        (tmp_path / "certificates" / target).write_bytes((authority.folder / source).read_bytes())
    client.connect(5).close()
    (tmp_path / "certificates/key.pem").unlink()
    assert refusal().code == "bad_config"


def test_an_engine_that_wants_tls_is_told_without(secured: str):
    error = refusal(place=Place(f"tcp://{secured}"))
    assert error.code == "no_engine"
