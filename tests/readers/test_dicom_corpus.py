"""One run over every ``*.dcm`` of pydicom, of pydicom-data and of the shared test data."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.runs import Ended, start, states, write_recipe, write_weights

SHARED = Path(__file__).parents[3] / "shared" / "data" / "dicom"
ACCEPT = {"modality": ["CR", "DX"], "body_part": ["CHEST"], "view": ["PA", "AP"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of links to all files, grouped by their origin."""
    folder = tmp_path_factory.mktemp("corpus") / "files"
    specs = {package: find_spec(package) for package in ("pydicom", "data_store")}
    sources = {name: Path(spec.origin).parent for name, spec in specs.items() if spec}
    for name, source in (sources | {"shared": SHARED}).items():
        for path in source.rglob("*.dcm"):
            link = folder / name / path.relative_to(source)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
    return folder


@pytest.fixture(scope="module")
def output(folder: Path) -> Path:
    return folder.parent / "out"


@pytest.fixture(scope="module")
def ended(folder: Path, output: Path) -> Ended:
    """The outcome of the command that classified the folder."""
    weights = write_weights(folder.parent / "weights")
    options = {"workers": 0, "batch": 4, "device": "cpu", "evidence": "none"}
    recipe = write_recipe(folder.parent / "films.yaml", weights, accept=ACCEPT, run=options)
    process = start(folder, "run", recipe, folder, "-o", output, "--quiet")
    out, err = process.communicate()
    return Ended(process.returncode, out, err)


def test_every_file_ends_with_a_reason_and_the_counts_add_up(
    ended: Ended, folder: Path, output: Path
) -> None:
    ends = states(output)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*.dcm")}
    assert ended.code == 1
    assert set(ends) == files
    assert [name for name, (state, reason) in ends.items() if state != "ok" and not reason] == []
    counts = json.loads((output / "run.json").read_text())["counts"]
    assert counts["ok"] + counts["failed"] + counts["skipped"] == counts["found"] == len(files)


def test_no_library_prints_anything(ended: Ended) -> None:
    assert (ended.out, ended.err) == ("", "")


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("RG3_J2KI", "body part is 'EXTREMITY'; the recipe is for CHEST"),
        ("RG3_J2KR", "body part is 'EXTREMITY'; the recipe is for CHEST"),
        ("RG3_UNCI", "body part is 'EXTREMITY'; the recipe is for CHEST"),
        ("RG3_UNCR", "body part is 'EXTREMITY'; the recipe is for CHEST"),
        ("test1", ""),
        ("test2", ""),
        ("test3", ""),
        ("test4", "body part is 'RIBCAGE'; the recipe is for CHEST"),
        ("test5", "modality is CT; the recipe is for CR or DX"),
        ("test6", "view is 'XX'; the recipe is for PA or AP"),
    ],
)
def test_files_that_the_recipe_does_not_accept_are_skipped_with_the_tag(
    output: Path, name: str, end: str
) -> None:
    found = {Path(item).stem: each for item, each in states(output).items()}
    if name not in found:
        pytest.skip(f"needs {name}.dcm")
    assert found[name] == ("skipped" if end else "ok", end)
