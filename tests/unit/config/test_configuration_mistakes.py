"""Every mistake in the YAML file is one error that says where it is and what would be right."""

from typing import Any

import pytest

from probe.config.errors import ConfigurationError
from tests.support.configuration_texts import Load, One

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
MISTAKES: list[tuple[str, str, int, dict[str, Any]]] = [
    ("tls:\n      ca_fil: x", "tls.ca_fil", 4, {"found": "ca_fil", "nearest": "ca_file"}),
    ("endpont: x", "endpont", 3, {"nearest": "endpoint"}),
    ("interval: 5", "interval", 3, {"reason": "a duration needs its unit, like 5s"}),
    ("interval: '5'", "interval", 3, {"reason": "a duration needs its unit, like 5s"}),
    ("interval: 5y", "interval", 3, {"found": "5y"}),
    ("timeout: 5s foo 3s", "timeout", 3, {}),
    ("interval: 0s", "interval", 3, {"reason": "must be more than zero"}),
    ("timeout: -1s", "timeout", 3, {"reason": "must be more than zero"}),
    ("protocol: http", "protocol", 3, {"found": "http", "allowed": ("grpc", "http/protobuf")}),
    ("signal: trace", "signal", 3, {"nearest": "traces"}),
    ("depth: otpl", "depth", 3, {"nearest": "otlp"}),
    ("tls: {ca_file: a, ca_pem: b}", "tls.ca_pem", 3, {}),
    ("tls: {cert_file: a, cert_pem: b}", "tls.cert_pem", 3, {}),
    ("tls: {key_file: a, key_pem: b}", "tls.key_pem", 3, {}),
    ("tls: {min_version: 1.2}", "tls.min_version", 3, {"reason": "must be text: put it in quotes"}),
    ("tls: {reload_interval: 5}", "tls.reload_interval", 3, {}),
    ("tls: {insecure: 'true'}", "tls.insecure", 3, {"reason": "must be true or false"}),
    ("tls: {tpm: {enabled: true}}", "tls.tpm", 3, {}),
    ("tls: {client_ca_file: x}", "tls.client_ca_file", 3, {"reason": "unknown key"}),
    ("labels: {target: x}", "labels.target", 3, {}),
    ("labels: {__x: y}", "labels.__x", 3, {}),
    ("labels: {a.b: y}", 'labels."a.b"', 3, {}),
    (
        "labels:\n      a: b\n      c: 5",
        "labels.c",
        5,
        {"reason": "must be text: put it in quotes"},
    ),
    (
        "expect: {cause: client_cert_not_snt}",
        "expect.cause",
        3,
        {"nearest": "client_cert_not_sent"},
    ),
    (
        "expect: {}",
        "expect",
        3,
        {"reason": "needs exactly one of cause and client_certificate_requested"},
    ),
    (
        "expect: {cause: tcp_refused, client_certificate_requested: true}",
        "expect",
        3,
        {"reason": "needs exactly one of cause and client_certificate_requested"},
    ),
    (
        "expect: {client_certificate_requested: true, until: 2026-12-24}",
        "expect.until",
        3,
        {"reason": "needs cause: a silence is about one cause"},
    ),
    (
        "expect: {cause: client_cert_not_sent, until: 24.12.2026}",
        "expect.until",
        3,
        {"reason": "is not a day, as in 2026-12-24"},
    ),
    (
        "expect: {cause: client_cert_not_sent, until: 2026-02-30}",
        "expect.until",
        3,
        {"reason": "is not a day of the calendar"},
    ),
    ("expect: {cause: client_cert_not_sent, until: 2026-12-24T00:00:00Z}", "expect.until", 3, {}),
    ('name: "a\\u202eb"', "name", 3, {"found": "a\\u202eb"}),
    ("name: ${file:/no/such/file}", "name", 3, {"found": "/no/such/file"}),
    ("name: ${what:x}", "name", 3, {"allowed": ("env", "file", "yaml")}),
]


@pytest.mark.parametrize(("lines", "key", "line", "facts"), MISTAKES)
def test_a_mistake_in_a_target_is_located(
    one: One, lines: str, key: str, line: int, facts: dict[str, Any]
) -> None:
    """File, line and key are named, with what was found and what is allowed."""
    with pytest.raises(ConfigurationError) as caught:
        one(lines)
    error = caught.value
    assert (error.file, error.key, error.line) == ("m.yml", f"targets[0].{key}", line)
    assert {name: getattr(error, name) for name in facts} == facts


@pytest.mark.parametrize(
    ("text", "key", "line", "reason"),
    [
        ("", "", 1, "nothing to probe"),
        ("- a", "", 1, "must be a mapping"),
        ("target: []", "target", 1, "unknown key"),
        ("targets: {a: b}", "targets", 1, "must be a list"),
        ("targets:\n  - name: x", "targets[0].endpoint", 2, "is missing"),
        ("targets:\n  - endpoint: http://c:4318", "targets[0].endpoint", 2, "in plaintext"),
        ("targets:\n  - endpoint: collector", "targets[0].endpoint", 2, "no port"),
        ("targets:\n  - endpoint: ftp://c", "targets[0].endpoint", 2, "scheme"),
        ("targets:\n  -", "targets[0]", 2, "must be a mapping"),
        (
            "targets:\n  - {endpoint: 'a:1', name: x}\n  - {endpoint: 'b:1', name: x}",
            "targets[1].name",
            3,
            "taken by the target in line 2",
        ),
        ("defaults: {depth: deep}", "defaults.depth", 1, "unknown"),
        ("defaults: {name: x}", "defaults.name", 1, "unknown key"),
        ("concurrency: 0", "concurrency", 1, "at least 1"),
        ("concurrency: true", "concurrency", 1, "a whole number"),
        ("telemetry: {sample_successes: 2}", "telemetry.sample_successes", 1, "at most 1"),
        ("sources: [{sdk: environment}]\nclock: {tolerance: 60}", "clock.tolerance", 2, "60s"),
        ("web: {listen: '9943'}\ntargets: [{endpoint: 'c:1'}]", "web.listen", 1, "host:port"),
        ("web: {listen: ':99999'}\ntargets: [{endpoint: 'c:1'}]", "web.listen", 1, "host:port"),
        ("web: {listen: '[::1:9943'}\ntargets: [{endpoint: 'c:1'}]", "web.listen", 1, "host:port"),
        ("web: {listen: ']:9943'}\ntargets: [{endpoint: 'c:1'}]", "web.listen", 1, "host:port"),
        (
            "defaults: {interval: 292y}\nmodules: {m: {allow: ['*:1']}}",
            "defaults.interval",
            1,
            "duration",
        ),
        ("shard: {index: 1}\ntargets: [{endpoint: 'c:1'}]", "shard.index", 1, "below shard.count"),
        ("resource: {a: 5}", "resource.a", 1, "put it in quotes"),
        ("sources: [{}]", "sources[0]", 1, "exactly one"),
        ("sources: [{sdk: environment, collector: x}]", "sources[0]", 1, "exactly one"),
        ("sources:\n  - file_sd: x", "sources[0].file_sd", 2, "ends in .json"),
        ("sources:\n  - http_sd: x", "sources[0].http_sd", 2, "must be a URL"),
        ("sources: [{collector: []}]", "sources[0]", 1, "exactly one"),
        ("sources: [{collector: [a, '']}]", "sources[0].collector", 1, "without a name"),
        ("sources: [{collector: [a, 5]}]", "sources[0].collector[1]", 1, "must be text"),
        ("sources: [{collector: 5}]", "sources[0].collector", 1, "must be text or a list"),
        ("sources: [{sdk: [a]}]", "sources[0].sdk", 1, "must be text"),
        ("defaults: {headers: {a b: c}}", 'defaults.headers."a b"', 1, "not a valid"),
        ("defaults: {tls: {min_version: '9'}}", "defaults.tls.min_version", 1, "unknown"),
        ("modules: {m: {headers: {a b: c}}}", 'modules.m.headers."a b"', 1, "not a valid"),
        (
            "modules: {m: {tls: {min_version: '1.3', max_version: '1.2'}}}",
            "modules.m.tls.max_version",
            1,
            "below",
        ),
        ("modules: {m: {allow: [a/b]}}", "modules.m.allow[0]", 1, "neither a network"),
        ("modules: {m: {x: 1}, n: {}}", "modules.m.x", 1, "unknown key"),
        ("modules: {m: {}, n: 5}", "modules.n", 1, "must be a mapping"),
        ("alerts: {hold: 0s}\ntargets: [{endpoint: 'c:1'}]", "alerts.hold", 1, "more than zero"),
        ("clock: {sources: [{}]}", "clock.sources[0]", 1, "exactly one"),
        (
            "clock:\n  sources:\n  - {http: 'http://c/', sntp: x}",
            "clock.sources[0]",
            3,
            "exactly one",
        ),
        ("clock: {sources: [{http: 'c:13133'}]}", "clock.sources[0].http", 1, "must be a URL"),
        ("clock: {sources: [{http: 'ftp://c/'}]}", "clock.sources[0].http", 1, "scheme"),
        ("clock: {sources: [{http: 'http://u:p@c/'}]}", "clock.sources[0].http", 1, "password"),
        ("clock: {sources: [{http: 'http:///x'}]}", "clock.sources[0].http", 1, "no host"),
        ("clock: {sources: [{sntp: 'ntp://c'}]}", "clock.sources[0].sntp", 1, "host or host:port"),
        ("clock: {sources: [{sntp: 'c:x'}]}", "clock.sources[0].sntp", 1, "port"),
        ("clock: {sources: [{sntp: ''}]}", "clock.sources[0].sntp", 1, "empty"),
        ("clock: {sources: [{sntp: c}, {sntp: c}]}", "clock.sources[1].sntp", 1, "named twice"),
        ("clock: {sources: [{ntp: x}]}", "clock.sources[0].ntp", 1, "unknown key"),
        (
            "shard: {count: 2}\nsources: [{sdk: environment}]",
            "shard.index",
            1,
            "is needed where count is above 1",
        ),
    ],
)
def test_a_mistake_elsewhere_is_located(
    load: Load, text: str, key: str, line: int, reason: str
) -> None:
    """The same for every other section; what has no effect yet is refused, not ignored."""
    with pytest.raises(ConfigurationError) as caught:
        load(text, {ENDPOINT: "https://c:4317"})
    assert (caught.value.key, caught.value.line) == (key, line)
    assert reason in caught.value.reason


def test_all_unknown_keys_are_reported_at_once(load: Load) -> None:
    """Each with its own line and the nearest key; a wrong type comes when they are gone."""
    with pytest.raises(ConfigurationError) as caught:
        load(
            """
            concurrency: many
            target: []
            targets:
              - {endpoint: 'c:1', tls: {ca_fil: x}}
              - {endpoint: 'd:1', labels: {any: x}, headers: {any: x}, tsl: {}}
            """
        )
    error = caught.value
    assert [(one.key, one.line, one.nearest) for one in (error, *error.more)] == [
        ("target", 3, "targets"),
        ("targets[0].tls.ca_fil", 5, "ca_file"),
        ("targets[1].tsl", 6, "tls"),
    ]
    assert str(error).count("unknown key") == 3


def test_every_target_that_cannot_be_one_is_reported(load: Load) -> None:
    """One error for each; those that can be targets do not stand in the way."""
    with pytest.raises(ConfigurationError) as caught:
        load(
            """
            targets:
              - {endpoint: nowhere, name: x}
              - {endpoint: 'c:1'}
              - {endpoint: 'c:2', signal: trace}
              - {endpoint: 'c:3', name: x}
              - {endpoint: 'c:4', name: x}
            """
        )
    error = caught.value
    keys = ["targets[0].endpoint", "targets[2].signal", "targets[3].name", "targets[4].name"]
    assert [one.key for one in (error, *error.more)] == keys
    assert str(error).count("m.yml:") == 4
    assert str(error).count("taken by the target in line 3") == 2
