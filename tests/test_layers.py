"""Parses every file: imports keep to the layers of core/__init__.py, at the top, and run in no circle; files
stay small; names are told apart.
"""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT: dict[str, set[str]] = {
    "core": set(),
    "capture": {"core"},
    "memory": {"core"},
    "models": {"core"},
    "adapters": {"models", "core"},
    "agent": {"adapters", "memory", "models", "capture", "core"},
    "expert": {"adapters", "memory", "models", "capture", "core"},
    "bench": {"agent", "adapters", "memory", "models", "capture", "core"},
    "tui": {"agent", "core"},
}
# Rooms and what is trained on them come before any agent that learns in one.
NO_AGENT = ("bench/rooms/", "bench/pretrain/")
# The command names verbs of every package but imports core alone.
MAY_IMPORT["roomwise"] = set(MAY_IMPORT)
MAX_FILE, MAX_FUNCTION = 400, 60
# The one place that may import by name; see its docstring.
LATE_IMPORTS = {"core/extras.py"}
# Verbs import what they need when they are called, so that --help does not wait for it.
VERBS = "/cli.py"
TARGET = re.compile(r"[a-z_]+(\.[a-z_0-9]+)*:[A-Za-z_]\w*")

SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for package in MAY_IMPORT
    for path in [*(ROOT / package).rglob("*.py"), *ROOT.glob(f"{package}.py")]
)
TESTS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def _tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), path)


def _package(path: str) -> str:
    return path.partition("/")[0].removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[str]:
    """Full names of what is imported, by statement or as a `package.module:attribute` text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and TARGET.fullmatch(node.value):
            yield node.value.partition(":")[0]


def wrong_imports(path: str, tree: ast.AST) -> list[str]:
    """Imports of `path` that point upwards, sideways, or at libraries that do not belong there."""
    package = _package(path)
    allowed = MAY_IMPORT[package] | {package}
    if path.startswith(NO_AGENT):
        allowed = allowed - {"agent"}
    wrong = []
    for name in imported(tree):
        top = name.partition(".")[0]
        upward = top in MAY_IMPORT and top not in allowed
        misplaced = (top == "textual" and package != "tui") or (
            top in ("torch", "transformers") and package == "core"
        )
        if not top or upward or misplaced:
            wrong.append(name)
    return wrong


def late_imports(tree: ast.AST) -> list[int]:
    """Lines with an import inside a function, or an import by name."""
    lines = []
    for function in ast.walk(tree):
        if isinstance(function, Function):
            lines += [n.lineno for n in ast.walk(function) if isinstance(n, ast.Import | ast.ImportFrom)]
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if name in ("import_module", "__import__"):
            lines.append(node.lineno)  # type: ignore[attr-defined]  # every call has a line
    return lines


@pytest.mark.parametrize("path", SOURCES)
def test_imports_point_down(path: str) -> None:
    assert not wrong_imports(path, _tree(path))


@pytest.mark.parametrize(
    "path",
    sorted(path for path in {*SOURCES, *TESTS} - LATE_IMPORTS if not path.endswith(VERBS)),
)
def test_imports_stand_at_the_top(path: str) -> None:
    assert not late_imports(_tree(path))


@pytest.mark.parametrize("path", [*SOURCES, *TESTS])
def test_files_and_functions_stay_small(path: str) -> None:
    lines = (ROOT / path).read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_FILE, f"{path} has {lines} lines"
    for node in ast.walk(_tree(path)):
        if isinstance(node, Function):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MAX_FUNCTION, f"{path}:{node.lineno} {node.name} has {length} lines"


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_every_top_level_package_is_known_and_documented(package: str) -> None:
    path = f"{package}.py" if package == "roomwise" else f"{package}/__init__.py"
    assert ast.get_docstring(_tree(path))


def test_no_package_escapes_the_table() -> None:
    found = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {
        path.stem for path in ROOT.glob("*.py")
    }
    assert found == set(MAY_IMPORT)


def test_inits_hold_a_docstring_and_nothing_else() -> None:
    for path in SOURCES:
        if path.endswith("/__init__.py"):
            body = _tree(path).body
            assert len(body) <= 1 and all(isinstance(node, ast.Expr) for node in body), path


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("core/x.py", "import models.vlm"),
        ("core/x.py", "from torch import nn"),
        ("models/x.py", "from memory import index"),
        ("agent/x.py", "import bench.measure.report"),
        ("bench/rooms/x.py", "from agent.ask import answer"),
        ("bench/pretrain/scene/x.py", 'load("agent.loop.build:build")'),
        ("agent/x.py", "import textual.app"),
        ("expert/x.py", "from agent.ask import answer"),
        ("models/x.py", "from . import images"),
        ("memory/x.py", 'VERBS = {"x": "agent.cli:app"}'),
    ],
)
def test_the_rule_catches(path: str, code: str) -> None:
    assert wrong_imports(path, ast.parse(code))


@pytest.mark.parametrize(
    "code", ["def f():\n    import os", "class A:\n    def f(self):\n        __import__('os')"]
)
def test_late_imports_are_caught(code: str) -> None:
    assert late_imports(ast.parse(code))


def _modules() -> dict[str, str]:
    """Every module of ours with its file. Packages are left out: they hold nothing to import."""
    files = [path for path in SOURCES if not path.endswith("/__init__.py")]
    return {path.removesuffix(".py").replace("/", "."): path for path in files}


def _imports(modules: dict[str, str]) -> dict[str, set[str]]:
    """What each module imports of ours; `from a import b` names a.b where that is a module."""
    graph: dict[str, set[str]] = {}
    for name, path in modules.items():
        tree = _tree(path)
        targets = set(imported(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                targets |= {f"{node.module}.{alias.name}" for alias in node.names}
        graph[name] = {target for target in targets if target in modules and target != name}
    return graph


def folders(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """The same by folder, within each package; a file belongs to the folder it lies in."""
    found: dict[str, set[str]] = {}
    for name, targets in graph.items():
        here = name.rpartition(".")[0]
        for target in targets:
            there = target.rpartition(".")[0]
            if here != there and here.partition(".")[0] == there.partition(".")[0] != "":
                found.setdefault(here, set()).add(there)
                found.setdefault(there, set())
    return found


def circle(graph: dict[str, set[str]]) -> list[str]:
    """A way through the graph that ends where it began; empty without one."""
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return [str(name) for name in error.args[1]]
    return []


def test_no_file_imports_itself_by_way_of_others() -> None:
    assert not circle(_imports(_modules()))


def test_no_folder_imports_itself_by_way_of_others() -> None:
    assert not circle(folders(_imports(_modules())))


def test_the_graphs_are_whole_and_circles_are_caught() -> None:
    graph = _imports(_modules())
    assert "agent.turns.turn" in graph["agent.loop.controller"]
    assert "agent.loop" in folders(graph)["agent.station"]
    graph["agent.turns.turn"].add("agent.loop.controller")
    assert {"agent.turns.turn", "agent.loop.controller"} <= set(circle(graph))
    assert {"agent.turns", "agent.loop"} <= set(circle(folders(graph)))


def test_no_public_class_shares_its_name() -> None:
    classes: dict[str, list[str]] = {}
    for path in SOURCES:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                classes.setdefault(node.name, []).append(path)
    assert len(classes) > 300
    assert not {name: paths for name, paths in classes.items() if len(paths) > 1}
