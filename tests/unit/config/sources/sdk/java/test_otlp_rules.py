"""What Java's SDK refuses fails its targets; what it reads otherwise is read as it does."""

import json
from typing import Any, Final

import pytest

from probe.config.source_content import SourceContent
from probe.config.sources.sdk.environment import read_environment
from probe.config.sources.sdk.java.system_properties import to_variables
from probe.config.sources.sdk.origin import Origin
from probe.model.runtime import GO_HTTP, JAVA_OKHTTP
from tests.contract.imports import ROOT
from tests.support.sdk_environment import P

MEASURED: Final = ROOT / "tests" / "corpora" / "java_settings.jsonl"
SDK: Final = Origin(default_protocol="grpc", reader="Java's SDK", runtime_known=True)


def read(**values: str) -> SourceContent:
    """Return the content of variables as Java reads them."""
    return read_environment({P + name: text for name, text in values.items()}, JAVA_OKHTTP.id)


def test_the_sdk_starts_where_the_real_one_did() -> None:
    """300 generated settings, by opentelemetry-java 1.68; protocol and path of those that start."""
    wrong = []
    for line in MEASURED.read_text().splitlines():
        case: dict[str, Any] = json.loads(line)
        values = to_variables({f"otel.{name}": text for name, text in case["settings"].items()})
        found = read_environment(values, JAVA_OKHTTP.id, SDK)
        if not (found.targets or found.errors):
            continue
        starts = not found.errors and not any(target.faults for target in found.targets)
        if starts != (case["exporters"] is not None):
            wrong.append(case)
        elif starts:
            for target in found.targets:
                kind, endpoint = case["exporters"][target.signal]
                if (kind == "grpc") != (target.protocol == "grpc"):
                    wrong.append(case)
                if kind == "http" and not endpoint.endswith(target.endpoint.path):
                    wrong.append(case)

    assert wrong == []


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"TRACES_ENDPOINT": ""}, "is set to nothing"),
        ({"CERTIFICATE": ""}, "is set to nothing"),
        ({"CLIENT_KEY": "/k"}, "is set without"),
        ({"COMPRESSION": "zstd"}, "neither gzip nor none"),
        ({"TIMEOUT": "soon"}, "not a duration"),
        ({"METRICS_TIMEOUT": "-1"}, "not a duration"),
        ({"LOGS_PROTOCOL": "thrift"}, "neither grpc nor http/protobuf"),
        ({"HEADERS": "a=%zz"}, "% without two digits"),
        ({"TRACES_ENDPOINT": "https://c:4318/?q=s3cret"}, "has a query"),
        ({"TRACES_ENDPOINT": "c:4317"}, "does not begin with http"),
    ],
)
def test_what_keeps_the_sdk_from_starting_fails_every_target(
    variables: dict[str, str], said: str
) -> None:
    """It is one SDK: none of its exporters exists then."""
    content = read(ENDPOINT="https://c:4318", **variables)

    assert content.targets
    for target in content.targets:
        assert any(said in fault.fact for fault in target.faults)
        assert "s3cret" not in repr(target.faults)


def test_certificate_and_key_are_looked_up_one_by_one() -> None:
    """A signal's own key goes with the general certificate."""
    content = read(
        ENDPOINT="https://c:4318",
        CLIENT_CERTIFICATE="/c",
        CLIENT_KEY="/k",
        TRACES_CLIENT_KEY="/own",
    )
    pairs = {one.name: (one.tls.cert_file, one.tls.key_file) for one in content.targets}

    assert pairs == {"sdk": ("/c", "/k"), "sdk-traces": ("/c", "/own")}


def test_a_plus_in_a_header_is_a_blank_to_java_alone() -> None:
    """URLDecoder reads it so, in the middle of a token too."""
    values = {P + "ENDPOINT": "https://c:4318", P + "HEADERS": "authorization=Basic YS+i"}
    texts = [
        read_environment(values, exporter).targets[0].headers[0][1].reveal()
        for exporter in (JAVA_OKHTTP.id, GO_HTTP.id)
    ]

    assert texts == ["Basic YS i", "Basic YS+i"]


def test_blanks_are_part_of_a_path() -> None:
    """A file of that name is what Java looks for."""
    (target,) = read(ENDPOINT="https://c:4318", CERTIFICATE="/ca.pem ").targets

    assert target.tls.ca_file == "/ca.pem "
