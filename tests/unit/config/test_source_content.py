"""A target whose settings no exporter could use fails by itself, and its neighbours go on."""

import json
from pathlib import Path

import pytest

from probe.config.errors import ConfigurationError
from probe.config.source_content import add_faults
from probe.model.target import Endpoint, Secret, Target, TlsSettings
from tests.support.backends import Backend
from tests.support.command_line import configuration, entry, run_probe, running_service
from tests.support.configuration_texts import Load, One
from tests.support.demo_pki import PKI

UNUSABLE = [
    ("tls: {min_version: '1.4'}", "tls.min_version", "is unknown (found: 1.4)"),
    ("tls: {min_version: '1.3', max_version: '1.2'}", "tls.max_version", "below min_version 1.3"),
    ("tls: {max_version: '1.1'}", "tls.max_version", "is below min_version 1.2"),
    ("tls: {cipher_suites: [TLS_X]}", "tls.cipher_suites[0]", "is unknown (found: TLS_X)"),
    ("tls: {cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]}", "tls.cipher_suites[0]", "insecure"),
    (
        "tls: {cipher_suites: [TLS_AES_128_GCM_SHA256], max_version: '1.2'}",
        "tls.cipher_suites",
        "none is left",
    ),
    ("tls: {curve_preferences: [P256, P-384]}", "tls.curve_preferences[1]", "found: P-384"),
    ("tls: {server_name_override: 'a b'}", "tls.server_name_override", "authority of a request"),
    ("headers: {a b: c}", 'headers."a b"', "not a valid HTTP header name"),
    ('headers: {a: "b\\n"}', "headers.a", "it ends with a line break"),
    ("headers: {a: ümlaut}", "headers.a", "printable ASCII"),
    ("proxy_url: ftp://x", "proxy_url", "a proxy is http://host:port"),
    ("proxy_url: socks5://x:1", "proxy_url", "a proxy is http://host:port"),
]
"""Settings of the right form and their key; each is refused by an exporter."""


@pytest.mark.parametrize(("line", "key", "said"), UNUSABLE)
def test_a_setting_without_meaning_is_a_target_that_fails(
    one: One, line: str, key: str, said: str
) -> None:
    """The fault has file, line and key, and nothing of the settings is left to be sent."""
    target = one(line)
    fault = target.faults[0]
    assert fault.cause == "exporter_configuration_invalid"
    assert fault.fact.startswith(f"m.yml:3: targets[0].{key}: ")
    assert said in fault.fact
    assert fault.fix[0].startswith(f"Correct targets[0].{key} in m.yml, line 3")
    assert (target.headers, target.proxy_url, target.tls.cipher_suites) == ((), None, ())


@pytest.mark.parametrize(("line", "key", "said"), UNUSABLE)
def test_the_neighbours_go_on(load: Load, line: str, key: str, said: str) -> None:
    """Before it and after it, in the same file."""
    text = (
        f"targets:\n  - endpoint: a:4317\n  - endpoint: b:4317\n    {line}\n  - endpoint: c:4317\n"
    )
    assert [bool(target.faults) for target in load(text).targets] == [False, True, False]
    assert key
    assert said


def test_what_the_form_forbids_is_still_an_error(load: Load) -> None:
    """Unknown keys, wrong types and keys that exclude others leave no configuration at all."""
    for line in ("tls: {ca_fil: x}", "tls: {insecure: 5}", "tls: {ca_file: a, ca_pem: b}"):
        with pytest.raises(ConfigurationError):
            load(f"targets:\n  - endpoint: a:4317\n  - endpoint: b:4317\n    {line}\n")


def test_a_target_without_faults_is_left_alone() -> None:
    """And one with them has each once, in order."""
    target = Target(
        name="x",
        endpoint=Endpoint("c", 1),
        tls=TlsSettings(cipher_suites=("X",), cert_file="/c"),
        headers=(("a", Secret("b")),),
    )
    assert add_faults(target, ()) is target
    first, second = (ConfigurationError(text, file="f", line=1, key="k") for text in "ab")
    first.more = (second,)
    found = add_faults(target, (first, second))
    assert [fault.fact for fault in found.faults] == ["f:1: k: a", "f:1: k: b"]
    assert (found.headers, found.tls) == ((), TlsSettings(cert_file="/c"))


@pytest.mark.slow
async def test_check_fails_one_target_and_confirms_the_other(
    backend: Backend, tmp_path: Path
) -> None:
    """Exit 1, no traceback; the stage is `load` and nothing was sent to the backend."""
    tls = PKI.settings(tmp_path, PKI.exporter())
    good = entry(backend, tls)
    bad = {**good, "name": "bad", "tls": {**good["tls"], "cipher_suites": ["TLS_X"]}}
    config = configuration(tmp_path, bad, good)
    ended = await run_probe("check", "--config", config, "--output", "json")
    assert ended.code == 1
    failing, healthy = ended.document["results"]
    assert (failing["outcome"], failing["stage"], failing["cause"], failing["certain"]) == (
        "failed",
        "load",
        "exporter_configuration_invalid",
        True,
    )
    assert "TLS_X" in failing["facts"][0]
    assert (failing["tls"]["version"], failing["server_certificates"]) == (None, [])
    assert healthy["outcome"] == "confirmed"
    judged = await run_probe("validate", "--config", config, "--output", "json")
    assert judged.code == 1
    (fault,) = judged.document["faults"]
    assert (fault["target"], fault["cause"]) == ("bad", "exporter_configuration_invalid")


@pytest.mark.slow
async def test_what_the_librarys_own_limits_forbid_is_our_fault_alone(
    backend: Backend, tmp_path: Path
) -> None:
    """Go has RC4 and this OpenSSL has not: the exporter may work, so it is not blamed."""
    good = entry(backend, PKI.settings(tmp_path, PKI.exporter()))
    suites = {
        "cipher_suites": ["TLS_RSA_WITH_RC4_128_SHA"],
        "include_insecure_cipher_suites": True,
        "max_version": "1.2",
    }
    rc4 = {**good, "name": "rc4", "tls": {**good["tls"], **suites}}
    config = configuration(tmp_path, rc4, good)
    ended = await run_probe("check", "--config", config, "--output", "json")
    assert ended.code == 3
    ours, healthy = ended.document["results"]
    assert (ours["stage"], ours["cause"]) == ("load", "probe_fault")
    assert "the TLS library has none of the ciphers" in ours["facts"][0]
    assert "OpenSSL" in ours["facts"][0]
    assert healthy["outcome"] == "confirmed"
    judged = await run_probe("validate", "--config", config)
    assert judged.code == 0
    assert "rc4: the probe itself cannot try it" in judged.err


@pytest.mark.slow
async def test_headers_beyond_what_the_probe_sends_are_our_fault_too(
    backend: Backend, tmp_path: Path
) -> None:
    """One frame of HTTP/2 is all that it sends; the fact says how much was asked for."""
    good = entry(backend, PKI.settings(tmp_path, PKI.exporter()))
    long = {**good, "name": "long", "headers": {"x-a": "a" * 70_000}}
    ended = await run_probe(
        "check", "--config", configuration(tmp_path, long, good), "--output", "json"
    )
    assert (ended.code, ended.err) == (3, "")
    ours, healthy = ended.document["results"]
    assert (ours["stage"], ours["cause"]) == ("load", "probe_fault")
    assert "at most 16384 can be sent" in ours["facts"][0]
    assert healthy["outcome"] == "confirmed"


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
@pytest.mark.slow
async def test_no_server_name_is_a_bug_of_ours(
    backend: Backend, tmp_path: Path, protocol: str
) -> None:
    """Whatever stands there ends as the target's own result, and never as a traceback."""
    good = entry(backend, PKI.settings(tmp_path, PKI.exporter()), protocol=protocol)
    names = ["a b", "a\0b", "ümlaut.example", "x" * 300, "a..b", "*", "spiffe://ü", "[::1]", "xn--"]
    targets = [
        {**good, "name": str(at), "tls": {**good["tls"], "server_name_override": name}}
        for at, name in enumerate(names)
    ]
    config = configuration(tmp_path, *targets)
    ended = await run_probe("check", "--config", config, "--output", "json", "--no-experiments")
    assert ended.code == 1, ended.err
    causes = {one["cause"] for one in ended.document["results"]}
    assert causes <= {"exporter_configuration_invalid", "server_name_mismatch"}


@pytest.mark.slow
async def test_a_collectors_wrong_exporter_fails_and_its_neighbour_does_not(
    backend: Backend, tmp_path: Path
) -> None:
    """In the service too: one target fails, the other is confirmed, and the source is up."""
    tls = PKI.settings(tmp_path, PKI.exporter())
    files = {"ca_file": tls.ca_file, "cert_file": tls.cert_file, "key_file": tls.key_file}
    endpoint = f"127.0.0.1:{backend.port}"
    collector = tmp_path / "collector.yaml"
    exporters = {
        "otlp": {"endpoint": endpoint, "tls": files},
        "otlp/bad": {"endpoint": endpoint, "tls": {**files, "curve_preferences": ["P-1"]}},
    }
    service = {"pipelines": {"traces": {"exporters": list(exporters)}}}
    collector.write_text(json.dumps({"exporters": exporters, "service": service}), "utf-8")
    config = configuration(tmp_path, sources=[{"collector": str(collector)}])
    async with running_service(config) as running:
        await running.reaches('mtls_probe_success{target="otlp"}', 1)
        await running.reaches('mtls_probe_attempts_total{target="otlp/bad"}', 1)
        cause = (
            'cause="exporter_configuration_invalid",family="file_format",certain="true",'
            'party="exporter"'
        )
        assert await running.sample(f'mtls_probe_cause{{target="otlp/bad",{cause}}}') == 1
        up = f'mtls_probe_source_up{{source="collector:{collector}"}}'
        assert await running.sample(up) == 1
        assert (await running.stop()).code == 0
