"""What a person has who operates exporter and backend: the CAs, and a copy of every pair made."""

from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.pki import Authority, Issued

NAMES: Final = ("DNS:localhost", "IP:127.0.0.1")


class Authorities:
    """The CAs of both sides, by name, and of all that they issued the key by its certificate."""

    def __init__(self) -> None:
        """Make the CAs."""
        self.client_root = Authority.root("Exporters root CA")
        self.client_issuer = self.client_root.intermediate("Exporters issuing CA")
        self.server_root = Authority.root("Backends root CA")
        self.server_issuer = self.server_root.intermediate("Backends issuing CA")
        self.stranger = Authority.root("CA of another team")
        self._known = [
            self.client_root, self.client_issuer, self.server_root, self.server_issuer, self.stranger,
        ]  # fmt: skip
        self._pairs: dict[bytes, Issued] = {}

    def add(self, authority: Authority) -> Authority:
        """Know one more CA."""
        self._known.append(authority)
        return authority

    def find(self, subject: str) -> Authority:
        """Return the CA of this subject; of two with one name the present one, which was added last."""
        for one in reversed(self._known):
            if one.certificate.subject.rfc4514_string() == subject:
                return one
        raise AssertionError(f"no CA is called {subject}")

    def find_issuer_below(self, accepted: x509.Certificate) -> Authority:
        """Return who issues end entities for this CA: an intermediate where it has one."""
        below = [one for one in self._known if accepted in (one.certificate, *one.above)]
        assert below, f"nobody has the key of {accepted.subject.rfc4514_string()}"
        return max(below, key=lambda one: len(one.above))

    def issue(self, by: Authority, name: str, **settings: object) -> Issued:
        """Issue a certificate and keep a copy of the pair."""
        issued = by.issue(name, **settings)  # type: ignore[arg-type]  # settings are Authority.issue's
        self.keep(issued)
        return issued

    def keep(self, issued: Issued) -> None:
        """Keep a copy of a pair."""
        self._pairs[_public(issued.certificate)] = issued

    def key_of(self, certificate: x509.Certificate) -> bytes:
        """Return the key that a certificate was requested with, as PEM."""
        return self._pairs[_public(certificate)].key_pem


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
