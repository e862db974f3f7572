"""What all attempts of a target share: names to look up, and TLS settings until its files change."""

import os
import time
from pathlib import Path

import pytest

from probe.attempt.prepared_target import PreparedTarget, ProberSettings, list_names
from probe.attempt.variant import VARIANTS
from probe.credentials.store import CredentialStore
from probe.model.surroundings import Container
from probe.model.target import Endpoint, Target
from tests.support.credential_files import pair_files
from tests.support.pki import issue


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("gateway", ("gateway.otel.svc", "gateway")),
        ("gateway.other", ("gateway.other.otel.svc", "gateway.other")),
        ("a.b.c.d.e.f", ("a.b.c.d.e.f",)),
        ("gateway.", ("gateway.",)),
    ],
)
def test_a_pod_looks_up_short_names_in_its_namespace_first(
    host: str, names: tuple[str, ...]
) -> None:
    """As its resolv.conf says (ndots:5); one with a dot at the end is whole."""
    assert list_names(host, Container(name="x", namespace="otel")) == names


def test_without_a_namespace_a_name_is_the_probes_own() -> None:
    """And so it is for an exporter next to the probe."""
    assert list_names("gateway", Container(name="x")) == ("gateway",)
    assert list_names("gateway", None) == ("gateway",)


def test_tls_settings_of_attempts_are_made_once_for_what_the_files_hold(tmp_path: Path) -> None:
    """Those of the attempt, and of the second handshake after a silent refusal; not of experiments."""
    tls = pair_files(tmp_path, issue("t"))
    target = Target(name="t", endpoint=Endpoint("localhost", 4317), tls=tls)
    files = CredentialStore(time.time).open(target)
    settings = ProberSettings(user_agent="probe", wall_clock=time.time)
    prepared, credentials = PreparedTarget(target, files, settings), files.read()

    own, again = (prepared.make_tls_settings(credentials) for _ in range(2))
    assert own is again
    recheck, second = (
        prepared.make_tls_settings(credentials, VARIANTS["tls_1.2"]) for _ in range(2)
    )
    assert recheck is second
    assert recheck.offer.max_version == "1.2"
    assert prepared.make_tls_settings(credentials, alpn=()).alpn == ()
    bare = prepared.make_tls_settings(credentials, VARIANTS["no_client_certificate"])
    assert not bare.sends_certificate
    assert prepared.make_tls_settings(credentials) is own

    pair_files(tmp_path, issue("t"))
    os.utime(tmp_path / "tls.crt", (0, 0))
    renewed = files.read()
    assert renewed is not credentials
    assert prepared.make_tls_settings(renewed).context is not own.context
    assert prepared.make_tls_settings(renewed, VARIANTS["tls_1.2"]).context is not recheck.context
