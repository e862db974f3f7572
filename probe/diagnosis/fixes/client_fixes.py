"""Steps about the exporter's own certificate, and about the CAs that the backend trusts.

Pure. What is wrong with the certificate comes before the backend's trust: a certificate that is not
made for clients is replaced, and never a reason to widen what the backend accepts.
"""

from typing import Final

from probe.diagnosis.fixes.steps import (
    ANY_EVIDENCE,
    PUT_PAIR,
    Fix,
    escape_braces,
    get_settings_kind,
    uses_variables,
)
from probe.diagnosis.readings.backend_decision import Refusal
from probe.diagnosis.readings.client_certificate import describe_usage_fault, get_linked_chain
from probe.model.certificate import CertificateFacts, LocatedCertificate, name_certificate
from probe.model.diagnosis import Party
from probe.model.evidence import Evidence
from probe.model.path_fault import PathFault
from probe.text.safe_text import quote_path

REQUIRE_CERTIFICATE: Final = (
    "On the backend of {endpoint}, require a client certificate and verify it: client_ca_file in the "
    "tls settings of a Collector's receiver, ssl_verify_client on in nginx, verify required in "
    "HAProxy."
)
"""The step that makes a backend refuse clients whose certificate is missing or wrong."""

LOOK_AT_RECEIVER: Final = (
    "If the backend is a Collector, the probe on its host names the CA that is missing there, and the "
    "command that adds it: inspect, with --receiver for the Collector's configuration and "
    "--client-cert for a copy of {cert_file}."
)
"""The step that shows the same from the backend's side."""

_NAMES_SHOWN: Final = 3


def make_backend_trust(
    evidence: Evidence = ANY_EVIDENCE, refused: Refusal | None = None
) -> tuple[Party, Fix]:
    """Return who makes the backend trust the exporter's certificate, and how."""
    chain = get_linked_chain(evidence)
    if describe_usage_fault(evidence) or is_backend_certificate(evidence):
        return "exporter", issue_client_certificate(evidence)
    issuer = escape_braces(chain[-1].issuer.text) if chain else ""
    from_another = (
        f"If that CA is not one that this backend should trust, issue the exporter's certificate from "
        f"{_name_accepted_cas(evidence)} instead, and put it, followed by its "
        "intermediates, in {into_cert}, and its key in {into_key}; then restart the exporter."
    )
    see = "To see the issuer: openssl x509 -in {cert_file} -noout -issuer"
    if chain and chain[0].self_signed:
        return "exporter", (
            f"Issue a client certificate for this exporter, with extendedKeyUsage clientAuth, from "
            f"{_name_accepted_cas(evidence)}: {{cert_file}} holds one that is its own issuer.",
            PUT_PAIR,
            "{reread_cert}",
            "If it is meant to be its own issuer, append it instead, on the backend of {endpoint}, to "
            "{client_ca_file}, and make the backend read that again.",
            see,
        )
    if refused is not None and refused.listed:
        first = (
            f"On the backend of {{endpoint}}, append the present certificate of {issuer} to "
            "{client_ca_file}, with its root where it is an intermediate: what is there under that "
            "name does not verify ours."
        )
        return "backend", (first, "{reload_client_ca}", from_another, see, LOOK_AT_RECEIVER)
    named = "the CA that issued {cert_file}"
    if issuer and len(chain) > 1:
        named = f"{issuer}, which the chain in {{cert_file}} ends below,"
    elif issuer:
        named = f"{issuer}, the CA that issued {{cert_file}},"
    first = (
        f"On the backend of {{endpoint}}, append the certificate of {named} to {{client_ca_file}}."
    )
    return "backend", (first, "{reload_client_ca}", from_another, see, LOOK_AT_RECEIVER)


def is_backend_certificate(evidence: Evidence) -> bool:
    """Whether what the exporter sends is the very certificate that the backend serves."""
    chain, handshake = evidence.credentials.client_chain, evidence.handshake
    served = handshake.server_chain if handshake else ()
    return bool(chain) and bool(served) and chain[0].sha256 == served[0].sha256


def issue_client_certificate(evidence: Evidence = ANY_EVIDENCE) -> Fix:
    """Return the steps where the exporter has a certificate that is not for clients."""
    chain = evidence.credentials.client_chain
    present = ""
    if chain:
        made_for = ", ".join(chain[0].extended_key_usage or ())
        present = f": {{cert_file}} holds {escape_braces(name_certificate(chain[0]))}"
        present += f", which is made for {made_for}" if made_for else ""
        present += ", the backend's own certificate" if is_backend_certificate(evidence) else ""
    return (
        f"Issue a client certificate for this exporter, from {_name_accepted_cas(evidence)}, with "
        "extendedKeyUsage clientAuth and keyUsage digitalSignature (in cert-manager: usages: [client "
        f"auth, digital signature]){present}.",
        PUT_PAIR,
        "{reread_cert}",
        "To see what the present one is made for: openssl x509 -in {cert_file} -noout -ext "
        "extendedKeyUsage,keyUsage",
    )


def repair_client_chain(fault: PathFault) -> Fix:
    """Return the steps where a certificate of the chain breaks a rule, for whoever issued it."""
    name = escape_braces(fault.subject) or "the certificate"
    how = "without that fault"
    match fault.kind:
        case "name_constraint":
            how = "without that name constraint"
        case "not_a_ca" | "path_length" | "wrong_usage_above":
            how = (
                "as a CA that may issue certificates of clients (basicConstraints CA:TRUE with a path "
                "length that suffices, keyUsage keyCertSign, no other extendedKeyUsage)"
            )
    return (
        f"Have {name} issued again {how}, and put it in place of the present one in {{into_cert}}.",
        "Or issue the exporter's certificate from another CA, and put it, followed by its "
        "intermediates, in {into_cert}, and its key in {into_key}.",
        "{reread_cert}",
        "To see every certificate of the file: openssl crl2pkcs7 -nocrl -certfile {cert_file} | "
        "openssl pkcs7 -print_certs -text -noout",
    )


def configure_certificate(evidence: Evidence = ANY_EVIDENCE) -> Fix:
    """Return the steps where none is configured."""
    target = evidence.target
    steps = [
        f"Issue a client certificate for this exporter, with extendedKeyUsage clientAuth, from "
        f"{_name_accepted_cas(evidence)}.",
        "Write it, followed by its intermediates, into a file, and its key into another that only the "
        "exporter may read; set {pair_setting} to the two.",
        "{restart}",
    ]
    if (
        get_settings_kind(target) != "collector"
        and target.protocol == "grpc"
        and not target.ca_file
    ):
        variable = "" if uses_variables(target) else "an SDK for "
        steps.insert(
            2,
            f"For {variable}Python over gRPC set OTEL_EXPORTER_OTLP_CERTIFICATE too, to the file of "
            "the CA of the backend's certificate: without it the client certificate is ignored.",
        )
    return tuple(steps)


def append_intermediate(missing: LocatedCertificate | None = None) -> Fix:
    """Return the steps where cert_file ends below an issuer, which may be available elsewhere."""
    what = "the certificate of the intermediate that issued it"
    if missing is not None:
        name = escape_braces(name_certificate(missing.certificate))
        what = f"the certificate of {name}, which is in {escape_braces(quote_path(missing.path))},"
    return (
        f"Append {what} to {{into_cert}}, after the end entity's certificate (with cert-manager use "
        "tls.crt as it is: it holds both).",
        "{reread_cert}",
        "To see which issuer is missing: openssl x509 -in {cert_file} -noout -issuer",
    )


def renew_client_certificate(
    evidence: Evidence = ANY_EVIDENCE, certificate: CertificateFacts | None = None
) -> Fix:
    """Return the steps where a certificate that we send has ended, or soon will."""
    name = escape_braces(name_certificate(certificate)) if certificate else ""
    if certificate and certificate != evidence.credentials.client_chain[0]:
        return (
            f"In {{into_cert}}, replace the certificate of {name}, which follows the exporter's "
            "own, by the renewed one of that CA.",
            "If that has another key, issue a new certificate for the exporter too.",
            "{reread_cert}",
            "To see who issued what: openssl crl2pkcs7 -nocrl -certfile {cert_file} | openssl pkcs7 "
            "-print_certs -noout",
        )
    return (
        f"Renew the exporter's certificate{f' ({name})' if name else ''}.",
        PUT_PAIR,
        "{reread_cert}",
        "To see the dates: openssl x509 -in {cert_file} -noout -dates",
    )


def renew_issuer(issuer: LocatedCertificate) -> Fix:
    """Return the steps where the CA that ours rests on has expired, or soon will."""
    name = escape_braces(name_certificate(issuer.certificate))
    return (
        f"Renew the certificate of {name}, and, on the backend of {{endpoint}}, put it in place of "
        "the present one in {client_ca_file}.",
        "{reload_client_ca}",
        f"If the renewed CA has another key than in {escape_braces(quote_path(issuer.path))}, issue the "
        "exporter's certificate again too, and put it, followed by its intermediates, in {into_cert}, "
        "and its key in {into_key}.",
    )


def _name_accepted_cas(evidence: Evidence) -> str:
    """Name the CAs that the backend accepts, as far as it says."""
    handshake = evidence.handshake
    names = [name.text for name in handshake.acceptable_cas if name.text] if handshake else []
    if not names:
        return "a CA in the file of client CAs of the backend at {endpoint}"
    listed = escape_braces(" or ".join(names[:_NAMES_SHOWN]))
    more = " or another CA on its list" if len(names) > _NAMES_SHOWN else ""
    return f"a CA that the backend accepts ({listed}{more})"
