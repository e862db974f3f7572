"""What an attempt keeps to itself: headers go to verified servers, evidence holds no secret."""

from pathlib import Path

import pytest

from probe.model.evidence import from_json, to_json
from probe.model.target import Depth, Protocol
from tests.support.attempts import GOOD, PROTOCOLS, STRANGER, TOKEN, end, prober, target
from tests.support.backends import Answers, Behaviour
from tests.support.loopback_client import OTHER_CA, Start
from tests.support.pki import Issued

UNKNOWN_SERVER = OTHER_CA.issue("backend", usages=("serverAuth",))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("depth", ["tls", "otlp"])
async def test_headers_never_reach_a_server_that_is_not_verified(
    start: Start, tmp_path: Path, protocol: Protocol, depth: Depth
) -> None:
    """Nothing at all of the application does; the chain is recorded all the same."""
    backend = await start(server=UNKNOWN_SERVER, protocol=protocol)
    evidence = await prober().attempt(
        target(tmp_path, backend.port, protocol=protocol, depth=depth)
    )
    assert end(evidence) == ("handshake", "unverified")
    assert list(backend.requests) == []
    assert evidence.handshake is not None
    assert [fault.kind for fault in evidence.handshake.path_faults] == ["no_anchor"]
    assert evidence.handshake.server_chain[0].subject.text == "CN=backend"


async def test_insecure_skip_verify_lets_the_request_through(start: Start, tmp_path: Path) -> None:
    """The user's word; the faults are recorded."""
    backend = await start(server=UNKNOWN_SERVER)
    evidence = await prober().attempt(target(tmp_path, backend.port, insecure_skip_verify=True))
    assert end(evidence) == ("export", "answered")
    assert backend.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert evidence.handshake is not None
    assert evidence.handshake.path_faults


async def test_a_wrong_name_is_not_verified(start: Start, tmp_path: Path) -> None:
    """server_name_override is what the certificate must hold, and what is sent as SNI."""
    backend = await start()
    wrong = target(tmp_path, backend.port, server_name_override="collector.example.com")
    evidence = await prober().attempt(wrong)
    assert end(evidence) == ("handshake", "unverified")
    assert evidence.handshake is not None
    assert evidence.handshake.name_check is not None
    assert not evidence.handshake.name_check.matched
    assert evidence.handshake.offer.server_name == "collector.example.com"


@pytest.mark.parametrize("client", [GOOD, STRANGER, None])
@pytest.mark.parametrize("behaviour", ["collector", "grpc_core", "nginx", "close", "plaintext"])
async def test_evidence_survives_json_and_holds_no_secret(
    start: Start, tmp_path: Path, behaviour: Behaviour, client: Issued | None
) -> None:
    """Nor does it hold a header's value, or a line of the key."""
    backend = await start(behaviour=behaviour)
    evidence = await prober().attempt(target(tmp_path, backend.port, client))
    raw = to_json(evidence)

    assert from_json(raw) == evidence
    assert evidence.target.header_names == ("authorization", "x-tenant")
    secrets = [TOKEN, "tenant-4711", "PRIVATE KEY"]
    if client is not None:
        secrets += client.key_pem.decode().splitlines()[1:-1]
    assert [secret for secret in secrets if secret in raw.decode()] == []


@pytest.mark.parametrize(
    "said",
    [
        f"token {TOKEN} has expired",
        f"bad credentials: Bearer {TOKEN}",
        "tenant-4711: " + "x" * 220 + TOKEN,
    ],
)
async def test_a_backend_that_repeats_a_header_tells_it_nobody(
    start: Start, tmp_path: Path, said: str
) -> None:
    """The value is masked in the message, also where the message was cut within it."""
    backend = await start(answers=Answers(grpc_status=(16, said)))
    evidence = await prober().attempt(target(tmp_path, backend.port))
    assert evidence.answer is not None
    assert evidence.answer.grpc_status == 16
    assert "(secret)" in evidence.answer.message
    assert TOKEN[:6] not in to_json(evidence).decode()
    # Four digits alone stand in a fingerprint now and then.
    assert "nant-4711" not in to_json(evidence).decode()


async def test_a_redirect_that_repeats_a_header_tells_it_nobody(
    start: Start, tmp_path: Path
) -> None:
    """Nor does its Location."""
    location = ("location", f"https://login.example.com/?token={TOKEN}")
    backend = await start(
        protocol="http/protobuf", answers=Answers(http_status=302, headers=(location,))
    )
    evidence = await prober().attempt(target(tmp_path, backend.port, protocol="http/protobuf"))
    assert evidence.answer is not None
    assert evidence.answer.location == "https://login.example.com/?token=(secret)"
    assert TOKEN not in to_json(evidence).decode()
