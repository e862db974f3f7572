"""Targets from a Collector's receivers: what they are, what they expect, what keeps them from starting."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from probe.config.source_content import SourceContent
from probe.config.sources.receiver.read_receivers import read_receivers
from probe.model.target import Endpoint, Secret, Target, TlsSettings

FILE = "/etc/otelcol/config.yaml"
MTLS = "{cert_file: /tls.crt, key_file: /tls.key, client_ca_file: /ca.crt}"
NONE: Mapping[str, str] = MappingProxyType({})


def reading(
    receivers: str,
    *,
    used: str = "otlp",
    environ: Mapping[str, str] = NONE,
    client: TlsSettings | None = None,
    more: str = "",
) -> SourceContent:
    """Return what is read of a Collector with `receivers`, of which a pipeline of logs has `used`."""
    text = f"""
receivers:
  {receivers}
exporters:
  debug:
{more}
service:
  pipelines:
    logs: {{receivers: [{used}], exporters: [debug]}}
"""
    return read_receivers([FILE], environ, lambda _: text, client or TlsSettings())


def by_name(content: SourceContent) -> dict[str, Target]:
    """Return the targets by their names."""
    return {one.name: one for one in content.targets}


def test_each_protocol_of_a_receiver_is_a_target() -> None:
    """Named by id and protocol, over loopback, with the signal of the pipeline that uses it."""
    found = by_name(
        reading(
            f"otlp: {{protocols: {{grpc: {{endpoint: '0.0.0.0:4317', tls: {MTLS}}}, http: }}}}",
        )
    )
    assert list(found) == ["otlp/grpc", "otlp/http"]
    grpc, http = found.values()
    assert (grpc.endpoint, grpc.protocol, grpc.signal) == (
        Endpoint("127.0.0.1", 4317),
        "grpc",
        "logs",
    )
    assert grpc.expect_cause == "client_cert_not_sent"
    assert (http.endpoint.authority, http.protocol) == ("localhost:4318", "http/protobuf")
    assert (http.plaintext, http.expect_cause) == (True, None)
    assert grpc.receiver is not None
    assert grpc.receiver.where == f"{FILE}:3"


@pytest.mark.parametrize(
    ("listen", "endpoint"),
    [
        (":4317", "127.0.0.1:4317"),
        ("[::]:4317", "127.0.0.1:4317"),
        ("10.0.0.1:4317", "10.0.0.1:4317"),
        ("${env:POD_IP}:4317", "10.9.8.7:4317"),
        ("localhost:4317", "localhost:4317"),
    ],
)
def test_what_a_receiver_listens_on_is_what_is_connected_to(listen: str, endpoint: str) -> None:
    """Every address is loopback's; a certain one is itself."""
    text = f"otlp: {{protocols: {{grpc: {{endpoint: '{listen}', tls: {MTLS}}}}}}}"
    (target,) = reading(text, environ={"POD_IP": "10.9.8.7"}).targets
    assert str(target.endpoint) == endpoint


def test_a_certificate_of_the_probe_changes_what_is_expected() -> None:
    """With a certificate the receiver must accept it."""
    client = TlsSettings(cert_file="/own.crt", key_file="/own.key")
    (target,) = reading(f"otlp: {{protocols: {{grpc: {{tls: {MTLS}}}}}}}", client=client).targets
    assert (target.expect_cause, target.tls.cert_file) == (None, "/own.crt")


def test_an_exporter_of_the_same_file_lends_its_certificate() -> None:
    """One that exports to the receiver's port on this host has what the receiver accepts."""
    more = """
  otlp_grpc: {endpoint: "localhost:4317", tls: {ca_file: /ca, cert_file: /e.crt, key_file: /e.key}}
"""
    text = f"otlp: {{protocols: {{grpc: {{tls: {MTLS}}}}}}}"
    content = read_receivers(
        [FILE],
        {},
        lambda _: (
            f"receivers:\n  {text}\nexporters:\n  debug:{more}\nservice: {{pipelines: {{traces: "
            "{receivers: [otlp], exporters: [debug, otlp_grpc]}}}\n"
        ),
    )
    target = by_name(content)["otlp/grpc"]
    assert (target.tls.cert_file, target.expect_cause) == ("/e.crt", None)
    assert "otlp_grpc" in target.notes[0]


def test_an_inline_key_stays_a_secret() -> None:
    """A key in the settings is never part of what is shown."""
    tls = "{cert_pem: CERT, key_pem: KEYKEYKEY, client_ca_file: /ca.crt}"
    (target,) = reading(f"otlp: {{protocols: {{grpc: {{tls: {tls}}}}}}}").targets
    assert target.receiver is not None
    assert target.receiver.tls is not None
    assert target.receiver.tls.key_pem == Secret("KEYKEYKEY")
    assert "KEYKEYKEY" not in repr(target)


@pytest.mark.parametrize(
    ("tls", "key"),
    [
        ("{}", "tls"),
        ("{cert_file: /tls.crt}", "tls"),
        ("{cert_file: /a, key_file: /b, insecure: true}", "tls.insecure"),
        ("{cert_file: /a, key_file: /b, client_ca: /c}", "tls.client_ca"),
        ("{cert_file: /a, key_file: /b, min_version: '1.4'}", "tls.min_version"),
        ("{cert_file: /a, key_file: /b, cipher_suites: [NONE]}", "tls.cipher_suites"),
        ("{cert_file: /a, key_file: /b, curve_preferences: [P1]}", "tls.curve_preferences"),
        ("{cert_file: /a, cert_pem: b, key_file: /b}", "tls"),
    ],
)
def test_settings_with_which_the_collector_does_not_start(tls: str, key: str) -> None:
    """They are the receiver's failure, with file, line and key, and of no other receiver."""
    found = by_name(
        reading(
            f"otlp: {{protocols: {{grpc: {{tls: {tls}}}, http: {{tls: {MTLS}}}}}}}",
        )
    )
    faults = found["otlp/grpc"].faults
    assert {fault.cause for fault in faults} == {"exporter_configuration_invalid"}
    assert any(f"protocols.grpc.{key}" in fault.fact for fault in faults)
    assert all(fault.fact.startswith(f"{FILE}:") for fault in faults)
    neighbour = found["otlp/http"]
    assert neighbour.faults == ()
    assert neighbour.receiver is not None
    assert any("does not start" in one.fact for one in neighbour.receiver.remarks)


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("localhost:9000", "localhost:9000", True),
        ("0.0.0.0:9000", "10.0.0.1:9000", True),
        ("[::]:9000", "127.0.0.1:9000", True),
        ("10.0.0.1:9000", "10.0.0.2:9000", False),
        ("localhost:9000", "localhost:9001", False),
    ],
)
def test_two_receivers_on_one_port(one: str, other: str, clash: bool) -> None:
    """The second to listen keeps the Collector from starting."""
    text = f"otlp: {{protocols: {{grpc: {{endpoint: '{one}'}}, http: {{endpoint: '{other}'}}}}}}"
    faults = [bool(target.faults) for target in reading(text).targets]
    assert faults == [clash, clash]


def test_receivers_that_are_not_probed_are_named() -> None:
    """No pipeline uses it, a Unix socket, another protocol: each is a warning."""
    content = reading(
        "otlp: {protocols: {grpc: {transport: unix, endpoint: /run/otlp}}}\n"
        "  otlp/unused: {protocols: {grpc: }}\n"
        f"  zipkin: {{endpoint: '0.0.0.0:9411', tls: {MTLS}}}",
    )
    assert content.targets == ()
    warnings = "\n".join(content.warnings)
    for text in ("Unix socket", "otlp/unused/grpc: no pipeline uses it", "takes no OTLP"):
        assert text in warnings


def test_a_ca_in_the_wrong_key_is_known_by_file_line_and_value() -> None:
    """ca_file does not verify clients; next to client_ca_file it is only without effect."""
    wrong = "{cert_file: /a, key_file: /b, ca_file: /ca.crt}"
    (target,) = reading(f"otlp: {{protocols: {{grpc: {{tls: {wrong}}}}}}}").targets
    assert target.receiver is not None
    assert target.receiver.misplaced_ca == f"{FILE}:3: ca_file: /ca.crt"
    both = "{cert_file: /a, key_file: /b, ca_file: /ca.crt, client_ca_file: /ca.crt}"
    (target,) = reading(f"otlp: {{protocols: {{grpc: {{tls: {both}}}}}}}").targets
    assert target.receiver is not None
    assert target.receiver.misplaced_ca == ""
    assert [one.cause for one in target.receiver.remarks] == ["exporter_setting_ignored"]


def test_a_receiver_on_localhost_in_a_pod() -> None:
    """Only this pod's containers reach it; outside of a pod that is as usual."""
    text = f"otlp: {{protocols: {{grpc: {{endpoint: 'localhost:4317', tls: {MTLS}}}}}}}"
    for environ, causes in (({}, []), ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, ["tcp_refused"])):
        (target,) = reading(text, environ=environ).targets
        assert target.receiver is not None
        assert [one.cause for one in target.receiver.remarks] == causes


def test_a_receiver_that_wants_a_token() -> None:
    """Without a certificate to ask for, it must refuse the probe for want of the token."""
    text = "otlp: {protocols: {grpc: {tls: {cert_file: /a, key_file: /b}, auth: {authenticator: oidc}}}}"
    content = reading(text, more="extensions: {oidc: }")
    target = by_name(content)["otlp/grpc"]
    assert target.faults or target.expect_cause == "otlp_unauthenticated"
