"""The features of regions: computed once, and again when something they depend on changes."""

import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from diascope.errors import TableError
from diascope.recipe import read_recipe
from tests.training.strips import ENTRY_POINTS, SIDE, SOURCE, write_attention, write_strips

pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of other libraries

Work = Callable[..., list[Path]]


@pytest.fixture
def table(install: Callable[..., None], tmp_path: Path) -> Path:
    """Eight strips of five squares, and the reader of strips."""
    install("strip", ENTRY_POINTS, strip_plugin=SOURCE)
    return write_strips(tmp_path / "strips", each=4, regions=5)


@pytest.fixture
def work(tmp_path: Path, table: Path) -> Work:
    """Return a function that works out the features, and returns the items' files in order."""
    import torch

    from diascope.training.features import Extraction
    from diascope.training.make_plan import make_plan

    def work(folder: str = "features", *, workers: int = 0, seed: int = 0) -> list[Path]:
        recipe = read_recipe(
            str(write_attention(tmp_path / "t.yaml", table, test=0, validation=0.25))
        )
        plan = make_plan(recipe)
        torch.manual_seed(seed)
        extraction = Extraction(
            "strip",
            replace(plan.preparation, block=2),
            plan.card((SIDE, SIDE)),
            plan.backbone.build(),
            torch.device("cpu"),
            workers,
        )
        features = extraction.run(plan.examples, tmp_path / folder, print)
        return [features.paths[example.path] for example in plan.examples]

    return work


def test_every_region_has_its_features_in_the_order_of_the_reader(work: Work, table: Path) -> None:
    """The network is linear in the brightness, so that features follow it up or down."""
    for number, path in enumerate(work()):
        features = np.load(path)
        levels = np.asarray(Image.open(table.parent / f"{number:02}.png"))[0, ::SIDE]
        assert (features.dtype, features.shape) == (np.float16, (5, 6))
        for column in features.T.astype(float):
            assert abs(np.corrcoef(column, levels)[0, 1]) > 0.99


def test_existing_features_are_not_computed_again(
    work: Work, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in work()}
    work()
    assert capsys.readouterr().out.count("items are computed") == 1
    Image.new("RGB", (3 * SIDE, SIDE)).save(table.parent / "02.png")
    after = {path: path.stat().st_mtime_ns for path in work()}
    assert "Features of 1 of 8 items are computed once" in capsys.readouterr().out
    assert len(before.items() & after.items()) == 7


def test_an_item_that_changes_while_it_is_read_is_computed_again(
    work: Work, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diascope.training.features import Extraction

    right = Extraction._features

    def exchanged(self: Extraction, regions: Any) -> Any:
        if Image.open(table.parent / "00.png").width == 5 * SIDE:
            Image.new("RGB", (3 * SIDE, SIDE)).save(table.parent / "00.png")
        return right(self, regions)

    with monkeypatch.context() as patch:
        patch.setattr(Extraction, "_features", exchanged)
        assert len(np.load(work()[0])) == 5  # of what it was as it was opened
    assert len(np.load(work()[0])) == 3


def test_another_backbone_has_other_features(work: Work) -> None:
    assert not set(work(seed=0)) & set(work(seed=1))


def test_processes_that_read_change_no_feature(work: Work) -> None:
    one, two = work("one"), work("two", workers=2)
    assert [path.name for path in one] == [path.name for path in two]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("workers", [0, 1])
def test_an_item_that_cannot_be_read_to_its_end_is_named(
    work: Work, table: Path, workers: int
) -> None:
    pixels = np.array(Image.open(table.parent / "07.png"))
    pixels[:, -SIDE:] = 255
    Image.fromarray(pixels).save(table.parent / "07.png")
    with pytest.raises(TableError, match="cannot be used: a burnt square") as refused:
        work(workers=workers)
    assert refused.value.where == str(table.parent / "07.png")
    assert len(list(table.parent.parent.glob("features/*.npy"))) == 7
    assert not list(table.parent.parent.glob("features/*.part"))


def test_an_item_with_non_finite_features_is_named(
    work: Work, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    infinite = np.full((2, 6), np.inf, np.float16)
    monkeypatch.setattr("diascope.training.features.Extraction._features", lambda *_: infinite)
    with pytest.raises(TableError, match="features of some of it are not finite") as refused:
        work()
    assert refused.value.where == str(table.parent / "00.png")


def test_a_file_that_cannot_be_written_raises_its_error_number(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="needs limits of a process")
    from diascope.training.features import _save_features

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            _save_features(np.zeros((1000, 8), np.float16), tmp_path / "a.npy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
