"""What a runtime makes of its variables, where the specification says otherwise."""

import pytest

from probe.config.sources.process.runtime_rules import apply_runtime_rules, reads_root_variables
from probe.model.runtime import EXPORTERS
from probe.model.target import Endpoint, Protocol, Target, TlsSettings

P = "OTEL_EXPORTER_OTLP_"
PAIR = {P + "CLIENT_CERTIFICATE": "c", P + "CLIENT_KEY": "k"}


def tls_of(exporter: str, environ: dict[str, str], scheme: str = "https") -> TlsSettings:
    """Return the settings of a target that was read by the specification."""
    tls = TlsSettings(
        ca_file=environ.get(P + "CERTIFICATE"),
        cert_file=environ.get(P + "CLIENT_CERTIFICATE"),
        key_file=environ.get(P + "CLIENT_KEY"),
        insecure=scheme == "http",
    )
    return apply_runtime_rules(make_target(exporter, tls, scheme), environ).tls


def make_target(exporter: str, tls: TlsSettings, scheme: str = "https") -> Target:
    """Return a target of `exporter`."""
    protocol: Protocol = "grpc" if exporter.endswith("grpc") else "http/protobuf"
    endpoint = Endpoint("backend", 4317, scheme=scheme)
    return Target(name="t", endpoint=endpoint, protocol=protocol, tls=tls, exporter=exporter)


def test_pythons_grpc_exporter_reads_no_pair_without_a_ca() -> None:
    """Nor one of another kind than the CA's; gRPC's own variable names its roots."""
    assert not tls_of("python-grpc", PAIR).has_client_certificate
    assert tls_of("python-grpc", {**PAIR, P + "CERTIFICATE": "ca"}).cert_file == "c"
    own = {**PAIR, P + "CERTIFICATE": "ca", P + "TRACES_CERTIFICATE": "own"}
    assert tls_of("python-grpc", own) == TlsSettings(ca_file="own")
    empty = {**PAIR, P + "CERTIFICATE": "ca", P + "TRACES_CERTIFICATE": ""}
    assert tls_of("python-grpc", empty) == TlsSettings()
    insecure = {**own, P + "TRACES_INSECURE": "true"}
    assert tls_of("python-grpc", insecure).ca_file == "ca"
    roots = {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": "roots"}
    assert tls_of("python-grpc", roots).ca_file == "roots"


@pytest.mark.parametrize(("insecure", "plaintext"), [("false", False), ("true", True), ("", False)])
def test_pythons_grpc_exporter_takes_insecure_before_http(insecure: str, plaintext: bool) -> None:
    """With https:// the scheme counts."""
    target = make_target("python-grpc", TlsSettings(insecure=True), "http")
    assert apply_runtime_rules(target, {P + "INSECURE": insecure}).plaintext == plaintext
    assert apply_runtime_rules(target, {}).plaintext


def test_pythons_http_exporter_takes_the_bundle_of_requests_first() -> None:
    """And a certificate without a key is a file with both."""
    environ = {**PAIR, P + "CERTIFICATE": "ca", "CURL_CA_BUNDLE": "curl"}
    assert tls_of("python-http", environ).ca_file == "curl"
    assert tls_of("python-http", {**environ, "REQUESTS_CA_BUNDLE": "b"}).ca_file == "b"
    assert tls_of("python-http", {P + "CLIENT_CERTIFICATE": "both"}).key_file == "both"
    assert not tls_of("python-http", {P + "CLIENT_KEY": "k"}).has_client_certificate


def test_roots_that_are_added_and_roots_that_packages_bring() -> None:
    """A CA that is set comes before both."""
    node = tls_of("node-http", {"NODE_EXTRA_CA_CERTS": "extra"})
    assert (node.ca_file, node.include_system_ca_certs_pool) == ("extra", True)
    environ = {"NODE_EXTRA_CA_CERTS": "x", P + "CERTIFICATE": "ca"}
    assert tls_of("node-grpc", environ).ca_file == "ca"
    python = make_target("python-http", TlsSettings())
    assert apply_runtime_rules(python, {}, "certifi.pem").tls.ca_file == "certifi.pem"
    assert apply_runtime_rules(python, {P + "CERTIFICATE": "ca"}, "c").tls.ca_file == "ca"


def test_which_exporters_read_the_variables_of_roots() -> None:
    """Java's, Node's and Python's do not."""
    reading = {exporter for exporter in EXPORTERS if reads_root_variables(exporter)}
    assert {"collector", "go-grpc", "rust-tonic", "dotnet"} <= reading
    assert not {"java-okhttp", "node-http", "python-grpc", "python-http"} & reading


def test_go_takes_no_host_from_an_endpoint_without_a_scheme() -> None:
    """The exporter is made, and connects to localhost or nowhere."""
    target = make_target("go-grpc", TlsSettings())
    assert apply_runtime_rules(target, {P + "ENDPOINT": "backend:4317"}).faults
    assert not apply_runtime_rules(target, {P + "ENDPOINT": "https://backend:4317"}).faults


def test_java_has_no_such_rule() -> None:
    """What is set stays as it is."""
    assert tls_of(
        "java-okhttp", {**PAIR, "REQUESTS_CA_BUNDLE": "b", "SSL_CERT_FILE": "f"}
    ) == TlsSettings(cert_file="c", key_file="k")
