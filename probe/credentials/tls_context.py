"""`Credentials`: what one generation of files holds, and the TLS contexts built from it.

A context is built once per generation and offer and never changed after that; the private key
is held here and shown nowhere.
"""

from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace
from OpenSSL import SSL, crypto

from probe.credentials.key_pair import present_pair
from probe.model.certificate import CredentialFacts
from probe.model.client_offer import ClientOffer
from probe.system.own_limits import OwnLimitError, lacks_descriptors
from probe.tls.bindings import set_no_auto_chain
from probe.tls.offer import apply_offer

KEPT: Final = "the files read before stay in use, as in an exporter that reloads"


@dataclass(frozen=True, slots=True)
class Material:
    """What a context is built from."""

    chain: tuple[bytes, ...] = ()
    """DER."""
    key: crypto.PKey | None = field(default=None, repr=False)
    """None also where the key and `chain` are not a pair: then no certificate is sent."""
    anchors: tuple[bytes, ...] = ()
    """DER."""
    system_roots: bool = False


class Credentials:
    """One generation of a target's files: facts to show, contexts to connect with."""

    __slots__ = ("_contexts", "_material", "facts")

    def __init__(self, material: Material, facts: CredentialFacts) -> None:
        """Hold `material`; `load_credentials` makes it of files."""
        self.facts = facts
        self._material = material
        self._contexts: dict[tuple[ClientOffer, bool], SSL.Context] = {}

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
        credentials = Credentials(self._material, facts)
        credentials._contexts = self._contexts
        return credentials

    def context(self, offer: ClientOffer, *, client_certificate: bool = True) -> SSL.Context:
        """Return the client context that offers `offer`, the same object each time.

        Without `client_certificate` it sends none. Verification is on and has no callback: each
        connection sets its own. No session is kept.

        Raises:
            ValueError: where the TLS library does not have what is offered.
            OwnLimitError: where this process lacks descriptors to read the system's roots.
        """
        wanted = offer, client_certificate
        context = self._contexts.get(wanted)
        if context is None:
            context = self._contexts[wanted] = _build(self._material, offer, client_certificate)
        return context


def _build(material: Material, offer: ClientOffer, client_certificate: bool) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    apply_offer(context, offer)
    # As Go: connects to an old server without RFC 5746, and never renegotiates.
    context.set_options(SSL.OP_LEGACY_SERVER_CONNECT | SSL.OP_NO_RENEGOTIATION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_verify(SSL.VERIFY_PEER)
    set_no_auto_chain(context)
    if client_certificate and material.chain and material.key is not None:
        present_pair(context, material.chain, material.key)
    if material.system_roots:
        _trust_system_roots(context)
    store = context.get_cert_store()
    assert store is not None
    for anchor in material.anchors:
        store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, anchor))
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
