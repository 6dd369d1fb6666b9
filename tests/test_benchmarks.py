"""What the benchmarks import is there: nothing else runs them when a name changes."""

import ast
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = sorted(FOLDER.glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_every_name_that_a_benchmark_imports_is_there(script: Path) -> None:
    missing = []
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            wanted = [alias.name for alias in node.names]
            known = present(node.module, wanted)
            missing += [f"{node.module}.{name}" for name in wanted if name not in known]
    assert not missing


def present(module: str, wanted: list[str]) -> set[str]:
    """Return those that can be imported of a benchmark's neighbour, or of an installed module."""
    neighbour = FOLDER / f"{module}.py"
    if not neighbour.exists():
        found = __import__(module, fromlist=wanted)
        return {name for name in wanted if hasattr(found, name)}
    tree = ast.parse(neighbour.read_text(encoding="utf-8"))
    stored = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return {*stored, *(n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef))}


def test_the_readme_lists_every_benchmark() -> None:
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [script.name for script in SCRIPTS if f"`{script.name}`" not in listed] == []
