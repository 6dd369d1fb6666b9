"""Store one instance by STOW-RS, and find out whether the service holds it."""

from typing import TYPE_CHECKING

from diascope_dicom.service import describe_retries, is_unauthorised

if TYPE_CHECKING:
    from dicomweb_client import DICOMwebClient
    from pydicom import Dataset
    from requests import Response

_SOP_INSTANCE_UID = "00080018"
_CONFLICT = 409
_HELD_ALREADY = {0x0111, 0xB00E}  # "duplicate SOP instance" of PS3.7 annex C, Azure's 45070


def deliver(client: "DICOMwebClient", dataset: "Dataset") -> str:
    """Store an instance; return why the service does not hold it, nothing if it does.

    If the answer leaves that open, or tells of one that is there already, a search of the study
    decides: our UIDs follow from the content.

    Raises:
        HTTPError, ConnectionError, Timeout: of requests, if the service wants other credentials,
            or cannot be reached.
    """
    from retrying import RetryError

    try:
        status, answer = _posted(client, dataset)
    except RetryError as error:
        return describe_retries(error)
    stored = answer.get("ReferencedSOPSequence") or []
    if any(item.get("ReferencedSOPInstanceUID") == dataset.SOPInstanceUID for item in stored):
        return ""
    refused = answer.get("FailedSOPSequence") or []
    given = [item.get("FailureReason") for item in refused]
    reasons = [reason for reason in given if isinstance(reason, int)]
    silent = not status and not refused
    if (silent or status == _CONFLICT or _HELD_ALREADY & set(reasons)) and _holds(client, dataset):
        return ""
    if silent:
        return "the service does not say that it holds it"
    told = [f"HTTP {status}"] if status else []
    told += [f"failure reason {reason:#06x}" for reason in reasons]
    return ", ".join(told) or "the service does not say why it refuses it"


def _posted(client: "DICOMwebClient", dataset: "Dataset") -> tuple[int, "Dataset"]:
    """Send an instance; return the status if it is an error, and what is said of the instance."""
    import requests
    from pydicom import Dataset
    from retrying import RetryError

    try:
        return 0, client.store_instances([dataset])
    except requests.HTTPError as error:
        if error.response is None or is_unauthorised(error):
            raise
        return error.response.status_code, _content(error.response)
    except (requests.ConnectionError, requests.Timeout, RetryError):
        raise
    except Exception:  # a stranger's answer may hold anything
        return 0, Dataset()


def _content(response: "Response") -> "Dataset":
    """Return what an error's answer says of the instance; nothing if it is a page for people."""
    from pydicom import Dataset

    try:
        return Dataset.from_json(response.json())
    except Exception:  # a stranger's answer may hold anything
        return Dataset()


def _holds(client: "DICOMwebClient", dataset: "Dataset") -> bool:
    """Say whether a search finds an instance in its study; a service without search has none."""
    import requests

    uid = dataset.SOPInstanceUID
    asked = {"SOPInstanceUID": uid}
    try:
        found = client.search_for_instances(dataset.StudyInstanceUID, search_filters=asked)
        return any(uid in one[_SOP_INSTANCE_UID]["Value"] for one in found)
    except (requests.ConnectionError, requests.Timeout):
        raise
    except Exception:  # a stranger's answer may hold anything
        return False
