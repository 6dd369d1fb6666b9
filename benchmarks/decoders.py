"""Speed of reading and resizing: MONAI's LoadImage and Resize against our reader and step.

    python benchmarks/decoders.py [--rounds 5] [--pictures 4]

Draws its own files: radiographs of 2,000 x 2,500 as uncompressed, RLE, JPEG-LS, lossless JPEG and
JPEG 2000 DICOM, photographs of 600 x 450 and of 6,000 x 4,000 as JPEG. Each side reads a few of
them and resizes to 224 x 224, with one thread and with two; the sides take turns within a round.
Prints the median of the rounds in milliseconds per picture, and the ratio to MONAI with the same
number of threads.
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL
import torch
from monai.transforms import Compose, LoadImage, Resize
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from diascope.preprocessing.resize import Resize as OurResize
from diascope.readers.dicom import DicomReader
from diascope.readers.image import ImageReader
from diascope.sample import Item

SIZE = 224
THREADS = (1, 2)
SYNTAXES = {
    "uncompressed": ExplicitVRLittleEndian,
    "RLE": RLELossless,
    "JPEG-LS": JPEGLSLossless,
    "lossless JPEG": JPEGLosslessSV1,
    "JPEG 2000": JPEG2000Lossless,
}
Read = Callable[[Path], object]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=4)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print_header(options.rounds)
    with tempfile.TemporaryDirectory() as folder:
        for name, paths in draw_files(Path(folder), options.pictures):
            print_rows(name, time_readers(readers_by_side(paths[0]), paths, options.rounds))


def draw_files(folder: Path, count: int) -> Sequence[tuple[str, list[Path]]]:
    """Write the files, and return their paths by kind."""
    radiograph = np.asarray(draw_field(2000, 2500).convert("L"), dtype=np.uint16) * 14
    noise = np.random.default_rng(1).normal(0, 8, radiograph.shape)
    radiograph = np.clip(radiograph + noise, 0, 4095).astype(np.uint16)
    kinds = []
    for name, syntax in SYNTAXES.items():
        content = make_dicom(radiograph, syntax)
        path = folder / f"{syntax.keyword}.dcm"
        content.save_as(path, enforce_file_format=True)
        kinds.append((f"radiograph 2000 x 2500, DICOM, {name}", [path] * count))
    for width, height in ((600, 450), (6000, 4000)):
        path = folder / f"{width}.jpg"
        draw_field(width, height).save(path, quality=90)
        kinds.append((f"photograph {width} x {height}, JPEG", [path] * count))
    return kinds


def draw_field(width: int, height: int) -> Image.Image:
    """Return a smooth random colour field with grain, which compresses about like a photograph."""
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 255, (30, 40, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    grain = random.integers(0, 12, smooth.shape, dtype=np.uint8)
    return Image.fromarray(smooth // 2 + grain + 60)


def make_dicom(pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint16]]", syntax: UID) -> Dataset:
    """Return a 12-bit radiograph with a window."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = ComputedRadiographyImageStorage, "1.2.3"
    made.Rows, made.Columns = pixels.shape
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 12, 11, 0
    made.WindowCenter, made.WindowWidth = 1800, 2500
    made.PixelData = pixels.tobytes()
    made["PixelData"].VR = "OW"
    if syntax == JPEGLosslessSV1:  # pydicom has no encoder for it
        from imagecodecs import jpeg8_encode

        stream = jpeg8_encode(pixels, lossless=True, bitspersample=12, predictor=1)
        made.PixelData, made.file_meta.TransferSyntaxUID = encapsulate([bytes(stream)]), syntax
        made["PixelData"].VR = "OB"
    elif syntax.is_compressed:
        made.compress(syntax)
    return made


def readers_by_side(path: Path) -> dict[str, Read]:
    """Return each side's function that reads and resizes pictures of this kind."""
    monai = Compose([LoadImage(ensure_channel_first=True), Resize((SIZE, SIZE))])
    if path.suffix == ".dcm":
        return {"MONAI": monai, "ours": our_reader(DicomReader())}
    scaled = {"ours, least: 448": our_reader(ImageReader(least=2 * SIZE))}
    return {"MONAI": monai, "ours": our_reader(ImageReader()), **scaled}


def our_reader(reader: DicomReader | ImageReader) -> Read:
    """Return our reader and step, called as the runner does."""
    step = OurResize(SIZE)
    return lambda path: [step(sample) for sample in reader.read(Item(path.name, str(path)))]


def time_readers(
    reads: dict[str, Read], paths: list[Path], rounds: int
) -> dict[tuple[str, int], float]:
    """Return median seconds per picture by side and threads, without the first, warm-up round."""
    laps: dict[tuple[str, int], list[float]] = {}
    for number in range(rounds + 1):
        for threads in THREADS:
            for side, read in reads.items():
                with ThreadPoolExecutor(threads) as pool:
                    start = time.perf_counter()
                    list(pool.map(read, paths))
                    lap = (time.perf_counter() - start) / len(paths)
                if number > 0:
                    laps.setdefault((side, threads), []).append(lap)
    return {which: statistics.median(each) for which, each in laps.items()}


def print_header(rounds: int) -> None:
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, numpy {np.__version__}, Pillow "
        f"{PIL.__version__}; medians of {rounds} interleaved rounds, milliseconds a picture\n"
    )
    headings = " | ".join(f"threads: {threads}, ms | ratio" for threads in THREADS)
    print(f"| kind | side | {headings} |\n| --- | ---{' | --- | ---' * len(THREADS)} |")


def print_rows(kind: str, medians: dict[tuple[str, int], float]) -> None:
    for side in dict.fromkeys(side for side, _ in medians):
        cells = [
            f"{1000 * medians[side, threads]:.1f} | "
            f"{medians['MONAI', threads] / medians[side, threads]:.1f}"
            for threads in THREADS
        ]
        print(f"| {kind} | {side} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
