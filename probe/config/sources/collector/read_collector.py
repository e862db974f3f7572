"""The targets of an OpenTelemetry Collector: every OTLP exporter in every pipeline, and of its own.

Pure but for reading the files. An exporter whose settings are refused is a target that fails; what
else keeps the Collector from starting is one more, named by the configuration. The others are
probed, with the finding that the Collector does not start. An exporter that the probe cannot stand
in for, or that no pipeline uses, is a warning.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from probe.config.errors import ConfigurationError, NotProbedError, UnknownSettingError
from probe.config.expand import UnsetVariable
from probe.config.location import Location
from probe.config.other_files import recognise_document
from probe.config.source_content import SourceContent, add_faults, report_ignored
from probe.config.sources.collector.decode import COLLECTOR_SAYS
from probe.config.sources.collector.exporter import (
    GRPC_TYPES,
    HTTP_TYPES,
    Exporter,
    read_exporter,
)
from probe.config.sources.collector.exporter_block import find_exporter_block, surround
from probe.config.sources.collector.failed_exporter import make_failed_target
from probe.config.sources.collector.load_balancer import BALANCER_TYPES, read_load_balancer
from probe.config.sources.collector.merge import (
    CollectorFiles,
    ReadText,
    component_id,
    component_type,
)
from probe.config.sources.collector.own_telemetry import read_own_telemetry
from probe.config.sources.collector.receiver import find_served_certificates
from probe.config.sources.collector.startup import SECTIONS, Startup, judge_startup
from probe.model.finding import Finding
from probe.model.target import NO_ENDPOINT, SIGNALS, Source, Target
from probe.text.description import describe_path
from probe.text.safe_text import safe_text

CAUSE: Final = "exporter_configuration_invalid"
_MOST_NAMED: Final = 3
"""How many reasons the finding on a neighbour names."""


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
        ConfigurationError: where the files cannot be read at all: with file, line, key, what was
            found and what is allowed.
    """
    files = CollectorFiles(paths, environ, read_text)
    where = files.document.file
    if not files.document.value:
        raise ConfigurationError("is empty", file=where)
    _take_exporter_block(files)
    _refuse_other_files(files)
    source = Source("collector", where)
    startup = judge_startup(files)
    exporters = _list_exporters(files)
    read = _read_exporters(exporters, files, environ, source, startup)
    targets, own = read.targets, read.own
    telemetry, more = read_own_telemetry(files, environ, source)
    targets += telemetry
    besides = _list_besides(startup, own)
    besides += (error for error in more if error.key not in {each.key for each in besides})
    if besides:
        targets.append(_make_collector_target(source, besides, startup, own))
    for text in (*startup.unresolved, *_name_own_types(startup)):
        files.warn(text)
    served = find_served_certificates(
        files,
        frozenset(name for held in startup.pipelines.values() for name in held["receivers"]),
        files.warn,
    )
    if not (served or telemetry or besides or any(map(_is_otlp, exporters))):
        files.warn("it holds no OTLP exporter")
    return SourceContent(
        targets=tuple(_tell_neighbours(targets, files)),
        unprobed=tuple(read.unprobed),
        # A backend's configuration has receivers alone, and says what the backend serves.
        empty="" if served else "no OTLP exporter of it is probed",
        warnings=tuple(safe_text(f"{where}: {text}", 1024) for text in files.warnings),
        served=served,
    )


def _take_exporter_block(files: CollectorFiles) -> None:
    """Put a configuration around exporters that stand alone."""
    if block := find_exporter_block(files.document):
        files.document = surround(files.document, block)
        files.at = Location(files.document)
        files.warn(
            "it holds exporters alone, which are probed as if a pipeline of traces used them"
        )


def _refuse_other_files(files: CollectorFiles) -> None:
    """Refuse the file of another program.

    Raises:
        ConfigurationError: saying what it is, or naming its first key.
    """
    document = files.document
    other = recognise_document(document.value)
    if other is not None and other.source != "collector":
        raise ConfigurationError(other.explain(document.file), file=document.file)
    if not any(key in SECTIONS for key in document.value):
        key = next(iter(document.value))
        reason = "is not the configuration of a Collector: unknown key"
        raise files.at[key].error(reason, found=key, allowed=SECTIONS)


@dataclass(slots=True)
class _ReadExporters:
    targets: list[Target] = field(default_factory=list)
    own: set[str] = field(default_factory=set)
    """The ids that are targets, or would be: what is wrong with them is theirs."""
    unprobed: list[str] = field(default_factory=list)


def _read_exporters(
    exporters: Mapping[str, str],
    files: CollectorFiles,
    environ: Mapping[str, str],
    source: Source,
    startup: Startup,
) -> _ReadExporters:
    used = _find_signals(startup)
    result = _ReadExporters()
    for name, key in exporters.items():
        if not _is_otlp(name):
            continue

        def warn(text: str, name: str = name) -> None:
            files.warn(f"exporters.{name}: {text}")

        signals = tuple(signal for signal in SIGNALS if signal in used.get(name, ()))
        if not signals and name not in used and startup.pipelines_unknown:
            # Which pipelines use it cannot be read: it is probed as if one of traces did.
            signals = SIGNALS[:1]
        if not signals:
            warn(
                "only pipelines of profiles use it, so it is not probed"
                if name in used
                else "no pipeline uses it, so it is not probed"
            )
            continue
        result.own.add(name)
        exporter = Exporter(id=name, key=key, signals=signals)
        errors = [
            error
            for error in startup.components.get(("exporters", name), [])
            if not _is_missing_half(error)
        ]
        found: tuple[Target, ...] = ()
        try:
            read = read_load_balancer if _is_balancer(name) else read_exporter
            found = read(exporter, files, environ, source, warn)
        except UnknownSettingError as error:
            result.unprobed.append(f"exporters.{name}: {error}")
        except NotProbedError as error:
            warn(f"it is not probed: {error}")
        except ConfigurationError as error:
            errors = _join_errors(errors, error)
        unset = startup.unset.get(("exporters", name), ())
        if errors:
            result.targets.append(
                _explain_unset(
                    make_failed_target(exporter, files, source, errors), unset, source.where
                )
            )
        else:
            notes = tuple(safe_text(str(each)) for each in unset)
            remarks = tuple(map(_report_unknown, startup.ignored.get(("exporters", name), ())))
            result.targets += (
                replace(target, notes=target.notes + notes, remarks=target.remarks + remarks)
                for target in found
            )
    return result


def _is_missing_half(error: ConfigurationError) -> bool:
    """Whether half of a client's pair is not named: a fault of the credentials, which they report."""
    halves = (".tls.cert_file", ".tls.key_file")
    return error.found is None and error.key is not None and error.key.endswith(halves)


def make_unreadable_target(where: str, error: ConfigurationError) -> Target:
    """Return the target of a Collector whose configuration cannot be read at all, which fails."""
    return add_faults(_name_target(Source("collector", where)), (error,))


def _name_target(source: Source) -> Target:
    return Target(
        name=safe_text(describe_path(source.where)), endpoint=NO_ENDPOINT, sources=(source,)
    )


def _list_exporters(files: CollectorFiles) -> dict[str, str]:
    try:
        return files.components("exporters")
    except ConfigurationError:
        return {}  # it is one of the reasons why the Collector does not start


def _is_otlp(name: str) -> bool:
    return component_type(name) in GRPC_TYPES | HTTP_TYPES | BALANCER_TYPES


def _is_balancer(name: str) -> bool:
    return component_type(name) in BALANCER_TYPES


def _find_signals(startup: Startup) -> dict[str, set[str]]:
    """Return which signals reach each exporter."""
    used: dict[str, set[str]] = {}
    for pipeline, held in startup.pipelines.items():
        for name in held["exporters"]:
            used.setdefault(component_id(name), set()).add(component_type(pipeline))
    return used


def _join_errors(
    errors: Sequence[ConfigurationError], error: ConfigurationError
) -> list[ConfigurationError]:
    """Return `errors` with what the exporter's own reading says, in the place of one like it."""
    alike = next((each for each in errors if each.key == error.key), None)
    if alike is None:
        return [*errors, error]
    _, mark, words = alike.reason.partition(COLLECTOR_SAYS)
    if mark and COLLECTOR_SAYS not in error.reason:
        error.reason += mark + words
    return [error if each is alike else each for each in errors]


def _explain_unset(target: Target, unset: Iterable[UnsetVariable], where: str) -> Target:
    """Return `target` with a fault for each variable that is not set before its other faults."""
    first = tuple(
        Finding(
            cause=CAUSE,
            fact=safe_text(f"{where}: {each}"),
            fix=(
                safe_text(
                    f"Set the variable {each.name} for the Collector, or give the reference a "
                    f"default: ${{env:{each.name}:-…}}."
                ),
            ),
        )
        for each in unset
    )
    return replace(target, faults=(*first, *target.faults))


def _report_unknown(error: ConfigurationError) -> Finding:
    """Return the finding on a key that the exporter passes over."""
    where = error.file if error.line is None else f"{error.file}:{error.line}"
    step = f"Correct or remove {error.key}"
    return report_ignored(
        f"{where}: {error.key}: {error.reason}, and earlier ones refuse",
        f"{step}: did you mean {error.nearest}?" if error.nearest else f"{step}.",
    )


def _list_besides(startup: Startup, own: set[str]) -> list[ConfigurationError]:
    """Return what keeps the Collector from starting and is not a fault of a target's exporter."""
    return [
        *startup.collector,
        *(
            error
            for (section, name), errors in startup.components.items()
            if section != "exporters" or name not in own
            for error in errors
        ),
    ]


def _make_collector_target(
    source: Source, errors: Sequence[ConfigurationError], startup: Startup, own: set[str]
) -> Target:
    failed = add_faults(_name_target(source), errors)
    unset = [
        each
        for (section, name), variables in startup.unset.items()
        if (section, name) in startup.components and not (section == "exporters" and name in own)
        for each in variables
    ]
    return _explain_unset(failed, unset, source.where)


def _name_own_types(startup: Startup) -> Iterator[str]:
    if startup.of_own_types:
        named = ", ".join(startup.of_own_types)
        yield (
            f"no known distribution of the Collector has the types of {named}: whether a build has "
            "them, and takes their settings, is not judged"
        )


def _tell_neighbours(targets: Sequence[Target], files: CollectorFiles) -> Iterator[Target]:
    """Yield each target; those that can work carry what keeps their Collector from starting."""
    reasons = [fault for target in targets for fault in target.faults]
    missing = {target.name: _name_missing_file(target, files) for target in targets}
    for target in targets:
        others = [fault.fact for fault in reasons]
        others += [text for name, text in missing.items() if text and name != target.name]
        if target.faults or not others:
            yield target
            continue
        more = f", and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
        fact = f"the Collector does not start with this configuration: {'; '.join(others[:_MOST_NAMED])}"
        fix = tuple(dict.fromkeys(step for fault in reasons for step in fault.fix))[:_MOST_NAMED]
        finding = Finding(cause=CAUSE, fact=safe_text(fact + more, 1024), fix=fix)
        yield replace(target, remarks=(*target.remarks, finding))


def _name_missing_file(target: Target, files: CollectorFiles) -> str:
    """Return which credential file of `target` is not there; empty where all are."""
    tls = target.tls
    if target.faults or target.plaintext:
        return ""
    has_cert, has_key = bool(tls.cert_file or tls.cert_pem), bool(tls.key_file or tls.key_pem)
    if has_cert != has_key:
        missing = "key_file" if has_cert else "cert_file"
        return f"exporters.{target.name}: {missing} is not set"
    for key in ("ca_file", "cert_file", "key_file"):
        path = getattr(tls, key)
        try:
            if path:
                files.read(path)
        except FileNotFoundError:
            return f"exporters.{target.name}: {key} names {describe_path(path)}, which is not there"
        except (OSError, ValueError, UnknownSettingError):
            continue  # it may be there, whatever it is
    return ""
