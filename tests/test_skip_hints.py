"""The reason why a file is skipped says how to name what the user may have meant."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable

import pytest

from diascope.plugins import Plugin
from diascope.preparation import Part, Preparation
from diascope.readers.image import ImageReader
from diascope.sample import Item, Skipped

Make = Callable[..., Item]
TEXT = b"To whom it may concern. " * 1000


def tar(form: int = tarfile.PAX_FORMAT) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
        member = tarfile.TarInfo("a.png")
        member.size = len(TEXT)
        archive.addfile(member, io.BytesIO(TEXT))
    return packed.getvalue()


def reason(item: Item) -> str:
    reader = Part(Plugin("reader", "image", "diascope", "1", ""), ImageReader())
    (end,) = Preparation((reader,), (), 1).prepare(item)
    assert isinstance(end, Skipped)
    return end.reason


@pytest.mark.parametrize(
    ("name", "content", "example"),
    [
        ("all.ZIP", b"PK\3\4...", "zip://::FILE.zip"),
        ("all.tar", tar(), "tar://::FILE.tar"),
        ("all", tar(tarfile.USTAR_FORMAT), "tar://::FILE.tar"),
        ("all.tgz", gzip.compress(tar(), mtime=0), "tar://::FILE.tar.gz"),
        ("all.tar.xz", lzma.compress(tar()), "tar://::FILE.tar.xz"),
        ("all.tar.bz2", bz2.compress(tar()), "tar://::FILE.tar.bz2"),
    ],
)
def test_an_archive_is_skipped_with_how_to_name_what_lies_in_it(
    make_item: Make, name: str, content: bytes, example: str
) -> None:
    ending = f"to read the files in an archive, name {example}"
    assert reason(make_item(content, name)).endswith(ending)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("letter.docx", b"PK\3\4..."),
        ("brain.nii.gz", gzip.compress(TEXT, mtime=0)),
        ("all.tar.gz", gzip.compress(TEXT, mtime=0)[:20]),
        ("all.tar.gz", b"\x1f\x8b no gzip"),
        ("all.tar.xz", lzma.compress(TEXT)),
        ("all.tar", TEXT),
        ("zeros.tar", bytes(4096)),
        ("log.bz2", bz2.compress(TEXT)),
        ("page.html", b"<!DOCTYPE html><html>"),
    ],
)
def test_other_files_get_no_hint(make_item: Make, name: str, content: bytes) -> None:
    assert reason(make_item(content, name)).endswith("know (image)")


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE HTML>\n<html>", b"\n<html lang='en'>", b"<!-- list --><html>"]
)
def test_a_web_page_in_place_of_a_folder_is_skipped_with_how_to_name_the_folder(
    page: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Item, "open", lambda _: io.BytesIO(page))

    assert reason(Item("photos", "https://host/photos")).endswith("of a folder, end it with /")
