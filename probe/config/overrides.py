"""`--with KEY=VALUE`: settings that targets are tried with in place of their own.

The keys are those of a target in the configuration, with a dot for what is within: `tls.cert_file`.
Nothing is written: what a target was read from stays as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import click

from probe.config.check_settings import (
    PAIRS,
    check_form,
    header_fault,
    server_name_fault,
    setting_faults,
)
from probe.config.duration import seconds
from probe.config.errors import ConfigurationError, find_nearest
from probe.config.location import Location
from probe.config.schema import TargetEntry, TlsEntry
from probe.config.target_entry import (
    check_exporter,
    choose_protocol,
    merge_headers,
    tls_conflicts,
    tls_settings,
)
from probe.config.typed_values import convert
from probe.config.yaml_document import Document, Expanded, Place, parse_yaml
from probe.model.runtime import RUNTIMES_BY_ID
from probe.model.target import Endpoint, Secret, ServerCertificateFile, Target, TlsSettings
from probe.text.description import describe_key
from probe.text.safe_text import safe_text

_OPTION: Final = "--with"
_SIMPLE: Final = (
    "endpoint", "protocol", "signal", "exporter", "depth", "addresses", "timeout", "proxy_url",
    "server_cert_file",
)  # fmt: skip
_UNSET_ENDPOINT: Final = "unset.invalid:1"
_FILES: Final = ("ca_file", "cert_file", "key_file")


@dataclass(frozen=True, slots=True)
class Override:
    """What `--with` sets, right in form."""

    entry: TargetEntry
    keys: tuple[str, ...]
    """Each key that is set, as it was written."""
    location: Location


@cache
def list_keys() -> tuple[str, ...]:
    """Return every key that can be set."""
    tls = (f"tls.{key}" for key in TlsEntry.__struct_fields__ if key != "tpm")
    return (*_SIMPLE, *tls, "headers.NAME")


def read_overrides(settings: Sequence[str]) -> Override:
    """Read the KEY=VALUE of each `--with`.

    Raises:
        click.UsageError: where one is not, has a key that is not known, or a value that is none.
    """
    value: dict[str, Any] = {"endpoint": _UNSET_ENDPOINT}
    keys = []
    for text in settings:
        key, mark, held = text.partition("=")
        if not mark:
            raise click.UsageError(f"{_OPTION} is KEY=VALUE, as in tls.cert_file=new.crt")
        first, _, rest = key.partition(".")
        if key not in list_keys() and not (first == "headers" and rest):
            raise click.UsageError(_describe_unknown(key))
        keys.append(key)
        # A header's value is a text whatever it looks like.
        item: Any = held if first == "headers" else Expanded(_resolve(held), held)
        if rest:
            value.setdefault(first, {})[rest] = item
        else:
            value[key] = item
    location = Location(Document(_OPTION, value, Place(0)))
    try:
        entry = convert(value, TargetEntry, location)
        check_form(entry, location)
        for fault in setting_faults(entry, location):
            raise fault
    except ConfigurationError as error:
        raise _as_usage_error(error) from None
    return Override(entry, tuple(keys), location)


def apply_overrides(targets: Sequence[Target], override: Override) -> list[Target]:
    """Return `targets` with what `override` sets.

    Raises:
        click.UsageError: where a target cannot have it.
    """
    if "endpoint" in override.keys and len(targets) > 1:
        raise click.UsageError(f"{_OPTION} endpoint goes with one target; here are {len(targets)}")
    try:
        return [_apply(target, override) for target in targets]
    except ConfigurationError as error:
        raise _as_usage_error(error) from None


def _apply(target: Target, override: Override) -> Target:
    entry, here, keys = override.entry, override.location, override.keys
    changed: dict[str, Any] = {}
    for key in ("signal", "depth", "addresses"):
        if key in keys:
            changed[key] = getattr(entry, key)
    if "timeout" in keys and entry.timeout:
        changed["timeout"] = seconds(entry.timeout)
    if "proxy_url" in keys:
        changed["proxy_url"] = Secret(entry.proxy_url) if entry.proxy_url else None
    if "server_cert_file" in keys:
        file = entry.server_cert_file
        changed["server_certificate_file"] = ServerCertificateFile(file) if file else None
    endpoint = target.endpoint
    if "endpoint" in keys:
        endpoint = changed["endpoint"] = here["endpoint"].parse(Endpoint.parse, entry.endpoint)
    exporter = entry.exporter or target.exporter
    protocol = target.protocol
    if entry.protocol or protocol not in RUNTIMES_BY_ID[exporter].protocols:
        protocol = choose_protocol(entry.protocol, exporter, endpoint.port)
    check_exporter(exporter, protocol, here["exporter"])
    changed |= {"exporter": exporter, "protocol": protocol}
    tls = changed["tls"] = _apply_tls(target, override)
    for conflict in tls_conflicts(tls, here["tls"]):
        raise conflict
    if endpoint.scheme == "http" and "endpoint" in keys and not tls.insecure:
        raise here["endpoint"].error("http:// sends telemetry in plaintext; write https://")
    grpc = protocol == "grpc"
    if fault := server_name_fault(tls.server_name_override, grpc=grpc):
        raise here["tls"]["server_name_override"].error(fault)
    for name, value in entry.headers.items():
        if fault := header_fault(name, value, grpc=grpc):
            raise here["headers"][name].error(fault)
    if entry.headers:
        own = {name: value.reveal() for name, value in target.headers}
        merged = merge_headers(own, entry.headers)
        gone = {name.lower() for name, value in entry.headers.items() if not value}
        changed["headers"] = tuple(
            (name, Secret(value)) for name, value in merged.items() if name.lower() not in gone
        )
    note = f"tried with {', '.join(keys)} of --with, in place of the target's own"
    return replace(target, notes=(*target.notes, note), **changed)


def _apply_tls(target: Target, override: Override) -> TlsSettings:
    given = {key.partition(".")[2] for key in override.keys if key.startswith("tls.")}
    settings = tls_settings(override.entry.tls)
    changed: dict[str, Any] = {key: getattr(settings, key) for key in given}
    for pair in PAIRS:
        if given & {*pair}:
            # The new one counts, in whichever way it is given.
            changed |= dict.fromkeys({*pair} - given)
    if target.runs_in is not None:
        for key in given & {*_FILES}:
            pem = f"{key.removesuffix('_file')}_pem"
            changed[key], changed[pem] = None, _read_pem(key, changed[key])
    return replace(target.tls, **changed)


def _read_pem(key: str, path: str) -> str | Secret:
    """Return what a file of this machine holds, for an exporter that has another root.

    Raises:
        click.UsageError: where it cannot be read, or is not text.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise click.UsageError(
            f"{_OPTION} tls.{key}: the file cannot be read as PEM here, where the probe runs"
        ) from None
    return Secret(text) if key == "key_file" else text


def _resolve(text: str) -> Any:
    """Return what YAML makes of a value: numbers, true and false, lists; else the text itself."""
    try:
        return parse_yaml(text, _OPTION).value
    except ConfigurationError:
        return text


def _describe_unknown(key: str) -> str:
    known = list_keys()
    within = f"tls.{key}"
    nearest = within if within in known else find_nearest(key, known)
    hint = f"; did you mean {nearest}?" if nearest else f"; the keys are {', '.join(known)}"
    return f"{_OPTION} {safe_text(describe_key(key))}: unknown key{hint}"


def _as_usage_error(error: ConfigurationError) -> click.UsageError:
    parts = [f"{_OPTION} {error.key}: {error.reason}"]
    if error.found is not None:
        parts.append(f"found {error.found}")
    if error.nearest is not None:
        parts.append(f"did you mean {error.nearest}?")
    elif error.allowed:
        parts.append(f"allowed: {', '.join(error.allowed)}")
    return click.UsageError("; ".join(parts))
