"""An fsspec file system for DICOMweb, so that ``dicomweb://`` addresses can be inputs.

``pipeline run recipe.yaml dicomweb://HOST/PATH/studies/UID`` lists the instances by QIDO-RS and
retrieves each by WADO-RS when it is read, into a temporary file.
"""

import errno
import io
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from fsspec import AbstractFileSystem

from diascope_dicom.address import LEVELS, Address, find_instances
from diascope_dicom.service import create_client, service_url, translate_errors
from diascope_dicom.temporary_file import SharedFileReader

if TYPE_CHECKING:
    from dicomweb_client import DICOMwebClient


class DicomwebFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """Instances of a DICOMweb service, read-only. An address is like a flat folder of instances.

    A path is the part of the URI after ``dicomweb://``.
    """

    protocol: ClassVar[str] = "dicomweb"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._clients: dict[str, DICOMwebClient] = {}  # fsspec creates an instance per process
        self._last: tuple[str, SharedFileReader | None] = ("", None)

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        """Return the path without its scheme; a final slash is kept where a UID is missing."""
        bare = str(super()._strip_protocol(path))
        lacks_uid = path.endswith("/") and bare.rpartition("/")[2] in LEVELS
        return f"{bare}/" if lacks_uid else bare

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        """Return the instances at an address, as names or as fsspec's dictionaries."""
        address = Address.parse(self._strip_protocol(path))
        url = self._url(address)
        with translate_errors(url):
            found = list(find_instances(address, self._client(url)))
        parts = (f"studies/{study}/series/{series}/instances/{uid}" for study, series, uid in found)
        paths = [f"{address.base}/{part}" for part in parts]
        return [_instance_info(path) if detail else path for path in paths]

    def find(self, path: str, *args: Any, detail: bool = False, **kwargs: Any) -> Any:
        """Return the instances at an address; unlike fsspec's own, it raises if listing fails."""
        found = {info["name"]: info for info in self.ls(path)}
        return found if detail else list(found)

    def glob(self, path: str, *args: Any, detail: bool = False, **kwargs: Any) -> Any:
        """Return the instances that a query finds: a ``?`` starts a query, not a pattern."""
        return self.find(path, detail=detail)

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Return fsspec's dictionary for an instance; any other address is a folder."""
        path = self._strip_protocol(path)
        if Address.parse(path).instance:
            return _instance_info(path)
        return {"name": path, "size": None, "type": "directory"}

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> io.BufferedReader:
        """Retrieve an instance in the transfer syntax in which the service stores it."""
        last, reader = self._last
        if reader is None or path != last:  # an item is opened twice: to sniff and to read
            reader = self._retrieve(path)
            self._last = (path, reader)
        return reader.reopen()

    def _retrieve(self, path: str) -> SharedFileReader:
        address = Address.parse(path)
        if address.instance is None:
            raise IsADirectoryError(errno.EISDIR, f"{path} is not an instance")
        url = self._url(address)
        with translate_errors(url):
            dataset = self._client(url).retrieve_instance(*address.instance)
        return SharedFileReader.from_writer(partial(dataset.save_as, enforce_file_format=True))

    def _url(self, address: Address) -> str:
        return service_url(f"{self.protocol}://{address.base}")

    def _client(self, url: str) -> "DICOMwebClient":
        if url not in self._clients:
            self._clients[url] = create_client(url)
        return self._clients[url]


class DicomwebHttpFileSystem(DicomwebFileSystem):
    """The same over plain HTTP, for services without HTTPS."""

    protocol = "dicomweb+http"


def _instance_info(path: str) -> dict[str, Any]:
    """Return fsspec's dictionary for an instance; without a date, as an instance never changes."""
    return {"name": path, "size": None, "type": "file"}
