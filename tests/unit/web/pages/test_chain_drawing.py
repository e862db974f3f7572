"""Both chains as they are drawn, link by link, and the backend's CAs set against ours."""

from typing import Final

import msgspec.structs
import pytest

from probe.diagnosis.diagnose import diagnose
from probe.model.evidence import Evidence
from probe.web.pages.acceptable_cas import compare_acceptable_cas
from probe.web.pages.chain_drawing import draw_chains
from tests.support.certificate_facts import (
    AT,
    BACKEND,
    CLIENT_CA,
    EXPORTER,
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

UNTRUSTED: Final = refused_attempt(48, EXPORTER, listed=(OTHER_CA,))


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (
            refused_attempt(48, EXPORTER, listed=(OTHER_CA, SERVER_CA)),
            "The backend accepts CN=Another team's CA and CN=Backend CA; your certificate chains "
            "to CN=Exporter client CA, which the list does not name.",
        ),
        (
            answered_attempt(),
            "The backend accepts CN=Exporter client CA; your certificate chains to CN=Exporter "
            "client CA, and the list names an issuer of what is sent.",
        ),
        (
            refused_attempt(48, exporter(ISSUING_CA), at_hand=(ISSUING_CA, CLIENT_CA)),
            "The backend accepts CN=Exporter client CA; your certificate chains to CN=Exporter "
            "client CA, but what is sent does not reach a CA of the list: an issuer is left out.",
        ),
        (
            refused_attempt(116),
            "The backend accepts CN=Exporter client CA; no certificate is available to send.",
        ),
        (
            answered_attempt(handshake=complete_handshake(acceptable_cas=())),
            "The backend asked for a client certificate and named no CA that it accepts",
        ),
        (
            answered_attempt(
                handshake=complete_handshake(client_certificate_requested=False, acceptable_cas=())
            ),
            "The backend did not ask for a client certificate.",
        ),
    ],
)
def test_the_backends_list_is_set_against_our_chain(evidence: Evidence, words: str) -> None:
    """Both sides are named in one sentence, whichever way it goes."""
    found = compare_acceptable_cas(evidence)

    assert found is not None
    assert found.sentence.startswith(words)


def test_a_long_list_is_cut_but_ours_is_shown() -> None:
    """Names beyond the first fifty are counted, and the one of our issuer stands on top."""
    many = [authority(f"CA {at}") for at in range(80)]
    found = compare_acceptable_cas(refused_attempt(48, EXPORTER, listed=(*many, CLIENT_CA)))

    assert found is not None
    assert "CN=CA 0, CN=CA 1, CN=CA 2 and 78 more" in found.sentence
    assert found.rows[0] == ("CN=Exporter client CA", "issued CN=checkout, as sent")
    assert (len(found.rows), found.left_off) == (50, 31)


def test_without_a_handshake_there_is_no_list() -> None:
    """What never came is not spoken of."""
    assert compare_acceptable_cas(unconnected_attempt("refused", "ECONNREFUSED")) is None


def drawn(evidence: Evidence) -> list[tuple[str, list[tuple[str, str, bool]], str]]:
    """Return each chain's title, its boxes' kind, subject and link, and its summary."""
    return [
        (
            one.title,
            [(box.kind, box.subject, box.holds) for box in one.boxes],
            one.summary,
        )
        for one in draw_chains(evidence, diagnose(evidence), AT)
    ]


def test_whole_chains_are_drawn_to_their_anchors() -> None:
    """What is sent, what is available, and the anchor in ca_file; every link holds."""
    assert drawn(answered_attempt()) == [
        (
            "The exporter's chain",
            [("sent", "CN=checkout", True), ("available", "CN=Exporter client CA", True)],
            "Every link holds.",
        ),
        (
            "The backend's chain",
            [("sent", "CN=collector.example.com", True), ("anchor", "CN=Backend CA", True)],
            "Every link holds.",
        ),
    ]


@pytest.mark.parametrize(
    ("evidence", "side", "last", "words"),
    [
        (
            refused_attempt(48, exporter(ISSUING_CA), at_hand=(), listed=()),
            0,
            ("missing", "CN=Exporter issuing CA", False),
            "the issuer of CN=checkout is not available",
        ),
        (
            refused_attempt(48, exporter(ISSUING_CA), CLIENT_CA, at_hand=()),
            0,
            ("sent", "CN=Exporter client CA", False),
            "CN=checkout was issued by CN=Exporter issuing CA, not by CN=Exporter client CA",
        ),
        (
            UNTRUSTED,
            0,
            ("missing", "CN=Another team's CA", False),
            "the backend's list has no CA of this chain",
        ),
        (
            unverified_attempt(backend(ISSUING_CA), faults=(("no_anchor", 0),)),
            1,
            ("missing", "CN=Exporter issuing CA", False),
            "was not sent and is not in /etc/otel/ca.crt",
        ),
        (
            unverified_attempt(
                BACKEND,
                faults=(("no_anchor", 0),),
                credentials=held_credentials(
                    EXPORTER,
                    ca_bundle=(msgspec.structs.replace(SERVER_CA, subject_key_id="other"),),
                ),
            ),
            1,
            ("missing", "CN=Backend CA", False),
            "CN=Backend CA has the name of the issuer, but another key",
        ),
        (
            unverified_attempt(backend(None), faults=(("no_anchor", 0),)),
            1,
            ("missing", "CN=Backend CA", False),
            "CN=collector.example.com is a root that is not in /etc/otel/ca.crt",
        ),
        (
            unverified_attempt(
                BACKEND,
                faults=(("no_anchor", 0),),
                target=target(ca_file=""),
                credentials=held_credentials(EXPORTER, ca_bundle=(), system_roots=True),
            ),
            1,
            ("missing", "CN=Backend CA", False),
            "was not sent and is not in the system's roots",
        ),
    ],
)
def test_a_broken_chain_says_where(
    evidence: Evidence, side: int, last: tuple[str, str, bool], words: str
) -> None:
    """The link that does not hold is marked, and stands in the summary in words."""
    _, boxes, summary = drawn(evidence)[side]

    assert boxes[-1] == last
    assert summary.startswith("This chain is broken: ")
    assert words in summary


def test_an_issuer_that_only_the_backend_has_is_no_fault() -> None:
    """A chain that ends below its root is whole where the backend names or accepted the rest."""
    listed = drawn(answered_attempt(credentials=held_credentials(EXPORTER, at_hand=())))
    unlisted = drawn(
        answered_attempt(
            handshake=complete_handshake(acceptable_cas=()),
            credentials=held_credentials(EXPORTER, at_hand=()),
        )
    )

    for (_, boxes, summary), *_ in (listed, unlisted):
        assert boxes[-1] == ("anchor", "CN=Exporter client CA", True)
        assert summary == "Every link holds."


def test_a_certificate_of_the_chain_may_be_the_anchor() -> None:
    """Whatever stands in ca_file ends the path (PARTIAL_CHAIN); roots of the system do as well."""
    self_signed = backend(None)
    credentials = held_credentials(EXPORTER, ca_bundle=(self_signed,))
    pinned = answered_attempt(
        credentials=credentials, handshake=complete_handshake(server_chain=(self_signed,))
    )
    system = answered_attempt(
        credentials=held_credentials(EXPORTER, ca_bundle=(), system_roots=True)
    )

    assert drawn(pinned)[1][1] == [("sent", "CN=collector.example.com", True)]
    assert drawn(system)[1][1][-1] == ("anchor", "CN=Backend CA", True)


def test_what_is_not_valid_now_is_said() -> None:
    """Links may hold while a certificate is over."""
    summary = drawn(refused_attempt(45, exporter(ends=-3)))[0][2]

    assert summary == "Every link holds. Not valid now: CN=checkout: expired 3 days ago."
