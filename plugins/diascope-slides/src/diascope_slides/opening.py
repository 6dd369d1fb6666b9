"""Open an item with the one backend that it needs, for as long as it is read."""

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
    """Open an item and close it again; also say what was done to open it.

    The libraries read local files only: any other is copied to a temporary file first.

    Raises:
        ReadError: if it is no slide and no picture, or damaged.
        NoPictureError: if it is a part of another item.
    """
    with _local(item) as path:
        slide = _open(path)
        fetched = () if str(path) == _plain(item.uri) else (_FETCHED,)
        try:
            yield slide, (*fetched, *slide.notes)
        finally:
            slide.close()


@contextmanager
def _local(item: Item) -> Iterator[Path]:
    uri = _plain(item.uri)
    if "://" not in uri:
        item.open().close()  # in reports, another file may lie there now
        yield Path(uri)
        return
    if is_mrxs(uri):
        raise ReadError(
            "a MRXS slide is a file and a folder, and cannot be fetched as one",
            hint="Copy both to this machine.",
        )
    with TemporaryDirectory(prefix="diascope-") as folder:  # alone: its neighbours would be read
        path = Path(folder, f"slide{PurePosixPath(base_name(uri)).suffix}")
        _fetch(item, path)
        yield path


def _fetch(item: Item, path: Path) -> None:
    try:
        with item.open() as file, path.open("wb") as copy:
            shutil.copyfileobj(file, copy, 1 << 20)
    except (OSError, ReadError) as error:
        if is_disk_full(error):
            raise _no_room() from error
        raise
    except Exception as error:  # a file system may raise anything
        raise ReadError(f"it cannot be fetched: {reason_of(error)}") from error


def _no_room() -> ReadError:
    told = "there is no room for a copy of it where temporary files lie"  # a process has its own
    return ReadError(told, hint="Make room, or set TMPDIR to another folder; then add --retry.")


def _plain(uri: str) -> str:
    return uri.removeprefix("file://")


def _open(path: Path) -> Slide:
    with path.open("rb") as file:
        kind = detect_kind(str(path), file.read(HEAD_BYTES))
    if kind is None:
        raise ReadError("its content is no slide and no picture that this reader knows")
    if is_mrxs(path.name) and not path.with_suffix("").is_dir():
        raise ReadError(
            "a MRXS slide is a file and a folder, and the folder is missing",
            hint="Copy the folder of its name to where it is.",
        )
    try:
        return _backend(kind, path)
    except ReadError:
        raise
    except Exception as error:  # the libraries raise all kinds
        if is_disk_full(error):
            raise _no_room() from error
        what, reason = describe_failure(error)
        raise ReadError(f"it cannot be opened, it is {what}: {reason}") from error


def _backend(kind: Kind, path: Path) -> Slide:
    if kind == "openslide":
        from diascope_slides.backends.openslide import OpenSlideSlide

        return OpenSlideSlide(path)
    if kind == "dicom":
        from diascope_slides.backends.dicom import DicomSlide

        return DicomSlide(path)
    from diascope_slides.backends.vips import VipsSlide

    return VipsSlide(path)
