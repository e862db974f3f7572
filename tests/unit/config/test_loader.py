"""The configuration file becomes a Configuration, or one error that says what to fix."""

from pathlib import Path

import pytest

from probe.config.configuration import Configuration
from probe.config.declared_source import DeclaredSource
from probe.config.errors import ConfigurationError
from probe.config.loader import list_urls, load_configuration, load_from_environment
from probe.model.target import Secret, Target, TlsSettings
from tests.support.configuration_texts import CAUSES, Load, One

EXAMPLE = Path(__file__).parents[3] / "config" / "mtls-probe.yml"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def test_the_documented_example_loads() -> None:
    """config/mtls-probe.yml works as it stands, with no variable set."""
    configuration = load_configuration(EXAMPLE, {}, known_causes=CAUSES)
    names = [target.name for target in configuration.targets]
    assert names == ["collector-eu", "collector-eu-anonymous", "collector.example.com:4318"]
    assert configuration.warnings == ()
    assert configuration.targets[1].expect_cause == "client_cert_not_sent"
    assert configuration.targets[2].protocol == "http/protobuf"
    assert configuration.resource["deployment.environment.name"] == "production"
    assert configuration.resource["service.name"] == "mtls-probe"


def test_a_silence_ends_at_the_beginning_of_its_day(load: Load) -> None:
    """`until` is 00:00 UTC of the day, with or without quotes."""
    for day in ("2026-12-24", "'2026-12-24'"):
        text = f"targets: [{{endpoint: c:4317, expect: {{cause: client_cert_not_sent, until: {day}}}}}]"
        (target,) = load(text).targets
        assert (target.expect_cause, target.expect_until) == (
            "client_cert_not_sent",
            1798070400.0,
        )


def test_defaults_are_those_of_the_contract(load: Load) -> None:
    """A file with one endpoint and nothing else is enough."""
    configuration = load("targets: [{endpoint: 'c:4317'}]")
    assert configuration == Configuration(
        targets=configuration.targets, files=("m.yml",), resource=configuration.resource
    )
    assert configuration.targets == (
        Target(name="c:4317", endpoint=configuration.targets[0].endpoint),
    )
    assert (configuration.web.host, configuration.web.port) == ("0.0.0.0", 9943)
    assert (configuration.expiry_warning, configuration.expiry_critical) == (2419200, 1209600)


def test_every_section_is_read(load: Load) -> None:
    """What the file says is what the Configuration holds, in seconds."""
    configuration = load(
        """
        targets: [{endpoint: 'c:4317'}]
        web: {listen: "[::1]:80"}
        clock: {tolerance: 5m, sources: [{http: "http://c:13133/"}, {sntp: "ntp.example.org"}]}
        concurrency: 7
        experiments: {enabled: false, concurrency: 2}
        alerts: {expiry_warning: 10h, expiry_critical: 5h}
        telemetry: {sample_successes: 1, propagate: false}
        shard: {index: 0, count: 1}
        """
    )
    assert (configuration.web.host, configuration.web.port) == ("::1", 80)
    assert configuration.clock_tolerance == 300
    assert [clock.name for clock in configuration.clock_sources] == [
        "http://c:13133/",
        "sntp:ntp.example.org",
    ]
    assert configuration.concurrency == 7
    assert (configuration.experiments_enabled, configuration.experiments_concurrency) == (False, 2)
    assert (configuration.expiry_warning, configuration.expiry_critical) == (36000, 18000)
    assert (configuration.sample_successes, configuration.propagate) == (1.0, False)


def test_every_tls_key_of_a_collector_is_accepted(one: One) -> None:
    """A client TLS section pasted from an exporter loads unchanged."""
    tls = one(
        "tls:",
        "  ca_pem: CA",
        "  cert_file: cert.pem",
        "  key_pem: KEY",
        "  include_system_ca_certs_pool: true",
        "  insecure: false",
        "  insecure_skip_verify: true",
        "  server_name_override: name",
        '  min_version: "1.2"',
        '  max_version: "1.3"',
        "  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]",
        "  include_insecure_cipher_suites: true",
        "  curve_preferences: [X25519, X25519MLKEM768]",
        "  reload_interval: 1m30s",
        "  tpm: {enabled: false}",
    ).tls
    assert (tls.ca_pem, tls.cert_file, tls.key_pem) == ("CA", "cert.pem", Secret("KEY"))
    assert (tls.min_version, tls.max_version) == ("1.2", "1.3")
    assert tls.include_system_ca_certs_pool
    assert tls.insecure_skip_verify
    assert tls.curve_preferences == ("X25519", "X25519MLKEM768")
    assert tls.reload_interval == 90


@pytest.mark.parametrize(
    "lines",
    [
        ("tls: {cert_file: only.pem}",),
        ("tls: {key_file: only.pem}",),
        ("tls: {ca_file: /no/such/file}",),
        ("tls:",),
        ("labels:",),
    ],
)
def test_faults_of_credentials_are_left_to_the_attempt(one: One, lines: tuple[str, ...]) -> None:
    """A missing half or an unreadable file fails its target at load, not the configuration."""
    assert one(*lines).name == "c:4317"


def test_defaults_fill_up_every_target(load: Load) -> None:
    """A target's own value comes first; mappings merge key by key, and a pair is replaced whole."""
    first, second = load(
        """
        defaults:
          interval: 1m
          depth: tls
          headers: {a: "1", b: "2"}
          labels: {team: x}
          tls: {ca_file: ca, cert_file: cert, insecure_skip_verify: true}
        targets:
          - endpoint: c:4317
          - endpoint: c:4318
            interval: 15s
            headers: {b: "3"}
            tls: {ca_pem: CA, insecure_skip_verify: false}
        """
    ).targets
    assert (first.interval, first.depth, first.tls.ca_file) == (60, "tls", "ca")
    assert first.labels == (("team", "x"),)
    assert second.interval == 15
    assert dict(second.headers) == {"a": Secret("1"), "b": Secret("3")}
    assert (second.tls.ca_file, second.tls.ca_pem, second.tls.cert_file) == (None, "CA", "cert")
    assert not second.tls.insecure_skip_verify


def test_names_are_unique(load: Load) -> None:
    """A default name gives way to a name that is given, wherever that stands."""
    targets = load(
        """
        targets:
          - endpoint: c:4317
          - endpoint: c:4317
          - {endpoint: "d:1", name: "c:4317#2"}
          - {endpoint: "d:1", name: "d:1"}
          - endpoint: d:1
        """
    ).targets
    assert [target.name for target in targets] == ["c:4317", "c:4317#3", "c:4317#2", "d:1", "d:1#2"]


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_insecure_with_https_drops_the_other_settings_and_says_so(one: One, protocol: str) -> None:
    """As in the Collector that the section was pasted from, and as in no reader's mind."""
    lines = ("tls: {insecure: true, cert_file: a, key_file: b}", f"protocol: {protocol}")
    target = one(*lines, endpoint="https://c:4317")
    assert target.tls == TlsSettings()
    (remark,) = target.remarks
    assert "no client certificate is sent" in remark.fact
    assert "Remove insecure: true" in remark.fix[0]


@pytest.mark.parametrize(
    ("endpoint", "tls", "said"),
    [
        ("c:4317", "{insecure: true, ca_file: ca}", "no effect with ca_file"),
        ("https://c:4317", "{insecure: true, ca_file: ca}", "no effect with ca_file"),
        ("c:4317", "{insecure: true, cert_file: a, key_file: b}", "is never sent"),
        ("c:4317", "{insecure: true}", None),
        ("http://c:4317", "{insecure: true, ca_file: ca}", None),
        ("https://c:4317", "{ca_file: ca, cert_file: a, key_file: b}", None),
    ],
)
def test_insecure_without_its_effect_is_said(
    one: One, endpoint: str, tls: str, said: str | None
) -> None:
    """Where `insecure` does what it says, or is not there, nothing is."""
    remarks = one(f"tls: {tls}", endpoint=endpoint).remarks
    assert [said in remark.fact for remark in remarks if said] == [True] * (said is not None)
    assert bool(remarks) is (said is not None)


@pytest.mark.parametrize(
    ("lines", "plaintext"),
    [
        ("endpoint: http://c:4318\n    tls: {insecure: true}", True),
        ("endpoint: https://c:4318\n    tls: {insecure: true}", False),
        ("endpoint: https://c:4317\n    tls: {insecure: true}", False),
        ("endpoint: c:4317\n    tls: {insecure: true}", True),
        ("endpoint: c:4317\n    tls: {insecure: true, ca_file: ca}", False),
    ],
)
def test_plaintext_follows_the_collector(load: Load, lines: str, *, plaintext: bool) -> None:
    """The scheme decides, else `insecure` without a CA."""
    (target,) = load(f"targets:\n  - {lines}\n").targets
    assert target.plaintext is plaintext


def test_references_expand(one: One) -> None:
    """Text stays text where text is wanted, and a token becomes a Secret."""
    Path("token").write_text("t0ken", encoding="utf-8")
    target = one(
        "headers: {authorization: 'Bearer ${file:token}', x: '${env:NUMBER}'}",
        "tls: {insecure_skip_verify: '${env:SKIP}', ca_file: '${env:NOT_SET}'}",
        "labels: '${env:LABELS}'",
        environ={"NUMBER": "0123", "SKIP": "true", "LABELS": "{team: a}"},
    )
    assert dict(target.headers) == {"authorization": Secret("Bearer t0ken"), "x": Secret("0123")}
    assert target.tls.insecure_skip_verify
    assert target.tls.ca_file is None
    assert target.labels == (("team", "a"),)


def test_an_unset_variable_is_a_warning(load: Load) -> None:
    """As in a Collector, it expands to nothing; a warning says where."""
    text = "targets: [{endpoint: 'c:4317', labels: {a: 'x${env:NOT_SET}'}}]"
    (warning,) = load(text).warnings
    assert warning.startswith("targets[0].labels.a: the variable NOT_SET")


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """A missing file and a folder in its place are said plainly."""
    for path in (tmp_path / "none.yml", tmp_path):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            load_configuration(path, {})


def test_the_sdk_source_adds_targets(load: Load) -> None:
    """They get what of `defaults` is the probe's own, and a free name."""
    configuration = load(
        """
        defaults: {interval: 7s, depth: tls, labels: {team: x}, headers: {a: b}}
        targets: [{endpoint: "d:4317", name: sdk}]
        sources: [{sdk: environment}]
        """,
        {ENDPOINT: "https://c:4317"},
    )
    added = configuration.targets[1]
    assert configuration.sources == (DeclaredSource.of("sdk", "environment"),)
    assert (added.name, added.interval, added.depth) == ("sdk#2", 7, "tls")
    assert (added.labels, added.headers) == ((("team", "x"),), ())


@pytest.mark.parametrize("name", ["Authorization", "AUTHORIZATION", "authorization"])
def test_a_header_in_another_case_replaces_the_default(load: Load, name: str) -> None:
    """Names of headers ignore case: sent twice, a backend would take either."""
    (target,) = load(
        "defaults: {headers: {Authorization: 'Bearer old', X-A: '1'}}\n"
        f"targets: [{{endpoint: 'c:1', headers: {{{name}: 'Bearer new'}}}}]"
    ).targets
    assert target.headers == ((name, Secret("Bearer new")), ("X-A", Secret("1")))


@pytest.mark.parametrize(("header", "merged"), [("b", True), ("other", False)])
def test_equal_targets_of_two_sources_are_one(load: Load, header: str, *, merged: bool) -> None:
    """Only where everything that goes over the wire is equal; both sources are named."""
    configuration = load(
        "targets: [{endpoint: 'https://c:4318', headers: {a: b}}]\nsources: [{sdk: environment}]",
        {ENDPOINT: "https://c:4318", "OTEL_EXPORTER_OTLP_HEADERS": f"a={header}"},
    )
    kinds = [list(target.source_kinds()) for target in configuration.targets]
    assert kinds == ([["configuration", "sdk"]] if merged else [["configuration"], ["sdk"]])


def test_targets_of_one_file_never_merge(load: Load) -> None:
    """Two equal items stay two targets."""
    assert len(load("targets: [{endpoint: 'c:1'}, {endpoint: 'c:1'}]").targets) == 2


def test_the_environment_alone_is_a_configuration() -> None:
    """As an SDK in the same pod would see it."""
    configuration = load_from_environment({ENDPOINT: "http://localhost:4317"})
    assert [target.name for target in configuration.targets] == ["sdk"]


def test_thresholds_alone_are_a_configuration_that_probes_nothing(load: Load) -> None:
    """They are enough for `mtls-probe rules`; any other key needs something to probe."""
    loaded = load("alerts: {expiry_warning: 40d}")
    assert (loaded.targets, loaded.expiry_warning) == ((), 40 * 86400.0)
    assert "nothing to probe" in loaded.nothing_to_probe
    with pytest.raises(ConfigurationError, match="names nothing to probe"):
        load("{alerts: {expiry_warning: 40d}, concurrency: 3}")


def test_an_empty_environment_is_a_configuration_that_says_what_to_set() -> None:
    """No target, the SDK's default neither: the variable is named, and nothing raises."""
    found = load_from_environment({})
    (state,) = found.source_states
    assert (found.targets, state.source, state.up, state.targets) == ((), "environment", False, 0)
    assert state.error is not None
    assert f"set {ENDPOINT} to the backend" in state.error
    assert "nothing to probe" in found.nothing_to_probe


def test_a_misspelt_variable_is_pointed_at() -> None:
    """Which one was set instead, and which was meant."""
    (state,) = load_from_environment({"OTEL_EXPORTER_OTLP_ENDPOIN": "c:1"}).source_states
    assert f"OTEL_EXPORTER_OTLP_ENDPOIN is set: was {ENDPOINT} meant?" in (state.error or "")


def test_every_file_of_a_collector_is_followed(load: Load) -> None:
    """`collector` takes one file, or several that are merged; a change in any is a reload."""
    Path("base.yaml").write_text(
        "exporters: {otlp: {endpoint: 'c:1', tls: {ca_pem: '${file:ca.crt}'}}}\n"
    )
    Path("site.yaml").write_text(
        "receivers: {nop: }\nservice: {pipelines: {logs: {receivers: [nop], exporters: [otlp]}}}"
    )
    Path("ca.crt").write_text("x")
    for named in ("[base.yaml, site.yaml]", "'${yaml:[base.yaml, site.yaml]}'"):
        configuration = load(f"sources: [{{collector: {named}}}]")
        assert [target.signal for target in configuration.targets] == ["logs"]
        assert configuration.files == ("m.yml", "base.yaml", "site.yaml", "ca.crt")
        assert configuration.sources[0].where == "base.yaml, site.yaml"
    assert load("sources: [{collector: 'base.yaml'}]").warnings


def test_a_token_in_a_list_s_url_is_in_no_text_of_a_configuration(load: Load) -> None:
    """Nobody who prints a configuration or logs it prints the token."""
    configuration = load("sources: [{http_sd: 'https://h/sd?token=s3cret'}]")
    assert "s3cret" not in repr(configuration)
    assert list_urls(configuration) == ("https://h/sd?token=s3cret",)
