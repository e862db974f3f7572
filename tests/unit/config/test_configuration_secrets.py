"""Reports of a wrong configuration show no secret, and have an end whatever the file holds."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probe.config.configuration import Configuration, mask_sources, register_configuration
from probe.config.errors import ConfigurationError, render_key
from probe.config.loader import load_configuration
from probe.model.target import SourceState
from probe.text.secret_register import MASK, SecretRegister
from tests.support.arbitrary_configurations import keys, targets, trees
from tests.support.command_line import NOWHERE, configuration
from tests.support.configuration_texts import Load, One
from tests.support.reported_faults import reported


@pytest.mark.parametrize(
    "text", ["".join(f"k{n}: 1\n" for n in range(50)), f"targets: [{'{endpoint: x}, ' * 50}]"]
)
def test_a_report_has_an_end(load: Load, text: str) -> None:
    """What is left out of it is counted."""
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    assert len(caught.value.more) == 19
    assert str(caught.value).endswith("\nand 30 more")


@pytest.mark.parametrize(
    "where",
    [
        "clock: {sources: [{http: 'ftp://c/?t=s3cret'}]}",
        "clock: {sources: [{http: 'http://c:0/?t=s3cret'}]}",
        "clock: {sources: [{http: 'http://c/?t=s3cret'}, {http: 'http://c/?t=s3cret'}]}",
        "sources: [{http_sd: 'ftp://c/?t=s3cret'}]",
        "sources: [{http_sd: 'http://s3cret@c/'}]",
        "sources: [{http_sd: {s3cret: x}}]",
    ],
)
def test_errors_show_no_query_of_a_url(load: Load, where: str) -> None:
    """It may hold a token."""
    with pytest.raises(ConfigurationError) as caught:
        load(f"{where}\n", {})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "lines",
    [
        "headers: {authorization: [s3cret]}",
        'headers: {authorization: "s3cret\\x01"}',
        "headers: s3cret",
        "tls: {key_pem: [s3cret]}",
        "proxy_url: ftp://u:s3cret@p:1",
        "name: x\n  - endpoint: ftp://c/v1/traces?token=s3cret",
        "name: x\n  - endpoint: http://c:99999/?token=s3cret",
        "tls: {insecure: '-----BEGIN PRIVATE KEY----- s3cret'}",
        "endpoint2: s3cret",
        "endpoint2: s3cret\n    tls: {key_pem: [s3cret]}",
    ],
)
def test_errors_show_no_secret(one: One, lines: str) -> None:
    """Of a header, a key or a proxy's password an error shows the type at most."""
    assert "s3cret" not in reported(lambda: (one(lines),))


def test_a_password_in_an_endpoint_is_not_shown(load: Load) -> None:
    """Where people put one by mistake, the error must not spread it."""
    with pytest.raises(ConfigurationError) as caught:
        load("targets: [{endpoint: 'https://u:s3cret@c:99999'}]")
    assert "s3cret" not in str(caught.value)


def test_an_error_reads_as_its_facts() -> None:
    """Where, what, then each fact on its own line; hostile text is made safe."""
    error = ConfigurationError(
        "unknown key",
        file="m.yml",
        line=7,
        key=render_key(("targets", 0, "tls", "ca\x1b")),
        found="ca\x1b",
        allowed=("ca_file", "ca_pem"),
        nearest="ca_file",
    )
    assert str(error).splitlines() == [
        'm.yml:7: targets[0].tls."ca\\x1b": unknown key',
        "  found:   ca\\x1b",
        "  allowed: ca_file, ca_pem",
        "  nearest: ca_file",
    ]


@pytest.mark.slow
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tree=st.dictionaries(keys, trees, max_size=4), items=targets, variable=st.text(max_size=8))
def test_any_tree_is_a_configuration_or_an_error(
    load: Load, tree: dict[str, Any], items: list[Any], variable: str
) -> None:
    """Whatever the shape, nothing else ever comes out, and names are unique."""
    with suppress(ConfigurationError):
        configuration = load(json.dumps({"targets": items, **tree}), {"A": variable})
        names = [target.name for target in configuration.targets]
        assert len(set(names)) == len(names)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_is_a_configuration_or_an_error(load: Load, text: str) -> None:
    """A file that is not a configuration at all is an error with a reason."""
    with suppress(ConfigurationError):
        assert load(text).targets


SECRET = "hunter2-Sw0rdfish-Zz9"


def test_warnings_errors_and_reasons_are_masked(tmp_path: Path) -> None:
    """Whoever wrote them, from what; and nothing else of them changes."""
    written = configuration(tmp_path, {"endpoint": NOWHERE, "headers": {"x-api-key": SECRET}})
    register = SecretRegister()
    register_configuration(register, load_configuration(written, {}))
    said = Configuration(
        source_states=(SourceState(f"file_sd:{SECRET}", up=False, error=f"no {SECRET}"),),
        nothing_to_probe=f"nothing: {SECRET}",
        warnings=(f"m.yml: {SECRET} is odd", "plain"),
    )
    masked = mask_sources(register, said)
    assert masked.warnings == (f"m.yml: {MASK} is odd", "plain")
    assert masked.source_states[0].error == f"no {MASK}"
    assert masked.source_states[0].source == f"file_sd:{MASK}"
    assert masked.nothing_to_probe == f"nothing: {MASK}"


def test_sources_whose_names_hold_secrets_keep_names_of_their_own() -> None:
    """Two series of one name would make all of /metrics unreadable."""
    register = SecretRegister()
    register.add("alpha-environment")
    register.add("gamma-environment")
    states = tuple(
        SourceState(f"file_sd:{name}-environment", up=True) for name in ("alpha", "gamma")
    )
    masked = mask_sources(register, Configuration(source_states=states)).source_states
    assert [each.source for each in masked] == [f"file_sd:{MASK}", f"file_sd:{MASK}#2"]
