"""The layers of the core: imports point down, and help is quick."""

import ast
import graphlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import diascope
from diascope.cli import pipeline
from diascope.plugins import find_plugins

ROOT = Path(diascope.__file__).parent
LAYERS = (
    ("cli", "__main__", "__init__"),
    (
        "runner",
        "run_executor",
        "reporting",
        "preflight",
        "profile",
        "training",
        "evaluation",
        "classify_pictures",
        "evaluate_table",
        "explain_picture",
        "activation_search",
        "inference_trace",
        "quantisation",
        "testing",
    ),
    (
        "pipeline",
        "batching",
        "training_mismatch",
        "preparation",
        "recipe",
        "plugins",
        "plugin_creation",
        "plugin_health",
        "shipped_weights",
        "ledger",
        "ledger_changes",
        "ledger_file",
        "partial_results",
        "records",
        "input_choice",
        "inputs",
        "local_files",
        "fingerprints",
        "path_lists",
        "remote",
        "acceptance",
        "privacy",
        "file_warnings",
        "pseudonyms",
        "outdated",
        "output",
        "output_errors",
        "versions",
    ),
    (
        "classifier",
        "engine_selection",
        "frames",
        "aggregation",
        "decision",
        "network_input",
        "novelty",
        "parity",
    ),
    ("network", "mirror_images", "torch_process", "engines", "explain"),
    (
        "contracts",
        "card",
        "weight_count",
        "contract_checks",
        "expectations",
        "plugin_methods",
        "table",
        "csv_rows",
        "pages",
    ),
    (
        "document",
        "overrides",
        "fields",
        "package_files",
        "parameters",
        "display_text",
        "type_text",
        "sample",
        "archives",
        "library_warnings",
        "timing",
        "cores",
        "errors",
        "extras",
    ),
)
DEPTH = {name: depth for depth, layer in enumerate(LAYERS) for name in layer}
STOCK = {"readers", "preprocessing", "augmentation", "backbones", "models", "reports", "executors"}
CLINICAL = ["lesion", "melanoma", "dermoscopy", "lung", "pneumonia", "chest", "stain", "tissue"]
CLINICAL += ["tumour"]
DOMAINS = ("chest", "derm", "pathology")
SLOW = {
    "torch",
    "monai",
    "numpy",
    "scipy",
    "skimage",
    "sklearn",
    "PIL",
    "lightning_fabric",
    "pydicom",
    "openslide",
    "pyvips",
    "wsidicom",
}
VERBS = pipeline.list_commands(click.Context(pipeline))

MODULES = {
    ".".join(("diascope", *path.relative_to(ROOT).with_suffix("").parts)): path
    for path in sorted(ROOT.rglob("*.py"))
}


def imports(path: Path) -> set[str]:
    """Return the modules of diascope that a file imports, anywhere in it."""
    return {name for name in _imports(ast.parse(path.read_text())) if name in MODULES}


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part(module: str) -> str:
    """Return the file or folder directly in ``diascope`` that holds a module."""
    return module.split(".")[1]


def test_every_file_stands_in_a_layer_or_is_a_stock_plugin() -> None:
    assert {part(module) for module in MODULES} <= set(DEPTH) | STOCK


def test_imports_of_the_core_point_down() -> None:
    upward = [
        f"{module} imports {imported}"
        for module, path in MODULES.items()
        if part(module) in DEPTH
        for imported in imports(path)
        if DEPTH.get(part(imported), 99) < DEPTH[part(module)]
    ]

    assert upward == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module: imports(path) - {module} for module, path in MODULES.items()}

    assert len(list(graphlib.TopologicalSorter(graph).static_order())) >= len(MODULES)


def test_the_core_imports_no_stock_plugin() -> None:
    bound = [
        f"{module} imports {imported}"
        for module, path in MODULES.items()
        if part(module) in DEPTH
        for imported in imports(path)
        if part(imported) in STOCK
    ]

    assert bound == []


def test_stock_plugins_import_contracts_and_below_and_their_own_helpers() -> None:
    floor = DEPTH["contracts"]
    wrong = [
        f"{module} imports {imported}"
        for module, path in MODULES.items()
        if part(module) in STOCK
        for imported in imports(path)
        if part(imported) != part(module)
        and DEPTH.get(part(imported), -1) < floor
        and not (part(module) == "models" and part(imported) == "classifier")
    ]

    assert wrong == []


@pytest.mark.parametrize("word", CLINICAL)
def test_no_source_file_holds_the_clinical_word(word: str) -> None:
    pattern = re.compile(rf"\b{word}(s|ed|ing)?\b", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text.strip()}"
        for path in sorted(ROOT.rglob("*"))
        if path.suffix in (".py", ".html", ".css", ".js")
        for line, text in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(text)
    ]

    assert found == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_nobody_imports_or_requires_the_domain(domain: str) -> None:
    packages = ROOT.parents[1] / "plugins"
    own = packages / f"diascope-{domain}"
    importing = [
        path
        for path in (*MODULES.values(), *packages.glob("*/src/**/*.py"))
        for name in _imports(ast.parse(path.read_text()))
        if name.partition(".")[0] == f"diascope_{domain}"
    ]
    requiring = [path for path in packages.glob("*/pyproject.toml") if own.name in path.read_text()]

    assert own / "pyproject.toml" in requiring
    assert [path for path in (*importing, *requiring) if not path.is_relative_to(own)] == []


@pytest.mark.parametrize("arguments", [[], *([verb] for verb in VERBS)], ids=" ".join)
def test_help_loads_neither_torch_nor_a_plugin(arguments: list[str]) -> None:
    call = f"pipeline({[*arguments, '--help']!r}, standalone_mode=False)"

    assert slow_or_plugin(loaded_by(f"from diascope.cli import pipeline; {call}")) == set()


def test_import_diascope_loads_neither_torch_nor_a_plugin() -> None:
    assert slow_or_plugin(loaded_by("import diascope")) == set()


def loaded_by(code: str) -> set[str]:
    """Return the modules in a fresh Python after the code was run."""
    show = "import json, sys; print(); print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{show}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-500:]
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "diascope.errors" in loaded
    return loaded


def slow_or_plugin(loaded: set[str]) -> set[str]:
    """Return the modules of slow libraries, of stock plugins and of installed plugins."""
    plugins = {plugin.target.partition(":")[0] for plugin in find_plugins()}
    stock = {f"diascope.{kind}" for kind in STOCK}
    return {
        module
        for module in loaded
        if module in plugins | SLOW or ".".join(module.split(".")[:2]) in stock
    }
