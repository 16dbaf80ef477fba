"""Real registries with TLS by a private authority, with passwords, client certificates and tokens."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

import pytest
import registries
import scripted

from bactools.core import reference
from bactools.core.access import Access
from bactools.core.credentials import Credential
from bactools.core.errors import BacError
from bactools.edges.http import Client, Timing
from bactools.edges.registry import content, settings
from bactools.edges.registry.content import Repository
from bactools.edges.registry.hosts import Hosts
from bactools.edges.registry.login import Logins
from bactools.flows import images

ANN = Credential("ann", "open sesame")
# bcrypt of "open sesame", as htpasswd -B writes it
HTPASSWD = "ann:$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n"
PLATFORMS = ["linux/amd64", "linux/arm64", "linux/arm/v7"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory, tool):
    """A private authority that has certified a registry on this machine and a client."""
    authority = registries.Issuer(tool("openssl"), tmp_path_factory.mktemp("tls"), "authority").made(
        "-addext", "keyUsage=critical,keyCertSign,cRLSign"
    )
    authority.certify("registry", "-addext", "subjectAltName=IP:127.0.0.1")
    authority.certify("client", "-addext", "extendedKeyUsage=clientAuth")
    return authority


@pytest.fixture(scope="module")
def storage(tmp_path_factory, tool, registry):
    """What a registry holds that has app:1 for three platforms, and one:1 for one."""
    folder = tmp_path_factory.mktemp("storage")
    with registries.serving(tool("docker-registry"), folder, folder / "content") as plain:
        for source, target in (("busybox:multi", "app:1"), ("busybox:arm64", "one:1")):
            command = [tool("skopeo"), "copy", "-q", "--all", "--src-tls-verify=false", "--dest-tls-verify=false"]
            command += [f"docker://{registry}/{source}", f"docker://{plain.address}/{target}"]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return folder / "content"


@pytest.fixture
def serve(tmp_path, tool, storage, authority):
    """``serve(tls={}, auth={})``: a registry with that content, behind TLS unless ``tls`` is None."""

    def serve(tls=(), auth=None):
        keys = {"certificate": authority.folder / "registry.crt", "key": authority.folder / "registry.key"}
        http = None if tls is None else {"tls": {name: str(path) for name, path in {**keys, **dict(tls)}.items()}}
        return registries.serving(tool("docker-registry"), tmp_path, storage, http, auth)

    return serve


@pytest.fixture
def passwords(tmp_path):
    path = tmp_path / "htpasswd"
    path.write_text(HTPASSWD, encoding="ascii")
    return {"htpasswd": {"realm": "test", "path": str(path)}}


def inspected(address, hosts=content.DEFAULTS, login=None, name="app:1"):
    named = reference.parse(f"{address}/{name}")
    with closing(Client(timing=Timing(sleep=lambda _: None))) as client:
        repository = Repository(client, Logins(client, lambda _: login, hosts), named, hosts)
        found = images.image(repository, named.tag, str(named), "registry")
        assert repository.head(named.tag) == found.digest
    return [entry.platform for entry in found.platforms]


def refusal(*arguments, **options):
    with pytest.raises(BacError) as caught:
        inspected(*arguments, **options)
    return caught.value


def test_a_real_registry_lets_in_who_has_the_password(serve, passwords):
    with serve(tls=None, auth=passwords) as served:
        assert inspected(served.address, login=ANN) == PLATFORMS
        assert refusal(served.address).code == "unauthorized"
        assert refusal(served.address, login=Credential("ann", "no")).code == "unauthorized"


def test_an_authority_that_is_named_is_trusted(serve, authority, passwords):
    hosts = Hosts(Access(ca_file=str(authority.certificate)))
    with serve(auth=passwords) as served:
        assert inspected(served.address, hosts, ANN) == PLATFORMS


def test_a_private_authority_that_is_not_named_is_refused(serve, tmp_path, tool):
    stranger = registries.Issuer(tool("openssl"), tmp_path, "stranger").made()
    with serve() as served:
        error = refusal(served.address, Hosts(Access(ca_file=str(stranger.certificate))))
        assert (error.code, error.trouble) == ("unreachable", None)
        assert "CERTIFICATE_VERIFY_FAILED" in error.message
        assert "--ca-file" in error.hint


def test_the_systems_authorities_count_beside_the_named_one(serve, authority, tmp_path, monkeypatch, tool):
    stranger = registries.Issuer(tool("openssl"), tmp_path, "stranger").made()
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    with serve() as served:
        assert inspected(served.address, Hosts(Access(ca_file=str(stranger.certificate)))) == PLATFORMS


def test_an_insecure_registry_may_have_any_certificate(serve):
    with serve() as served:
        assert inspected(served.address, Hosts(Access(insecure=(served.address,)))) == PLATFORMS


def test_a_named_authority_does_not_keep_this_machine_from_plain_http(serve, authority):
    with serve(tls=None) as served:
        assert inspected(served.address, Hosts(Access(ca_file=str(authority.certificate)))) == PLATFORMS


@pytest.mark.parametrize("text", ["", "no certificate"])
def test_a_file_without_certificates_is_refused(serve, tmp_path, text):
    file = tmp_path / "empty.crt"
    file.write_text(text, encoding="ascii")
    with serve() as served:
        error = refusal(served.address, Hosts(Access(ca_file=str(file))))
    assert error.code == "bad_config"
    assert error.message == f"{file} holds no certificate in PEM form"


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("XDG_CONFIG_HOME", "CONTAINERS_REGISTRIES_CONF"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("place", ["home/.config/containers", "etc/containers", "etc/docker"])
def test_certificates_are_found_where_docker_and_podman_keep_them(serve, authority, tmp_path, place):
    with serve() as served:
        folder = tmp_path / place / "certs.d" / served.address
        folder.mkdir(parents=True)
        (folder / "ca.crt").write_bytes(authority.certificate.read_bytes())
        assert inspected(served.address, settings.hosts(Access(), tmp_path / "etc")) == PLATFORMS


def test_our_own_certificate_is_shown(tmp_path, tool, storage, authority, home):
    tls = {"certificate": str(authority.folder / "registry.crt"), "key": str(authority.folder / "registry.key")}
    tls["clientcas"] = [str(authority.certificate)]
    with registries.serving(tool("docker-registry"), tmp_path, storage, {"tls": tls}) as served:
        folder = home / ".config/containers/certs.d" / served.address
        folder.mkdir(parents=True)
        (folder / "ca.crt").write_bytes(authority.certificate.read_bytes())
        hosts = settings.hosts(Access(), tmp_path / "etc")
        error = refusal(served.address, hosts)
        assert (error.code, error.speaks_no_tls) == ("unreachable", False)
        assert error.hint == "Does it want a certificate of ours?"
        for suffix in ("crt", "key"):
            name = "client.cert" if suffix == "crt" else "client.key"
            (folder / name).write_bytes((authority.folder / f"client.{suffix}").read_bytes())
        assert inspected(served.address, hosts) == PLATFORMS
        (folder / "client.key").unlink()
        assert refusal(served.address, hosts).code == "bad_config"


def test_mirrors_are_read_from_registries_conf(serve, tmp_path, home):
    with serve(tls=None) as served:
        (home / ".config/containers").mkdir(parents=True)
        (home / ".config/containers/registries.conf").write_text(
            f'[[registry]]\nlocation = "hub.invalid"\n[[registry.mirror]]\nlocation = "{served.address}"\n',
            encoding="ascii",
        )
        assert inspected("hub.invalid", settings.hosts(Access(), tmp_path / "etc")) == PLATFORMS


def test_the_files_of_registries_conf_and_their_order(tmp_path, home, monkeypatch):
    def places(name):
        found = settings.hosts(Access(), tmp_path / "etc").endpoints(reference.parse(f"{name}/app"))
        return [endpoint.reference.domain for endpoint in found]

    def write(path, location):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'[[registry]]\nprefix = "a.lan"\nlocation = "{location}"\n', encoding="ascii")

    system, user = tmp_path / "etc/containers", home / ".config/containers"
    assert places("a.lan") == ["a.lan"]
    write(system / "registries.conf", "system.lan")
    assert places("a.lan") == ["system.lan"]
    write(system / "registries.conf.d/1.conf", "first.lan")
    write(system / "registries.conf.d/2.conf", "second.lan")
    write(system / "registries.conf.d/3.txt", "third.lan")
    assert places("a.lan") == ["second.lan"]
    write(user / "registries.conf", "user.lan")
    assert places("a.lan") == ["user.lan"]
    write(user / "registries.conf.d/1.conf", "own.lan")
    assert places("a.lan") == ["own.lan"]
    write(tmp_path / "named.conf", "named.lan")
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(tmp_path / "named.conf"))
    assert places("a.lan") == ["named.lan"]
    assert places("b.lan") == ["b.lan"]


@pytest.fixture
def tokens(tmp_path, tool):
    """A server of tokens that a registry believes, and its requests; it knows nobody but ann."""
    signer = registries.Issuer(tool("openssl"), tmp_path, "signer").made(kind="rsa")
    with scripted.serving() as server:

        def issue():
            request = server.requests[-1]
            query = parse_qs(request.body.decode() or urlsplit(request.target).query)
            repository = query["scope"][0].split(":")[1]
            return scripted.Answer(body=json.dumps({"token": signer.token(query["service"][0], repository)}).encode())

        server.answers = {"/token": issue}
        auth = {"realm": f"http://{server.host}/token", "service": "reg", "issuer": "signer"}
        yield server, {"token": {**auth, "rootcertbundle": str(signer.certificate)}}


@pytest.mark.parametrize(
    ("login", "method", "authorization"),
    [
        (None, "GET", None),
        (ANN, "GET", "Basic YW5uOm9wZW4gc2VzYW1l"),
        (Credential("", identity_token="r3fresh"), "POST", None),
    ],
)
def test_a_registry_that_wants_tokens_gets_one_for_each_repository(serve, tokens, login, method, authorization):
    server, auth = tokens
    with serve(tls=None, auth=auth) as served:
        assert inspected(served.address, login=login) == PLATFORMS
    (request,) = server.requests
    assert (request.method, request.authorization) == (method, authorization)
    assert [(method, status) for method, _, status in served.accesses()] == [("GET", 401), ("GET", 200), ("HEAD", 200)]


def test_the_requests_that_a_registry_sees(serve, authority):
    hosts = Hosts(Access(ca_file=str(authority.certificate)))
    with serve() as served:
        inspected(served.address, hosts)
        inspected(served.address, hosts, name="one:1")
    found = [(method, path.rsplit("/", 1)[0], status) for method, path, status in served.accesses()]
    assert found == [
        ("GET", "/v2/app/manifests", 200),
        ("HEAD", "/v2/app/manifests", 200),
        ("GET", "/v2/one/manifests", 200),
        ("GET", "/v2/one/blobs", 200),
        ("HEAD", "/v2/one/manifests", 200),
    ]
