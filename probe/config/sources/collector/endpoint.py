"""Where a Collector's OTLP exporter connects to, and what its TLS settings then do.

Pure. Follows configgrpc's `sanitizedEndpoint` and dial options, grpc-go's targets, confighttp's
client and configtls' `LoadTLSConfig` (v0.162.0): where a setting has no effect, a `Finding` says so.
"""

import re
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from probe.config.errors import NotProbedError
from probe.config.source_content import report_ignored
from probe.exporters.go_domain_names import encode_labels, map_for_lookup
from probe.exporters.go_url import GoUrl, UrlError, from_text, parse_url, to_text
from probe.model.finding import Finding
from probe.model.target import Endpoint, TlsSettings
from probe.text.description import describe_value
from probe.text.host_port import split_as_go

_LIKE_GRPC: Final = "write host:port, with the port and without a path"
_LIKE_HTTP: Final = "write https://host:port"
_RESOLVERS: Final = frozenset({"dns", "passthrough"})
"""Schemes of grpc-go's own resolvers, but for those of Unix sockets."""
_UNIX: Final = frozenset({"unix", "unix-abstract"})
_FOREIGN: Final = frozenset({"consul", "etcd", "k8s", "kubernetes", "xds"})
"""Schemes of resolvers that a Collector may be built with."""
_ATOI: Final = re.compile(r"[+-]?[0-9]+")
_LAST_PORT: Final = 65535
_UNRESERVED: Final = "-_.~!$&'()*+,;=:[]@"
"""With letters and digits: what grpc-go leaves in an authority as it is (encodeAuthority)."""


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
    authority: str = ""
    """What requests name as the authority, where that is not the endpoint as it is."""


def parse_grpc_endpoint(text: str) -> Destination:
    """Read the endpoint of a gRPC exporter, as configgrpc checks it and grpc-go dials it.

    Raises:
        ValueError: with the reason, where the Collector refuses it, or never exports to it.
        NotProbedError: where no host and port can be known.
    """
    if not text:
        raise ValueError(f"the endpoint is empty; {_LIKE_GRPC}")
    if text.startswith("unix://"):
        raise NotProbedError("its endpoint is a Unix socket, where no mutual TLS is to be probed")
    scheme = next((one for one in ("http", "https") if text.startswith(f"{one}://")), "")
    target = text[len(f"{scheme}://") :] if scheme else text
    _check_grpc_endpoint(text, target)
    return replace(parse_grpc_target(target, text), scheme=scheme)


def parse_grpc_target(target: str, written: str = "") -> Destination:
    """Read what grpc-go dials.

    Args:
        target: As grpc.NewClient gets it.
        written: What stands in the configuration for it, for errors.

    Raises:
        ValueError: with the reason, where grpc-go refuses it, or never connects to it.
        NotProbedError: where no host and port can be known.
    """
    resolver, endpoint, server = _split_grpc_target(target)
    if resolver in _UNIX:
        raise NotProbedError("its endpoint is a Unix socket, where no mutual TLS is to be probed")
    if resolver == "passthrough":
        # The dialer reads it, which knows no default port.
        split = split_as_go(endpoint)
    else:
        split = split_as_go(endpoint) or split_as_go(f"{endpoint}:443") if endpoint else None
    if split is None or not _is_port(split[1]):
        raise ValueError(_explain_unresolved(written or target))
    host, port = split
    note = ""
    if resolver == "dns" and server:
        shown = describe_value(server, key="endpoint")
        note = f"the DNS server {shown} in the endpoint is not asked, but the system's resolver"
    # grpc-go takes an empty host for this one, as Go's net.Dial does.
    made = Endpoint(host or "localhost", int(port))
    authority = quote(f"localhost{endpoint}" if not host else endpoint, safe=_UNRESERVED)
    return Destination(
        made,
        note=note,
        authority="" if authority == made.authority else authority,
    )


def _check_grpc_endpoint(text: str, target: str) -> None:
    """Check what configgrpc does (validateClientConfig), before anything is dialled.

    Raises:
        ValueError: where the Collector does not start.
    """
    checked = target
    if target == text and "://" in text:
        try:
            checked = to_text(parse_url(from_text(text)).path).removeprefix("/")
        except UrlError:
            checked = text
    if not checked and target != text:
        raise ValueError(f"the endpoint is empty; {_LIKE_GRPC}")
    split = split_as_go(checked)
    if checked and (split is None or not _ATOI.fullmatch(split[1])):
        raise ValueError(f"is not the endpoint of a gRPC exporter; {_LIKE_GRPC}")


def _split_grpc_target(target: str) -> tuple[str, str, str]:
    """Return the resolver that grpc-go takes, what it is asked for, and its own authority.

    Raises:
        ValueError: where grpc-go refuses the target.
        NotProbedError: where the resolver is not one of its own.
    """
    try:
        url = parse_url(from_text(target))
    except UrlError:
        url = GoUrl()
    if url.scheme in _FOREIGN:
        raise NotProbedError("its endpoint is resolved by a gRPC resolver that the probe has not")
    if url.scheme not in _RESOLVERS | _UNIX:
        # Whatever else is there is the name of a host (initParsedTargetAndResolverBuilder).
        try:
            url = parse_url(from_text(f"dns:///{target}"))
        except UrlError:
            raise ValueError(f"is not the endpoint of a gRPC exporter; {_LIKE_GRPC}") from None
    return url.scheme, to_text(url.path or url.opaque).removeprefix("/"), to_text(url.host)


def _explain_unresolved(text: str) -> str:
    scheme, mark, rest = text.partition("://")
    if mark and scheme.lower() in {"http", "https"} and scheme != scheme.lower():
        return (
            f"{scheme}:// in capitals is not a scheme to a gRPC exporter, which never finds the "
            f"host; {_LIKE_GRPC}"
        )
    if mark and scheme in _RESOLVERS and not rest.startswith("/"):
        return (
            f"two slashes after {scheme}: name a DNS server and no host, so the exporter never "
            f"finds one; {_LIKE_GRPC}"
        )
    if mark and scheme.isascii() and scheme.isalpha():
        return f"{scheme}:// is not a scheme of gRPC, which never finds the host; {_LIKE_GRPC}"
    return f"is not a host and port that gRPC can look up; {_LIKE_GRPC}"


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < int(text[:6]) <= _LAST_PORT


def parse_http_endpoint(text: str) -> Destination:
    """Read the URL to which an HTTP exporter posts, as net/url and net/http do.

    Raises:
        ValueError: with the reason, where it is not an http or https URL with a host.
    """
    try:
        url = parse_url(from_text(text))
    except UrlError:
        raise ValueError(f"is not a URL; {_LIKE_HTTP}") from None
    if url.scheme not in {"http", "https"}:
        raise ValueError("the endpoint of an HTTP exporter begins with http:// or https://")
    host = to_text(url.hostname)
    if not host:
        raise ValueError(f"it has no host; {_LIKE_HTTP}")
    port = url.port or {"https": "443", "http": "80"}[url.scheme]
    if not _is_port(port):
        raise ValueError("its port is not a number from 1 to 65535")
    endpoint = Endpoint(
        map_for_lookup(host), int(port), path=to_text(url.request_uri), scheme=url.scheme
    )
    named = encode_labels(host).partition("%")[0]
    named = f"[{named}]" if ":" in named else named
    authority = f"{named}:{url.port}" if url.port else named
    return Destination(
        endpoint,
        scheme=url.scheme,
        credentials=to_text(":".join((*url.userinfo, "")[:2])) if url.userinfo else "",
        authority="" if authority == endpoint.authority else authority,
    )


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
