"""What the Collector's exporters offer, for contexts that tests build themselves."""

from probe.attempt.variant import UNVARIED, Variant, vary_offer
from probe.model.client_offer import ClientOffer
from probe.model.runtime import COLLECTOR
from probe.model.target import TlsSettings


def collector_offer(variant: Variant = UNVARIED, tls: TlsSettings | None = None) -> ClientOffer:
    """Return what a Collector with the settings `tls` offers over HTTP, with `variant`."""
    return vary_offer(COLLECTOR.id, "http/protobuf", tls or TlsSettings(), variant)[0]
