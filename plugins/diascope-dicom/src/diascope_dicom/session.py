"""An HTTP session that corrects behaviour of requests and dicomweb_client."""

from typing import Any

import requests


class ServiceSession(requests.Session):
    """Sends the given credentials to their own service only, and no other credentials.

    Args:
        auth: callable that adds the credentials to a request.
    """

    def __init__(self, auth: Any) -> None:
        super().__init__()
        self.auth = auth
        self.hooks["response"].append(_drop_parameters)

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Remove the credentials from a request that is redirected to another host.

        requests would read netrc again and send what it finds, even over http.
        """
        if self.should_strip_auth(str(response.request.url), str(prepared_request.url)):
            prepared_request.headers.pop("Authorization", None)


def _drop_parameters(response: requests.Response, *_: Any, **__: Any) -> None:
    """Drop parameters such as ``; charset=utf-8``, with which dicomweb_client knows no type."""
    kind = response.headers.get("Content-Type", "")
    if kind.lower().startswith("application/"):
        response.headers["Content-Type"] = kind.partition(";")[0].strip().lower()
