"""Give a repository of a registry on this machine many different images, in one request each."""

import json
from contextlib import closing
from http.client import HTTPConnection

TYPES = ("application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json")


def push(host, repository, source, count):
    """Push ``image-0`` and so on: what is tagged ``source``, an index or a manifest, annotated with its number."""
    with closing(HTTPConnection(host, timeout=30)) as connection:
        path = f"/v2/{repository}/manifests"
        _, body = _ask(connection, "GET", f"{path}/{source}", headers={"Accept": ", ".join(TYPES)})
        manifest = json.loads(body)
        for number in range(count):
            manifest["annotations"] = {"number": str(number)}
            sent = {"body": json.dumps(manifest), "headers": {"Content-Type": manifest["mediaType"]}}
            status, body = _ask(connection, "PUT", f"{path}/image-{number}", **sent)
            if status != 201:
                raise SystemExit(f"{host} does not take image-{number}: {status} {body!r}")
    return [f"{host}/{repository}:image-{number}" for number in range(count)]


def _ask(connection, *call, **sent):
    connection.request(*call, **sent)
    answer = connection.getresponse()
    return answer.status, answer.read()
