"""Whether a receiver accepts a given client's certificate, and what it lacks where it does not. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from probe.diagnosis.fixes.steps import RELOAD_CLIENT_CA
from probe.diagnosis.readings.client_rules import state_rule
from probe.diagnosis.readings.receiver_judgement import UNTRUSTED, describe_client_ca_restart
from probe.model.certificate import (
    CertificateFacts,
    LocatedCertificate,
    ReceiverFiles,
    name_certificate,
)
from probe.model.finding import Finding
from probe.model.path_fault import PathFault, PathFaultKind
from probe.text.safe_text import quote_path, safe_text
from probe.text.time_format import format_time

_CAUSES: Final[dict[PathFaultKind, str]] = {
    "no_anchor": UNTRUSTED,
    "bad_signature": UNTRUSTED,
    "expired": "client_cert_expired",
    "not_yet_valid": "client_cert_not_yet_valid",
    "wrong_usage": "client_cert_wrong_usage",
    "wrong_usage_above": "client_cert_wrong_usage",
    "weak_key": "client_cert_weak",
    "weak_signature": "client_cert_weak",
}
"""By kind of fault of what the client sends; every other one is `client_cert_rejected`."""


class _Words(NamedTuple):
    """How the parties are called."""

    holds: str
    """Who or what has the certificate, and the verb."""
    receiver: str
    cert_file: str
    """A word of a shell; empty where the client's file is not known."""
    restart: str


def _name_parties(files: ReceiverFiles, path: str) -> _Words:
    if not path:
        return _Words("the exporter presents", "this backend", "", RELOAD_CLIENT_CA)
    text = describe_client_ca_restart(files)
    restart = f"{text[:1].upper()}{text[1:]}."
    return _Words(f"{path} holds", f"receiver {files.name}", quote_path(path), restart)


def judge_client(
    files: ReceiverFiles,
    chain: Sequence[CertificateFacts],
    path: str,
    faults: Sequence[PathFault],
    missing: CertificateFacts | None,
    issuers: Sequence[LocatedCertificate],
) -> Iterator[Finding]:
    """Yield why the receiver of `files` refuses the client whose certificates are `chain`.

    Args:
        files: The receiver's.
        chain: What the client sends, the end entity first.
        path: The file that holds them; empty: an exporter presented them on a connection.
        faults: What the model of Go's verifier found, in its order.
        missing: The certificate whose issuer the receiver lacks.
        issuers: Issuers of that, in files here, the nearest first.
    """
    client = name_certificate(chain[0]) if chain else "a certificate that cannot be read"
    words = _name_parties(files, path)
    for fault in faults:
        if fault.kind == "no_anchor" and missing is not None:
            yield _report_missing(files, client, path, words, missing, issuers)
            continue
        of_anchor = fault.position is None and fault.sha256 != ""
        cause = UNTRUSTED if of_anchor else _CAUSES.get(fault.kind, "client_cert_rejected")
        name = fault.subject or "a certificate without a subject"
        where = f"{name} of {files.client_ca_file}" if of_anchor else name
        fact = f"{words.holds} {client}, which {words.receiver} refuses: {where} {_state(fault)}"
        fix: tuple[str, ...]
        if of_anchor:
            fix = (
                f"Put a certificate of that CA without this fault into {quote_path(files.client_ca_file)}.",
                words.restart,
            )
        else:
            fix = (f"Have {name} issued again without that fault.",)
        yield _make(path, fact, fix, cause)


def _date(fault: PathFault) -> str:
    """Return the date that a rule about dates is broken by; models give it in epoch seconds."""
    return format_time(float(fault.value))


def _state(fault: PathFault) -> str:
    match fault.kind:
        case "expired":
            return f"expired on {_date(fault)}" if fault.value else "has expired"
        case "not_yet_valid":
            return f"is not valid before {_date(fault)}" if fault.value else "is not valid yet"
        case "weak_signature" | "weak_key":
            return f"is too weak: {fault.value}" if fault.value else "is too weak"
        case _:
            return state_rule(fault)


def _report_missing(
    files: ReceiverFiles,
    client: str,
    path: str,
    words: _Words,
    missing: CertificateFacts,
    issuers: Sequence[LocatedCertificate],
) -> Finding:
    """Return which CA is missing, and the command that adds it."""
    held = {one.subject.digest for one in files.client_cas}
    bundle = quote_path(files.client_ca_file)
    links = next(
        (place for place, one in enumerate(issuers) if one.certificate.issuer.digest in held), None
    )
    named = ", ".join(dict.fromkeys(name_certificate(one) for one in files.client_cas[:3]))
    if links is not None and not issuers[links].certificate.self_signed:
        between = issuers[0]
        name = name_certificate(between.certificate)
        return _make(
            path,
            f"{words.holds} {client} and lacks the intermediate {name} that issued it, which is in "
            f"{between.path}: {words.receiver} has only what is above it in "
            f"{files.client_ca_file}",
            (
                f"cat {quote_path(between.path)} >> {words.cert_file}"
                if words.cert_file
                else f"Append {quote_path(between.path)} to the exporter's certificate file.",
                "Then restart the client, so that it sends the intermediate along.",
            ),
            "client_chain_incomplete",
        )
    root = issuers[-1] if issuers else None
    wanted = name_certificate(root.certificate) if root else missing.issuer.text
    same = any(one.subject.digest == missing.issuer.digest for one in files.client_cas)
    lacks = (
        f"it has a CA of the name {missing.issuer.text} with another key: that CA was reissued"
        if same
        else f"{files.client_ca_file} lacks the CA {wanted}"
    )
    fact = (
        f"{words.holds} {client}, issued by {missing.issuer.text}, which {words.receiver} "
        f"refuses with unknown_ca: {lacks}; it has {named or 'no CA that Go reads'}"
    )
    steps: tuple[str, ...]
    if root is not None:
        steps = (f"cat {quote_path(root.path)} >> {bundle}",)
    else:
        steps = (
            f"Save the certificate of {wanted} as client-ca.crt; whoever issued the client's "
            "certificate has it.",
            f"cat client-ca.crt >> {bundle}",
        )
    return _make(path, fact, (*steps, words.restart), UNTRUSTED)


def _make(path: str, fact: str, fix: Sequence[str], cause: str) -> Finding:
    return Finding(
        cause=cause,
        role="cert",
        path=path,
        fact=safe_text(fact, 700),
        fix=tuple(safe_text(step, 1024) for step in fix),
    )
