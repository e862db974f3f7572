"""The whole catalogue, in the order that breaks a tie between equally strong matches.

What an exporter would meet first comes first: its own files, then the server's certificate (in
Go's order: dates, name, path), then the client's (dates, usage, strength, trust), then the rest.
"""

from types import MappingProxyType
from typing import Final, get_args

from probe.diagnosis.cause import Cause
from probe.diagnosis.families import (
    backend_ca_trust,
    client_expiry,
    client_identity,
    clock_skew,
    file_format,
    internal,
    negotiation,
    network,
    not_reloading,
    not_yet_valid,
    otlp_answer,
    san_mismatch,
    server_identity,
)
from probe.model.evidence import EndingKind

_ORDER: Final = (
    internal.PROBE_FAULT,
    *file_format.CAUSES[:-1],
    client_identity.CLIENT_CERT_KEY_MISMATCH,
    *server_identity.DATES,
    not_yet_valid.SERVER_CERT_NOT_YET_VALID,
    san_mismatch.SERVER_NAME_MISMATCH,
    san_mismatch.SERVER_NAME_UNRECOGNIZED,
    *server_identity.PATH,
    client_identity.CLIENT_CERT_NOT_SENT,
    client_identity.CLIENT_CERT_REVOKED,
    clock_skew.CLOCK_SKEW,
    *client_expiry.CAUSES,
    not_yet_valid.CLIENT_CERT_NOT_YET_VALID,
    client_identity.CLIENT_CERT_WRONG_USAGE,
    client_identity.CLIENT_CERT_WEAK,
    file_format.CLIENT_CHAIN_INCOMPLETE,
    *backend_ca_trust.CAUSES,
    san_mismatch.CLIENT_SAN_REJECTED,
    client_identity.CLIENT_CERT_REJECTED,
    *negotiation.CAUSES,
    *network.CAUSES,
    *otlp_answer.CAUSES,
    *not_reloading.CAUSES,
    internal.UNEXPLAINED,
)

CATALOGUE: Final = MappingProxyType({cause.id: cause for cause in _ORDER})
"""Every cause by its id."""

BY_ENDING: Final[MappingProxyType[EndingKind, tuple[Cause, ...]]] = MappingProxyType(
    {
        kind: tuple(cause for cause in _ORDER if kind in cause.applies)
        for kind in get_args(EndingKind)
    }
)
"""The causes that apply at all to each kind of ending, in order (law 6)."""
