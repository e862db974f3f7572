"""The client's TLS: everything that a handshake says is recorded, and nothing that comes raises."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from probe.attempt.variant import Variant
from probe.model.evidence import Alert
from probe.model.target import TlsSettings
from probe.model.tls_alerts import name_alert
from probe.tls.bindings import make_alert
from probe.tls.client import TlsClient
from tests.support.loopback_client import CLIENT_CA, OTHER_CA, SERVER_CA
from tests.support.memory_peer import (
    CLIENT,
    VERSIONS,
    MemoryServer,
    Version,
    handshake,
    meet,
    server_context,
    settings_of,
)
from tests.support.pki import Issued
from tests.support.tls_records import DAY, NOW, STRANGER, server_cert


@pytest.mark.parametrize("version", VERSIONS)
def test_a_healthy_handshake_is_recorded(version: Version) -> None:
    """Version, cipher, group, ALPN, chain and name are there; alerts and errors are not."""
    client, server = handshake(server_context(version))
    seen = client.handshake

    assert (client.state, client.complete, server.complete) == ("open", True, True)
    assert client.is_tls13 is (version == "1.3")
    assert (seen.complete, seen.version, seen.alpn) == (True, version, "h2")
    assert seen.cipher == server.connection.get_cipher_name()
    assert seen.group == server.connection.get_group_name() != ""
    assert (seen.alerts, seen.path_faults) == ((), ())
    assert [c.subject.text for c in seen.server_chain] == ["CN=backend"]
    assert seen.name_check is not None
    assert seen.name_check.matched
    assert seen.server_verified
    assert server.connection.get_peer_certificate() is not None


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("client_certificate", "numbers"),
    [
        (STRANGER, {"1.2": 48, "1.3": 48}),
        (None, {"1.2": 40, "1.3": 116}),
        (CLIENT_CA.issue("e", not_after=NOW - DAY), {"1.2": 45, "1.3": 45}),
        (CLIENT_CA.issue("e", usages=("serverAuth",)), {"1.2": 43, "1.3": 43}),
    ],
    ids=["unknown CA", "none sent", "expired", "not for clients"],
)
def test_a_refusal_is_an_alert_by_number(
    client_certificate: Issued | None, numbers: dict[str, int], version: Version
) -> None:
    """TLS 1.2 refuses inside the handshake; in TLS 1.3 it is complete here before that."""
    client, _ = handshake(server_context(version), settings_of(client_certificate))
    seen = client.handshake

    number = numbers[version]
    assert seen.alerts == (
        Alert(direction="received", level="fatal", number=number, name=name_alert(number)),
    )
    assert client.state == "failed"
    assert seen.complete is (version == "1.3")
    assert seen.client_certificate_requested
    assert seen.client_certificate_sent is (client_certificate is not None)


def test_a_version_that_the_server_does_not_speak() -> None:
    """Its alert protocol_version (70) comes instead of a ServerHello."""
    client, _ = handshake(server_context("1.2"), settings_of(tls=TlsSettings(min_version="1.3")))
    seen = client.handshake

    assert [(a.direction, a.number) for a in seen.alerts] == [("received", 70)]
    assert (seen.complete, seen.version, seen.cipher, seen.group) == (False, "", "", "")
    assert (seen.server_chain, seen.name_check, seen.server_verified) == ((), None, False)


def test_our_own_alert_is_distinguished_from_the_server_s() -> None:
    """A record longer than RFC 8446 allows brings record_overflow (22), and it is we who send it."""
    client = TlsClient(settings_of())
    client.start()
    client.take_output()
    client.receive(b"\x16\x03\x03\xff\xff" + bytes(0xFFFF))

    assert client.state == "failed"
    assert [(a.direction, a.level, a.number) for a in client.alerts] == [("sent", "fatal", 22)]
    assert client.take_output()[0] == 0x15


def test_a_variant_caps_the_version() -> None:
    """A client capped at TLS 1.2 gets it from a server that would speak 1.3 too."""
    context = server_context("1.3")
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    client, _ = handshake(context, settings_of(variant=Variant(max_version="1.2")))
    assert (client.handshake.version, client.is_tls13) == ("1.2", False)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("server", "fault"),
    [
        (server_cert(not_after=NOW - DAY), "expired"),
        (server_cert(not_before=NOW + DAY), "not_yet_valid"),
        (server_cert(usages=("clientAuth",)), "wrong_usage"),
        (OTHER_CA.issue("backend", usages=("serverAuth",)), "no_anchor"),
    ],
    ids=["expired", "not yet valid", "not for servers", "unknown CA"],
)
def test_faults_have_a_kind_and_a_place(server: Issued, fault: str, version: Version) -> None:
    """Faults are recorded, the handshake goes on, and the server counts as unverified."""
    client, _ = handshake(server_context(version, server=server))
    seen = client.handshake

    assert [(one.kind, one.position) for one in seen.path_faults] == [(fault, 0)]
    assert (seen.complete, seen.server_verified, seen.client_certificate_sent) == (
        True,
        False,
        True,
    )


def test_a_fault_above_the_end_entity_has_its_place() -> None:
    """An expired intermediate is at depth 1."""
    old = SERVER_CA.intermediate("old", not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    server = old.issue("backend", usages=("serverAuth",))
    client, _ = handshake(server_context(server=server, chain=old.intermediates))
    assert [(one.kind, one.position) for one in client.handshake.path_faults] == [("expired", 1)]


def test_skip_verify_counts_every_server_as_verified() -> None:
    """The faults are recorded all the same."""
    server = server_cert(not_after=NOW - DAY)
    client, _ = handshake(server_context(server=server), settings_of(skip_verify=True))
    seen = client.handshake
    assert seen.server_verified
    assert [one.kind for one in seen.path_faults] == ["expired"]


def test_what_was_asked_before_the_end_is_not_remembered() -> None:
    """Looking at an unfinished handshake changes nothing of what it says in the end."""
    client, server = TlsClient(settings_of()), MemoryServer(server_context())
    client.start()
    before = client.handshake
    assert (before.alpn, before.server_verified, client.is_server_verified) == ("", False, False)
    meet(client, server)
    after = client.handshake
    assert (after.alpn, after.server_verified, client.alpn) == ("h2", True, "h2")


@pytest.mark.parametrize("version", VERSIONS)
def test_acceptable_authorities(version: Version) -> None:
    """The names of the CertificateRequest are there, comparable with an issuer's digest."""
    client, _ = handshake(server_context(version, named=(CLIENT_CA, OTHER_CA)))
    names = client.handshake.acceptable_cas
    own = client._settings.read_certificate(CLIENT.certificate.public_bytes(Encoding.DER))

    assert [name.text for name in names] == ["CN=client CA", "CN=another CA"]
    assert names[0] == own.issuer


def test_a_list_that_changes_is_seen_and_one_that_stays_is_read_once() -> None:
    """Of connections with the same settings, whatever version the server speaks, and back again."""
    settings, seen = settings_of(), []
    for version, named in (
        ("1.3", (CLIENT_CA, OTHER_CA)),
        ("1.3", (CLIENT_CA, OTHER_CA)),
        ("1.3", (OTHER_CA,)),
        ("1.3", ()),
        ("1.2", (OTHER_CA,)),
        ("1.3", (CLIENT_CA, OTHER_CA)),
    ):
        client, _ = handshake(server_context(version, named=named), settings)
        names = client.handshake.acceptable_cas
        seen.append(names)

        assert [name.text for name in names] == [
            each.certificate.subject.rfc4514_string() for each in named
        ]
    assert seen[0] is seen[1]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_request_that_names_nobody_is_a_request(version: Version) -> None:
    """An empty list, and no request at all, are two different things."""
    asked, _ = handshake(server_context(version, named=()))
    not_asked, _ = handshake(server_context(version, client_ca=None))

    assert asked.handshake.acceptable_cas == not_asked.handshake.acceptable_cas == ()
    assert asked.certificate_requested
    assert asked.handshake.client_certificate_sent
    assert not not_asked.certificate_requested
    assert not not_asked.handshake.client_certificate_sent


@pytest.mark.parametrize("version", VERSIONS)
def test_the_chain_is_recorded_when_the_handshake_fails(version: Version) -> None:
    """So is the name check; both are about the server, who refused us."""
    below = SERVER_CA.intermediate("below")
    server = below.issue("backend", usages=("serverAuth",))
    context = server_context(version, server=server, chain=below.intermediates)
    seen = handshake(context, settings_of(STRANGER))[0].handshake

    assert [c.subject.text for c in seen.server_chain] == ["CN=backend", "CN=below"]
    assert seen.server_verified
    assert [name.text for name in seen.acceptable_cas] == ["CN=client CA"]


def test_alpn_is_what_the_server_chose() -> None:
    """The second of ours, or none."""
    assert handshake(server_context(alpn=b"http/1.1"))[0].alpn == "http/1.1"
    assert handshake(server_context(alpn=None))[0].alpn == ""


def test_an_alpn_that_nobody_offered_is_fit_to_show() -> None:
    """Whether or not the TLS library puts up with it, no control character comes out."""
    client, _ = handshake(server_context(alpn=b"\x1b[31mh2"))
    assert client.alpn.isprintable()


def test_a_common_name_is_no_name() -> None:
    """RFC 9525 §6.3: a SAN matches, and the CN is a fact for people only."""
    server = server_cert(sans=("DNS:collector.example.com",))
    by_cn = handshake(server_context(server=server), settings_of(reference="backend"))[0].handshake
    by_san = handshake(
        server_context(server=server), settings_of(reference="collector.example.com")
    )[0].handshake

    assert by_cn.name_check is not None
    assert (by_cn.name_check.matched, by_cn.name_check.common_name) == (False, "backend")
    assert (by_cn.server_verified, by_san.server_verified) == (False, True)


def test_alerts_have_the_names_of_the_registry() -> None:
    """Known ones by name, any other by number, the level as its byte says it."""
    assert make_alert(False, 2, 48) == Alert(
        direction="received", level="fatal", number=48, name="unknown_ca"
    )
    assert make_alert(True, 1, 90) == Alert(
        direction="sent", level="warning", number=90, name="user_canceled"
    )
    assert make_alert(False, 2, 199).name == "alert_199"
