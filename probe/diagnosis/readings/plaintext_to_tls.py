"""What shows that a port which was sent plaintext wants TLS: pure readings of one `Evidence`.

Measured with the lab's servers: Go's and nginx's answer in words; GnuTLS, JSSE and rustls send an
alert record; OpenSSL's, grpc-go's, grpc-core's, Node's and HAProxy close, which says nothing, and
a TLS handshake with the same port decides.
"""

import re
from typing import Final

from probe.diagnosis.readings.experiment_results import get_improvement
from probe.diagnosis.readings.first_bytes import decode_bytes, detect_protocol
from probe.model.evidence import Evidence

_SAYS_SO: Final = re.compile(
    r"HTTP request to an HTTPS server"  # Go: net/http, badRequestError of a tls.RecordHeaderError
    r"|plain HTTP request was sent to HTTPS port"  # nginx: error 497
    r"|plain HTTP to an SSL-enabled"  # Apache httpd: mod_ssl, "You're speaking plain HTTP to …"
    r"|combination of host and port requires TLS",  # Tomcat
    re.IGNORECASE,
)
_BAD_REQUEST: Final = 400


def prove_tls_port(evidence: Evidence) -> str:
    """Return the proof that the port wants TLS where we sent plaintext; empty where there is none."""
    if not evidence.target.plaintext:
        return ""
    if detect_protocol(decode_bytes(evidence.first_bytes)) == "tls":
        return "the port answers the plaintext request with a TLS record: it wants TLS"
    answer = evidence.answer
    if (
        answer is not None
        and answer.http_status == _BAD_REQUEST
        and _SAYS_SO.search(answer.message)
    ):
        return f'the port answers HTTP 400: "{answer.message}"'
    tried = get_improvement(evidence, "tls")
    if tried is None or tried.handshake is None:
        return ""
    handshake = tried.handshake
    if not handshake.cipher:
        return "the port answers a TLS handshake with an alert: it speaks TLS"
    asks = ", and asks for a client certificate" if handshake.client_certificate_requested else ""
    return f"a TLS handshake with the same port goes on: it chose TLS {handshake.version}{asks}"
