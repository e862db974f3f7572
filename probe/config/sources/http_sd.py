"""Prometheus's http_sd: one GET for a list of targets, bounded in time, size and redirects.

What the server sends is judged by `read_http_sd`, which is pure and total; whoever fetches
keeps the last good list, as Prometheus does. No error shows more of the URL than
`describe_url`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from probe.config.errors import ConfigurationError
from probe.config.schema import DefaultsEntry
from probe.config.source_content import SourceContent
from probe.config.sources.target_groups import parse_json, read_groups
from probe.config.yaml_document import MAX_BYTES
from probe.model.target import Endpoint, Source
from probe.text.description import describe_url, describe_value

if TYPE_CHECKING:
    import aiohttp

REFRESH_INTERVAL: Final = 60.0
"""Seconds between two fetches; Prometheus's default."""
RETRY_INTERVAL: Final = 10.0
"""Seconds until the next, where the last one brought no list."""
TIMEOUT: Final = 10.0
"""Seconds for one fetch, redirects included."""
MAX_REDIRECTS: Final = 5
MAX_PIECES: Final = 16_384
"""The most chunks of one answer: chunks of 512 bytes are enough for the longest."""

_MEDIA_TYPE: Final = "application/json"
_MEDIA_TYPES: Final = (_MEDIA_TYPE, "text/plain", "application/octet-stream", "application/yaml")


def url_fault(url: str) -> str | None:
    """Say why `url` cannot be an http_sd endpoint, or None; a reason never repeats the URL."""
    if not url.lower().startswith(("http://", "https://")):
        return "must be a URL, like https://inventory.example.com/collectors"
    if "@" in url.partition("//")[2].partition("/")[0]:
        return "a URL of http_sd holds no user name or password"
    if " " in url:
        return "is not a valid URL"
    try:
        Endpoint.parse(url)
    except ValueError:
        return "is not a valid URL"
    return None


async def fetch_list(
    session: aiohttp.ClientSession,
    url: str,
    *,
    user_agent: str,
    timeout: float = TIMEOUT,  # noqa: ASYNC109  # aiohttp bounds each phase with it
) -> bytes:
    """Return what `url` answers to Prometheus's request for targets.

    Args:
        session: Makes the request; it decides on proxies and trust.
        url: The endpoint, which `url_fault` has passed.
        user_agent: Names the probe.
        timeout: Seconds for everything.

    Raises:
        ConfigurationError: where there is no answer 200 of application/json, of at most 8 MiB, in
            time; or where a redirect leaves https.
    """
    import aiohttp

    headers = {
        "Accept": _MEDIA_TYPE,
        "User-Agent": user_agent,
        "X-Prometheus-Refresh-Interval-Seconds": f"{REFRESH_INTERVAL:g}",
    }
    try:
        async with session.get(
            url,
            headers=headers,
            max_redirects=MAX_REDIRECTS,
            timeout=aiohttp.ClientTimeout(total=timeout),
        ) as response:
            if fault := _answer_fault(url, response):
                raise _error(url, fault)
            return await _read_body(url, response)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise _error(url, _explain_failure(error, timeout)) from None


def read_http_sd(raw: bytes, url: str, defaults: DefaultsEntry) -> SourceContent:
    """Return the targets that the answer `raw` lists, without names of their own.

    In Prometheus, null is what a server with a fault in it sends; [] says that there are none.

    Raises:
        ConfigurationError: naming the URL and the entry, where it is not a list of target groups.
    """
    name = describe_url(url)
    return read_groups(parse_json(raw, name), defaults, Source("http_sd", name))


def _answer_fault(url: str, response: aiohttp.ClientResponse) -> str | None:
    hops = [hop.url.scheme for hop in (*response.history, response)]
    if url.lower().startswith("https:") and set(hops) != {"https"}:
        return "redirects from https to http"
    if response.status != 200:
        return f"answers {response.status} instead of 200"
    if response.content_type != _MEDIA_TYPE:
        # The server's own word, which may be anything.
        found = describe_value(response.content_type, _MEDIA_TYPES)
        return f"answers with {found} instead of {_MEDIA_TYPE}"
    return None


async def _read_body(url: str, response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    pieces = 0
    async for chunk, _ in response.content.iter_chunks():
        body += chunk
        pieces += 1
        if len(body) > MAX_BYTES:
            raise _error(url, f"answers with more than {MAX_BYTES} bytes")
        if pieces > MAX_PIECES:
            raise _error(url, f"answers in more than {MAX_PIECES} chunks")
    return bytes(body)


def _explain_failure(error: Exception, timeout: float) -> str:
    """Say what went wrong without the library's words, which may repeat the URL."""
    import aiohttp

    match error:
        case TimeoutError():
            return f"did not answer in full within {timeout:g} s"
        case aiohttp.TooManyRedirects():
            return f"redirects more than {MAX_REDIRECTS} times"
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not trusted here"
        case aiohttp.ClientConnectorError():
            return f"cannot be reached: {_explain_os_error(error.os_error)}"
        case _:
            return f"cannot be fetched: {type(error).__name__}"


def _explain_os_error(error: OSError) -> str:
    """Return the system's words: asyncio puts a tuple of its own in their place."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or type(error).__name__


def _error(url: str, reason: str) -> ConfigurationError:
    return ConfigurationError(reason, file=describe_url(url))
