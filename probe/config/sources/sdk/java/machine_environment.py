"""What an environment says of a Java machine next to `OTEL_*`: its options, and its agent's file.

Pure but for the reader that is passed in. JAVA_TOOL_OPTIONS and its kin hold system properties, which
come before variables; OTEL_JAVAAGENT_CONFIGURATION_FILE names a file, which comes after them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from probe.config.errors import explain_unreadable
from probe.config.sources.process.java_options import (
    LAST_OPTIONS,
    LAUNCHER_OPTIONS,
    TOOL_OPTIONS,
    read_java_options,
)
from probe.config.sources.sdk.java.properties_file import read_properties
from probe.config.sources.sdk.java.system_properties import (
    find_configuration_file,
    merge_settings,
    to_variable,
)
from probe.text.description import describe_path
from probe.text.safe_text import safe_text

_OPTIONS: Final = (TOOL_OPTIONS, LAUNCHER_OPTIONS, LAST_OPTIONS)


@dataclass(frozen=True, slots=True)
class MachineEnvironment:
    """The variables that an SDK of a Java machine with this environment works by."""

    variables: Mapping[str, str]
    notes: tuple[str, ...]


def read_machine_environment(
    environ: Mapping[str, str], read_file: Callable[[str], bytes]
) -> MachineEnvironment | None:
    """Return the variables with what Java's own say; None where those say nothing of OpenTelemetry.

    Args:
        environ: The environment.
        read_file: Reads the agent's file and option files; raises OSError or ValueError.
    """
    options = read_java_options(("java",), environ, read_file)
    ours = sorted(name for name in options.properties if to_variable(name) is not None)
    file = find_configuration_file(environ, options.properties, environ.get("HOME", "~"))
    if not (ours or file):
        return None
    notes: list[str] = []
    if ours:
        named = ", ".join(name for name in _OPTIONS if environ.get(name))
        shown = ", ".join(f"-D{safe_text(name, 128)}" for name in ours[:12])
        notes.append(f"from {named}: {shown}")
    properties: dict[str, str] = {}
    if file:
        shown = safe_text(describe_path(file), 256)
        try:
            properties = read_properties(read_file(file))
            notes.append(f"the agent's properties file is {shown}")
        except (OSError, ValueError) as error:
            reason = safe_text(explain_unreadable(error))
            notes.append(f"the agent's properties file {shown} cannot be read ({reason})")
    merged = merge_settings(properties, environ, options.properties)
    return MachineEnvironment(merged, tuple(notes))
