"""The TLS settings of a Collector's receiver, as `configtls.ServerConfig` (v0.162.0) reads them.

Pure. A server verifies clients by client_ca_file alone: without it no client is asked for a
certificate, whatever ca_file says, which the server reads at its start and never uses.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from probe.config.check_settings import PAIRS, tls_faults
from probe.config.duration import go_seconds
from probe.config.errors import ConfigurationError, ErrorList
from probe.config.location import Location
from probe.config.schema import Entry, TlsEntry
from probe.config.source_content import report_ignored
from probe.config.sources.collector.exporter import normalize_tls
from probe.config.target_entry import tls_conflicts, tls_settings
from probe.config.typed_values import convert
from probe.config.yaml_document import unwrap
from probe.model.collector_receiver import Receiver
from probe.model.finding import Finding
from probe.model.target import TlsSettings
from probe.model.tls_names import TLS13_SUITES
from probe.text.description import describe_path
from probe.text.safe_text import safe_text


class ServerTlsEntry(Entry, frozen=True, kw_only=True):
    """The keys of `configtls.ServerConfig`; another one keeps the Collector from starting."""

    ca_file: str | None = None
    ca_pem: str | None = None
    cert_file: str | None = None
    cert_pem: str | None = None
    key_file: str | None = None
    key_pem: str | None = None
    client_ca_file: str | None = None
    client_ca_file_reload: bool | None = None
    include_system_ca_certs_pool: bool | None = None
    min_version: str | None = None
    max_version: str | None = None
    cipher_suites: list[str] | None = None
    include_insecure_cipher_suites: bool | None = None
    curve_preferences: list[str] | None = None
    reload_interval: str | None = None
    tpm: Any = None


_OF_SERVERS_ALONE: Final = frozenset({"client_ca_file", "client_ca_file_reload", "tpm"})


def read_server_tls(receiver: Receiver, value: Any, location: Location) -> Receiver:
    """Return `receiver` with the TLS settings that `value`, its `tls` section, has.

    Args:
        receiver: Without them.
        value: The section; None: there is none, and it serves without TLS.
        location: Where it stands.

    Raises:
        ConfigurationError: for what keeps the Collector from starting; several at once.
    """
    value = unwrap(value)
    if value is None:
        return receiver
    if isinstance(value, dict):
        value = normalize_tls(value)
    entry = convert(value, ServerTlsEntry, location)
    errors = ErrorList()
    common = {key: getattr(entry, key) for key in _list_common_keys()}
    client_entry = TlsEntry(**common)
    for fault in (*_find_faults(entry, location), *tls_faults(client_entry, location)):
        errors.add(fault)
    errors.raise_any()
    settings = tls_settings(client_entry)
    for fault in tls_conflicts(settings, location):
        errors.add(fault)
    errors.raise_any()
    settings = replace(settings, reload_interval=settings.reload_interval or None)
    read = replace(
        receiver,
        where=_place(location),
        tls=settings,
        client_ca_file=entry.client_ca_file or "",
        client_ca_file_reload=bool(entry.client_ca_file_reload),
    )
    if not entry.client_ca_file:
        read = replace(read, misplaced_ca=_find_misplaced(entry, location))
    return replace(read, remarks=(*read.remarks, *_list_remarks(read, settings, location)))


def _place(location: Location) -> str:
    file = location.document.file_of(location.path)
    return safe_text(f"{file}:{location.line}", 1024)


def _list_common_keys() -> Iterator[str]:
    return (key for key in ServerTlsEntry.__struct_fields__ if key not in _OF_SERVERS_ALONE)


def _find_faults(entry: ServerTlsEntry, location: Location) -> Iterator[ConfigurationError]:
    """Yield what Validate of configtls' Config and ServerConfig refuses."""
    for one, other in PAIRS:
        if getattr(entry, one) and getattr(entry, other):
            yield location[other].error(f"{one} and {other} exclude each other; keep one")
    has_cert = bool(entry.cert_file or entry.cert_pem)
    has_key = bool(entry.key_file or entry.key_pem)
    if not has_cert and not has_key:
        yield location.error(
            "has neither cert_file nor key_file, which a receiver with TLS needs: the Collector "
            "does not start; set both, or remove tls to serve without TLS"
        )
    elif has_cert != has_key:
        there, missing = ("cert_file", "key_file") if has_cert else ("key_file", "cert_file")
        yield location.error(
            f"has {there} and no {missing}, and a receiver needs both: the Collector does not start"
        )
    if entry.reload_interval:
        try:
            location["reload_interval"].parse(go_seconds, entry.reload_interval)
        except ConfigurationError as error:
            yield error
    if isinstance(entry.tpm, dict) and unwrap(entry.tpm.get("enabled")) is True:
        yield location["tpm"].error("has its key in a TPM, which cannot be read here")


def _find_misplaced(entry: ServerTlsEntry, location: Location) -> str:
    """Return where a CA stands that does not verify clients; empty where none does."""
    for key in ("ca_file", "ca_pem"):
        if text := getattr(entry, key):
            shown = f"{key}: {describe_path(text)}" if key == "ca_file" else key
            return safe_text(f"{_place(location[key])}: {shown}", 1024)
    return ""


def _list_remarks(receiver: Receiver, tls: TlsSettings, location: Location) -> Iterator[Finding]:
    """Yield what settings do otherwise than they read."""
    if receiver.client_ca_file_reload and not receiver.client_ca_file:
        yield report_ignored(
            f"{_place(location['client_ca_file_reload'])}: client_ca_file_reload has no effect, "
            "because no client_ca_file is set",
            "Set client_ca_file to the file with the CAs of the clients' certificates.",
        )
    if receiver.client_ca_file and (tls.ca_file or tls.ca_pem):
        key = "ca_file" if tls.ca_file else "ca_pem"
        yield report_ignored(
            f"{_place(location[key])}: {key} has no part in whose client certificates are "
            "accepted: client_ca_file alone has; the Collector reads it at its start, though, and "
            "does not start where it cannot",
            f"Remove {key} from the receiver's tls settings.",
        )
    if tls.include_system_ca_certs_pool and not receiver.client_ca_file:
        yield report_ignored(
            f"{_place(location['include_system_ca_certs_pool'])}: include_system_ca_certs_pool has "
            "no effect in a receiver without client_ca_file",
            "Remove it.",
        )
    fixed = [key for key in ("cipher_suites", "curve_preferences") if getattr(tls, key)]
    if receiver.client_ca_file_reload and receiver.client_ca_file and fixed:
        yield report_ignored(
            f"{_place(location[fixed[0]])}: {' and '.join(fixed)} "
            f"{'has' if len(fixed) == 1 else 'have'} no effect with client_ca_file_reload: true: "
            "the Collector then makes each connection's settings anew, without them",
            f"Remove {' and '.join(fixed)}, or client_ca_file_reload.",
        )
    suites = tls.cipher_suites
    lowest, highest = tls.min_version or "1.2", tls.max_version or "1.3"
    if suites and lowest == "1.3":
        yield report_ignored(
            f"{_place(location['cipher_suites'])}: cipher_suites has no effect with min_version "
            "1.3: the suites of TLS 1.3 are fixed in Go",
            "Remove cipher_suites.",
        )
    elif suites and highest == "1.3" and TLS13_SUITES.issuperset(suites):
        yield Finding(
            cause="no_shared_cipher",
            fact=(
                f"{_place(location['cipher_suites'])}: cipher_suites has suites of TLS 1.3 alone, "
                "which are offered anyway: no client that speaks TLS 1.2 at most finds a suite"
            ),
            fix=('Remove cipher_suites, or set min_version: "1.3" to say what happens.',),
        )
    if tls.reload_interval and not (tls.cert_file or tls.key_file):
        yield report_ignored(
            f"{_place(location['reload_interval'])}: reload_interval has no effect on a certificate "
            "and key given inline",
            "Remove reload_interval, or give cert_file and key_file.",
        )
