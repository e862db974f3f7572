"""`tls_server_config` of the web file: which clients need a certificate, and what TLS may choose.

No error shows anything of `key`. What Go's TLS does and Python's cannot is an error, so that no
server is stricter, or more lenient, than its file says.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from probe.config.location import Location
from probe.config.schema import Entry
from probe.model.tls_names import SECURE_SUITES
from probe.text.description import is_plausible_path

ClientAuth = Literal["none", "if_given", "required"]

CLIENT_AUTH: Final[dict[str, ClientAuth]] = {
    "": "none",
    "NoClientCert": "none",
    "VerifyClientCertIfGiven": "if_given",
    "RequireAndVerifyClientCert": "required",
}
UNVERIFIED: Final = frozenset({"RequestClientCert", "RequireAnyClientCert", "RequireClientCert"})
"""What Go's TLS can do and OpenSSL cannot: ask for a certificate and accept any."""
TLS13_SUITES: Final = frozenset(
    {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
)
"""In `cipher_suites` they have no effect, neither here nor in Go: TLS 1.3 always has all three."""
CURVES: Final = {
    "X25519": "X25519",
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
}
"""The format's names, and OpenSSL's."""
VERSIONS: Final = ("TLS12", "TLS13")


class TlsServerEntry(Entry, frozen=True, kw_only=True):
    """TLS of the pages, and who must present a client certificate."""

    cert_file: str = ""
    """File of the certificate and its intermediates (PEM); needed."""
    key_file: str = ""
    """File of its private key (PEM); needed."""
    cert: Any = None
    """Refused: use `cert_file`."""
    key: Any = None
    """Refused: use `key_file`."""
    client_ca: str = ""
    """The CAs of client certificates, as PEM text."""
    client_ca_file: str = ""
    """File of the CAs of client certificates (PEM)."""
    client_auth_type: str = ""
    """`NoClientCert`, `VerifyClientCertIfGiven` or `RequireAndVerifyClientCert`."""
    client_allowed_sans: list[str] | None = None
    """Names of which a client certificate must have one."""
    cipher_suites: list[str] = msgspec.field(default_factory=list)
    """Names of the TLS 1.2 cipher suites to accept."""
    curve_preferences: list[str] = msgspec.field(default_factory=list)
    """One group: `X25519`, `CurveP256`, `CurveP384` or `CurveP521`; without it all good ones."""
    min_version: str = "TLS12"
    """`TLS12` or `TLS13`."""
    max_version: str = "TLS13"
    """`TLS12` or `TLS13`."""
    prefer_server_cipher_suites: bool = True
    """Whether the server's order of cipher suites counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """What the server's side of TLS is made of; paths are whole, names are OpenSSL's."""

    cert_file: str
    key_file: str
    client_auth: ClientAuth = "none"
    client_ca_file: str | None = None
    client_ca_pem: str | None = None
    client_allowed_sans: frozenset[str] | None = None
    cipher_suites: tuple[str, ...] = ()
    curve: str | None = None
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    prefers_own_suites: bool = True

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that it is made of."""
        files = (self.cert_file, self.key_file, self.client_ca_file)
        return tuple(file for file in files if file is not None)


def build_tls_settings(entry: TlsServerEntry, where: Location) -> TlsSettings | None:
    """Judge every key of `tls_server_config`, which is at `where`; None where it sets none.

    Relative paths start from the folder of the file.

    Raises:
        ConfigurationError: with file, line, key, what was found and what is allowed.
    """
    if entry == TlsServerEntry():
        return None
    for key, value in (("cert", entry.cert), ("key", entry.key)):
        if value not in (None, ""):
            reason = f"is not taken inline: put it into a file, and name it in {key}_file"
            raise where[key].error(reason)
    for key in ("cert_file", "key_file", "client_ca_file"):
        name = getattr(entry, key)
        if not name and key != "client_ca_file":
            raise where[key].error("is missing")
        if name and not is_plausible_path(name):
            raise where[key].error("is not the path of a file", found=name)
    folder = Path(where.document.file).parent
    suites, minimum = _suites(entry, where)
    return TlsSettings(
        cert_file=str(folder / entry.cert_file),
        key_file=str(folder / entry.key_file),
        client_auth=_client_auth(entry, where),
        client_ca_file=str(folder / entry.client_ca_file) if entry.client_ca_file else None,
        client_ca_pem=entry.client_ca or None,
        client_allowed_sans=_allowed_sans(entry, where["client_allowed_sans"]),
        cipher_suites=suites,
        curve=_curve(entry, where["curve_preferences"]),
        min_version=minimum,
        max_version=entry.max_version,
        prefers_own_suites=entry.prefer_server_cipher_suites,
    )


def _client_auth(entry: TlsServerEntry, where: Location) -> ClientAuth:
    given = entry.client_auth_type
    here, allowed = where["client_auth_type"], tuple(filter(None, CLIENT_AUTH))
    if given in UNVERIFIED:
        reason = "is not supported by this server: it verifies every certificate that it asks for"
        raise here.error(reason, found=given, allowed=allowed)
    if given not in CLIENT_AUTH:
        reason = "is not a valid kind of client authentication"
        raise here.error(reason, found=given, allowed=allowed)
    if entry.client_ca and entry.client_ca_file:
        reason = "and client_ca_file are alternatives; give one of them"
        raise where["client_ca"].error(reason)
    kind, has_ca = CLIENT_AUTH[given], bool(entry.client_ca or entry.client_ca_file)
    if has_ca and kind == "none":
        reason = "is needed with a client CA: without it no client is asked for a certificate"
        raise here.error(reason, allowed=allowed[1:])
    if not has_ca and kind != "none":
        reason = "is missing: with the host's own roots, any public certificate would be accepted"
        raise where["client_ca_file"].error(reason)
    return kind


def _allowed_sans(entry: TlsServerEntry, here: Location) -> frozenset[str] | None:
    if entry.client_allowed_sans is None:
        return None
    if CLIENT_AUTH.get(entry.client_auth_type) != "required":
        reason = "needs client_auth_type RequireAndVerifyClientCert: others accept clients without"
        raise here.error(reason)
    if not entry.client_allowed_sans:
        raise here.error("is empty; leave it out to accept every verified client")
    return frozenset(entry.client_allowed_sans)


def _suites(entry: TlsServerEntry, where: Location) -> tuple[tuple[str, ...], str]:
    """Return OpenSSL's names for TLS 1.2, and the least version that has a suite."""
    for key in ("min_version", "max_version"):
        version = getattr(entry, key)
        if version not in VERSIONS:
            old = version in {"TLS10", "TLS11"}
            reason = "is obsolete (RFC 8996)" if old else "is not a valid TLS version"
            raise where[key].error(reason, found=version, allowed=VERSIONS)
    if entry.min_version > entry.max_version:
        raise where["min_version"].error("is above max_version", found=entry.min_version)
    allowed, here = (*sorted(TLS13_SUITES), *SECURE_SUITES), where["cipher_suites"]
    for position, name in enumerate(entry.cipher_suites):
        if name not in allowed:
            reason = "is not a cipher suite that Go considers secure"
            raise here[position].error(reason, found=name, allowed=allowed)
    suites = tuple(SECURE_SUITES[name] for name in entry.cipher_suites if name in SECURE_SUITES)
    if suites or not entry.cipher_suites:
        return suites, entry.min_version
    # As in Go: where only suites of TLS 1.3 are named, TLS 1.2 has none.
    if entry.max_version == "TLS12":
        raise here.error("has none for TLS 1.2")
    return (), "TLS13"


def _curve(entry: TlsServerEntry, here: Location) -> str | None:
    curves = entry.curve_preferences
    for position, name in enumerate(curves):
        if name not in CURVES:
            raise here[position].error("is not a valid curve", found=name, allowed=CURVES)
    if len(set(curves)) > 1:
        raise here.error(
            "this server takes one curve; leave it out to offer all that OpenSSL considers good"
        )
    return CURVES[curves[0]] if curves else None
