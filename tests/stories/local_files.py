"""Stories of files that an exporter cannot use, or uses with a finding: documented cause 5."""

from probe.model.evidence import Evidence
from probe.model.finding import BYTE_ORDER_MARK, Finding
from tests.stories.story import story
from tests.support.certificate_facts import CLIENT_CA, EXPORTER, ISSUING_CA, exporter
from tests.support.evidence import (
    answered_attempt,
    held_credentials,
    refused_attempt,
    unstarted_attempt,
)

CERT = "/etc/otel/tls.crt"
KEY = "/etc/otel/tls.key"
CA = "/etc/otel/ca.crt"

LEAF = exporter(ISSUING_CA)


@story("load")
def client_file_missing() -> Evidence:
    """The Secret was not mounted: cert_file names a path where no file is."""
    return unstarted_attempt(
        Finding(cause="client_file_missing", role="cert", path=CERT, fact=f"{CERT} is not there")
    )


@story("load", also=("server_ca_file_missing",))
def client_file_missing__and_no_ca_file() -> Evidence:
    """The whole folder is gone: neither the key nor the CA file of the exporter is there."""
    return unstarted_attempt(
        Finding(cause="client_file_missing", role="key", path=KEY, fact=f"{KEY} is not there"),
        Finding(cause="server_ca_file_missing", role="ca", path=CA, fact=f"{CA} is not there"),
    )


@story("load")
def client_file_permission() -> Evidence:
    """The key belongs to root with mode 0600, and the exporter runs as another user."""
    return unstarted_attempt(
        Finding(
            cause="client_file_permission",
            role="key",
            path=KEY,
            fact=f"{KEY} may not be read: EACCES",
        )
    )


@story("load")
def client_file_malformed() -> Evidence:
    """Someone copied a PKCS#12 file over cert_file."""
    return unstarted_attempt(
        Finding(
            cause="client_file_malformed",
            role="cert",
            path=CERT,
            fact=f"{CERT} is PKCS#12, not PEM",
            fix=(f"openssl pkcs12 -in {CERT} -nodes -out tls.pem",),
        )
    )


@story("export", outcome="confirmed", findings=("client_file_malformed",))
def client_file_malformed__byte_order_mark() -> Evidence:
    """An editor put a byte order mark before the certificate: this exporter reads it, Go's do not."""
    remark = Finding(
        cause="client_file_malformed",
        role="cert",
        path=CERT,
        fact=f"{CERT} begins with a byte order mark, which Go refuses",
        fix=(f"sed -i '1s/^\\xef\\xbb\\xbf//' {CERT}",),
        kind=BYTE_ORDER_MARK,
    )
    return answered_attempt(credentials=held_credentials(EXPORTER, remarks=(remark,)))


@story("load")
def exporter_configuration_invalid() -> Evidence:
    """The Collector's file lists a cipher suite that its exporter does not know."""
    return unstarted_attempt(
        Finding(
            cause="exporter_configuration_invalid",
            role="setting",
            path="/etc/otelcol/config.yaml",
            fact="/etc/otelcol/config.yaml:9: exporters.otlp.tls.cipher_suites[0]: is unknown "
            "(found: TLS_AES_512)",
            fix=("Correct exporters.otlp.tls.cipher_suites[0] in /etc/otelcol/config.yaml.",),
        )
    )


@story("load")
def client_key_encrypted() -> Evidence:
    """The key has a passphrase, and an exporter cannot ask for it."""
    return unstarted_attempt(
        Finding(
            cause="client_key_encrypted",
            role="key",
            path=KEY,
            fact=f"{KEY} is an ENCRYPTED PRIVATE KEY",
        )
    )


@story("load")
def server_ca_file_missing() -> Evidence:
    """The ConfigMap with the CA has another name: ca_file is not there."""
    return unstarted_attempt(
        Finding(cause="server_ca_file_missing", role="ca", path=CA, fact=f"{CA} is not there")
    )


@story("load")
def server_ca_file_permission() -> Evidence:
    """The CA file lies in a folder that the exporter's user may not enter."""
    return unstarted_attempt(
        Finding(
            cause="server_ca_file_permission",
            role="ca",
            path=CA,
            fact=f"{CA} may not be read: EACCES",
        )
    )


@story("load")
def server_ca_file_malformed() -> Evidence:
    """The download of the CA failed, and its HTML error page was saved as ca_file."""
    return unstarted_attempt(
        Finding(
            cause="server_ca_file_malformed",
            role="ca",
            path=CA,
            fact=f"{CA} is HTML and holds no certificate",
        )
    )


@story("load")
def client_chain_misordered() -> Evidence:
    """cert_file begins with the intermediate; the end entity's certificate is second."""
    return unstarted_attempt(
        Finding(
            cause="client_chain_misordered",
            role="cert",
            path=CERT,
            fact=f"the key belongs to the certificate 2 of {CERT}, not to the first",
        )
    )


@story("load")
def client_cert_key_mismatch() -> Evidence:
    """The certificate was renewed and its key file is still the old one."""
    return unstarted_attempt(
        Finding(
            cause="client_cert_key_mismatch",
            role="key",
            path=KEY,
            fact=f"the public keys of {CERT} and {KEY} differ",
        )
    )


@story("accept")
def client_chain_incomplete() -> Evidence:
    """The backend lists the root; cert_file lacks the intermediate, which is in the same folder."""
    return refused_attempt(48, LEAF, at_hand=(ISSUING_CA, CLIENT_CA))


@story("accept")
def client_chain_incomplete__jsse() -> Evidence:
    """A Java backend answers certificate_unknown to the same missing intermediate."""
    return refused_attempt(46, LEAF, at_hand=(ISSUING_CA, CLIENT_CA))


@story("accept", certain=False, also=("client_ca_untrusted",))
def client_chain_incomplete__no_list() -> Evidence:
    """The backend says unknown_ca without naming its CAs: the anchor may be missing as well."""
    return refused_attempt(48, LEAF, at_hand=(ISSUING_CA, CLIENT_CA), listed=())


@story(
    "accept",
    certain=False,
    also=("client_ca_untrusted", "client_san_rejected", "client_cert_revoked"),
)
def client_chain_incomplete__silent() -> Evidence:
    """A grpc-core backend closes and sends no CAs; cert_file lacks an intermediate that is available."""
    return refused_attempt("close", LEAF, at_hand=(ISSUING_CA, CLIENT_CA), listed=())


@story("export", outcome="confirmed")
def confirmed__intermediate_of_the_backend() -> Evidence:
    """cert_file lacks the intermediate, but the backend has it and accepts the exporter."""
    return answered_attempt(credentials=held_credentials(LEAF, at_hand=(ISSUING_CA, CLIENT_CA)))
