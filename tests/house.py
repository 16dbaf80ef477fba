"""The installed package as files and imports, for the tests of its structure."""

import ast
from pathlib import Path

import bactools

ROOT = Path(bactools.__file__).parent
COMMANDS = sorted(path.stem.replace("_", "-") for path in (ROOT / "commands").glob("bac_*.py"))


def modules():
    """Every module of the package with its file, by dotted name."""
    for path in sorted(ROOT.rglob("*.py")):
        parts = ("bactools", *path.relative_to(ROOT).with_suffix("").parts)
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(path):
    """The modules that a file imports when it runs, at its head or inside functions; not those for type checking."""
    return sorted(set(found(ast.parse(path.read_text(encoding="utf-8")))))


def found(tree):
    if isinstance(tree, ast.If) and "TYPE_CHECKING" in ast.unparse(tree.test):
        return
    if isinstance(tree, ast.Import):
        yield from (alias.name for alias in tree.names)
    elif isinstance(tree, ast.ImportFrom):
        yield tree.module
        # `from bactools.core import lines` names a module too
        yield from (f"{tree.module}.{alias.name}" for alias in tree.names if tree.module.startswith("bactools"))
    for child in ast.iter_child_nodes(tree):
        yield from found(child)
