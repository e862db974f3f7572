"""The items of `targets`, filled up from `defaults`, become Targets with unique names.

Pure. Header values, keys given inline and proxies become `Secret` here.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final

import msgspec

from probe.config.check_settings import (
    PAIRS,
    check_form,
    check_name,
    check_settings,
    header_fault,
    server_name_fault,
    setting_faults,
)
from probe.config.duration import seconds
from probe.config.errors import ConfigurationError, ErrorList, find_nearest
from probe.config.location import Location
from probe.config.schema import DefaultsEntry, TargetEntry, TlsEntry
from probe.config.source_content import add_faults
from probe.config.sources.collector.endpoint import resolve_tls
from probe.model import tls_names
from probe.model.finding import Finding
from probe.model.runtime import COLLECTOR, RUNTIMES, RUNTIMES_BY_ID
from probe.model.target import (
    PROTOCOLS,
    Endpoint,
    Protocol,
    Secret,
    ServerCertificateFile,
    Target,
    TlsSettings,
    default_protocol,
)
from probe.model.tls_names import INSECURE_SUITES

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def read_targets(
    entries: Sequence[TargetEntry],
    defaults: DefaultsEntry,
    location: Location,
    known_causes: Collection[str] | None,
) -> tuple[Target, ...]:
    """Return the Targets that `entries` describe; one without a name of its own has none yet.

    Raises:
        ConfigurationError: with one error for each entry that cannot be one.
    """
    check_settings(defaults, location["defaults"])
    named: dict[str, int] = {}
    targets = []
    errors = ErrorList()
    for position, entry in enumerate(entries):
        here = location["targets"][position]
        try:
            _check_own_name(entry.name, named, location["targets"], here)
            targets.append(add_faults(*read_target(entry, defaults, here, known_causes)))
        except ConfigurationError as error:
            errors.add(error)
        if entry.name:
            named.setdefault(entry.name, position)
    errors.raise_any()
    return tuple(targets)


def _check_own_name(
    name: str | None, named: dict[str, int], targets: Location, location: Location
) -> None:
    if not name:
        return
    check_name(name, location["name"])
    if name in named:
        first = targets[named[name]]["name"].line
        raise location["name"].error(f"the name is taken by the target in line {first}", found=name)


def tls_settings(entry: TlsEntry) -> TlsSettings:
    """Return `entry` as settings; an empty text is a key that is not set, as in Go."""
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in msgspec.structs.asdict(entry).items()
        if value and key != "tpm"
    }
    if entry.key_pem:
        given["key_pem"] = Secret(entry.key_pem)
    if entry.reload_interval:
        given["reload_interval"] = seconds(entry.reload_interval)
    return TlsSettings(**given)


def read_target(
    entry: TargetEntry,
    defaults: DefaultsEntry,
    location: Location,
    known_causes: Collection[str] | None = None,
    *,
    plaintext_allowed: bool = False,
) -> tuple[Target, tuple[ConfigurationError, ...]]:
    """Return what `entry` describes, and each setting with which no exporter could work.

    Args:
        entry: What the user or a source sets.
        defaults: What it does not set comes from these.
        location: Where `entry` stands.
        known_causes: The ids that `expect.cause` may have; None: any.
        plaintext_allowed: Whether `http://` needs no `insecure: true`.

    Raises:
        ConfigurationError: where it cannot be a target.
    """
    check_form(entry, location)
    endpoint = location["endpoint"].parse(Endpoint.parse, entry.endpoint)
    exporter = entry.exporter or defaults.exporter or COLLECTOR.id
    protocol = choose_protocol(entry.protocol or defaults.protocol, exporter, endpoint.port)
    check_exporter(exporter, protocol, location["exporter"])
    grpc = protocol == "grpc"
    faults = list(setting_faults(entry, location))
    tls = tls_settings(_merge_tls(entry.tls, defaults.tls))
    if not faults:
        faults += tls_conflicts(tls, location["tls"])
    remarks: tuple[Finding, ...] = ()
    if endpoint.scheme == "http":
        if not (tls.insecure or plaintext_allowed):
            reason = (
                "http:// sends telemetry in plaintext; write https://, or set tls: {insecure: true}"
            )
            raise location["endpoint"].error(reason, found=entry.endpoint)
    elif tls.insecure:
        # Pasted from an exporter, it does what it does there, and somebody has to say so.
        tls, remarks = resolve_tls(tls, endpoint.scheme, grpc=grpc)
    headers = merge_headers(defaults.headers, entry.headers)
    if not faults:
        faults += _wire_faults(headers, tls.server_name_override, location, grpc=grpc)
    proxy = entry.proxy_url or defaults.proxy_url
    chosen: dict[str, Any] = {}
    for key in ("signal", "depth", "addresses"):
        if text := getattr(entry, key) or getattr(defaults, key):
            chosen[key] = text
    for key in ("interval", "timeout"):
        if text := getattr(entry, key) or getattr(defaults, key):
            chosen[key] = seconds(text)
    target = Target(
        name=entry.name or "",
        endpoint=endpoint,
        protocol=protocol,
        exporter=exporter,
        tls=tls,
        headers=tuple((name, Secret(value)) for name, value in headers.items()),
        proxy_url=Secret(proxy) if proxy else None,
        expect_cause=_read_expected_cause(entry, location, known_causes),
        expect_until=_read_end_of_silence(entry, location),
        expect_requested=bool(entry.expect and entry.expect.client_certificate_requested),
        labels=tuple({**defaults.labels, **entry.labels}.items()),
        server_certificate_file=(
            ServerCertificateFile(entry.server_cert_file) if entry.server_cert_file else None
        ),
        remarks=remarks,
        **chosen,
    )
    return target, tuple(faults)


def _wire_faults(
    headers: Mapping[str, str], server_name: str, location: Location, *, grpc: bool
) -> Iterator[ConfigurationError]:
    """Yield what the target's protocol cannot send."""
    for name, value in headers.items():
        if fault := header_fault(name, value, grpc=grpc):
            yield location["headers"][name].error(fault)
    if fault := server_name_fault(server_name, grpc=grpc):
        yield location["tls"]["server_name_override"].error(fault, found=server_name)


def merge_headers(*each: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of all of `each`, a later one in place of an earlier one of its name.

    Names ignore case (RFC 9110 §5.1); the later spelling counts, at the earlier one's place.
    """
    found: dict[str, tuple[str, str]] = {}
    for headers in each:
        found.update((name.lower(), (name, value)) for name, value in headers.items())
    return dict(found.values())


def choose_protocol(chosen: str | None, exporter: str, port: int) -> Protocol:
    """Return the protocol `chosen`, else the only one of `exporter`, else the port's."""
    spoken = RUNTIMES_BY_ID[exporter].protocols
    wanted = spoken[0] if chosen is None and len(spoken) == 1 else chosen
    return next((known for known in PROTOCOLS if known == wanted), default_protocol(port))


def check_exporter(exporter: str, protocol: Protocol, location: Location) -> None:
    """Judge whether `exporter` speaks `protocol`.

    Raises:
        ConfigurationError: where it does not.
    """
    if protocol not in RUNTIMES_BY_ID[exporter].protocols:
        reason = f"does not speak {protocol}, which is the protocol here"
        speaking = (one.id for one in RUNTIMES if protocol in one.protocols)
        raise location.error(reason, found=exporter, allowed=speaking)


def _merge_tls(entry: TlsEntry, defaults: TlsEntry) -> TlsEntry:
    own = {key: value for key, value in msgspec.structs.asdict(entry).items() if value is not None}
    if not own:
        return defaults
    base = msgspec.structs.asdict(defaults)
    for one, other in PAIRS:
        if own.get(one) or own.get(other):
            base[one] = base[other] = None
    return TlsEntry(**{**base, **own})


def tls_conflicts(settings: TlsSettings, location: Location) -> Iterator[ConfigurationError]:
    """Yield what keys of a `tls` section, each right by itself, mean together.

    That is versions that leave none, suites that leave none to them, and an insecure suite that was
    not asked for.
    """
    highest = settings.max_version
    lowest = settings.min_version or tls_names.DEFAULT_MIN_VERSION
    if highest and lowest > highest:
        yield location["max_version"].error(f"is below min_version {lowest}", found=highest)
    suites = settings.cipher_suites
    if highest and highest < "1.3" and suites and tls_names.TLS13_SUITES.issuperset(suites):
        reason = f"holds suites of TLS 1.3 alone, and max_version is {highest}: none is left"
        yield location["cipher_suites"].error(reason)
    if not settings.include_insecure_cipher_suites:
        for position, name in enumerate(suites):
            if name in INSECURE_SUITES:
                reason = "is insecure and needs include_insecure_cipher_suites: true"
                yield location["cipher_suites"][position].error(reason, found=name)


def _read_expected_cause(
    entry: TargetEntry, location: Location, known_causes: Collection[str] | None
) -> str | None:
    if entry.expect is None:
        return None
    cause = entry.expect.cause
    if (cause is None) == (entry.expect.client_certificate_requested is None):
        raise location["expect"].error(
            "needs exactly one of cause and client_certificate_requested"
        )
    if cause is None:
        return None
    if known_causes is not None and cause not in known_causes:
        raise location["expect"]["cause"].error(
            "is not a cause of the catalogue",
            found=cause,
            nearest=find_nearest(cause, known_causes),
        )
    return cause


def _read_end_of_silence(entry: TargetEntry, location: Location) -> float:
    """Return when `expect` ends, in seconds since 1970; 0.0 where it does not."""
    if entry.expect is None or entry.expect.until is None:
        return 0.0
    place, text = location["expect"]["until"], entry.expect.until
    if entry.expect.cause is None:
        raise place.error("needs cause: a silence is about one cause", found=text)
    if _DAY.fullmatch(text) is None:
        raise place.error("is not a day, as in 2026-12-24", found=text)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise place.error("is not a day of the calendar", found=text) from None
    return datetime.combine(day, time(), UTC).timestamp()
