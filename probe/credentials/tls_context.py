"""`Credentials`: what one generation of files holds, and the TLS contexts built from it.

A context is built once per generation and offer and never changed after that; the private key
is held here and shown nowhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace
from OpenSSL import SSL, crypto

from probe.credentials.key_pair import list_schemes_of, present_pair
from probe.credentials.system_roots import SYSTEM_ROOTS, SystemRoots
from probe.model.certificate import CredentialFacts
from probe.model.client_offer import ClientOffer
from probe.tls.bindings import prepare_context
from probe.tls.offer import apply_offer
from probe.x509.anchors import AnchorPool

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
    roots: SystemRoots = SYSTEM_ROOTS
    """The system's, where they count."""
    other_anchors: tuple[tuple[str, tuple[bytes, ...]], ...] = ()
    """What other runtimes, by id, take of the same CA file, where that differs."""


class Credentials:
    """One generation of a target's files: facts to show, contexts to connect with."""

    __slots__ = ("_anchors", "_contexts", "_material", "_other_anchors", "facts")

    def __init__(self, material: Material, facts: CredentialFacts) -> None:
        """Hold `material`; `load_credentials` makes it of files."""
        self.facts = facts
        self._material = material
        self._contexts: dict[tuple[ClientOffer, bool], SSL.Context] = {}
        self._anchors: AnchorPool | None = None
        self._other_anchors: dict[str, AnchorPool] | None = None

    def __repr__(self) -> str:
        """Name the generation only."""
        return f"Credentials(generation={self.facts.generation!r})"

    @property
    def chain(self) -> tuple[bytes, ...]:
        """What is sent, as DER."""
        return self._material.chain

    @property
    def anchors(self) -> tuple[bytes, ...]:
        """What the CA file holds, as DER, as far as the exporter takes it."""
        return self._material.anchors

    def present(self, context: SSL.Context) -> None:
        """Make `context`, a server's, authenticate with the certificates and key of the files.

        Raises:
            ValueError: where they hold no pair.
        """
        if self._material.key is None or not self._material.chain:
            raise ValueError("there is no certificate with its key to present")
        present_pair(context, self._material.chain, self._material.key)

    def keep_despite(self, unusable: CredentialFacts) -> "Credentials":
        """Return these credentials as the last good ones, while the files hold `unusable` ones.

        The faults of those are reported; an exporter that has read the good ones goes on.
        """
        faults = tuple(replace(one, fact=f"{one.fact}; {KEPT}") for one in unusable.faults)
        return self.with_facts(
            replace(self.facts, unusable=faults, served=unusable.served, receiver=unusable.receiver)
        )

    def with_facts(self, facts: CredentialFacts) -> "Credentials":
        """Return these credentials with `facts` about the same material; contexts are shared."""
        credentials = Credentials(self._material, facts)
        credentials._contexts, credentials._anchors = self._contexts, self._anchors
        credentials._other_anchors = self._other_anchors
        return credentials

    def find_anchors(self) -> AnchorPool:
        """Return what the exporter trusts: what ca_file holds, the system's roots, or both.

        Raises:
            OSError: where this process lacks descriptors to read the system's roots.
        """
        if self._anchors is None:
            self._anchors = self._join_roots(self._material.anchors)
        return self._anchors

    def find_other_anchors(self) -> Mapping[str, AnchorPool]:
        """Return what other runtimes trust, by id, where their readers take other certificates.

        Raises:
            OSError: where this process lacks descriptors to read the system's roots.
        """
        if self._other_anchors is None:
            pools: dict[tuple[bytes, ...], AnchorPool] = {}
            for _, anchors in self._material.other_anchors:
                if anchors not in pools:
                    pools[anchors] = self._join_roots(anchors)
            self._other_anchors = {
                runtime: pools[anchors] for runtime, anchors in self._material.other_anchors
            }
        return self._other_anchors

    def _join_roots(self, anchors: tuple[bytes, ...]) -> AnchorPool:
        """Return `anchors` with the system's roots, where they count: those alone are shared."""
        if not self._material.system_roots:
            return AnchorPool(anchors)
        roots = self._material.roots
        return AnchorPool((*anchors, *roots.read())) if anchors else roots.read_pool()

    def context(self, offer: ClientOffer, *, client_certificate: bool = True) -> SSL.Context:
        """Return the client context that offers `offer`, the same object each time.

        Without `client_certificate` it sends none. It holds no anchors and verifies no server:
        the model of the exporter does. No session is kept.

        Raises:
            ValueError: where the TLS library does not have what is offered.
        """
        wanted = offer, client_certificate
        context = self._contexts.get(wanted)
        if context is None:
            context = self._contexts[wanted] = _build(self._material, offer, client_certificate)
        return context


def _build(material: Material, offer: ClientOffer, client_certificate: bool) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    key = material.key if client_certificate and material.chain else None
    apply_offer(context, offer, () if key is None else list_schemes_of(key))
    # As Go: connects to an old server without RFC 5746.
    context.set_options(SSL.OP_LEGACY_SERVER_CONNECT)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    prepare_context(context)
    if key is not None:
        present_pair(context, material.chain, key)
    return context
