"""A real S3 service on this machine: moto's server, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from components import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIDOFATEST",
    "AWS_SECRET_ACCESS_KEY": "a-secret-of-a-test",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}
REGION = "us-east-1"
SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


@contextmanager
def serving(**variables: str) -> Iterator[str]:
    """The URL of the endpoint; it is gone at the end of the block. ``variables`` are moto's own settings."""
    if find_spec("moto") is None:
        missing("moto is not installed")
    words = [sys.executable, "-W", "ignore", "-c", SERVER]
    pipe, env = subprocess.PIPE, {**os.environ, **variables}
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=env) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def client(endpoint: str) -> Any:
    """A client of a service, with the credentials above."""
    from boto3.session import Session
    from botocore.config import Config

    session = Session(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
    return session.client("s3", endpoint_url=endpoint, config=Config(s3={"addressing_style": "path"}))
