"""Arbitrary evidence: every field has any value of its type, within small bounds."""

from random import Random
from typing import Final, get_args

from hypothesis import strategies as st

from probe.diagnosis.catalogue import CATALOGUE
from probe.model.certificate import CertificateFacts, CredentialFacts, LocatedCertificate, Name
from probe.model.evidence import (
    STAGES,
    Alert,
    Answer,
    ClockReading,
    ConnectTry,
    Ending,
    EndingKind,
    Evidence,
    Experiment,
    Handshake,
    NameCheck,
    Offer,
    Recheck,
    TargetFacts,
    Varied,
)
from probe.model.finding import Finding
from probe.model.path_fault import PathFault, PathFaultKind
from tests.support.certificate_facts import AT

# Few values each, with the important ones, so that they meet in one piece of evidence; each
# draw costs, so certificates and names are made beforehand.
SOME_TEXT: Final = st.sampled_from(
    ["", "x", "{cert_file}", "permission denied", "SSL certificate", "\u202e", "a\nb", "é" * 9]
)
TIMES: Final = [0.0, AT - 1, AT, AT + 1, AT + 30, AT - 86_400, AT + 2.6e6, -1e308, 1e308]
ALERTS: Final = st.sampled_from([0, 10, 40, 42, 43, 44, 45, 46, 47, 48, 49, 51, 70, 71, 80, 109,
                                 112, 114, 116, 120, 255])  # fmt: skip


def several(values: st.SearchStrategy, most: int = 2) -> st.SearchStrategy:
    """Return tuples of up to `most` values."""
    return st.lists(values, max_size=most).map(tuple)


def _some_certificates(count: int) -> list[CertificateFacts]:
    pick = Random(1).choice  # the same ones in every run
    made = [Name(text=text, digest=digest) for text in ("", "CN=x") for digest in "abc"]
    return [
        CertificateFacts(
            subject=pick(made),
            issuer=pick(made),
            serial_number="1",
            not_before=pick(TIMES),
            not_after=pick(TIMES),
            sha256=str(at),
            sans=pick([(), ("DNS:x",)]),
            is_ca=pick([True, False]),
            self_signed=pick([True, False]),
            key_type=pick(["EC", "RSA", "Ed25519", ""]),
            key_bits=pick([0, 256, 512, 1024, 2048]),
            signature_hash=pick(["sha256", "sha1", ""]),
            extended_key_usage=pick([None, (), ("clientAuth",), ("serverAuth",)]),
            key_usage=pick([None, (), ("digitalSignature",), ("keyEncipherment",)]),
            subject_key_id=pick("ab"),
            authority_key_id=pick(["", "a", "b"]),
            aia_issuers=pick([(), ("http://x",)]),
        )
        for at in range(count)
    ]


certificates = st.sampled_from(_some_certificates(300))
names = st.sampled_from([Name(text="CN=x", digest=digest) for digest in "abc"])
faults = st.builds(
    Finding,
    cause=st.sampled_from([*list(CATALOGUE)[:10], "no_such_cause"]),
    role=st.sampled_from(["cert", "key", "ca"]),
    path=SOME_TEXT,
    fact=SOME_TEXT,
    fix=several(SOME_TEXT, 1),
)
credentials = st.builds(
    CredentialFacts,
    client_chain=several(certificates),
    unsent_issuers=several(st.builds(LocatedCertificate, path=SOME_TEXT, certificate=certificates)),
    ca_bundle=several(certificates),
    system_roots=st.booleans(),
    faults=several(faults),
    remarks=several(faults, 1),
)
alerts = st.builds(
    Alert,
    direction=st.sampled_from(["received", "sent"]),
    level=st.sampled_from(["fatal", "warning"]),
    number=ALERTS,
    name=SOME_TEXT,
)
handshakes = st.builds(
    Handshake,
    offer=st.sampled_from(
        [
            Offer(),
            Offer(min_version="1.3", server_name="x"),
            Offer(min_version="1.2", max_version="1.2", ciphers=("TLS_AES_128_GCM_SHA256",)),
            Offer(max_version="1.3", groups=("X25519",), ciphers=("x", "{ca_file}")),
        ]
    ),
    complete=st.booleans(),
    version=st.sampled_from(["", "1.2", "1.3"]),
    cipher=st.sampled_from(["", "TLS_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "x"]),
    group=st.sampled_from(["", "x25519", "brainpoolP256r1"]),
    alpn=SOME_TEXT,
    client_certificate_requested=st.booleans(),
    client_certificate_sent=st.booleans(),
    acceptable_cas=several(names),
    alerts=several(alerts),
    path_faults=several(
        st.builds(
            PathFault,
            kind=st.sampled_from(get_args(PathFaultKind)),
            subject=SOME_TEXT,
            sha256=st.sampled_from(["", "ab", "cd"]),
            position=st.none() | st.integers(0, 3),
            value=SOME_TEXT,
            limit=SOME_TEXT,
            rule=st.sampled_from(["", "RFC 5280 §4.2.1.9"]),
        )
    ),
    server_chain=several(certificates),
    name_check=st.none()
    | st.builds(
        NameCheck,
        reference=SOME_TEXT,
        matched=st.booleans(),
        presented=several(SOME_TEXT),
        common_name=SOME_TEXT,
    ),
    server_verified=st.booleans(),
    stapled_status=st.sampled_from(["", "good", "revoked"]),
    staple_until=st.sampled_from([0.0, 1.8e9]),
    first_bytes=st.sampled_from(["", "48545450", "not hex", "0"]),
)
endings = st.builds(
    Ending,
    stage=st.sampled_from(STAGES),
    kind=st.sampled_from(get_args(EndingKind)),
    detail=SOME_TEXT,
)
answers = st.builds(
    Answer,
    over=st.sampled_from(["h2", "http/1.1"]),
    http_status=st.sampled_from([0, 200, 204, 302, 400, 401, 403, 404, 429, 503, 999]),
    content_type=st.sampled_from(["", "application/grpc", "application/x-protobuf", "text/html"]),
    grpc_status=st.none() | st.sampled_from([0, 2, 7, 12, 14, 16, 99]),
    message=SOME_TEXT,
    body_parses=st.none() | st.booleans(),
    body_empty=st.booleans(),
    rejected_items=st.sampled_from([0, 1]),
    partial_message=SOME_TEXT,
)
targets = st.builds(
    TargetFacts,
    name=st.just("t"),
    endpoint=SOME_TEXT,
    host=SOME_TEXT,
    port=st.integers(0, 65_535),
    protocol=st.sampled_from(["grpc", "http/protobuf", "?"]),
    depth=st.sampled_from(["tls", "otlp", "canary"]),
    plaintext=st.booleans(),
    insecure_skip_verify=st.booleans(),
    cert_file=SOME_TEXT,
    key_file=SOME_TEXT,
    ca_file=SOME_TEXT,
    source_kinds=st.sampled_from([(), ("sdk",), ("collector",), ("demo",)]),
    settings_file=SOME_TEXT,
    signal_variables=st.sampled_from([(), (("endpoint", ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",)),)]),
    read_once=st.sampled_from([(), ("ca",), ("cert", "ca")]),
    header_names=several(SOME_TEXT, 1),
    proxy=SOME_TEXT,
    signal_paths=several(st.sampled_from(["traces", "metrics"]), 2),
    request_to_root=st.booleans(),
)
experiments = st.builds(
    Experiment,
    varied=st.sampled_from(get_args(Varied)),
    at=st.just(AT),
    ending=endings,
    handshake=st.none() | handshakes,
    answer=st.none() | answers,
    first_bytes=st.sampled_from(["", "48545450", "not hex"]),
)
evidences = st.builds(
    Evidence,
    target=targets,
    at=st.sampled_from([AT, AT, AT, 0.0, 1e308]),
    ending=endings,
    credentials=credentials,
    connects=several(st.builds(ConnectTry, address=SOME_TEXT, error=SOME_TEXT)),
    handshake=st.none() | handshakes,
    recheck=st.none() | st.builds(Recheck, handshake=handshakes, ending=endings),
    experiments=several(experiments, 3),
    answer=st.none() | answers,
    clock=several(
        st.builds(
            ClockReading,
            source=SOME_TEXT | st.sampled_from(["http_date", "sntp:pool"]),
            offset=st.sampled_from([0.0, 40.0, -90_000.0, 1e308, -1e308]),
        ),
        2,
    ),
)
