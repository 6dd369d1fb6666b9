"""Classify folders of pictures by ``pipeline run`` and by a typical MONAI loop.

    python benchmarks/end_to_end.py [--photographs 2000] [--radiographs 400] [--jpeg-2000 400]
        [--rounds 5] [--precisions auto,float32,int8]

Both sides classify the same files with the same DenseNet-121 (random weights, seven labels) at
224 x 224, batch 32. The loop is LoadImaged, Resized, ScaleIntensityd, a DataLoader with 0 and with
2 workers, PyTorch eager under ``no_grad``; the faster of the two counts. Start-up is excluded for
both: the loop is timed in a warm process, the pipeline by its own ``classify`` time, which includes
ledger and digests. Rounds are interleaved. ``auto`` uses half precision if these random weights
pass the parity gate, and float32 otherwise. For ``int8``, ``pipeline quantise`` first makes a graph
from at most 300 of the pictures, and needs 64 of each kind; if it does not pass the gate, the run
refuses it and the benchmark ends. The bound is the one in the pipeline's own profile: all
core-seconds of reading, preprocessing and the network, divided by the number of cores.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter

os.environ["THP_MEM_ALLOC_ENABLE"] = "0"  # here runs the peer, as its users run it

import numpy as np
import pydicom
import torch
from engines import write_weights
from machine import describe_machine, format_table, run_interleaved
from monai.data import DataLoader, Dataset
from monai.networks.nets import DenseNet121
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged, Resized, ScaleIntensityd
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless

RECIPE = """\
name: benchmark
preprocess:
  - resize: {{size: 224}}
model:
  classifier: {{weights: {weights}}}
report: [csv]
run: {{batch: 32, device: cpu, evidence: none, precision: {precision}}}
"""
PHOTOGRAPHS, UNCOMPRESSED, JPEG_2000 = (
    "JPEG photographs of 600 x 450",
    "uncompressed DICOM radiographs of 2,000 x 2,500",
    "JPEG 2000 DICOM radiographs of 2,000 x 2,500",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", type=int, default=2000)
    parser.add_argument("--radiographs", type=int, default=400)
    parser.add_argument("--jpeg-2000", type=int, default=400, help="radiographs in JPEG 2000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precisions", default="auto,float32,int8", help="of ours")
    options = parser.parse_args()
    print(f"DenseNet-121, end to end; {describe_machine()}\n")
    kinds: dict[str, Callable[[Path], None]] = {
        PHOTOGRAPHS: partial(draw_photographs, count=options.photographs),
        UNCOMPRESSED: partial(draw_radiographs, count=options.radiographs, compressed=False),
        JPEG_2000: partial(draw_radiographs, count=options.jpeg_2000, compressed=True),
    }
    for kind, draw in kinds.items():
        with tempfile.TemporaryDirectory() as folder:
            pictures = Path(folder) / "pictures"
            pictures.mkdir()
            draw(pictures)
            if any(pictures.iterdir()):
                measure(kind, Path(folder), options)


def measure(kind: str, work: Path, options: argparse.Namespace) -> None:
    """Print the table of one kind of pictures."""
    (work / "weights").mkdir()
    write_weights("densenet121", work / "weights", 224)
    paths = sorted((work / "pictures").iterdir())
    runs = {precision: Pipeline(work, precision) for precision in options.precisions.split(",")}
    ways: dict[str, Callable[[], float]] = {
        f"MONAI loop, {workers} workers": partial(run_monai_loop, paths, workers)
        for workers in (0, 2)
    }
    ways |= {f"pipeline run, precision: {name}": run for name, run in runs.items()}
    for run in runs.values():
        run.warm_up()
    rates = run_interleaved(ways, options.rounds)
    best = max(rate for name, rate in rates.items() if name.startswith("MONAI"))
    print(f"### {len(paths):,} {kind}\n")
    print(format_table(rates, best, "pictures/s") + "\n")
    for name, run in runs.items():
        print(f"precision: {name} took {run.summary}", flush=True)
    print()


def draw_photographs(folder: Path, count: int) -> None:
    """Write smooth random colour fields, which compress and decode about like photographs."""
    random = np.random.default_rng(0)
    for number in range(count):
        coarse = random.integers(0, 255, (30, 40, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((600, 450), Image.Resampling.BICUBIC)
        noise = random.integers(0, 12, (450, 600, 3), dtype=np.uint8)
        drawn = Image.fromarray(np.asarray(picture) // 2 + noise + 60)
        drawn.save(folder / f"{number:05d}.jpg", quality=90)


def draw_radiographs(folder: Path, count: int, *, compressed: bool) -> None:
    """Write four different 12-bit radiographs in turn; each file has its own instance UID."""
    for number, header in zip(range(count), make_radiographs(compressed), strict=False):
        header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number + 1}"
        header.save_as(folder / f"{number:05d}.dcm", enforce_file_format=True)


def make_radiographs(compressed: bool) -> Iterator[pydicom.FileDataset]:
    random = np.random.default_rng(0)
    made = []
    for _ in range(4):
        coarse = Image.fromarray(random.integers(0, 255, (25, 20), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((2000, 2500), Image.Resampling.BICUBIC), np.uint16)
        noise = random.integers(0, 64, smooth.shape, dtype=np.uint16)
        header = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
        header.Modality, header.PhotometricInterpretation = "DX", "MONOCHROME2"
        header.WindowCenter, header.WindowWidth = 2048, 4096
        header.RescaleIntercept, header.RescaleSlope = 0, 1
        for name in ("SmallestImagePixelValue", "LargestImagePixelValue", "PixelPaddingValue"):
            header.pop(name, None)
        header.BitsAllocated, header.BitsStored, header.HighBit = 16, 12, 11
        header.PixelRepresentation = 0
        header.Rows, header.Columns = smooth.shape
        header.set_pixel_data(smooth * 15 + noise, "MONOCHROME2", 12)
        header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        if compressed:
            header.compress(JPEG2000Lossless)
        made.append(header)
    while True:
        yield from made


def run_monai_loop(paths: list[Path], workers: int) -> float:
    """Return the pictures per second of a typical loop."""
    steps = Compose(
        [
            LoadImaged(keys="image", image_only=True),
            EnsureChannelFirstd(keys="image"),
            Resized(keys="image", spatial_size=(224, 224)),
            ScaleIntensityd(keys="image"),
        ]
    )
    data = Dataset([{"image": str(path)} for path in paths], steps)
    network = DenseNet121(spatial_dims=2, in_channels=3, out_channels=7).eval()
    start, scores = perf_counter(), []
    with torch.no_grad():
        for batch in DataLoader(data, batch_size=32, num_workers=workers):
            pictures = batch["image"].float().expand(-1, 3, -1, -1)
            scores.append(network(pictures).softmax(1))
    assert len(torch.cat(scores)) == len(paths)
    return len(paths) / (perf_counter() - start)


class Pipeline:
    """``pipeline run`` in one precision, as a user would call it."""

    def __init__(self, work: Path, precision: str) -> None:
        self._pictures, self._precision, self.summary = work / "pictures", precision, ""
        self._recipe = work / f"{precision}.yaml"
        self._recipe.write_text(RECIPE.format(weights=work / "weights", precision=precision))

    def warm_up(self) -> None:
        """Let the engine be selected for these weights before anything is timed."""
        if self._precision == "int8":
            self._command("quantise", self._pictures)
        self._run(min(self._pictures.iterdir()))

    def __call__(self) -> float:
        run = self._run(self._pictures)
        assert run["counts"]["ok"] == run["counts"]["found"]
        profile = run["timings"].get("profile", {})
        bound = f", {profile['reached']:.0%} of its bound" if "reached" in profile else ""
        self.summary = f"{run['execution']['engine']} {run['execution']['precision']}{bound}"
        return float(run["timings"]["items_per_second"])

    def _run(self, pictures: Path) -> dict:
        with tempfile.TemporaryDirectory(dir=self._recipe.parent) as output:
            self._command("run", pictures, "--output", output)
            return json.loads((Path(output) / "run.json").read_text())

    def _command(self, name: str, pictures: Path, *options: str) -> None:
        command = [sys.executable, "-m", "diascope", name, str(self._recipe), str(pictures)]
        environment = os.environ | {"THP_MEM_ALLOC_ENABLE": "1"}  # as by default
        subprocess.run([*command, *options, "--quiet"], check=True, env=environment)


if __name__ == "__main__":
    main()
