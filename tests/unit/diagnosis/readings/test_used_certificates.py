"""Which certificates matter to an attempt: those of the path that lasts longest, on either side."""

from typing import Any

import msgspec.structs
import pytest

from probe.diagnosis.readings.used_certificates import (
    ClientPath,
    ServerPath,
    find_client_path,
    find_server_path,
)
from probe.model.certificate import CertificateFacts
from probe.model.evidence import Evidence
from tests.support.certificate_facts import (
    BACKEND,
    CLIENT_CA,
    ISSUING_CA,
    OTHER_CA,
    SERVER_CA,
    authority,
    backend,
    exporter,
)
from tests.support.evidence import (
    answered_attempt,
    complete_handshake,
    held_credentials,
    refused_attempt,
    target,
    unconnected_attempt,
    unverified_attempt,
)

ISSUER = authority("Backend issuing CA", SERVER_CA)
LEAF = backend(ISSUER)
OLD_ROOT = authority("Old root", ends=-20)


def cross_certificate(ca: CertificateFacts, *, ends: float) -> CertificateFacts:
    """Return `ca` as an older root signed it, which ends in `ends` days."""
    crossed = authority(ca.subject.text.removeprefix("CN="), OLD_ROOT, ends=ends)
    return msgspec.structs.replace(crossed, subject_key_id=ca.subject_key_id)


def confirmed(*sent: CertificateFacts, **shake: Any) -> Evidence:
    """Return a confirmed attempt with a server that sends this chain."""
    return answered_attempt(handshake=complete_handshake(server_chain=sent, **shake))


def test_the_path_that_was_verified_counts() -> None:
    """The digests name it, whatever else is sent and held."""
    stray = authority("Stray", ends=-5)
    evidence = confirmed(
        LEAF,
        stray,
        ISSUER,
        verified_paths=((LEAF.sha256, ISSUER.sha256, OTHER_CA.sha256),),
        used_anchors=(OTHER_CA,),
    )

    assert find_server_path(evidence) == ServerPath((LEAF, ISSUER), (OTHER_CA,), verified=True)


def test_of_two_verified_paths_the_one_that_lasts_counts() -> None:
    """A path that ends sooner takes nothing with it."""
    cross = cross_certificate(SERVER_CA, ends=5)
    paths = (
        (LEAF.sha256, ISSUER.sha256, cross.sha256, OTHER_CA.sha256),
        (LEAF.sha256, ISSUER.sha256, SERVER_CA.sha256),
    )
    for order in (paths, paths[::-1]):
        evidence = confirmed(
            LEAF, ISSUER, cross, verified_paths=order, used_anchors=(OTHER_CA, SERVER_CA)
        )
        assert find_server_path(evidence) == ServerPath((LEAF, ISSUER), (SERVER_CA,), verified=True)


@pytest.mark.parametrize("ends", [-3, 5])
def test_a_cross_certificate_beside_an_anchor_is_not_used(ends: float) -> None:
    """Also where only the result of the verification is known: expired, or soon."""
    cross = cross_certificate(SERVER_CA, ends=ends)

    assert find_server_path(confirmed(LEAF, ISSUER, cross)) == ServerPath(
        (LEAF, ISSUER), (SERVER_CA,), verified=True
    )


def test_what_the_exporter_holds_of_the_path_is_its_part() -> None:
    """A copy of the root that is sent is not used; a certificate that ca_file holds is an anchor."""
    assert find_server_path(confirmed(LEAF, ISSUER, SERVER_CA)) == ServerPath(
        (LEAF, ISSUER), (SERVER_CA,), verified=True
    )
    pinned = answered_attempt(
        handshake=complete_handshake(verified_paths=((BACKEND.sha256,),), used_anchors=(BACKEND,)),
        credentials=held_credentials(exporter(), ca_bundle=(BACKEND,)),
    )
    assert find_server_path(pinned) == ServerPath((BACKEND,), (BACKEND,), verified=True)


def test_without_a_verified_path_the_likeliest_one_counts() -> None:
    """To an anchor of that name; without one, the end entity and its issuer alone."""
    stray = authority("Stray", ends=-5)
    ended = backend(ISSUER, ends=-1)
    failing = unverified_attempt(ended, ISSUER, stray, faults=(("expired", 0),))
    assert find_server_path(failing) == ServerPath((ended, ISSUER), (SERVER_CA,))

    above = authority("Top", OLD_ROOT, ends=-5)
    middle = authority("Middle", above)
    unknown = backend(middle)
    untrusted = unverified_attempt(unknown, middle, above, stray, faults=(("no_anchor", 2),))
    assert find_server_path(untrusted) == ServerPath((unknown, middle))
    assert find_server_path(unconnected_attempt("refused")) == ServerPath()


def test_what_is_not_verified_is_not_called_so() -> None:
    """insecure_skip_verify takes any certificate."""
    evidence = answered_attempt(target=target(insecure_skip_verify=True))

    assert find_server_path(evidence) == ServerPath((BACKEND,), (SERVER_CA,))


def test_a_backend_needs_what_leads_from_the_client_certificate() -> None:
    """Strays and a copy of the root are not part of it."""
    leaf, stray = exporter(ISSUING_CA), authority("Stray", ends=-5)
    evidence = unconnected_attempt(
        "refused", credentials=held_credentials(leaf, stray, ISSUING_CA, CLIENT_CA)
    )

    assert find_client_path(evidence) == ClientPath((leaf, ISSUING_CA))
    none = unconnected_attempt("refused", credentials=held_credentials())
    assert find_client_path(none) == ClientPath()


def test_what_has_expired_is_not_part_of_a_path_that_was_accepted() -> None:
    """An old cross-certificate in cert_file; refused, it may be why."""
    cross = cross_certificate(CLIENT_CA, ends=-3)
    leaf = exporter(CLIENT_CA)
    held = held_credentials(leaf, cross, at_hand=())

    unlisted = complete_handshake(acceptable_cas=())
    accepted = answered_attempt(credentials=held, handshake=unlisted)
    assert find_client_path(accepted) == ClientPath((leaf,), proven=True)
    refused = refused_attempt(46, leaf, cross, listed=(), at_hand=())
    assert find_client_path(refused) == ClientPath((leaf, cross))


def test_the_end_entity_is_always_used() -> None:
    """Expired and accepted all the same: the next backend may look at dates."""
    old = exporter(ends=-1)
    evidence = answered_attempt(credentials=held_credentials(old))

    assert find_client_path(evidence) == ClientPath((old,), proven=True)


def test_the_list_tells_which_of_two_paths_a_backend_takes() -> None:
    """It names the new root, which is known here, or only the old one."""
    cross = cross_certificate(CLIENT_CA, ends=5)
    leaf = exporter(CLIENT_CA)
    held = held_credentials(leaf, cross, at_hand=(CLIENT_CA,))

    for listed, used in ((CLIENT_CA, (leaf,)), (OLD_ROOT, (leaf, cross))):
        shake = complete_handshake(acceptable_cas=(listed.subject,))
        evidence = answered_attempt(credentials=held, handshake=shake)
        assert find_client_path(evidence) == ClientPath(used, proven=True)


def test_an_intermediate_that_the_list_names_is_still_used() -> None:
    """The backend's copy is likely the one that is sent."""
    leaf, soon = exporter(ISSUING_CA), msgspec.structs.replace(ISSUING_CA)
    shake = complete_handshake(acceptable_cas=(ISSUING_CA.subject, CLIENT_CA.subject))
    evidence = answered_attempt(credentials=held_credentials(leaf, soon), handshake=shake)

    assert find_client_path(evidence) == ClientPath((leaf, soon), proven=True)
