"""A temporary file with several readers."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from diascope_dicom.temporary_file import SharedFileReader

CONTENT = bytes(range(256)) * 400


@pytest.mark.parametrize("system", ["with preadv", "without preadv"])
def test_readers_in_threads_do_not_disturb_each_other(system, monkeypatch):
    if system == "without preadv":
        monkeypatch.delattr(os, "preadv", raising=False)
    first = SharedFileReader.from_writer(lambda file: file.write(CONTENT))
    readers = [first.reopen() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda reader: reader.read(), readers)) == [CONTENT] * 8
    for reader in (first, *readers):
        reader.close()
