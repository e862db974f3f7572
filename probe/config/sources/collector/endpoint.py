"""Where a Collector's OTLP exporter connects to, and what its TLS settings then do.

Pure. Follows configgrpc's `sanitizedEndpoint` and dial options, grpc-go's targets, confighttp's
client and configtls' `LoadTLSConfig` (v0.162.0): where a setting has no effect, a `Finding` says so.
"""

import re
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote, urlsplit

from probe.config.source_content import report_ignored
from probe.model.finding import Finding
from probe.model.target import Endpoint, TlsSettings
from probe.text.description import describe_value

_HOST_PORT: Final = re.compile(r"(\[[^\[\]/?#@\s]+\]|[^\[\]:/?#@\s]*):([0-9]{1,5})")
_LIKE_GRPC: Final = "write host:port, with the port and without a path"


class NotProbedError(Exception):
    """An exporter that is right as it is, but which cannot be probed; the text says why."""


@dataclass(frozen=True, slots=True)
class Destination:
    """What an exporter's endpoint says."""

    endpoint: Endpoint
    scheme: str = ""
    """`http` or `https` as it was written, before a gRPC exporter strips it."""
    credentials: str = ""
    """`user:password` of an HTTP URL; the exporter sends them (Basic, RFC 7617)."""
    note: str = ""
    """What the probe does otherwise than the exporter."""


def parse_grpc_endpoint(text: str) -> Destination:
    """Read the endpoint of a gRPC exporter.

    Raises:
        ValueError: with the reason, where the Collector refuses it.
        NotProbedError: where no host and port can be known.
    """
    scheme, rest, note = _split_grpc_scheme(text)
    match = _HOST_PORT.fullmatch(rest)
    if match is None:
        raise ValueError(f"is not the endpoint of a gRPC exporter; {_LIKE_GRPC}")
    host, port = match.groups()
    # grpc-go takes an empty host for this one, as Go's net.Dial does.
    endpoint = Endpoint.parse(f"{host or 'localhost'}:{port}")
    return Destination(endpoint, scheme=scheme, note=note)


def _split_grpc_scheme(text: str) -> tuple[str, str, str]:
    """Return the HTTP scheme, what is left, and a note."""
    if not text:
        raise ValueError(f"the endpoint is empty; {_LIKE_GRPC}")
    scheme, mark, rest = text.partition("://")
    if not mark:
        return "", text, ""
    if scheme in {"http", "https"}:
        return scheme, rest, ""
    scheme = scheme.lower()
    if scheme == "unix":
        raise NotProbedError("its endpoint is a Unix socket, where no mutual TLS is to be probed")
    if scheme not in {"dns", "passthrough"}:
        raise NotProbedError("its endpoint is resolved by a gRPC resolver that the probe has not")
    authority, _, path = rest.partition("/")
    note = ""
    if scheme == "dns" and authority:
        shown = describe_value(authority, key="endpoint")
        note = f"the DNS server {shown} in the endpoint is not asked, but the system's resolver"
    return "", unquote(path), note


def parse_http_endpoint(url: str) -> Destination:
    """Read the URL to which an HTTP exporter posts.

    Raises:
        ValueError: with the reason, where it is not an http or https URL.
    """
    credentials = ""
    if "://" not in url:
        raise ValueError("the endpoint of an HTTP exporter begins with http:// or https://")
    if "@" in url.partition("://")[2].partition("/")[0]:
        parts = urlsplit(url)
        before, _, host = parts.netloc.rpartition("@")
        credentials = unquote(before if ":" in before else f"{before}:")
        url = parts._replace(netloc=host).geturl()
    endpoint = Endpoint.parse(url)
    if not endpoint.path.startswith("/"):
        endpoint = replace(endpoint, path=f"/{endpoint.path}")
    return Destination(endpoint, scheme=endpoint.scheme, credentials=credentials)


def resolve_tls(
    tls: TlsSettings, scheme: str, *, grpc: bool
) -> tuple[TlsSettings, tuple[Finding, ...]]:
    """Return the settings that the exporter really uses, and what its reader may not expect.

    `insecure: true` switches TLS off only without a CA, and then drops every other key; `https://`
    switches it on again, with Go's defaults. `http://` switches it off for HTTP only.
    """
    has_ca = bool(tls.ca_file or tls.ca_pem)
    if scheme == "http" and not grpc:
        return tls, _report_plaintext(tls, "the endpoint begins with http://")
    if tls.insecure and not has_ca:
        if scheme != "https":
            return tls, _report_plaintext(tls, "tls.insecure is true and no CA is set")
        return TlsSettings(), (_report_defaults(tls),)
    remarks = []
    if scheme == "http":
        remarks.append(_STRIPPED)
    if tls.insecure:
        remarks.append(_STILL_TLS)
    return tls, tuple(remarks)


_REMOVE_INSECURE: Final = "Remove insecure: true from the exporter's tls settings."
_STRIPPED: Final = report_ignored(
    "http:// in the endpoint of a gRPC exporter is only stripped: the exporter speaks TLS",
    "Write the endpoint as host:port, or with https://, to say what happens.",
    "If the backend is meant to be without TLS: tls: {insecure: true} without a CA.",
)
_STILL_TLS: Final = report_ignored(
    "tls.insecure: true has no effect with ca_file or ca_pem: the exporter uses TLS",
    _REMOVE_INSECURE,
    "If the backend is meant to be without TLS: remove ca_file and ca_pem instead.",
)


def _report_defaults(tls: TlsSettings) -> Finding:
    fact = "tls.insecure: true does not switch TLS off, because the endpoint begins with https://"
    if tls != TlsSettings(insecure=True):
        fact += ", but drops every other key of tls: the system's CAs are trusted"
        if tls.has_client_certificate:
            fact += " and no client certificate is sent"
    return report_ignored(fact, _REMOVE_INSECURE)


def _report_plaintext(tls: TlsSettings, because: str) -> tuple[Finding, ...]:
    if not tls.has_client_certificate:
        return ()
    fact = f"the client certificate in tls is never sent: {because}, so there is no TLS"
    fix = "Write the endpoint with https://, and remove insecure: true from tls."
    return (report_ignored(fact, fix),)
