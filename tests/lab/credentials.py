"""The files that the lab's servers and clients use, written by the demo's throwaway PKI."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.support.pki import Authority, Issued, write_pem


@dataclass(frozen=True, slots=True)
class Pair:
    """The files of one certificate and its key."""

    cert_file: Path
    key_file: Path


class LabPki:
    """A server CA, the client CA that backends trust, and another CA that they do not."""

    def __init__(self, folder: Path) -> None:
        """Make the authorities; their files go to `folder`."""
        self.folder = folder
        self.server_ca = Authority.root("Lab server CA")
        self.client_ca = Authority.root("Lab client CA")
        self.other_ca = Authority.root("Lab CA of another team")
        self.server_ca_file = write_pem(folder, "server-ca.pem", self.server_ca.pem)
        self.client_ca_file = write_pem(folder, "client-ca.pem", self.client_ca.pem)
        self.other_ca_file = write_pem(folder, "other-ca.pem", self.other_ca.pem)

    def write(self, name: str, issued: Issued, *, by: Authority | None = None) -> Pair:
        """Write `issued`, with the intermediates of `by`, as `name`.pem and `name`-key.pem."""
        chain = by.chain_pem(issued) if by else issued.pem
        return Pair(
            write_pem(self.folder, f"{name}.pem", chain),
            write_pem(self.folder, f"{name}-key.pem", issued.key_pem),
        )

    @cached_property
    def server(self) -> Pair:
        """The backend's own certificate, for localhost and 127.0.0.1."""
        return self.write("server", self.server_ca.issue("backend", usages=("serverAuth",)))

    @cached_property
    def server_rsa(self) -> Pair:
        """The backend's certificate with an RSA key."""
        issued = self.server_ca.issue("backend", usages=("serverAuth",), key_type="rsa2048")
        return self.write("server-rsa", issued)

    @cached_property
    def server_ed25519(self) -> Pair:
        """The backend's certificate with an Ed25519 key."""
        issued = self.server_ca.issue("backend", usages=("serverAuth",), key_type="ed25519")
        return self.write("server-ed25519", issued)

    @cached_property
    def plain(self) -> Issued:
        """The certificate and key that `client` has as files."""
        return self.client_ca.issue("exporter")

    @cached_property
    def client(self) -> Pair:
        """A client certificate that the backend accepts."""
        return self.write("client", self.plain)

    @cached_property
    def stranger(self) -> Pair:
        """A client certificate of a CA that the backend does not trust."""
        return self.write("stranger", self.other_ca.issue("exporter"))

    @cached_property
    def expired(self) -> Pair:
        """A client certificate of the right CA that expired an hour ago."""
        hour_ago = datetime.now(UTC) - timedelta(hours=1)
        issued = self.client_ca.issue("exporter", not_after=hour_ago)
        return self.write("expired", issued)

    @cached_property
    def rekeyed(self) -> Pair:
        """A client certificate of the client CA's successor: the same name, another key."""
        return self.write("rekeyed", self.client_ca.rekeyed().issue("exporter"))

    @cached_property
    def self_signed(self) -> Pair:
        """A client certificate that is its own issuer."""
        return self.write("self-signed", Authority.root("exporter").issued)

    @cached_property
    def expired_stranger(self) -> Pair:
        """A client certificate of the other CA that expired an hour ago."""
        hour_ago = datetime.now(UTC) - timedelta(hours=1)
        return self.write("expired-stranger", self.other_ca.issue("exporter", not_after=hour_ago))

    @cached_property
    def not_yet_valid(self) -> Pair:
        """A client certificate of the right CA that becomes valid in three days."""
        begins = datetime.now(UTC) + timedelta(days=3)
        return self.write("not-yet-valid", self.client_ca.issue("exporter", not_before=begins))

    @cached_property
    def thirty_days(self) -> Pair:
        """A client certificate of the right CA with thirty days left."""
        ends = datetime.now(UTC) + timedelta(days=30)
        begins = datetime.now(UTC) - timedelta(days=60)
        issued = self.client_ca.issue("exporter", not_before=begins, not_after=ends)
        return self.write("thirty-days", issued)

    @cached_property
    def five_days(self) -> Pair:
        """A client certificate of the right CA with five days left."""
        ends = datetime.now(UTC) + timedelta(days=5)
        begins = datetime.now(UTC) - timedelta(days=60)
        issued = self.client_ca.issue("exporter", not_before=begins, not_after=ends)
        return self.write("five-days", issued)

    @cached_property
    def wrong_usage(self) -> Pair:
        """A certificate of the client CA for servers only."""
        return self.write("wrong-usage", self.client_ca.issue("exporter", usages=("serverAuth",)))

    @cached_property
    def swapped(self) -> Pair:
        """A client certificate next to the key of another."""
        return Pair(self.client.cert_file, self.stranger.key_file)

    @cached_property
    def below_intermediate(self) -> Pair:
        """A client certificate with the intermediate that the client CA has certified."""
        intermediate = self.client_ca.intermediate("Lab intermediate CA")
        return self.write("below", intermediate.issue("exporter"), by=intermediate)

    @cached_property
    def missing_intermediate(self) -> Pair:
        """A client certificate whose intermediate is in the same folder, but not in cert_file."""
        intermediate = self.client_ca.intermediate("Lab intermediate CA, left out")
        folder = self.folder / "incomplete"
        folder.mkdir()
        issued = intermediate.issue("exporter")
        write_pem(folder, "intermediate.pem", intermediate.pem)
        return Pair(
            write_pem(folder, "tls.crt", issued.pem), write_pem(folder, "tls.key", issued.key_pem)
        )

    @cached_property
    def server_expired(self) -> Pair:
        """The backend's certificate, expired an hour ago."""
        hour_ago = datetime.now(UTC) - timedelta(hours=1)
        issued = self.server_ca.issue("backend", usages=("serverAuth",), not_after=hour_ago)
        return self.write("server-expired", issued)

    @cached_property
    def server_not_yet_valid(self) -> Pair:
        """The backend's certificate, valid in three days."""
        begins = datetime.now(UTC) + timedelta(days=3)
        issued = self.server_ca.issue("backend", usages=("serverAuth",), not_before=begins)
        return self.write("server-not-yet-valid", issued)

    @cached_property
    def server_wrong_usage(self) -> Pair:
        """A backend's certificate for clients only."""
        return self.write("server-wrong-usage", self.server_ca.issue("backend"))

    @cached_property
    def server_of_no_ca(self) -> Pair:
        """A backend's certificate that another service's certificate, which is not a CA, signed."""
        service = self.server_ca.issue("another service", usages=("serverAuth",))
        above = (self.server_ca.certificate,)
        signer = Authority(service, self.server_ca.now, above, self.server_ca.key_ids)
        return self.write(
            "server-of-no-ca", signer.issue("backend", usages=("serverAuth",)), by=signer
        )

    @cached_property
    def server_weak(self) -> Pair:
        """A backend's certificate that the server CA signed with SHA-1."""
        issued = self.server_ca.issue("backend", usages=("serverAuth",), signature_hash="sha1")
        return self.write("server-weak", issued)

    @cached_property
    def _shared_intermediate(self) -> Authority:
        return self.server_ca.intermediate("Lab intermediate CA of both sides")

    @cached_property
    def server_incomplete(self) -> Pair:
        """A backend's certificate without the intermediate that issued it."""
        issued = self._shared_intermediate.issue("backend", usages=("serverAuth",))
        return self.write("server-incomplete", issued)

    @cached_property
    def of_one_intermediate(self) -> Pair:
        """A client certificate from the intermediate that the backend leaves out, together with it."""
        intermediate = self._shared_intermediate
        return self.write("one-intermediate", intermediate.issue("exporter"), by=intermediate)

    @cached_property
    def rsa_1024(self) -> Pair:
        """A client certificate with a key of RSA 1024."""
        return self.write("rsa-1024", self.client_ca.issue("exporter", key_type="rsa1024"))

    @cached_property
    def sha1(self) -> Pair:
        """A client certificate that the client CA signed with SHA-1."""
        return self.write("sha1", self.client_ca.issue("exporter", signature_hash="sha1"))

    @cached_property
    def no_digital_signature(self) -> Pair:
        """A client certificate whose keyUsage does not allow the handshake's signature."""
        issued = self.client_ca.issue("exporter", key_usage=("keyEncipherment",))
        return self.write("no-digital-signature", issued)

    @cached_property
    def ca_as_end_entity(self) -> Pair:
        """A client certificate with CA:TRUE, issued by the client CA."""
        return self.write("ca-as-end-entity", self.client_ca.issue("exporter", is_ca=True))

    @cached_property
    def ed25519(self) -> Pair:
        """A client certificate with a key of Ed25519."""
        return self.write("ed25519", self.client_ca.issue("exporter", key_type="ed25519"))

    @cached_property
    def revoked(self) -> Pair:
        """A client certificate that `crl_file` names."""
        return self.write("revoked", self._revoked)

    @cached_property
    def _revoked(self) -> Issued:
        return self.client_ca.issue("exporter")

    @cached_property
    def crl_file(self) -> Path:
        """The client CA's list of revoked certificates, in force for a day."""
        now = datetime.now(UTC)
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(self._revoked.certificate.serial_number)
            .revocation_date(now - timedelta(hours=1))
            .build()
        )
        listed = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.client_ca.certificate.subject)
            .last_update(now - timedelta(hours=1))
            .next_update(now + timedelta(days=1))
            .add_revoked_certificate(entry)
            # rustls accepts no list without them (RFC 5280 §5.2.1, §5.2.3).
            .add_extension(x509.CRLNumber(1), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    self.client_ca.issued.key.public_key()
                ),
                critical=False,
            )
            .sign(self.client_ca.issued.key, hashes.SHA256())
        )
        pem = listed.public_bytes(serialization.Encoding.PEM)
        return write_pem(self.folder, "client-ca.crl", pem)

    @cached_property
    def expired_intermediate(self) -> Pair:
        """A client certificate with an intermediate that expired an hour ago."""
        hour_ago = datetime.now(UTC) - timedelta(hours=1)
        expired = self.client_ca.intermediate("Lab intermediate CA, expired", not_after=hour_ago)
        return self.write("of-expired", expired.issue("exporter"), by=expired)

    @cached_property
    def _expired_root(self) -> Authority:
        return Authority.root(
            "Lab client CA, expired", not_after=datetime.now(UTC) - timedelta(hours=1)
        )

    @cached_property
    def of_expired_root(self) -> Pair:
        """A client certificate whose root expired an hour ago; the root is in the same folder."""
        folder = self.folder / "expired-root"
        folder.mkdir()
        issued = self._expired_root.issue("exporter")
        write_pem(folder, "ca.crt", self._expired_root.pem)
        return Pair(
            write_pem(folder, "tls.crt", issued.pem), write_pem(folder, "tls.key", issued.key_pem)
        )

    @cached_property
    def expired_root_file(self) -> Path:
        """The root of `of_expired_root`, as a backend would trust it."""
        return write_pem(self.folder, "expired-root.pem", self._expired_root.pem)

    @cached_property
    def of_expired_root_alone(self) -> Pair:
        """A client certificate whose root expired an hour ago; the root is not in the same folder."""
        folder = self.folder / "expired-root-unseen"
        folder.mkdir()
        issued = self._expired_root.issue("exporter")
        return Pair(
            write_pem(folder, "tls.crt", issued.pem), write_pem(folder, "tls.key", issued.key_pem)
        )

    @cached_property
    def _without_key_ids(self) -> Authority:
        return Authority.root("Lab client CA without key identifiers", key_ids=False)

    @cached_property
    def without_key_ids_file(self) -> Path:
        """A client CA that has no subjectKeyIdentifier."""
        return write_pem(self.folder, "without-key-ids.pem", self._without_key_ids.pem)

    @cached_property
    def rekeyed_without_key_ids(self) -> Pair:
        """A client certificate of that CA's successor, without an identifier of the signing key."""
        return self.write("rekeyed-bare", self._without_key_ids.rekeyed().issue("exporter"))

    @cached_property
    def issuers_reversed(self) -> Pair:
        """A client certificate with its two intermediates, the upper one first."""
        upper = self.client_ca.intermediate("Lab upper intermediate CA")
        lower = upper.intermediate("Lab lower intermediate CA")
        issued = lower.issue("exporter")
        return Pair(
            write_pem(self.folder, "reversed.pem", issued.pem, upper.pem, lower.pem),
            write_pem(self.folder, "reversed-key.pem", issued.key_pem),
        )

    @cached_property
    def server_common_name_only(self) -> Pair:
        """A backend's certificate with the right name as its CN, and no subjectAltName."""
        issued = self.server_ca.issue("localhost", usages=("serverAuth",), sans=())
        return self.write("server-common-name", issued)
