"""What `clock.sources` names: HTTP URLs and SNTP servers to compare our clock with.

Pure. Every fault is an error of the configuration: a clock that cannot be asked would be missed
only when it is needed.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from probe.config.schema import ClockSourceEntry
from probe.config.typed_values import error_at
from probe.config.yaml_document import Document
from probe.model.target import ClockSource, Endpoint
from probe.text.safe_text import LIMIT, safe_text

_SNTP_PORT: Final = 123
_KINDS: Final = ("http", "sntp")


def clock_sources(entries: Sequence[ClockSourceEntry], document: Document) -> Iterator[ClockSource]:
    """Yield the clocks that the file names, each once.

    Raises:
        ConfigurationError: for an entry that is not exactly one of http and sntp, whose URL is no
            http or https one, whose server is no host or host:port, or that repeats another.
    """
    seen: set[str] = set()
    for position, entry in enumerate(entries):
        path = ("clock", "sources", position)
        if (entry.http is None) == (entry.sntp is None):
            reason = "a clock is exactly one of these"
            raise error_at(document, path, reason, allowed=_KINDS)
        if entry.http is not None:
            key, source = "http", ClockSource("http", entry.http)
            fault = _url_fault(entry.http)
        else:
            key, source = "sntp", ClockSource("sntp", entry.sntp or "")
            fault = _server_fault(source.where)
        if fault:
            raise error_at(document, (*path, key), fault, found=source.where)
        if source.name in seen:
            raise error_at(document, (*path, key), "is named twice", found=source.where)
        seen.add(source.name)
        yield source


def _url_fault(url: str) -> str | None:
    """Say what is wrong with an HTTP source, or None."""
    if "://" not in url:
        return "must be a URL, like http://collector:13133/"
    return _fault(url)


def _server_fault(server: str) -> str | None:
    """Say what is wrong with an SNTP source, or None."""
    if any(char in server for char in "/?#@"):
        return "must be host or host:port, like pool.example.org"
    return _fault(server)


def _fault(text: str) -> str | None:
    if safe_text(text) != text:
        return f"must be one printable line of at most {LIMIT} characters"
    try:
        Endpoint.parse(text, default_port=_SNTP_PORT)
    except ValueError as error:
        return str(error)
    return None
