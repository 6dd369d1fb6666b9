"""DICOMweb as a file system of fsspec, so that ``dicomweb://`` is an input like any other.

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
    """Instances of a DICOMweb service; an address is like a folder that holds them all, flat.

    A path is what stands behind ``dicomweb://``. Nothing is written.
    """

    protocol: ClassVar[str] = "dicomweb"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._clients: dict[str, DICOMwebClient] = {}  # fsspec makes us anew in each process
        self._last: tuple[str, SharedFileReader | None] = ("", None)

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        """Return what stands behind the scheme; a slash stays at the end where a UID is missing."""
        bare = str(super()._strip_protocol(path))
        missing = path.endswith("/") and bare.rpartition("/")[2] in LEVELS
        return f"{bare}/" if missing else bare

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        """Return the instances at an address, as names or with what is told of each."""
        address = Address.parse(self._strip_protocol(path))
        url = self._url(address)
        with translate_errors(url):
            found = list(find_instances(address, self._client(url)))
        parts = (f"studies/{study}/series/{series}/instances/{uid}" for study, series, uid in found)
        paths = [f"{address.base}/{part}" for part in parts]
        return [_told(path) if detail else path for path in paths]

    def find(self, path: str, *args: Any, detail: bool = False, **kwargs: Any) -> Any:
        """Return the instances at an address; a fault of the service is not taken for emptiness."""
        found = {told["name"]: told for told in self.ls(path)}
        return found if detail else list(found)

    def glob(self, path: str, *args: Any, detail: bool = False, **kwargs: Any) -> Any:
        """Return the instances that a query finds: what follows the ``?`` is no pattern."""
        return self.find(path, detail=detail)

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Return what is told of an instance; any other address is a folder."""
        path = self._strip_protocol(path)
        if Address.parse(path).instance:
            return _told(path)
        return {"name": path, "size": None, "type": "directory"}

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> io.BufferedReader:
        """Retrieve an instance, in the transfer syntax that the service keeps it in."""
        last, spool = self._last
        if spool is None or path != last:  # a reader is asked what it knows before it reads
            spool = self._retrieved(path)
            self._last = (path, spool)
        return spool.reopen()

    def _retrieved(self, path: str) -> SharedFileReader:
        address = Address.parse(path)
        if address.instance is None:
            raise IsADirectoryError(errno.EISDIR, f"{path} is no instance")
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
    """The same over plain http, for services without https."""

    protocol = "dicomweb+http"


def _told(path: str) -> dict[str, Any]:
    """Return what is told of an instance: what its UID names never changes."""
    return {"name": path, "size": None, "type": "file"}
