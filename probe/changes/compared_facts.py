"""What of an attempt is compared with earlier ones, and how each of these facts is put into words.

A fact is None where the attempt did not see it: a handshake that ended early says nothing about what
would have come. Facts are the evidence's own objects, so that keeping them costs a reference, and
two attempts that saw the same compare by identity.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from probe.model.certificate import CertificateFacts, Name, name_certificate
from probe.model.change import Part, What
from probe.model.evidence import Evidence, Handshake, Varied
from probe.model.shared import share
from probe.text.time_format import format_time
from probe.x509.path import have_same_issuer

Fact = Any
"""A hashable value of the evidence."""

_Value = TypeVar("_Value")

_LONGEST: Final = 32
"""The most texts of one change: names of authorities, addresses, certificates."""

_LISTS: Final = frozenset({"addresses", "acceptable_cas", "ca_file"})
"""What has many values, of which some come and go."""

_DECIDED_BY: Final[Mapping[Varied, What]] = {
    "every_version": "tls_version",
    "tls_1.2": "tls_version",
    "tls_1.3": "tls_version",
    "every_cipher": "cipher",
    "every_group": "group",
    "no_alpn": "alpn",
}
"""What an experiment shows of a backend that has nothing in common with the exporter's own offer."""


def extract_key(evidence: Evidence) -> tuple[object, ...]:
    """Return what all facts follow from: equal keys mean equal facts, and compare fast."""
    shake, answer, files = evidence.handshake, evidence.answer, evidence.credentials
    return (
        evidence.ending.kind,
        evidence.addresses,
        shake and shake.server_chain,
        shake and shake.acceptable_cas,
        shake and (shake.client_certificate_requested, shake.version, shake.cipher, shake.group),
        shake and (shake.complete, shake.alpn),
        answer and answer.server,
        files.client_chain,
        files.ca_bundle,
        files.faults,
        evidence.target.proxy,
        evidence.target.started,
        evidence.experiments,
    )


def extract_facts(evidence: Evidence) -> dict[What, Fact]:
    """Return what this attempt saw of everything that is compared; what it did not see is left out."""
    target, files = evidence.target, evidence.credentials
    facts: dict[What, Fact] = {"proxy": target.proxy}
    if evidence.addresses or evidence.ending.kind == "dns":
        facts["addresses"] = _put_in_order(evidence.addresses)
    broken = tuple(sorted({fault.cause for fault in files.faults}))
    if files.client_chain or broken or target.client_certificate_configured:
        facts["client_certificate"] = share((files.client_chain, broken))
    if files.ca_bundle:
        facts["ca_file"] = files.ca_bundle
    if target.started:
        facts["exporter_start"] = target.started
    if evidence.handshake is not None:
        facts |= _extract_handshake(evidence.handshake)
        if not evidence.handshake.version:
            facts |= _extract_experiments(evidence)
    if evidence.answer is not None and evidence.answer.server:
        facts["server_software"] = evidence.answer.server
    return facts


def describe_facts(
    what: What, before: Fact, after: Fact
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the texts of a fact as it was and as it is, each of them safe; none where nothing is.

    Of long lists what both have is left out first: what differs is what is asked for.
    """
    describe = _DESCRIBE.get(what, _describe_text)
    old, new = describe(before), describe(after)
    if what not in _LISTS:
        return old[:_LONGEST], new[:_LONGEST]
    in_both = frozenset(old) & frozenset(new)
    lost, gained = (tuple(one for one in texts if one not in in_both) for texts in (old, new))
    common = tuple(one for one in old if one in in_both)
    common = common[: max(_LONGEST - max(len(lost), len(gained)), 0)]
    return (*lost[:_LONGEST], *common), (*gained[:_LONGEST], *common)


def is_same(before: Fact, after: Fact) -> bool:
    """Whether two recorded facts are the same: of a certificate another version may know more."""
    return bool(before == after or _list_digests(before) == _list_digests(after))


def _list_digests(fact: Fact) -> Fact:
    if isinstance(fact, CertificateFacts):
        return fact.sha256
    return tuple(map(_list_digests, fact)) if isinstance(fact, tuple) else fact


def find_parts(before: Fact, after: Fact) -> tuple[Part, ...]:
    """Return what differs between two chains of a server."""
    (old, *olds), (new, *news) = before, after
    parts: dict[Part, bool] = {
        "end_entity": old.sha256 != new.sha256,
        "issuer": not have_same_issuer(old, new),
        "key": old.subject_key_id != new.subject_key_id,
        "intermediates": [each.sha256 for each in olds] != [each.sha256 for each in news],
    }
    return tuple(part for part, differs in parts.items() if differs)


def _put_in_order(
    values: tuple[_Value, ...], key: Callable[[_Value], Any] | None = None
) -> tuple[_Value, ...]:
    """Return each of `values` once, in order: equal for equal sets; their own tuple, where it is so."""
    ordered = tuple(sorted(dict.fromkeys(values), key=key))  # type: ignore[type-var,arg-type]
    return values if ordered == values else ordered


def _name_digest(name: Name) -> tuple[str, str]:
    return name.digest, name.text


def _extract_handshake(shake: Handshake) -> dict[What, Fact]:
    facts: dict[What, Fact] = {}
    if shake.server_chain:
        facts["server_chain"] = shake.server_chain
    if shake.client_certificate_requested:
        facts["acceptable_cas"] = _put_in_order(shake.acceptable_cas, key=_name_digest)
    if shake.complete or shake.client_certificate_requested:
        facts["client_certificate_requested"] = shake.client_certificate_requested
    if shake.version:
        facts |= {"tls_version": shake.version, "cipher": shake.cipher}
    if shake.complete:
        facts["alpn"] = shake.alpn
        if shake.group:
            facts["group"] = shake.group
    return facts


def _extract_experiments(evidence: Evidence) -> dict[What, Fact]:
    """Return what experiments show of a backend that did not get as far with the exporter's offer."""
    facts: dict[What, Fact] = {}
    for experiment in evidence.experiments:
        what, shake = _DECIDED_BY.get(experiment.varied), experiment.handshake
        if what is not None and shake is not None and shake.version:
            facts[what] = _extract_handshake(shake).get(what)
    return {what: fact for what, fact in facts.items() if fact}


def _describe_chain(chain: tuple[CertificateFacts, ...]) -> tuple[str, ...]:
    return tuple(
        f"{name_certificate(each)}, issued by {each.issuer.text or '(no name)'}, "
        f"serial number {each.serial_number}, until {format_time(each.not_after)}"
        for each in chain
    )


def _describe_client(fact: tuple[tuple[CertificateFacts, ...], tuple[str, ...]]) -> tuple[str, ...]:
    chain, faults = fact
    return faults or _describe_chain(chain)


def _describe_names(names: tuple[Name, ...]) -> tuple[str, ...]:
    return tuple(sorted(name.text for name in names))


def _describe_text(fact: object) -> tuple[str, ...]:
    return (str(fact),) if fact else ()


_DESCRIBE: Final[Mapping[What, Callable[[Any], tuple[str, ...]]]] = {
    "addresses": lambda addresses: addresses,
    "server_chain": _describe_chain,
    "ca_file": _describe_chain,
    "client_certificate": _describe_client,
    "acceptable_cas": _describe_names,
    "client_certificate_requested": lambda requested: ("yes" if requested else "no",),
    "configuration": lambda version: version.keys,
    "exporter_start": lambda started: (format_time(started),),
    "clock_offset": lambda offset: (f"{offset:+.0f} s",),
}
