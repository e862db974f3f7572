"""Documented cause 5: certificate and key files that are missing, unreadable or malformed."""

from collections.abc import Callable
from functools import partial
from typing import Final

from probe.diagnosis.cause import EVERY_ENDING, REFUSAL_ENDINGS, Cause, Match, Rank, Strength
from probe.diagnosis.fixes.client_fixes import REQUIRE_CERTIFICATE, append_intermediate
from probe.diagnosis.fixes.steps import escape_braces
from probe.diagnosis.readings.backend_decision import find_refusal, list_possible_causes
from probe.diagnosis.readings.client_certificate import UNSPECIFIC_ALERTS
from probe.model.certificate import name_certificate
from probe.model.evidence import Evidence
from probe.model.tls_alerts import TlsAlert

_INCOMPLETE_ALERTS: Final = UNSPECIFIC_ALERTS | {
    TlsAlert.HANDSHAKE_FAILURE,
    TlsAlert.BAD_CERTIFICATE,
    TlsAlert.UNKNOWN_CA,
}


def match_files(cause: str, then: str = "") -> Callable[[Evidence], Match | None]:
    """Return the match function of a cause that the credentials room finds in files and settings.

    `then` is the step after the fix of what did not stop the exporter, by default that it reads the
    file again. What did is followed by a restart: with it no exporter has started.

    It matches the faults that ended the attempt, else what did not stop it: an exporter that sends
    in plaintext does not read its files.
    """

    def match(evidence: Evidence) -> Match | None:
        credentials = evidence.credentials
        found = [fault for fault in credentials.faults if fault.cause == cause]
        stopped = bool(found) and evidence.ending.kind == "credentials"
        found = found or [
            each for each in (*credentials.unusable, *credentials.remarks) if each.cause == cause
        ]
        if not found:
            return None
        facts = tuple(each.fact for each in found)
        if stopped:
            steps = dict.fromkeys(escape_braces(step) for each in found for step in each.fix)
            if cause == "exporter_configuration_invalid" and credentials.receiver is not None:
                name = escape_braces(credentials.receiver.name)
                restart = f"Then restart the Collector of receiver {name}."
                return Match(Strength.NAMED, facts, fix=(*steps, restart), party="backend")
            return Match(Strength.NAMED, facts, fix=(*steps, "{restart}") if steps else ())
        last = then or ("{reread_ca}" if found[0].role == "ca" else "{reread_cert}")
        fixes = tuple(
            (each.fact, (*map(escape_braces, each.fix), last) if each.fix else ()) for each in found
        )
        return Match(Strength.FINDING, facts, each=fixes)

    return match


def _match_receiver_file(evidence: Evidence) -> Match | None:
    """Match a receiver's file with which its Collector does not start, running or not."""
    files = evidence.credentials.receiver
    if files is None or not files.faults:
        return None
    facts = tuple(one.fact for one in files.faults)
    steps = dict.fromkeys(escape_braces(step) for one in files.faults for step in one.fix)
    name = escape_braces(files.name)
    where = (
        f"On the backend of {{endpoint}}, correct what receiver {name} names in its tls settings."
    )
    return Match(
        Strength.NAMED,
        facts,
        fix=(where, *steps, f"Then restart the Collector of receiver {name}."),
    )


def _match_incomplete(evidence: Evidence) -> Match | None:
    refused, handshake = find_refusal(evidence), evidence.handshake
    if refused is None or not refused.sent or refused.alert not in _INCOMPLETE_ALERTS:
        return None
    chain, missing = evidence.credentials.client_chain, evidence.credentials.unsent_issuers
    if refused.listed or not chain or not missing or missing[0].certificate.self_signed:
        return None
    listed = {name.digest for name in handshake.acceptable_cas} if handshake else set()
    facts = (
        refused.fact,
        f"cert_file ends with {name_certificate(chain[-1])}, whose issuer {chain[-1].issuer.text} "
        f"it lacks; that issuer is in {missing[0].path}",
    )
    fix = append_intermediate(missing[0])
    named = refused.alert == TlsAlert.UNKNOWN_CA
    strength = Strength.NAMED if named else Strength.PROVEN
    issuers = (issuer.certificate for issuer in missing)
    if any(each.issuer.digest in listed or each.subject.digest in listed for each in issuers):
        anchor = "the missing intermediate chains to a CA that the backend accepts"
        return Match(strength, (*facts, anchor), fix=fix)
    if listed:
        return Match(Strength.FITS, facts, possible=("client_ca_untrusted",), fix=fix)
    unspecific = list_possible_causes(evidence, refused)
    return Match(
        strength,
        (*facts, "the backend sent no list of acceptable CAs to compare with"),
        possible=("client_ca_untrusted",) if named else unspecific,
        fix=fix,
        decides="an attempt with the intermediate appended to cert_file",
    )


_declare: Final = partial(
    Cause,
    family="file_format",
    documented_cause=5,
    party="exporter",
    rank=Rank.FILES,
    citations=("RFC 7468", "Collector configtls"),
    applies=EVERY_ENDING,
)
"""What the causes here have in common, unless one says otherwise."""

CAUSES: Final = (
    _declare(
        id="exporter_configuration_invalid",
        title="The exporter cannot work with its configuration",
        documented_cause=0,
        meaning=(
            "A setting of the exporter has a value that it refuses, or with which it never gets "
            "anywhere: an unknown protocol, cipher suite or curve, a header that cannot be sent, a "
            "server name that cannot be requested, an invalid proxy URL. A Collector does not "
            "start with it; an SDK logs an error, and drops its telemetry or falls back to a "
            "default. Nothing was sent to the backend."
        ),
        evidence="The value in the exporter's configuration or environment: file, line and key.",
        fix=(
            "Correct the setting that the fact names, and restart the exporter.",
            "See every setting judged: mtls-probe validate",
        ),
        tell_apart=(
            "mtls-probe validate names the setting, with file and line, and makes no connection."
        ),
        citations=("Collector configtls", "OTLP exporter specification"),
        not_printed="every setting has a message of its own, in each exporter",
        match=match_files("exporter_configuration_invalid", then="{restart}"),
    ),
    _declare(
        id="client_file_missing",
        title="The client certificate or key file is not there",
        meaning=(
            "cert_file or key_file names a path where no file is, or only one half of the pair is "
            "configured. A Go exporter does not start with it; Python's logs it and continues "
            "without."
        ),
        evidence="Opening the path; the settings.",
        fix=(
            "Mount or create the file, or correct its path in {pair_setting}; set both, or neither.",
            "{reread_cert}",
            "To see what is there: ls -l {cert_file} {key_file}",
        ),
        tell_apart="List the files as the exporter's own user, in its container: ls -l CERT KEY",
        match=match_files("client_file_missing"),
    ),
    _declare(
        id="client_file_permission",
        title="The client certificate or key file may not be read",
        meaning="The file is there, and the user that runs the exporter may not open it.",
        evidence="Opening the path gives EACCES.",
        fix=(
            "Give the exporter's user the right to read {into_cert} and {into_key}, by the group "
            "that owns them; in Kubernetes set securityContext.fsGroup of the pod, and "
            "defaultMode: 0440 of the volume.",
            "For that group: chmod 0640 {key_file} && chmod 0644 {cert_file}",
            "{reread_cert}",
            "To see who may: ls -l {cert_file} {key_file}",
        ),
        tell_apart="Read them as the exporter's own user: mtls-probe inspect --cert CERT --key KEY",
        match=match_files("client_file_permission"),
    ),
    _declare(
        id="client_file_malformed",
        title="The client certificate or key file is not what it has to be",
        meaning=(
            "Exporters read PEM with a CERTIFICATE and a PRIVATE KEY block. This file holds "
            "something else, or a block that is damaged; or the setting holds the text of the "
            "certificate or key itself, where the path of a file belongs."
        ),
        evidence=(
            "The bytes of the file, read and named; the form of what stands where its path belongs."
        ),
        fix=(
            "Put a PEM certificate in {into_cert}, and its PEM key in {into_key}; mtls-probe "
            "inspect names what each file is now, and the command that converts it.",
            "{reread_cert}",
            "To see which of the two it is: openssl x509 -in {cert_file} -noout && openssl pkey "
            "-in {key_file} -noout",
        ),
        tell_apart="mtls-probe inspect --cert CERT --key KEY says what each file really is.",
        match=match_files("client_file_malformed"),
    ),
    _declare(
        id="client_key_encrypted",
        title="The client key is encrypted",
        meaning=(
            "An exporter has nobody to ask for a passphrase; none of them can use an encrypted key."
        ),
        evidence="The PEM label ENCRYPTED PRIVATE KEY, or a Proc-Type header.",
        fix=(
            "Decrypt the key into a file that only the exporter may read, and name that file in "
            "{key_setting}.",
            "To decrypt it: openssl pkey -in {key_file} -out {key_file}-plain && chmod 600 "
            "{key_file}-plain",
            "{restart}",
        ),
        tell_apart="The key's first line says ENCRYPTED: head -1 KEY",
        match=match_files("client_key_encrypted"),
    ),
    _declare(
        id="server_ca_file_missing",
        title="The CA file for the backend's certificate is not there",
        meaning="ca_file names a path where no file is. A Go exporter does not start with it.",
        evidence="Opening the path.",
        fix=(
            "Mount or create the file, or correct its path in {ca_setting}.",
            "{reread_ca}",
            "To see what is there: ls -l {ca_file}",
        ),
        tell_apart="List it as the exporter's own user, in its container: ls -l CA",
        match=match_files("server_ca_file_missing"),
    ),
    _declare(
        id="server_ca_file_permission",
        title="The CA file for the backend's certificate may not be read",
        meaning="The file is there, and the user that runs the exporter may not open it.",
        evidence="Opening the path gives EACCES.",
        fix=(
            "Let everybody read {into_ca}, and enter the folders above it: a CA certificate is not a "
            "secret.",
            "For the file: chmod 0644 {ca_file}",
            "{reread_ca}",
            "To see the rights on the way: namei -l {ca_file}",
        ),
        tell_apart="Read it as the exporter's own user: mtls-probe inspect --ca CA",
        match=match_files("server_ca_file_permission"),
    ),
    _declare(
        id="server_ca_file_malformed",
        title="The CA file for the backend's certificate holds no certificate",
        meaning=(
            "ca_file has to hold PEM CERTIFICATE blocks. This one holds something else; or the "
            "setting holds the text of the certificate itself, where the path of a file belongs."
        ),
        evidence=(
            "The bytes of the file, read and named; the form of what stands where its path belongs."
        ),
        fix=(
            "Put the CA's certificate in {into_ca} as PEM; mtls-probe inspect names what the file "
            "is now, and the command that converts it.",
            "{reread_ca}",
            "To see whether it is one: openssl x509 -in {ca_file} -noout",
        ),
        tell_apart="mtls-probe inspect --ca CA says what the file really is.",
        match=match_files("server_ca_file_malformed"),
    ),
    _declare(
        id="client_chain_misordered",
        title="The certificates in cert_file are in the wrong order",
        meaning=(
            "The end entity's certificate has to come first, then each its issuer. Here the key "
            "belongs to a later one, so every exporter says that key and certificate do not match."
        ),
        evidence="The key's public half, compared with each certificate of the file.",
        fix=(
            "In {cert_file}, move the end entity's certificate to the top, and put each one's "
            "issuer after it.",
            "{reread_cert}",
            "To see the order: openssl crl2pkcs7 -nocrl -certfile {cert_file} | openssl pkcs7 "
            "-print_certs -noout",
        ),
        tell_apart=(
            "The first certificate in cert_file is not the exporter's own: mtls-probe inspect "
            "--cert CERT"
        ),
        match=match_files("client_chain_misordered"),
    ),
    _declare(
        id="client_cert_key_mismatch",
        title="The client certificate and its key are not a pair",
        family="client_identity",
        documented_cause=2,
        meaning=(
            "The public key in cert_file is not that of key_file: two files of different "
            "generations, or of different services. No exporter can use them; nothing is sent."
        ),
        evidence="The public keys of both files, compared.",
        fix=(
            "Put a certificate and the key that it was requested with in place, {into_cert} and "
            "{into_key}, in one step (a Kubernetes Secret volume does) so that no reader sees a "
            "mixed pair.",
            "{reread_cert}",
            "A pair prints the same twice: openssl x509 -in {cert_file} -noout -pubkey && openssl "
            "pkey -in {key_file} -pubout",
        ),
        tell_apart=(
            "The two public keys differ: openssl x509 -in CERT -noout -pubkey; openssl pkey -in KEY -pubout"
        ),
        citations=("RFC 8446 §4.4.3",),
        match=match_files("client_cert_key_mismatch"),
    ),
    _declare(
        id="client_chain_incomplete",
        title="cert_file lacks the intermediate that issued the exporter's certificate",
        rank=Rank.CLIENT_CHAIN,
        alerts=(TlsAlert.UNKNOWN_CA, TlsAlert.CERTIFICATE_UNKNOWN),
        meaning=(
            "The backend trusts the root; the exporter's certificate was issued by an intermediate "
            "that cert_file does not hold, so the backend can't build the path. OpenSSL clients "
            "may hide it by sending an intermediate out of ca_file; a Go exporter sends cert_file "
            "only."
        ),
        evidence=(
            "A refusal (usually unknown_ca), no issuer of our chain on the backend's list, and the "
            "missing issuer available in ca_file or in cert_file's folder, chaining to a listed "
            "anchor."
        ),
        fix=append_intermediate(),
        tell_apart=(
            "The certificate's issuer is an intermediate that cert_file lacks: mtls-probe inspect "
            "--cert CERT"
        ),
        citations=("RFC 8446 §4.4.2", "RFC 5280 §6.1"),
        enforce=REQUIRE_CERTIFICATE,
        applies=REFUSAL_ENDINGS,
        match=_match_incomplete,
    ),
    _declare(
        id="receiver_file_unusable",
        title="The Collector cannot use a file of its receiver",
        party="backend",
        meaning=(
            "A receiver of a Collector next to the probe names a certificate, key or CA file with "
            "which the Collector does not start: it is missing, it is not what it should be, or "
            "certificate and key are not a pair. A Collector that is running has what the files held "
            "before, until it is restarted, or until its reload_interval ends: then every handshake "
            "fails."
        ),
        evidence=(
            "The files that the receiver's tls settings name, read as Go reads them. What the probe "
            "itself may not read is not judged."
        ),
        fix=(
            "Correct the file that the receiver of {endpoint} names in its tls settings.",
            "{reload_backend}",
        ),
        tell_apart=(
            "The Collector's log has failed to load TLS cert and key, or failed to load client CA "
            "CertPool; mtls-probe inspect --receiver FILE names the file."
        ),
        not_printed="it is the Collector of the backend that prints it, and no exporter",
        match=_match_receiver_file,
    ),
)
