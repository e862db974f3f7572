"""The targets of an OpenTelemetry Collector: every OTLP exporter in every pipeline, and of its own.

Pure but for reading the files. An exporter with which the Collector would not start is a target
that fails, or an error where it has no endpoint; one that the probe cannot stand in for, or that no
pipeline uses, is a warning. Neither stops the others.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from probe.config.errors import ConfigurationError, NotProbedError, UnknownSettingError
from probe.config.source_content import SourceContent
from probe.config.sources.collector.exporter import (
    GRPC_TYPES,
    HTTP_TYPES,
    Exporter,
    make_failed_target,
    read_exporter,
)
from probe.config.sources.collector.load_balancer import BALANCER_TYPES, read_load_balancer
from probe.config.sources.collector.merge import (
    CollectorFiles,
    ReadText,
    component_id,
    component_type,
)
from probe.config.sources.collector.own_telemetry import read_own_telemetry
from probe.config.sources.collector.receiver import find_served_certificates
from probe.model.target import SIGNALS, Source, Target
from probe.text.safe_text import safe_text

SECTIONS: Final = (
    "connectors", "exporters", "extensions", "processors", "receivers", "service",
)  # fmt: skip
"""The keys of a Collector's configuration (otelcol's `configSettings`)."""

PIPELINE_SIGNALS: Final = (*SIGNALS, "profiles")
"""What a pipeline's id begins with; profiles have no stable OTLP service to be probed."""


class _Pipeline(Struct, frozen=True):
    receivers: list[str] = field(default_factory=list)
    exporters: list[str] = field(default_factory=list)


def read_collector(
    paths: Sequence[str], environ: Mapping[str, str], read_text: ReadText
) -> SourceContent:
    """Read the configuration that `paths` make together, the later files over the earlier.

    A gRPC exporter is one target, named by its id, whose signal is the first of traces, metrics
    and logs that a pipeline brings to it; so is an HTTP exporter, with one more target, named
    `id-signal`, for each signal that goes to another endpoint.

    Args:
        paths: The files, as `--config` of the Collector names them.
        environ: The environment's variables, for references and proxies.
        read_text: Returns a file's text; raises OSError or ValueError where it cannot.

    Raises:
        ConfigurationError: where the files or their lists of exporters and pipelines cannot be
            read: with file, line, key, what was found and what is allowed.
    """
    files = CollectorFiles(paths, environ, read_text)
    _check_sections(files)
    source = Source("collector", files.document.file)
    pipelines = files.component("service", "pipelines", dict[str, _Pipeline])
    exporters = files.components("exporters")
    errors: list[ConfigurationError] = []
    used = _find_signals(pipelines, exporters, files, errors)
    targets: list[Target] = []
    unprobed: list[str] = []
    for name, key in exporters.items():
        if not _is_otlp(name):
            continue

        def warn(text: str, name: str = name) -> None:
            files.warn(f"exporters.{name}: {text}")

        signals = tuple(signal for signal in SIGNALS if signal in used.get(name, ()))
        if not signals:
            warn(
                "only pipelines of profiles use it, so it is not probed"
                if name in used
                else "no pipeline uses it, so it is not probed"
            )
            continue
        exporter = Exporter(id=name, key=key, signals=signals)
        try:
            read = read_load_balancer if _is_balancer(name) else read_exporter
            targets += read(exporter, files, environ, source, warn)
        except UnknownSettingError as error:
            unprobed.append(f"exporters.{name}: {error}")
        except NotProbedError as error:
            warn(f"it is not probed: {error}")
        except ConfigurationError as error:
            failed = make_failed_target(exporter, files, source, error)
            if failed is None:
                errors.append(error)
            else:
                targets.append(failed)
    own, own_errors = read_own_telemetry(files, environ, source)
    targets += own
    errors += own_errors
    served = find_served_certificates(
        files,
        frozenset(component_id(name) for each in pipelines.values() for name in each.receivers),
        files.warn,
    )
    if not served and not own and not any(map(_is_otlp, exporters)):
        files.warn("it holds no OTLP exporter")
    where = files.document.file
    return SourceContent(
        targets=tuple(targets),
        errors=tuple(errors),
        unprobed=tuple(unprobed),
        # A backend's configuration has receivers alone, and says what the backend serves.
        empty="" if served else "no OTLP exporter of it is probed",
        warnings=tuple(safe_text(f"{where}: {text}", 1024) for text in files.warnings),
        served=served,
    )


def _check_sections(files: CollectorFiles) -> None:
    """Refuse an empty configuration, and keys that confmap refuses: the file of another program.

    Raises:
        ConfigurationError: naming the first key that a Collector does not have.
    """
    if not files.document.value:
        raise ConfigurationError("is empty", file=files.document.file)
    for key in files.document.value:
        if key not in SECTIONS:
            raise files.at[key].error("unknown key", found=key, allowed=SECTIONS)


def _is_otlp(name: str) -> bool:
    return component_type(name) in GRPC_TYPES | HTTP_TYPES | BALANCER_TYPES


def _is_balancer(name: str) -> bool:
    return component_type(name) in BALANCER_TYPES


def _find_signals(
    pipelines: Mapping[str, _Pipeline],
    exporters: Mapping[str, str],
    files: CollectorFiles,
    errors: list[ConfigurationError],
) -> dict[str, set[str]]:
    """Return which signals reach each exporter.

    A pipeline of an unknown signal, or that names an OTLP exporter which is not there, is one more
    of `errors`; the other pipelines count.
    """
    used: dict[str, set[str]] = {}
    for pipeline, entry in pipelines.items():
        at = files.at["service"]["pipelines"][pipeline]
        signal = component_type(pipeline)
        if signal not in PIPELINE_SIGNALS:
            reason = "is a pipeline of an unknown signal"
            errors.append(at.error(reason, found=signal, allowed=PIPELINE_SIGNALS))
            continue
        for position, written in enumerate(entry.exporters):
            name = component_id(written)
            if name not in exporters and _is_otlp(name):
                reason = "is not among the exporters"
                errors.append(
                    at["exporters"][position].error(reason, found=name, allowed=exporters)
                )
            used.setdefault(name, set()).add(signal)
    return used
