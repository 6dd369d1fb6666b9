"""README and docs are run: recipes read, commands carried out, Python executed, links followed."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from monai.networks.nets import DenseNet121
from PIL import Image

import diascope.testing
from diascope.card import read_card
from diascope.pipeline import compose
from diascope.plugin_creation import make_backbone
from diascope.recipe import read_recipe
from diascope.sample import Item, Sample
from tests.runs import REFERENCE, Ended, rows, write_pictures, write_weights

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
READMES = sorted((ROOT / "plugins").glob("*/README.md"))
PHANTOMS = ROOT / "plugins/diascope-derm/src/diascope_derm/recipes/examples"
HELLO = ROOT / "docs/examples/diascope-hello"
ON_PLUGINS, ON_MODELS = (ROOT / f"docs/write-a-{kind}.md" for kind in ("plugin", "model"))
ON_PUBLISHING = ROOT / "docs/publish-a-plugin.md"
NOT_INSTALLED = ("hello", "acme-spots")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def named(page: Path) -> str:
    return page.name if page in PAGES else page.parent.name


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the docs suppose it: some photos, a table of spotted and plain pictures."""
    (tmp_path / "photos").mkdir()
    for phantom in sorted(PHANTOMS.glob("*.jpg"))[:2]:
        shutil.copy(phantom, tmp_path / "photos")
    (tmp_path / "spots").mkdir()
    random = np.random.default_rng(0)
    lines = ["path,label"]
    for number in range(60):
        pixels = random.integers(90, 110, (64, 64, 3), dtype=np.uint8)
        if spotted := number % 2:
            row, column = random.integers(4, 36, 2)
            pixels[row : row + 20, column : column + 20] = 200
        Image.fromarray(pixels).save(tmp_path / f"spots/{number}.png")
        lines.append(f"{number}.png,{'spotted' if spotted else 'plain'}")
    (tmp_path / "spots/labels.csv").write_text("\n".join(lines))
    for text in blocks(ROOT / "docs/training.md", "yaml"):
        (tmp_path / "spots.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_recipe_in_the_docs_can_be_read(page: Path, tmp_path: Path) -> None:
    for text in blocks(page, "yaml"):
        path = tmp_path / "recipe.yaml"
        path.write_text(text)
        recipe = read_recipe(str(path))
        if recipe.name not in NOT_INSTALLED and recipe.train is None:
            assert compose(recipe).model.plugin.name == recipe.model.name


@pytest.mark.parametrize("page", READMES, ids=named)
def test_every_part_of_a_recipe_in_a_plugins_readme_fits(page: Path, tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    for text in blocks(page, "yaml"):
        path = tmp_path / "recipe.yaml"
        path.write_text(text.replace("model: ...\n", "") + "model: derm-lesion\n")
        assert compose(read_recipe(str(path))).model.plugin.name == "derm-lesion"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_in_the_docs_ends_well(page: Path, desk: Path) -> None:
    for block in blocks(page, "bash"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            assert words[0] == "pipeline"
            done = subprocess.run(
                [sys.executable, "-m", "diascope", *words[1:]], capture_output=True, text=True
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


def test_the_example_of_a_training_learns_and_decides(
    command: Callable[..., Ended], desk: Path
) -> None:
    pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
    ended = command("train", "spots.yaml")
    assert ended.code == 0, ended.err
    metrics = read_card(desk / "runs" / "spots").metrics
    assert min(metrics[each]["value"] for each in ("sensitivity", "specificity")) > 0.5


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_python_block_in_the_docs_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("snippets")  # a real module, so that its classes can be pickled
    monkeypatch.setitem(sys.modules, "snippets", module)
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), vars(module))


@pytest.mark.parametrize("page", [*PAGES, *READMES], ids=named)
def test_every_link_in_the_docs_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_pages_on_plugins_show_the_example_package_as_it_is() -> None:
    assert (HELLO / "pyproject.toml").read_text() in blocks(ON_PLUGINS, "toml")
    assert (HELLO / "diascope_hello.py").read_text() in blocks(ON_PLUGINS, "python")
    assert (HELLO / "diascope_hello_model.py").read_text() in blocks(ON_MODELS, "python")


@pytest.fixture
def hello(install: Callable[..., None]) -> None:
    """The example package, installed."""
    project = tomllib.loads((HELLO / "pyproject.toml").read_text())["project"]
    modules = {path.stem: path.read_text() for path in HELLO.glob("*.py")}
    install("diascope_hello", entry_points(project), version=project["version"], **modules)


def entry_points(project: dict[str, Any]) -> str:
    """Return the ``entry_points.txt`` of a project."""
    return "".join(
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in entries.items())
        for group, entries in project["entry-points"].items()
    )


@pytest.mark.usefixtures("hello")
def test_the_example_package_does_in_a_run_what_the_page_says(
    command: Callable[..., Ended], tmp_path: Path
) -> None:
    (recipe,) = blocks(ON_PLUGINS, "yaml")
    (tmp_path / "hello.yaml").write_text(recipe)
    (tmp_path / "bright.raw").write_bytes(b"RAWG" + b"\xc8" * 64 * 64)
    (tmp_path / "cut.raw").write_bytes(b"RAWG" + b"\xc8" * 3)
    told = [f"run.{name}={value}" for name, value in (REFERENCE | {"workers": 0}).items()]
    overrides = [word for each in told for word in ("--set", each)]
    out = tmp_path / "out"
    ended = command("run", tmp_path / "hello.yaml", tmp_path / "*.raw", "-o", out, *overrides)

    assert ended.code == 1
    (good,), (bad,) = rows(out / "predictions.csv"), rows(out / "failures.csv")
    assert good["trace"].startswith("inverted; ")
    assert bad["reason"] == "expected a square number of pixels, got 3"
    assert (out / "tally.txt").read_text() == f"{good['predicted']} 1\n"


@pytest.mark.usefixtures("hello")
def test_the_example_model_gives_the_scores_of_its_network(tmp_path: Path) -> None:
    network = DenseNet121(spatial_dims=2, in_channels=1, out_channels=2).eval()
    torch.save(network.state_dict(), tmp_path / "findings.pth")
    (tmp_path / "r.yaml").write_text(
        dedent(ON_MODELS.read_text().partition("training used:\n\n")[2].partition("\n\n")[0])
    )
    pipeline = diascope.open_pipeline(tmp_path / "r.yaml", "run.workers=0", "run.batch=2")
    answers = list(diascope.classify(pipeline, PHANTOMS / "*.jpg"))

    assert len(answers) > 2
    for answer in answers:
        assert isinstance(answer, diascope.Prediction)
        assert answer.preview is not None
        assert answer.trace[-1] == "normalised by the card"
        grey = torch.from_numpy(answer.preview[None, None, :, :, 0] / 255).float()
        with torch.inference_mode():
            expected = network((grey - 0.5) / 0.25).sigmoid()[0].tolist()
        assert list(answer.scores.values()) == pytest.approx(expected, abs=2e-3)
        points = {"opacity": 0.4, "effusion": 0.5}
        assert answer.predicted == tuple(n for n in points if answer.scores[n] >= points[n])

    grey = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 1), np.uint8)
    samples = [Sample(Item(str(number), "x"), pixels) for number, pixels in enumerate(grey)]
    runtime = diascope.Runtime("cpu", "all", make_backbone)
    diascope.testing.check_model(pipeline.model.instance, samples, runtime)


def test_the_package_of_the_page_on_publishing_classifies_its_examples(
    command: Callable[..., Ended], install: Callable[..., None], tmp_path: Path
) -> None:
    package = tmp_path / "site" / "acme_spots"
    (source,), (recipe,) = blocks(ON_PUBLISHING, "py"), blocks(ON_PUBLISHING, "yaml")
    write_weights(package / "weights")
    write_pictures(package / "recipes" / "examples", 3)
    (package / "recipes" / "spots.yaml").write_text(recipe)
    (package / "__init__.py").write_text(source)
    project = tomllib.loads(blocks(ON_PUBLISHING, "toml")[0])["project"]
    install("acme_spots", entry_points(project), version=project["version"])
    told = [f"run.{name}={value}" for name, value in (REFERENCE | {"workers": 0}).items()]
    told.append("preprocess=[{resize: {size: 32}}]")  # the size of these weights
    overrides = [word for each in told for word in ("--set", each)]

    assert command("run", "spots.yaml", "-o", tmp_path / "out", *overrides).code == 0
    assert len(rows(tmp_path / "out" / "predictions.csv")) == 3


def test_the_page_on_publishing_ships_every_file_of_its_package_by_either_tool() -> None:
    hatchling, setuptools = map(tomllib.loads, blocks(ON_PUBLISHING, "toml"))
    wheel = hatchling["tool"]["hatch"]["build"]["targets"]["wheel"]
    data = setuptools["tool"]["setuptools"]["package-data"]["acme_spots"]
    files = ["weights/model.safetensors", "recipes/spots.yaml", "recipes/examples/00.png"]

    (package,) = map(Path, wheel["packages"])
    assert [f for f in files if not any(fnmatch(package / f, a) for a in wheel["artifacts"])] == []
    assert [f for f in files if not any(fnmatch(f, pattern) for pattern in data)] == []


def test_the_page_on_plugins_names_all_that_a_report_is_told(
    command: Callable[..., Ended], recipe: Path, tmp_path: Path
) -> None:
    photos = write_pictures(tmp_path / "photos", 1)
    assert command("run", recipe, photos, "-o", tmp_path / "out").code == 0
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    table = ON_PLUGINS.read_text().partition("`run` is the content of `run.json`")[2]
    del run["problems"]

    assert [key for key in run if f'`run["{key}"]' not in table] == []
    inner = [*run["card"]["labels"][0], *run["weights"], *run["counts"]]
    assert {"codes", "digest", "pending"} <= set(inner)
    assert [key for key in inner if f"`{key}`" not in table] == []


def test_the_page_on_plugins_names_every_check_of_the_testing_kit() -> None:
    page = ON_PLUGINS.read_text()
    checks = [name for name in vars(diascope.testing) if name.startswith("check_")]

    assert len(checks) >= 7
    assert [name for name in checks if f"`{name}(" not in page] == []


def test_the_readme_lists_every_file_of_a_run(command: Callable[..., Ended], desk: Path) -> None:
    pytest.importorskip("pyarrow", reason="needs diascope[parquet]")
    told = [f"run.{name}={value}" for name, value in (REFERENCE | {"workers": 0}).items()]
    overrides = [word for each in told for word in ("--set", each)]
    overrides += ["--set", "report=[csv, json, html, parquet]"]
    assert command("run", "derm.yaml", "photos", "-o", "out", *overrides).code == 0
    files = [path.name for path in (desk / "out").iterdir() if not path.name.startswith(".")]

    assert len(files) >= 8
    table = (ROOT / "README.md").read_text().partition("## Read the results")[2]
    assert [name for name in files if f"`{name}`" not in table] == []


def test_the_readme_names_every_plugin_of_the_repository() -> None:
    text = (ROOT / "README.md").read_text()
    for package in (ROOT, *(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))):
        points = tomllib.loads((package / "pyproject.toml").read_text())["project"]["entry-points"]
        groups = [names for group, names in points.items() if group.startswith("diascope.")]
        names = [name for each in groups for name in each]
        assert names != []
        assert [name for name in names if f"`{name}`" not in text] == [], package.name
