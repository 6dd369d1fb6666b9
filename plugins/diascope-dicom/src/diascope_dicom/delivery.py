"""Store an instance by STOW-RS, and verify that the service has it."""

from typing import TYPE_CHECKING

from diascope_dicom.service import describe_retries, is_unauthorised

if TYPE_CHECKING:
    from dicomweb_client import DICOMwebClient
    from pydicom import Dataset
    from requests import Response

_SOP_INSTANCE_UID = "00080018"
_CONFLICT = 409
_DUPLICATE = {0x0111, 0xB00E}  # "duplicate SOP instance" of PS3.7 annex C; Azure's 45070


def deliver(client: "DICOMwebClient", dataset: "Dataset") -> str:
    """Store an instance; return why the service does not have it, or an empty text if it does.

    If the response is inconclusive or reports a duplicate, the study is searched for the instance.
    A duplicate has the same content, as UIDs are derived from the content.

    Raises:
        HTTPError, ConnectionError, Timeout: from requests, if the service rejects the credentials
            or cannot be reached.
    """
    from retrying import RetryError

    try:
        status, response = _post(client, dataset)
    except RetryError as error:
        return describe_retries(error)
    stored = response.get("ReferencedSOPSequence") or []
    if any(item.get("ReferencedSOPInstanceUID") == dataset.SOPInstanceUID for item in stored):
        return ""
    refused = response.get("FailedSOPSequence") or []
    given = [item.get("FailureReason") for item in refused]
    reasons = [reason for reason in given if isinstance(reason, int)]
    is_unclear = not status and not refused
    is_duplicate = status == _CONFLICT or bool(_DUPLICATE & set(reasons))
    if (is_unclear or is_duplicate) and _has_instance(client, dataset):
        return ""
    if is_unclear:
        return "the service does not confirm that it stored it"
    details = [f"HTTP {status}"] if status else []
    details += [f"failure reason {reason:#06x}" for reason in reasons]
    return ", ".join(details) or "the service does not say why it refuses it"


def _post(client: "DICOMwebClient", dataset: "Dataset") -> tuple[int, "Dataset"]:
    """Send an instance; return the HTTP status of an error, or 0, and the response."""
    import requests
    from pydicom import Dataset
    from retrying import RetryError

    try:
        return 0, client.store_instances([dataset])
    except requests.HTTPError as error:
        if error.response is None or is_unauthorised(error):
            raise
        return error.response.status_code, _parse_response(error.response)
    except (requests.ConnectionError, requests.Timeout, RetryError):
        raise
    except Exception:  # the response may be malformed in any way
        return 0, Dataset()


def _parse_response(response: "Response") -> "Dataset":
    """Return the content of an error response; empty if it is not DICOM JSON."""
    from pydicom import Dataset

    try:
        return Dataset.from_json(response.json())
    except Exception:  # the response may be malformed in any way
        return Dataset()


def _has_instance(client: "DICOMwebClient", dataset: "Dataset") -> bool:
    """Return whether a search of the study finds an instance; False if the search fails."""
    import requests

    uid = dataset.SOPInstanceUID
    filters = {"SOPInstanceUID": uid}
    try:
        found = client.search_for_instances(dataset.StudyInstanceUID, search_filters=filters)
        return any(uid in one[_SOP_INSTANCE_UID]["Value"] for one in found)
    except (requests.ConnectionError, requests.Timeout):
        raise
    except Exception:  # the response may be malformed in any way
        return False
