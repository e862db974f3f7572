"""The target of an exporter that cannot work: it fails, and says where it would connect to. Pure."""

from collections.abc import Iterable

from probe.config.errors import ConfigurationError, NotProbedError
from probe.config.source_content import add_faults
from probe.config.sources.collector.endpoint import parse_grpc_endpoint, parse_http_endpoint
from probe.config.sources.collector.exporter import HTTP_TYPES, Exporter
from probe.config.sources.collector.merge import CollectorFiles, component_type
from probe.model.target import NO_ENDPOINT, Source, Target


def make_failed_target(
    exporter: Exporter,
    files: CollectorFiles,
    source: Source,
    errors: Iterable[ConfigurationError],
) -> Target:
    """Return the target of an exporter that cannot work because of `errors`, which fails.

    Its endpoint is the one that can be read, or none.
    """
    grpc = component_type(exporter.id) not in HTTP_TYPES
    keys = ("endpoint",) if grpc else (f"{exporter.signals[0]}_endpoint", "endpoint")
    endpoint = NO_ENDPOINT
    for key in keys:
        try:
            text = files.value("exporters", exporter.key, key)
            if isinstance(text, str):
                parse = parse_grpc_endpoint if grpc else parse_http_endpoint
                endpoint = parse(text).endpoint
                break
        except (ConfigurationError, NotProbedError, ValueError):
            continue
    target = Target(
        name=exporter.id,
        endpoint=endpoint,
        protocol="grpc" if grpc else "http/protobuf",
        signal=exporter.signals[0],
        sources=(source,),
    )
    return add_faults(target, errors)
