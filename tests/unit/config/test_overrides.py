"""`--with KEY=VALUE`: what it changes of a target, and what is said of a key that is not known."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import click
import pytest

from probe.config.overrides import apply_overrides, list_keys, read_overrides
from probe.model.surroundings import Container
from probe.model.target import Endpoint, Secret, ServerCertificateFile, Target, TlsSettings

TARGET: Final = Target(
    name="eu",
    endpoint=Endpoint("eu.example", 4317),
    tls=TlsSettings(cert_file="old.crt", key_file="old.key", ca_pem="-----BEGIN"),
    headers=(("X-Tenant", Secret("a")), ("authorization", Secret("old"))),
)


def change(*settings: str, target: Target = TARGET) -> Target:
    """Return the target with `settings`."""
    (changed,) = apply_overrides([target], read_overrides(settings))
    return changed


def test_files_take_the_place_of_the_old_ones() -> None:
    """In whichever way these were given; everything else stays, and a note says so."""
    changed = change("tls.cert_file=new.crt", "tls.key_file=new.key", "tls.ca_file=new-ca.crt")
    assert (changed.tls.cert_file, changed.tls.key_file) == ("new.crt", "new.key")
    assert (changed.tls.ca_file, changed.tls.ca_pem) == ("new-ca.crt", None)
    assert (changed.endpoint, changed.headers) == (TARGET.endpoint, TARGET.headers)
    assert changed.notes == (
        "tried with tls.cert_file, tls.key_file, tls.ca_file of --with, in place of the target's own",
    )
    assert TARGET.tls.cert_file == "old.crt"


def test_values_are_what_their_keys_want() -> None:
    """Texts that look like numbers, truth values, lists, durations, headers of any spelling."""
    changed = change(
        "tls.min_version=1.3",
        "tls.insecure_skip_verify=true",
        "tls.curve_preferences=[X25519, P256]",
        "tls.server_name_override=other.example",
        "timeout=2s",
        "headers.Authorization=Bearer a=b",
        "headers.x-number=5",
        "exporter=java-okhttp",
        "endpoint=https://new.example:4317",
    )
    assert changed.tls.min_version == "1.3"
    assert changed.tls.insecure_skip_verify is True
    assert changed.tls.curve_preferences == ("X25519", "P256")
    assert changed.reference_identifier == "other.example"
    assert changed.timeout == 2.0
    assert {name.lower(): value.reveal() for name, value in changed.headers} == {
        "x-tenant": "a",
        "authorization": "Bearer a=b",
        "x-number": "5",
    }
    assert changed.exporter == "java-okhttp"
    assert changed.endpoint.host == "new.example"


def test_an_exporter_brings_the_protocol_that_it_speaks() -> None:
    """Where it does not speak the target's."""
    assert change("exporter=python-http").protocol == "http/protobuf"
    assert change("exporter=go-grpc").protocol == "grpc"


def test_an_empty_value_takes_a_setting_away() -> None:
    """As an empty text in the configuration."""
    changed = change("tls.cert_file=", "tls.key_file=")
    assert not changed.tls.has_client_certificate
    served = replace(TARGET, server_certificate_file=ServerCertificateFile("served.crt"))
    assert change("server_cert_file=", target=served).server_certificate_file is None
    assert [name for name, _ in change("headers.x-tenant=").headers] == ["authorization"]


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("tls.cert_fiel=x", "--with tls.cert_fiel: unknown key; did you mean tls.cert_file?"),
        ("cert_file=x", "--with cert_file: unknown key; did you mean tls.cert_file?"),
        ("exportr=curl", "--with exportr: unknown key; did you mean exporter?"),
        ("zzz=1", "--with zzz: unknown key; the keys are endpoint, protocol, "),
        ("headers.=x", "--with (text, 8 characters): unknown key"),
        ("tls.cert_file", "--with is KEY=VALUE, as in tls.cert_file=new.crt"),
        ("exporter=java-okhtp", "--with exporter: is unknown; found java-okhtp; did you mean"),
        ("timeout=5", "--with timeout: a duration needs its unit, like 5s"),
        (
            "tls.insecure_skip_verify=maybe",
            "--with tls.insecure_skip_verify: must be true or false",
        ),
        ("tls.min_version=9", "--with tls.min_version: "),
        ("endpoint=nowhere", "--with endpoint: it has no port"),
        ("endpoint=http://a:1", "--with endpoint: http:// sends telemetry in plaintext"),
        ("headers.a b=c", "--with headers."),
        ("proxy_url=ftp://a", "--with proxy_url: "),
    ],
)
def test_a_setting_that_cannot_be_says_which_and_what_is_near(setting: str, says: str) -> None:
    """Before anything is tried."""
    with pytest.raises(click.UsageError) as caught:
        change(setting)
    assert caught.value.message.startswith(says)


def test_a_secret_is_not_repeated() -> None:
    """A header's value may be a token."""
    with pytest.raises(click.UsageError) as caught:
        change("headers.authorization=Bearer s3cret\x01")
    assert "s3cret" not in caught.value.message


def test_one_endpoint_goes_with_one_target() -> None:
    """Two targets with one endpoint would be one."""
    with pytest.raises(click.UsageError, match="here are 2"):
        apply_overrides([TARGET, TARGET], read_overrides(["endpoint=a:1"]))


def test_a_containers_target_gets_the_files_of_this_machine(tmp_path: Path) -> None:
    """The new file lies here, and the container has a root of its own."""
    (tmp_path / "new.crt").write_text("-----BEGIN CERTIFICATE-----\n", encoding="utf-8")
    target = Target(
        name="pod",
        endpoint=TARGET.endpoint,
        tls=TARGET.tls,
        runs_in=Container(name="Deployment otel/gateway, container collector"),
    )
    changed = change(f"tls.cert_file={tmp_path / 'new.crt'}", target=target)
    assert changed.tls.cert_pem == "-----BEGIN CERTIFICATE-----\n"
    assert changed.tls.cert_file is None
    with pytest.raises(click.UsageError, match="where the probe runs"):
        change("tls.cert_file=gone.crt", target=target)


def test_every_setting_of_the_exporters_tls_can_be_set() -> None:
    """The keys are those of the configuration."""
    assert {"tls.ca_file", "tls.cert_pem", "tls.reload_interval", "endpoint"} <= {*list_keys()}
    assert "tls.tpm" not in list_keys()
