"""Faults made by hand on a right stage: every documented cause in its kinds, and more.

Each is a decorated function whose docstring says what is wrong; it spoils files and settings. The
cause that a fault must be given is stated, so that steps are those of the right page.
"""

import base64
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    pkcs7,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.lab.following.stage import Stage
from tests.support.pki import Authority, Issued, key_pem, name_of
from tests.support.terminal import PASSPHRASE

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
ENCRYPTION: Final = BestAvailableEncryption(PASSPHRASE.encode())


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what spoils a stage, and the cause that it must be given."""

    name: str
    cause: str
    spoil: Callable[[Stage], None]
    needs: tuple[str, ...] = ()
    """Commands that the steps run."""


FAULTS: Final[dict[str, Fault]] = {}
"""By name, in the order of declaration."""


def fault(cause: str, *needs: str) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    """Declare the decorated function a fault whose cause is `cause`."""

    def declare(spoil: Callable[[Stage], None]) -> Callable[[Stage], None]:
        assert spoil.__doc__, spoil
        assert spoil.__name__ not in FAULTS
        FAULTS[spoil.__name__] = Fault(spoil.__name__, cause, spoil, needs)
        return spoil

    return declare


def now() -> datetime:
    """Return the time by this machine's clock."""
    return datetime.now(UTC)


# 1: the CAs that the backend trusts


@fault("client_ca_untrusted")
def ca_not_in_client_ca_file(stage: Stage) -> None:
    """client_ca_file holds another team's CA."""
    stage.backend.write("client-ca.crt", stage.cas.stranger.pem)


@fault("client_ca_untrusted")
def intermediate_in_client_ca_file_alone(stage: Stage) -> None:
    """client_ca_file holds another intermediate of the same root, so Go has no anchor for ours."""
    other = stage.cas.add(stage.cas.client_root.intermediate("Exporters second issuing CA"))
    stage.backend.write("client-ca.crt", other.pem)


@fault("client_ca_untrusted")
def ca_reissued_with_another_key(stage: Stage) -> None:
    """The client CA was reissued under its name, and client_ca_file still holds the old one."""
    new = stage.cas.add(stage.cas.client_root.rekeyed())
    stage.use_client(stage.cas.issue(new, "exporter-7"))


@fault("client_ca_untrusted")
def server_ca_as_client_ca(stage: Stage) -> None:
    """The server's CA was put into client_ca_file."""
    stage.backend.write("client-ca.crt", stage.cas.server_root.pem)


@fault("client_ca_untrusted")
def self_signed_certificate(stage: Stage) -> None:
    """The exporter's certificate is its own issuer."""
    stage.use_client(stage.cas.add(Authority.root("exporter-7")).issued)


@fault("client_ca_untrusted")
def certificate_of_another_team(stage: Stage) -> None:
    """The exporter holds a certificate that another team's CA issued."""
    stage.use_client(stage.cas.issue(stage.cas.stranger, "exporter-7"))


@fault("client_chain_incomplete")
def chain_incomplete(stage: Stage) -> None:
    """cert_file lacks the intermediate, which is in a file next to it."""
    stage.use_client(stage.client)
    stage.exporter.write("issuing-ca.pem", stage.cas.client_issuer.pem)


@fault("client_ca_untrusted")
def chain_incomplete_nowhere_near(stage: Stage) -> None:
    """cert_file lacks the intermediate, and no file near has it."""
    stage.use_client(stage.client)


@fault("client_chain_misordered")
def chain_misordered(stage: Stage) -> None:
    """cert_file begins with the intermediate."""
    stage.exporter.write("tls.crt", stage.cas.client_issuer.pem, stage.client.pem)


# 2: the wrong certificate or key


@fault("client_cert_not_sent")
def no_client_certificate(stage: Stage) -> None:
    """Neither cert_file nor key_file is set."""
    del stage.client_tls["cert_file"], stage.client_tls["key_file"]


@fault("client_cert_key_mismatch")
def key_of_another_certificate(stage: Stage) -> None:
    """key_file holds the key of another certificate."""
    other = stage.cas.issue(stage.cas.client_issuer, "exporter-8")
    stage.exporter.write("tls.key", other.key_pem)


@fault("client_cert_wrong_usage")
def without_client_auth(stage: Stage) -> None:
    """The certificate is for servers only."""
    issued = stage.cas.issue(stage.cas.client_issuer, "exporter-7", usages=("serverAuth",))
    stage.use_client(issued, stage.cas.client_issuer)


@fault("client_ca_untrusted")
def the_backends_own_certificate(stage: Stage) -> None:
    """The exporter holds what the backend serves."""
    stage.use_client(stage.server, stage.cas.server_issuer)


@fault("client_ca_untrusted")
def ca_certificate_as_end_entity(stage: Stage) -> None:
    """The exporter presents its CA's own certificate, with its key."""
    stage.use_client(stage.cas.add(Authority.root("Exporters root CA of before")).issued)


@fault("client_file_missing")
def key_file_not_set(stage: Stage) -> None:
    """cert_file is set and key_file is not."""
    del stage.client_tls["key_file"]


@fault("client_file_missing")
def cert_file_not_set(stage: Stage) -> None:
    """key_file is set and cert_file is not."""
    del stage.client_tls["cert_file"]


@fault("client_cert_weak")
def signed_with_sha1(stage: Stage) -> None:
    """The CA signed the certificate with SHA-1, which Go refuses."""
    issued = stage.cas.issue(stage.cas.client_issuer, "exporter-7", signature_hash="sha1")
    stage.use_client(issued, stage.cas.client_issuer)


# 3: expiry


@fault("client_cert_expired")
def expired_leaf(stage: Stage) -> None:
    """The exporter's certificate expired an hour ago."""
    issued = stage.cas.issue(stage.cas.client_issuer, "exporter-7", not_after=now() - HOUR)
    stage.use_client(issued, stage.cas.client_issuer)


@fault("client_cert_expired")
def expired_intermediate(stage: Stage) -> None:
    """The intermediate in cert_file expired; the CA has renewed it with the same key."""
    root, issuer = stage.cas.client_root, stage.cas.client_issuer
    ended = root.intermediate(
        "Exporters issuing CA",
        key=issuer.issued.key,
        not_before=now() - 9 * DAY,
        not_after=now() - HOUR,
    )
    stage.exporter.write("tls.crt", stage.client.pem, ended.pem)


@fault("client_cert_expired")
def expired_ca_of_the_backend(stage: Stage) -> None:
    """The CA in client_ca_file expired; it is in the exporter's folder too, and was renewed."""
    key = stage.cas.client_root.issued.key
    ended = Authority.root(
        "Exporters root CA", key=key, not_before=now() - 9 * DAY, not_after=now() - HOUR
    )
    stage.backend.write("client-ca.crt", ended.pem)
    stage.exporter.write("client-ca.crt", ended.pem)


@fault("clock_skew")
def expired_ca_of_the_backend_unseen(stage: Stage) -> None:
    """The CA in client_ca_file expired, and no file of the exporter shows it."""
    key = stage.cas.client_root.issued.key
    ended = Authority.root(
        "Exporters root CA", key=key, not_before=now() - 9 * DAY, not_after=now() - HOUR
    )
    stage.backend.write("client-ca.crt", ended.pem)


@fault("client_cert_not_yet_valid")
def not_yet_valid(stage: Stage) -> None:
    """The exporter's certificate begins in three days."""
    issued = stage.cas.issue(stage.cas.client_issuer, "exporter-7", not_before=now() + 3 * DAY)
    stage.use_client(issued, stage.cas.client_issuer)


@fault("server_cert_expired")
def expired_server(stage: Stage) -> None:
    """The backend's certificate expired an hour ago."""
    issued = stage.cas.issue(
        stage.cas.server_issuer, "backend", usages=("serverAuth",), not_after=now() - HOUR
    )
    stage.use_server(issued, stage.cas.server_issuer)


@fault("server_cert_expired")
def expired_server_intermediate(stage: Stage) -> None:
    """The intermediate that the backend sends expired; the CA has renewed it with the same key."""
    root, issuer = stage.cas.server_root, stage.cas.server_issuer
    ended = root.intermediate(
        "Backends issuing CA",
        key=issuer.issued.key,
        not_before=now() - 9 * DAY,
        not_after=now() - HOUR,
    )
    stage.backend.write("server.crt", stage.server.pem, ended.pem)


@fault("server_cert_expired")
def expired_ca_file(stage: Stage) -> None:
    """The CA in ca_file expired; it was renewed with the same key."""
    key = stage.cas.server_root.issued.key
    ended = Authority.root(
        "Backends root CA", key=key, not_before=now() - 9 * DAY, not_after=now() - HOUR
    )
    stage.exporter.write("ca.crt", ended.pem)


# 4: names


def _serve(stage: Stage, common_name: str, *sans: str) -> None:
    issued = stage.cas.issue(
        stage.cas.server_issuer, common_name, usages=("serverAuth",), sans=sans
    )
    stage.use_server(issued, stage.cas.server_issuer)


@fault("server_name_mismatch")
def name_not_among_the_sans(stage: Stage) -> None:
    """The backend's certificate is for another host."""
    _serve(stage, "backend", "DNS:gateway.example.com")


@fault("server_name_mismatch")
def address_without_an_ip_san(stage: Stage) -> None:
    """The endpoint is an address, and the certificate has names only."""
    _serve(stage, "backend", "DNS:localhost")
    settings = stage.exporter_settings
    settings["endpoint"] = settings["endpoint"].replace("localhost", "127.0.0.1")


@fault("server_name_mismatch")
def common_name_only(stage: Stage) -> None:
    """The backend's certificate has its name in the CN, and no SANs."""
    _serve(stage, "localhost")


@fault("server_name_mismatch")
def wrong_server_name_override(stage: Stage) -> None:
    """server_name_override names what the certificate is not for."""
    stage.client_tls["server_name_override"] = "old-gateway.example.com"


# 5: files


@fault("client_file_malformed", "openssl")
def certificate_in_der(stage: Stage) -> None:
    """cert_file is DER."""
    issued = stage.cas.issue(stage.cas.client_root, "exporter-7")
    stage.use_client(issued)
    stage.exporter.write("tls.crt", issued.der)


@fault("client_file_malformed", "openssl")
def key_in_der(stage: Stage) -> None:
    """key_file is DER."""
    stage.exporter.write("tls.key", stage.client.key_der)


@fault("client_file_malformed", "openssl")
def both_in_der_with_odd_names(stage: Stage) -> None:
    """Both files are DER, and their names hold a blank, a quote, a dollar and a leading dash."""
    issued = stage.cas.issue(stage.cas.client_root, "exporter-7")
    stage.exporter.write("-it's a $HOME.crt", issued.der)
    stage.exporter.write('the "key" of `us`', issued.key_der)
    stage.client_tls["cert_file"] = "-it's a $HOME.crt"
    stage.client_tls["key_file"] = str(stage.exporter.folder / 'the "key" of `us`')


@fault("client_file_malformed", "openssl")
def pkcs12_for_both(stage: Stage) -> None:
    """cert_file and key_file both name a PKCS#12 keystore."""
    stage.exporter.write("client.p12", _keystore(stage))
    for key in ("cert_file", "key_file"):
        stage.client_tls[key] = str(stage.exporter.folder / "client.p12")


def _keystore(stage: Stage) -> bytes:
    return pkcs12.serialize_key_and_certificates(
        b"exporter", stage.client.key, stage.client.certificate,  # type: ignore[arg-type]  # RSA or EC
        [stage.cas.client_issuer.certificate], ENCRYPTION,
    )  # fmt: skip


@fault("client_file_malformed", "openssl", "keytool")
def jks_for_both(stage: Stage) -> None:
    """cert_file and key_file both name a Java keystore."""
    folder = stage.exporter.folder
    stage.exporter.write("client.p12", _keystore(stage))
    subprocess.run(
        ["keytool", "-importkeystore", "-noprompt", "-srckeystore", "client.p12", "-srcstoretype",
         "PKCS12", "-srcstorepass", PASSPHRASE, "-destkeystore", "client.jks", "-deststoretype",
         "JKS", "-deststorepass", PASSPHRASE],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    (folder / "client.p12").unlink()
    for key in ("cert_file", "key_file"):
        stage.client_tls[key] = str(folder / "client.jks")


def _spoil_text(stage: Stage, name: str, change: Callable[[bytes], bytes]) -> None:
    path = stage.exporter.folder / name
    stage.exporter.write(name, change(path.read_bytes()))


@fault("client_file_malformed")
def byte_order_mark(stage: Stage) -> None:
    """An editor on Windows wrote a byte order mark before the certificate."""
    _spoil_text(stage, "tls.crt", lambda text: b"\xef\xbb\xbf" + text)


@fault("client_file_malformed")
def byte_order_mark_before_the_key(stage: Stage) -> None:
    """The same before the key."""
    _spoil_text(stage, "tls.key", lambda text: b"\xef\xbb\xbf" + text)


@fault("client_file_malformed")
def certificate_on_one_line(stage: Stage) -> None:
    """A template has removed the line breaks."""
    _spoil_text(stage, "tls.crt", lambda text: text.replace(b"\n", b""))


@fault("client_file_malformed")
def key_on_one_line_with_blanks(stage: Stage) -> None:
    """A variable has turned line breaks into blanks."""
    _spoil_text(stage, "tls.key", lambda text: text.replace(b"\n", b" "))


@fault("client_file_malformed")
def indented(stage: Stage) -> None:
    """The certificate was copied out of YAML with its indent."""
    _spoil_text(
        stage, "tls.crt", lambda text: b"".join(b"    " + one for one in text.splitlines(True))
    )


@fault("client_file_malformed")
def escaped_line_breaks(stage: Stage) -> None:
    r"""The key holds \n as two characters."""
    _spoil_text(stage, "tls.key", lambda text: text.replace(b"\n", b"\\n"))


@fault("client_file_malformed")
def carriage_returns_only(stage: Stage) -> None:
    """Lines end as on old Macs."""
    _spoil_text(stage, "tls.crt", lambda text: text.replace(b"\n", b"\r"))


@fault("client_file_malformed")
def base64_of_pem(stage: Stage) -> None:
    """The value of a Secret was copied without decoding it."""
    _spoil_text(stage, "tls.key", base64.b64encode)


@fault("client_file_malformed", "iconv")
def utf16(stage: Stage) -> None:
    """PowerShell wrote the certificate as UTF-16."""
    _spoil_text(stage, "tls.crt", lambda text: text.decode().encode("utf-16"))


@fault("client_key_encrypted", "openssl")
def encrypted_key(stage: Stage) -> None:
    """The key has a passphrase."""
    stage.exporter.write("tls.key", key_pem(stage.client.key, PrivateFormat.PKCS8, ENCRYPTION))


@fault("client_key_encrypted", "openssl")
def encrypted_key_of_old(stage: Stage) -> None:
    """The key has a passphrase, in OpenSSL's older form (Proc-Type)."""
    form = PrivateFormat.TraditionalOpenSSL
    stage.exporter.write("tls.key", key_pem(stage.client.key, form, ENCRYPTION))


@fault("client_file_malformed", "ssh-keygen")
def openssh_key(stage: Stage) -> None:
    """The key is in OpenSSH's own format."""
    stage.exporter.write("tls.key", key_pem(stage.client.key, PrivateFormat.OpenSSH))


@fault("client_file_malformed")
def truncated(stage: Stage) -> None:
    """The certificate ends in the middle."""
    _spoil_text(stage, "tls.crt", lambda text: text[:400])


@fault("client_file_missing")
def certificate_missing(stage: Stage) -> None:
    """cert_file names a file that is not there."""
    (stage.exporter.folder / "tls.crt").rename(stage.exporter.folder / "tls-new.crt")


@fault("client_file_missing")
def both_missing(stage: Stage) -> None:
    """The folder of both files is not there."""
    for key in ("cert_file", "key_file"):
        stage.client_tls[key] = stage.client_tls[key].replace("/tls.", "/certs/tls.")


@fault("client_file_permission")
def key_forbidden(stage: Stage) -> None:
    """The exporter's user may not read the key."""
    stage.close_to_the_exporter("tls.key")


@fault("client_file_permission")
def both_forbidden(stage: Stage) -> None:
    """The exporter's user may read neither file."""
    stage.close_to_the_exporter("tls.crt", "tls.key")


@fault("server_ca_file_permission")
def ca_forbidden(stage: Stage) -> None:
    """The exporter's user may not read the CA."""
    stage.close_to_the_exporter("ca.crt")


@fault("client_file_malformed")
def key_in_the_certificates_place(stage: Stage) -> None:
    """The two files are exchanged."""
    tls = stage.client_tls
    tls["cert_file"], tls["key_file"] = tls["key_file"], tls["cert_file"]


@fault("client_file_malformed")
def request_in_the_certificates_place(stage: Stage) -> None:
    """cert_file holds the signing request."""
    stage.exporter.write("tls.crt", _request(stage).public_bytes(Encoding.PEM))


def _request(stage: Stage) -> x509.CertificateSigningRequest:
    builder = x509.CertificateSigningRequestBuilder().subject_name(name_of("exporter-7"))
    return builder.sign(stage.client.key, hashes.SHA256())


@fault("client_file_malformed")
def public_key_in_the_keys_place(stage: Stage) -> None:
    """key_file holds the public key."""
    public = stage.client.key.public_key()
    stage.exporter.write(
        "tls.key", public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )


@fault("client_file_malformed", "openssl")
def pkcs7_bundle(stage: Stage) -> None:
    """cert_file is a PKCS#7 bundle of leaf and intermediate."""
    held = [stage.client.certificate, stage.cas.client_issuer.certificate]
    stage.exporter.write("tls.crt", pkcs7.serialize_certificates(held, Encoding.PEM))


@fault("server_ca_file_missing")
def ca_file_missing(stage: Stage) -> None:
    """ca_file names a file that is not there."""
    (stage.exporter.folder / "ca.crt").unlink()


@fault("server_ca_file_malformed", "openssl")
def ca_file_in_der(stage: Stage) -> None:
    """ca_file is DER."""
    pem = stage.cas.server_root.certificate.public_bytes(Encoding.DER)
    stage.exporter.write("ca.crt", pem)


@fault("server_ca_file_malformed")
def ca_file_base64(stage: Stage) -> None:
    """ca_file is base64 of PEM."""
    _spoil_text(stage, "ca.crt", base64.b64encode)


@fault("server_ca_file_malformed", "openssl")
def ca_file_pkcs7(stage: Stage) -> None:
    """ca_file is a PKCS#7 bundle in DER, as a Windows CA hands out."""
    held = [stage.cas.server_root.certificate]
    stage.exporter.write("ca.crt", pkcs7.serialize_certificates(held, Encoding.DER))


@fault("server_ca_file_malformed")
def ca_file_is_a_page(stage: Stage) -> None:
    """ca_file is a login page."""
    stage.exporter.write("ca.crt", b"<!DOCTYPE html><title>Sign in</title>")


# Beyond the documented causes


@fault("server_ca_untrusted")
def server_ca_untrusted(stage: Stage) -> None:
    """ca_file holds another CA."""
    stage.exporter.write("ca.crt", stage.cas.stranger.pem)


@fault("server_ca_untrusted")
def no_ca_file(stage: Stage) -> None:
    """ca_file is not set, and the system's roots do not know the CA."""
    del stage.client_tls["ca_file"]


@fault("server_ca_untrusted")
def server_ca_reissued(stage: Stage) -> None:
    """The server's CA was reissued with another key, and ca_file holds the old one."""
    new = stage.cas.add(stage.cas.server_root.rekeyed())
    stage.use_server(stage.cas.issue(new, "backend", usages=("serverAuth",)))


@fault("server_chain_incomplete")
def server_chain_incomplete(stage: Stage) -> None:
    """The backend leaves out its intermediate, which issued the exporter's certificate too."""
    stage.use_server(stage.server)
    stage.use_client(
        stage.cas.issue(stage.cas.server_issuer, "exporter-7"), stage.cas.server_issuer
    )
    stage.backend.write("client-ca.crt", stage.cas.server_root.pem)


@fault("server_ca_untrusted")
def server_chain_incomplete_nowhere_near(stage: Stage) -> None:
    """The backend leaves out its intermediate, and no file near has it."""
    stage.use_server(stage.server)


@fault("server_cert_wrong_usage")
def client_certificate_served(stage: Stage) -> None:
    """The backend serves a certificate for clients."""
    issued = stage.cas.issue(stage.cas.server_issuer, "backend")
    stage.use_server(issued, stage.cas.server_issuer)


@fault("otlp_protocol_mismatch")
def ports_swapped(stage: Stage) -> None:
    """The endpoint has the port of the other protocol."""
    own = str(stage.ports[stage.protocol])
    (other,) = (str(port) for port in stage.ports.values() if str(port) != own)
    stage.exporter_settings["endpoint"] = stage.exporter_settings["endpoint"].replace(own, other)


@fault("not_tls")
def plaintext_receiver(stage: Stage) -> None:
    """The receiver has no tls settings."""
    del stage.receiver["tls"]


@fault("tls_off")
def exporter_sends_plaintext(stage: Stage) -> None:
    """The exporter sends without TLS."""
    settings = stage.exporter_settings
    if stage.protocol == "grpc":
        settings["tls"] = {"insecure": True}
    else:
        settings["endpoint"] = settings["endpoint"].replace("https://", "http://")


@fault("protocol_version_mismatch")
def exporter_too_old(stage: Stage) -> None:
    """The exporter stops at TLS 1.2, the backend begins at 1.3."""
    stage.client_tls["max_version"] = "1.2"
    stage.server_tls["min_version"] = "1.3"


@fault("protocol_version_mismatch")
def backend_too_old(stage: Stage) -> None:
    """The exporter begins at TLS 1.3, the backend stops at 1.2."""
    stage.client_tls["min_version"] = "1.3"
    stage.server_tls["max_version"] = "1.2"


@fault("no_shared_cipher")
def suites_of_another_key(stage: Stage) -> None:
    """The exporter's suites are for RSA, the backend's key is EC."""
    stage.client_tls["max_version"] = "1.2"
    stage.client_tls["cipher_suites"] = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]


@fault("no_shared_group")
def curves_apart(stage: Stage) -> None:
    """Exporter and backend each allow one curve, and not the same."""
    stage.client_tls["curve_preferences"] = ["P384"]
    stage.server_tls["curve_preferences"] = ["P256"]


# 6: clocks


@fault("server_cert_not_yet_valid")
def server_begins_tomorrow(stage: Stage) -> None:
    """The backend's certificate begins tomorrow."""
    issued = stage.cas.issue(
        stage.cas.server_issuer, "backend", usages=("serverAuth",), not_before=now() + DAY
    )
    stage.use_server(issued, stage.cas.server_issuer)


@fault("clock_skew")
def begins_in_a_moment(stage: Stage) -> None:
    """The exporter's certificate begins in two seconds: its CA's clock is a little ahead."""
    begins = now() + timedelta(seconds=3)
    issued = stage.cas.issue(stage.cas.client_issuer, "exporter-7", not_before=begins)
    stage.use_client(issued, stage.cas.client_issuer)


@fault("clock_skew")
def own_clock_behind(stage: Stage) -> None:
    """The clock of the exporter's machine is two days behind, as an SNTP server says."""
    stage.clock = "-2d"


# Certificates that break a rule


def _certify_again(
    right: Authority,
    above: Authority,
    *extensions: tuple[x509.ExtensionType, bool],
    ca: bool = True,
) -> Authority:
    """Certify the key of an issuing CA once more, with other extensions."""
    now_, key = now(), right.issued.key
    builder = (
        x509.CertificateBuilder()
        .subject_name(right.certificate.subject)
        .issuer_name(above.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now_ - HOUR)
        .not_valid_after(now_ + 90 * DAY)
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    certificate = builder.sign(above.issued.key, hashes.SHA256())
    return Authority(Issued(certificate, key), now_, (above.certificate, *above.above))


@fault("server_chain_invalid")
def issuer_is_not_a_ca(stage: Stage) -> None:
    """The backend's intermediate has CA:FALSE."""
    wrong = _certify_again(stage.cas.server_issuer, stage.cas.server_root, ca=False)
    stage.use_server(stage.server, wrong)


@fault("server_chain_invalid")
def names_constrained(stage: Stage) -> None:
    """The backend's intermediate may issue for example.com only."""
    names = x509.NameConstraints([x509.DNSName("example.com")], None)
    stage.use_server(
        stage.server, _certify_again(stage.cas.server_issuer, stage.cas.server_root, (names, True))
    )


@fault("server_chain_invalid")
def unknown_critical_extension(stage: Stage) -> None:
    """The backend's intermediate has a critical extension that nobody knows."""
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    stage.use_server(
        stage.server,
        _certify_again(stage.cas.server_issuer, stage.cas.server_root, (unknown, True)),
    )


@fault("server_chain_invalid")
def intermediate_without_server_auth(stage: Stage) -> None:
    """The backend's intermediate is for clients only."""
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    stage.use_server(
        stage.server, _certify_again(stage.cas.server_issuer, stage.cas.server_root, (usage, False))
    )


@fault("client_cert_rejected")
def client_issuer_is_not_a_ca(stage: Stage) -> None:
    """The exporter's intermediate has CA:FALSE."""
    wrong = _certify_again(stage.cas.client_issuer, stage.cas.client_root, ca=False)
    stage.use_client(stage.client, wrong)


@fault("client_cert_rejected")
def client_names_constrained(stage: Stage) -> None:
    """The exporter's intermediate may issue for example.com only."""
    names = (x509.NameConstraints([x509.DNSName("example.com")], None), True)
    stage.use_client(
        stage.client, _certify_again(stage.cas.client_issuer, stage.cas.client_root, names)
    )
