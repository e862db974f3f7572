"""Exporters that offer what the backend wants and the target's exporter does not, or a smaller hello."""

from collections.abc import Callable, Iterator
from typing import Final

from probe.comparison.verdict import Verdict
from probe.diagnosis.readings.experiment_results import get_improvement
from probe.exporters.offers import POST_HANDSHAKE, RENEGOTIATING, choose_offer, has_known_offer
from probe.model.client_offer import ClientOffer
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence, Handshake, Varied
from probe.model.runtime import RUNTIMES
from probe.model.target import Protocol, TlsSettings
from probe.model.tls_names import DEFAULT_MIN_VERSION, is_hybrid, name_suite

_DEFAULTS: Final = TlsSettings()
_EXPERIMENT_BY_CAUSE: Final[dict[str, Varied]] = {
    "no_shared_cipher": "every_cipher",
    "no_shared_group": "every_group",
    "no_shared_signature_algorithm": "every_signature",
    "protocol_version_mismatch": "every_version",
    "client_hello_too_large": "classic_groups",
}
_SCHEME_BY_KEY: Final = {"Ed448": "ed448", "Ed25519": "ed25519"}
"""Keys that have one signature scheme only (RFC 8446 §4.2.3)."""


def judge_offer(evidence: Evidence, diagnosis: Diagnosis) -> Iterator[Verdict]:
    """Yield who passes the point at which the target's exporter finds nothing in common.

    Nothing is said of a runtime whose offer has not been recorded, nor that one fails: the backend
    may take more than what it chose of all.
    """
    if diagnosis.cause == "client_cert_by_renegotiation":
        yield from _judge_late_request(evidence.handshake)
        return
    varied = _EXPERIMENT_BY_CAUSE.get(diagnosis.cause or "")
    improved = get_improvement(evidence, varied) if varied else None
    if varied is None or improved is None or improved.handshake is None:
        return
    judge, agreed = _JUDGES[varied], improved.handshake
    protocol: Protocol = "grpc" if evidence.target.protocol == "grpc" else "http/protobuf"
    for runtime in RUNTIMES:
        if runtime.id == evidence.target.exporter or not has_known_offer(runtime.id):
            continue
        offer = choose_offer(runtime.id, protocol, _DEFAULTS)
        if because := judge(offer, agreed):
            yield Verdict(runtime.id, "works", "", because)


def _judge_late_request(handshake: Handshake | None) -> Iterator[Verdict]:
    newest = handshake is not None and handshake.version == "1.3"
    because = "after the handshake" if newest else "in a second handshake"
    for one in sorted(POST_HANDSHAKE if newest else RENEGOTIATING):
        yield Verdict(one, "works", "", f"it sends its certificate {because}")


def _judge_cipher(offer: ClientOffer, agreed: Handshake) -> str:
    suite = name_suite(agreed.cipher)
    return f"it offers {suite}" if suite in offer.ciphers and _has_group(offer, agreed) else ""


def _judge_group(offer: ClientOffer, agreed: Handshake) -> str:
    has = agreed.group and _has_group(offer, agreed) and name_suite(agreed.cipher) in offer.ciphers
    return f"it offers the group {agreed.group}" if has else ""


def _judge_signature(offer: ClientOffer, agreed: Handshake) -> str:
    key = agreed.server_chain[0].key_type if agreed.server_chain else ""
    scheme = _SCHEME_BY_KEY.get(key, "")
    return f"it accepts {scheme}" if scheme in offer.signature_schemes else ""


def _judge_version(offer: ClientOffer, agreed: Handshake) -> str:
    # Older versions are in some offers, and refused by those libraries' security level.
    if agreed.version < DEFAULT_MIN_VERSION:
        return ""
    spoken = offer.min_version <= agreed.version <= offer.max_version
    return f"it speaks TLS {agreed.version} by default" if spoken else ""


def _judge_size(offer: ClientOffer, _: Handshake) -> str:
    if any(map(is_hybrid, offer.key_shares)):
        return ""
    return "it sends no key of a hybrid group, so that its ClientHello fits one segment"


def _has_group(offer: ClientOffer, agreed: Handshake) -> bool:
    """Whether the group agreed on is offered, or none was needed (RSA key exchange)."""
    return not agreed.group or agreed.group.lower() in {group.lower() for group in offer.groups}


_JUDGES: Final[dict[Varied, Callable[[ClientOffer, Handshake], str]]] = {
    "every_cipher": _judge_cipher,
    "every_group": _judge_group,
    "every_signature": _judge_signature,
    "every_version": _judge_version,
    "classic_groups": _judge_size,
}
