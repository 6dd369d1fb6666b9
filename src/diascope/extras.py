"""The optional packages of diascope, by the name of the extra that installs them."""

from importlib.util import find_spec
from typing import NamedTuple

from diascope.errors import UsageError


class Extra(NamedTuple):
    """An extra: the modules that it brings, and what they are for."""

    modules: tuple[str, ...]
    purpose: str

    @property
    def missing(self) -> list[str]:
        """The modules that are not installed."""
        return [name for name in self.modules if not find_spec(name)]


_TRAIN = ("lightning_fabric", "sklearn", "scipy", "matplotlib", "torchmetrics", "imagehash")
EXTRAS = {
    "train": Extra(_TRAIN, "pipeline train, evaluate"),
    "dicom": Extra(("pydicom",), "DICOM files"),
    "dicom-gpl": Extra(("libjpeg",), "12-bit JPEG in them"),
    "explain": Extra(("captum",), "integrated gradients"),
    "video": Extra(("av",), "films: MP4, AVI, MOV"),
    "openvino": Extra(("openvino", "onnx"), "faster networks"),
    "onnx": Extra(("onnxruntime", "onnx"), "faster networks"),
    "ncnn": Extra(("ncnn", "pnnx"), "some networks faster"),
    "int8": Extra(("nncf", "openvino", "onnx"), "pipeline quantise"),
    "parquet": Extra(("pyarrow",), "the report parquet"),
    "s3": Extra(("s3fs",), "inputs on s3://"),
    "http": Extra(("aiohttp",), "inputs on https://"),
}


def refuse_missing(needs: str, extra: str) -> None:
    """Raise a UsageError if modules of an extra are not installed.

    Args:
        needs: the start of the message, such as ``training needs``.
    """
    if missing := EXTRAS[extra].missing:
        message = f"{needs} packages that are not installed: {', '.join(missing)}"
        raise UsageError(message, hint=install_command(extra))


def install_command(*extras: str) -> str:
    """Return the command that adds extras to an installed diascope.

    It works in any folder. It needs no constraints.txt, because pip keeps the installed torch.
    """
    return f'pip install "diascope[{",".join(extras)}]"'
