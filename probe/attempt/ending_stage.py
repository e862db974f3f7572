"""The stage at which an attempt ended, by what had happened before: pure."""

from typing import Literal

from probe.model.evidence import EndingKind, Stage
from probe.tls.client import TlsClient

Purpose = Literal["export", "tls", "handshake"]
"""What a connection is made for: an answer to the request, acceptance by TLS, or a handshake."""


def stage_of(kind: EndingKind, tls: TlsClient | None, purpose: Purpose, *, written: bool) -> Stage:
    """Return where evidence of this `kind` belongs; `written` says that the request went out.

    A refusal after the handshake is one of the certificate, `accept`, even where the request was
    written already; without a certificate in play there is nothing to accept.
    """
    if tls is None:
        return "export"
    if not tls.complete:
        return "handshake"
    if purpose == "tls" or not written:
        return "accept"
    if kind == "alert" or (kind in {"close", "reset"} and tls.certificate_requested):
        return "accept"
    return "export"
