"""A CA file as an exporter's trust anchors: dates, end entities, lone intermediates, strays.

Pure. Every certificate in ca_file is an anchor for Go; the other TLS libraries need a root.
"""

from collections.abc import Sequence
from typing import Final

from probe.inspection.file_report import Judgement
from probe.model.certificate import CertificateFacts, name_certificate
from probe.text.safe_text import safe_text
from probe.text.time_format import format_time
from probe.x509.path import find_without_root
from probe.x509.strength import find_weak_key
from probe.x509.usages import may_issue
from probe.x509.validity import CLOCK_TOLERANCE, expires_soon, is_expired, is_not_yet_valid

_NAMED: Final = 2
"""Certificates of a bundle named in one fact; a system's bundle has some 140."""

_LONGEST_NAME: Final = 40


def judge_bundle(
    found: Judgement, anchors: Sequence[CertificateFacts], now: float, *, holds_key: bool
) -> None:
    """Judge what a file holds as the anchors for the backend's certificate.

    Args:
        found: where the judgement is added.
        anchors: the file's certificates.
        now: the time to judge at, in seconds since the Unix epoch.
        holds_key: whether it holds a private key too.
    """
    _judge_dates(found, anchors, now)
    _judge_kinds(found, anchors)
    if weakness := find_weak_key(anchors):
        found.add_remark(
            "server_cert_weak",
            f"holds a weak key: {weakness}, which OpenSSL refuses at its usual level",
            "ask the CA for a root with an EC or RSA-2048 key",
        )
    if holds_key and anchors:
        found.add_remark(
            "server_ca_file_malformed",
            "also holds a private key: a CA file is public, a private key is secret",
            f"take the private key out of {found.path}; if it is the CA's own, replace the CA",
        )
    if len({one.sha256 for one in anchors}) < len(anchors):
        found.facts.append("it has some certificate more than once, which is harmless")


def _judge_dates(found: Judgement, anchors: Sequence[CertificateFacts], now: float) -> None:
    fix = f"put the CA's current certificate into {found.path}"
    expired = [one for one in anchors if is_expired(one, now)]
    early = [one for one in anchors if is_not_yet_valid(one, now, CLOCK_TOLERANCE)]
    for cause, state, wrong, dates in (
        ("server_cert_expired", "has expired", expired, [one.not_after for one in expired]),
        ("server_cert_not_yet_valid", "is not valid yet", early, [one.not_before for one in early]),
    ):
        if wrong:
            every = len(wrong) == len(anchors)
            rest = "" if every else "; what rests on the others is not affected"
            fact = f"holds what {state}: {_list_dated(wrong, dates)}{rest}"
            found.add(cause, fact, fix, stops=every)
    if soon := [one for one in anchors if expires_soon(one, now)]:
        fact = f"holds what expires soon: {_list_dated(soon, [one.not_after for one in soon])}"
        found.add_remark("server_cert_expired", fact, fix)


def _judge_kinds(found: Judgement, anchors: Sequence[CertificateFacts]) -> None:
    leaves = [one for one in anchors if not one.is_ca]
    if issued := [one for one in leaves if not one.self_signed]:
        found.add_remark(
            "server_ca_untrusted",
            f"holds an end entity's certificate, {_list_names(issued)}: Go trusts exactly that "
            "certificate, OpenSSL (Python, Node, curl) does not",
            "use the certificate of the CA that issued it",
        )
    if own := [one for one in leaves if one.self_signed]:
        found.facts.append(
            f"{_list_names(own)} is self-signed and not a CA: it verifies only itself"
        )
    if lone := find_without_root(anchors):
        found.add_remark(
            "server_ca_untrusted",
            f"holds the intermediate {_list_names(lone)} without its root "
            f"{safe_text(lone[0].issuer.text, _LONGEST_NAME)}: Go uses it as an anchor, OpenSSL "
            "(Python, Node, curl) wants the root",
            f"append the certificate of {lone[0].issuer.text} to {found.path}",
        )
    if mute := [one for one in anchors if one.is_ca and not may_issue(one)]:
        found.add_remark(
            "server_ca_untrusted",
            f"holds {_list_names(mute)}, whose keyUsage lacks keyCertSign: it may issue nothing",
            "use a CA certificate with keyUsage keyCertSign",
        )


def _list_names(certificates: Sequence[CertificateFacts]) -> str:
    return _list_some([safe_text(name_certificate(one), _LONGEST_NAME) for one in certificates])


def _list_dated(certificates: Sequence[CertificateFacts], dates: Sequence[float]) -> str:
    return _list_some(
        [
            f"{safe_text(name_certificate(one), _LONGEST_NAME)} ({format_time(date)[:10]})"
            for one, date in zip(certificates, dates, strict=True)
        ]
    )


def _list_some(texts: Sequence[str]) -> str:
    more = len(texts) - _NAMED
    return "; ".join(texts[:_NAMED]) + (f"; and {more} more" if more > 0 else "")
