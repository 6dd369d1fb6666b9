"""Open an item with the backend for its format, and fetch remote files to open them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from diascope.errors import ReadError, reason_of
from diascope.output_errors import is_disk_full
from diascope.sample import Item
from diascope_slides.detect import HEAD_BYTES, Kind, base_name, detect_kind, is_mrxs
from diascope_slides.file_errors import describe_failure
from diascope_slides.slide import Slide

_FETCHED = "fetched to a temporary file"


@contextmanager
def open_slide(item: Item) -> Iterator[tuple[Slide, tuple[str, ...]]]:
    """Provide an open slide and trace lines on how it was opened; close it at the end.

    The libraries read only local files. Other files are copied to a temporary file first.

    Raises:
        ReadError: if it is damaged, or neither a slide nor a picture.
        NoPictureError: if it is part of another item.
    """
    with _local_path(item) as path:
        slide = _open(path)
        fetched = () if str(path) == _without_scheme(item.uri) else (_FETCHED,)
        try:
            yield slide, (*fetched, *slide.notes)
        finally:
            slide.close()


@contextmanager
def _local_path(item: Item) -> Iterator[Path]:
    uri = _without_scheme(item.uri)
    if "://" not in uri:
        item.open().close()  # fails if the file has changed since the run, which matters to reports
        yield Path(uri)
        return
    if is_mrxs(uri):
        raise ReadError(
            "an MRXS slide consists of a file and a folder, and cannot be fetched as one file",
            hint="Copy both to this machine.",
        )
    with TemporaryDirectory(prefix="diascope-") as folder:  # empty, as neighbouring files are read
        path = Path(folder, f"slide{PurePosixPath(base_name(uri)).suffix}")
        _fetch(item, path)
        yield path


def _fetch(item: Item, path: Path) -> None:
    try:
        with item.open() as file, path.open("wb") as copy:
            shutil.copyfileobj(file, copy, 1 << 20)
    except (OSError, ReadError) as error:
        if is_disk_full(error):
            raise _disk_full_error() from error
        raise
    except Exception as error:  # a file system may raise any kind of error
        raise ReadError(f"it cannot be fetched: {reason_of(error)}") from error


def _disk_full_error() -> ReadError:
    # names no folder: processes may have different ones
    reason = "there is no room for a copy of it in the folder for temporary files"
    return ReadError(reason, hint="Make room, or set TMPDIR to another folder; then add --retry.")


def _without_scheme(uri: str) -> str:
    return uri.removeprefix("file://")


def _open(path: Path) -> Slide:
    with path.open("rb") as file:
        kind = detect_kind(str(path), file.read(HEAD_BYTES))
    if kind is None:
        raise ReadError("its content is neither a slide nor a picture that this reader knows")
    if is_mrxs(path.name) and not path.with_suffix("").is_dir():
        raise ReadError(
            "an MRXS slide consists of a file and a folder, and the folder is missing",
            hint="Copy the folder of the same name beside the file.",
        )
    try:
        return _open_with_backend(kind, path)
    except ReadError:
        raise
    except Exception as error:  # the libraries may raise any kind of error
        if is_disk_full(error):
            raise _disk_full_error() from error
        state, reason = describe_failure(error)
        raise ReadError(f"it cannot be opened, it is {state}: {reason}") from error


def _open_with_backend(kind: Kind, path: Path) -> Slide:
    if kind == "openslide":
        from diascope_slides.backends.openslide import OpenSlideSlide

        return OpenSlideSlide(path)
    if kind == "dicom":
        from diascope_slides.backends.dicom import DicomSlide

        return DicomSlide(path)
    from diascope_slides.backends.vips import VipsSlide

    return VipsSlide(path)
