"""What a receiver's files mean to its clients, at a given time."""

import pytest
from msgspec.structs import replace

from probe.diagnosis.readings.receiver_judgement import judge_receiver
from probe.model.certificate import LocatedCertificate
from probe.model.path_fault import PathFault
from tests.stories.receivers import files
from tests.support.certificate_facts import AT, BACKEND, CLIENT_CA, authority, exporter

OLD_CA = authority("Client CA", begins=-900, ends=-1)
SOON = authority("Client CA", begins=-900, ends=3)


def causes(**fields: object) -> tuple[list[str], list[str]]:
    """Return the causes of faults and of remarks on a receiver whose files are as `fields` say."""
    verdict = judge_receiver(files(**fields), AT)
    return [one.cause for one in verdict.faults], [one.cause for one in verdict.remarks]


def test_good_files_have_nothing_to_be_said_of() -> None:
    """No remark is made for its own sake."""
    assert causes() == ([], [])


@pytest.mark.parametrize(
    ("held", "faults", "remarks"),
    [
        ((OLD_CA,), ["client_ca_untrusted"], []),
        ((OLD_CA, CLIENT_CA), [], ["client_ca_untrusted"]),
        ((SOON,), [], ["client_ca_untrusted"]),
        ((authority("Client CA", begins=2),), ["client_ca_untrusted"], []),
    ],
)
def test_dates_of_client_cas(
    held: tuple[object, ...], faults: list[str], remarks: list[str]
) -> None:
    """What has ended stops its clients; where nothing else is there, it stops all of them."""
    assert causes(client_cas=held, client_ca_count=len(held)) == (faults, remarks)


@pytest.mark.parametrize(("usages", "stops"), [(("serverAuth",), True), (("clientAuth",), False)])
def test_an_end_entity_among_the_cas(usages: tuple[str, ...], stops: bool) -> None:
    """A client's own certificate brings that client in; a server's brings nobody in."""
    leaf = replace(exporter(), extended_key_usage=usages)
    rule = PathFault(kind="not_a_ca", sha256=leaf.sha256, value="it is an end entity's")
    faults, remarks = causes(client_cas=(leaf,), client_ca_rules=(rule,))
    assert (faults == ["client_ca_untrusted"]) is stops
    assert (remarks == ["client_ca_untrusted"]) is not stops


def test_a_ca_for_servers_alone() -> None:
    """Its extendedKeyUsage lets no client of it in."""
    rule = PathFault(kind="wrong_usage_above", sha256=CLIENT_CA.sha256, value="serverAuth")
    assert causes(client_ca_rules=(rule,)) == (["client_ca_untrusted"], [])


def test_nobody_is_asked() -> None:
    """Without client_ca_file it is a remark; with a CA in another key somebody meant it otherwise."""
    assert causes(client_ca_file="", client_cas=()) == ([], ["client_cert_not_requested"])
    misplaced = "/etc/otelcol/config.yaml:9: ca_file: /ca.crt"
    found = causes(client_ca_file="", client_cas=(), misplaced_ca=misplaced)
    assert found == (["client_cert_not_requested"], [])


def test_public_cas_and_the_systems_pool() -> None:
    """Either accepts whoever has a certificate of a public CA."""
    assert causes(public_cas=1) == ([], ["client_ca_too_broad"])
    assert causes(system_roots=True) == ([], ["client_ca_too_broad"])


def test_an_intermediate_that_the_file_lacks() -> None:
    """One that is in another file is named, with that file; a root need not be sent."""
    middle = authority("Intermediate", CLIENT_CA)
    lacking = (LocatedCertificate(path="/etc/otelcol/middle.crt", certificate=middle),)
    assert causes(issuers=lacking) == ([], ["server_chain_incomplete"])
    root = (LocatedCertificate(path="/etc/otelcol/ca.crt", certificate=CLIENT_CA),)
    assert causes(issuers=root) == ([], [])


def test_a_certificate_for_localhost_alone() -> None:
    """Clients elsewhere use another name; on a receiver for this host alone it is right."""
    local = replace(BACKEND, sans=("DNS:localhost", "IP:127.0.0.1"))
    assert causes(chain=(local,)) == ([], ["server_name_mismatch"])
    assert causes(chain=(local,), listens="localhost:4317") == ([], [])


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("wrong_usage", "server_cert_wrong_usage"),
        ("name_mismatch", "server_name_mismatch"),
        ("unreadable", "server_cert_unreadable"),
        ("weak_key", "server_cert_weak"),
        ("path_length", "server_chain_invalid"),
    ],
)
def test_rules_that_the_chain_breaks(kind: str, cause: str) -> None:
    """Each has the cause that clients would fail with."""
    rule = PathFault(kind=kind, sha256=BACKEND.sha256, position=0)  # type: ignore[arg-type]
    assert causes(chain_rules=(rule,)) == ([cause], [])
