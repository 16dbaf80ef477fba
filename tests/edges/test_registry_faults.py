"""What registries do on bad days, as no real one can be made to do it. No test waits: the clocks are the test's own."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier
from urllib.parse import parse_qs

import pytest
from scripted import DROP, Answer, Request, serving

from bactools.core import reference
from bactools.core.access import Access
from bactools.core.credentials import Credential
from bactools.core.errors import BacError
from bactools.core.registries_conf import Mirror, Registry
from bactools.edges.http import REQUEST_TIMEOUT, Client, Timing
from bactools.edges.registry.content import DEFAULTS, MANIFEST_LIMIT, Repository
from bactools.edges.registry.hosts import Hosts
from bactools.edges.registry.login import Logins

INDEX = "application/vnd.oci.image.index.v1+json"
BODY = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode()
DIGEST = "sha256:" + hashlib.sha256(BODY).hexdigest()
OTHER_DIGEST = "sha256:" + "0" * 64
PATH = "/v2/team/app/manifests/1"
OK = Answer(body=BODY)
NOW = 784111717.0  # Sun, 06 Nov 1994 08:48:37 GMT


@pytest.fixture
def server():
    with serving() as script:
        yield script


class Clock:
    """Time that passes only in sleep."""

    def __init__(self):
        self.seconds = 0.0
        self.waits = []

    def sleep(self, seconds):
        self.waits.append(seconds)
        self.seconds += seconds

    def timing(self, chance=0.0):
        return Timing(lambda: self.seconds, lambda: NOW, self.sleep, lambda: chance)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def client(clock):
    with closing(Client(timing=clock.timing())) as client:
        yield client


@pytest.fixture
def repository(client, server):
    def repository(name="team/app", login=None, hosts=DEFAULTS):
        logins = Logins(client, lambda _: login, hosts)
        return Repository(client, logins, reference.parse(f"{server.host}/{name}:1"), hosts)

    return repository


def refusal(call, *arguments):
    with pytest.raises(BacError) as caught:
        call(*arguments)
    return caught.value


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Sun, 06 Nov 1994 08:48:47 GMT"}, 10.0),
        ({"Retry-After": "Sun, 06 Nov 1994 08:00:00 GMT"}, 0.0),
        ({"Retry-After": "later"}, 0.5),
        ({}, 0.5),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_who_is_asked_to_wait_waits_and_asks_again(server, repository, clock, status, retry_after, wait):
    server.answers = {PATH: [Answer(status, headers=retry_after), OK]}
    assert repository().manifest("1").digest == DIGEST
    assert clock.waits == [wait]


def test_waits_double_and_have_an_end(server, repository, clock):
    server.answers = {PATH: Answer(429)}
    assert refusal(repository().manifest, "1").code == "rate_limited"
    assert clock.waits == [0.5, 1.0, 2.0]
    assert len(server.requests) == 4


def test_chance_spreads_the_waits(server, clock):
    server.answers = {PATH: [Answer(500), OK]}
    with closing(Client(timing=clock.timing(chance=0.5))) as client:
        client.get(f"http://{server.host}{PATH}", limit=1000)
    assert clock.waits == [0.75]


@pytest.mark.parametrize(
    ("retry_after", "hint"),
    [
        ("3600", "Wait 3600 seconds."),
        ("Sun, 06 Nov 1994 10:00:00 GMT", "Wait until Sun, 06 Nov 1994 10:00:00 GMT."),
    ],
)
def test_a_wait_that_is_too_long_is_told_instead(server, repository, clock, retry_after, hint):
    server.answers = {PATH: Answer(429, headers={"Retry-After": retry_after})}
    error = refusal(repository().manifest, "1")
    assert (error.code, error.hint, error.retryable) == ("rate_limited", hint, True)
    assert clock.waits == []


@pytest.mark.parametrize("answer", [Answer(500), Answer(502), Answer(503), Answer(504), DROP])
def test_a_server_in_trouble_is_asked_four_times(server, repository, answer):
    server.answers = {PATH: [answer, answer, answer, OK]}
    assert repository().manifest("1").digest == DIGEST
    server.answers = {PATH: answer}
    server.requests.clear()
    assert refusal(repository().manifest, "1").code == "unreachable"
    assert len(server.requests) == 4


@pytest.mark.parametrize("status", [400, 403, 404, 501, 505])
def test_an_answer_that_will_stay_is_taken_at_once(server, repository, status):
    server.answers = {PATH: Answer(status)}
    refusal(repository().manifest, "1")
    assert len(server.requests) == 1


def test_nobody_at_the_port_is_not_asked_again(client, clock):
    assert refusal(lambda: client.get("http://127.0.0.1:1/", limit=1)).code == "unreachable"
    assert clock.waits == []


CUT = Answer(body=BODY[:20], headers={"Content-Length": str(len(BODY))})
CUT_CHUNKED = Answer(
    body=b"14\r\n" + BODY[:20] + b"\r\n", headers={"Content-Length": None, "Transfer-Encoding": "chunked"}
)


@pytest.mark.parametrize("answer", [CUT, CUT_CHUNKED])
def test_a_body_that_breaks_off_is_asked_for_again(server, repository, answer):
    server.answers = {PATH: [answer, OK]}
    assert repository().manifest("1").digest == DIGEST
    server.answers = {PATH: answer}
    assert refusal(repository().manifest, "1").code == "unreachable"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=BODY[:20], headers={"Docker-Content-Digest": DIGEST}),
        Answer(body=BODY[:20], headers={"Docker-Content-Digest": DIGEST, "Content-Length": None}),
        Answer(body=BODY, headers={"Docker-Content-Digest": OTHER_DIGEST}),
    ],
)
def test_a_body_with_a_wrong_digest_is_asked_for_once_more(server, repository, answer):
    right = Answer(body=BODY, headers={"Docker-Content-Digest": DIGEST})
    server.answers = {PATH: [answer, right]}
    assert repository().manifest("1") == (BODY, "", DIGEST)
    server.answers = {PATH: answer}
    server.requests.clear()
    assert refusal(repository().manifest, "1").code == "digest_mismatch"
    assert len(server.requests) == 2


def test_a_chunked_body_without_a_digest_has_its_own(server, repository):
    chunked = b"%x\r\n%s\r\n5\r\n%s\r\n0\r\n\r\n" % (len(BODY) - 5, BODY[:-5], BODY[-5:])
    server.answers = {PATH: Answer(body=chunked, headers={"Content-Length": None, "Transfer-Encoding": "chunked"})}
    assert repository().manifest("1") == (BODY, "", DIGEST)


def test_a_body_may_end_with_the_connection(server, repository):
    server.answers = {PATH: Answer(body=BODY, headers={"Content-Length": None})}
    assert repository().manifest("1").body == BODY


@pytest.mark.parametrize("length", [{}, {"Content-Length": None}])
def test_a_manifest_over_4_mib_is_refused(server, repository, length):
    server.answers = {PATH: Answer(body=b" " * (MANIFEST_LIMIT + 1), headers=length)}
    assert refusal(repository().manifest, "1").code == "too_large"
    assert len(server.requests) == 1


def test_a_body_that_drips_ends_with_the_request(server, clock):
    server.answers = {PATH: OK}
    ticks = iter([0.0, 0.0, REQUEST_TIMEOUT + 1])
    with closing(Client(timing=clock.timing()._replace(elapsed=lambda: next(ticks)))) as client:
        error = refusal(lambda: client.get(f"http://{server.host}{PATH}", limit=1000))
    assert (error.code, error.message) == ("timed_out", f"fetching http://{server.host}{PATH}: its time is over")


def test_waits_do_not_go_past_the_end_of_the_run(server, clock):
    server.answers = {PATH: Answer(503)}
    with closing(Client(timeout=2, timing=clock.timing())) as client:
        assert client.get(f"http://{server.host}{PATH}", limit=1000).status == 503
        assert clock.waits == [0.5, 1.0]
        clock.seconds = 2.5
        assert refusal(lambda: client.get(f"http://{server.host}{PATH}", limit=1000)).code == "timed_out"
    assert len(server.requests) == 3


def test_a_server_that_stays_silent_is_timed_out():
    """The port of a listener that never accepts: its connection stands and nothing comes."""
    with socket.create_server(("127.0.0.1", 0)) as silent, closing(Client(timeout=0.05)) as client:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert refusal(lambda: client.get(url, limit=1)).code == "timed_out"


def test_the_quota_of_each_host_is_remembered(server, repository, client):
    told = {"RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "76;w=21600"}
    server.answers = {PATH: Answer(body=BODY, headers=told)}
    repository().manifest("1")
    assert {host: str(quota) for host, quota in client.quotas.items()} == {
        server.host: "76 of 100 requests left in 6 h"
    }


def test_head_tells_the_digest_in_one_request(server, repository):
    server.answers = {PATH: Answer(body=BODY, headers={"Docker-Content-Digest": DIGEST})}
    assert repository().head("1") == DIGEST
    assert server.requests == [Request(PATH, None, "HEAD")]


@pytest.mark.parametrize("status", [400, 405, 501])
def test_where_head_is_not_understood_it_tells_nothing(server, repository, status):
    server.answers = {f"HEAD {PATH}": Answer(status), f"GET {PATH}": OK}
    assert repository().head("1") is None
    assert repository().manifest("1").digest == DIGEST


@pytest.mark.parametrize("headers", [{}, {"Docker-Content-Digest": "md5:00"}])
def test_head_without_a_digest_tells_nothing(server, repository, headers):
    server.answers = {PATH: Answer(headers=headers)}
    assert repository().head("1") is None


@pytest.mark.parametrize(("status", "code"), [(404, "not_found"), (403, "unauthorized"), (429, "rate_limited")])
def test_head_is_refused_as_get_is(server, repository, status, code):
    server.answers = {PATH: Answer(status)}
    assert refusal(repository().head, "1").code == code


def bearer(server, name="team/app"):
    challenge = f'Bearer realm="http://{server.host}/token",service="reg",scope="repository:{name}:pull"'
    return Answer(401, headers={"WWW-Authenticate": challenge})


def test_head_logs_in_too(server, repository):
    server.answers = {
        PATH: [bearer(server), Answer(headers={"Docker-Content-Digest": DIGEST})],
        "/token": Answer(body=b'{"token": "abc"}'),
    }
    assert repository().head("1") == DIGEST
    assert [request.method for request in server.requests] == ["HEAD", "GET", "HEAD"]


def test_an_identity_token_is_exchanged_by_a_post(server, repository):
    server.answers = {
        PATH: [bearer(server), OK],
        "POST /token": Answer(body=b'{"access_token": "abc"}'),
    }
    repository(login=Credential("", identity_token="r3fresh")).manifest("1")
    first, exchange, last = server.requests
    assert (first.authorization, last.authorization) == (None, "Bearer abc")
    assert (exchange.target, exchange.authorization) == ("/token", None)
    assert parse_qs(exchange.body.decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["r3fresh"],
        "client_id": ["bactools"],
        "service": ["reg"],
        "scope": ["repository:team/app:pull"],
    }


@pytest.mark.parametrize("status", [404, 400, 302])
def test_a_token_server_that_is_not_there_says_nothing_about_the_image(server, repository, status):
    server.answers = {PATH: bearer(server), "/token": Answer(status)}
    error = refusal(repository().manifest, "1")
    assert error.code == "unreachable"
    assert f"the token server answers {status}" in error.message


def test_a_status_beyond_all_is_not_asked_again(server, repository):
    server.answers = {PATH: Answer(999)}
    assert refusal(repository().manifest, "1").code == "unreachable"
    assert len(server.requests) == 1


def test_a_bundle_that_is_not_there_is_named_at_once(repository, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    error = refusal(repository().manifest, "1")
    assert error.code == "bad_config"
    assert "REQUESTS_CA_BUNDLE names /nowhere/ca.pem, which is not there" in error.message


def test_an_identity_token_does_not_follow_a_redirect(server, repository):
    with serving() as other:
        server.answers = {PATH: bearer(server), "/token": Answer(307, headers={"Location": f"http://{other.host}/x"})}
        error = refusal(repository(login=Credential("", identity_token="r3fresh")).manifest, "1")
        assert error.code == "unreachable"
        assert "r3fresh" not in error.line()
        assert other.requests == []


def test_threads_that_are_refused_at_once_ask_for_one_token(server, client):
    barrier = Barrier(8)

    def manifest():
        if server.requests[-1].authorization == "Bearer abc":
            return OK
        barrier.wait(timeout=30)  # nobody is told before all have asked
        return bearer(server)

    server.answers = {PATH: manifest, "/token": Answer(body=b'{"token": "abc"}')}
    logins = Logins(client, lambda _: None)
    named = reference.parse(f"{server.host}/team/app:1")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: Repository(client, logins, named).manifest("1").digest, range(8)))
    assert found == [DIGEST] * 8
    assert len([request for request in server.requests if request.target.startswith("/token")]) == 1


def test_a_password_serves_the_whole_registry(server, client):
    basic = Answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
    server.answers = {PATH: [basic, OK], "/v2/other/manifests/1": OK}
    logins = Logins(client, lambda _: Credential("ann", "x"))
    for name in ("team/app", "other"):
        Repository(client, logins, reference.parse(f"{server.host}/{name}")).manifest("1")
    sent = "Basic " + base64.b64encode(b"ann:x").decode()
    assert [request.authorization for request in server.requests] == [None, sent, sent]


def test_a_password_for_one_repository_is_for_that_one(server, client):
    basic = Answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
    server.answers = {PATH: [basic, OK], "/v2/other/manifests/1": OK}
    logins = Logins(client, {f"{server.host}/team/app": Credential("ann", "x")}.get)
    for name in ("team/app", "other"):
        Repository(client, logins, reference.parse(f"{server.host}/{name}")).manifest("1")
    assert server.requests[-1] == Request("/v2/other/manifests/1", None)


def test_a_refused_password_is_sent_once(server, repository):
    server.answers = {PATH: Answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})}
    place = repository(login=Credential("ann", "wrong"))
    for _ in range(2):
        assert refusal(place.manifest, "1").code == "unauthorized"
    assert len(server.requests) == 3


def mirrored(server, *mirrors):
    return Hosts(registries=(Registry(prefix="hub.lan", location=server.host, mirror=tuple(map(Mirror, mirrors))),))


@pytest.mark.parametrize(
    "answer",
    [Answer(404), Answer(500), DROP, Answer(body=BODY, headers={"Docker-Content-Digest": OTHER_DIGEST})],
)
def test_what_a_mirror_cannot_give_comes_from_the_registry(server, client, answer):
    with serving() as mirror:
        mirror.answers = {"/v2/copy/team/app/manifests/1": answer}
        server.answers = {PATH: OK}
        hosts = mirrored(server, f"{mirror.host}/copy")
        place = Repository(client, Logins(client, lambda _: None, hosts), reference.parse("hub.lan/team/app"), hosts)
        assert place.manifest("1").digest == DIGEST
        assert mirror.requests
        mirror.answers = {"/v2/copy/team/app/manifests/1": OK}
        server.requests.clear()
        assert place.manifest("1").digest == DIGEST
        assert server.requests == []


def test_when_all_fail_the_registrys_own_word_counts(server, client):
    server.answers = {PATH: Answer(403)}
    hosts = mirrored(server, "127.0.0.1:1")
    place = Repository(client, Logins(client, lambda _: None, hosts), reference.parse("hub.lan/team/app"), hosts)
    assert refusal(place.manifest, "1").code == "unauthorized"


def test_a_login_is_looked_up_by_the_mirrors_name(server, client):
    asked = []
    with serving() as mirror:
        basic = Answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        mirror.answers = {"/v2/copy/team/app/manifests/1": basic}
        server.answers = {PATH: OK}
        hosts = mirrored(server, f"{mirror.host}/copy")
        logins = Logins(client, asked.append, hosts)
        Repository(client, logins, reference.parse("hub.lan/team/app"), hosts).manifest("1")
        assert asked == [f"{mirror.host}/copy/team/app"]


def test_a_blob_is_read_as_it_arrives(server, repository):
    path = f"/v2/team/app/blobs/{DIGEST}"
    server.answers = {path: [bearer(server), Answer(503), OK], "/token": Answer(body=b'{"token": "abc"}')}
    with repository().stream(DIGEST) as chunks:
        assert b"".join(chunks) == BODY
    server.answers = {path: CUT}
    with repository().stream(DIGEST) as chunks:
        assert refusal(list, chunks).code == "unreachable"
    server.answers = {}
    with pytest.raises(BacError) as caught, repository().stream(DIGEST):
        pass
    assert caught.value.code == "not_found"


@pytest.mark.parametrize("host", ["10.1.2.3:5000", "registry.lan", "[fd00::1]:5000"])
def test_other_hosts_are_asked_by_tls_only(host):
    (endpoint,) = Hosts().endpoints(reference.parse(f"{host}/app"))
    assert endpoint.base == f"https://{host}"
    assert (endpoint.trust.plain, endpoint.trust.verified) == (False, True)
    (endpoint,) = Hosts(Access(insecure=(host,))).endpoints(reference.parse(f"{host}/app"))
    assert (endpoint.trust.plain, endpoint.trust.verified) == (True, False)


@pytest.mark.parametrize("host", ["localhost:5000", "127.0.0.1", "127.1.2.3:80", "[::1]:5000"])
def test_this_machine_is_asked_without_tls(host):
    (endpoint,) = Hosts().endpoints(reference.parse(f"{host}/app"))
    assert endpoint.base == f"http://{host}"


def test_an_insecure_host_that_speaks_no_tls_is_found_out_once(server, client):
    server.answers = {PATH: OK}
    hosts = Hosts(Access(insecure=(server.host,)))
    place = Repository(client, Logins(client, lambda _: None, hosts), reference.parse(f"{server.host}/team/app"), hosts)
    assert place.hosts.endpoints(place.reference)[0].base == f"https://{server.host}"
    assert [place.manifest("1").digest, place.manifest("1").digest] == [DIGEST, DIGEST]
    assert server.requests == [Request(PATH, None), Request(PATH, None)]


def test_the_environments_proxy_is_asked_for_other_hosts(server, client, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://{server.host}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    server.answers = {"http://registry.lan/v2/": OK}
    assert client.get("http://registry.lan/v2/", limit=1000).body == BODY
    assert server.requests == [Request("http://registry.lan/v2/", None)]


def test_the_environments_proxy_is_not_asked_for_the_hosts_that_it_exempts(server, client, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://{server.host}")
    monkeypatch.setenv("no_proxy", "registry.invalid:81")
    server.answers = {"http://registry.invalid/v2/": OK}
    assert refusal(client.head, "http://registry.invalid:81/v2/").code == "unreachable"
    assert client.get("http://registry.invalid/v2/", limit=1000).body == BODY
    assert server.requests == [Request("http://registry.invalid/v2/", None)]


def test_the_environments_proxy_is_looked_up_once_for_each_host(server, client, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://{server.host}")
    monkeypatch.setenv("no_proxy", "other.invalid")
    server.answers = {"http://registry.invalid/v2/": OK}
    client.get("http://registry.invalid/v2/", limit=1000)
    monkeypatch.delenv("http_proxy")
    assert client.get("http://registry.invalid/v2/", limit=1000).body == BODY
    assert len(server.requests) == 2
