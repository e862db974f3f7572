"""The items of `targets`, filled up from `defaults`, become Targets with unique names.

Pure. Law 11: header values, keys given inline and proxies become `Secret` here.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

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
from probe.config.errors import ConfigurationError, ErrorList, KeyPath, find_nearest, render_key
from probe.config.schema import DefaultsEntry, TargetEntry, TlsEntry
from probe.config.source_content import add_faults
from probe.config.sources.collector.endpoint import resolve_tls
from probe.config.typed_values import error_at
from probe.config.yaml_document import Document
from probe.model import tls_names
from probe.model.finding import Finding
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


def read_targets(
    entries: Sequence[TargetEntry],
    defaults: DefaultsEntry,
    document: Document,
    known_causes: Collection[str] | None,
) -> tuple[Target, ...]:
    """Return the Targets that `entries` describe; one without a name of its own has none yet.

    Raises:
        ConfigurationError: with one error for each entry that cannot be one.
    """
    check_settings(defaults, document, ("defaults",))
    named: dict[str, int] = {}
    targets = []
    errors = ErrorList()
    for position, entry in enumerate(entries):
        path = ("targets", position)
        try:
            _check_own_name(entry.name, named, document, path)
            targets.append(target_of(entry, defaults, document, path, known_causes))
        except ConfigurationError as error:
            errors.add(error)
        if entry.name:
            named.setdefault(entry.name, position)
    errors.raise_any()
    return tuple(targets)


def _check_own_name(
    name: str | None, named: dict[str, int], document: Document, path: KeyPath
) -> None:
    if not name:
        return
    check_name(name, document, (*path, "name"))
    if name in named:
        first = document.line(("targets", named[name], "name"))
        reason = f"the name is taken by the target in line {first}"
        raise error_at(document, (*path, "name"), reason, found=name)


def tls_settings(entry: TlsEntry) -> TlsSettings:
    """Return `entry` as settings; an empty text is a key that is not set, as in Go."""
    return TlsSettings(
        ca_file=entry.ca_file or None,
        ca_pem=entry.ca_pem or None,
        cert_file=entry.cert_file or None,
        cert_pem=entry.cert_pem or None,
        key_file=entry.key_file or None,
        key_pem=Secret(entry.key_pem) if entry.key_pem else None,
        include_system_ca_certs_pool=bool(entry.include_system_ca_certs_pool),
        insecure=bool(entry.insecure),
        insecure_skip_verify=bool(entry.insecure_skip_verify),
        server_name_override=entry.server_name_override or "",
        min_version=entry.min_version or "",
        max_version=entry.max_version or "",
        cipher_suites=tuple(entry.cipher_suites or ()),
        include_insecure_cipher_suites=bool(entry.include_insecure_cipher_suites),
        curve_preferences=tuple(entry.curve_preferences or ()),
        reload_interval=seconds(entry.reload_interval) if entry.reload_interval else None,
    )


def target_of(
    entry: TargetEntry,
    defaults: DefaultsEntry,
    document: Document,
    path: KeyPath,
    known_causes: Collection[str] | None = None,
    *,
    in_clear: bool = False,
) -> Target:
    """Return the Target that `entry`, at `path` in `document`, describes; `in_clear` allows http://.

    One whose settings no exporter could work with has `faults`.

    Raises:
        ConfigurationError: where it cannot be one.
    """
    target, faults = read_target(entry, defaults, document, path, known_causes, in_clear=in_clear)
    return add_faults(target, faults)


def read_target(
    entry: TargetEntry,
    defaults: DefaultsEntry,
    document: Document,
    path: KeyPath,
    known_causes: Collection[str] | None = None,
    *,
    in_clear: bool = False,
) -> tuple[Target, tuple[ConfigurationError, ...]]:
    """Return what `entry` describes, and each setting with which no exporter could work.

    Raises:
        ConfigurationError: where it cannot be a target.
    """
    check_form(entry, document, path)
    endpoint = _endpoint(entry.endpoint, document, (*path, "endpoint"))
    protocol = _protocol(entry.protocol or defaults.protocol, endpoint)
    faults = list(setting_faults(entry, document, path))
    tls = tls_settings(_merged_tls(entry.tls, defaults.tls))
    if not faults:
        faults += tls_conflicts(tls, document, (*path, "tls"))
    remarks: tuple[Finding, ...] = ()
    if endpoint.scheme == "http":
        if not (tls.insecure or in_clear):
            reason = (
                "http:// sends telemetry in plaintext; write https://, or set tls: {insecure: true}"
            )
            raise error_at(document, (*path, "endpoint"), reason, found=entry.endpoint)
    elif tls.insecure:
        # Pasted from an exporter, it does what it does there, and somebody has to say so.
        tls, remarks = resolve_tls(tls, endpoint.scheme, grpc=protocol == "grpc")
    headers = merge_headers(defaults.headers, entry.headers)
    if not faults:
        grpc = protocol == "grpc"
        faults += _faults_on_the_wire(headers, tls.server_name_override, document, path, grpc=grpc)
    proxy = entry.proxy_url or defaults.proxy_url
    chosen: dict[str, Any] = {}
    for key in ("signal", "depth", "interval", "timeout"):
        if text := getattr(entry, key) or getattr(defaults, key):
            chosen[key] = text if key in {"signal", "depth"} else seconds(text)
    target = Target(
        name=entry.name or "",
        endpoint=endpoint,
        protocol=protocol,
        tls=tls,
        headers=tuple((name, Secret(value)) for name, value in headers.items()),
        proxy_url=Secret(proxy) if proxy else None,
        expect_cause=_expected_cause(entry, document, path, known_causes),
        labels=tuple({**defaults.labels, **entry.labels}.items()),
        server_certificate_file=(
            ServerCertificateFile(entry.server_cert_file) if entry.server_cert_file else None
        ),
        remarks=remarks,
        **chosen,
    )
    return target, tuple(faults)


def _faults_on_the_wire(
    headers: Mapping[str, str], server_name: str, document: Document, path: KeyPath, *, grpc: bool
) -> Iterator[ConfigurationError]:
    """Yield what the target's protocol cannot send."""
    for name, value in headers.items():
        if fault := header_fault(name, value, grpc=grpc):
            yield error_at(document, (*path, "headers", name), fault)
    if fault := server_name_fault(server_name, grpc=grpc):
        where = (*path, "tls", "server_name_override")
        yield error_at(document, where, fault, found=server_name)


def merge_headers(*each: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of all of `each`, a later one in place of an earlier one of its name.

    Names ignore case (RFC 9110 §5.1); the later spelling counts, at the earlier one's place.
    """
    found: dict[str, tuple[str, str]] = {}
    for headers in each:
        found.update((name.lower(), (name, value)) for name, value in headers.items())
    return dict(found.values())


def _protocol(chosen: str | None, endpoint: Endpoint) -> Protocol:
    return next((known for known in PROTOCOLS if known == chosen), default_protocol(endpoint.port))


def _endpoint(text: str, document: Document, path: KeyPath) -> Endpoint:
    try:
        return Endpoint.parse(text)
    except ValueError as error:
        raise error_at(document, path, str(error), found=text) from None


def _merged_tls(entry: TlsEntry, defaults: TlsEntry) -> TlsEntry:
    own = {key: value for key, value in msgspec.structs.asdict(entry).items() if value is not None}
    if not own:
        return defaults
    base = msgspec.structs.asdict(defaults)
    for one, other in PAIRS:
        if own.get(one) or own.get(other):
            base[one] = base[other] = None
    return TlsEntry(**{**base, **own})


def tls_conflicts(
    settings: TlsSettings, document: Document, path: KeyPath
) -> Iterator[ConfigurationError]:
    """Yield what keys of a `tls` section, each right by itself, mean together.

    That is versions that leave none, suites that leave none to them, and an insecure suite that was
    not asked for.
    """
    highest = settings.max_version
    lowest = settings.min_version or tls_names.DEFAULT_MIN_VERSION
    if highest and lowest > highest:
        reason = f"is below min_version {lowest}"
        yield error_at(document, (*path, "max_version"), reason, found=highest)
    suites = settings.cipher_suites
    if highest and highest < "1.3" and suites and tls_names.TLS13_SUITES.issuperset(suites):
        reason = f"holds suites of TLS 1.3 alone, and max_version is {highest}: none is left"
        yield error_at(document, (*path, "cipher_suites"), reason)
    if not settings.include_insecure_cipher_suites:
        for position, name in enumerate(suites):
            if name in INSECURE_SUITES:
                reason = "is insecure and needs include_insecure_cipher_suites: true"
                where = (*path, "cipher_suites", position)
                yield error_at(document, where, reason, found=name)


def _expected_cause(
    entry: TargetEntry, document: Document, path: KeyPath, known_causes: Collection[str] | None
) -> str | None:
    if entry.expect is None:
        return None
    cause = entry.expect.cause
    if known_causes is not None and cause not in known_causes:
        where = (*path, "expect", "cause")
        raise ConfigurationError(
            "is no cause of the catalogue",
            file=document.file,
            line=document.line(where),
            key=render_key(where),
            found=cause,
            nearest=find_nearest(cause, known_causes),
        )
    return cause
