"""What of a target never changes between attempts, made once: facts, request, names to offer.

Law 10: what of the facts the target's owner wrote passes `safe_text` here. Law 11: they hold no
header value and no password; the encoded request does, and stays here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

import msgspec.structs

from probe.attempt.session import Purpose
from probe.model.certificate import CredentialFacts
from probe.model.evidence import TargetFacts
from probe.model.finding import Finding
from probe.model.target import SIGNALS, Endpoint, Target
from probe.model.trace_context import TraceContext
from probe.otlp.canary import Canary, canary
from probe.otlp.request import Request, build_request
from probe.otlp.template import CONTEXT_FIELDS, with_context
from probe.text.description import PATH_MAX, describe_reference
from probe.text.safe_text import safe_text
from probe.x509.names import SPIFFE, is_ip_address

_NO_RESOURCE: Final[Mapping[str, str]] = MappingProxyType({})

LONGEST_REMARK: Final = 1024
"""Characters; the texts are our own, with a name or two from the settings in them."""
_MOST_SIGNAL_PATHS: Final = 3
"""How many signals' paths at the end of a request's path are looked at; one is right."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What of a target never changes between attempts, made once."""

    target: Target
    facts: TargetFacts
    request: Request
    """With nothing in it, and the target's own headers alone."""
    carrier: Request | None
    """The same with Trace Context headers to be filled in, where contexts are propagated."""
    canary: Canary | None
    """Depth canary: what goes out instead, with the probe's own item."""
    dial: Endpoint
    """Where the socket goes: the endpoint, or its proxy."""
    address: str
    """The host to dial where it is an address already; empty for a name."""
    alpn: tuple[bytes, ...]
    server_name: str
    purpose: Purpose

    def request_at(self, at: float, trace: TraceContext | None) -> tuple[Request, str]:
        """Return what an attempt that begins at `at` (epoch seconds) sends.

        Also the trace id of its canary, in hex: empty where it sends none. Where contexts are
        propagated, every attempt has one.
        """
        assert trace is not None or self.carrier is None, "a context to fill in is missing"
        request, trace_id = (
            (self.carrier or self.request, "")
            if self.canary is None
            else self.canary.request(at, trace)
        )
        if self.carrier is not None and trace is not None:
            request = with_context(request, trace)
        return request, trace_id


def prepare(
    target: Target,
    user_agent: str,
    clock_tolerance: float,
    resource: Mapping[str, str] = _NO_RESOURCE,
    *,
    propagate: bool = False,
) -> Prepared:
    """Make once what every attempt of `target` uses: its facts and its encoded request.

    With `propagate`, its requests have a place for the attempt's trace context.
    """
    fields = CONTEXT_FIELDS if propagate else ()
    dial = _dial(target)
    reference = target.reference_identifier
    grpc = target.protocol == "grpc"
    return Prepared(
        target=target,
        request=build_request(target, user_agent),
        carrier=build_request(target, user_agent, b"", fields) if propagate else None,
        canary=(canary(target, user_agent, resource, fields) if target.depth == "canary" else None),
        dial=dial,
        address=dial.host if is_ip_address(dial.host) else "",
        # grpc-go offers h2 alone, net/http h2 and http/1.1 (interfaces.md, section 3).
        alpn=(b"h2",) if grpc else (b"h2", b"http/1.1"),
        server_name=target.endpoint.host if reference.startswith(SPIFFE) else reference,
        purpose="tls" if target.depth == "tls" else "export",
        facts=target_facts(target, clock_tolerance),
    )


def target_facts(target: Target, clock_tolerance: float) -> TargetFacts:
    """Return what the diagnosis may know of `target`: no header value, no password."""
    settings = target.tls
    return TargetFacts(
        name=safe_text(target.name),
        endpoint=safe_text(str(target.endpoint)),
        host=safe_text(target.endpoint.host),
        port=target.endpoint.port,
        protocol=target.protocol,
        signal=target.signal,
        depth=target.depth,
        reference_identifier=safe_text(describe_reference(target.reference_identifier)),
        timeout=target.timeout,
        plaintext=target.plaintext,
        insecure_skip_verify=settings.insecure_skip_verify,
        client_certificate_configured=settings.has_client_certificate,
        cert_file=_shown_file(settings.cert_file, "cert_pem" if settings.cert_pem else ""),
        key_file=_shown_file(settings.key_file, "key_pem" if settings.key_pem else ""),
        ca_file=_shown_file(settings.ca_file, "ca_pem" if settings.ca_pem else ""),
        header_names=tuple(safe_text(name) for name, _ in target.headers),
        proxy=safe_text(str(_dial(target))) if target.proxy_url is not None else "",
        source_kinds=tuple(dict.fromkeys(target.source_kinds())),
        labels=tuple((safe_text(name), safe_text(value)) for name, value in target.labels),
        expect_cause=target.expect_cause,
        clock_tolerance=clock_tolerance,
        remarks=_about_settings(target, target.remarks),
        notes=tuple(safe_text(note, LONGEST_REMARK) for note in _notes(target)),
        read_once=_read_once(target),
        settings_file=_settings_file(target),
        signal_paths=_signal_paths(target),
        request_to_root=_path_without_query(target) == "/",
        signal_variables=target.signal_variables,
    )


def _path_without_query(target: Target) -> str:
    """Return the path that is set for OTLP/HTTP; empty where it is not, or for gRPC."""
    return "" if target.protocol == "grpc" else target.endpoint.path.partition("?")[0]


def _signal_paths(target: Target) -> tuple[str, ...]:
    """Return the signals whose own paths the request's ends in; nothing else of it, maybe a token."""
    parts = [part for part in _path_without_query(target).split("/") if part]
    found: list[str] = []
    while len(found) < _MOST_SIGNAL_PATHS and parts[-2:-1] == ["v1"] and parts[-1] in SIGNALS:
        found.insert(0, parts[-1])
        del parts[-2:]
    return tuple(found)


def _settings_file(target: Target) -> str:
    """Return the exporter's own file that the settings stand in: a Collector's, or an SDK's."""
    files = (
        source.where
        for source in target.sources
        if source.kind in {"collector", "sdk"} and source.where != "environment"
    )
    return safe_text(next(files, ""), PATH_MAX)


def _shown_file(path: str | None, inline: str) -> str:
    """Return the path, whole: a command with a part of it would not work; or the inline key."""
    return safe_text(path or inline, PATH_MAX)


def with_setting_faults(facts: CredentialFacts, target: Target) -> CredentialFacts:
    """Return `facts` with what no exporter can work with in the settings of `target`, first."""
    faults = _about_settings(target, target.faults)
    return msgspec.structs.replace(facts, faults=faults + facts.faults)


def _about_settings(target: Target, remarks: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            cause=remark.cause,
            role="setting",
            path=safe_text(target.sources[0].where),
            fact=safe_text(remark.fact, LONGEST_REMARK),
            fix=tuple(safe_text(step, LONGEST_REMARK) for step in remark.fix),
        )
        for remark in remarks
    )


def _notes(target: Target) -> Iterator[str]:
    """Yield the target's notes, and which sources name it where several do."""
    yield from target.notes
    if len(named := dict.fromkeys(target.sources)) > 1:
        sources = "; ".join(f"{source.kind} {source.where}".rstrip() for source in named)
        yield f"several sources name this target: {sources}"


def _read_once(target: Target) -> tuple[str, ...]:
    """Return the files that the exporter behind `target` reads at its start alone.

    An SDK reads all of them once; so does a Collector without `reload_interval`, and with it the
    CA still (configtls: the reloader is of the pair). Whose files the probe's own configuration
    names is not known.
    """
    kinds = tuple(target.source_kinds())
    if "sdk" in kinds or ("collector" in kinds and target.tls.reload_interval is None):
        return ("cert", "ca")
    return ("ca",) if "collector" in kinds else ()


def _dial(target: Target) -> Endpoint:
    if target.proxy_url is None:
        return target.endpoint
    parts = urlsplit(target.proxy_url.reveal())
    return Endpoint(host=parts.hostname or "", port=parts.port or 80)
