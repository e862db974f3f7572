"""The backends of a Collector's load-balancing exporter: each is a target.

Pure but for the files that `CollectorFiles` reads. Follows contrib's loadbalancingexporter: it makes
a gRPC exporter of `protocol.otlp` for each backend that its resolver names. The DNS resolver names
addresses, so that each is all that such an exporter asks for and verifies.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from msgspec import Struct, field

from probe.config.check_settings import check_name
from probe.config.errors import UnknownSettingError
from probe.config.location import Location
from probe.config.source_content import report_ignored
from probe.config.sources.collector.authentication import Warn
from probe.config.sources.collector.endpoint import parse_grpc_endpoint
from probe.config.sources.collector.exporter import (
    Exporter,
    ExporterEntry,
    complete_target,
    read_entry,
)
from probe.config.sources.collector.merge import CollectorFiles
from probe.model.finding import Finding
from probe.model.target import Source, Target
from probe.text.host_port import join_host_port

BALANCER_TYPES: Final = frozenset({"loadbalancing", "load_balancing"})
_DEFAULT_PORT: Final = "4317"
_MOST_BACKENDS: Final = 256
"""Backends of one static resolver that are probed."""


class _Static(Struct, frozen=True):
    hostnames: list[str] = field(default_factory=list)


class _Dns(Struct, frozen=True):
    hostname: str = ""
    port: str = ""
    server: str = ""


class _Service(Struct, frozen=True):
    service: str = ""
    ports: list[int] = field(default_factory=list)


class Resolver(Struct, frozen=True):
    """`resolver` of the exporter; it has one of these."""

    static: _Static | None = None
    dns: _Dns | None = None
    k8s: _Service | None = None
    aws_cloud_map: Any = None


def read_load_balancer(
    exporter: Exporter,
    files: CollectorFiles,
    environ: Mapping[str, str],
    source: Source,
    warn: Warn,
) -> tuple[Target, ...]:
    """Return a target for each backend that is named, or one for all addresses of a DNS name.

    Raises:
        ConfigurationError: Settings with which the Collector does not start or never exports.
        UnknownSettingError: where only something else than DNS knows the backends.
    """
    at = files.at["exporters"][exporter.key]
    check_name(exporter.id, at)
    resolver = files.component_part(Resolver, "exporters", exporter.key, "resolver")
    path = ("exporters", exporter.key, "protocol", "otlp")
    entry, settings = read_entry(files, *path), at["protocol"]["otlp"]
    remarks: tuple[Finding, ...] = ()
    if entry.endpoint:
        remarks = (_ENDPOINT_IGNORED,)

    def make(name: str, text: str, where: Location, **more: Any) -> Target:
        destination = where.parse(parse_grpc_endpoint, text)
        target = Target(
            name=name,
            endpoint=destination.endpoint,
            protocol="grpc",
            signal=exporter.signals[0],
            sources=(source,),
            **more,
        )
        made = complete_target(target, destination, entry, settings, files, environ, warn)
        return replace(made, remarks=made.remarks + remarks)

    _check_one(resolver, at["resolver"])
    if resolver.static is not None:
        where = at["resolver"]["static"]["hostnames"]
        backends = sorted(set(map(_with_port, resolver.static.hostnames)))
        if not backends:
            raise where.error("has no backend, with which the Collector does not start")
        if len(backends) > _MOST_BACKENDS:
            warn(f"{len(backends)} backends; the first {_MOST_BACKENDS} are probed")
        return tuple(
            make(f"{exporter.id}/{text}", text, where) for text in backends[:_MOST_BACKENDS]
        )
    if resolver.dns is not None:
        return (_read_dns(exporter, resolver.dns, entry, at["resolver"]["dns"], make, warn),)
    raise UnknownSettingError(_explain_unknown(resolver))


def _check_one(resolver: Resolver, location: Location) -> None:
    """Check that there is one resolver (newLoadBalancer).

    Raises:
        ConfigurationError: where there are none or several.
    """
    kinds = Resolver.__struct_fields__
    named = [kind for kind in kinds if getattr(resolver, kind) is not None]
    if not named:
        raise location.error("has no resolver", allowed=kinds)
    if len(named) > 1:
        reason = "has several resolvers, with which the Collector does not start"
        raise location.error(reason, found=", ".join(named))


def _read_dns(
    exporter: Exporter, dns: _Dns, entry: ExporterEntry, location: Location, make: Any, warn: Warn
) -> Target:
    """Return the target that stands for all addresses of a name."""
    if not dns.hostname:
        raise location["hostname"].error("is empty, with which the Collector does not start")
    if dns.server:
        warn("its resolver's own DNS server is not asked, but the system's resolver")
    text = join_host_port(dns.hostname, dns.port or _DEFAULT_PORT)
    target: Target = make(
        exporter.id, text, location["hostname"], addresses="each", names_addresses=True
    )
    # What the endpoint says of the name itself is never sent.
    return replace(target, authority=entry.authority)


def _with_port(text: str) -> str:
    return text if ":" in text else f"{text}:{_DEFAULT_PORT}"


def _explain_unknown(resolver: Resolver) -> str:
    if resolver.k8s is not None:
        ports = ", ".join(map(str, resolver.k8s.ports)) or _DEFAULT_PORT
        return (
            "its backends are the pods of a Kubernetes service, which only the Kubernetes API "
            f"knows: name the service's headless name with port {ports} as a target of its own, "
            "with addresses: each"
        )
    return "its backends are known to AWS Cloud Map alone: name each as a target of its own"


_ENDPOINT_IGNORED: Final = report_ignored(
    "protocol.otlp.endpoint has no effect: the resolver names the backends",
    "Remove it.",
)
