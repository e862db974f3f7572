"""What a Collector's settings do otherwise than they read, what cannot be probed, and mistakes."""

from collections.abc import Callable

import pytest

from probe.config.errors import ConfigurationError
from probe.config.source_content import SourceContent
from probe.config.sources.collector.read_collector import read_collector
from probe.model.target import TlsSettings
from tests.support.collector_texts import FILE, exporter, reading, with_exporter

PAIR = "cert_file: /c, key_file: /k"
PARTS = pytest.mark.parametrize


@PARTS(
    ("kind", "endpoint", "tls", "plaintext", "said"),
    [
        ("otlp", "c:4317", "", False, None),
        ("otlp", "http://c:4317", "", False, "http:// in the endpoint"),
        ("otlp", "http://c:4317", "insecure: true", True, None),
        ("otlp", "http://c:4317", f"insecure: true, {PAIR}", True, "is never sent"),
        ("otlp", "c:4317", "insecure: true", True, None),
        ("otlp", "c:4317", "insecure: true, ca_file: /ca", False, "no effect with ca_file"),
        ("otlp", "c:4317", "insecure: true, ca_pem: x", False, "no effect with ca_file"),
        ("otlp", "https://c:4317", "", False, None),
        ("otlp", "https://c:4317", "insecure: true", False, "does not switch TLS off"),
        ("otlp_http", "https://c", "insecure: true", False, "does not switch TLS off"),
        ("otlp_http", "https://c", "insecure: true, ca_file: /ca", False, "no effect with"),
        ("otlp_http", "http://c", "", True, None),
        ("otlp_http", "http://c", "ca_file: /ca", True, None),
        ("otlp_http", "http://c", PAIR, True, "begins with http://"),
        ("otlp_http", "https://c", PAIR, False, None),
    ],
)
def test_what_switches_tls_off_and_what_does_not(
    kind: str, endpoint: str, tls: str, *, plaintext: bool, said: str | None
) -> None:
    """`insecure` needs a missing CA, `http://` an HTTP exporter; the rest is a remark."""
    target = exporter(kind, f"endpoint: {endpoint}", f"tls: {{{tls}}}")
    assert target.plaintext is plaintext
    if said is None:
        assert target.remarks == ()
        return
    (remark,) = target.remarks
    assert remark.cause == "exporter_setting_ignored"
    assert said in remark.fact
    assert remark.fix


@PARTS("kind", ["otlp", "otlp_http"])
def test_insecure_with_https_drops_every_other_setting(kind: str) -> None:
    """The exporter then speaks TLS with Go's defaults: the probe does the same."""
    tls = f"tls: {{insecure: true, insecure_skip_verify: true, server_name_override: x, {PAIR}}}"
    target = exporter(kind, "endpoint: https://c:4317", tls)
    assert target.tls == TlsSettings()
    assert "no client certificate is sent" in target.remarks[0].fact


def test_two_traps_are_two_findings() -> None:
    """`http://` and `insecure` with a CA, both without effect."""
    tls = "tls: {insecure: true, ca_file: /ca}"
    assert len(exporter("otlp", "endpoint: http://c:4317", tls).remarks) == 2


def no_target(found: SourceContent) -> str:
    """Return the one warning of a reading without targets."""
    assert found.targets == ()
    (warning,) = found.warnings
    return warning


@PARTS(
    ("kind", "lines", "said"),
    [
        ("otlp", ("endpoint: unix:///run/otlp.sock",), "Unix socket"),
        ("otlp", ("endpoint: xds:///c:4317",), "resolver"),
        ("otlp", ("endpoint: c:4317", f"tls: {{{PAIR}, tpm: {{enabled: true}}}}"), "TPM"),
        ("otlp_http", ("endpoint: https://c", "proxy_url: socks5://p:1"), "CONNECT"),
    ],
)
def test_what_cannot_be_probed_is_a_warning(kind: str, lines: tuple[str, ...], said: str) -> None:
    """The exporter may be all right: the probe says that it does not know, and goes on."""
    warning = no_target(reading(with_exporter(kind, *lines)))
    assert warning.startswith(f"{FILE}: exporters.{kind}: it is not probed: ")
    assert said in warning


def test_a_tpm_that_is_not_enabled_does_not_matter() -> None:
    """Its other keys then have no effect in the Collector either."""
    target = exporter("otlp", "endpoint: c:4317", "tls: {tpm: {enabled: false, path: /dev/tpm0}}")
    assert target.tls == TlsSettings()


@PARTS(
    ("kind", "line", "said"),
    [
        ("otlp", "endpoint: dns://192.0.2.53/c:4317", "DNS server 192.0.2.53"),
        ("otlp_http", "encoding: json", "sends JSON"),
    ],
)
def test_what_is_probed_otherwise_is_a_warning(kind: str, line: str, said: str) -> None:
    """The target is there all the same."""
    base = () if line.startswith("endpoint") else ("endpoint: https://c",)
    found = reading(with_exporter(kind, *base, line))
    assert len(found.targets) == 1
    assert said in found.warnings[0]


def refused(text: str) -> str:
    """Return what is reported of `text`: an error for the whole, for an entry, or a target's fault."""
    try:
        found = reading(text)
    except ConfigurationError as error:
        return str(error)
    facts = [fault.fact for target in found.targets for fault in target.faults]
    return facts[0]


def _otlp(*lines: str) -> str:
    return with_exporter("otlp", *lines)


def _http(*lines: str) -> str:
    return with_exporter("otlp_http", *lines)


@PARTS(
    ("make", "lines", "key", "reason"),
    [
        (_otlp, ("endpoint: ",), "endpoint", "is empty"),
        (_otlp, ("endpoint: c",), "endpoint", "write host:port"),
        (_otlp, ("endpoint: http://c:4317/",), "endpoint", "without a path"),
        (_otlp, ("endpoint: dns:///c",), "endpoint", "write host:port"),
        (_otlp, ("endpoint: 4317",), "endpoint", "must be text"),
        (_http, ("endpoint: c:4318",), "endpoint", "begins with http"),
        (_http, ("traces_endpoint: ftp://c",), "traces_endpoint", "begins with http"),
        (_http, ("endpoint: https://c", "proxy_url: c"), "proxy_url", "a proxy is"),
        (_otlp, ("endpoint: c:1", "tls: {ca_file: a, ca_pem: b}"), "tls.ca_pem", "exclude"),
        (_otlp, ("endpoint: c:1", "tls: {insecure: 'yes'}"), "tls.insecure", "true or false"),
        (_otlp, ("endpoint: c:1", "tls: {max_version: '1.1'}"), "tls.max_version", "is below"),
        (_otlp, ("endpoint: c:1", "tls: {reload_interval: '5'}"), "tls.reload_interval", "unit"),
        (_otlp, ("endpoint: c:1", "headers: {a: 5}"), "headers.a", "put it in quotes"),
        (_otlp, ("endpoint: c:1", "headers: {'a b': c}"), 'headers."a b"', "not a valid"),
        (_otlp, ("endpoint: c:1", "headers: {a: '${envv:x}'}"), "headers.a", "a reference is"),
        (_otlp, ("endpoint: c:1", "tls: {ca_pem: '${file:/no}'}"), "tls.ca_pem", "cannot be read"),
        (_otlp, ("endpoint: c:1", "authority: a/b"), "authority", "authority of a request"),
    ],
)
def test_a_mistake_names_its_key_and_line(
    make: Callable[..., str], lines: tuple[str, ...], key: str, reason: str
) -> None:
    """The Collector refuses these too, or its exporter never gets anywhere."""
    message = refused(make(*lines))
    kind = "otlp" if make is _otlp else "otlp_http"
    assert message.startswith(f"{FILE}:{2 + len(lines)}: exporters.{kind}.{key}: ")
    assert reason in message


@PARTS("lines", [("endpoint: nowhere",), ("endpoint: c:1", "tls: {min_version: '9'}")])
def test_one_wrong_exporter_does_not_stop_the_others(lines: tuple[str, ...]) -> None:
    """It is a target that fails; the other one says that the Collector does not start."""
    wrong = with_exporter("otlp/wrong", *lines).partition("service:")[0]
    found = reading(
        f"{wrong}  otlp: {{endpoint: 'right:4317'}}\n"
        "receivers: {nop: }\nservice: {pipelines: {traces: {receivers: [nop], exporters: [otlp, otlp/wrong]}}}"
    )
    failing = [target.name for target in found.targets if target.faults]
    assert [target.name for target in found.targets if not target.faults] == ["otlp"]
    assert failing == ["otlp/wrong"]
    (good,) = (target for target in found.targets if not target.faults)
    assert "exporters.otlp/wrong" in good.remarks[0].fact


def test_days_are_no_duration_of_a_collectors() -> None:
    """The probe's own file may have them; Go does not know them, and the Collector would not start."""
    message = refused(_otlp("endpoint: c:1", "tls: {reload_interval: 1d}"))
    assert "tls.reload_interval: must be a duration" in message


@PARTS(
    ("text", "key", "reason"),
    [
        ("[]", "", "is not the configuration of a Collector"),
        ("", "", "is empty"),
        ("{}", "", "is empty"),
        ("exporters: 5", "exporters", "must be a mapping"),
        ("service: {pipelines: {spans: {}}}", "service.pipelines.spans", "unknown signal"),
        (
            "receivers: {nop: }\nservice: {pipelines: {logs: {receivers: [nop], exporters: [otlp]}}}",
            "service.pipelines.logs.exporters[0]",
            "not among the exporters",
        ),
        (
            "receivers: {nop: }\nservice: {pipelines: {logs: {receivers: [nop], exporters: otlp}}}",
            "service.pipelines.logs.exporters",
            "must be a list",
        ),
        ("a: [", "", "is not YAML"),
    ],
)
def test_a_mistake_in_the_whole_is_an_error(text: str, key: str, reason: str) -> None:
    """What no exporter can be found in."""
    message = refused(text)
    assert message.startswith(FILE)
    assert f": {key}: " in message or not key
    assert reason in message


def test_an_endpoint_that_a_signal_needs_is_missing() -> None:
    """The line is that of the exporter, which has no such key."""
    message = refused(_http("metrics_endpoint: https://c"))
    assert message.startswith(f"{FILE}:2: exporters.otlp_http.endpoint: ")
    assert "so is traces_endpoint" in message


def test_an_error_names_the_file_of_its_key() -> None:
    """Of several files the one that holds the key, and the line in it."""
    (target,) = reading(
        _otlp("endpoint: c:4317"), "exporters:\n  otlp:\n    tls:\n      x: 1\n"
    ).targets
    assert target.faults[0].fact.startswith("more-1.yaml:4: ")


def test_a_file_that_is_not_there_is_an_error() -> None:
    """It is named as the user named it."""
    with pytest.raises(ConfigurationError, match="cannot be read") as caught:
        read_collector(["/no.yaml"], {}, open_nothing)
    assert caught.value.file == "/no.yaml"


def open_nothing(path: str) -> str:
    """Find no file."""
    raise FileNotFoundError(2, "No such file or directory", path)


@PARTS(
    "lines",
    [
        ("endpoint: https://user:hunter2@", ""),
        ("endpoint: https://c", "headers: {a: {hunter2: b}}"),
        ("endpoint: https://c", 'headers: {a: "hunter2\\n"}'),
        ("endpoint: https://c", "proxy_url: http://u:hunter2@"),
        ("endpoint: https://c", "tls: {key_pem: [hunter2]}"),
    ],
)
def test_an_error_shows_no_secret(lines: tuple[str, ...]) -> None:
    """Only the kind of a value, never the value."""
    assert "hunter2" not in refused(_http(*lines)).replace("headers.a.hunter2", "")
