"""Documented cause 5: certificate and key files that are missing, unreadable or malformed."""

from collections.abc import Callable
from typing import Final, get_args

from probe.diagnosis.cause import Cause, Match, Strength
from probe.diagnosis.fixes import client_fixes
from probe.diagnosis.readings.file_faults import match_file_faults
from probe.diagnosis.readings.observed import Refusal, find_refusal, list_possible_causes
from probe.model.certificate import name_certificate
from probe.model.evidence import EndingKind, Evidence
from probe.model.tls_alerts import TlsAlert

_EVERY_ENDING: Final[frozenset[EndingKind]] = frozenset(get_args(EndingKind))
_INCOMPLETE_ALERTS = frozenset(
    {
        TlsAlert.HANDSHAKE_FAILURE,
        TlsAlert.BAD_CERTIFICATE,
        TlsAlert.CERTIFICATE_UNKNOWN,
        TlsAlert.UNKNOWN_CA,
        TlsAlert.ACCESS_DENIED,
        None,
    }
)


def _of(cause: str) -> Callable[[Evidence], Match | None]:
    return lambda evidence: match_file_faults(evidence, cause)


def _incomplete(evidence: Evidence) -> Match | None:
    refused = find_refusal(evidence)
    if refused is None or not refused.sent or refused.alert not in _INCOMPLETE_ALERTS:
        return None
    missing = evidence.credentials.unsent_issuers
    if refused.listed or not missing or missing[0].certificate.self_signed:
        return None
    if not evidence.credentials.client_chain:
        return None
    return _incomplete_match(evidence, refused)


def _incomplete_match(evidence: Evidence, refused: Refusal) -> Match:
    handshake = evidence.handshake
    assert handshake is not None
    chain = evidence.credentials.client_chain
    missing = evidence.credentials.unsent_issuers
    listed = {name.digest for name in handshake.acceptable_cas}
    reaches = any(
        at_hand.certificate.issuer.digest in listed or at_hand.certificate.subject.digest in listed
        for at_hand in missing
    )
    facts = (
        refused.fact,
        f"cert_file ends with {name_certificate(chain[-1])}, whose issuer {chain[-1].issuer.text} it lacks; "
        f"that issuer stands in {missing[0].path}",
    )
    fix = client_fixes.append_intermediate(missing[0])
    if reaches:
        anchor = "the missing intermediate chains to a CA that the backend accepts"
        strength = Strength.NAMED if refused.alert == TlsAlert.UNKNOWN_CA else Strength.PROVEN
        return Match(strength, (*facts, anchor), fix=fix)
    if not listed:
        strength = Strength.NAMED if refused.alert == TlsAlert.UNKNOWN_CA else Strength.PROVEN
        possible: tuple[str, ...] = ("client_ca_untrusted",)
        if refused.alert != TlsAlert.UNKNOWN_CA:
            possible = list_possible_causes(evidence, refused)
        return Match(
            strength,
            (*facts, "the backend names no acceptable CAs to compare with"),
            possible=possible,
            fix=fix,
            decides="an attempt with the intermediate appended to cert_file",
        )
    return Match(Strength.FITS, facts, possible=("client_ca_untrusted",), fix=fix)


def _local(id_: str, title: str, meaning: str, evidence: str, fix: tuple[str, ...]) -> Cause:
    return Cause(
        id=id_,
        title=title,
        family="file_format",
        documented_cause=5,
        party="exporter",
        severity="critical",
        meaning=meaning,
        evidence=evidence,
        fix=fix,
        citations=("RFC 7468", "Collector configtls"),
        applies=_EVERY_ENDING,
        match=_of(id_),
    )


CLIENT_FILE_MISSING = _local(
    "client_file_missing",
    "The client certificate or key file is not there",
    "cert_file or key_file names a path where no file is, or only one half of the pair is "
    "configured. A Go exporter does not start with it; Python's logs it and goes on without.",
    "Opening the path; the settings.",
    (
        "Mount or create the file, or correct its path in {cert_setting} and "
        "{key_setting}; set both, or neither.",
        "{reread_cert}",
        "To see what is there: ls -l {cert_file} {key_file}",
    ),
)
CLIENT_FILE_PERMISSION = _local(
    "client_file_permission",
    "The client certificate or key file may not be read",
    "The file is there, and the user that runs the exporter may not open it.",
    "Opening the path gives EACCES.",
    (
        "Give the exporter's user the right to read {into_cert} and {into_key}, by "
        "the group that owns them; in Kubernetes set securityContext.fsGroup of the "
        "pod, and defaultMode: 0440 of the volume.",
        "For that group: chmod 0640 {key_file} && chmod 0644 {cert_file}",
        "{reread_cert}",
        "To see who may: ls -l {cert_file} {key_file}",
    ),
)
CLIENT_FILE_MALFORMED = _local(
    "client_file_malformed",
    "The client certificate or key file is not what it has to be",
    "Exporters read PEM with a CERTIFICATE and a PRIVATE KEY block. This file holds something "
    "else, or a block that is damaged; or the setting holds the text of the certificate or key "
    "itself, where the path of a file belongs.",
    "The bytes of the file, read and named; the form of what stands where its path belongs.",
    (
        "Put a PEM certificate in {into_cert}, and its PEM key in {into_key}; "
        "mtls-probe inspect names what each file is now, and the command that "
        "converts it.",
        "{reread_cert}",
        "To see which of the two it is: openssl x509 -in {cert_file} -noout && "
        "openssl pkey -in {key_file} -noout",
    ),
)
CLIENT_KEY_ENCRYPTED = _local(
    "client_key_encrypted",
    "The client key is encrypted",
    "An exporter has nobody to ask for a passphrase; none of them can use an encrypted key.",
    "The PEM label ENCRYPTED PRIVATE KEY, or a Proc-Type header.",
    (
        "Decrypt the key into a file that only the exporter may read, and name that "
        "file in {key_setting}.",
        "To decrypt it: umask 077; openssl pkey -in {key_file} -out {key_file}-plain",
        "{restart}",
    ),
)
SERVER_CA_FILE_MISSING = _local(
    "server_ca_file_missing",
    "The CA file for the backend's certificate is not there",
    "ca_file names a path where no file is. A Go exporter does not start with it.",
    "Opening the path.",
    (
        "Mount or create the file, or correct its path in {ca_setting}.",
        "{reread_ca}",
        "To see what is there: ls -l {ca_file}",
    ),
)
SERVER_CA_FILE_PERMISSION = _local(
    "server_ca_file_permission",
    "The CA file for the backend's certificate may not be read",
    "The file is there, and the user that runs the exporter may not open it.",
    "Opening the path gives EACCES.",
    (
        "Let everybody read {into_ca}, and enter the folders above it: a CA "
        "certificate is no secret.",
        "For the file: chmod 0644 {ca_file}",
        "{reread_ca}",
        "To see the rights on the way: namei -l {ca_file}",
    ),
)
SERVER_CA_FILE_MALFORMED = _local(
    "server_ca_file_malformed",
    "The CA file for the backend's certificate holds no certificate",
    "ca_file has to hold PEM CERTIFICATE blocks. This one holds something else; or the setting "
    "holds the text of the certificate itself, where the path of a file belongs.",
    "The bytes of the file, read and named; the form of what stands where its path belongs.",
    (
        "Put the CA's certificate in {into_ca} as PEM; mtls-probe inspect names what "
        "the file is now, and the command that converts it.",
        "{reread_ca}",
        "To see whether it is one: openssl x509 -in {ca_file} -noout",
    ),
)
EXPORTER_CONFIGURATION_INVALID = Cause(
    id="exporter_configuration_invalid",
    title="The exporter cannot work with its configuration",
    family="file_format",
    party="exporter",
    severity="critical",
    meaning=(
        "A setting of the exporter has a value that it refuses, or with which it never gets "
        "anywhere: an unknown protocol, cipher suite or curve, a header that cannot be sent, a "
        "server name that cannot be requested, an invalid proxy URL. A Collector does "
        "not start with it; an SDK logs an error, and drops its telemetry or falls back to a "
        "default. Nothing was sent to the backend."
    ),
    evidence="The value in the exporter's configuration or environment: file, line and key.",
    fix=(
        "Correct the setting that the fact names, and restart the exporter: the endpoint is "
        "{endpoint}.",
        "See every setting judged: mtls-probe validate",
    ),
    citations=("Collector configtls", "OTLP exporter specification"),
    applies=_EVERY_ENDING,
    match=_of("exporter_configuration_invalid"),
)
CLIENT_CHAIN_MISORDERED = _local(
    "client_chain_misordered",
    "The certificates in cert_file stand in the wrong order",
    "The end entity's certificate has to come first, then each its issuer. Here the key belongs to "
    "a later one, so that every exporter says that key and certificate do not match.",
    "The key's public half, compared with each certificate of the file.",
    (
        "In {cert_file}, move the end entity's certificate to the top, and put each "
        "one's issuer behind it.",
        "{reread_cert}",
        "To see the order: openssl crl2pkcs7 -nocrl -certfile {cert_file} | openssl "
        "pkcs7 -print_certs -noout",
    ),
)
CLIENT_CHAIN_INCOMPLETE = Cause(
    id="client_chain_incomplete",
    title="cert_file lacks the intermediate that issued the exporter's certificate",
    family="file_format",
    documented_cause=5,
    party="exporter",
    severity="critical",
    meaning=(
        "The backend trusts the root; the exporter's certificate was issued by an intermediate "
        "that cert_file does not hold, so the backend can't build the path. OpenSSL clients may "
        "hide it by sending an intermediate out of ca_file; a Go exporter sends cert_file alone."
    ),
    evidence=(
        "A refusal (unknown_ca as a rule), no issuer of ours on the backend's list, and the "
        "missing issuer at hand in ca_file or in cert_file's folder, chaining to a listed anchor."
    ),
    fix=(
        "Append the certificate of the intermediate that issued it to {cert_file}, "
        "behind the end entity's (with cert-manager use tls.crt as it is: it holds "
        "both).",
        "{reread_cert}",
        "To see which issuer is missing: openssl x509 -in {cert_file} -noout -issuer",
    ),
    citations=("RFC 8446 §4.4.2", "RFC 5280 §6.1"),
    applies=frozenset({"alert", "close", "reset", "answered"}),
    match=_incomplete,
)

CAUSES = (
    EXPORTER_CONFIGURATION_INVALID,
    CLIENT_FILE_MISSING,
    CLIENT_FILE_PERMISSION,
    CLIENT_FILE_MALFORMED,
    CLIENT_KEY_ENCRYPTED,
    SERVER_CA_FILE_MISSING,
    SERVER_CA_FILE_PERMISSION,
    SERVER_CA_FILE_MALFORMED,
    CLIENT_CHAIN_MISORDERED,
    CLIENT_CHAIN_INCOMPLETE,
)
