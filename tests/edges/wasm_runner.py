"""Runs a module in a fresh process, as a command does, and prints its ending or its error as JSON.

``wasm_runner.py MODULE FOLDER RUN``: ``stdout`` and ``stderr`` go to FOLDER; RUN is the Run as JSON. A process of
its own, because the engine forks and a test session may hold threads: its own or another test's compiler.
"""

import json
import signal
import sys
from functools import partial
from pathlib import Path

from bactools.core.errors import BacError, Terminated
from bactools.core.running import Mount, Run
from bactools.edges import wasm_runtime


def terminate(number, _frame):
    raise Terminated(number)


def keep(folder, stream, data):
    with (folder / stream).open("ab") as file:
        file.write(data)


def main(module, folder, wanted):
    signal.signal(signal.SIGTERM, terminate)
    data = Path(module).read_bytes()
    if module.endswith(".wat"):
        data = wasm_runtime.to_binary(data, Path(module).name)
    for stream in ("stdout", "stderr"):
        Path(folder, stream).write_bytes(b"")
    fields = {"arguments": (), "environment": {}, "mounts": (), **json.loads(wanted)}
    fields["mounts"] = tuple(Mount(*mount) for mount in fields["mounts"])
    try:
        ending = wasm_runtime.run(data, Run(**fields), partial(keep, Path(folder)))
    except BacError as error:
        print(json.dumps({"error": error.code, "message": error.message}))
    else:
        print(json.dumps(ending._replace(interruption=repr(ending.interruption))._asdict()))


main(*sys.argv[1:])
