"""Where exporters differ before anything is sent: how each reads the credential files.

Each rule was seen with real clients: Go 1.27, OpenJDK 17, grpcio 1.85, CPython 3.11, Node 20 and
curl, the last three on OpenSSL 3.0.
"""

from collections.abc import Iterator
from typing import Final

from probe.comparison.verdict import Outcome, Verdict, build_verdicts
from probe.messages.printed_files import GRPC_CORE_GIVES_UP
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.finding import BYTE_ORDER_MARK, Finding
from probe.model.runtime import (
    COLLECTOR,
    CURL,
    GO,
    GO_BASED,
    JAVA,
    NODE,
    ON_OPENSSL,
    PYTHON_GRPC,
    PYTHON_HTTP,
)
from probe.x509.strength import find_weak_key, find_weak_signature

_STRICT: Final = "does not see the first block behind a byte order mark"
_LENIENT: Final = "OpenSSL reads past a byte order mark (PEM_read_bio)"


def judge_byte_order_mark(evidence: Evidence, _: Diagnosis) -> Iterator[Verdict]:
    """Go, Java and grpcio do not read what follows a UTF-8 byte order mark; OpenSSL does."""
    credentials = evidence.credentials
    stopped = _find_mark(credentials.faults)
    marked = stopped or _find_mark(credentials.remarks)
    if marked is None or not _is_reached(evidence):
        return
    of_us: Outcome = "works" if stopped else "same"
    of_them: Outcome = "same" if stopped else "fails"
    yield from build_verdicts(ON_OPENSSL, of_us, _LENIENT, lambda _: "")
    if marked.role == "ca":
        if len(credentials.ca_bundle) > 1:
            return  # the certificates after the first are still read
        yield Verdict(COLLECTOR.id, of_them, "failed to parse cert", _STRICT)
        says = "failed to append certificate to the cert pool"
        yield from build_verdicts(GO, of_them, _STRICT, lambda _: says)
        yield Verdict(PYTHON_GRPC.id, of_them, GRPC_CORE_GIVES_UP, _STRICT)
        return
    kind = "certificate" if marked.role == "cert" else "key"
    says = f"tls: failed to find any PEM data in {kind} input"
    if marked.role == "cert" and len(credentials.client_chain) > 1:
        says = "tls: private key does not match public key"
    yield from build_verdicts(GO_BASED, of_them, _STRICT, lambda _: says)
    if marked.role == "cert":
        refused = "java.security.cert.CertificateException"
        yield from build_verdicts(JAVA, of_them, _STRICT, lambda _: refused)
        yield Verdict(PYTHON_GRPC.id, of_them, GRPC_CORE_GIVES_UP, _STRICT)


def judge_missing_file(evidence: Evidence, _: Diagnosis) -> Iterator[Verdict]:
    """Python's gRPC exporter logs a missing file and continues without it.

    Source: opentelemetry-python, exporter/otlp/proto/grpc/exporter.py, `_read_file`.
    """
    missing = {fault.cause for fault in evidence.credentials.faults}
    says = "FileNotFoundError: [Errno 2] No such file or directory"
    if "client_file_missing" in missing:
        because = (
            "it logs the missing file and goes on without a client certificate: a backend that "
            "demands one refuses it"
        )
        yield Verdict(PYTHON_GRPC.id, "fails", says, because)
    elif "server_ca_file_missing" in missing:
        because = (
            "it logs the missing file and goes on with gRPC's own roots: a backend's private CA "
            "is not among them"
        )
        yield Verdict(PYTHON_GRPC.id, "fails", says, because)


def judge_encrypted_key(evidence: Evidence, _: Diagnosis) -> Iterator[Verdict]:
    """Curl asks for the passphrase on a terminal; every exporter fails."""
    if any(fault.cause == "client_key_encrypted" for fault in evidence.credentials.faults):
        because = "it asks for the passphrase on the terminal, and fails without one"
        yield Verdict(CURL.id, "same", "Enter PEM pass phrase:", because)


def judge_weak_files(evidence: Evidence, _: Diagnosis) -> Iterator[Verdict]:
    """OpenSSL refuses its own weak certificate (SSL_CTX_set_security_level(3)); Go sends it.

    CPython asks for level 2 itself, curl takes the distribution's (2 on Debian and Ubuntu), Node
    20 has level 1, at which a short key passes and a SHA-1 signature does not.
    """
    chain = evidence.credentials.client_chain
    if not _is_reached(evidence) or not chain:
        return
    if find_weak_signature(chain):
        because = "OpenSSL refuses to load a certificate signed with SHA-1 or MD5 (level 1)"
        yield Verdict(PYTHON_HTTP.id, "fails", "[SSL: CA_MD_TOO_WEAK] ca md too weak", because)
        says = "SSL routines::ca md too weak"
        yield from build_verdicts((*NODE, CURL), "fails", because, lambda _: says)
    elif find_weak_key(chain[:1]):
        because = "OpenSSL at security level 2 refuses to load an RSA key below 2048 bits"
        yield Verdict(PYTHON_HTTP.id, "fails", "[SSL: EE_KEY_TOO_SMALL] ee key too small", because)
        yield Verdict(CURL.id, "fails", "SSL routines::ee key too small", because)


def _find_mark(faults: tuple[Finding, ...]) -> Finding | None:
    return next((fault for fault in faults if fault.kind == BYTE_ORDER_MARK), None)


def _is_reached(evidence: Evidence) -> bool:
    """Return whether the files were used at all: without a connection they are not."""
    return evidence.handshake is not None or evidence.ending.kind == "credentials"
