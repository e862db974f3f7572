"""The environment variables that an SDK reads its settings from, by the settings' own key names.

Pure. A signal's own variable comes before the general one (specification "OpenTelemetry Protocol
Exporter"), so that a change of the general one then changes nothing: whoever prints a variable for
someone to correct asks here which one decides.
"""

from typing import Final

GENERAL_VARIABLES: Final = {
    "ca_file": "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "cert_file": "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    "key_file": "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    "endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT",
    "headers": "OTEL_EXPORTER_OTLP_HEADERS",
    "protocol": "OTEL_EXPORTER_OTLP_PROTOCOL",
}
"""By setting, the variable for all signals; a setting that is not here has none."""

SignalVariables = tuple[tuple[str, tuple[str, ...]], ...]
"""By setting, the variables that decide, only where they are not the general one alone."""


def deciding_variables(setting: str, own: SignalVariables) -> tuple[str, ...]:
    """Return the variables that `setting` comes from; none where SDKs have no variable for it."""
    for name, variables in own:
        if name == setting:
            return variables
    general = GENERAL_VARIABLES.get(setting)
    return () if general is None else (general,)


def name_variables(setting: str, own: SignalVariables) -> str:
    """Return the variables that `setting` comes from as a sentence has them: `A`, or `A and B`."""
    *others, last = deciding_variables(setting, own) or ("",)
    return f"{', '.join(others)} and {last}" if others else last
