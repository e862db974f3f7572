"""Java: the options of its machine, which agent or SDK it has, and which sender its exporters use.

Pure but for the readers. What is in a jar is known by its directory; jars are looked at through the
descriptors of the process, so that they are the ones it has open, wherever it found them.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import BinaryIO, Final

from probe.config.source_content import report_ignored
from probe.config.sources.process.jar import read_jar_directory
from probe.config.sources.process.java_options import (
    JavaOptions,
    apply_agent_options,
    read_java_options,
)
from probe.config.sources.process.java_rules import find_java_faults
from probe.config.sources.process.recognised import ReadFile, Recognised
from probe.config.sources.process.running import ProcessView
from probe.config.sources.sdk.java.properties_file import read_properties
from probe.config.sources.sdk.java.system_properties import (
    find_configuration_file,
    merge_settings,
    to_variable,
)
from probe.model.finding import Finding
from probe.model.runtime import JAVA_GRPC, JAVA_JDK, JAVA_OKHTTP
from probe.model.target import Protocol
from probe.text.description import describe_path
from probe.text.safe_text import safe_text

OpenJar = Callable[[int], BinaryIO]
"""Opens a descriptor of the process; raises OSError or ValueError."""

_MOST_JARS: Final = 512
_MOST_BYTES: Final = 64 << 20
"""Of the directories of all jars of one process."""
_AGENT: Final = re.compile(rb"io/opentelemetry/javaagent/")
_HTTP_BY_DEFAULT: Final = re.compile(rb"javaagent/tooling/config/OtlpProtocol")
"""The agent's class that makes http/protobuf the default, from 2.0 on."""
_AGENT_OPTIONS: Final = re.compile(rb"AgentArgUtil")
"""The agent's class that reads the options of -javaagent; most releases have none."""
_STARTER: Final = re.compile(rb"opentelemetry-spring-boot-(?:autoconfigure|starter)-\d")
_AUTOCONFIGURE: Final = re.compile(
    rb"opentelemetry-sdk-extension-autoconfigure-\d|io/opentelemetry/sdk/autoconfigure/Auto"
)
_EXPORTER: Final = re.compile(
    rb"opentelemetry-exporter-otlp-\d|io/opentelemetry/exporter/otlp/(?:http|trace|all)/"
)
_SENDERS: Final = (
    (JAVA_OKHTTP, "OkHttp", re.compile(rb"exporter[-/]sender[-/]okhttp")),
    (JAVA_JDK, "the JDK's HttpClient", re.compile(rb"exporter[-/]sender[-/]jdk")),
    (JAVA_GRPC, "grpc-java", re.compile(rb"exporter[-/]sender[-/]grpc-?managed-?channel")),
)


def is_java(view: ProcessView) -> bool:
    """Return whether the process is a Java virtual machine: the launcher, or any that embeds one."""
    return any(path.endswith("/libjvm.so") for path in view.mapped)


def recognise_java(view: ProcessView, read_file: ReadFile, open_jar: OpenJar) -> Recognised:
    """Return what is known of the exporters of a Java process."""
    options = read_java_options(view.arguments, view.environ, read_file)
    agents = [agent.file for agent in options.agents]
    packed = b"\n".join(_read_jars(view.opened, open_jar))
    system = dict(options.properties)
    if _AGENT_OPTIONS.search(packed):
        for agent in options.agents:
            system |= apply_agent_options(agent.options)
    properties, notes = _read_agent_file(view, system, read_file)
    has_agent = bool(_AGENT.search(packed))
    has_starter = bool(_STARTER.search(packed))
    autoconfigures = has_agent or has_starter or bool(_AUTOCONFIGURE.search(packed))
    runtime, sender = next(
        ((runtime, name) for runtime, name, form in _SENDERS if form.search(packed)),
        (JAVA_OKHTTP, ""),
    )
    sdk = ""
    if has_agent:
        sdk = f"the OpenTelemetry agent {_name_file(agents[0]) if agents else ''}".rstrip()
    elif has_starter:
        sdk = "OpenTelemetry's Spring Boot starter"
    elif autoconfigures or _EXPORTER.search(packed):
        sdk = "an OTLP exporter in its jars"
    if sdk and not autoconfigures:
        notes.append(
            "its jars have no opentelemetry-sdk-extension-autoconfigure: an exporter that a program "
            "of Java builds itself reads no variable"
        )
    if sdk and sender:
        sdk += f", which sends with {sender}"
    if system.get("javax.net.ssl.trustStore"):
        notes.append(
            "javax.net.ssl.trustStore names its roots, which the probe does not read: where no CA is "
            "set, the system's count here"
        )
    settings = merge_settings(properties, view.environ, system)
    http = has_starter or bool(_HTTP_BY_DEFAULT.search(packed))
    default: Protocol = "http/protobuf" if http else "grpc"
    notes += (
        f"the argument file {_name_file(file)} cannot be read: what it says is left out"
        for file in options.unread
    )
    return Recognised(
        runtime="Java",
        by="libjvm.so is in its memory",
        exporter=runtime.id,
        sdk=sdk,
        protocol=default,
        protocol_by=_explain_default(has_agent=has_agent, has_starter=has_starter, http=http),
        zero_code=autoconfigures,
        settings=settings,
        remarks=tuple(_find_remarks(settings)) if has_agent else (),
        faults=find_java_faults(settings, default) if autoconfigures else (),
        proxy=_read_proxy(system),
        # `*` at an end stands for any text there; Go's rules, which are used, have it for domains.
        no_proxy=system.get("http.nonProxyHosts", "").replace("|", ",").replace("*.", "."),
        notes=(*_note_properties(options, system, view.environ), *notes),
    )


def _find_remarks(settings: Mapping[str, str]) -> Iterator[Finding]:
    if settings.get("OTEL_JAVAAGENT_ENABLED", "").strip().lower() == "false":
        fact = (
            "otel.javaagent.enabled is false: the agent does nothing, so that nothing is exported"
        )
        yield report_ignored(fact, "Remove otel.javaagent.enabled where telemetry is wanted.")


def _read_proxy(system: Mapping[str, str]) -> str:
    """Return the proxy of Java's HTTP clients for https (java.base, "Networking Properties")."""
    host = system.get("https.proxyHost", "")
    return f"http://{host}:{system.get('https.proxyPort', '443')}" if host else ""


def _explain_default(*, has_agent: bool, has_starter: bool, http: bool) -> str:
    if has_agent:
        return f"the default of this agent ({'2.0 and later' if http else 'before 2.0'})"
    return "the default of the Spring Boot starter" if has_starter else "the default of Java's SDK"


def _read_jars(opened: Mapping[int, str], open_jar: OpenJar) -> Iterator[bytes]:
    """Yield the names of the jars that are open, and of what is packed into them."""
    jars = [(number, path) for number, path in opened.items() if path.endswith(".jar")]
    left = _MOST_BYTES
    for number, path in jars[:_MOST_JARS]:
        yield path.encode("utf-8", "surrogateescape")
        if left > 0:
            with suppress(OSError, ValueError), open_jar(number) as file:
                names = read_jar_directory(file)
                left -= len(names)
                yield names


def _read_agent_file(
    view: ProcessView, system: Mapping[str, str], read_file: ReadFile
) -> tuple[dict[str, str], list[str]]:
    """Return what the agent's properties file says; one that is missing says nothing to it either."""
    home = system.get("user.home") or view.environ.get("HOME", "~")
    file = find_configuration_file(view.environ, system, home)
    if not file:
        return {}, []
    shown = _name_file(file)
    try:
        return read_properties(read_file(file)), [f"the agent's properties file is {shown}"]
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError as error:
        reason = str(error)
    return {}, [
        f"the agent's properties file {shown} cannot be read ({safe_text(reason)}): it counts as empty"
    ]


def _note_properties(
    options: JavaOptions, system: Mapping[str, str], environ: Mapping[str, str]
) -> Iterator[str]:
    """Say which settings are system properties, where from, and which variables they replace."""
    by_origin: dict[str, list[str]] = {}
    for name in system:
        if (variable := to_variable(name)) is None:
            continue
        shown = f"-D{safe_text(name, 128)}"
        if variable in environ:
            shown += f" (over {variable})"
        by_origin.setdefault(options.origins.get(name, "the options of its agent"), []).append(
            shown
        )
    for origin, names in by_origin.items():
        yield f"from {safe_text(origin)}: {_join_some(names)}"


def _join_some(names: Iterable[str]) -> str:
    names = list(names)
    more = len(names) - 12
    return ", ".join(names[:12]) + (f" and {more} more" if more > 0 else "")


def _name_file(path: str) -> str:
    return safe_text(describe_path(path), 256)
