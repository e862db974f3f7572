"""The settings of a Java SDK or agent, as the variables that every other SDK reads.

Pure. Follows DefaultConfigProperties and ConfigUtil of opentelemetry-java 1.68: properties of files
and suppliers come first, environment variables over them, system properties (`-D`) over both; names
are equal when they are equal in lower case with `.` for `-` and `_`. A value that is empty still
replaces another one.
"""

from collections.abc import Mapping
from typing import Final

CONFIGURATION_FILE: Final = "otel.javaagent.configuration-file"
"""The property that names the agent's properties file; nothing but the agent reads it."""

_OURS: Final = "otel."


def to_variable(key: str) -> str | None:
    """Return the variable that stands for the property `key`; None where it is not OpenTelemetry's."""
    normalized = key.lower().replace("-", ".").replace("_", ".")
    return normalized.upper().replace(".", "_") if normalized.startswith(_OURS) else None


def to_variables(properties: Mapping[str, str]) -> dict[str, str]:
    """Return OpenTelemetry's `properties` by the names of their variables; others are left out."""
    return {
        name: value for key, value in properties.items() if (name := to_variable(key)) is not None
    }


def merge_settings(
    properties: Mapping[str, str], environ: Mapping[str, str], system: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables that an SDK of Java works by, in place of its environment.

    Args:
        properties: Of the agent's file, or an application's own defaults.
        environ: The environment of the process; what is not OpenTelemetry's stays as it is.
        system: The system properties, given as `-Dname=value`.
    """
    merged = {name: value for name, value in environ.items() if _of_environment(name) is None}
    merged |= to_variables(properties)
    for name, value in environ.items():
        if (variable := _of_environment(name)) is not None:
            merged[variable] = value
    return merged | to_variables(system)


def find_configuration_file(
    environ: Mapping[str, str], system: Mapping[str, str], home: str = "~"
) -> str:
    """Return the agent's properties file, or an empty text; `home` takes the place of a leading `~`.

    This one name is looked up before anything is merged, and as it is written: `OTEL_JAVAAGENT_CONFIGURATION_FILE`,
    unless the system property is set.
    """
    variable = CONFIGURATION_FILE.upper().replace(".", "_").replace("-", "_")
    file = system.get(CONFIGURATION_FILE, environ.get(variable, ""))
    return home + file[1:] if file.startswith("~") else file


def _of_environment(name: str) -> str | None:
    """Return the variable that Java takes `name` for: it ignores case, and reads `.` like `_`."""
    return None if "-" in name else to_variable(name)
