"""What the exporter's own settings show to be wrong with the path of an OTLP/HTTP request.

Pure. Exporters append `/v1/<signal>` to a general endpoint and use a signal's own one as it is
(specification "OpenTelemetry Protocol Exporter", "Endpoint URLs for OTLP/HTTP"; `endpoint` and
`traces_endpoint` of a Collector's otlphttp exporter are alike), so that each is easily given what
only the other one wants.
"""

from probe.diagnosis.fixes.steps import Fix, escape_braces, get_settings_kind
from probe.model.evidence import TargetFacts


def find_path_mistake(target: TargetFacts) -> tuple[str, Fix] | None:
    """Return what is wrong with the path by the settings themselves, and its fix; None: nothing."""
    signal = escape_braces(target.signal)
    wanted = f"/v1/{signal}"
    held = [f"/v1/{escape_braces(one)}" for one in target.signal_paths]
    if len(held) > 1:
        found = "".join(held)
        fact = (
            f"the request's path ends in {found}: exporters append {wanted} to a general endpoint"
        )
        step = (
            f"Remove {''.join(held[:-1])} from the path of {{endpoint_setting}}: the request to "
            f"{{endpoint}} has a path that ends in {found}, and OTLP/HTTP wants {wanted}."
        )
    elif held and held != [wanted]:
        fact = f"the request's path ends in {held[0]}, and {signal} are sent"
        step = (
            f"Correct the path of {{endpoint_setting}} for {{endpoint}}: OTLP/HTTP wants {wanted}, "
            f"not {held[0]}."
        )
    elif held and target.path_ends_in_slash:
        fact = f"the request's path ends in {wanted}/, which is another one than {wanted}"
        step = f"Remove the last / from {{endpoint_setting}} for {{endpoint}}: OTLP/HTTP wants {wanted}."
    elif target.request_to_root:
        # A Collector's only endpoint without an appended path is the one of the signal.
        own = f"{signal}_" if get_settings_kind(target) == "collector" else ""
        fact = (
            "the request goes to /: an endpoint of one signal is used as it is, and this one has no "
            "path"
        )
        step = (
            f"Append {wanted} to {own}{{endpoint_setting}}, {{endpoint}} now: exporters use it as it "
            "is."
        )
    else:
        return None
    return fact, (step, "{restart}")
