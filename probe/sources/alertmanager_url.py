"""`alertmanager.url`: where alerts are sent to. Pure; it may hold a password, and is a `Secret`."""

from typing import Final
from urllib.parse import urlsplit

from probe.sources.conversion import error_at
from probe.sources.error import KeyPath
from probe.sources.yaml_document import Document
from probe.target import Endpoint, Secret

_KEY: Final[KeyPath] = ("alertmanager", "url")


def alertmanager_url(url: str | None, document: Document) -> Secret | None:
    """Return the URL, None where there is none.

    Raises:
        ConfigurationError: where it is no base URL; what was found is not shown.
    """
    if not url:
        return None
    if fault := _fault(url):
        raise error_at(document, _KEY, fault)
    return Secret(url)


def _fault(url: str) -> str:
    if not url.lower().startswith(("http://", "https://")):
        return "must be a URL, like http://alertmanager:9093"
    try:
        parts = urlsplit(url)
        # A user name is for us alone; the rest has to be an endpoint.
        Endpoint.parse(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())
    except ValueError:
        return "is no URL, like http://alertmanager:9093"
    if parts.query or parts.fragment:
        return "must end with its path: /api/v2/alerts is added to it"
    return ""
