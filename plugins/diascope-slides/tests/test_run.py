"""Whole runs over slides: the cost of a kill, and the effect of bad slides on the others."""

import json
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import tifffile
from numpy.typing import NDArray

from tests.conftest import install as install
from tests.runs import (
    PATIENCE_S,
    REFERENCE,
    Ended,
    Head,
    start,
    states,
    write_recipe,
    write_weights,
)
from tests.runs import command as command

Command = Callable[..., Ended]
Make = Callable[..., Any]
FATAL_STEP = Path(__file__).with_name("fatal_step.py")
ENTRY_POINTS = "[diascope.preprocessing]\nfatal-step = fatal_step:FatalStep\n"
TILE, BATCH, KEPT = 32, 4, 64  # pixels, tiles, tiles that are kept at a time
REPORTS = ["csv", "json", "slide-tiles", "slide-geojson", "slide-map"]
APERIO = "Aperio Image Library v11.2.1\n{} (32x32) JPEG/RGB Q=70|AppMag = 20|MPP = 0.499"


@pytest.fixture
def make_recipe(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a recipe for slides with changes, and returns its file."""

    def make(missing: Any = "fail", head: Head = "linear", **changes: Any) -> Path:
        weights = write_weights(tmp_path / "weights", head)
        reader = {"slide": {"tile": TILE, "missing": missing}}
        run = {"workers": 0, "batch": BATCH, "device": "cpu"} | REFERENCE
        given = {"read": reader, "preprocess": [], "report": REPORTS, "run": run}
        return write_recipe(tmp_path / "slides.yaml", weights, **(given | changes))

    return make


@pytest.fixture
def fatal(install: Callable[..., None], tmp_path: Path) -> Path:
    """Install the step of `fatal_step.py`; return the folder for PYTHONPATH."""
    install("fatal", ENTRY_POINTS, fatal_step=FATAL_STEP.read_text())
    return tmp_path / "site"


def stained(height: int, width: int) -> NDArray[np.uint8]:
    """Return mottled violet and pink with a white margin on the left, so that all tiles differ."""
    random = np.random.default_rng(height)
    rows, columns = np.mgrid[0:height, 0:width]
    waves = np.sin(rows / 21) * np.cos(columns / 34)
    colour = np.array((190, 100, 160)) + waves[:, :, None] * (40, 50, 20)
    pixels = colour + random.integers(-8, 9, (height, width, 1))
    pixels[:, : width // 5] = 245
    return pixels.clip(0, 255).astype(np.uint8)


def kept_in(output: Path) -> int:
    """Return how many tiles of the current slide are kept in an output folder.

    A kill may strike while the file is made, too: then it has no table yet, and keeps none.
    """
    files = list((output / ".unfinished").glob("*.sqlite"))
    if not files:
        return 0
    (path,) = files
    with closing(sqlite3.connect(path)) as base:
        (made,) = base.execute("select count(*) from sqlite_master where name = 'parts'").fetchone()
        return int(base.execute("select count(*) from parts").fetchone()[0]) if made else 0


def artefacts(output: Path) -> dict[str, bytes]:
    """Return the files that the reports wrote, from path to content."""
    own = ("run.json", "ledger.sqlite")
    paths = (path for path in output.rglob("*") if path.is_file() and path.name not in own)
    return {str(path.relative_to(output)): path.read_bytes() for path in paths}


@pytest.mark.parametrize(
    ("deadly", "workers", "head"),
    [(2, 0, "linear"), (100, 0, "attention"), (100, 1, "linear"), (-1, 0, "linear")],
    ids=["in the first batch", "in the middle", "in the middle of a worker", "in the last batch"],
)
def test_a_run_killed_within_a_slide_resumes_at_its_checkpoint_with_the_same_bytes(
    command: Command,
    fatal: Path,
    make_slide: Make,
    make_recipe: Callable[..., Path],
    tmp_path: Path,
    deadly: int,
    workers: int,
    head: Head,
) -> None:
    slide, log = make_slide(stained(320, 640)).uri, tmp_path / "tiles.log"
    recipe = make_recipe(head=head, preprocess=[{"fatal-step": {"log": str(log)}}])
    output, undisturbed = tmp_path / "out", tmp_path / "undisturbed"
    assert command("run", recipe, slide, "-o", undisturbed).code == 0
    every = log.read_text().splitlines()
    assert every == [str(number) for number in range(len(every))]

    struck = every[deadly]
    arguments = ("run", recipe, slide, "-o", output, "--workers", workers)
    process = start(fatal, *arguments, DEADLY_TILE=struck)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == -signal.SIGKILL
    kept = kept_in(output)
    assert kept % KEPT == 0
    if workers == 0:  # a checkpoint is written when the next batch is there
        assert kept == int(struck) // BATCH * BATCH // KEPT * KEPT

    log.unlink()
    assert command(*arguments).code == 0
    assert log.read_text().splitlines() == every[kept:]
    written = artefacts(output)
    assert written == artefacts(undisturbed)
    assert {"predictions.csv", "tiles.parquet", "slides/slide.tif.geojson"} <= written.keys()


def test_the_table_of_tiles_has_the_weights_of_a_model_with_attention(
    command: Command, make_slide: Make, make_recipe: Callable[..., Path], tmp_path: Path
) -> None:
    recipe, slide = make_recipe(head="attention"), make_slide(stained(160, 320)).uri
    assert command("run", recipe, slide, "-o", tmp_path / "out").code == 0
    weights = pq.read_table(tmp_path / "out" / "tiles.parquet")["attention"].to_numpy()

    assert len(weights) > 20
    assert weights.max() > weights.min() > 0
    assert weights.sum() == pytest.approx(1, abs=1e-6)


@pytest.fixture
def mixed(make_slide: Make, tmp_path: Path) -> Path:
    """A folder of good and bad slides; the good ones are first, last and in between."""
    folder = tmp_path / "slides"
    folder.mkdir()
    whole = stained(256, 320)
    for name in ("00-good.tif", "03-good.tif", "99-good.tif"):
        make_slide(whole, f"slides/{name}")
    make_slide(whole, "slides/01-no-spacing.tif", spacing_um=None)
    corrupt = Path(make_slide(whole, "slides/02-corrupt.tif", factors=(1,)).uri)
    spoil(corrupt, 7)
    cut = Path(make_slide(stained(256, 2112), "slides/04-cut.tif", factors=(1, 2)).uri)
    cut_within_level_0(cut)
    half = Path(make_slide(whole, "slides/05-half.tif").uri)
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    write_aperio(folder / "06-aperio.tif", whole)
    return folder


def spoil(path: Path, tile: int) -> None:
    """Overwrite the data of one tile of the finest level."""
    with tifffile.TiffFile(path) as file:
        offset = file.pages[0].dataoffsets[tile]
    with path.open("r+b") as content:
        content.seek(offset)
        content.write(b"\0" * 60)


def cut_within_level_0(path: Path) -> None:
    """Move the tiles of the finest level to the file's end, and cut off the latter half of them."""
    with tifffile.TiffFile(path, mode="r+b") as file:
        page, content = file.pages[0], path.read_bytes()
        tag, sizes = page.tags["TileOffsets"], page.databytecounts
        tiles = [content[at : at + size] for at, size in zip(page.dataoffsets, sizes, strict=True)]
        starts = len(content) + np.cumsum([0, *sizes[:-1]])
        tag.overwrite([int(start) for start in starts])
    with path.open("ab") as end:
        end.write(b"".join(tiles[: len(tiles) // 2]))


def write_aperio(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write a minimal SVS: a tiled TIFF whose description begins with Aperio."""
    size = f"{pixels.shape[1]}x{pixels.shape[0]}"
    tifffile.imwrite(
        path,
        pixels,
        tile=(64, 64),
        photometric="rgb",
        compression="deflate",
        description=APERIO.format(size),
        metadata=None,
    )


@pytest.mark.parametrize("workers", [0, 1])
def test_bad_slides_fail_with_their_own_reasons_and_the_others_are_classified(
    command: Command, make_recipe: Callable[..., Path], mixed: Path, tmp_path: Path, workers: int
) -> None:
    ended = command("run", make_recipe(), mixed, "-o", tmp_path / "out", "--workers", workers)

    assert ended.code == 1
    got = states(tmp_path / "out")
    assert [name for name, (state, _) in sorted(got.items()) if state == "ok"] == [
        "00-good.tif",
        "03-good.tif",
        "06-aperio.tif",
        "99-good.tif",
    ]
    reasons = {name[3:-4]: reason for name, (state, reason) in got.items() if state == "failed"}
    assert reasons.keys() == {"no-spacing", "corrupt", "cut", "half"}
    assert "does not state its spacing" in reasons["no-spacing"]
    assert "level 0 is truncated or damaged" in reasons["corrupt"]
    assert "level 0 is truncated or damaged" in reasons["cut"]
    assert "tile " in reasons["cut"]
    assert "truncated or damaged" in reasons["half"]
    assert not (tmp_path / "out" / ".unfinished").exists()


def test_a_spacing_assumed_by_the_recipe_is_in_the_trace(
    command: Command, make_recipe: Callable[..., Path], mixed: Path, tmp_path: Path
) -> None:
    recipe = make_recipe(missing={"assume": 0.5})
    command("run", recipe, mixed, "-o", tmp_path / "out")

    traces = traced(tmp_path / "out")
    assumed = [name for name, trace in traces.items() if "spacing assumed 0.5 um" in trace]
    assert assumed == ["01-no-spacing.tif"]


def test_an_svs_named_tif_is_read_as_an_svs_at_its_stated_spacing(
    command: Command, make_recipe: Callable[..., Path], mixed: Path, tmp_path: Path
) -> None:
    svs = mixed / "06-aperio.tif"
    assert command("run", make_recipe(), svs, "-o", tmp_path / "out").code == 0

    (trace,) = traced(tmp_path / "out").values()
    assert "OpenSlide (aperio), level 0 of 1, reduced 1.002 times to 0.5 um" in trace


def traced(output: Path) -> dict[str, str]:
    """Return the traces of the classified items, by item."""
    lines = (output / "predictions.jsonl").read_text().splitlines()
    records = (json.loads(line) for line in lines)
    return {each["item"]: " | ".join(each["trace"]) for each in records}
