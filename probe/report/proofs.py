"""What one attempt proved, in sentences: address, TLS, certificates with their ends, and the answer.

Pure; every text has passed `safe_text` on its way into the evidence, or passes it here.
"""

from collections.abc import Iterator

from probe.model.certificate import CertificateFacts, name_certificate
from probe.model.evidence import GRPC_STATUS_NAMES, Answer, Evidence, Handshake
from probe.text.host_port import join_host_port
from probe.text.safe_text import safe_text
from probe.text.time_format import format_duration, format_stage_time, format_time
from probe.x509.validity import is_expired


def list_proofs(evidence: Evidence) -> Iterator[str]:
    """Yield what was proven, as far as the attempt came."""
    target = evidence.target
    if evidence.peer_address:
        proxied = f"{evidence.peer_address}, a proxy" if target.proxy else ""
        peer = proxied or join_host_port(evidence.peer_address, target.port)
        yield f"connected to {peer}{_name_duration(evidence, 'connect')}"
    handshake = evidence.handshake
    if handshake is not None:
        yield from _list_tls(evidence, handshake)
    if evidence.answer is not None:
        yield f"answer: {_describe_answer(evidence.answer)}{_name_duration(evidence, 'export')}"


def _list_tls(evidence: Evidence, handshake: Handshake) -> Iterator[str]:
    if handshake.version:
        alpn = f"ALPN {safe_text(handshake.alpn)}" if handshake.alpn else "no ALPN"
        agreed = [f"TLS {handshake.version}", handshake.cipher, handshake.group, alpn]
        took = _name_duration(evidence, "handshake")
        yield ", ".join(filter(None, agreed)) + took
    if handshake.server_chain:
        end_entity = handshake.server_chain[0]
        names = f" for {', '.join(end_entity.sans[:5])}" if end_entity.sans else ""
        yield (
            f"server certificate: {_describe_certificate(end_entity, evidence.at, names)}; "
            f"{_describe_trust(evidence, handshake)}"
        )
    if not handshake.version:
        return
    if not handshake.client_certificate_requested:
        yield "no client certificate was asked for: this is not mutual TLS"
    else:
        listed = len(handshake.acceptable_cas)
        names = f"by {listed} acceptable CA{'' if listed == 1 else 's'}" if listed else "by any CA"
        yield f"a client certificate was asked for, issued {names}"
    chain = evidence.credentials.client_chain
    if chain:
        sent = "sent" if handshake.client_certificate_sent else "not sent"
        file = f" in {evidence.target.cert_file}" if evidence.target.cert_file else ""
        described = _describe_certificate(chain[0], evidence.at, file)
        yield f"client certificate: {described}; {sent}"
    else:
        yield "client certificate: none is configured"


def _describe_certificate(certificate: CertificateFacts, at: float, where: str) -> str:
    left = format_duration(certificate.not_after - at)
    ends = f"ended {left} ago" if is_expired(certificate, at) else f"ends in {left}"
    return (
        f"{name_certificate(certificate)}{where}, issued by {certificate.issuer.text or '(no name)'}, "
        f"{ends}, on {format_time(certificate.not_after)}"
    )


def _describe_trust(evidence: Evidence, handshake: Handshake) -> str:
    if evidence.target.insecure_skip_verify:
        return "not verified (insecure_skip_verify)"
    if not handshake.server_verified:
        return "not trusted"
    held = "the system's roots" if evidence.credentials.system_roots else "the CA file"
    file = "" if evidence.credentials.system_roots else f" {evidence.target.ca_file}".rstrip()
    return f"trusted by {held}{file}"


def _describe_answer(answer: Answer) -> str:
    over = "HTTP/2" if answer.over == "h2" else "HTTP/1.1"
    if answer.grpc_status is None:
        return f"HTTP {answer.http_status} over {over}"
    name = GRPC_STATUS_NAMES.get(answer.grpc_status, "unknown")
    return f"gRPC status {answer.grpc_status} ({name})"


def _name_duration(evidence: Evidence, stage: str) -> str:
    taken = evidence.durations.get(stage)
    return "" if taken is None else f" ({format_stage_time(taken)})"
