"""What a connection of an exporter means, for each way in which it can end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.diagnose_exporter import ListenerSide, diagnose_exporter
from probe.diagnosis.readings.exporter_alerts import SERVER_CAUSES, state_meaning
from probe.exporters.offers import choose_offer
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Alert
from probe.model.exporter_connection import ExporterConnection, ExportRequest
from probe.model.finding import Finding
from probe.model.path_fault import PathFault
from probe.model.target import TlsSettings
from probe.model.tls_alerts import TlsAlert, name_alert
from probe.text.safe_text import safe_text
from probe.x509.parse import read_der
from tests.support.loopback_client import CLIENT_CA, OTHER_CA

SIDE = ListenerSide(host="127.0.0.1", port=4317, client_cas=(read_der(CLIENT_CA.issued.der),))
HELLO = ExporterConnection(
    number=7,
    at=0.0,
    peer="192.0.2.7:5000",
    speech="tls",
    offer=choose_offer("go-grpc", "grpc", TlsSettings()),
    server_name="backend.example",
    alpn=("h2",),
    looks_like=("go-grpc",),
    looks_near=True,
    end="close",
)
STRANGER = (read_der(OTHER_CA.issue("exporter").der),)
TRUSTED = (read_der(CLIENT_CA.issue("exporter").der),)


def diagnose(
    refusals: tuple[Finding, ...] = (), side: ListenerSide = SIDE, **seen: object
) -> Diagnosis:
    """Return what a connection means that differs from HELLO in `seen`."""
    return diagnose_exporter(replace(HELLO, **seen), refusals, side)


def alert(number: int, direction: str = "received") -> tuple[Alert, ...]:
    """Return one fatal alert."""
    return (
        Alert(direction=direction, level="fatal", number=number, name=name_alert(number)),  # type: ignore[arg-type]
    )


def fault_side(kind: str, *remarks: Finding) -> ListenerSide:
    """Return a listener whose chain has a fault for the exporter."""
    fault = PathFault(kind=kind, subject="CN=backend", position=0, value="x")  # type: ignore[arg-type]
    return ListenerSide(host="127.0.0.1", port=4317, faults=(fault,), remarks=remarks)


def test_every_cause_is_of_the_catalogue() -> None:
    """What an alert may mean is named as everywhere."""
    assert {cause for causes in SERVER_CAUSES.values() for cause in causes} <= set(CATALOGUE)


@pytest.mark.parametrize("number", list(TlsAlert))
def test_every_alert_has_a_meaning_in_printable_text(number: int) -> None:
    """RFC 8446 §6."""
    assert state_meaning(number) == safe_text(state_meaning(number))


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("expired", "server_cert_expired"),
        ("not_yet_valid", "server_cert_not_yet_valid"),
        ("name_mismatch", "server_name_mismatch"),
        ("wrong_usage", "server_cert_wrong_usage"),
        ("weak_signature", "server_cert_weak"),
        ("name_constraint", "server_chain_invalid"),
    ],
)
def test_a_fault_of_ours_explains_gos_only_alert(kind: str, cause: str) -> None:
    """Go sends bad_certificate for everything: what our own files show decides."""
    found = diagnose(side=fault_side(kind), alerts=alert(42), end="alert")
    assert (found.cause, found.certain) == (cause, True)
    assert "bad_certificate (42)" in found.facts[0]


def test_without_a_fault_of_ours_the_ca_is_not_trusted() -> None:
    """And the exporter's clock remains."""
    found = diagnose(alerts=alert(42), end="alert")
    assert (found.cause, found.certain) == ("server_ca_untrusted", False)
    assert set(found.also) == {"clock_skew", "server_cert_revoked"}
    assert found.would_decide


def test_unknown_ca_is_certain() -> None:
    """The alert names it, and no intermediate is missing."""
    found = diagnose(alerts=alert(48), end="alert")
    assert (found.cause, found.certain) == ("server_ca_untrusted", True)


def test_a_missing_intermediate_explains_unknown_ca() -> None:
    """Which lies in a file here."""
    remark = Finding(cause="server_chain_incomplete", fact="it lacks the intermediate")
    side = ListenerSide(host="127.0.0.1", port=4317, remarks=(remark,))
    found = diagnose(side=side, alerts=alert(48), end="alert")
    assert (found.cause, found.certain) == ("server_chain_incomplete", True)


def test_an_expired_alert_without_expiry_is_a_clock() -> None:
    """Our certificate is valid by our clock."""
    assert diagnose(alerts=alert(45), end="alert").cause == "clock_skew"


def test_an_alert_that_nothing_explains() -> None:
    """It is said, and nobody is blamed for certain."""
    found = diagnose(alerts=alert(90), end="alert")
    assert (found.cause, found.certain) == ("unexplained", False)


@pytest.mark.parametrize(
    ("number", "cause"),
    [(70, "protocol_version_mismatch"), (40, "no_shared_cipher"), (120, "alpn_mismatch"),
     (50, "handshake_rejected")],
)  # fmt: skip
def test_our_own_alert_is_named(number: int, cause: str) -> None:
    """Where nothing was in common."""
    assert diagnose(alerts=alert(number, "sent"), end="refused").cause == cause


def test_silence_of_an_exporter_that_never_says_more() -> None:
    """grpc-core ends without an alert: the CA is suspected, or what our files show."""
    silent = {"looks_like": ("python-grpc",)}
    found = diagnose(**silent)
    assert (found.cause, found.certain) == ("server_ca_untrusted", False)
    found = diagnose(side=fault_side("expired"), **silent)
    assert (found.cause, found.also) == ("server_cert_expired", ("connection_closed",))


@pytest.mark.parametrize(
    ("end", "cause"),
    [("close", "connection_closed"), ("reset", "connection_reset"), ("timeout", "tls_timeout")],
)
def test_a_handshake_that_stops(end: str, cause: str) -> None:
    """Exporters that send alerts did not refuse: something else ended it."""
    found = diagnose(end=end)
    assert (found.cause, found.certain) == (cause, False)


def test_node_ends_after_the_handshake() -> None:
    """It judges the certificate then."""
    seen = {"complete": True, "certificate": "presented", "chain": TRUSTED}
    assert diagnose(**seen).outcome == "unconfirmed"
    assert diagnose(**seen, looks_like=("node-http",)).cause == "server_ca_untrusted"
    assert diagnose(**seen, side=fault_side("name_mismatch")).cause == "server_name_mismatch"


def test_a_handshake_that_goes_on_is_open() -> None:
    """Nothing has failed yet."""
    found = diagnose(complete=True, certificate="presented", chain=TRUSTED, end="open")
    assert found.outcome == "unconfirmed"


def test_a_backend_that_cannot_be_reached() -> None:
    """The one of --forward."""
    found = diagnose(
        complete=True,
        certificate="presented",
        end="no_backend",
        detail="Connection refused",
        forwarded_to="collector:4317",
    )
    assert found.cause == "otlp_unavailable"
    assert "Connection refused" in found.facts[0]


REFUSAL = Finding(cause="client_ca_untrusted", fact="no CA", fix=("add it",))


def test_a_withheld_certificate_is_said_where_the_list_lacks_its_issuer() -> None:
    """Only of exporters that withhold, and only where none of the CAs issued it."""
    seen = {"certificate": "presented", "chain": STRANGER, "withheld_before": 3}
    assert any("connection 3" in fact for fact in diagnose((REFUSAL,), **seen).facts)
    others = {**seen, "looks_like": ("python-http",)}
    assert not any("connection 3" in fact for fact in diagnose((REFUSAL,), **others).facts)
    trusted = {**seen, "chain": TRUSTED}
    assert not any("connection 3" in fact for fact in diagnose((REFUSAL,), **trusted).facts)


REQUEST = ExportRequest(
    over="h2", method="POST", path="/v1/traces", signal="traces", answer="HTTP 200", taken=True
)
DONE = {"complete": True, "certificate": "presented", "chain": TRUSTED, "request_count": 1}


def test_an_answered_export_is_confirmed() -> None:
    """The only thing that is."""
    found = diagnose(**DONE, requests=(REQUEST,))
    assert (found.outcome, found.cause, found.certain) == ("confirmed", None, True)


def test_an_export_is_confirmed_with_the_finding_that_it_is_withheld_elsewhere() -> None:
    """A list that does not name the issuer stops this exporter at the real backend."""
    seen = {**DONE, "chain": STRANGER, "withheld_before": 3}
    found = diagnose(**seen, requests=(REQUEST,))
    assert found.outcome == "confirmed"
    assert [one.cause for one in found.findings] == ["client_ca_untrusted"]


@pytest.mark.parametrize(
    ("answer", "signal", "cause"),
    [
        ("HTTP 404", "", "otlp_not_served"),
        ("HTTP 415", "traces", "otlp_protocol_mismatch"),
        ("HTTP 404", "traces", "otlp_not_served"),
        ("HTTP 503", "traces", "otlp_unavailable"),
        ("HTTP 429", "traces", "otlp_throttled"),
        ("HTTP 500", "traces", "otlp_rejected"),
        ("gRPC 14", "traces", "otlp_unavailable"),
        ("gRPC 16", "traces", "otlp_unauthenticated"),
        ("gRPC 13", "traces", "otlp_rejected"),
        ("gRPC ²", "traces", "otlp_rejected"),
        ("", "traces", "otlp_rejected"),
    ],
)
def test_an_answer_that_is_an_error(answer: str, signal: str, cause: str) -> None:
    """It is named with the request."""
    request = replace(REQUEST, answer=answer, signal=signal, taken=False)
    found = diagnose(**DONE, requests=(request,))
    assert (found.outcome, found.cause, found.stage) == ("failed", cause, "export")


@given(
    st.sampled_from(["tls", "http", "h2", "other", "nothing"]),
    st.sampled_from(["open", "alert", "refused", "close", "reset", "timeout", "limit"]),
    st.sampled_from(["presented", "none", "not_reached"]),
    st.lists(st.tuples(st.integers(0, 255), st.sampled_from(["sent", "received"])), max_size=2),
    st.booleans(),
    st.booleans(),
)
def test_any_connection_has_a_diagnosis(
    speech: str,
    end: str,
    certificate: str,
    alerts: list[tuple[int, str]],
    complete: bool,
    named: bool,
) -> None:
    """Total, with a cause of the catalogue where it failed, and with steps."""
    found = diagnose(
        speech=speech,
        end=end,
        certificate=certificate,
        alerts=tuple(one for pair in alerts for one in alert(*pair)),
        complete=complete,
        named_cas=("CN=a",) if named else (),
    )
    assert (found.cause in CATALOGUE) == (found.outcome == "failed")
    assert bool(found.fix) == (found.outcome == "failed")
    assert found.facts
    assert found.certain is not bool(found.would_decide) or not found.certain


def test_a_handshake_without_end_blames_nobody() -> None:
    """It is our own bound that ended it: the ClientHello was not too large for anything."""
    found = diagnose(complete=False, end="limit", detail="the handshake is too long")
    assert (found.outcome, found.cause) == ("unconfirmed", None)
    assert found.facts == ("the handshake is too long",)
