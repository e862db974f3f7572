"""A container whose program has an SDK: the variables that it would work by, and its exporters.

Pure. What a manifest shows of the language is the SDK that the operator injects, the program that is
started, and options of a Java machine; what the image holds is not seen.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from probe.config.errors import ConfigurationError, UnknownSettingError, explain_unreadable
from probe.config.source_content import SourceContent, add_faults
from probe.config.sources.manifest.container_arguments import unwrap_shell
from probe.config.sources.manifest.container_variables import Refused, Unknown
from probe.config.sources.manifest.instrumentation import WEB_SERVERS, speaks_grpc_by_default
from probe.config.sources.manifest.place import Place
from probe.config.sources.process.effective_settings import choose_settings
from probe.config.sources.process.java_options import (
    LAST_OPTIONS,
    LAUNCHER_OPTIONS,
    TOOL_OPTIONS,
    apply_agent_options,
    read_java_options,
)
from probe.config.sources.process.recognised import Recognised
from probe.config.sources.sdk.declarative_file import read_sdk_file
from probe.config.sources.sdk.environment import FILE_VARIABLES, SOURCE, read_environment
from probe.config.sources.sdk.java.properties_file import read_properties
from probe.config.sources.sdk.java.system_properties import (
    find_configuration_file,
    merge_settings,
)
from probe.config.sources.sdk.variables import PREFIX
from probe.model.runtime import (
    COLLECTOR,
    DOTNET,
    GO_HTTP,
    JAVA_OKHTTP,
    NODE_HTTP,
    PYTHON_HTTP,
    find_sibling,
)
from probe.model.target import NO_ENDPOINT, Protocol, Target

_INJECTED: Final = "OpenTelemetry's, which the operator injects"
_LANGUAGES: Final = {
    "java": ("Java", JAVA_OKHTTP.id),
    "nodejs": ("Node", NODE_HTTP.id),
    "python": ("Python", PYTHON_HTTP.id),
    "dotnet": (".NET", DOTNET.id),
    "go": ("Go", GO_HTTP.id),
}
_JAVA: Final = re.compile(r"java")
_PROGRAMS: Final = (
    ("java", _JAVA),
    ("python", re.compile(r"python[0-9.]*|opentelemetry-instrument|gunicorn|uvicorn|flask")),
    ("nodejs", re.compile(r"node|nodejs|npm|npx|yarn|pnpm")),
    ("dotnet", re.compile(r"dotnet")),
)
_JAVA_VARIABLES: Final = (TOOL_OPTIONS, LAUNCHER_OPTIONS, LAST_OPTIONS)
_READ: Final = re.compile(
    rf"{PREFIX}\w+|OTEL_(?:TRACES|METRICS|LOGS)_EXPORTER|OTEL_SDK_DISABLED"
    rf"|OTEL_JAVAAGENT_CONFIGURATION_FILE|{'|'.join((*FILE_VARIABLES, *_JAVA_VARIABLES))}"
)
"""The variables that decide what an exporter does; another one may be unknown."""


def has_sdk(place: Place, command: Sequence[str]) -> bool:
    """Return whether anything of a container says where an SDK exports to, or that it has one."""
    if place.spec.language:
        return place.spec.language not in WEB_SERVERS
    names = place.variables.list_names()
    if any(name.startswith(PREFIX) or name in FILE_VARIABLES for name in names):
        return True
    texts = [*command, *(_peek(place, name) for name in _JAVA_VARIABLES)]
    return any("-Dotel.exporter.otlp." in text for text in texts)


def read_sdk(place: Place, command: Sequence[str], fallback: str) -> SourceContent:
    """Return the targets of the program that a container runs.

    Args:
        place: The container.
        command: Its command and arguments.
        fallback: Whose verdict counts where the language is not known.

    Raises:
        UnknownSettingError: where what decides is not in the manifest.
        ConfigurationError: where it could not start.
    """
    environ = _list_known(place)
    found = _recognise(place, command, environ)
    settings = choose_settings(found, fallback)
    file = next((settings.environ[n] for n in FILE_VARIABLES if settings.environ.get(n)), "")
    if file:
        try:
            content = read_sdk_file(place.read_file(file), file, settings.environ)
        except (OSError, ValueError) as error:
            reason = f"cannot be read: {explain_unreadable(error)}"
            raise ConfigurationError(reason, file=f"{place.title}: {file}") from None
    else:
        content = read_environment(settings.environ, settings.exporter)
    notes = (*settings.notes, *found.notes)
    targets = (
        replace(
            target,
            exporter=_choose_exporter(settings.exporter, target),
            notes=tuple(dict.fromkeys((*notes, *target.notes))),
        )
        for target in content.targets
    )
    failed = (make_failed_sdk(content.errors),) if content.errors else ()
    return replace(content, targets=(*targets, *failed), errors=())


def make_failed_sdk(errors: Sequence[ConfigurationError]) -> Target:
    """Return the target of an SDK whose exporter cannot be made of its settings."""
    target = Target(name="sdk", endpoint=NO_ENDPOINT, sources=(SOURCE,))
    return add_faults(target, errors)


def _choose_exporter(exporter: str, target: Target) -> str:
    sibling = find_sibling(exporter, target.protocol)
    return exporter if sibling == COLLECTOR.id else sibling


def _list_known(place: Place) -> dict[str, str]:
    """Return the variables of a container.

    Raises:
        UnknownSettingError: where one that decides is not known.
        ConfigurationError: where one that decides keeps the container from starting.
    """
    variables = place.variables
    for name in (f"{PREFIX}ENDPOINT", f"{PREFIX}CLIENT_KEY", *variables.list_names()):
        if not _READ.fullmatch(name):
            continue
        value = variables.peek(name)
        if isinstance(value, Refused):
            raise value.error
        if isinstance(value, Unknown):
            text = f"the value of its variable {name} is not known: {value.reason}"
            raise UnknownSettingError(text)
    return dict(variables)


def _peek(place: Place, name: str) -> str:
    value = place.variables.peek(name)
    return value if isinstance(value, str) else ""


def _recognise(place: Place, command: Sequence[str], environ: Mapping[str, str]) -> Recognised:
    injected = place.spec.language
    language, by = injected, "the operator injects its SDK"
    if not language:
        language, by = _find_language(place, command)
    runtime, exporter = _LANGUAGES.get(language, ("", ""))
    if language == "java":
        return _recognise_java(place, command, environ, by)
    return Recognised(
        runtime=runtime,
        by=by,
        exporter=exporter,
        sdk=_INJECTED if injected else "",
        protocol="http/protobuf" if injected and exporter else None,
        protocol_by=f"the default of the SDK of {runtime} that the operator injects",
        zero_code=bool(injected),
        settings=environ,
    )


def _find_language(place: Place, command: Sequence[str]) -> tuple[str, str]:
    for word in command[:3]:
        name = word.rpartition("/")[2]
        for language, form in _PROGRAMS:
            if form.fullmatch(name):
                return language, f"its command begins with {name}"
    for name in _JAVA_VARIABLES:
        if _peek(place, name):
            return "java", f"{name} is set"
    return "", ""


def _recognise_java(
    place: Place, command: Sequence[str], environ: Mapping[str, str], by: str
) -> Recognised:
    """Return what options of the machine and variables say together; files are read where they are.

    Raises:
        UnknownSettingError: where the agent's properties file is not in the manifest.
    """
    injected = place.spec.language == "java"
    words = unwrap_shell(command, _JAVA)
    if not (words and _JAVA.fullmatch(words[0].rpartition("/")[2])):
        # The image's own entry point starts the machine: only options of it count as such.
        words = ("java", *words)
    options = read_java_options(tuple(words), environ, place.read_file)
    system = dict(options.properties)
    for agent in options.agents:
        system |= apply_agent_options(agent.options)
    properties: dict[str, str] = {}
    notes: list[str] = []
    file = find_configuration_file(environ, system, "/root")
    if file:
        try:
            properties = read_properties(place.read_file(file))
            notes.append(f"the agent's properties file is {place.name_origin(file)}")
        except (OSError, ValueError) as error:
            reason = explain_unreadable(error)
            notes.append(
                f"the agent's properties file {file} cannot be read ({reason}): it is empty to it"
            )
    has_agent = injected or bool(options.agents)
    protocol: Protocol = (
        "grpc" if speaks_grpc_by_default("java", place.spec.agent_image) else "http/protobuf"
    )
    return Recognised(
        runtime="Java",
        by=by,
        exporter=JAVA_OKHTTP.id,
        sdk=_INJECTED if injected else "",
        protocol=protocol if has_agent else None,
        protocol_by=f"the default of the agent ({'before 2.0' if protocol == 'grpc' else '2.0 and later'})"
        if has_agent
        else "",
        zero_code=has_agent,
        settings=merge_settings(properties, environ, system),
        notes=tuple(notes),
    )
