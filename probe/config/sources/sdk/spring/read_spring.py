"""The targets of a Spring Boot application, read from its configuration. Pure but for its reader.

Two programs export from there: OpenTelemetry's starter, which reads `otel.*`, and Spring Boot's own
actuator, which reads `management.*` with certificates of `spring.ssl.bundle.*`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from probe.config.errors import ConfigurationError
from probe.config.source_content import SourceContent
from probe.config.sources.sdk.environment import read_environment
from probe.config.sources.sdk.origin import Origin
from probe.config.sources.sdk.spring.actuator import read_actuator
from probe.config.sources.sdk.spring.config_data import (
    ConfigDocument,
    Name,
    Setting,
    list_documents,
    make_uniform,
    split_name,
)
from probe.config.sources.sdk.spring.placeholders import Resolver, UnresolvedError
from probe.config.sources.sdk.spring.profiles import (
    choose_profiles,
    counts,
    find_condition,
    list_profile_files,
    list_values,
)
from probe.model.target import SIGNALS
from probe.text.safe_text import safe_text

_LISTS: Final = tuple(f"otel.{signal}.exporter" for signal in SIGNALS)
_HEADERS: Final = tuple(
    f"otel.exporter.otlp.{signal}headers" for signal in ("", *(f"{one}." for one in SIGNALS))
)
_OURS: Final = frozenset({"otel", "management"})


@dataclass(frozen=True, slots=True)
class Application:
    """What an application works by: settings by their uniform names, resolved."""

    settings: Mapping[Name, Setting]
    faults: Mapping[Name, ConfigurationError]
    """By name, why a value cannot be known."""
    notes: tuple[str, ...] = ()
    """What was chosen or is not read."""


def read_spring(
    raw: bytes,
    file: str,
    environ: Mapping[str, str],
    exporter: str,
    *,
    profiles: Sequence[str] = (),
    read_file: Callable[[str], bytes] | None = None,
) -> SourceContent:
    """Return the targets of all OTLP exporters that the application makes.

    Args:
        raw: The file's content.
        file: Its name.
        environ: Where placeholders and the active profiles are looked up first.
        exporter: Whose verdict counts, by its id.
        profiles: The active ones, where the user names them.
        read_file: Reads the files of profiles next to it; raises OSError or ValueError.

    Raises:
        ConfigurationError: with line and key, where the application would not start.
    """
    application = read_application(raw, file, environ, profiles, read_file)
    notes = application.notes
    starter = _read_starter(application, file, exporter)
    actuator = read_actuator(application.settings, application.faults, file)
    targets = tuple(
        replace(target, notes=(*target.notes, *notes))
        for target in (*starter.targets, *actuator.targets)
    )
    errors = (*starter.errors, *actuator.errors)
    empty = "; ".join((_NOTHING, *notes)) if not (targets or errors) else ""
    return SourceContent(targets=targets, errors=errors, empty=empty)


def read_application(
    raw: bytes,
    file: str,
    environ: Mapping[str, str],
    profiles: Sequence[str],
    read_file: Callable[[str], bytes] | None,
) -> Application:
    """Return the settings of the application, by the arguments of `read_spring`.

    Raises:
        ConfigurationError: with line and key, where the application would not start.
    """
    documents = list_documents(raw, file)
    active = choose_profiles(documents, environ, profiles)
    if read_file is not None:
        for name in list_profile_files(file, active):
            with suppress(OSError, ValueError):
                documents += list_documents(read_file(name), name)
    merged: dict[Name, Setting] = {}
    inactive: list[ConfigDocument] = []
    for document in documents:
        if _counts(document, active, file):
            merged |= document.settings
        else:
            inactive.append(document)
    notes = tuple(_describe_choices(active, inactive, merged))
    return replace(_resolve(merged, environ), notes=notes)


_NOTHING: Final = (
    "it has no OTLP exporter: neither otel.exporter.otlp.endpoint of OpenTelemetry's starter, nor "
    "an endpoint or url of management.otlp.* or management.opentelemetry.* of Spring Boot"
)


def _counts(document: ConfigDocument, active: Sequence[str], file: str) -> bool:
    try:
        return counts(document, active)
    except ValueError as error:
        key = "spring.config.activate.on-profile"
        raise ConfigurationError(str(error), file=file, line=document.line, key=key) from None


def _describe_choices(
    active: Sequence[str], inactive: Sequence[ConfigDocument], merged: Mapping[Name, Setting]
) -> Iterator[str]:
    """Say which profiles count where any document depends on one, and what is not read."""
    left_out = [one for one in inactive if any(name[0] in _OURS for name in one.settings if name)]
    if left_out:
        names = ", ".join(safe_text(one) for one in active)
        wanted = dict.fromkeys(safe_text(text) for one in left_out for text in find_condition(one))
        yield (
            f"active profiles are {names}: documents for {', '.join(wanted)} do not count; name "
            "others with SPRING_PROFILES_ACTIVE"
        )
    if imports := list_values(merged, "spring.config.import"):
        yield f"spring.config.import is not followed: {', '.join(map(safe_text, imports))}"


def _resolve(merged: Mapping[Name, Setting], environ: Mapping[str, str]) -> Application:
    """Replace the placeholders of the settings that matter here."""
    resolver = Resolver(merged, environ)
    settings: dict[Name, Setting] = {}
    faults: dict[Name, ConfigurationError] = {}
    for name, setting in merged.items():
        if not name or name[0] not in {*_OURS, "spring"}:
            continue
        try:
            settings[name] = replace(setting, text=resolver.resolve(setting.text))
        except UnresolvedError as error:
            reason = (
                f"{error}, so that the application does not start with it; set {error.name} for "
                "the probe too, or give a default"
            )
            faults[name] = setting.error(reason)
        except ValueError as error:
            faults[name] = setting.error(str(error))
    return Application(settings, faults)


def _read_starter(application: Application, file: str, exporter: str) -> SourceContent:
    """Read `otel.*` as OpenTelemetry's Spring Boot starter does."""
    settings = application.settings
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    written: dict[str, str] = {}
    for name, setting in settings.items():
        variable = "_".join(name).upper()
        if name[0] == "otel" and not variable.endswith("_HEADERS"):
            values[variable], lines[variable] = setting.text, setting.line
            written[variable] = setting.written
    for key in _LISTS:
        if items := list_values(settings, key):
            values["_".join(make_uniform(key)).upper()] = ",".join(items)
    for key in _HEADERS:
        variable = "_".join(make_uniform(key)).upper()
        pairs = dict(list_pairs(settings, make_uniform(key)))
        own = settings.get(make_uniform(key))
        joined = [f"{header}={value.replace(',', '%2C')}" for header, value in pairs.items()]
        if own is not None and own.text:
            joined.insert(0, own.text)
        if joined:
            values[variable] = ",".join(joined)
    faults = tuple(
        fault
        for name, fault in application.faults.items()
        if name[:3] == ("otel", "exporter", "otlp")
    )
    origin = Origin(
        file=file,
        lines=lines,
        written=written,
        properties=True,
        default_protocol="http/protobuf",
        reader="OpenTelemetry's Spring Boot starter",
        runtime_known=True,
    )
    content = read_environment(values, exporter, origin)
    return SourceContent(targets=content.targets, errors=(*content.errors, *faults))


def list_pairs(settings: Mapping[Name, Setting], prefix: Name) -> Iterator[tuple[str, str]]:
    """Yield the entries of a map, with their keys as they are written."""
    for name, setting in settings.items():
        if name[: len(prefix)] == prefix and len(name) > len(prefix):
            yield ".".join(split_name(setting.written)[len(prefix) :]), setting.text
