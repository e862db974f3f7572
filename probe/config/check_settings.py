"""Whether what a target, `defaults` or a module sets has a meaning; types are right by now.

Pure. What no target could be made of is an error; a setting of the exporter's with which none can
work is yielded, and makes one failed target of it. A missing half of a pair, or a file that cannot
be read, is neither: it fails its target at `load`.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final
from urllib.parse import urlsplit

from probe.config import duration
from probe.config.errors import ConfigurationError
from probe.config.location import Location
from probe.config.schema import DefaultsEntry, TlsEntry
from probe.model import tls_names
from probe.model.runtime import EXPORTERS
from probe.model.target import ADDRESSES, DEPTHS, PROTOCOLS, SIGNALS
from probe.text.safe_text import LIMIT, safe_text

RESERVED_LABELS: Final = (
    "target", "cause", "family", "certain", "stage", "source", "position", "endpoint", "protocol",
    "server_address", "server_port", "address",
)  # fmt: skip
"""Label names that our metrics use themselves."""

_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_GRPC_NAME: Final = re.compile(r"[0-9A-Za-z._-]+")
_FIELD_VALUE: Final = re.compile("[\t\x20-\x7e\x80-\ud7ff\ue000-\U0010ffff]*")
_AUTHORITY: Final = re.compile(r"[^\x00-\x20/?#@\\\x7f-\U0010ffff]*")
PAIRS: Final = (("ca_file", "ca_pem"), ("cert_file", "cert_pem"), ("key_file", "key_pem"))
"""Keys of `tls` that say the same in two ways; together they are an error."""


def check_settings(entry: DefaultsEntry, location: Location) -> None:
    """Judge every key that `entry` sets, each by itself.

    Raises:
        ConfigurationError: for the first that has no meaning.
    """
    check_form(entry, location)
    for fault in setting_faults(entry, location):
        raise fault


def check_form(entry: DefaultsEntry, location: Location) -> None:
    """Judge what no target could be made of: choices, durations, labels, keys that exclude others.

    Raises:
        ConfigurationError: for the first that has no meaning.
    """
    _check_choice(entry.protocol, PROTOCOLS, location["protocol"])
    _check_choice(entry.signal, SIGNALS, location["signal"])
    _check_choice(entry.exporter, EXPORTERS, location["exporter"])
    _check_choice(entry.depth, DEPTHS, location["depth"])
    _check_choice(entry.addresses, ADDRESSES, location["addresses"])
    for key, value in (("interval", entry.interval), ("timeout", entry.timeout)):
        if value is not None:
            check_duration(location[key], value)
    for name in entry.labels:
        check_label(name, location["labels"][name])
    check_tls_form(entry.tls, location["tls"])


def setting_faults(entry: DefaultsEntry, location: Location) -> Iterator[ConfigurationError]:
    """Yield each setting of the exporter's, right in form, with which no exporter can work."""
    if entry.proxy_url and (fault := proxy_fault(entry.proxy_url)):
        yield location["proxy_url"].error(fault)
    for name, value in entry.headers.items():
        if fault := header_fault(name, value):
            yield location["headers"][name].error(fault)
    yield from tls_faults(entry.tls, location["tls"])


def check_duration(location: Location, text: str, *, zero_allowed: bool = False) -> float:
    """Return the duration `text` in seconds.

    Raises:
        ConfigurationError: where it is none, is negative, or is zero and must not be.
    """
    value = location.parse(duration.seconds, text)
    if value < 0 or (value == 0 and not zero_allowed):
        bound = "must not be negative" if zero_allowed else "must be more than zero"
        raise location.error(bound, found=text)
    return value


def header_fault(name: str, value: str, *, grpc: bool = False) -> str | None:
    """Say what is illegal in a header, or None; gRPC allows printable ASCII only in a value."""
    if not _TOKEN.fullmatch(name):
        return "is not a valid HTTP header name"
    if grpc and not _GRPC_NAME.fullmatch(name):
        return "a gRPC header name holds letters, digits, and . - _ only"
    if grpc and name.lower().endswith("-bin"):
        return None  # sent in base64, whatever it holds
    if not _FIELD_VALUE.fullmatch(value):
        hint = " (it ends with a line break)" if value.endswith("\n") else ""
        return f"the value holds a character that is illegal in an HTTP header{hint}"
    if grpc and not (value.isascii() and (value.isprintable() or not value)):
        return "a gRPC header value holds printable ASCII characters only"
    return authority_fault(value) if name.lower() == "host" and not grpc else None


def authority_fault(name: str) -> str | None:
    """Say why `name` cannot be the authority of a request (RFC 3986 §3.2), or None."""
    if _AUTHORITY.fullmatch(name):
        return None
    return "cannot be the authority of a request: ASCII without spaces and none of / ? # @ \\"


def server_name_fault(name: str, *, grpc: bool) -> str | None:
    """Say why a client cannot ask for `name` and verify it, or None.

    To a gRPC client it is the authority of its requests too, unless it is a URI.
    """
    if grpc and "://" not in name and (fault := authority_fault(name)):
        return fault
    return "has a NUL character, which a name cannot have" if "\0" in name else None


def check_tls_form(tls: TlsEntry, location: Location) -> None:
    """Judge what of a `tls` section cannot be read at all.

    Raises:
        ConfigurationError: for keys that exclude each other, a key in a TPM, an invalid duration.
    """
    if tls.tpm not in (None, {}, {"enabled": False}):
        raise location["tpm"].error("a key in a TPM cannot be read here; use key_file or key_pem")
    for one, other in PAIRS:
        if getattr(tls, one) and getattr(tls, other):
            raise location[other].error(f"{one} and {other} exclude each other; keep one")
    if tls.reload_interval:
        check_duration(location["reload_interval"], tls.reload_interval, zero_allowed=True)


def tls_faults(tls: TlsEntry, location: Location) -> Iterator[ConfigurationError]:
    """Yield what the Collector's `configtls.ClientConfig` would refuse."""
    for key in ("min_version", "max_version"):
        version = getattr(tls, key)
        if version and version not in tls_names.VERSIONS:
            yield location[key].error("is unknown", found=version, allowed=tls_names.VERSIONS)
    for key, names, allowed in (
        ("cipher_suites", tls.cipher_suites, tls_names.SUITES),
        ("curve_preferences", tls.curve_preferences, tuple(tls_names.CURVES)),
    ):
        for position, name in enumerate(names or ()):
            if name not in allowed:
                yield location[key][position].error("is unknown", found=name, allowed=allowed)


def check_name(name: str, location: Location) -> None:
    """Judge a target's name, which is shown, is a label and is part of a URL.

    Raises:
        ConfigurationError: where it is not one printable line of at most 256 characters.
    """
    if safe_text(name) != name:
        raise location.error(
            f"a name is one printable line of at most {LIMIT} characters", found=name
        )


def _check_choice(value: str | None, allowed: Collection[str], location: Location) -> None:
    if value is not None and value not in allowed:
        raise location.error("is unknown", found=value, allowed=allowed)


def check_label(name: str, location: Location) -> None:
    """Judge a label's name by Prometheus's rules and by what our metrics use themselves.

    Raises:
        ConfigurationError: where it cannot be a label of a target.
    """
    if name in RESERVED_LABELS:
        raise location.error("is a label of the probe's own metrics", found=name)
    if name.startswith("__"):
        raise location.error("Prometheus keeps labels that begin with __ for itself", found=name)
    if not _LABEL.fullmatch(name):
        reason = "a label's name is letters, digits and _, and begins with no digit"
        raise location.error(reason, found=name)


def proxy_fault(url: str) -> str | None:
    """Say what is wrong with a proxy's URL, without showing it, or None."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "a proxy is http://host:port"
    if any(ord(char) <= 0x20 or ord(char) == 0x7F for char in url):
        return "the URL holds a space or a control character"
    if parts.scheme != "http" or not parts.hostname or port == 0:
        return "a proxy is http://host:port; CONNECT is all that is spoken to it"
    return None
