"""Runs a module in a fresh process, as a command does, and prints its ending or its error as JSON.

``wasm_runner.py MODULE FOLDER RUN``: ``stdout`` and ``stderr`` go to FOLDER; RUN is the Run as JSON, which may hold
``digest``, what the module is to have. A process of its own, because the engine forks and a test session may
hold threads: its own or another test's compiler. ``progress`` of the ending is what was shown.
"""

import json
import signal
import sys
from functools import partial
from pathlib import Path

from bactools.core.errors import BacError, Terminated
from bactools.core.running import Deadline, Linked, Mount, Printing, Run
from bactools.edges import wasm_runtime


def terminate(number, _frame):
    raise Terminated(number)


def keep(folder, stream, data):
    with (folder / stream).open("ab") as file:
        file.write(data)


def main(module, folder, wanted):
    signal.signal(signal.SIGTERM, terminate)
    for stream in ("stdout", "stderr"):
        Path(folder, stream).write_bytes(b"")
    fields = {"arguments": (), "environment": {}, "mounts": (), "modules": (), **json.loads(wanted)}
    fields["mounts"] = tuple(Mount(*mount) for mount in fields["mounts"])
    fields["modules"] = tuple(Linked(*linked) for linked in fields["modules"])
    if "deadline" in fields:
        fields["deadline"] = Deadline(*fields["deadline"])
    digest = fields.pop("digest", None)
    shown = []
    try:
        linked, printing = Linked(Path(module).name, module, digest), Printing(partial(keep, Path(folder)))
        ending = wasm_runtime.run(linked, Run(**fields), printing, shown.append)
    except BacError as error:
        print(json.dumps({"error": error.code, "message": error.message, "hint": error.hint}))
    else:
        print(json.dumps({**ending._replace(interruption=repr(ending.interruption))._asdict(), "progress": shown}))


main(*sys.argv[1:])
