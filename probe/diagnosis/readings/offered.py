"""What the exporter did not offer and the backend wants: said with the reason where it is known. Pure."""

from collections.abc import Iterator

from probe.model.evidence import Offer


def describe_missing_offer(offer: Offer, wanted: str, setting: str) -> Iterator[str]:
    """Yield that the exporter does not offer `wanted`, and why: a setting, or its TLS library."""
    offered = (*offer.ciphers, *offer.groups, *offer.signature_schemes)
    if not wanted or not offer.signature_schemes:
        return  # evidence of an earlier release does not say what was offered by default
    if wanted.lower() in {name.lower() for name in offered}:
        return
    if setting in offer.narrowed_by:
        yield f"{setting} of the exporter leaves {wanted} out"
    else:
        yield f"the exporter does not offer {wanted}, nor does a setting take it out"
