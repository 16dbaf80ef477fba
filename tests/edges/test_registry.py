from __future__ import annotations

import base64
import hashlib
import json
from contextlib import closing

import pytest
import requests
from scripted import Answer, Request, serving

from bactools.core import reference
from bactools.core.credentials import Credential
from bactools.core.errors import BacError
from bactools.edges.http import MAX_REDIRECTS, Client, Timing
from bactools.edges.registry.content import MANIFEST_LIMIT, Repository
from bactools.edges.registry.login import Logins
from bactools.flows import images

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode()
ANN = Credential("ann", "open sesame")
ANN_BASIC = "Basic " + base64.b64encode(b"ann:open sesame").decode()


@pytest.fixture
def client():
    with closing(Client(timing=Timing(sleep=lambda _: None))) as client:
        yield client


@pytest.fixture
def server():
    with serving() as script:
        yield script


@pytest.fixture
def inspect(client):
    def inspect(text, login=None):
        named = reference.parse(text)
        repository = Repository(client, Logins(client, lambda _: login), named)
        return images.image(repository, named.digest or named.tag, str(named), "registry")

    return inspect


def refusal(inspect, text, login=None):
    with pytest.raises(BacError) as caught:
        inspect(text, login)
    return caught.value


def sha256(body):
    return "sha256:" + hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("tag", ["multi", "list"])
def test_an_index_tells_every_platform_and_no_attestation(registry, inspect, tag):
    found = inspect(f"{registry}/busybox:{tag}")
    assert [entry.platform for entry in found.platforms] == ["linux/amd64", "linux/arm64", "linux/arm/v7"]


def test_the_digest_is_that_of_the_bytes_in_the_registry(registry, inspect):
    body = requests.get(f"http://{registry}/v2/busybox/manifests/multi", headers={"Accept": INDEX}, timeout=10).content
    found = inspect(f"{registry}/busybox:multi")
    assert found.digest == sha256(body)
    assert found.mediaType == INDEX
    assert inspect(f"{registry}/busybox@{found.digest}").platforms == found.platforms


def test_a_single_manifest_has_its_platform_from_the_config(registry, inspect):
    (entry,) = inspect(f"{registry}/busybox:arm64").platforms
    assert (entry.platform, entry.os, entry.architecture, entry.variant) == ("linux/arm64", "linux", "arm64", "v8")


@pytest.mark.parametrize("missing", ["busybox:nosuch", "nosuch:latest", f"busybox@sha256:{'0' * 64}"])
def test_what_the_registry_does_not_have_is_not_found(registry, inspect, missing):
    error = refusal(inspect, f"{registry}/{missing}")
    assert error.code == "not_found"
    assert error.message == f"inspecting {registry}/{missing}: the registry does not have it"


PATH = "/v2/team/app/manifests/1"
BASIC = Answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})


def bearer(server, realm=None):
    scope = "repository:team/app:pull"
    challenge = f'Bearer realm="{realm or f"http://{server.host}/token"}",service="reg",scope="{scope}"'
    return Answer(401, headers={"WWW-Authenticate": challenge})


def test_an_index_costs_one_request_and_a_single_image_two(server, inspect):
    config = b'{"os": "linux", "architecture": "riscv64"}'
    body = json.dumps({"mediaType": MANIFEST, "config": {"mediaType": CONFIG, "digest": sha256(config)}}).encode()
    server.answers = {
        PATH: Answer(body=EMPTY),
        "/v2/one/manifests/1": Answer(body=body),
        f"/v2/one/blobs/{sha256(config)}": Answer(body=config),
    }
    assert inspect(f"{server.host}/team/app:1").platforms == []
    assert server.requests == [Request(PATH, None)]
    server.requests.clear()
    (entry,) = inspect(f"{server.host}/one:1").platforms
    assert (entry.platform, entry.digest, entry.size) == ("linux/riscv64", sha256(body), len(body))
    assert [request.target for request in server.requests] == ["/v2/one/manifests/1", f"/v2/one/blobs/{sha256(config)}"]


@pytest.mark.parametrize(("login", "sent"), [(None, None), (ANN, ANN_BASIC)])
@pytest.mark.parametrize("field", ["token", "access_token"])
def test_a_token_is_asked_for_with_or_without_a_login(server, inspect, login, sent, field):
    server.answers = {
        PATH: [bearer(server), Answer(body=EMPTY)],
        "/token": Answer(body=json.dumps({field: "abc"}).encode()),
    }
    inspect(f"{server.host}/team/app:1", login)
    assert server.requests == [
        Request(PATH, None),
        Request("/token?scope=repository%3Ateam%2Fapp%3Apull&service=reg", sent),
        Request(PATH, "Bearer abc"),
    ]


def test_a_token_serves_the_whole_repository_until_it_is_refused(server, client):
    server.answers = {
        PATH: [bearer(server), Answer(body=EMPTY), Answer(body=EMPTY), bearer(server), Answer(body=EMPTY)],
        "/token": [Answer(body=b'{"token": "first"}'), Answer(body=b'{"token": "second"}')],
    }
    repository = Repository(client, Logins(client, lambda _: None), reference.parse(f"{server.host}/team/app"))
    for _ in range(3):
        repository.manifest("1")
    sent = [request.authorization for request in server.requests if request.target == PATH]
    assert sent == [None, "Bearer first", "Bearer first", "Bearer first", "Bearer second"]


def test_a_login_is_not_sent_to_a_token_server_without_tls(server, inspect):
    server.answers = {PATH: bearer(server, "http://token.example.org/token")}
    error = refusal(inspect, f"{server.host}/team/app:1", ANN)
    assert (error.code, len(server.requests)) == ("unauthorized", 1)
    assert "without https" in error.message


@pytest.mark.parametrize("body", [b"", b"{}", b'{"token": ""}', b'{"token": "a\\nb"}', b"[]", b"\xff"])
def test_an_answer_without_a_token_is_no_login(server, inspect, body):
    server.answers = {PATH: bearer(server), "/token": Answer(body=body)}
    assert refusal(inspect, f"{server.host}/team/app:1", ANN).code == "unauthorized"


def test_no_password_is_in_an_error(server, inspect):
    server.answers = {PATH: BASIC}
    error = refusal(inspect, f"{server.host}/team/app:1", ANN)
    assert error.code == "unauthorized"
    assert server.requests == [Request(PATH, None), Request(PATH, ANN_BASIC)]
    assert "sesame" not in error.line()
    assert ANN_BASIC not in error.line()


def test_a_redirect_to_another_server_goes_without_credentials(server, inspect):
    with serving() as other:
        other.answers = {"/elsewhere": Answer(body=EMPTY)}
        moved = Answer(307, headers={"Location": f"http://{other.host}/elsewhere"})
        server.answers = {PATH: [BASIC, moved]}
        inspect(f"{server.host}/team/app:1", ANN)
        assert server.requests[-1].authorization == ANN_BASIC
        assert other.requests == [Request("/elsewhere", None)]


def test_a_redirect_on_the_same_server_keeps_them(server, inspect):
    server.answers = {
        PATH: [BASIC, Answer(307, headers={"Location": "/elsewhere"})],
        "/elsewhere": Answer(body=EMPTY),
    }
    inspect(f"{server.host}/team/app:1", ANN)
    assert server.requests[-1] == Request("/elsewhere", ANN_BASIC)


def test_a_login_is_not_given_to_the_challenge_of_another_server(server, inspect):
    with serving() as other:
        other.answers = {"/elsewhere": BASIC}
        server.answers = {PATH: Answer(307, headers={"Location": f"http://{other.host}/elsewhere"})}
        assert refusal(inspect, f"{server.host}/team/app:1", ANN).code == "unauthorized"
        assert [request.authorization for request in server.requests + other.requests] == [None, None]


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://example.org/x?signature=s3cret", "redirects to http://example.org/x, which is not https"),
        ("ftp://127.0.0.1/x", "which is neither https nor http"),
        ("http://[", "redirects to what is no URL"),
        (PATH, f"redirects more than {MAX_REDIRECTS} times"),
    ],
)
def test_redirects_that_are_not_followed(server, inspect, location, reason):
    server.answers = {PATH: Answer(302, headers={"Location": location})}
    error = refusal(inspect, f"{server.host}/team/app:1")
    assert error.code == "unreachable"
    assert reason in error.message
    assert "s3cret" not in error.message


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(403), "unauthorized"),
        (Answer(401), "unauthorized"),
        (Answer(404, b"<html>"), "not_found"),
        (Answer(429), "rate_limited"),
        (Answer(400), "unreachable"),
        (Answer(500), "unreachable"),
        (Answer(503), "unreachable"),
        (Answer(204), "unreachable"),
        (Answer(body=b"<html>Welcome</html>"), "bad_manifest"),
        (Answer(body=b" " * (MANIFEST_LIMIT + 1)), "too_large"),
        (Answer(body=EMPTY, headers={"Content-Length": "999"}), "unreachable"),
        (Answer(body=EMPTY, headers={"Docker-Content-Digest": "sha256:" + "0" * 64}), "digest_mismatch"),
        (Answer(body=b'{"schemaVersion": 1, "fsLayers": []}'), "schema1"),
    ],
)
def test_a_bad_answer_has_a_code(server, inspect, answer, code):
    server.answers = {PATH: answer}
    assert refusal(inspect, f"{server.host}/team/app:1").code == code


def test_a_wait_is_told(server, inspect):
    server.answers = {PATH: Answer(429, headers={"Retry-After": "17"})}
    assert refusal(inspect, f"{server.host}/team/app:1").hint == "Wait 17 seconds."


def test_a_body_that_is_not_the_digest_asked_for_is_refused(server, inspect):
    wanted = sha256(b"something else")
    server.answers = {f"/v2/app/manifests/{wanted}": Answer(body=EMPTY)}
    error = refusal(inspect, f"{server.host}/app@{wanted}")
    assert error.code == "digest_mismatch"
    assert sha256(EMPTY) in error.message


def test_a_digest_may_be_sha512(server, inspect):
    wanted = "sha512:" + hashlib.sha512(EMPTY).hexdigest()
    server.answers = {f"/v2/app/manifests/{wanted}": Answer(body=EMPTY)}
    assert inspect(f"{server.host}/app@{wanted}").digest == wanted


def test_a_claimed_digest_of_another_algorithm_is_not_believed(server, inspect):
    server.answers = {PATH: Answer(body=EMPTY, headers={"Docker-Content-Digest": "md5:00"})}
    assert inspect(f"{server.host}/team/app:1").digest == sha256(EMPTY)


def test_nobody_there(inspect):
    assert refusal(inspect, "127.0.0.1:1/app:1").code == "unreachable"
    assert refusal(inspect, "registry.invalid/app:1").code == "unreachable"
    assert refusal(inspect, "localhost:99999/app:1").code == "unreachable"


def nested(server, document):
    """Put a child into the repository app and return its descriptor, which tells no platform."""
    body = json.dumps(document).encode()
    server.answers[f"/v2/app/manifests/{sha256(body)}"] = Answer(body=body)
    return {"mediaType": document["mediaType"], "digest": sha256(body), "size": len(body)}


def configured(server, config, media_type=CONFIG):
    body = json.dumps(config).encode()
    server.answers[f"/v2/app/blobs/{sha256(body)}"] = Answer(body=body)
    return nested(
        server, {"mediaType": MANIFEST, "config": {"mediaType": media_type, "digest": sha256(body)}, "layers": []}
    )


def index_of(*children):
    return {"mediaType": INDEX, "manifests": list(children)}


def test_a_child_without_a_platform_is_looked_at(server, inspect):
    told = {
        "mediaType": MANIFEST,
        "digest": sha256(b"told"),
        "platform": {"os": "linux", "architecture": "s390x"},
    }
    server.answers["/v2/app/manifests/1"] = Answer(
        body=json.dumps(
            index_of(
                configured(server, {"os": "linux", "architecture": "arm", "variant": "v6"}),
                told,
                configured(server, {"os": "unknown", "architecture": "unknown"}),
                configured(server, {}, "application/vnd.example+json"),
                nested(server, index_of(configured(server, {"os": "linux", "architecture": "ppc64le"}), told)),
            )
        ).encode()
    )
    found = inspect(f"{server.host}/app:1")
    assert [entry.platform for entry in found.platforms] == ["linux/arm/v6", "linux/s390x", "linux/ppc64le"]


def test_nesting_has_an_end(server, inspect):
    innermost = child = configured(server, {"os": "linux", "architecture": "amd64"})
    for _ in range(images.MAX_DEPTH):
        child = nested(server, index_of(child))
    server.answers["/v2/app/manifests/1"] = Answer(body=json.dumps(index_of(innermost)).encode())
    assert [entry.platform for entry in inspect(f"{server.host}/app:1").platforms] == ["linux/amd64"]
    server.answers["/v2/app/manifests/1"] = Answer(body=json.dumps(index_of(child)).encode())
    assert refusal(inspect, f"{server.host}/app:1").code == "bad_manifest"


def test_children_without_a_platform_are_not_fetched_without_end(server, inspect):
    children = [
        configured(server, {"os": "linux", "architecture": f"cpu{number}"}) for number in range(images.MAX_CHILDREN)
    ]
    server.answers["/v2/app/manifests/1"] = Answer(body=json.dumps(index_of(*children)).encode())
    assert refusal(inspect, f"{server.host}/app:1").code == "bad_manifest"
    assert len(server.requests) < 2 * images.MAX_CHILDREN


def test_an_artifact_is_no_image(server, inspect):
    artifact = configured(server, {}, "application/vnd.cncf.helm.config.v1+json")
    error = refusal(inspect, f"{server.host}/app@{artifact['digest']}")
    assert error.code == "bad_manifest"
    assert "no container image but an artifact: 'application/vnd.cncf.helm.config.v1+json'" in error.message


def test_the_environments_proxy_is_not_used_for_this_machine(server, inspect, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server.answers = {PATH: Answer(body=EMPTY)}
    assert inspect(f"{server.host}/team/app:1").platforms == []


def test_a_netrc_is_not_used(server, inspect, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ann password x\n", encoding="ascii")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    server.answers = {PATH: Answer(body=EMPTY)}
    inspect(f"{server.host}/team/app:1")
    assert server.requests == [Request(PATH, None)]
