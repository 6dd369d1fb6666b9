"""The HTTP session with a service, where requests and dicomweb_client do other than we promise."""

from typing import Any

import requests


class ServiceSession(requests.Session):
    """Sends its own credentials to its own service, and no others anywhere.

    Args:
        auth: what adds the credentials to a request.
    """

    def __init__(self, auth: Any) -> None:
        super().__init__()
        self.auth = auth
        self.hooks["response"].append(_drop_parameters)

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Take the credentials off a request that is sent elsewhere.

        requests would look into netrc again, and send over http what it finds.
        """
        if self.should_strip_auth(str(response.request.url), str(prepared_request.url)):
            prepared_request.headers.pop("Authorization", None)


def _drop_parameters(response: requests.Response, *_: Any, **__: Any) -> None:
    """Drop ``; charset=utf-8`` and the like: dicomweb_client would not know the type again."""
    kind = response.headers.get("Content-Type", "")
    if kind.lower().startswith("application/"):
        response.headers["Content-Type"] = kind.partition(";")[0].strip().lower()
