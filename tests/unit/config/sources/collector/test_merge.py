"""Several files make one Collector configuration, and references become what they stand for."""

import json

import pytest
from hypothesis import given, settings

from probe.config.errors import ConfigurationError
from probe.config.sources.collector.merge import CollectorFiles
from probe.model.target import Source, TlsSettings
from tests.support.collector_texts import (
    FILE,
    collector_documents,
    headers_of,
    reading,
    with_exporter,
)


def test_later_files_come_over_earlier_ones() -> None:
    """Mappings merge key by key, lists and texts are replaced, and so is a mapping by null."""
    first = with_exporter(
        "otlp", "endpoint: c:4317", "tls: {ca_file: /a, curve_preferences: [P256]}"
    )
    second = "exporters: {otlp: {endpoint: 'd:4317', tls: {curve_preferences: [P384]}}}"
    tls = TlsSettings(ca_file="/a", curve_preferences=("P384",))
    (target,) = reading(first, second, "").targets
    assert (target.endpoint.host, target.tls) == ("d", tls)
    assert target.sources == (Source("collector", f"{FILE}, more-1.yaml, more-2.yaml"),)
    (target,) = reading(first, "exporters: {otlp: {tls: }}").targets
    assert target.tls == TlsSettings()
    third = "exporters: {debug: }\nservice: {pipelines: {traces: {exporters: [debug]}}}"
    assert reading(first, third).targets == ()


def test_a_key_may_hold_its_path() -> None:
    """`::` in a key is confmap's delimiter, in any depth."""
    text = (
        "exporters::otlp::endpoint: c:4317\nreceivers: {nop: }\n"
        "service: {'pipelines::logs': {receivers: [nop], exporters: [otlp]}}"
    )
    second = "exporters: {otlp: {'tls::ca_file': /ca}}"
    (target,) = reading(text, second).targets
    assert (target.endpoint.host, target.signal, target.tls.ca_file) == ("c", "logs", "/ca")


def test_references_may_stand_for_whole_parts() -> None:
    """A mapping comes from a file or a variable as it does from the file itself."""
    text = "exporters: ${file:x.yaml}\nreceivers: {nop: }\nservice: {pipelines: {traces: {receivers: [nop], exporters: [otlp]}}}"
    files = {"x.yaml": "otlp: {endpoint: 'c:4317', headers: {a: '$${env:X}'}, tls: '${env:TLS}'}"}
    found = reading(text, files=files, environ={"TLS": "{ca_file: /ca}"})
    (target,) = found.targets
    assert target.tls.ca_file == "/ca"
    assert headers_of(target) == {"a": "${env:X}"}


def test_a_provider_that_the_probe_has_not_is_named() -> None:
    """What other components get from it does not concern the exporters, which are probed."""
    text = with_exporter("otlp", "endpoint: c:4317")
    found = reading(text, "processors: {batch: {timeout: '${vault:x}'}, span: '${http://a}'}\n")
    assert [target.name for target in found.targets] == ["otlp"]
    assert not found.targets[0].faults
    assert "from the provider http, which the probe has not" in " ".join(found.warnings)


def test_a_file_that_a_reference_names_elsewhere_keeps_the_collector_from_starting() -> None:
    """The configuration fails, and the exporters are probed and say so."""
    text = with_exporter("otlp", "endpoint: c:4317")
    good, whole = reading(text, "receivers: {nop: '${file:/secret}'}\n").targets
    assert (whole.name, str(whole.endpoint)) == (f"{FILE}, more-1.yaml", "")
    assert "receivers.nop: the file of a reference cannot be read" in whole.faults[0].fact
    assert good.faults == ()
    assert good.remarks[0].fact.startswith("the Collector does not start with this configuration")


@settings(max_examples=100, deadline=None)
@given(collector_documents)
def test_a_file_over_itself_says_the_same(held: dict[str, object]) -> None:
    """Merging is idempotent, so a file that is named twice changes nothing."""
    text = json.dumps(held, ensure_ascii=False)
    once = CollectorFiles(["a"], {}, lambda _: text)
    twice = CollectorFiles(["a", "a"], {}, lambda _: text)
    assert once.document.value == twice.document.value


FULL = (
    "exporters: {otlp: {endpoint: 'a:1'}}\nreceivers: {nop: }\n"
    "service: {pipelines: {traces: {receivers: [nop], exporters: [otlp]}}}\n"
)


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        (f"---\n{FULL}", False),
        (f"{FULL}---\n", False),
        (f"{FULL}...\n# end\n", False),
        (f"%YAML 1.1\n---\n{FULL}", False),
        (f"{FULL}---\nnosuch: 1\n", True),
        (f"{FULL}---\n{{a: [\n", True),
        (f"{FULL}---\na: 1\na: 2\n", True),
        (f"{FULL}---\n---\nnosuch: 1\n", True),
    ],
)
def test_only_the_first_document_is_read(text: str, *, warned: bool) -> None:
    """Measured: yaml.v3 stops after it, whatever comes then."""
    content = reading(text)
    assert [str(one.endpoint) for one in content.targets] == ["a:1"]
    assert any("second document" in one for one in content.warnings) is warned


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"---\n---\n{FULL}", "its first document is empty"),
        (f"---\n# nothing\n---\n{FULL}", "its first document is empty"),
        (f"null\n---\n{FULL}", "its first document is empty"),
        (f"%YAML 1.2\n---\n{FULL}", "%YAML"),
    ],
)
def test_an_empty_first_document_hides_the_others(text: str, reason: str) -> None:
    """The Collector says that its configuration is empty; the file does not look so."""
    with pytest.raises(ConfigurationError, match=reason):
        reading(text)
