"""Files, network and negotiation: whatever ends an attempt before an answer, and silence."""

from typing import get_args

import msgspec.structs
import pytest

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.diagnose import diagnose
from probe.diagnosis.fixes.steps import fill_steps
from probe.diagnosis.readings.peer_protocol import name_first_bytes
from probe.model.certificate import CredentialFacts
from probe.model.evidence import EndingKind, Offer, Stage
from probe.model.finding import Finding
from tests.support.certificate_facts import EXPORTER
from tests.support.evidence import (
    alert,
    answered_attempt,
    attempt,
    complete_handshake,
    partial_handshake,
    refused_attempt,
    target,
    unconnected_attempt,
    unstarted_attempt,
)

NOTHING_IN_COMMON = (
    "no_shared_cipher",
    "protocol_version_mismatch",
    "no_shared_group",
    "no_shared_signature_algorithm",
)
LOCAL = (
    "client_file_missing", "client_file_permission", "client_file_malformed",
    "client_key_encrypted", "server_ca_file_missing", "server_ca_file_permission",
    "server_ca_file_malformed", "client_chain_misordered", "client_cert_key_mismatch",
)  # fmt: skip
UNASKED = {"client_certificate_requested": False, "client_certificate_sent": False}


def a_fault(cause: str) -> Finding:
    """Return a fault of a file, with its own step."""
    return Finding(
        cause=cause, role="cert", path="/etc/otel/x", fact=f"{cause}, seen", fix=(f"fix {cause}",)
    )


@pytest.mark.parametrize("cause", LOCAL)
def test_a_file_fault_ends_the_attempt_at_load(cause: str) -> None:
    """Its own fact and its own step come through, and what makes the exporter read the file."""
    found = diagnose(unstarted_attempt(a_fault(cause)))

    assert (found.stage, found.cause, found.certain, found.also) == ("load", cause, True, ())
    assert (found.facts, found.fix[0]) == ((f"{cause}, seen",), f"fix {cause}")
    assert [step.split()[0] for step in found.fix[1:]] == ["Restart"]


@pytest.mark.parametrize("cause", LOCAL)
def test_a_fault_of_a_file_is_a_finding_with_any_outcome(cause: str) -> None:
    """This exporter lives with it: success stays success, another cause stays primary."""
    credentials = CredentialFacts(client_chain=(EXPORTER,), remarks=(a_fault(cause),))

    taken = diagnose(answered_attempt(credentials=credentials))
    gone = diagnose(unconnected_attempt("refused", "ECONNREFUSED", credentials=credentials))

    assert taken.outcome == "confirmed"
    assert gone.cause == "tcp_refused"
    for found in (taken, gone):
        assert [(f.cause, f.fact) for f in found.findings] == [(cause, f"{cause}, seen")]


@pytest.mark.parametrize("cause", LOCAL)
def test_a_file_fault_stops_nobody_who_sends_in_plaintext(cause: str) -> None:
    """Without TLS the exporter does not read the file: a success stays one."""
    faulty = CredentialFacts(faults=(a_fault(cause),))

    found = diagnose(
        answered_attempt(credentials=faulty, handshake=None, target=target(plaintext=True))
    )

    assert found.outcome == "confirmed"
    assert {finding.cause for finding in found.findings} == {cause, "tls_off"}


@pytest.mark.parametrize(
    ("kind", "errno", "cause"),
    [
        ("refused", "ECONNREFUSED", "tcp_refused"),
        ("timeout", "ETIMEDOUT", "tcp_timeout"),
        ("unreachable", "ENETUNREACH", "network_unreachable"),
        ("socket", "EACCES", "network_unreachable"),
        ("reset", "ECONNRESET", "connection_reset"),
        ("probe_fault", "EMFILE", "probe_fault"),
    ],
)
def test_no_connection_has_its_cause(kind: EndingKind, errno: str, cause: str) -> None:
    """The operating system's error, by name, decides; the probe's own is never the target's."""
    found = diagnose(unconnected_attempt(kind, errno))

    assert (found.stage, found.cause, found.certain, found.also) == ("connect", cause, True, ())
    assert any(errno in fact for fact in found.facts)


@pytest.mark.parametrize("host", ["$(HOST_IP)", "${collector}", "<collector-host>", "{{host}}"])
def test_a_reference_that_nothing_replaced_is_the_exporters(host: str) -> None:
    """Kubernetes leaves $(NAME) as it is where no variable has that name: no resolver can help."""
    lost = attempt("resolve", "dns", detail="EAI_NONAME", target=target(host=host))
    found = diagnose(lost)
    assert (found.cause, found.party, found.certain) == ("dns_failure", "exporter", True)
    assert "Kubernetes replaces $(VARIABLE)" in found.fix[0]
    assert "${VARIABLE}, systemd" in found.fix[0]
    named = attempt("resolve", "dns", detail="EAI_NONAME", target=target(host="a_b.example"))
    assert diagnose(named).party == "network"


def test_a_name_and_a_proxy_have_theirs() -> None:
    """A name that does not resolve, the proxy's too; a proxy that opens no tunnel."""
    proxied = target(proxy="proxy:3128")
    lost = diagnose(attempt("resolve", "dns", detail="EAI_NONAME"))
    lost_proxy = diagnose(attempt("resolve", "dns", detail="EAI_NONAME", target=proxied))
    closed_proxy = diagnose(attempt("connect", "proxy", detail="HTTP 403", target=proxied))

    assert (lost.cause, lost_proxy.cause) == ("dns_failure", "proxy_failure")
    assert "proxy:3128" in lost_proxy.facts[0]
    assert "proxy:3128" not in lost.facts[0]
    assert closed_proxy.cause == "proxy_failure"


@pytest.mark.parametrize("stage", ["accept", "export"])
@pytest.mark.parametrize(
    "shake", [complete_handshake(), complete_handshake(**UNASKED)], ids=["asked", "unasked"]
)
def test_silence_after_the_handshake_is_unconfirmed(stage: Stage, shake: object) -> None:
    """Everything went well and no answer came: neither a success nor anybody's fault."""
    found = diagnose(attempt(stage, "timeout", handshake=shake))

    assert (found.outcome, found.cause, found.family) == ("unconfirmed", None, None)
    assert (found.stage, found.also, found.fix) == (stage, (), ())


def test_silence_within_the_handshake_is_a_failure() -> None:
    """The other direction: the deadline, or the byte budget, before our Finished."""
    assert (
        diagnose(attempt("handshake", "timeout", handshake=partial_handshake())).cause
        == "tls_timeout"
    )
    assert (
        diagnose(attempt("handshake", "budget", handshake=partial_handshake())).cause
        == "tls_timeout"
    )
    assert (
        diagnose(attempt("export", "budget", handshake=complete_handshake())).cause
        == "otlp_not_served"
    )


def test_application_data_confirms_at_depth_tls() -> None:
    """Data after our last flight and no refusal: confirmed, and its limit is said."""
    found = diagnose(attempt("accept", "application_data", handshake=complete_handshake()))

    assert (found.outcome, found.stage) == ("confirmed", "accept")
    assert "nginx" in found.facts[0]


@pytest.mark.parametrize(
    ("number", "cause", "also"),
    [
        (70, "protocol_version_mismatch", ()),
        (71, "no_shared_cipher", ()),
        (112, "server_name_unrecognized", ()),
        (120, "alpn_mismatch", ()),
        (80, "backend_fault", ("server_name_unrecognized",)),
        (40, "handshake_rejected", NOTHING_IN_COMMON),
        (10, "handshake_rejected", ("no_shared_group",)),
        (109, "handshake_rejected", ("no_shared_group",)),
        (49, "handshake_rejected", ("server_name_unrecognized",)),
        (50, "handshake_rejected", ()),
    ],
)
def test_an_alert_before_any_certificate_has_its_cause(
    number: int, cause: str, also: tuple[str, ...]
) -> None:
    """What stacks say where nothing is in common; what they say too little of stays open."""
    found = diagnose(attempt("handshake", "alert", handshake=partial_handshake(alert(number))))

    assert (found.cause, found.also, found.certain) == (cause, also, not also)


@pytest.mark.parametrize("number", [70, 71, 112, 120])
def test_such_an_alert_is_no_refusal_of_a_certificate(number: int) -> None:
    """Also with a certificate in play it keeps its own meaning."""
    asked = diagnose(refused_attempt(number, EXPORTER))
    unasked = diagnose(attempt("handshake", "alert", handshake=partial_handshake(alert(number))))

    assert asked.cause == unasked.cause


def test_our_own_alert_tells_whose_version_it_was() -> None:
    """protocol_version sent by us is a mismatch; another alert of ours means broken TLS there."""
    offer = Offer(min_version="1.3", max_version="1.3")
    ours = partial_handshake(alert(70, "sent"), offer=offer)
    garbled = partial_handshake(alert(50, "sent"))

    assert diagnose(attempt("handshake", "tls", handshake=ours)).cause == (
        "protocol_version_mismatch"
    )
    assert diagnose(attempt("handshake", "tls", handshake=garbled)).cause == "backend_fault"
    assert (
        diagnose(attempt("handshake", "tls", handshake=partial_handshake())).cause
        == "backend_fault"
    )


@pytest.mark.parametrize("kind", ["close", "reset"])
def test_a_close_is_the_networks_only_without_a_certificate_in_play(kind: EndingKind) -> None:
    """During the handshake much is possible; after it, only that the port speaks the other OTLP."""
    own = "connection_closed" if kind == "close" else "connection_reset"
    early = diagnose(attempt("handshake", kind, handshake=partial_handshake()))
    late = diagnose(attempt("export", kind, handshake=complete_handshake(**UNASKED)))
    in_play = diagnose(attempt("accept", kind, handshake=complete_handshake(acceptable_cas=())))

    assert (early.cause, early.certain) == (own, False)
    assert {"not_tls", *NOTHING_IN_COMMON} == set(early.also)
    assert (late.cause, late.certain) == (own, False)
    assert late.also == ("otlp_protocol_mismatch",)
    assert in_play.cause == "client_cert_rejected"


@pytest.mark.parametrize("chosen", ["", "http/1.1"])
def test_grpc_needs_h2(chosen: str) -> None:
    """None chosen, or another one: the fact names it."""
    found = diagnose(
        attempt("handshake", "alpn", handshake=complete_handshake(alpn=chosen), detail=chosen)
    )

    assert found.cause == "alpn_mismatch"
    assert (chosen or "none") in found.facts[0]


@pytest.mark.parametrize(
    ("first", "name"),
    [
        (b"HTTP/1.1 400 Bad Request", "an HTTP answer in plaintext"),
        (b"\x00\x00\x06\x04\x00\x00", "an HTTP/2 SETTINGS frame in plaintext (gRPC without TLS)"),
        (b"SSH-2.0-OpenSSH_9", "an SSH banner"),
        (b"220 mail", "an SMTP or FTP greeting"),
        (b"-ERR unknown command", "a Redis or POP3 error"),
        (b"<html>", "HTML or XML"),
        (b"\x00\x01", "not a TLS record: 00 01"),
        (b"", "not a TLS record: "),
    ],
)
def test_what_speaks_there_is_named(first: bytes, name: str) -> None:
    """The first bytes tell the protocol, or stand as hex."""
    found = diagnose(
        attempt("handshake", "not_tls", handshake=partial_handshake(first_bytes=first.hex()))
    )

    assert name_first_bytes(first) == name
    assert (found.cause, found.facts) == ("not_tls", (f"the first bytes of the peer are {name}",))


@pytest.mark.parametrize("kind", get_args(EndingKind))
def test_sending_without_tls_alone_is_a_finding(kind: EndingKind) -> None:
    """tls_off goes with any outcome, and only where the settings switch TLS off."""
    clear = target(plaintext=True)
    evidence = attempt("export", kind, target=clear)

    found = diagnose(evidence)
    with_tls = diagnose(msgspec.structs.replace(evidence, target=target()))

    assert found.cause != "tls_off"
    assert "tls_off" in [finding.cause for finding in found.findings]
    assert "tls_off" not in [finding.cause for finding in with_tls.findings]


def test_what_nothing_explains_is_said_to_be() -> None:
    """A handshake without a certificate of the server: no cause, and no blame."""
    bare = complete_handshake(server_chain=(), name_check=None, server_verified=False)

    found = diagnose(attempt("handshake", "unverified", handshake=bare))

    assert (found.cause, found.family, found.certain) == ("unexplained", "internal", False)
    assert found.fix == fill_steps(CATALOGUE["unexplained"].fix, target())
