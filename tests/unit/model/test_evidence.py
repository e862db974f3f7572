"""Evidence survives its JSON form, refuses what is none, and has no place for a secret."""

import json
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from probe.model.certificate import CertificateFacts, CredentialFacts, Name
from probe.model.evidence import (
    SCHEMA,
    STAGES,
    Alert,
    Answer,
    ClockReading,
    ConnectTry,
    Ending,
    Evidence,
    Experiment,
    Handshake,
    NameCheck,
    Offer,
    Recheck,
    TargetFacts,
    from_json,
    to_json,
)
from probe.model.finding import BYTE_ORDER_MARK, Finding
from probe.model.path_fault import PathFault, PathFaultKind
from probe.model.target import Endpoint, Secret, Target
from probe.service.run_rounds import run_rounds
from tests.support.backends import Backend
from tests.support.demo_pki import PKI

HIDDEN = "hunter2-never-shown"

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
TUPLES = st.lists(TEXTS, max_size=2).map(tuple)
NUMBERS = st.integers(0, 2**31)
SECONDS = st.floats(-1e11, 1e11, allow_nan=False)
NAMES = st.builds(Name, text=TEXTS, digest=TEXTS)
CERTIFICATES = st.builds(
    CertificateFacts,
    subject=NAMES,
    issuer=NAMES,
    serial_number=TEXTS,
    not_before=SECONDS,
    not_after=SECONDS,
    sha256=TEXTS,
    sans=TUPLES,
    is_ca=st.booleans(),
    key_bits=NUMBERS,
    extended_key_usage=st.none() | TUPLES,
    key_usage=st.none() | TUPLES,
)
CHAINS = st.lists(CERTIFICATES, max_size=2).map(tuple)
FAULTS = st.builds(
    Finding,
    cause=TEXTS,
    role=st.sampled_from(["cert", "key", "ca"]),
    path=TEXTS,
    fact=TEXTS,
    fix=TUPLES,
)
ALERTS = st.builds(
    Alert,
    direction=st.sampled_from(["received", "sent"]),
    level=st.sampled_from(["warning", "fatal"]),
    number=st.integers(0, 255),
    name=TEXTS,
)
HANDSHAKES = st.builds(
    Handshake,
    offer=st.builds(Offer, alpn=TUPLES, server_name=TEXTS),
    complete=st.booleans(),
    version=TEXTS,
    acceptable_cas=st.lists(NAMES, max_size=2).map(tuple),
    alerts=st.lists(ALERTS, max_size=2).map(tuple),
    path_faults=st.lists(
        st.builds(PathFault, kind=st.sampled_from(get_args(PathFaultKind)), value=TEXTS), max_size=2
    ).map(tuple),
    server_chain=CHAINS,
    name_check=st.none() | st.builds(NameCheck, reference=TEXTS, matched=st.booleans()),
    library_errors=st.lists(NUMBERS, max_size=2).map(tuple),
)
ENDINGS = st.builds(
    Ending,
    stage=st.sampled_from(STAGES),
    kind=st.sampled_from(["answered", "alert", "reset", "probe_fault"]),
    detail=TEXTS,
    close_notify=st.booleans(),
)
EVIDENCE = st.builds(
    Evidence,
    target=st.builds(
        TargetFacts,
        name=TEXTS,
        endpoint=TEXTS,
        host=TEXTS,
        port=NUMBERS,
        protocol=TEXTS,
        header_names=TUPLES,
        labels=st.lists(st.tuples(TEXTS, TEXTS), max_size=2).map(tuple),
        expect_cause=st.none() | TEXTS,
    ),
    at=SECONDS,
    ending=ENDINGS,
    credentials=st.builds(
        CredentialFacts, client_chain=CHAINS, faults=st.lists(FAULTS, max_size=2).map(tuple)
    ),
    connects=st.lists(st.builds(ConnectTry, address=TEXTS, error=TEXTS), max_size=2).map(tuple),
    handshake=st.none() | HANDSHAKES,
    recheck=st.none() | st.builds(Recheck, handshake=HANDSHAKES, ending=ENDINGS),
    experiments=st.lists(
        st.builds(
            Experiment,
            varied=st.sampled_from(["every_cipher", "plaintext"]),
            at=SECONDS,
            ending=ENDINGS,
            handshake=st.none() | HANDSHAKES,
            first_bytes=TEXTS,
        ),
        max_size=2,
    ).map(tuple),
    answer=st.none()
    | st.builds(
        Answer,
        over=st.sampled_from(["h2", "http/1.1"]),
        http_status=NUMBERS,
        grpc_status=st.none() | NUMBERS,
        body_parses=st.none() | st.booleans(),
        date=st.none() | SECONDS,
    ),
    clock=st.lists(st.builds(ClockReading, source=TEXTS, offset=SECONDS), max_size=2).map(tuple),
    durations=st.dictionaries(st.sampled_from(STAGES), st.floats(0, 1e6), max_size=3),
)

SMALLEST = Evidence(
    target=TargetFacts(name="t", endpoint="c:4317", host="c", port=4317, protocol="grpc"),
    at=1.0,
    ending=Ending(stage="connect", kind="refused"),
)


@given(EVIDENCE)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_back(evidence: Evidence) -> None:
    """The same evidence comes out, and writing that gives the same bytes: one line of JSON."""
    raw = to_json(evidence)
    assert b"\n" not in raw
    read = from_json(raw)
    assert read == evidence
    assert to_json(read) == raw
    assert from_json(raw.decode()) == evidence


def test_only_what_was_seen_is_written() -> None:
    """A default is not repeated; a reader fills it in. The schema always stands."""
    written = json.loads(to_json(SMALLEST))
    assert written.pop("schema") == SCHEMA
    assert written == {
        "target": {
            "name": "t",
            "endpoint": "c:4317",
            "host": "c",
            "port": 4317,
            "protocol": "grpc",
        },
        "at": 1.0,
        "ending": {"stage": "connect", "kind": "refused"},
    }


@pytest.mark.parametrize("schema", ["mtls-probe-evidence/2", "mtls-probe/1", "", "x\x1b[31m"])
def test_another_schema_is_refused(schema: str) -> None:
    """Evidence of another version is refused, and the error says where and which version is read."""
    raw = json.dumps(json.loads(to_json(SMALLEST)) | {"schema": schema})
    with pytest.raises(ValueError) as raised:
        from_json(raw)
    assert SCHEMA in str(raised.value)
    assert "$.schema" in str(raised.value)
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b'{"target":1}',
        to_json(SMALLEST)[:-1],
        to_json(SMALLEST).replace(b'"refused"', b'"refusde"'),
        to_json(SMALLEST).replace(b'"connect"', b'"conect"'),
        to_json(SMALLEST).replace(b"1.0", b'"1.0"'),
    ],
)
def test_what_is_no_evidence_is_a_value_error(raw: bytes) -> None:
    """A file cut off, of another shape, or with a stage or ending that nobody knows."""
    with pytest.raises(ValueError, match="not an evidence file"):
        from_json(raw)


@given(st.binary(max_size=200))
@settings(max_examples=100)
def test_no_bytes_bring_another_error(raw: bytes) -> None:
    """Whatever a file holds, reading it returns evidence or raises ValueError."""
    with pytest.raises(ValueError):
        from_json(raw)


async def test_an_attempts_evidence_holds_no_secret(backend: Backend, tmp_path: Path) -> None:
    """Neither header values, nor a key, nor a proxy's password are in its JSON."""
    exporter = PKI.exporter()
    tls = PKI.settings(tmp_path, exporter)
    target = Target(
        name="t",
        endpoint=Endpoint("127.0.0.1", backend.port),
        tls=tls,
        headers=(("authorization", Secret(f"Bearer {HIDDEN}")),),
    )
    behind = Target(
        name="u",
        endpoint=target.endpoint,
        tls=tls,
        proxy_url=Secret(f"http://me:{HIDDEN}@127.0.0.1:1"),
    )
    observations = await run_rounds([target, behind], concurrency=2)
    (_, sent, diagnosis), (_, unproxied, _) = observations
    assert diagnosis.outcome == "confirmed"
    assert dict(backend.requests[0].headers)["authorization"] == f"Bearer {HIDDEN}"
    assert sent.target.header_names == ("authorization",)
    assert unproxied.target.proxy == "127.0.0.1:1"
    key_lines = exporter.key_pem.decode().splitlines()[1:-1]
    for evidence in (sent, unproxied):
        raw = to_json(evidence).decode()
        assert HIDDEN not in raw
        assert not [line for line in key_lines if line in raw]


def test_findings_recorded_before_they_had_a_kind_get_theirs() -> None:
    """What exporters do with a byte order mark is known of old evidence too; new evidence is kept."""
    fact = "/tls.crt begins with a UTF-8 byte order mark: OpenSSL reads past it"
    old = Finding(cause="client_file_malformed", role="cert", path="/tls.crt", fact=fact)
    other = Finding(cause="client_file_missing", role="key", path="/tls.key", fact="is not there")
    evidence = Evidence(
        target=TargetFacts(name="t", endpoint="h:1", host="h", port=1, protocol="grpc"),
        at=0.0,
        ending=Ending(stage="load", kind="credentials"),
        credentials=CredentialFacts(faults=(other,), remarks=(old,)),
    )

    read = from_json(to_json(evidence))

    assert read.credentials.remarks == (replace(old, kind=BYTE_ORDER_MARK),)
    assert read.credentials.faults == (other,)
    assert from_json(to_json(read)) == read
