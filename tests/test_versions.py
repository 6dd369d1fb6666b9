"""The library versions that a run reports, and the warning if they have changed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diascope import versions
from tests.runs import Ended, write_pictures

Command = Callable[..., Ended]


@pytest.fixture
def pillow(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    """Return a function that changes which version of Pillow is installed."""
    found = versions.installed_version

    def installed(version: str | None) -> None:
        changed = {"pillow": version}
        monkeypatch.setattr(
            versions,
            "installed_version",
            lambda name: changed[name] if name in changed else found(name),
        )

    return installed


def told(results: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((results / "run.json").read_text())
    return loaded


def test_run_json_names_the_libraries_that_decode_and_compute(
    command: Command, recipe: Path, tmp_path: Path
) -> None:
    command("run", recipe, write_pictures(tmp_path / "photos", 1), "-o", tmp_path / "out")
    known = told(tmp_path / "out")["versions"]
    assert {"diascope", "python", "torch", "numpy", "pillow", "scikit-image"} <= known.keys()
    for name in ("pydicom", "imagecodecs", "openvino", "onnxruntime", "av"):
        assert known.get(name) == versions.installed_version(name)


def test_run_json_names_the_requirements_of_a_third_party_plugin(
    command: Command, recipe: Path, tmp_path: Path, install: Callable[..., None]
) -> None:
    entry = "[diascope.preprocessing]\nstill = acme:Still\n"
    step = (
        "class Still:\n    api = (1, 0)\n    def __call__(self, sample):\n        return sample\n"
    )
    install("acme", entry, acme=step)
    (metadata,) = (tmp_path / "site").glob("acme*.dist-info/METADATA")
    with metadata.open("a") as file:
        file.write('Requires-Dist: Click>=8\nRequires-Dist: pytest; extra == "test"\n')
    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "out"
    steps = "preprocess=[{resize: {size: 32}}, still]"
    assert command("run", recipe, photos, "-o", results, "--set", steps).code == 0
    known = told(results)["versions"]
    assert known["click"] == versions.installed_version("click")
    assert "pytest" not in known


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("1.0", "2.0", "pillow 1.0, now 2.0"),
        ("1.0", None, "pillow 1.0, now none"),
        (None, "2.0", "pillow none, now 2.0"),
    ],
)
def test_a_run_resumed_with_another_library_version_warns(
    command: Command,
    recipe: Path,
    tmp_path: Path,
    pillow: Callable[[str | None], None],
    old: str | None,
    new: str | None,
    change: str,
) -> None:
    photos, results = write_pictures(tmp_path / "photos", 2), tmp_path / "out"
    pillow(old)
    command("run", recipe, photos, "-o", results, "--limit", 1)
    assert told(results)["warnings"] == []
    pillow(new)
    with pytest.warns(match=f"other versions: {change}\\. "):
        assert command("run", recipe, photos, "-o", results).code == 0
    assert any(change in warning for warning in told(results)["warnings"])


def test_rewritten_reports_name_the_versions_that_answered(
    command: Command, recipe: Path, tmp_path: Path, pillow: Callable[[str | None], None]
) -> None:
    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "out"
    pillow("1.0")
    command("run", recipe, photos, "-o", results)
    pillow("2.0")
    (results / "predictions.csv").unlink()
    command("run", recipe, photos, "-o", results)
    assert told(results)["versions"]["pillow"] == "1.0"


@pytest.mark.filterwarnings("ignore:.* answered by an earlier run")
def test_a_folder_whose_items_are_all_processed_again_gives_no_version_warning(
    command: Command, recipe: Path, tmp_path: Path, pillow: Callable[[str | None], None]
) -> None:
    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "out"
    pillow("1.0")
    command("run", recipe, photos, "-o", results)
    pillow("2.0")
    other = "run.evidence=none"  # another digest
    command("run", recipe, photos, "-o", results, "--set", other)
    assert told(results)["warnings"] == []
    assert told(results)["versions"]["pillow"] == "2.0"


def test_the_versions_of_all_answers_in_a_folder_are_remembered(
    command: Command, recipe: Path, tmp_path: Path, pillow: Callable[[str | None], None]
) -> None:
    photos, others = write_pictures(tmp_path / "photos", 1), write_pictures(tmp_path / "others", 2)
    results = tmp_path / "out"
    pillow("1.0")
    command("run", recipe, photos, "-o", results)
    pillow("2.0")
    with pytest.warns(match="pillow 1.0, now 2.0"):
        command("run", recipe, others, "-o", results)
    command("run", recipe, photos, "-o", results)
    assert "pillow 1.0, now 2.0" in str(told(results)["warnings"])


def test_a_run_that_answers_nothing_changes_no_version(
    command: Command, recipe: Path, tmp_path: Path, pillow: Callable[[str | None], None]
) -> None:
    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "out"
    pillow("1.0")
    command("run", recipe, photos, "-o", results)
    (photos / "broken.png").write_bytes(b"no picture")
    pillow("2.0")
    command("run", recipe, photos, "-o", results)
    assert told(results)["versions"]["pillow"] == "1.0"
    assert told(results)["warnings"] == []
