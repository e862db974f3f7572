"""Steps about the backend's own certificate: its names, its dates, its chain, and who trusts it.

Pure. A backend reads its certificate once or at a reload: each change ends with making it do so.
"""

from ipaddress import ip_address
from typing import Final

from probe.diagnosis.fixes.steps import (
    ANY_EVIDENCE,
    ANY_TARGET,
    Fix,
    escape_braces,
    get_settings_kind,
    name_setting,
)
from probe.model.certificate import CertificateFacts, ServedFile, name_certificate
from probe.model.diagnosis import Party
from probe.model.evidence import Evidence, NameCheck, TargetFacts
from probe.model.path_fault import PathFault, PathFaultKind
from probe.text.safe_text import quote_path
from probe.text.time_format import format_time

SEE_SERVED: Final = (
    "To see what is served: openssl s_client -connect {host}:{port} </dev/null | openssl x509 -noout "
    "-serial -dates"
)

_NAMES_SHOWN: Final = 4


def match_names(target: TargetFacts, check: NameCheck) -> tuple[Party, Fix]:
    """Return who makes the name that is verified and those of the certificate meet, and how."""
    see = (
        "To see its names: openssl s_client -connect {host}:{port} </dev/null | openssl x509 -noout "
        "-ext subjectAltName"
    )
    fits_host = target.host != check.reference and f"DNS:{target.host}" in check.presented
    if fits_host and check.reference == target.address:
        # The exporter looks the name up itself, and verifies the address: nobody set that.
        return "exporter", (
            f"Set {name_setting(target, 'server_name_override')} to {{host}}: the exporter connects "
            "to the addresses of that name, and verifies them instead of it.",
            "{restart}",
            "Or issue a new certificate for each backend that has its address as an IP address among "
            "its SANs, and {put_served}.",
            see,
        )
    if fits_host:
        return "exporter", (
            f"Remove {name_setting(target, 'server_name_override')}, or set it to {{host}}: the "
            "backend's certificate is for {host}, and not for {reference}.",
            "{restart}",
            see,
        )
    issue = (
        f"Issue a new certificate for the backend at {{endpoint}} with {_format_san(check)} among "
        "its SANs, and {put_served}."
    )
    steps = [issue, "{reload_backend}"]
    usable = [name.partition(":")[2] for name in check.presented if name.startswith("DNS:")]
    usable = [name for name in usable if name and "*" not in name][:_NAMES_SHOWN]
    if usable:
        names = escape_braces(" or ".join(usable))
        steps.append(f"Or write a name that it has in {{endpoint_setting}}: {names}.")
        if get_settings_kind(target) != "sdk":
            override = name_setting(target, "server_name_override")
            steps[-1] = steps[-1][:-1] + f"; or set {override} to it."
        steps[-1] += " Then restart the exporter."
    return "backend", (*steps, see)


def request_another_name(target: TargetFacts = ANY_TARGET) -> Fix:
    """Return the steps where the backend serves no such name (SNI)."""
    first = "Write a name that the backend serves in {endpoint_setting}, instead of {reference}"
    if get_settings_kind(target) != "sdk":
        first += f"; or set {name_setting(target, 'server_name_override')} to one"
    return (
        f"{first}.",
        "{restart}",
        "Or add {reference} to the hosts of the backend, or of the ingress or load balancer in front "
        "of it, and reload that.",
    )


def name_one_host(target: TargetFacts) -> Fix:
    """Return the steps where the handshake asks for another name than the requests do."""
    override = ""
    if get_settings_kind(target) != "sdk":
        override = f" {name_setting(target, 'server_name_override')} and"
    return (
        "Write a name that the backend serves, and that its certificate has, in {endpoint_setting}, "
        f"and remove{override} a header Host: then the handshake and the requests name the same.",
        "{restart}",
        "Or let one virtual host of the backend serve both names.",
    )


def trust_backend_ca(evidence: Evidence, last: CertificateFacts, *, reissued: bool) -> Fix:
    """Return the steps where no anchor of the exporter's issued the backend's certificate.

    Args:
        evidence: the attempt.
        last: the last certificate that the backend sent.
        reissued: whether a CA of that name, with another key, is among the anchors.
    """
    issuer = escape_braces(last.issuer.text) or "the CA that issued it"
    if reissued:
        first = (
            f"Replace the certificate of {issuer} in {{into_ca}} by the present one, or append that: "
            "the CA has another key now."
        )
    elif evidence.target.ca_file:
        first = (
            f"Append the certificate of {issuer}, the CA that issued the backend's, to {{into_ca}}."
        )
    else:
        first = (
            f"Write the certificate of {issuer}, the CA that issued the backend's, into a file, and "
            "set {ca_setting} to that file."
        )
    return (
        first,
        "{reread_ca}" if evidence.target.ca_file else "{restart}",
        "To see what the backend sends: openssl s_client -connect {host}:{port} -showcerts </dev/null",
    )


def send_intermediate(issuer: CertificateFacts | None = None) -> Fix:
    """Return the steps where the backend leaves out `issuer`."""
    name = escape_braces(name_certificate(issuer)) if issuer else "the intermediate"
    return (
        f"On the backend of {{endpoint}}, append the certificate of {name}, after the "
        "backend's own, to {server_cert_file}.",
        "{reload_backend}",
        "To see what it sends: openssl s_client -connect {host}:{port} -showcerts </dev/null",
    )


def renew_server_certificate(
    evidence: Evidence = ANY_EVIDENCE,
    position: int | None = 0,
    certificate: CertificateFacts | None = None,
    *,
    sure: bool = True,
) -> tuple[Party, Fix]:
    """Return who renews what has expired on the backend's path by the probe's clock, and how.

    Args:
        evidence: the attempt.
        position: of the expired certificate in what is sent, 0 is the backend's own; None is an
            anchor.
        certificate: the one that has expired, where it is known.
        sure: whether something else speaks for that clock.
    """
    sent = evidence.handshake.server_chain if evidence.handshake else ()
    see = (
        "To see the dates: openssl s_client -connect {host}:{port} </dev/null | openssl x509 -noout "
        "-dates"
    )
    party: Party = "backend"
    steps: Fix
    if position is None and certificate is not None and evidence.target.ca_file:
        party = "exporter"
        steps = renew_anchor(certificate)
    elif position and position < len(sent):
        steps = (
            f"On the backend of {{endpoint}}, replace the certificate of {escape_braces(name_certificate(sent[position]))}, "
            "which it sends behind its own, by the renewed one in {server_cert_file}.",
            "{reload_backend}",
            see,
        )
    else:
        name = f" ({escape_braces(name_certificate(sent[0]))})" if sent else ""
        steps = (
            f"Renew the certificate of the backend at {{endpoint}}{name}, and {{put_served}}.",
            "{reload_backend}",
            see,
        )
    if sure:
        return party, steps
    return "either", (
        "Run date -u on the probe's machine and compare it with a good clock: nothing else speaks for "
        "this clock yet, and one that is ahead makes every certificate look expired.",
        *steps,
    )


_REPAIRS: Final[dict[PathFaultKind, str]] = {
    "not_a_ca": "with basicConstraints CA:TRUE and keyUsage keyCertSign, or have the certificate "
    "below it issued by a CA",
    "path_length": "with a larger pathLenConstraint or without one, or have the backend's "
    "certificate issued by a CA higher up",
    "weak_signature": "with an EC P-256 or RSA-2048 key of its issuer, signed with SHA-256",
    "weak_key": "with an EC P-256 or RSA-2048 key",
    "name_constraint": "without that name constraint, or the backend's certificate with names that it "
    "allows",
    "critical_extension": "without that extension, or with the extension not critical",
    "policy": "with the certificate policies of its issuer",
    "unreadable": "without what the exporter cannot read",
    "wrong_usage_above": "with serverAuth in extendedKeyUsage, or without extendedKeyUsage",
}
"""What makes a certificate right that breaks a rule: how it is issued again."""


def repair_chain(evidence: Evidence, fault: PathFault, name: str) -> tuple[Party, Fix]:
    """Return who replaces the certificate, called `name`, that breaks a rule, and how."""
    named = escape_braces(name)
    see = "To see the whole chain: openssl s_client -connect {host}:{port} -showcerts </dev/null"
    if fault.kind == "too_complex":
        return "backend", (
            "On the backend of {endpoint}, let {server_cert_file} hold one path only: its own "
            "certificate, then the issuer of each.",
            "{reload_backend}",
            see,
        )
    how = _REPAIRS.get(fault.kind, "without that fault")
    if fault.kind == "name_constraint" and fault.position == 0:
        how = "with names that the CAs above it allow, or from a CA that allows the present ones"
    if fault.position is None and evidence.target.ca_file:
        return "exporter", (
            f"Put another certificate of that CA in place of {named} in {{into_ca}}: one that was "
            f"issued {how}.",
            "{reread_ca}",
            "To see what it says: openssl x509 -in {ca_file} -noout -text",
        )
    place = "and, on the backend of {endpoint}, put it in place of the present one in {server_cert_file}"
    if fault.position == 0:
        place = "and, on the backend of {endpoint}, {put_served}"
    return "backend", (
        f"Have {named} issued again {how}, {place}.",
        "{reload_backend}",
        see,
    )


def send_right_issuer(below: CertificateFacts) -> tuple[Party, Fix]:
    """Return the steps where the issuer that the backend sends has another key than the signer."""
    name = escape_braces(name_certificate(below))
    issuer = escape_braces(below.issuer.text) or "its issuer"
    return "backend", (
        f"On the backend of {{endpoint}}, put the certificate of {issuer} whose key signed {name} in "
        "place of the one of that name in {server_cert_file}; where there is none, have "
        f"{name} issued again.",
        "{reload_backend}",
        "To see the whole chain: openssl s_client -connect {host}:{port} -showcerts </dev/null",
    )


def renew_anchor(anchor: CertificateFacts | None) -> Fix:
    """Return the steps where a CA of the exporter's own has ended, or soon will.

    Args:
        anchor: the CA in ca_file; None for one of the system's roots.
    """
    if anchor is None:
        return (
            "Update the system's roots where the exporter runs (the package ca-certificates, or the "
            "image).",
            "{restart}",
            SEE_SERVED,
        )
    return (
        f"Replace the certificate of {escape_braces(name_certificate(anchor))} in {{into_ca}} by the "
        "renewed one of that CA.",
        "{reread_ca}",
        "To see the dates: openssl crl2pkcs7 -nocrl -certfile {ca_file} | openssl pkcs7 -print_certs "
        "-text -noout | grep -E 'Subject:|Not After'",
    )


def reissue_for_now(evidence: Evidence) -> Fix:
    """Return the steps where the backend's certificate begins later, and the clocks agree."""
    sent = evidence.handshake.server_chain if evidence.handshake else ()
    leaf = escape_braces(name_certificate(sent[0])) if sent else ""
    return (
        f"Issue a new certificate for the backend at {{endpoint}} ({leaf}) with a notBefore that is "
        "past (or keep the previous one until then), and {put_served}.",
        "{reload_backend}",
        "Check with date -u the clock of the machine that issued it.",
    )


def wait_until_valid(whose: str, begins: float) -> Fix:
    """Return the steps where a certificate begins within the tolerance of two clocks.

    Args:
        whose: certificate, as the sentence calls it.
        begins: when it becomes valid.
    """
    return (
        f"Wait until {format_time(begins)} by the clock of this machine: {whose} becomes valid then.",
        "So that new certificates work at once, issue them with a notBefore a few minutes in the past "
        "(for {endpoint}), and keep both machines on NTP (chronyc tracking says how far off each is).",
    )


def reload_served_file(file: ServedFile) -> Fix:
    """Return the steps where the backend has not read the file that was renewed."""
    path = escape_braces(quote_path(file.path))
    if not file.receiver:
        return (
            f"Restart the backend of {{endpoint}}, or make it read {path} again: nginx and HAProxy by a "
            "reload.",
            SEE_SERVED,
        )
    receiver = escape_braces(file.receiver)
    again = (
        f"Set reload_interval: 1h in the tls settings of receiver {receiver}, so that it reads {path} "
        "again by itself from then on."
        if file.reload_interval is None
        else f"If it is not served then either, look for {path} in the Collector's log."
    )
    return (
        f"Restart the Collector of receiver {receiver}, so that it reads {path} again.",
        again,
        SEE_SERVED,
    )


def _format_san(check: NameCheck) -> str:
    reference = escape_braces(check.reference) or "{reference}"
    try:
        ip_address(check.reference)
    except ValueError:
        return reference
    return f"{reference}, as an IP address,"
