"""Writes docs/configuration.md from the Structs that read configuration files.

    make references

Keys, types and defaults come from the Structs, meanings from the docstrings of their fields.
"""

import dataclasses
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from probe.config import schema
from probe.config.sources.collector import exporter
from probe.config.sources.sdk import file_schema
from probe.config.sources.sdk.environment import FILE_VARIABLES
from probe.model.target import GENERAL_VARIABLES, SIGNALS, Target, TlsSettings
from probe.schemas.struct_texts import describe_fields
from probe.web.server.tls_settings import TlsServerEntry
from probe.web.server.web_file import HttpServerEntry, RateLimitEntry, WebFileEntry

Shape = msgspec.inspect.Type
Struct = type[msgspec.Struct]

SECTIONS: Final[tuple[tuple[str, Struct], ...]] = (
    ("The file", schema.FileEntry),
    ("`defaults`", schema.DefaultsEntry),
    ("`targets`", schema.TargetEntry),
    ("`expect`", schema.ExpectEntry),
    ("`tls`", schema.TlsEntry),
    ("`sources`", schema.SourceEntry),
    ("`sdk`", schema.SdkEntry),
    ("`process`", schema.ProcessEntry),
    ("`modules`", schema.ModuleEntry),
    ("`clock`", schema.ClockEntry),
    ("`clock.sources`", schema.ClockSourceEntry),
    ("`web`", schema.WebEntry),
    ("`shard`", schema.ShardEntry),
    ("`experiments`", schema.ExperimentsEntry),
    ("`alerts`", schema.AlertsEntry),
    ("`telemetry`", schema.TelemetryEntry),
)
WEB_SECTIONS: Final[tuple[tuple[str, Struct], ...]] = (
    ("Web file", WebFileEntry),
    ("`tls_server_config`", TlsServerEntry),
    ("`http_server_config`", HttpServerEntry),
    ("`rate_limit`", RateLimitEntry),
)
TITLES: Final = {struct: title for title, struct in (*SECTIONS, *WEB_SECTIONS)}
BEHIND: Final = {schema.DefaultsEntry: Target, schema.TlsEntry: TlsSettings}
"""The source of the default of a key that is not set."""

HEAD: Final = """\
# Configuration reference

<!-- Written by `make references` from the Structs that read the files. Do not edit. -->

Every key of the configuration file, of the [web file](#web-file), and what is read of [a Collector](#a-collectors-configuration) and of [an SDK](#an-sdks-settings). How it is used: [configuring targets and sources](configuring.md).

- The file is YAML 1.2. A key that is not listed here is an error. `null` means that a key is not set.
- A duration is Go's (`500ms`, `30s`, `1h30m`) and may have days and weeks (`2d`, `1w`).
- `${env:NAME}`, `${NAME}`, `${env:NAME:-default}`, `${file:PATH}` and `${yaml:TEXT}` expand by the Collector's rules. Write `$$` for a dollar sign before a brace.
- Names of files are relative to the working directory; in the web file, to its own folder.
"""
COLLECTOR: Final = """\
## A Collector's configuration

`sources: [{collector: FILE}]` reads every OTLP exporter (`otlp`, `otlp_grpc`, `otlphttp`, `otlp_http`, `otelarrow`, `loadbalancing`) that a pipeline of `service` uses, and those of the Collector's own telemetry. Several files merge as `--config` of the Collector merges them; of a file only the first YAML document counts. References expand where they are needed; a provider that only the Collector has fails the target that needs it.

- Of an exporter: %s. `tls` is [as above](#tls).
- Of `loadbalancing`: the settings of `protocol.otlp`, and `resolver`. Each of `static.hostnames` is a target. `dns.hostname` is a target with `addresses: each`; the exporter knows the addresses alone, so that they are what it verifies, unless `tls.server_name_override` names another name. What `k8s` and `aws_cloud_map` name is not known to the probe.
- Of `service.telemetry`: each `otlp` below the processors of `traces` and `logs` and the periodic readers of `metrics`, with the keys `protocol`, `endpoint`, `certificate`, `client_certificate`, `client_key`, `headers`, `headers_list`, `insecure`. These exporters are the Go SDK's.
- Of `extensions`, where `auth` names one: `bearertokenauth`, `basicauth` and `headers_setter`.
- Of `receivers`: where `otlp` listens and its `tls` files, to compare the certificate on the disk with the one that is served, and to name in the steps of a fix the backend's own files. A backend's configuration without an OTLP exporter can be a source for this alone.

Other keys have no meaning for a probe and are ignored. An exporter with which the Collector would not start is a target that fails with `exporter_configuration_invalid`.
"""
SDK: Final = """\
## An SDK's settings

`sources: [{sdk: environment}]`, and `mtls-probe` without `--config`, read these variables by the specification "OpenTelemetry Protocol Exporter". Each has a variant for one signal, which comes first: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`.

%s

`OTEL_%s_EXPORTER` and `OTEL_SDK_DISABLED` say whether there is an exporter at all. `HTTPS_PROXY` and `NO_PROXY` are honoured as by the exporters. A file that %s names replaces the variables. `MTLS_PROBE_EXPORTER` says whose verdict counts, as `exporter` does.

`sources: [{sdk: FILE}]` reads the declarative configuration (opentelemetry-configuration 1.0 and earlier formats): of every exporter %s under the processors and readers of `tracer_provider`, `meter_provider` and `logger_provider` the keys %s. `${NAME}` and `${NAME:-default}` are replaced by the SDK's rules.
"""


def render() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for title, struct in SECTIONS:
        parts.append(_render_section(title, struct))
    for title, struct in WEB_SECTIONS:
        parts.append(_render_section(title, struct))
    parts.append(COLLECTOR % _list_keys(exporter.ExporterEntry))
    variables = [*GENERAL_VARIABLES.values(), "OTEL_EXPORTER_OTLP_INSECURE"]
    parts.append(
        SDK
        % (
            "\n".join(f"- `{name}`" for name in sorted(variables)),
            "|".join(signal.upper() for signal in SIGNALS),
            " or ".join(f"`{name}`" for name in FILE_VARIABLES),
            ", ".join(f"`{name}`" for name in file_schema.EXPORTERS),
            _list_keys(file_schema.Otlp),
        )
    )
    return "\n".join(parts)


def _render_section(title: str, struct: Struct) -> str:
    lines = [f"## {title}", "", (inspect.getdoc(struct) or "").replace("\n", " "), ""]
    meanings = describe_fields(struct)
    for base in struct.__mro__[1:]:
        if base in TITLES:
            lines += [f"It takes every key of {_link(base)}, and:", ""]
    lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
    information = msgspec.inspect.type_info(struct)
    assert isinstance(information, msgspec.inspect.StructType)
    for field in information.fields:
        if field.name in meanings:
            kind = _name_type(field.type).replace("|", "\\|")
            default = _name_default(struct, field)
            meaning = meanings[field.name].replace("|", "\\|")
            lines.append(f"| `{field.name}` | {kind} | {default} | {meaning} |")
    return "\n".join((*lines, ""))


def _name_type(shape: Shape) -> str:
    kinds = msgspec.inspect
    match shape:
        case kinds.Metadata(type=inner, extra=extra):
            return "duration" if (extra or {}).get("duration") else _name_type(inner)
        case kinds.UnionType(types=types):
            return " or ".join(
                _name_type(kind) for kind in types if not isinstance(kind, kinds.NoneType)
            )
        case kinds.StructType(cls=struct):
            return f"[mapping]({_anchor(TITLES[struct])})"
        case kinds.DictType(value_type=kinds.StructType(cls=struct)):
            return f"mapping of names to [mappings]({_anchor(TITLES[struct])})"
        case kinds.DictType(value_type=inner):
            return f"mapping of names to {_name_type(inner)}"
        case kinds.ListType(item_type=kinds.StructType(cls=struct)):
            return f"list of [mappings]({_anchor(TITLES[struct])})"
        case kinds.ListType(item_type=inner):
            return f"list of {_name_type(inner)}"
        case kinds.IntType(ge=lowest):
            return "whole number" if lowest is None else f"whole number from {lowest}"
        case kinds.FloatType(ge=lowest, le=highest):
            return f"number from {lowest:g} to {highest:g}"
        case kinds.BoolType():
            return "true or false"
        case kinds.StrType():
            return "text"
    return "any"


def _name_default(struct: Struct, field: Any) -> str:
    if field.required:
        return "required"
    default = field.default
    behind = BEHIND.get(struct)
    if default is None and behind is not None:
        known = {each.name: each.default for each in dataclasses.fields(behind)}
        default = known.get(field.name)
        if field.name == "protocol":
            return "by port"
    if isinstance(default, bool):
        return "true" if default else "false"
    if isinstance(default, float) and field.name in {"interval", "timeout"}:
        return f"`{default:g}s`"
    if isinstance(default, int | float | str) and default != "":
        return f"`{default}`"
    return ""


def _list_keys(struct: Struct) -> str:
    return ", ".join(f"`{name}`" for name in struct.__struct_fields__)


def _link(struct: Any) -> str:
    return f"[{TITLES[struct]}]({_anchor(TITLES[struct])})"


def _anchor(title: str) -> str:
    """Return the anchor that forges make of a heading."""
    return "#" + title.lower().replace("`", "").replace(".", "").replace(" ", "-")


def find_undocumented() -> Iterator[str]:
    """Yield each key without a meaning."""
    for _, struct in (*SECTIONS, *WEB_SECTIONS):
        for name, meaning in describe_fields(struct).items():
            if not meaning:
                yield f"{struct.__name__}.{name}"


def find_structs(kind: Any) -> set[Any]:
    """Return the Structs in the type `kind`."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {kind}
    return {struct for part in get_args(kind) for struct in find_structs(part)}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
