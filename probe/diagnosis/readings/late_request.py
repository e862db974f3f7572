"""Whether the backend wants the client certificate only once it has read the request. Pure.

TLS 1.2 has renegotiation for that, TLS 1.3 post-handshake authentication, HTTP/2 forbids both.
Apache httpd does so for a Location with a requirement of its own, and IIS by default.
"""

import re
from typing import Final

from probe.model.evidence import Evidence, Handshake
from probe.model.tls_alerts import TlsAlert

_FORBIDDEN: Final = 403
_HTTP_1_1_REQUIRED: Final = 0x0D
"""What a server of HTTP/2 says to a request for which it would have to ask (RFC 9113 §9.2.1)."""
_POST_HANDSHAKE: Final = re.compile(r"post-handshake authentication", re.IGNORECASE)
"""Apache httpd's reason (modules/ssl/ssl_engine_kernel.c) where the client did not offer it."""


def was_asked_late(evidence: Evidence) -> bool:
    """Whether the backend wanted to ask for the client certificate after the handshake."""
    handshake = evidence.handshake
    if handshake is None:
        return False
    return (
        refused_renegotiation(handshake)
        or wants_post_handshake_auth(evidence)
        or demands_http1(evidence)
    )


def refused_renegotiation(handshake: Handshake) -> bool:
    """Whether the exporter's side refused a second handshake of TLS 1.2."""
    return any(
        alert.direction == "sent" and alert.number == TlsAlert.NO_RENEGOTIATION
        for alert in handshake.alerts
    )


def wants_post_handshake_auth(evidence: Evidence) -> bool:
    """Whether the answer says that post-handshake authentication was not offered."""
    answer = evidence.answer
    return (
        answer is not None
        and answer.http_status == _FORBIDDEN
        and _POST_HANDSHAKE.search(answer.message) is not None
    )


def demands_http1(evidence: Evidence) -> bool:
    """Whether the backend has asked for no certificate yet, and wants HTTP/1.1 for this request."""
    handshake = evidence.handshake
    if handshake is None or handshake.client_certificate_requested:
        return False
    return evidence.ending.http2_error == _HTTP_1_1_REQUIRED
