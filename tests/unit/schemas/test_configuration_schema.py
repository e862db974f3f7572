"""The schema of the configuration accepts what the loader accepts, and refuses what it refuses."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from probe.config.errors import ConfigurationError
from probe.config.loader import load_configuration
from probe.config.yaml_document import parse_yaml
from probe.diagnosis.catalogue import CATALOGUE
from probe.schemas.configuration_schema import build_configuration_schema
from tests.contract.imports import ROOT
from tests.support.every_row import every_row

SCHEMA: Final[dict[str, Any]] = build_configuration_schema()
VALIDATOR: Final = Draft202012Validator(SCHEMA)
ENVIRONMENT: Final = {"NUMBER": "3", "LIST": "[{endpoint: 'a:1'}]", "HOST": "a", "ON": "true"}
A_TARGET: Final = "targets: [{endpoint: 'a:4317'}]\n"

ACCEPTED: Final = (
    A_TARGET,
    "targets: [{endpoint: 'https://a:4317/x'}]",
    "targets: [{endpoint: 'http://a:4317', tls: {insecure: true}}]",
    "targets: ${env:LIST}",
    "targets: [{endpoint: '${env:HOST}:4317'}]",
    "modules: {a: {}}",
    "modules: {a: {allow: ['*.example.com:4317'], depth: tls}}",
    "sources: [{sdk: environment}]",
    "sources: [{sdk: environment, collector: null, receiver: [], http_sd: ''}]",
    "sources: [{sdk: {file: a.env, format: docker-env}}]",
    "sources: [{process: {pid: 1}}]",
    "sources: [{process: {command: java -jar app}}]",
    f"{A_TARGET}concurrency: ${{env:NUMBER}}",
    f"{A_TARGET}concurrency: null\nweb:\ndefaults: ~",
    f"{A_TARGET}experiments: {{enabled: '${{env:ON}}'}}",
    f"{A_TARGET}shard: {{index: mtls-probe-1, count: 2}}",
    f"{A_TARGET}shard: {{index: 1, count: '${{env:NUMBER}}'}}",
    f"{A_TARGET}alerts: {{hold: 1h30m, expiry_warning: 4w, expiry_critical: .5d}}",
    f"{A_TARGET}clock: {{tolerance: '0', sources: [{{http: 'http://a:1/'}}, {{sntp: 'a:123'}}]}}",
    f"{A_TARGET}web: {{listen: ':9943', hosts: ['*.example.com', probe]}}",
    f"{A_TARGET}telemetry: {{sample_successes: 1}}",
    f"{A_TARGET}alertmanager: {{url: x}}",
    "targets: [{endpoint: 'a:1', expect: {cause: client_cert_not_sent}}]",
    "targets: [{endpoint: 'a:1', expect: {cause: null, client_certificate_requested: true}}]",
    "targets: [{endpoint: 'a:1', expect: {cause: dns_failure, until: 2026-12-24}}]",
    "targets: [{endpoint: 'a:1', expect: {cause: dns_failure, until: null}}]",
    "targets: [{endpoint: 'a:1', tls: {ca_file: a, ca_pem: '', tpm: {enabled: false}}}]",
    "targets: [{endpoint: 'a:1', tls: {reload_interval: 0s, min_version: '1.2', cipher_suites: []}}]",
    "targets: [{endpoint: 'a:1', labels: {team: a}, headers: {x-a: b}, proxy_url: 'http://p:1'}]",
)
REFUSED: Final = (
    "{}",
    "targets: []",
    "target: [{endpoint: 'a:1'}]",
    "targets: {endpoint: 'a:1'}",
    "targets: [{name: a}]",
    "targets: [null]",
    "targets: [{endpoint: ''}]",
    "targets: [{endpoint: 'ftp://a:1'}]",
    "targets: [{endpoint: 4317}]",
    "targets: [{endpoint: null}]",
    "targets: [{endpoint: 'a:1', timeout: 5}]",
    "targets: [{endpoint: 'a:1', timeout: '5'}]",
    "targets: [{endpoint: 'a:1', timeout: 0s}]",
    "targets: [{endpoint: 'a:1', interval: -5s}]",
    "targets: [{endpoint: 'a:1', interval: 5 s}]",
    "targets: [{endpoint: 'a:1', protocol: http}]",
    "targets: [{endpoint: 'a:1', exporter: perl}]",
    "targets: [{endpoint: 'a:1', labels: {cause: a}}]",
    "targets: [{endpoint: 'a:1', labels: {__a: b}}]",
    "targets: [{endpoint: 'a:1', labels: {a: 1}}]",
    "targets: [{endpoint: 'a:1', labels: {a-b: c}}]",
    "targets: [{endpoint: 'a:1', headers: {a: null}}]",
    "targets: [{endpoint: 'a:1', tls: {cafile: a}}]",
    "targets: [{endpoint: 'a:1', tls: {min_version: 1.2}}]",
    "targets: [{endpoint: 'a:1', tls: {ca_file: a, ca_pem: b}}]",
    "targets: [{endpoint: 'a:1', tls: {tpm: {enabled: true}}}]",
    "targets: [{endpoint: 'a:1', expect: {}}]",
    "targets: [{endpoint: 'a:1', expect: {cause: no_such_cause}}]",
    "targets: [{endpoint: 'a:1', expect: {cause: dns_failure, client_certificate_requested: true}}]",
    "targets: [{endpoint: 'a:1', expect: {cause: dns_failure, until: 24.12.2026}}]",
    "targets: [{endpoint: 'a:1', expect: {client_certificate_requested: true, until: 2026-12-24}}]",
    "modules: {a: {endpoint: 'a:1'}}",
    "modules: {a: null}",
    "sources: [{}]",
    "sources: [{sdk: environment, file_sd: a.json}]",
    "sources: [{sdk: {format: unit}}]",
    "sources: [{sdk: {file: a, format: toml}}]",
    "sources: [{process: {}}]",
    "sources: [{process: {pid: 0}}]",
    "sources: [{process: {command: ' '}}]",
    f"{A_TARGET}concurrency: 0",
    f"{A_TARGET}concurrency: '3'",
    f"{A_TARGET}concurrency: true",
    f"{A_TARGET}shard: {{count: 2}}",
    f"{A_TARGET}shard: {{index: -1, count: 2}}",
    f"{A_TARGET}shard: {{index: pod, count: 2}}",
    f"{A_TARGET}clock: {{sources: [{{}}]}}",
    f"{A_TARGET}clock: {{sources: [{{http: 'a:1'}}]}}",
    f"{A_TARGET}clock: {{sources: [{{sntp: 'http://a'}}]}}",
    f"{A_TARGET}web: {{hosts: ['a:1']}}",
    f"{A_TARGET}telemetry: {{sample_successes: 2}}",
    f"{A_TARGET}alerts: {{hold: '0'}}",
)
KNOWN_TO_FAIL: Final = (
    "targets: [{endpoint: 'a:1', tls: {min_version: '1.4'}}]",
    "targets: [{endpoint: 'a:1', tls: {cipher_suites: [AES]}}]",
    "targets: [{endpoint: 'a:1', proxy_url: 'socks5://p:1'}]",
)
"""The loader makes a target of each that fails with `exporter_configuration_invalid`."""


def is_loaded(text: str, folder: Path) -> bool:
    """Return whether the loader accepts `text`."""
    path = folder / "mtls-probe.yml"
    path.write_text(text, encoding="utf-8")
    try:
        load_configuration(path, ENVIRONMENT, known_causes=CATALOGUE)
    except ConfigurationError:
        return False
    return True


def is_valid(text: str) -> bool:
    """Return whether the schema accepts `text` as it is written."""
    return VALIDATOR.is_valid(parse_yaml(text.encode(), "a file").value)


def test_it_is_a_schema() -> None:
    """The document itself follows its dialect."""
    Draft202012Validator.check_schema(SCHEMA)


@every_row(text=ACCEPTED)
def test_it_accepts_what_the_loader_accepts(text: str, tmp_path: Path) -> None:
    """An editor marks nothing that works."""
    assert (is_loaded(text, tmp_path), is_valid(text)) == (True, True)


@every_row(text=REFUSED)
def test_it_refuses_what_the_loader_refuses(text: str, tmp_path: Path) -> None:
    """An editor marks what would keep the probe from starting."""
    assert (is_loaded(text, tmp_path), is_valid(text)) == (False, False)


@every_row(text=KNOWN_TO_FAIL)
def test_it_refuses_settings_that_no_exporter_could_work_with(text: str, tmp_path: Path) -> None:
    """The loader reports them as a failed target; in an editor they can be corrected at once."""
    assert (is_loaded(text, tmp_path), is_valid(text)) == (True, False)


@pytest.mark.parametrize(
    "path",
    ["config/mtls-probe.yml", "config/kubernetes/central/mtls-probe.yml",
     "config/kubernetes/sharded/mtls-probe.yml"],
)  # fmt: skip
def test_it_accepts_the_configurations_of_this_repository(path: str) -> None:
    """What is shipped as an example is valid in every editor."""
    raw = (ROOT / path).read_bytes()
    errors = VALIDATOR.iter_errors(parse_yaml(raw, path).value)
    assert [error.message for error in errors] == []


def test_every_key_has_a_description() -> None:
    """What an editor shows for a key is what the reference says of it."""
    lacking = [
        f"{name}.{key}"
        for name, definition in SCHEMA["$defs"].items()
        for key, shape in definition["properties"].items()
        if not shape.get("description")
    ]
    assert lacking == []
    assert re.findall(r"\]\(", json.dumps(SCHEMA)) == []
