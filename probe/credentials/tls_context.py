"""`Credentials`: what one generation of files holds, and the TLS contexts built from it.

A context is built once per generation and variant and never changed after that; the private key
is held here and shown nowhere.
"""

from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from msgspec.structs import replace
from OpenSSL import SSL, crypto

from probe.credentials.key_pair import SECURITY_LEVEL, present_pair
from probe.model.certificate import CredentialFacts
from probe.model.target import TlsSettings
from probe.model.tls_names import (
    CURVES,
    DEFAULT_MIN_VERSION,
    SUITES,
    VERSIONS,
    check_names,
    openssl_ciphers,
    openssl_groups,
)
from probe.system.own_limits import OwnLimitError, lacks_descriptors
from probe.tls.bindings import set_groups, set_no_auto_chain

_PROTOCOLS: Final = dict(
    zip(
        VERSIONS,
        (SSL.TLS1_VERSION, SSL.TLS1_1_VERSION, SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION),
        strict=True,
    )
)
KEPT: Final = "the files read before stay in use, as in an exporter that reloads"


@dataclass(frozen=True, slots=True)
class Variant:
    """What one context varies of the target's own settings; an empty field leaves them unchanged."""

    max_version: str = ""
    min_version: str = ""
    client_certificate: bool = True
    groups: tuple[str, ...] | None = None
    """Go's or OpenSSL's names."""
    ciphers: tuple[str, ...] | None = None
    """For TLS 1.0 to 1.2, Go's or OpenSSL's names and keywords (`ALL`)."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a context is built from."""

    chain: tuple[x509.Certificate, ...] = ()
    key: PrivateKeyTypes | None = field(default=None, repr=False)
    """None also where the key and `chain` are not a pair: then no certificate is sent."""
    anchors: tuple[x509.Certificate, ...] = ()
    system_roots: bool = False


class Credentials:
    """One generation of a target's files: facts to show, contexts to connect with."""

    __slots__ = ("_contexts", "_material", "_tls", "facts")

    def __init__(self, tls: TlsSettings, material: Material, facts: CredentialFacts) -> None:
        """Hold `material`; `load_credentials` makes it of files."""
        self.facts = facts
        self._tls = tls
        self._material = material
        self._contexts: dict[Variant, SSL.Context] = {}

    def __repr__(self) -> str:
        """Name the generation only."""
        return f"Credentials(generation={self.facts.generation!r})"

    def keep_despite(self, unusable: CredentialFacts) -> "Credentials":
        """Return these credentials as the last good ones, while the files hold `unusable` ones.

        The faults of those are reported; an exporter that has read the good ones goes on.
        """
        faults = tuple(replace(one, fact=f"{one.fact}; {KEPT}") for one in unusable.faults)
        return self.with_facts(replace(self.facts, unusable=faults, served=unusable.served))

    def with_facts(self, facts: CredentialFacts) -> "Credentials":
        """Return these credentials with `facts` about the same material; contexts are shared."""
        credentials = Credentials(self._tls, self._material, facts)
        credentials._contexts = self._contexts
        return credentials

    def context(self, variant: Variant = Variant()) -> SSL.Context:
        """Return the client context for `variant`, the same object each time.

        Verification is on and has no callback: each connection sets its own. No session is kept.

        Raises:
            ValueError: where settings or variant name a version, cipher suite or group that the
                TLS library does not know, or leave nothing to offer.
            OwnLimitError: where this process lacks descriptors to read the system's roots.
        """
        context = self._contexts.get(variant)
        if context is None:
            context = self._contexts[variant] = _build(self._tls, self._material, variant)
        return context

    def find_library_limit(self) -> str:
        """Say what of the target's own settings the TLS library here cannot do, or nothing.

        Names that no exporter knows have been refused before, so that what is left is a limit of
        the probe: a cipher suite or group that Go has and this OpenSSL has not.
        """
        try:
            self.context()
        except ValueError as error:
            return f"{error} ({SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode()})"
        return ""


def _build(tls: TlsSettings, material: Material, variant: Variant) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    lowest, highest = _choose_versions(tls, variant)
    lowest = _set_ciphers(context, tls, variant, lowest, highest)
    context.set_min_proto_version(_PROTOCOLS[lowest])
    context.set_max_proto_version(_PROTOCOLS[highest])
    _set_groups(context, tls, variant)
    # As Go: connects to an old server without RFC 5746, and never renegotiates.
    context.set_options(SSL.OP_LEGACY_SERVER_CONNECT | SSL.OP_NO_RENEGOTIATION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_verify(SSL.VERIFY_PEER)
    set_no_auto_chain(context)
    if variant.client_certificate and material.chain and material.key is not None:
        present_pair(context, material.chain, material.key)
    if material.system_roots:
        _trust_system_roots(context)
    store = context.get_cert_store()
    assert store is not None
    for anchor in material.anchors:
        store.add_cert(crypto.X509.from_cryptography(anchor))
    # As in Go, every certificate in ca_file is an anchor, self-signed or not.
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    return context


def _trust_system_roots(context: SSL.Context) -> None:
    """Take the system's roots.

    OpenSSL ignores a file that it cannot open (X509_STORE_set_default_paths clears the error):
    a context without a single root would then stay, and no server would be trusted.

    Raises:
        OwnLimitError: where this process lacks descriptors for it.
    """
    lack = lacks_descriptors()
    if not lack:
        context.set_default_verify_paths()
        lack = lacks_descriptors()
    if lack:
        raise OwnLimitError(f"{lack}: no descriptors are free to read the system's roots")


def _choose_versions(tls: TlsSettings, variant: Variant) -> tuple[str, str]:
    """Return the lowest and highest version; a variant's bound moves the other where they cross."""
    bounds = (tls.min_version, tls.max_version, variant.min_version, variant.max_version)
    check_names("TLS version", filter(None, bounds), VERSIONS)
    lowest = tls.min_version or DEFAULT_MIN_VERSION
    highest = tls.max_version or VERSIONS[-1]
    # A cap below the default minimum means that version: configtls leaves the default out then.
    if not tls.min_version:
        lowest = min(lowest, highest)
    if lowest > highest:
        raise ValueError(f"min_version {lowest!r} is above max_version {highest!r}")
    if variant.min_version:
        lowest = variant.min_version
        highest = variant.max_version or max(lowest, highest)
    elif variant.max_version:
        highest = variant.max_version
        lowest = min(lowest, highest)
    if lowest > highest:
        raise ValueError(f"the variant's versions {lowest!r} to {highest!r} are empty")
    return lowest, highest


def _set_ciphers(
    context: SSL.Context, tls: TlsSettings, variant: Variant, lowest: str, highest: str
) -> str:
    """Set the suites for TLS 1.0 to 1.2; return the lowest version that has any."""
    if variant.ciphers is None:
        check_names("cipher suite", tls.cipher_suites, SUITES)
    wanted = tls.cipher_suites if variant.ciphers is None else variant.ciphers
    names = openssl_ciphers(wanted)
    if wanted and not names:
        if highest < "1.3":
            raise ValueError(f"no cipher suite is left for TLS {highest}: all are of TLS 1.3")
        lowest = "1.3"
    listed = ":".join((*(names or ("DEFAULT",)), SECURITY_LEVEL))
    try:
        context.set_cipher_list(listed.encode())
    except SSL.Error:
        raise ValueError(f"the TLS library has none of the ciphers {', '.join(names)}") from None
    return lowest


def _set_groups(context: SSL.Context, tls: TlsSettings, variant: Variant) -> None:
    if variant.groups is None:
        check_names("curve", tls.curve_preferences, CURVES)
    wanted = tls.curve_preferences if variant.groups is None else variant.groups
    if wanted:
        set_groups(context, ":".join(openssl_groups(wanted)))
