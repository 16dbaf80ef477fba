"""The WebAssembly fields of Bacalhau's jobs until v1.6, brought to the form of v1.7 and later.

Until v1.6 a module was an input source of its own inside the engine's parameters, and the variables stood
there too. Since v1.7 modules are inputs of the task, named by their targets, and variables are the task's.
"""

from __future__ import annotations

from typing import Any

ENTRY_TARGET = "/modules/entry"
IMPORT_TARGET = "/modules/import-{}"


def modernised(task: dict[str, Any]) -> dict[str, Any]:
    """A task that has been read, in the newer form; one without older fields comes back equal.

    An older module's target named no path of the guest: it is kept where it is free, else replaced.
    """
    engine = task["Engine"]
    if engine["Type"] != "wasm":
        return task
    params = dict(engine["Params"])
    inputs = list(task.get("InputSources", []))
    params["EntryModule"] = _placed(params["EntryModule"], ENTRY_TARGET, inputs)
    params["ImportModules"] = [
        _placed(module, IMPORT_TARGET.format(index), inputs)
        for index, module in enumerate(params.get("ImportModules", []))
    ]
    variables = {**task.get("Env", {}), **params.pop("EnvironmentVariables", {})}
    return {**task, "Engine": {**engine, "Params": params}, "InputSources": inputs, "Env": variables}


def _placed(module: Any, default: str, inputs: list[Any]) -> str:
    """The target of a module, which joins the inputs if it is an input itself."""
    if isinstance(module, str):
        return module
    taken = {each["Target"].strip("/") for each in inputs}
    given: str = module.get("Target", default)
    target = default if given.strip("/") in taken else given
    inputs.append({**module, "Target": target})
    return target
