"""A CA file as an exporter's trust anchors: dates, end entities, lone intermediates, strays.

Pure. Whatever stands in ca_file is an anchor to Go; the other TLS libraries want a root.
"""

from collections.abc import Sequence
from typing import Final

from probe.credentials.content import make_fault
from probe.inspection.dates import ends_soon, expired, not_yet_valid
from probe.inspection.file_report import Findings
from probe.model.certificate import CertificateFacts, name_certificate
from probe.text.safe_text import safe_text
from probe.text.time_format import format_time
from probe.x509.strength import find_weak_key

_NAMED: Final = 2
"""Certificates of a bundle named in one fact; a system's bundle has some 140."""

_LONGEST_NAME: Final = 40


def judge_bundle(
    path: str, anchors: Sequence[CertificateFacts], at: float, *, holds_key: bool
) -> Findings:
    """Judge what `path` holds as the anchors for the backend's certificate.

    Args:
        path: the file, as facts name it.
        anchors: its certificates.
        at: the time to judge at, in seconds since the Unix epoch.
        holds_key: whether a private key lies in it too.
    """
    found = Findings()
    _judge_dates(path, anchors, at, found)
    _judge_kinds(path, anchors, found)
    if weakness := find_weak_key(anchors):
        fix = ("ask the CA for a root with an EC or RSA-2048 key",)
        fact = f"holds a weak key: {weakness}, which OpenSSL refuses at its usual level"
        found.remarks.append(make_fault("ca", path, fact, fix, "server_cert_weak"))
    if holds_key and anchors:
        fact = "also holds a private key: a CA file is given to everybody, a key to nobody"
        fix = (f"take the private key out of {path}; if it is the CA's own, replace the CA",)
        found.remarks.append(make_fault("ca", path, fact, fix))
    if len({one.sha256 for one in anchors}) < len(anchors):
        found.facts.append("some certificate stands in it more than once, which is harmless")
    return found


def _judge_dates(
    path: str, anchors: Sequence[CertificateFacts], at: float, found: Findings
) -> None:
    fix = (f"put the CA's current certificate into {path}",)
    for state, wrong, cause in (
        ("has expired", [one for one in anchors if expired(one, at)], "server_cert_expired"),
        (
            "is not valid yet",
            [one for one in anchors if not_yet_valid(one, at)],
            "server_cert_not_yet_valid",
        ),
    ):
        if not wrong:
            continue
        every = len(wrong) == len(anchors)
        dates = [
            _dated(one, one.not_after if "expired" in state else one.not_before) for one in wrong
        ]
        fact = f"holds what {state}: {_some(dates)}"
        if not every:
            fact += "; what rests on the others is not affected"
        fault = make_fault("ca", path, fact, fix, cause)
        (found.faults if every else found.remarks).append(fault)
    soon = [_dated(one, one.not_after) for one in anchors if ends_soon(one, at)]
    if soon:
        fact = f"holds what expires soon: {_some(soon)}"
        found.remarks.append(make_fault("ca", path, fact, fix, "server_cert_expired"))


def _judge_kinds(path: str, anchors: Sequence[CertificateFacts], found: Findings) -> None:
    roots = {one.subject.digest for one in anchors if one.self_signed}
    subjects = {one.subject.digest: one.issuer.digest for one in anchors}
    leaves = [one for one in anchors if not one.is_ca]
    issued = [_name(one) for one in leaves if not one.self_signed]
    if issued:
        fact = (
            f"holds an end entity's certificate, {_some(issued)}: Go trusts exactly that "
            "certificate, OpenSSL (Python, Node, curl) does not"
        )
        fix = ("use the certificate of the CA that issued it",)
        found.remarks.append(make_fault("ca", path, fact, fix, "server_ca_untrusted"))
    own = [_name(one) for one in leaves if one.self_signed]
    if own:
        found.facts.append(f"{_some(own)} is self-signed and no CA: it stands for itself alone")
    lone = [
        one for one in anchors if one.is_ca and not _reaches(one.subject.digest, subjects, roots)
    ]
    if lone:
        fact = (
            f"holds the intermediate {_some([_name(one) for one in lone])} without its root "
            f"{safe_text(lone[0].issuer.text, _LONGEST_NAME)}: Go takes it for an anchor, OpenSSL (Python, Node, curl) "
            "wants the root"
        )
        fix = (f"append the certificate of {lone[0].issuer.text} to {path}",)
        found.remarks.append(make_fault("ca", path, fact, fix, "server_ca_untrusted"))
    mute = [
        _name(one)
        for one in anchors
        if one.is_ca and one.key_usage is not None and "keyCertSign" not in one.key_usage
    ]
    if mute:
        fact = f"holds {_some(mute)}, whose keyUsage lacks keyCertSign: it may issue nothing"
        fix = ("use a CA certificate with keyUsage keyCertSign",)
        found.remarks.append(make_fault("ca", path, fact, fix, "server_ca_untrusted"))


def _reaches(subject: str, issuers: dict[str, str], roots: set[str]) -> bool:
    """Return whether names lead from `subject` to a root of the bundle."""
    passed: set[str] = set()
    while subject in issuers and subject not in passed:
        if subject in roots:
            return True
        passed.add(subject)
        subject = issuers[subject]
    return False


def _dated(certificate: CertificateFacts, when: float) -> str:
    return f"{_name(certificate)} ({format_time(when)[:10]})"


def _name(certificate: CertificateFacts) -> str:
    return safe_text(name_certificate(certificate), _LONGEST_NAME)


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - _NAMED
    return "; ".join(texts[:_NAMED]) + (f"; and {more} more" if more > 0 else "")
